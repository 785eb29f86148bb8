"""Named tuples that kernels take by one address."""

from __future__ import annotations

import gc

import numpy as np

from networks import package_network
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.kernels.compiled import called, compiled_entry
from tweeling.physics.kernels.packed import Packed, unpacked
from tweeling.physics.kernels.structure import make_structure
from tweeling.physics.kernels.tables import Compiled, compile_plan


def table() -> Compiled:
    """Tables within a table, with numbers of every kind."""
    plan = make_plan(read_network(package_network("epyt", "Net3")))
    return compile_plan(plan, make_structure(plan, folded=True))


@called
def _write_down(compiled, out):  # type: ignore[no-untyped-def]
    structure, numbers = compiled.structure, compiled.numbers
    out[0] = structure.order.sum()
    out[1] = structure.pair.sum()
    out[2] = structure.plain.sum()
    out[3] = structure.move_to.shape[0]
    out[4] = compiled.links.kind.sum()
    out[5] = compiled.pumps.max_gain.sum()
    out[6] = compiled.elevation.sum()
    out[7] = numbers.n
    out[8] = numbers.darcy
    out[9] = numbers.throttled
    out[10] = numbers.min_gradient
    out[11] = numbers.series.sum()


@compiled_entry
def _both_ways(compiled, out):  # type: ignore[no-untyped-def]
    _write_down(compiled, out[0])
    _write_down(unpacked(compiled), out[1])


def expected(compiled: Compiled) -> list[float]:
    structure, numbers = compiled.structure, compiled.numbers
    return [
        structure.order.sum(), structure.pair.sum(), structure.plain.sum(), len(structure.move_to), compiled.links.kind.sum(),
        compiled.pumps.max_gain.sum(), compiled.elevation.sum(), numbers.n, numbers.darcy, numbers.throttled,
        numbers.min_gradient, numbers.series.sum(),
    ]  # fmt: skip


def test_a_kernel_finds_every_field_packed_or_unpacked() -> None:
    compiled, out = table(), np.empty((2, 12))
    packed = Packed(compiled)
    assert packed.fields is compiled
    for change in (0, 3):  # what is in an array may change
        compiled.structure.order[0] += change
        compiled.elevation[-1] += change
        _both_ways(packed, out)
        np.testing.assert_allclose(out, [expected(compiled)] * 2, rtol=1e-14)


def test_scalars_are_those_of_the_tuple() -> None:
    compiled, out = table(), np.empty((2, 12))
    changed = compiled._replace(numbers=compiled.numbers._replace(n=7, darcy=True, throttled=True, min_gradient=-2.5))
    _both_ways(Packed(changed), out)
    np.testing.assert_array_equal(out[:, 7:11], [[7, 1, 1, -2.5]] * 2)


def test_arrays_live_as_long_as_what_holds_their_addresses() -> None:
    packed, out = Packed(table()), np.empty((2, 12))
    before = expected(packed.fields)
    gc.collect()
    others = [table() for _ in range(3)]  # would take the memory, were it free
    _both_ways(packed, out)
    np.testing.assert_allclose(out, [before] * 2, rtol=1e-14)
    assert len(others) == 3

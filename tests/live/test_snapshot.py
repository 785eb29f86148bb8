"""Snapshots: what went in comes out, bit for bit, and only where it belongs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from contracts.test_store import a_finding
from networks import package_network
from tweeling.errors import SnapshotMismatch
from tweeling.estimate import Estimate
from tweeling.finding import Finding
from tweeling.live.config import TwinConfig
from tweeling.live.snapshot import identity_of, pack, unpack
from tweeling.live.watch import WatchState
from tweeling.network.changes import SetRoughness
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import Sensor, Sensors


@dataclass(frozen=True, eq=False)
class Leaf:
    data: npt.NDArray[Any]
    name: str


@dataclass(frozen=True, eq=False)
class Tree:
    number: int
    size: float
    word: str
    maybe: Leaf | None
    leaves: tuple[Leaf, ...]
    by_name: Mapping[str, Leaf]
    by_place: Mapping[tuple[int, str], float]
    anything: Any
    estimate: Estimate | None = None
    findings: tuple[Finding, ...] = ()


def bits(value: Any) -> Any:
    """A value in a form in which equal means the same bits and kinds."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        order = array.flags.f_contiguous and not array.flags.c_contiguous
        return (type(value).__name__, array.dtype.str, array.shape, order, array.tobytes())
    if is_dataclass(value):
        return (type(value), [(field.name, bits(getattr(value, field.name))) for field in fields(value)])
    if isinstance(value, Mapping):
        return ("map", [(bits(key), bits(item)) for key, item in value.items()])
    if isinstance(value, tuple | list):
        return (type(value), [bits(item) for item in value])
    if isinstance(value, float):
        return (float, value.hex())
    return (type(value), value)


kinds = st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes(), hnp.complex_number_dtypes())
shapes = hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
arrays = hnp.arrays(kinds, shapes).map(lambda array: np.asfortranarray(array) if array.size % 2 else array)
texts = st.text(max_size=5)
numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.none(), texts)
leaves = st.builds(Leaf, arrays, texts)
anything = st.recursive(
    st.one_of(numbers, arrays, leaves, st.floats().map(np.float64), st.integers(-5, 5).map(np.int8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(texts, st.integers()), inner, max_size=3),
    ),
    max_leaves=8,
)
trees = st.builds(
    Tree,
    number=st.integers(),
    size=st.floats(),
    word=texts,
    maybe=st.one_of(st.none(), leaves),
    leaves=st.lists(leaves, max_size=3).map(tuple),
    by_name=st.dictionaries(texts, leaves, max_size=3),
    by_place=st.dictionaries(st.tuples(st.integers(), texts), st.floats(), max_size=3),
    anything=anything,
    estimate=st.one_of(st.none(), st.builds(Estimate, *[st.floats()] * 4, st.just("m"))),
    findings=st.lists(st.integers(1, 9).map(lambda number: a_finding(number, number)), max_size=2).map(tuple),
)


@given(trees)
@settings(max_examples=150, deadline=None)
def test_what_went_in_comes_out_bit_for_bit(tree: Tree) -> None:
    again = unpack(pack(tree, identity="i"), Tree, identity="i")
    assert bits(again) == bits(tree)


def a_tree() -> Tree:
    leaf = Leaf(np.arange(12.0).reshape(3, 4), "a")
    return Tree(1, 2.0, "w", leaf, (leaf,), {"x": leaf}, {(1, "y"): math.nan}, None)


def test_the_bits_of_every_nan_are_kept() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000], dtype=np.uint64).view(np.float64)
    again = unpack(pack(Leaf(odd, ""), identity=""), Leaf, identity="")
    np.testing.assert_array_equal(again.data.view(np.uint64), odd.view(np.uint64))


def test_arrays_come_back_whole_and_writable_whatever_view_they_were() -> None:
    for view in (np.arange(12)[::-3], np.arange(12).reshape(3, 4).T, np.arange(12).reshape(3, 4)[:, ::2], np.zeros((0, 3))):
        again = unpack(pack(Leaf(view, ""), identity=""), Leaf, identity="").data
        np.testing.assert_array_equal(again, view)
        assert again.flags.writeable
        assert again.flags.aligned


def test_a_state_of_the_twin_comes_back() -> None:
    row = Sensor("p", "pressure", "n", "m", 0.02)
    state = WatchState.first(Sensors((row,), np.zeros(1, dtype=np.int64), np.array([0.02]), np.ones(1)))
    assert bits(unpack(pack(state, identity="i"), WatchState, identity="i")) == bits(state)


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        ({"identity": "j", "format": 1}, "identity 'i', wanted is 'j'"),
        ({"identity": "i", "format": 2}, "format 1, wanted is 2"),
    ],
)
def test_another_identity_or_format_is_refused(wanted: dict[str, Any], match: str) -> None:
    with pytest.raises(SnapshotMismatch, match=match):
        unpack(pack(a_tree(), identity="i", format=1), Tree, **wanted)


def test_another_type_is_refused() -> None:
    with pytest.raises(SnapshotMismatch, match="type"):
        unpack(pack(Leaf(np.zeros(1), ""), identity="i"), Tree, identity="i")


def test_a_state_with_other_fields_is_refused_by_name() -> None:
    data = pack(a_tree(), identity="i")

    @dataclass(frozen=True)
    class Other:
        number: int
        extra: int

    Other.__module__, Other.__qualname__ = Tree.__module__, Tree.__qualname__
    with pytest.raises(SnapshotMismatch, match=r"Tree .* differs .* extra"):
        unpack(data, Other, identity="i")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_damage_is_found(data: st.DataObject) -> None:
    packed = bytearray(pack(a_tree(), identity="i"))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SnapshotMismatch):
        unpack(bytes(packed), Tree, identity="i")
    with pytest.raises(SnapshotMismatch):
        unpack(pack(a_tree(), identity="i")[:place], Tree, identity="i")


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize("strange", [object(), {1, 2}, b"bytes", np.array([object()]), Colour.RED, a_tree, a_finding(1, 1)])
def test_what_could_not_be_read_back_is_refused_at_once(strange: Any) -> None:
    @dataclass(frozen=True)
    class Any_:  # noqa: N801
        value: Any

    with pytest.raises(TypeError):
        pack(Any_(strange), identity="i")


def test_an_identity_changes_with_what_moves_the_state_and_with_nothing_else(tmp_path: Path) -> None:
    network = read_network(package_network("epyt", "Net1"))
    sensors = Sensors.of_rows([Sensor("p", "pressure", "10", "m", 0.1)], network)
    config = TwinConfig.model_validate({"network": {"file": "a.inp"}, "sensors": {"file": "s.csv"}, "folder": tmp_path})
    same = identity_of(network, sensors, config)
    moved = TwinConfig.model_validate(
        {
            "name": "other",
            "network": {"file": "b.inp"},
            "sensors": {"file": "t.csv"},
            "store": {"url": "sqlite:///x.db"},
            "service": {"port": 1},
            "time": {"lateness": "1h"},
        }
    )
    assert identity_of(network, sensors, moved) == same
    (tmp_path / "zones.csv").write_text("node,zone\n10,a\n")
    others = [
        identity_of(network, sensors, config, ("leak 10",)),
        identity_of(network.with_changes([SetRoughness("10", 99.0)]), sensors, config),
        identity_of(network, Sensors.of_rows([replace(sensors.rows[0], std=0.2)], network), config),
        identity_of(network, sensors, config.model_copy(update={"ensemble": config.ensemble.model_copy(update={"seed": 2})})),
        identity_of(network, sensors, config.model_copy(update={"time": config.time.model_copy(update={"cycle": 600.0})})),
        identity_of(
            network, sensors, config.model_copy(update={"network": config.network.model_copy(update={"zones": "zones.csv"})})
        ),
    ]
    (tmp_path / "zones.csv").write_text("node,zone\n10,b\n")
    others.append(
        identity_of(
            network, sensors, config.model_copy(update={"network": config.network.model_copy(update={"zones": "zones.csv"})})
        )
    )
    assert len({same, *others}) == 8

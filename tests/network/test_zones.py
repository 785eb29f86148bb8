"""Zones: what hangs together without valves, pumps and closed links; small parts join a neighbour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from networks import Link, make_network, package_network
from tweeling.errors import InputError, TweelingError
from tweeling.network.network import LinkKind, LinkStatus, Network
from tweeling.network.zones import SMALLEST, derive_zones, read_zones


def row_of(count: int, first: int = 0) -> list[Link]:
    """Pipes that string junctions together."""
    return [Link(first + i, first + i + 1) for i in range(count - 1)]


def two_strings(first: int, second: int, *between: Link) -> Network:
    """Two strings of junctions, the first fed by a reservoir, and what lies between them."""
    n = first + second
    links = [Link(n, 0), *row_of(first), *row_of(second, first), *between]
    return make_network(demand=[0.001] * n, heads=[50.0], links=links)


def test_l_town_has_the_three_areas_that_its_makers_describe() -> None:
    town = tw.read_network(package_network("epyt", "L-TOWN"))
    zones = derive_zones(town)
    assert zones.ids == ("zone-1", "zone-2", "zone-3")
    # Area A is 657 junctions and the two above the pressure valves at the reservoirs, which hang on nothing else.
    assert np.bincount(zones.of_junction).tolist() == [659, 92, 31]
    of = {name: int(zones.of_junction[town.node(name)]) for name in ("n54", "n1", "n215", "n300")}
    assert of == {"n54": 0, "n1": 1, "n215": 2, "n300": 0}
    above = [town.links.start[town.link(valve)] for valve in ("PRV-1", "PRV-2")]
    assert [int(zones.of_junction[node]) for node in above if node < town.nodes.n_junctions] == [0] * 2


@pytest.mark.parametrize(
    "between",
    [
        Link(5, 6, LinkKind.PRV, LinkStatus.ACTIVE, setting=20.0),
        Link(5, 6, LinkKind.TCV, LinkStatus.ACTIVE, setting=2.0),
        Link(5, 6, LinkKind.PUMP, power=1000.0),
        Link(5, 6, status=LinkStatus.CLOSED),
    ],
)
def test_a_valve_a_pump_and_a_closed_pipe_each_part_two_zones(between: Link) -> None:
    zones = derive_zones(two_strings(6, 8, between))
    assert zones.of_junction.tolist() == [1] * 6 + [0] * 8  # the larger one is the first


def test_an_open_pipe_joins_and_a_reservoir_does_not() -> None:
    assert len(derive_zones(two_strings(6, 8, Link(5, 6)))) == 1
    # A reservoir that feeds both from one source is no connection: their demands need not move together.
    assert derive_zones(two_strings(6, 8, Link(14, 6))).of_junction.tolist() == [1] * 6 + [0] * 8


def test_a_small_part_joins_the_largest_of_its_neighbours() -> None:
    small = SMALLEST - 1
    n = 6 + small + 9
    valve = {"kind": LinkKind.TCV, "status": LinkStatus.ACTIVE, "setting": 1.0}
    links = [Link(n, 0), *row_of(6), *row_of(small, 6), *row_of(9, 6 + small)]
    links += [Link(5, 6, **valve), Link(6 + small - 1, 6 + small, **valve)]  # type: ignore[arg-type]
    zones = derive_zones(make_network([0.001] * n, [50.0], links))
    assert zones.of_junction.tolist() == [1] * 6 + [0] * (small + 9)


def test_a_small_part_without_a_neighbour_stays_alone() -> None:
    zones = derive_zones(two_strings(6, 2, Link(8, 6)))
    assert zones.of_junction.tolist() == [0] * 6 + [1] * 2


def test_small_parts_in_a_row_grow_together() -> None:
    valve = {"kind": LinkKind.TCV, "status": LinkStatus.ACTIVE, "setting": 1.0}
    links = [Link(6, 0), *(Link(i, i + 1, **valve) for i in range(5))]  # type: ignore[arg-type]
    assert len(derive_zones(make_network([0.001] * 6, [50.0], links))) == 1


def test_every_junction_is_in_exactly_one_zone() -> None:
    zones = derive_zones(tw.read_network(package_network("epyt", "Net3")))
    np.testing.assert_array_equal(zones.membership.sum(axis=1), 1.0)
    np.testing.assert_array_equal(zones.membership.argmax(axis=1), zones.of_junction)


def read(folder: Path, text: str | bytes, network: Network) -> tuple[tuple[str, ...], list[int]]:
    path = folder / "zones.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    zones = read_zones(path, network)
    return zones.ids, zones.of_junction.tolist()


def test_zones_come_from_a_file_in_the_order_of_the_junctions(tmp_path: Path) -> None:
    network = two_strings(2, 2, Link(1, 2))
    text = "\ufeffzone,node,remark\nwest,J3,\neast , J0 ,x\nwest,J1,\neast,J2,\n,R0,\n"
    assert read(tmp_path, text, network) == (("east", "west"), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("node,area\nJ0,1\n", "node,zone"),
        ("", "node,zone"),
        ("node,zone\nJ0,a\nJ1,a\nJ2,a\n", "no zone for 1 junctions, the first is 'J3'"),
        ("node,zone\nJ0,a\nJ1,\nJ2,\nJ3,a\n", "no zone for 2 junctions, the first is 'J1'"),
        ("node,zone\nJ0\nJ1,a\nJ2,a\nJ3,a\n", "no zone for 1 junctions, the first is 'J0'"),
        ("node,zone\nJ0,a\nJ1,a\nJ2,a\nJ3,a\nJ99,a\n", "J99"),
        (b"node,zone\nJ0,\xff\n", "cannot be read"),
    ],
)
def test_a_file_of_zones_that_makes_no_sense_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(TweelingError, match=words):
        read(tmp_path, text, two_strings(2, 2, Link(1, 2)))


def test_a_file_of_zones_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_zones(tmp_path / "none.csv", two_strings(2, 2))

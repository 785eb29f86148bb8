"""Each change does what it says, says what makes no sense, and leaves the network it came from alone."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from alike import differences
from tweeling.errors import InputError, UnknownElementError
from tweeling.network.changes import (
    CHANGES,
    BreakPipe,
    Change,
    CloseLink,
    OpenLink,
    ScaleDemands,
    SetDemand,
    SetEmitter,
    SetLeak,
    SetReservoirHead,
    SetRoughness,
    SetSetting,
    SetTankLevel,
    StopPump,
)
from tweeling.network.network import LinkKind, LinkStatus, Network

NAN = float("nan")
TOWN = """[JUNCTIONS]
A 10 5
B 20
C 10
[RESERVOIRS]
R 100
[TANKS]
T 50 1 0 5 10 0
[PIPES]
main R A 100 100 100
back A B 100 100 100 0.5 CV
side B T 100 100 100
[PUMPS]
lift B C HEAD h
[VALVES]
prv B C 100 PRV 30 0
fcv B C 100 FCV 30 0
pcv B C 100 PCV 30 0
gpv B C 100 GPV h 0
[DEMANDS]
A 3 day ;homes
A 4 ;shops
B 1 day
[PATTERNS]
day 1 2
[CURVES]
h 10 20
[CONTROLS]
LINK main CLOSED IF NODE T ABOVE 4
[RULES]
RULE r
IF TANK T LEVEL < 1
THEN PIPE main STATUS IS OPEN
[VERTICES]
back 10 0
back 10 10
[COORDINATES]
A 0 0
B 0 10
[OPTIONS]
UNITS LPS
[END]
"""


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """A town with one of each."""
    file = tmp_path / "town.inp"
    file.write_text(TOWN)
    return tw.read_network(file)


SENSIBLE: tuple[Change, ...] = (
    CloseLink("main"),
    CloseLink("back"),
    CloseLink("prv"),
    OpenLink("prv"),
    OpenLink("lift"),
    StopPump("lift"),
    SetSetting("lift", 0.8),
    SetSetting("prv", -2.0),
    SetRoughness("main", 90.0),
    SetLeak("main", 3.0, 0.2),
    SetEmitter("A", 0.01),
    SetDemand("A", -0.1),
    ScaleDemands(2.0),
    SetTankLevel("T", 2.0),
    SetReservoirHead("R", 99.0),
    BreakPipe("back", 0.01, 0.3),
)


@pytest.mark.parametrize("change", SENSIBLE, ids=str)
def test_a_changed_network_survives_a_file_and_the_old_one_stays(change: Change, network: Network, tmp_path: Path) -> None:
    before = copy.deepcopy(network)
    changed = network.with_changes([change])
    changed.write(tmp_path / "changed.inp")
    again = tw.read_network(tmp_path / "changed.inp")
    assert list(differences(changed, again)) == []
    assert list(differences(before, network)) == []


def test_every_kind_of_change_has_a_name_and_a_case_here() -> None:
    assert {type(change) for change in SENSIBLE} == set(CHANGES.values())
    for name, kind in CHANGES.items():
        assert name.replace("_", "") == kind.__name__.lower()


@pytest.mark.parametrize(
    ("change", "link", "status", "setting"),
    [
        (CloseLink("main"), "main", LinkStatus.CLOSED, NAN),
        (CloseLink("lift"), "lift", LinkStatus.CLOSED, 0.0),
        (StopPump("lift"), "lift", LinkStatus.CLOSED, 0.0),
        (CloseLink("prv"), "prv", LinkStatus.CLOSED, NAN),
        (OpenLink("prv"), "prv", LinkStatus.OPEN, NAN),
        (SetSetting("prv", 20.0), "prv", LinkStatus.ACTIVE, 20.0),
        (SetSetting("pcv", 20.0), "pcv", LinkStatus.OPEN, 20.0),
        (SetSetting("lift", 1.1), "lift", LinkStatus.OPEN, 1.1),
        (SetSetting("lift", 0.0), "lift", LinkStatus.CLOSED, 0.0),
    ],
)
def test_status_and_setting(change: Change, link: str, status: LinkStatus, setting: float, network: Network) -> None:
    links = change.apply(network).links
    assert links.status[network.link(link)] == status
    np.testing.assert_equal(links.setting[network.link(link)], setting)


def test_a_stopped_pump_starts_at_full_speed_and_a_running_one_keeps_its_own(network: Network) -> None:
    stopped = network.with_changes([StopPump("lift"), OpenLink("lift")])
    faster = network.with_changes([SetSetting("lift", 1.3), OpenLink("lift")])
    link = network.link("lift")
    assert (stopped.links.setting[link], faster.links.setting[link]) == (1.0, 1.3)


def test_a_closed_check_valve_is_a_closed_pipe(network: Network) -> None:
    changed = CloseLink("back").apply(network)
    link = changed.link("back")
    assert (changed.links.kind[link], changed.links.status[link]) == (LinkKind.PIPE, LinkStatus.CLOSED)


def test_a_demand_replaces_all_categories_of_its_junction(network: Network) -> None:
    demands = SetDemand("A", 0.1).apply(network).demands
    assert (demands.junction.tolist(), demands.base.tolist()) == ([0, 1, 2], [0.1, 0.001, 0.0])
    assert (demands.pattern.tolist(), demands.name) == ([0, 0, -1], {})
    assert SetDemand("C", 0.1, "day").apply(network).demands.pattern.tolist() == [0, -1, 0, 0]


def test_demands_scale_everywhere_or_at_some_junctions(network: Network) -> None:
    assert ScaleDemands(2).apply(network).demands.base.tolist() == [0.006, 0.008, 0.002, 0.0]
    assert ScaleDemands(2, ("B",)).apply(network).demands.base.tolist() == [0.003, 0.004, 0.002, 0.0]


def test_values_land_at_their_element(network: Network) -> None:
    changes = [SetRoughness("main", 90), SetLeak("main", 3, 0.2), SetEmitter("B", 0.1), SetTankLevel("T", 2)]
    changed = network.with_changes([*changes, SetReservoirHead("R", 99)])
    assert (changed.links.roughness[0], changed.links.leak_area[0], changed.links.leak_expansion[0]) == (90, 3, 0.2)
    assert changed.nodes.emitter.tolist() == [0, 0.1, 0]
    assert changed.tanks.initial_level.tolist() == [2]
    assert changed.nodes.elevation[network.node("R")] == 99


def test_a_broken_pipe_is_cut_on_its_drawn_line_and_what_pointed_at_tanks_still_does(network: Network) -> None:
    changed = BreakPipe("back", 0.01, fraction=0.5, junction="hole").apply(network)
    links, nodes = changed.links, changed.nodes
    first, hole = changed.link("back"), changed.node("hole")
    last = len(links) - 1
    assert (nodes.n_junctions, hole, changed.node("T")) == (4, 3, 5)
    assert (links.start[first], links.end[first], links.start[last], links.end[last]) == (0, hole, hole, 1)
    assert (links.length[first], links.length[last]) == (50, 50)
    assert (links.kind[first], links.kind[last]) == (LinkKind.CHECK_VALVE_PIPE, LinkKind.PIPE)
    assert (links.minor_loss[first], links.minor_loss[last]) == (0.5, 0)
    assert (nodes.x[hole], nodes.y[hole], nodes.elevation[hole], nodes.emitter[hole]) == (10, 5, 15, 0.01)
    assert {link: points.tolist() for link, points in links.vertices.items()} == {first: [[10, 0]], last: [[10, 10]]}
    assert changed.controls[0].node == changed.rules[0].premises[0].index == changed.tanks.node[0] == changed.node("T")
    assert list(links.ids[:last]) == list(network.links.ids)


def test_a_pipe_can_break_twice(network: Network) -> None:
    changed = network.with_changes([BreakPipe("main", 0.01), BreakPipe("main", 0.01)])
    assert len(set(changed.nodes.ids)) == len(network.nodes) + 2
    assert len(set(changed.links.ids)) == len(network.links) + 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (SetSetting("main", 1.0), "has no setting"),
        (SetSetting("gpv", 1.0), "has no setting"),
        (SetSetting("fcv", -1.0), "at least 0"),
        (SetSetting("pcv", 101.0), "100 %"),
        (SetSetting("prv", NAN), "must be a number"),
        (StopPump("main"), "not a pump"),
        (SetRoughness("lift", 90.0), "not a pipe"),
        (SetRoughness("main", 0.0), "above 0"),
        (SetLeak("main", -1.0), "at least 0"),
        (SetEmitter("T", 1.0), "not a junction"),
        (SetEmitter("A", -1.0), "at least 0"),
        (SetDemand("A", NAN), "must be a number"),
        (SetDemand("A", 1.0, "night"), "no pattern 'night'"),
        (ScaleDemands(-1.0), "at least 0"),
        (SetTankLevel("R", 1.0), "no tank"),
        (SetTankLevel("T", 6.0), "0.0 to 5.0"),
        (SetReservoirHead("T", 1.0), "no reservoir"),
        (BreakPipe("main", 0.1, 1.0), "between 0 and 1"),
        (BreakPipe("main", 0.1, junction="A"), "already"),
        (BreakPipe("prv", 0.1), "not a pipe"),
    ],
    ids=str,
)
def test_nonsense_is_refused_with_its_reason(change: Change, words: str, network: Network) -> None:
    with pytest.raises(InputError, match=words):
        change.apply(network)


def test_an_unknown_element_is_named_with_those_near_it(network: Network) -> None:
    with pytest.raises(UnknownElementError, match="near it: main"):
        CloseLink("mainn").apply(network)

"""What the twin finds in a hidden town: nothing in a healthy one; a leak, a faulty sensor and a repair soon and where they are.

The hidden town differs from the model in roughness, demands, their noise and the sensors' offsets as plants usually do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

import tweeling as tw
from networks import package_network
from tweeling.estimate import Estimate
from tweeling.finding import Finding
from tweeling.inference.assimilation.extended_filter import parts
from tweeling.inference.diagnosis import cases
from tweeling.inference.diagnosis.cases import LEARNING_HOURS
from tweeling.live.advance import CycleInfo, Twin, TwinState, advance
from tweeling.live.batch import Batch
from tweeling.live.store.contract import Action
from tweeling.network.network import Network
from tweeling.network.zones import derive_zones
from tweeling.observation.sensors import Sensor
from tweeling.reading import SECOND, microseconds
from twins import L_TOWN, START, batches_of, before, hidden_town, taken, twin_of

SEED = 3
LEARNT = int(LEARNING_HOURS) + 8
"""Hours in which nothing happens: as many as the twin learns the town for, and some more."""
PIPE, FLOW = "p232", 20 / 3600
HOUR = 3600 * SECOND


def metered_town() -> tuple[Sensor, ...]:
    """The sensors of L-Town, with a meter at every customer of area C."""
    town = tw.read_network(package_network("epyt", "L-TOWN"))
    base = np.bincount(town.demands.junction, town.demands.base, town.nodes.n_junctions)
    customers = np.flatnonzero((derive_zones(town).of_junction == 1) & (base > 0))
    return (*L_TOWN, *(Sensor(f"demand:{town.nodes.ids[i]}", "demand", town.nodes.ids[i], "L/h", 1.0) for i in customers))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    folder = tmp_path_factory.mktemp("town")
    return twin_of(folder, "L-TOWN", metered_town(), sensors={"interval": "5min"}, ensemble={"members": 4})


def world(twin: Twin, hours: int, *events: Mapping[str, Any]) -> list[Batch]:
    return batches_of(twin, hidden_town(twin.network, twin, hours, events, seed=SEED))


@pytest.fixture(scope="module")
def learnt(twin: Twin) -> TwinState:
    """The state after the hours of learning, in which nothing is found."""
    cycles = world(twin, LEARNT + 1)[: LEARNT + 1]  # the first cycle has one reading
    state, _ = taken(twin, before(twin, cycles), cycles)
    return state


def story(twin: Twin, learnt: TwinState, hours: int, *events: Mapping[str, Any]) -> tuple[TwinState, list[CycleInfo]]:
    """What happens next."""
    cycles = world(twin, LEARNT + hours, *events)
    rest = [batch for batch in cycles if batch.end > learnt.end]
    return taken(twin, learnt, rest)


@pytest.fixture(scope="module")
def leaking(twin: Twin, learnt: TwinState) -> tuple[TwinState, list[CycleInfo]]:
    """A leak for eight hours, and eight hours more."""
    leak = {"kind": "leak", "element": PIPE, "flow_m3h": FLOW * 3600, "at": f"{LEARNT}h", "until": f"{LEARNT + 8}h"}
    return story(twin, learnt, 16, leak)


def published(infos: Sequence[CycleInfo], name: str) -> list[Finding]:
    """Every revision of a finding."""
    return [finding for info in infos for finding in info.changed if finding.id == name]


def metres_between(network: Network, one: str, other: str) -> float:
    """Along pipes, from the middle of one to the middle of another."""
    if one == other:
        return 0.0
    links, n = network.links, len(network.nodes)
    ends = [(int(links.start[link]), int(links.end[link]), float(links.length[link])) for link in range(len(links))]
    for place, name in enumerate((one, other)):
        link = network.link(name)
        ends += [(n + place, int(end), float(links.length[link]) / 2) for end in (links.start[link], links.end[link])]
    start, end, length = zip(*ends, strict=True)
    # A sum stands for parallel links, which the two pipes are not; a valve has no length but is no gap either.
    graph = coo_matrix((np.maximum(length, 1e-3), (start, end)), shape=(n + 2, n + 2)).tocsr()
    return float(dijkstra(graph, directed=False, indices=n)[n + 1])


def leak_of(state: TwinState) -> Finding:
    (leak,) = [finding for finding in state.findings if finding.kind == "leak"]
    return leak


def test_in_days_in_which_nothing_happens_nothing_is_found(learnt: TwinState) -> None:
    assert learnt.findings == ()
    assert learnt.diagnosis.cases == ()


def test_nor_in_the_days_after_them(twin: Twin, learnt: TwinState) -> None:
    state, infos = story(twin, learnt, 30)
    assert state.findings == ()
    assert max(info.health["log_odds_wrong"] for info in infos) < 14
    assert state.belief.age == pytest.approx(LEARNT + 31)


def test_a_leak_is_found_within_four_hours(leaking: tuple[TwinState, list[CycleInfo]]) -> None:
    leak = leak_of(leaking[0])
    began = microseconds(START) + LEARNT * HOUR
    assert began < leak.raised <= began + 4 * HOUR
    assert abs(leak.since - began) <= HOUR
    assert [finding.kind for finding in leaking[0].findings] == ["leak"]


def test_its_first_candidate_is_within_300_metres_of_pipe(twin: Twin, leaking: tuple[TwinState, list[CycleInfo]]) -> None:
    for told in published(leaking[1], leak_of(leaking[0]).id):
        assert metres_between(twin.network, told.candidates[0].element, PIPE) <= 300
        chances = [candidate.probability for candidate in told.candidates]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1 + 1e-9
        assert told.subject == "zone-1"


def test_its_size_is_an_interval_that_holds_what_is_lost(leaking: tuple[TwinState, list[CycleInfo]]) -> None:
    sizes = [told.size for told in published(leaking[1][:8], leak_of(leaking[0]).id)]
    for size in sizes:
        assert isinstance(size, Estimate)
        assert (size.unit, size.level) == ("m3/s", 0.9)
        assert size.low < FLOW < size.high
    assert sizes[-1] is not None
    assert abs(sizes[-1].median - FLOW) < 0.25 * FLOW


def test_its_end_closes_the_finding(leaking: tuple[TwinState, list[CycleInfo]]) -> None:
    state, infos = leaking
    leak = leak_of(state)
    ended = microseconds(START) + (LEARNT + 8) * HOUR
    assert leak.closed is not None
    assert ended < leak.closed <= ended + 8 * HOUR
    assert leak.evidence[0].code == "closed"
    assert state.diagnosis.cases == ()
    assert len(state.belief.leak_size) == 0
    revisions = [finding.revision for finding in published(infos, leak.id)]
    assert revisions == list(range(1, len(revisions) + 1))
    assert {finding.raised for finding in published(infos, leak.id)} == {leak.raised}


def test_a_leak_that_a_person_has_confirmed_is_not_over_because_less_of_it_is_seen(twin: Twin, learnt: TwinState) -> None:
    leak = {"kind": "leak", "element": PIPE, "flow_m3h": FLOW * 3600, "at": f"{LEARNT}h"}
    rest = [batch for batch in world(twin, LEARNT + 5, leak) if batch.end > learnt.end]
    state, _ = taken(twin, learnt, rest[:-1])
    (found,) = state.diagnosis.cases
    action = Action(1, state.end, "Jo", "confirm", leak_of(state).id, "seen on site")
    state, _ = advance(twin, state, rest[-1], [action])
    assert [case.confirmed for case in state.diagnosis.cases] == [True]
    assert leak_of(state).verdict == "confirmed"
    place = parts(twin.model)[3].start
    mean, covariance = state.belief.mean.copy(), state.belief.covariance.copy()
    mean[place], covariance[place], covariance[:, place] = 0.0, 0.0, 0.0
    dwindled = replace(state.belief, mean=mean, covariance=covariance)
    assert cases._without_gone(twin.model, state.diagnosis, dwindled)[2] == []
    doubted = replace(state.diagnosis, cases=tuple(replace(case, confirmed=False) for case in state.diagnosis.cases))
    assert [closing.why for closing in cases._without_gone(twin.model, doubted, dwindled)[2]] == ["gone"]
    assert found.number == state.diagnosis.cases[0].number


def test_a_sensor_that_jumps_by_a_metre_is_called_a_sensor(twin: Twin, learnt: TwinState) -> None:
    name = "pressure:n410"
    state, infos = story(twin, learnt, 4, {"kind": "offset", "sensor": name, "m": 1.0, "at": f"{LEARNT}h"})
    (finding,) = state.findings
    assert (finding.kind, finding.subject, finding.size) == ("sensor", name, None)
    assert finding.candidates[0].element == name
    assert finding.evidence[1].sensor == name
    assert finding.evidence[1].text["en"].endswith("higher than expected.")
    # What the others say of its node is believed, so the node's pressure does not follow the sensor.
    node, place = twin.network.node("n410"), twin.sensors.index[name]
    last = infos[-1]
    assert last.estimates["pressure"][2, node] < last.expected[-1, 0, place] + 0.6


def test_demand_that_grows_everywhere_is_no_large_leak_and_no_sensor(twin: Twin, learnt: TwinState) -> None:
    state, _ = story(twin, learnt, 8, {"kind": "demand", "element": "all", "factor": 1.15, "at": f"{LEARNT}h"})
    # Behind PRV-3 hangs one sensor, and to that a little more demand is a small leak.
    sizes = [finding.size.median for finding in state.findings if finding.size]
    assert all(size < 5 / 3600 for size in sizes)
    assert [finding.subject for finding in state.findings if finding.kind == "sensor"] == []

"""Signatures against the hidden town: what a cause does there is what the library says it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plant.towns import QUIET, read_town
from tweeling.finding import CAUSES
from tweeling.inference.diagnosis.library import Library, _paired, supply, with_repairs
from tweeling.inference.ensemble import CENTRAL
from tweeling.live.advance import Twin, make_twin
from tweeling.network.network import Floats
from tweeling.observation.sensors import Sensor
from tweeling.physics.hydraulics.run import simulate
from tweeling.physics.hydraulics.steady import solve
from twins import L_TOWN, hidden_town, make_folder, twin_of

HANOI = tuple(Sensor(f"p{node}", "pressure", node, "m", 0.05) for node in ("13", "22", "30"))
PIPE, FLOW = "p232", 20 / 3600
HOURS = (3, 9, 13, 20, 22)
"""Night, day with the pump at rest, and evening with the pump running."""


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return twin_of(tmp_path_factory.mktemp("town"), "L-TOWN", L_TOWN, sensors={"interval": "1h"}, ensemble={"members": 2})


def cause(library: Library, kind: str, element: str) -> int:
    """Its column in the library."""
    (found,) = [
        place
        for place, (name, row) in enumerate(zip(library.element, library.kind, strict=True))
        if name == element and library.kinds[row].cause == kind
    ][:1]
    return found


def rows_of(twin: Twin, values: Floats) -> Floats:
    """Readings as rows that are compared; the balance of a tank, which has no reading, is 0."""
    compared = twin.model.compared
    return np.where(compared.balance >= 0, 0.0, values[..., compared.sensor])


def changes(twin: Twin, event: dict[str, Any]) -> Floats:
    """What an event from the first hour on does to the rows, hour by hour; (hour, row)."""
    events = [{"at": "0h"} | event]
    caused, plain = (hidden_town(twin.network, twin, 24, e, **QUIET) for e in (events, []))
    return rows_of(twin, caused.values) - rows_of(twin, plain.values)


def shares(twin: Twin) -> Floats:
    """How far the town is from low to high at each hour of the model's own day."""
    run = simulate(twin.network, hours=24)
    links, reservoirs = twin.network.links, twin.network.reservoirs.node
    out = np.isin(links.start, reservoirs).astype(float) - np.isin(links.end, reservoirs)
    at = [int(np.flatnonzero(run.times == hour * 3600)[0]) for hour in range(24)]
    return np.array([twin.library.share_of_high(float(run.flow[0, step] @ out)) for step in at])


def signature(twin: Twin, column: int, share: float) -> Floats:
    n = len(twin.model.compared)
    both = twin.library.signature[:, column]
    return np.asarray(both[:n] * (1 - share) + both[n:] * share)


def test_a_leak_does_what_its_signature_says_by_night_by_day_and_when_the_pump_runs(twin: Twin) -> None:
    found = changes(twin, {"kind": "leak", "element": PIPE, "flow_m3h": FLOW * 3600})
    share, column = shares(twin), cause(twin.library, "leak", PIPE)
    pressure = np.array([twin.sensors.rows[i].quantity == "pressure" for i in twin.model.compared.sensor])
    for hour in HOURS:
        told = signature(twin, column, share[hour]) * FLOW
        clear = pressure & (np.abs(found[hour]) > 0.3 * np.abs(found[hour, pressure]).max())
        # Signatures are straight lines between two moments, so they hold to some per cent; by night a leak is a third of
        # most of what flows.
        np.testing.assert_allclose(told[clear] / found[hour, clear], 1.0, atol=0.35 if hour < 6 else 0.15)
        inflow = [i for i, s in enumerate(twin.model.compared.sensor) if twin.sensors.rows[s].element in ("p227", "p235")]
        np.testing.assert_allclose(told[inflow].sum(), found[hour, inflow].sum(), rtol=0.02)
        np.testing.assert_allclose(found[hour, inflow].sum(), FLOW, rtol=0.05)


def test_what_pressure_a_valve_holds_does_what_its_signature_says(twin: Twin) -> None:
    valve = "PRV-3"
    (column,) = [
        i for i, name in enumerate(twin.library.element) if name == valve and twin.library.centre[i] == 0.0
    ]  # its closing is another cause
    setting = float(twin.network.links.setting[twin.network.link(valve)])
    found = changes(twin, {"kind": "setting", "element": valve, "setting": setting + 1.0})
    share = shares(twin)
    for hour in HOURS:
        told = signature(twin, column, share[hour])
        np.testing.assert_allclose(told, found[hour], atol=0.03)
        assert found[hour].max() > 0.9


def test_a_sensor_moves_its_own_row_and_no_other(twin: Twin) -> None:
    compared = twin.model.compared
    for row, sensor in enumerate(compared.sensor):
        name = twin.sensors.ids[sensor]
        if compared.balance[row] >= 0:
            assert name not in twin.library.element
            continue
        column = twin.library.signature[:, cause(twin.library, "sensor", name)]
        np.testing.assert_array_equal(column, np.tile(np.eye(len(compared))[row], 2))


def test_every_open_pipe_is_a_suspect_and_the_rates_are_those_of_the_whole_town(twin: Twin) -> None:
    library = twin.library
    of = np.array([library.kinds[k].cause for k in library.kind])
    assert set(of) <= set(CAUSES)
    leaks = of == "leak"
    pipes = twin.network.links.ids
    assert [pipes[pipe] for pipe in library.pipe[leaks]] == [library.element[i] for i in np.flatnonzero(leaks)]
    assert len(set(library.pipe[leaks])) == leaks.sum() > 900 - 10
    assert (library.pipe[~leaks] == -1).all()
    # Longer pipes leak more often.
    length = twin.network.links.length[library.pipe[leaks]]
    np.testing.assert_allclose(library.rate[leaks] / library.rate[leaks].sum(), length / length.sum(), rtol=1e-9)
    assert np.isfinite(library.signature).all()
    assert (library.rate > 0).all()
    assert (library.sd > 0).all()


def test_the_end_of_a_leak_is_the_leak_turned_round(twin: Twin) -> None:
    one = twin.library.signature[:, cause(twin.library, "leak", PIPE)]
    longer = with_repairs(twin.library, [one], [FLOW])
    assert len(longer.kind) == len(twin.library.kind) + 1
    np.testing.assert_array_equal(longer.signature[:, -1], -one)
    assert longer.kinds[longer.kind[-1]].cause == "repair"
    assert longer.centre[-1] == FLOW
    assert longer.coarse[-1] == len(longer.kind) - 1
    assert with_repairs(twin.library, [], []) is twin.library


def test_a_town_is_driven_by_what_its_reservoirs_give(twin: Twin) -> None:
    state = solve(twin.network)
    given = supply(twin.network, state.solution.flows)[CENTRAL]
    tank = twin.network.node("T1")
    filling = state.flow[0, twin.network.links.end == tank].sum() - state.flow[0, twin.network.links.start == tank].sum()
    np.testing.assert_allclose(given, state.demand[0].sum() + filling, rtol=1e-6)


def test_a_town_without_a_day_of_its_own_is_looked_at_at_half_its_demand_too(tmp_path: Path) -> None:
    flat = twin_of(tmp_path, "Hanoi", HANOI, ensemble={"members": 2})
    assert flat.library.low < 0.6 * flat.library.high
    assert np.isfinite(flat.library.signature).all()
    assert flat.library.share_of_high(flat.library.high) == 1.0


def test_what_can_close_by_day_and_not_by_night_is_a_suspect_all_the_same(tmp_path: Path) -> None:
    """A town in which what is open differs between the two hours that the library looks at."""
    read_town(tmp_path)
    hung = [Sensor(f"p-{node}", "pressure", node, "m", 0.05) for node in ("mill", "hill", "dale")]
    town = make_twin(make_folder(tmp_path / "twin", tmp_path / "town.inp", hung))
    causes = [(town.library.kinds[kind], name) for kind, name in zip(town.library.kind, town.library.element, strict=True)]
    assert len(set(causes)) == len(causes)
    assert np.isfinite(town.library.signature).all()
    assert town.library.signature.shape == (2 * len(town.model.compared), len(causes))


def test_signatures_of_two_hours_are_paired_by_cause(twin: Twin) -> None:
    kind, other = twin.library.kinds[:2]
    night, day = np.array([1.0]), np.array([2.0])
    low = [(kind, "a", night, 1.0), (other, "b", night, 1.0)]
    high = [(other, "b", day, 1.0), (kind, "c", day, 1.0), (kind, "a", day, 1.0)]
    found = {(one[0], one[1]): (one[2][0], two[2][0]) for one, two in _paired(low, high)}
    assert found == {(kind, "a"): (1.0, 2.0), (other, "b"): (1.0, 2.0), (kind, "c"): (2.0, 2.0)}

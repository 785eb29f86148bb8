"""Faults of sensors, from their beginning to their end and not a reading longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plant.towns import QUIET, read_town, world
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.plant.run import simulate_plant

HOURS = 120
"""More than a piece, so that a fault goes on from one to the next."""


def town(tmp_path: Path) -> tuple[Network, Sensors]:
    network = read_town(tmp_path)
    rows = [
        Sensor("p", "pressure", "mill", "kPa", 0.2),
        Sensor("q", "flow", "main", "m3/h", 0.1),
        Sensor("other", "pressure", "hill", "m", 0.02),
    ]
    return network, Sensors.of_rows(rows, network)


FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "drift": ({"sensor": "p", "m_per_day": 0.24}, lambda hours, held: 0.01 * 9.80665 * hours),
    "drift in its own unit": ({"sensor": "q", "per_day": -24.0}, lambda hours, held: -hours),
    "offset": ({"sensor": "p", "m": -1.5}, lambda hours, held: -1.5 * 9.80665 + 0 * hours),
    "offset in its own unit": ({"sensor": "q", "size": 3.0}, lambda hours, held: 3.0 + 0 * hours),
    "spike": ({"sensor": "p", "m": 7.0}, lambda hours, held: 7.0 * 9.80665 + 0 * hours),
    "gap": ({"sensor": "p"}, lambda hours, held: np.nan * hours),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(("begin", "end"), [(2, 5), (90, 110), (96, 100), (0, 3), (100, None)])
def test_a_fault_lasts_from_its_beginning_to_its_end(name: str, begin: int, end: int | None, tmp_path: Path) -> None:
    keys, wrong = FAULTS[name]
    network, sensors = town(tmp_path)
    event = {"kind": name.split()[0], "at": f"{begin}h"} | keys | ({} if end is None else {"until": f"{end}h"})
    run = simulate_plant(network, sensors, world([event], hours=HOURS))
    right = simulate_plant(network, sensors, world(hours=HOURS))
    column = sensors.index[keys["sensor"]]
    last = end or (begin + 1 if name == "spike" else HOURS)
    expected = right.readings.copy()
    expected[begin:last, column] += wrong(np.arange(last - begin), None)
    np.testing.assert_allclose(run.readings, expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(run.exact, right.exact)


@pytest.mark.parametrize("begin", [0, 5, 96])
def test_a_stuck_sensor_repeats_the_last_reading_before(begin: int, tmp_path: Path) -> None:
    network, sensors = town(tmp_path)
    truth = QUIET | {"demand_noise_sd": 0.4, "noise": True}
    event = {"kind": "stuck", "sensor": "p", "at": f"{begin}h", "until": f"{begin + 20}h"}
    run = simulate_plant(network, sensors, world([event], hours=HOURS, truth=truth))
    right = simulate_plant(network, sensors, world(hours=HOURS, truth=truth))
    expected = right.readings.copy()
    expected[begin : begin + 20, 0] = expected[max(begin - 1, 0), 0]
    np.testing.assert_array_equal(run.readings, expected)
    assert len(np.unique(right.readings[:20, 0])) > 5


def test_values_are_the_readings_in_si(tmp_path: Path) -> None:
    network, sensors = town(tmp_path)
    run = simulate_plant(network, sensors, world())
    np.testing.assert_allclose(run.readings[:, 0], run.exact[:, 0] * 9.80665)
    np.testing.assert_allclose(run.readings[:, 1], run.exact[:, 1] * 3600)
    np.testing.assert_allclose(run.values, run.exact)

"""Scores against their definitions: sums over pairs, quantiles, and forecasts whose score is known."""

from __future__ import annotations

import numpy as np
import pytest

from fake_twin import START, fake_network
from tweeling.live.scorecard import Score, as_document, crps, first_score, quantities_of, scored
from tweeling.network.network import Floats
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.reading import SECOND

HOUR = 3600 * SECOND


@pytest.fixture(scope="module")
def sensors() -> Sensors:
    rows = [Sensor(f"p{node}", "pressure", f"J{node}", "m", 0.01) for node in range(3)]
    return Sensors.of_rows([*rows, Sensor("q0", "flow", "L0", "m3/h", 0.1)], fake_network())


def test_the_crps_is_what_its_definition_says() -> None:
    rng = np.random.default_rng(1)
    members, truth = rng.normal(size=(7, 20)), rng.normal(size=20)
    n = len(members)
    for reading in range(20):
        x = members[:, reading]
        away = np.abs(x - truth[reading]).mean()
        apart = np.abs(x[:, None] - x[None]).sum() / (2 * n * (n - 1))  # fair: pairs of different members
        found = crps(np.sort(x)[:, None], truth[reading : reading + 1])
        np.testing.assert_allclose(found, away - apart, rtol=1e-12)


def test_the_crps_of_a_normal_forecast_is_that_of_the_closed_form_however_few_members() -> None:
    rng = np.random.default_rng(2)
    closed = 1 / np.sqrt(np.pi)  # of N(0, 1) for readings from N(0, 1): (2 / sqrt(2 pi)) (sqrt(2) - 1 / sqrt(2)), as an average
    for n in (2, 10):
        members = np.sort(rng.standard_normal((n, 200_000)), axis=0)
        np.testing.assert_allclose(crps(members, rng.standard_normal(200_000)).mean(), closed, atol=0.01)


def step(score: Score, sensors: Sensors, members: Floats, truth: Floats, number: int = 0) -> Score:
    span = (START + number * HOUR, START + (number + 1) * HOUR)
    return scored(score, sensors, [1, 3], members, np.zeros(truth.shape), truth, span)


def test_an_honest_ensemble_is_covered_as_often_as_it_says(sensors: Sensors) -> None:
    rng = np.random.default_rng(3)
    score = first_score(sensors, [1, 3])
    for number in range(20):
        middle, scale = rng.normal(size=(1, 50, 4)), np.array([1, 2, 1, 0.01])
        members = middle + scale * rng.standard_normal((200, 50, 4))
        truth = (middle + scale * rng.standard_normal((1, 50, 4)))[0]
        score = step(score, sensors, members, truth, number)
    document = as_document(score, sensors, [1, 3], [], [0.1, 0.2, 0.3])
    for quantity, scale in (("pressure", 2.0), ("flow", 0.01)):
        scores = document["withheld"][quantity]
        assert scores["n"] == 1000
        # Of 1,000 readings the standard error of a share of 0.9 is 0.01, of 0.5 0.016.
        assert scores["coverage90"] == pytest.approx(0.9, abs=0.05)
        assert scores["coverage50"] == pytest.approx(0.5, abs=0.07)
        assert scores["rmse"] == pytest.approx(scale, rel=0.1)
        assert scores["crps"] == pytest.approx(scale / np.sqrt(np.pi), rel=0.1)
    assert document["withheld"]["pressure"]["rmse_open_loop"] == pytest.approx(np.sqrt(1 + 4), rel=0.1)
    assert document["from"] == "2018-01-01T00:00:00Z"
    assert document["to"] == "2018-01-01T20:00:00Z"
    assert document["seconds_per_cycle"] == {"median": 0.2, "p95": pytest.approx(0.29)}


def test_readings_and_forecasts_without_a_number_do_not_count(sensors: Sensors) -> None:
    members, truth = np.zeros((5, 4, 4)), np.ones((4, 4))
    truth[0, 1] = np.nan
    members[2, 1, 1] = np.nan
    score = step(first_score(sensors, [1, 3]), sensors, members, truth)
    assert score.sums[:, 0].tolist() == [4, 2]  # flow, pressure
    assert np.isfinite(score.sums).all()


def test_before_anything_was_scored_there_is_no_score(sensors: Sensors) -> None:
    document = as_document(first_score(sensors, []), sensors, [], [], [])
    assert document["withheld"] == {}
    assert document["alarms_per_day"] == 0.0
    assert document["seconds_per_cycle"] == {"median": None, "p95": None}
    assert document["from"] is document["to"] is None
    assert quantities_of(sensors, [0, 3, 1]) == ("flow", "pressure")

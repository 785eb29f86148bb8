"""A cycle forecast and analysed: linearised as the engine answers, and drawn to what was read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tweeling as tw
from networks import package_network
from tweeling.inference.assimilation.extended_filter import Belief, assimilate, first_belief, parts, with_leak
from tweeling.inference.diagnosis.cases import first_diagnosis
from tweeling.inference.ensemble import CENTRAL, FIRST, OPEN, Draws, Members, Places, draw, first_track, members_of
from tweeling.inference.forecast import Forecast, analyse, forecast
from tweeling.inference.hour import begin, seen
from tweeling.inference.model import Doubts, Model, make_model
from tweeling.network.network import Floats
from tweeling.network.zones import derive_zones
from tweeling.observation.sensors import Sensors
from tweeling.physics.hydraulics.steady import default_engine
from twins import NET3

HOUR = 3600
STEPS = 2
HIDDEN, SEEN = 3, [0, 1, 2, 4, 5]
"""Of the pressures."""


@pytest.fixture(scope="module")
def model() -> Model:
    network = tw.read_network(package_network("epyt", "Net3"))
    sensors = Sensors.of_rows(NET3, network)
    zones, hidden = derive_zones(network), np.array([HIDDEN])
    return make_model(network, sensors, zones, Doubts(), withheld=hidden, interval=900, epoch=0, engine=default_engine())


@pytest.fixture(scope="module")
def draws(model: Model) -> Draws:
    return draw(model, 8, 1)


@pytest.fixture(scope="module")
def places(model: Model) -> Places:
    return Places(np.array([model.network.link(name) for name in ("111", "229")]), np.array([0.7, 0.3]))


@pytest.fixture(scope="module")
def belief(model: Model) -> Belief:
    """A belief with a leak."""
    first = first_belief(model)
    return with_leak(first, np.zeros(len(first.mean)), 0.01, 0.002)


def nothing(model: Model) -> Floats:
    value = np.full((STEPS, len(model.sensors)), np.nan)
    value[:, model.level] = [3.0, 8.0]
    return value


def everything(model: Model) -> Floats:
    """A reading of every head, and of both pumps that they run."""
    value = nothing(model)
    value[:, :6], value[:, 6:8] = 30.0, 0.1
    return value


def passed(model: Model, draws: Draws, places: Places, belief: Belief, value: Floats) -> tuple[Members, Forecast]:
    members = members_of(model, belief, draws, [places])
    track = first_track(model, len(members.unknown), 2 * HOUR)
    return members, forecast(model, track, members, [places], value, 0.5, (1, 0, 1))[1]


def central_rows(model: Model, draws: Draws, places: Places, belief: Belief) -> Floats:
    """What is read in the central run at the first step; later a tank without a sensor has moved."""
    members = members_of(model, belief, draws, [places])
    track = first_track(model, len(members.unknown), 2 * HOUR)
    found = forecast(model, track, members, [places], everything(model)[:1], 0.0, (1, 0, 1))[1]
    return found.read[CENTRAL, 0, model.compared.sensor]


def test_derivatives_by_the_unknowns_are_those_of_the_central_run(
    model: Model, draws: Draws, places: Places, belief: Belief
) -> None:
    _, found = passed(model, draws, places, belief, everything(model)[:1])
    rows = model.compared.balance < 0
    zone, direction, offset, leak = parts(model)
    for unknown in (zone.start, direction.start, direction.stop - 1, offset.start, offset.stop - 1, leak.start):
        span = 1e-4 if unknown < leak.start else 1e-5
        ends = []
        for sign in (-1, 1):
            mean = belief.mean.copy()
            mean[unknown] += sign * span
            ends.append(central_rows(model, draws, places, replace(belief, mean=mean)))
        wanted = (ends[1] - ends[0]) / (2 * span)
        scale = np.abs(found.linear.unknown[rows, unknown]).max()
        np.testing.assert_allclose(found.linear.unknown[rows, unknown], wanted[rows], atol=0.01 * scale)
        assert scale > 0.01


def mean_surprise(model: Model, found: Forecast) -> Floats:
    """Over the cycle, as an hour of its own has it."""
    return seen(begin(model, first_belief(model), first_diagnosis(model), 0), found).surprise


def test_surprises_are_what_was_read_less_what_the_central_run_and_its_offsets_say(
    model: Model, draws: Draws, places: Places, belief: Belief
) -> None:
    mean = belief.mean.copy()
    mean[parts(model)[2]] = 0.3
    value = nothing(model)
    value[0, 0], value[1, 0], value[1, 1] = 30.0, 31.0, 29.0
    members, found = passed(model, draws, places, replace(belief, mean=mean), value)
    read, surprise = found.read[CENTRAL], mean_surprise(model, found)
    np.testing.assert_allclose(surprise[0], np.mean([30.0 - read[0, 0], 31.0 - read[1, 0]]))
    np.testing.assert_allclose(surprise[1], 29.0 - read[1, 1])
    assert np.isnan(surprise[2:6]).all()
    assert found.read.shape == (len(members.unknown), STEPS, len(NET3))
    assert (members.offset[CENTRAL, model.compared.sensor[:2]] == 0.3).all()


def test_one_place_alone_leaves_no_blur_but_that_of_its_signature(
    model: Model, draws: Draws, places: Places, belief: Belief
) -> None:
    value = nothing(model)
    sure = Places(places.pipe[:1], np.ones(1))
    _, one = passed(model, draws, sure, belief, value)
    signature = one.linear.unknown[:, -1] * belief.mean[-1]
    sensors = model.compared.sensor
    flows = np.array([model.sensors.rows[sensor].quantity == "flow" for sensor in sensors])

    def misfit(found: Forecast) -> Floats:  # and what a model cannot know of how flows split: a hundredth of each
        return np.diag(np.where(flows, (0.01 * found.read[CENTRAL, STEPS // 2, sensors]) ** 2, 0.0))

    np.testing.assert_allclose(one.linear.blur, np.diag((0.1 * signature) ** 2) + misfit(one), atol=1e-15)
    _, two = passed(model, draws, places, belief, value)
    assert np.linalg.eigvalsh(two.linear.blur).min() > -1e-12
    # Two places: the spread of what they show around its mean, by the definition of a covariance.
    apart = two.linear.blur - misfit(two) - np.diag((0.1 * two.linear.unknown[:, -1] * belief.mean[-1]) ** 2)
    values, vectors = np.linalg.eigh(apart)
    assert values[-1] > 100 * abs(values[-2])  # of two places there is one direction
    assert np.isfinite(vectors).all()


def learnt_from(model: Model, belief: Belief, found: Forecast) -> Belief:
    """What is believed once the surprise is assimilated."""
    carry = np.ones(len(belief.mean))
    return assimilate(model, belief, found.linear, mean_surprise(model, found), carry, STEPS, fixed=False)[0]


@pytest.fixture(scope="module")
def analysed(model: Model, draws: Draws, places: Places, belief: Belief) -> tuple[Forecast, Floats, Floats, Belief]:
    """A forecast, what was read, what is believed that sensors read, and the belief after it."""
    members, plain = passed(model, draws, places, belief, nothing(model))
    value = nothing(model)
    value[:, SEEN] = plain.read[CENTRAL][:, SEEN] + np.array([0.5, 0.4, 0.3, 0.4, 0.3])
    members, found = passed(model, draws, places, belief, value)
    after, _ = assimilate(
        model, belief, found.linear, mean_surprise(model, found), np.ones(len(belief.mean)), STEPS, fixed=False
    )
    believed = members_of(model, after, draws, [places])
    analysis = analyse(model, found, members, believed, after, value, 0.5, (1, 0, 2))
    return found, value, analysis.read, after


def test_an_analysis_lies_nearer_to_what_was_read_and_the_open_run_stays(
    analysed: tuple[Forecast, Floats, Floats, Belief], model: Model
) -> None:
    found, value, read, _ = analysed
    before = np.abs(value[:, SEEN] - found.read[CENTRAL][:, SEEN])
    assert (np.abs(value[:, SEEN] - read[CENTRAL][:, SEEN]) < 0.5 * before).all()
    spread_before, spread = (table[FIRST:][:, :, SEEN].std(axis=0) for table in (found.read, read))
    assert (spread < spread_before).all()
    np.testing.assert_array_equal(read[OPEN], found.read[OPEN])


@pytest.mark.parametrize(("noise_sd", "share"), [(0.0, 0.95), (0.5, 0.65)])
def test_a_sensor_that_is_withheld_comes_nearer_to_the_truth_too(
    model: Model, draws: Draws, places: Places, belief: Belief, noise_sd: float, share: float
) -> None:
    members, plain = passed(model, draws, places, belief, nothing(model))
    assert model.scored.sensor.tolist() == [HIDDEN]
    errors = []
    for truth in range(FIRST, len(plain.read)):  # each member in turn is the truth; without its offsets, which are its own
        exact = plain.read[truth] - members.offset[truth]
        value = nothing(model)
        value[:, SEEN] = exact[:, SEEN]
        _, found = passed(model, draws, places, belief, value)
        after, _ = assimilate(
            model, belief, found.linear, mean_surprise(model, found), np.ones(len(belief.mean)), STEPS, fixed=False
        )
        believed = members_of(model, after, draws, [places])
        read = analyse(model, found, members, believed, after, value, noise_sd, (1, 0, 2)).read[CENTRAL]
        errors.append([found.read[CENTRAL, :, HIDDEN] - exact[:, HIDDEN], read[:, HIDDEN] - exact[:, HIDDEN]])
    before, after_it = np.sqrt((np.array(errors) ** 2).mean(axis=(0, 2)))
    # Without noise of single demands only what is learnt of zones and directions helps, and here most is noise.
    assert after_it < share * before

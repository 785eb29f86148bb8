"""An extended Kalman filter on exact sensitivities: zone factors, directions of the fixed unknowns, sensor offsets, leaks.

The mean steers a central run of the nonlinear model; the covariance follows the linearised one. Members are drawn from both
(`inference/ensemble.py`), so they need no perturbed observations and no localisation, and an ensemble of a hundred is as well
calibrated as the linearisation (an ensemble smoother without localisation needs a thousand members for that on L-Town).

    zone factor   a(t+1) = profile(t+1) + f (a(t) - profile(t)) + w      the profile by hour of day is learnt by smoothing
    directions    x(t+1) = x(t)
    offsets       b(t+1) = b(t) + w                                       a sensor moves a centimetre a week
    leaks         q(t+1) = q(t) + w                                       one for each leak that was found and is still open

    surprise      v = y - h(x),  S = H P H' + R
    R             instrument + noise of single demands through the sensitivities, each row scaled by what its surprises were,
                  + what is not known of the places of leaks
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tweeling.inference.model import Model, instrument_variance, nodal_noise
from tweeling.network.network import Bools, Floats

MEMORY_HOURS = 48.0
"""How long a deviation of a zone's demand lasts."""
OFFSET_WALK = 0.01**2 / (7 * 24)
"""m2 an hour."""
DIRECTION_WALK = 1e-5
"""Of a direction's variance an hour: pipes and customers change slowly."""
LEAK_WALK = 0.25
"""How much a leak's variance grows a day, as a share of the square of its size."""
PROFILE_DAYS = 14.0
"""Days that a profile remembers."""
LEARNING = 0.02
"""How fast the scales of noise follow the surprises, per hour."""
SCALES = (0.02, 25.0)
"""Bounds on the scale of a row's noise variance."""
WANDER = (0.01, 0.5)
"""Bounds on the sd of a zone's log factor around its profile."""
ORDINARY = 4.0
"""A surprise whose mean square, in its own standard deviations, is above this counts as noisier than usual."""
LASTING = 0.3
"""Share of the noise variance of single demands that an hour's mean keeps."""


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed, and how noisy the world has been.

    Args:
        mean: zones, directions, offsets of rows that may have one, leaks (m3/s); (unknown,).
        covariance: (unknown, unknown).
        leak_size: what each leak was thought to lose when it was found, m3/s; (leak,).
        profile: log factor of a zone by hour of day; (zone, 24).
        visits: hours that each entry has been learnt from; (zone, 24).
        wander: sd of a zone's log factor around its profile; (zone,).
        scale: of a row's noise variance; (row,).
        age: hours of readings so far.
    """

    mean: Floats
    covariance: Floats
    leak_size: Floats
    profile: Floats
    visits: Floats
    wander: Floats
    scale: Floats
    age: float


@dataclass(frozen=True, eq=False)
class Linearisation:
    """How rows follow from the unknowns around a state.

    Args:
        unknown: derivatives by the unknowns; (row, unknown).
        demand: by demands; (row, junction).
        expected: demand of junctions that noise multiplies, m3/s, 0 for those that are metered; (junction,).
        blur: covariance for what the model cannot know: at which of its candidates a leak is, how flows split; (row, row).
    """

    unknown: Floats
    demand: Floats
    expected: Floats
    blur: Floats


@dataclass(frozen=True, eq=False)
class Update:
    """What an assimilation did; diagnosis follows its footsteps.

    Args:
        rows: those that had a reading; (row,).
        surprise: before the update, 0 where there was none; (row,).
        observed: derivatives by the unknowns, 0 where there was no reading; (row, unknown).
        precision: inverse covariance of the surprise, 0 where there was none; (row, row).
        gain: (unknown, row).
        carry: what the next prediction multiplies each unknown by; (unknown,).
    """

    rows: Bools
    surprise: Floats
    observed: Floats
    precision: Floats
    gain: Floats
    carry: Floats


def parts(model: Model) -> tuple[slice, slice, slice, slice]:
    """Where zones, directions, offsets and leaks stand among the unknowns."""
    edges = np.cumsum([0, len(model.zones), len(model.directions), int(model.compared.offset.sum())]).tolist()
    return slice(0, edges[1]), slice(edges[1], edges[2]), slice(edges[2], edges[3]), slice(edges[3], None)


def first_belief(model: Model) -> Belief:
    """What is believed before anything is measured."""
    doubts = model.doubts
    sd = np.sqrt(np.log1p(doubts.zone_factor_sd**2))
    zone, direction, offset, leak = parts(model)
    variance = np.empty(leak.start)
    variance[zone], variance[direction], variance[offset] = sd**2, 1.0, doubts.sensor_offset_sd**2
    return Belief(
        mean=np.zeros(len(variance)),
        covariance=np.diag(variance),
        leak_size=np.zeros(0),
        profile=np.zeros((len(model.zones), 24)),
        visits=np.zeros((len(model.zones), 24)),
        wander=np.full(len(model.zones), np.clip(sd, *WANDER)),
        scale=np.ones(len(model.compared)),
        age=0.0,
    )


def predict(model: Model, belief: Belief, hours: float, hour_before: int, hour_now: int) -> tuple[Belief, Floats]:
    """What is believed of the next cycle before its readings.

    Args:
        model: the twin.
        belief: after the last cycle.
        hours: that pass.
        hour_before, hour_now: of the day, of the last and of the next cycle.

    Returns:
        The belief, and what each unknown was multiplied by; (unknown,).
    """
    zone, direction, offset, leak = parts(model)
    keep = np.exp(-hours / MEMORY_HOURS)
    carry = np.ones(len(belief.mean))
    carry[zone] = keep
    mean = belief.mean.copy()
    mean[zone] = belief.profile[:, hour_now] + keep * (mean[zone] - belief.profile[:, hour_before])
    walk = np.empty(len(mean))
    walk[zone] = belief.wander**2 * (1 - keep**2)
    walk[direction], walk[offset] = DIRECTION_WALK * hours, OFFSET_WALK * hours
    walk[leak] = LEAK_WALK * np.maximum(belief.leak_size, mean[leak]) ** 2 * hours / 24
    covariance = carry[:, None] * belief.covariance * carry + np.diag(walk)
    return replace(belief, mean=mean, covariance=covariance), carry


def noise(model: Model, belief: Belief, linear: Linearisation, steps: int) -> Floats:
    """Covariance R of a cycle's mean surprise; (row, row)."""
    share = LASTING + (1 - LASTING) / steps
    nodal = nodal_noise(linear.demand, linear.expected, model.doubts.demand_noise_sd) * share
    instrument = instrument_variance(model.compared, float(model.interval * steps))
    instrument = np.where(model.compared.balance >= 0, instrument, instrument / steps)
    scale = np.sqrt(belief.scale)
    return scale[:, None] * (nodal + np.diag(instrument)) * scale + linear.blur


def assimilate(
    model: Model, belief: Belief, linear: Linearisation, surprise: Floats, carry: Floats, steps: int, fixed: bool
) -> tuple[Belief, Update]:
    """The Kalman update of a predicted belief.

    Args:
        model: the twin.
        belief: predicted.
        linear: around the central run.
        surprise: readings minus the central run with its offsets, a mean over the cycle; NaN where there was none; (row,).
        carry: of the prediction, for the record.
        steps: intervals in the cycle.
        fixed: leave directions and offsets alone: something is wrong, and they must not explain it away.
    """
    rows = np.isfinite(surprise)
    observed = np.where(rows[:, None], linear.unknown, 0.0)
    filled = np.where(rows, surprise, 0.0)
    cross = belief.covariance @ observed.T
    uncertain = noise(model, belief, linear, steps)
    precision = _inverse(observed @ cross + uncertain, rows)
    excess = filled @ precision @ filled / (ORDINARY * max(int(rows.sum()), 1))
    if excess > 1:  # heavy tails: one wild moment must neither move the twin nor convict anybody
        uncertain = uncertain * excess
        precision = _inverse(observed @ cross + uncertain, rows)
    gain = cross @ precision
    if fixed:
        gain[parts(model)[1]] = gain[parts(model)[2]] = 0.0
    rest = np.eye(len(belief.mean)) - gain @ observed
    left = np.where(rows[:, None] & rows, uncertain, 0.0)
    posterior = rest @ belief.covariance @ rest.T + gain @ left @ gain.T
    update = Update(rows, filled, observed, precision, gain, carry)
    after = replace(belief, mean=belief.mean + gain @ filled, covariance=(posterior + posterior.T) / 2)
    return after, update


def taken_back(belief: Belief, made: Floats, size: float, sd: float) -> Belief:
    """A belief without what the filter has made of a cause that it did not know, and as doubtful as the cause's size is.

    Args:
        belief: so far.
        made: of a cause of size 1; (unknown,).
        size, sd: of the cause.
    """
    return replace(belief, mean=belief.mean - made * size, covariance=belief.covariance + np.outer(made, made) * sd**2)


def with_leak(belief: Belief, made: Floats, size: float, sd: float) -> Belief:
    """A belief with one leak more.

    Args:
        belief: so far.
        made: what the filter has made of a leak of 1 m3/s there; (unknown,).
        size, sd: what the leak loses, m3/s.
    """
    back = taken_back(belief, made, size, sd)
    n = len(back.mean)
    covariance = np.zeros((n + 1, n + 1))
    covariance[:n, :n], covariance[n, n] = back.covariance, sd**2
    covariance[:n, n] = covariance[n, :n] = -made * sd**2
    return replace(back, mean=np.append(back.mean, size), covariance=covariance, leak_size=np.append(back.leak_size, size))


def grown(model: Model, belief: Belief, number: int, made: Floats, size: float, sd: float) -> Belief:
    """A belief in which one of its leaks loses more than it was thought to.

    Args:
        model: the twin.
        belief: so far.
        number: which leak.
        made: what the filter has made of 1 m3/s more there; (unknown,).
        size, sd: how much more, m3/s.
    """
    made = made.copy()
    made[parts(model)[3].start + number] -= 1.0
    return taken_back(belief, made, size, sd)


def without_leak(model: Model, belief: Belief, number: int) -> Belief:
    """A belief without one of its leaks."""
    place = parts(model)[3].start + number
    return replace(
        belief,
        mean=np.delete(belief.mean, place),
        covariance=np.delete(np.delete(belief.covariance, place, 0), place, 1),
        leak_size=np.delete(belief.leak_size, number),
    )


def loosened(model: Model, belief: Belief, share: float) -> Belief:
    """A belief that is ready to learn directions and offsets anew, with a share of the variance that it was born with."""
    _, direction, offset, _ = parts(model)
    more = np.zeros(len(belief.mean))
    more[direction], more[offset] = share, share * model.doubts.sensor_offset_sd**2
    return replace(belief, covariance=belief.covariance + np.diag(more))


def _inverse(covariance: Floats, rows: Bools) -> Floats:
    """Inverse over the rows that have a reading, 0 elsewhere; (row, row)."""
    precision = np.zeros_like(covariance)
    inside = np.ix_(rows, rows)
    precision[inside] = np.linalg.inv(covariance[inside])
    return precision


def learn(model: Model, belief: Belief, update: Update, hours: float, hour_now: int) -> Belief:
    """Lets profiles and scales of noise follow what has been seen; not to be called while something is wrong."""
    zone = parts(model)[0]
    deviation = belief.mean[zone] - belief.profile[:, hour_now]
    visits, profile = belief.visits.copy(), belief.profile.copy()
    visits[:, hour_now] += hours
    rate = hours * np.maximum(1 / (visits[:, hour_now] + 1), 1 / PROFILE_DAYS)
    profile[:, hour_now] += np.minimum(rate, 1.0) * deviation
    # The surprise of a row given all others, in its own standard deviations: what evidence is made of.
    alone = np.diag(update.precision)
    square = np.minimum((update.precision @ update.surprise) ** 2 / np.where(update.rows, alone, 1.0), 9.0)
    step = np.where(update.rows, LEARNING * hours * (square - 1), 0.0)
    wander = belief.wander**2
    if belief.age > 24:
        seen = np.minimum(deviation**2 + np.diag(belief.covariance)[zone], 9 * wander)
        wander = wander + LEARNING * hours * (seen - wander)
    return replace(
        belief,
        profile=profile,
        visits=visits,
        wander=np.clip(np.sqrt(wander), *WANDER),
        scale=np.clip(belief.scale * np.exp(step), *SCALES),
        age=belief.age + hours,
    )

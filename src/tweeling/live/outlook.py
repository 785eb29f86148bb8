"""The outlook: the members run on without readings, so that the next day has bands too.

It starts from the state after a cycle and changes nothing in it: belief widens as `predict` says, single demands are noisy,
pumps follow the file's controls. It is made beside the cycles, when there is no backlog, and only the newest is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tweeling.estimate import bands
from tweeling.inference.assimilation.extended_filter import predict
from tweeling.inference.diagnosis.cases import leak_places
from tweeling.inference.ensemble import FIRST, Boundary, demand_noise, members_of, pass_interval
from tweeling.inference.model import Model
from tweeling.live.advance import Twin, TwinState, estimates_of, hour_of
from tweeling.live.bands import all_rows, packed, sensor_rows
from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.clock import Clock
from tweeling.physics.hydraulics.period import Period
from tweeling.reading import SECOND

OUTLOOK = 3
"""Purpose that random numbers are drawn for; `advance.NOISE` and `INSTRUMENT` are the others."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is to come, as far as is known now.

    Args:
        made: end of the cycle that it starts from, microseconds since 1970 UTC.
        times: microseconds since 1970 UTC; (step,).
        expected: median, low and high of what each sensor should read, SI; (step, 3, sensor).
        estimates: of each step, as `CycleInfo.estimates`.
    """

    made: int
    times: Ints
    expected: Floats
    estimates: tuple[dict[str, Floats], ...]


def look_ahead(twin: Twin, state: TwinState) -> Outlook:
    """Runs the members ahead as `[forecast]` asks.

    Args:
        twin: what does not change.
        state: after the last cycle.
    """
    section, seed = twin.config.forecast, twin.config.ensemble.seed
    stride, end = round(section.step), state.end + round(section.horizon) * SECOND
    model = in_strides(twin.model, stride)
    nothing = Boundary(*(np.full(len(sensors), np.nan) for sensors in (model.level, model.pump, model.meter)))
    belief, track, places = state.belief, state.track, leak_places(state.diagnosis)
    noise_sd = model.doubts.demand_noise_sd * float(np.sqrt(np.median(belief.scale))) if len(belief.scale) else 0.0
    times, expected, estimates, before = list[int](), [], [], state.end
    while (time := model.epoch + int(track.period.time[0]) * SECOND) <= end:
        belief, _carry = predict(model, belief, (time - before) / (3600 * SECOND), hour_of(model, before), hour_of(model, time))
        members = members_of(model, belief, twin.draws, places)
        noise = demand_noise(model, len(members.factor) - FIRST, (seed, state.cycle, OUTLOOK, len(times)), noise_sd)
        to_whole = replace(model, interval=stride - int(track.period.time[0]) % stride)
        track, passed = pass_interval(to_whole, track, members, nothing, noise)
        before = time
        times.append(time)
        expected.append(bands((passed.read + members.offset)[FIRST:]))
        estimates.append(estimates_of(twin, passed.solution, members))
    table = np.array(expected).reshape(len(times), 3, len(model.sensors))
    return Outlook(state.end, np.array(times, dtype=np.int64), table, tuple(estimates))


class Strides(Clock):
    """A clock whose steps no pattern ends: demands are given anew at each."""

    def regular_step(self, time: Ints) -> Ints:
        """Seconds until the stride ends; (member,)."""
        return np.full_like(time, self.hydraulic_step)


def in_strides(model: Model, stride: int) -> Model:
    """The same model in longer steps; where patterns drive reservoirs or pumps, they still end a step."""

    def slower(period: Period) -> Period:
        network = period.plan.network
        if (network.reservoirs.pattern >= 0).any() or (network.pumps.speed_pattern >= 0).any():
            return period
        return replace(period, clock=Strides(**vars(period.clock) | {"hydraulic_step": stride}))

    return replace(model, free=slower(model.free), led=slower(model.led))


def pack_outlook(twin: Twin, outlook: Outlook) -> bytes:
    """An outlook as an Arrow stream with the columns of `live/bands.py`."""
    rows: list[Any] = [sensor_rows(outlook.times, outlook.expected, twin.sensors)]
    for time, estimates in zip(outlook.times.tolist(), outlook.estimates, strict=True):
        rows += all_rows(time, estimates, twin.network, twin.config.output)
    return packed(rows)

"""One cycle of the twin: forecast -> observe -> diagnose the surprise -> assimilate.

`advance(twin, state, batch) -> (state, info)` is pure: it knows neither store nor service nor clock, and what it draws comes
from (seed, cycle, purpose). So a replay of stored readings gives what the live run gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tweeling.errors import InputError
from tweeling.estimate import bands
from tweeling.finding import Finding
from tweeling.inference.assimilation.extended_filter import (
    Belief,
    Update,
    assimilate,
    first_belief,
    learn,
    predict,
)
from tweeling.inference.diagnosis.cases import (
    Closing,
    Diagnosis,
    calm,
    close,
    confirm,
    diagnose,
    first_diagnosis,
    isolated,
    leak_places,
    standing,
)
from tweeling.inference.diagnosis.evidence import no_evidence
from tweeling.inference.diagnosis.library import Library, make_library
from tweeling.inference.ensemble import FIRST, OPEN, Draws, Members, Track, draw, first_track, members_of
from tweeling.inference.forecast import analyse, forecast
from tweeling.inference.hour import Hour, begin, end_of, seen
from tweeling.inference.model import Doubts, Model, make_model
from tweeling.live.batch import Batch
from tweeling.live.config import TwinConfig
from tweeling.live.report import Context, revised
from tweeling.live.scorecard import Score, as_document, first_score, scored
from tweeling.live.store.contract import Action
from tweeling.live.watch import WatchState, watch
from tweeling.network.inp.read import read_network
from tweeling.network.network import Floats, Network
from tweeling.network.zones import derive_zones, read_zones
from tweeling.observation.sensors import Sensors, read_sensors
from tweeling.physics.hydraulics.contract import Solution
from tweeling.physics.hydraulics.steady import solve_in_threads
from tweeling.reading import HOUR, SECOND, microseconds

NOISE, INSTRUMENT = 1, 2
"""Purposes that random numbers are drawn for."""


@dataclass(frozen=True, eq=False)
class Twin:
    """What does not change while a twin runs.

    Args:
        config: `TWIN.toml`.
        network, sensors: that it names.
        withheld: indices of sensors that only score.
        model: compiled, with what is believed beforehand.
        library: signatures of suspected causes.
        draws: what members are made from.
    """

    config: TwinConfig
    network: Network
    sensors: Sensors
    withheld: np.ndarray
    model: Model
    library: Library
    draws: Draws


@dataclass(frozen=True, eq=False)
class TwinState:
    """What the next cycle needs, and nothing else.

    Args:
        cycle: how many cycles have closed.
        end: T of the last one, microseconds since 1970 UTC.
        track: where the ensemble stands in time.
        belief: what is believed.
        diagnosis: evidence and open cases; while an hour is being learnt without the evidence of the watch, which it has.
        hour: that is being learnt; None where one has just ended.
        watch: habits of the sensors.
        score: how well withheld sensors were foretold.
        findings: all that were raised, in the order of raising.
    """

    cycle: int
    end: int
    track: Track
    belief: Belief
    diagnosis: Diagnosis
    hour: Hour | None
    watch: WatchState
    score: Score
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class CycleInfo:
    """What a person may want to see of a cycle.

    Args:
        expected: median, low and high of what each sensor should have read at each step, SI; (step, 3, sensor).
        members: the same before it was summed up; (member, step, sensor).
        open_loop: what the file as it is would have read; (step, sensor).
        estimates: median, low and high by quantity at the end of the cycle, SI; where the quantity has a limit also the
            probability that it is broken; (3 or 4, element).
        changed: findings that this cycle raised or revised.
        health: figures for the service, JSON.
    """

    expected: Floats
    members: Floats
    open_loop: Floats
    estimates: Mapping[str, Floats]
    changed: tuple[Finding, ...]
    health: Mapping[str, Any]


def make_twin(config: TwinConfig) -> Twin:
    """Reads what `TWIN.toml` names and compiles it.

    Raises:
        InputError: what cannot be used, and where.
    """
    network = read_network(config.path(config.network.file))
    sensors = read_sensors(config.path(config.sensors.file), network)
    for name in config.sensors.withhold:
        if name not in sensors.index:
            raise InputError(f"sensors.withhold names {name!r}, which is not in {config.sensors.file}")
    withheld = np.array([sensors.index[name] for name in config.sensors.withhold], dtype=np.int64)
    derived = config.network.zones == "derived"
    beliefs = config.beliefs
    model = make_model(
        network,
        sensors,
        derive_zones(network) if derived else read_zones(config.path(config.network.zones), network),
        Doubts(**beliefs.model_dump()),
        withheld=withheld,
        interval=round(config.sensors.interval),
        epoch=microseconds(config.network.pattern_zero),
        engine=solve_in_threads,
    )
    return Twin(
        config=config,
        network=network,
        sensors=sensors,
        withheld=withheld,
        model=model,
        library=make_library(model),
        draws=draw(model, config.ensemble.members, config.ensemble.seed),
    )


def first_state(twin: Twin, start: int) -> TwinState:
    """The state before the first cycle, which begins at `start` (microseconds since 1970 UTC)."""
    model = twin.model
    first = (start - model.epoch) // SECOND + model.interval  # a cycle takes (T - cycle, T]
    return TwinState(
        cycle=0,
        end=start,
        track=first_track(model, twin.config.ensemble.members + FIRST, first),
        belief=first_belief(model),
        diagnosis=first_diagnosis(model),
        hour=None,
        watch=WatchState.first(twin.sensors),
        score=first_score(twin.sensors, twin.withheld.tolist()),
        findings=(),
    )


def advance(twin: Twin, state: TwinState, batch: Batch, actions: Sequence[Action] = ()) -> tuple[TwinState, CycleInfo]:
    """Takes a cycle's readings and what people did meanwhile.

    Args:
        twin: what does not change.
        state: after the cycle before.
        batch: readings of this cycle, the next one after `state.end`.
        actions: of people since the cycle before.

    Raises:
        ValueError: a batch of another time.
    """
    model, seed = twin.model, twin.config.ensemble.seed
    if batch.end != state.end + model.interval * len(batch) * SECOND:
        raise ValueError(f"the batch ends at {batch.end}; the cycle after {state.end} is due")
    watched, batch = watch(state.watch, batch)
    hour, findings, closings = _acted(twin, state, actions)
    scale, until = hour.belief.scale, max(end_of(model, hour.start), batch.end)
    noise_sd = model.doubts.demand_noise_sd * float(np.sqrt(np.median(scale))) if len(scale) else 0.0
    ahead = (until - hour.start) / HOUR  # as far at every look at the hour, so that their surprises have one meaning
    belief, carry = predict(model, hour.belief, ahead, hour_of(model, hour.start), hour_of(model, until))
    places = leak_places(hour.diagnosis)
    before = members_of(model, belief, twin.draws, places)
    value = batch.value.copy()
    value[:, twin.withheld] = np.nan
    value[:, model.compared.sensor[isolated(hour.diagnosis)]] = np.nan
    track, found = forecast(model, state.track, before, places, value, noise_sd, (seed, state.cycle, NOISE))
    hour = seen(hour, found)
    fixed = not calm(hour.diagnosis)
    belief, update = assimilate(model, belief, found.linear, hour.surprise, carry, hour.steps, fixed)
    after = members_of(model, belief, twin.draws, places)
    analysis = analyse(model, found, before, after, belief, value, noise_sd, (seed, state.cycle, INSTRUMENT))
    high, span = twin.library.share_of_high(hour.supply), (hour.start, batch.end)
    diagnosis, belief, closed = diagnose(model, twin.library, hour.diagnosis, belief, update, span, high)
    belief = _learnt(model, belief, update, (batch.end - hour.start) / HOUR, hour_of(model, until), diagnosis)
    is_over = batch.end >= until or standing(diagnosis) != standing(hour.diagnosis)
    context = Context(twin.library, model, batch.end, belief, update)
    findings, changed = revised(context, state.findings, findings, diagnosis, [*closings, *closed])
    names = twin.withheld.tolist()
    read, open_loop = analysis.read[FIRST:], analysis.read[OPEN]
    score = scored(state.score, twin.sensors, names, read, open_loop, batch.seen, (state.end, batch.end))
    if not is_over:  # the next look starts from `hour`; a closing starts the watch anew
        diagnosis = replace(diagnosis, watch=no_evidence(0, 0))
    after_state = TwinState(
        state.cycle + 1, batch.end, track, belief, diagnosis, None if is_over else hour, watched, score, findings
    )
    return after_state, CycleInfo(
        expected=np.stack([bands(step) for step in np.swapaxes(read, 0, 1)]),
        members=read,
        open_loop=open_loop,
        estimates=estimates_of(twin, analysis.solution, after),
        changed=changed,
        health={
            **_health(model, state.cycle, batch, belief, update, diagnosis),
            "scorecard": as_document(score, twin.sensors, names, findings, ()),
        },
    )


def estimates_of(twin: Twin, solution: Solution, members: Members) -> dict[str, Floats]:
    """What is believed of each quantity that `[output]` names, as `CycleInfo.estimates`.

    Args:
        twin: what does not change.
        solution: of all rows; the first two are no members.
        members: what they believe.
    """
    heads, nodes, output = solution.head[FIRST:], twin.network.nodes, twin.config.output
    of: dict[str, Callable[[], Floats]] = {
        "pressure": lambda: heads - nodes.elevation,
        "head": lambda: heads,
        "flow": lambda: solution.flows.link[FIRST:],
        "demand": lambda: solution.flows.demand[FIRST:] - members.leak[FIRST:],
    }
    found = {}
    for quantity in output.quantities:
        if quantity in of:
            values = of[quantity]()
            found[quantity] = bands(values)
            if quantity in output.limits:
                broken = np.where(np.isnan(found[quantity][0]), np.nan, (values < output.limits[quantity]).mean(axis=0))
                if quantity in ("pressure", "head"):
                    broken[nodes.n_junctions :] = np.nan  # nobody drinks from a tank
                found[quantity] = np.concatenate((found[quantity], broken[None]))
    return found


def hour_of(model: Model, time: int) -> int:
    """Hour of the day of pattern time that an instant ends."""
    return int((time - model.epoch - 1) // (3600 * SECOND)) % 24


def _learnt(model: Model, belief: Belief, update: Update, hours: float, hour: int, diagnosis: Diagnosis) -> Belief:
    """Profiles and noise learn while nothing new seems wrong."""
    if calm(diagnosis) and len(update.surprise) and len(update.observed[0]) == len(belief.mean):
        return learn(model, belief, update, hours, hour)
    return replace(belief, age=belief.age + hours)


def _acted(twin: Twin, state: TwinState, actions: Sequence[Action]) -> tuple[Hour, tuple[Finding, ...], list[Closing]]:
    """What people did: verdicts and notes stand on the finding; a rejected or closed case ends, and what they said of one ends
    the hour.
    """
    diagnosis, belief, closings = state.diagnosis, state.belief, list[Closing]()
    findings = {finding.id: finding for finding in state.findings}
    for action in actions:
        if action.finding not in findings:
            continue
        finding = findings[action.finding]
        notes = (*finding.notes, action.text) if action.text else finding.notes
        verdict = {"confirm": "confirmed", "reject": "rejected"}.get(action.kind, finding.verdict)
        cause = action.cause or finding.real_cause
        findings[finding.id] = replace(finding, notes=notes, verdict=verdict, real_cause=cause, revision=finding.revision + 1)
        number = int(finding.id.removeprefix("f-"))
        if action.kind in ("reject", "close"):
            diagnosis, belief, closed = close(twin.model, diagnosis, belief, number)
            closings += closed
        elif action.kind == "confirm":
            diagnosis = confirm(diagnosis, number)
    hour = state.hour if diagnosis is state.diagnosis else None
    return hour or begin(twin.model, belief, diagnosis, state.end), tuple(findings.values()), closings


def _health(model: Model, cycle: int, batch: Batch, belief: Belief, update: Update, diagnosis: Diagnosis) -> Mapping[str, Any]:
    """Counts and scores of a cycle; none of them is an estimate."""
    n = int(update.rows.sum())
    square = float(update.surprise @ update.precision @ update.surprise)
    return {
        "cycle": cycle,
        "end_us": batch.end,
        "hours_learnt": round(belief.age, 3),
        "rows_compared": n,
        "mean_square_surprise": round(square / n, 4) if n else None,
        "log_odds_wrong": round(float(diagnosis.suspicion), 3) if np.isfinite(diagnosis.suspicion) else None,
        "open_cases": len(diagnosis.cases),
        "restlessness": round(diagnosis.temper, 3),
    }

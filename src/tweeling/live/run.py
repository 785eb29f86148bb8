"""The loop of the twin: follow the readings by sequence, close cycles, go back for late ones, go on after a kill.

The twin is a pure step (`Steps.advance`) over batches; this module feeds it from a reading log and keeps what comes of it in a
twin log. Each `turn` does one thing (hear what came; close a cycle; or go back) and saves it in one transaction, so a kill
between any two instructions loses nothing: the loop starts again from the last row that was saved and takes every reading
since.

**Rows.** What a cycle took follows from its row and the end of the row before. Going back, a kill and a replay keep to the
rows, so that cycles that caught up stay as long as they were.

**Late.** A reading whose cycle has closed is taken at the next cycle: the twin returns to the last snapshot before it and runs
the cycles since again, in order, with all that is known. Their rows are replaced. One older than `revise`, or than the first
cycle, stays in the log and is not assimilated.

**Findings** that were published are revised when going back changes them, and withdrawn (closed, probability 0) when they
come no more; they are never erased.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from tweeling.errors import SnapshotMismatch
from tweeling.finding import Finding
from tweeling.live.advance import CycleInfo
from tweeling.live.bands import pack_bands
from tweeling.live.batch import Batch
from tweeling.live.config import TwinConfig
from tweeling.live.store.contract import Action, Cycle, ReadingLog, StoredReadings, TwinLog
from tweeling.live.window import (
    WITHOUT_CLOCK,
    Timing,
    Window,
    close,
    collect_batch,
    due,
    hear,
    indices,
    is_silent,
)
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensors
from tweeling.reading import HOUR, SECOND, iso_time

KEEP_ALL_SNAPSHOTS, KEEP_HOURLY_SNAPSHOTS = 2, 30
"""Times `revise` (at most a day), beyond which the twin does not go back. A snapshot of a town is some megabytes: hourly for
two years would be a hundred gigabytes."""
WITHDRAWN = "Nothing: with readings that came late it is no longer seen."


class HasFindings(Protocol):
    """What the loop itself looks at in a state."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that were raised."""
        ...


State = TypeVar("State", bound=HasFindings)


@dataclass(frozen=True, eq=False)
class Steps(Generic[State]):
    """The twin as the loop needs it: what does not change, and pure functions of its state.

    Args:
        config, network, sensors: of the twin.
        first: the state before the first cycle, which begins at a time (microseconds).
        advance: takes a cycle's readings and what people did.
        pack: a state as bytes.
        unpack: a state from bytes; raises SnapshotMismatch where they are of another format, network or configuration.
        scores: how well it does, for `GET /api/scorecard`.
        look_ahead: the outlook from a state as bytes; None where none is asked for.
    """

    config: TwinConfig
    network: Network
    sensors: Sensors
    first: Callable[[int], State]
    advance: Callable[[State, Batch, Sequence[Action]], tuple[State, CycleInfo]]
    pack: Callable[[State], bytes]
    unpack: Callable[[bytes], State]
    scores: Callable[[State], Mapping[str, Any]] = lambda _state: {}
    look_ahead: Callable[[State], bytes] | None = None


@dataclass(frozen=True, eq=False)
class Position(Generic[State]):
    """Where the loop is: what it has saved, and what it has heard since.

    Args:
        window: where the sensors are.
        last: the last cycle saved; None before the first.
        state: after it; None before the first.
        heard: the last sequence heard.
        late_from: time of the oldest reading that the twin is to go back for; None where there is none.
        foretold: end of the cycle that the kept outlook starts from; None where there is none.
        published: findings by id, as the twin log has them.
        remark: what the service should know of this start, for health: why the twin was rebuilt.
    """

    window: Window
    last: Cycle | None
    state: State | None
    heard: int
    late_from: int | None = None
    foretold: int | None = None
    published: Mapping[str, Finding] = field(default_factory=dict)
    remark: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Loop(Generic[State]):
    """A twin between its two logs. Holds nothing that changes; `Position` does.

    Args:
        steps: the twin.
        readings: read only.
        log: written here alone.
        clock: the wall clock, microseconds since 1970 UTC.
    """

    steps: Steps[State]
    readings: ReadingLog
    log: TwinLog
    clock: Callable[[], int] = lambda: time.time_ns() // 1000

    @property
    def timing(self) -> Timing:
        """The rules of time."""
        return Timing.of(self.steps.config)

    def resume(self) -> Position[State]:
        """Where the last run stopped; before the first cycle on an empty log."""
        published = {finding.id: finding for finding in self.log.findings()}
        kept = self.log.snapshot()
        if kept is None:
            return Position(Window.of(len(self.steps.sensors)), None, None, 0, published=published)
        last = self.log.last_cycle()
        assert last is not None
        try:
            state = self.steps.unpack(kept[1])
        except SnapshotMismatch as error:
            return self._rebuilt(str(error), published)
        if kept[0].cycle != last.cycle:  # a snapshot is saved with every cycle; a store that lost some is followed by its rows
            state = self._along(state, kept[0], list(self.log.cycles(after=kept[0].cycle)))
        outlook = self.log.outlook()
        foretold = outlook[0] if outlook else None
        return Position(self._window(last), last, state, last.upto_sequence, foretold=foretold, published=published)

    def turn(self, position: Position[State]) -> Position[State]:
        """Hears what came, then does at most one thing: goes back, closes one cycle, or looks ahead when all else is done.

        The same object: nothing to do.
        """
        position = self._hear(position)
        ends = due(position.window, self.timing, self.clock())
        if position.late_from is not None and (ends or is_silent(position.window, self.timing, self.clock())):
            return self._go_back(position)
        return self._close(position, *ends[0]) if ends else self._look_ahead(position)

    def settle(self, position: Position[State], stop: Callable[[], bool] = lambda: False) -> Position[State]:
        """Turns until there is nothing to do or `stop` says so."""
        while not stop():
            after = self.turn(position)
            if after is position:
                break
            position = after
        return position

    def _look_ahead(self, position: Position[State]) -> Position[State]:
        """Makes the outlook anew where the one that is kept is old; it is no part of the state, and nothing depends on it."""
        look_ahead, last, state = self.steps.look_ahead, position.last, position.state
        if look_ahead is None or last is None or state is None:
            return position
        every = round(self.steps.config.forecast.every * SECOND)
        if position.foretold is not None and position.foretold <= last.end < position.foretold + every:
            return position
        self.log.keep_outlook(last.end, look_ahead(state))
        return dataclasses.replace(position, foretold=last.end)

    def _hear(self, position: Position[State]) -> Position[State]:
        """Everything that is there: a watermark that saw only half of a backlog would close cycles too early."""
        upto = self.readings.last_sequence()  # what comes meanwhile waits for the next turn, or a flood would never end
        while len(came := self.readings.after(position.heard, upto=upto)):
            place = indices(came, self.steps.sensors)
            telling = np.flatnonzero((place >= 0) & ~np.isin(came.flag, WITHOUT_CLOCK))
            window = hear(position.window, place[telling], came.time[telling], came.received[telling])
            late = self._late(position, came.time[place >= 0])
            position = dataclasses.replace(position, window=window, heard=int(came.sequence[-1]), late_from=late)
        return position

    def _late(self, position: Position[State], times: Any) -> int | None:
        """The oldest reading to go back for."""
        if position.last is None:
            return None
        closed = position.last.end
        within = times[(times <= closed) & (times > closed - self.timing.revise)]
        found = [int(within.min())] if len(within) else []
        return min(found + ([position.late_from] if position.late_from is not None else []), default=None)

    def _close(self, position: Position[State], end: int, reason: str) -> Position[State]:
        last, started = position.last, time.perf_counter()
        start = last.end if last else end - self.timing.cycle
        state = position.state if position.state is not None else self.steps.first(start)
        actions = self.readings.actions_after(last.upto_action if last else 0)
        cycle = Cycle(
            cycle=last.cycle + 1 if last else 0,
            end=end,
            upto_sequence=position.heard,
            upto_action=actions[-1].sequence if actions else (last.upto_action if last else 0),
            reason=reason,
        )
        state, info, batch = self._advance(state, start, cycle, actions)
        changed = revised(info.changed, position.published)
        self._save(cycle, state, info, batch, changed, {"seconds": time.perf_counter() - started} | dict(position.remark))
        self._tidy(start, end)
        published = dict(position.published) | {finding.id: finding for finding in changed}
        return dataclasses.replace(
            position, window=close(position.window, end), last=cycle, state=state, published=published, remark={}
        )

    def _go_back(self, position: Position[State]) -> Position[State]:
        """Runs the cycles since the oldest late reading again."""
        last, late_from, started = position.last, position.late_from, time.perf_counter()
        assert last is not None
        assert late_from is not None
        before = self.log.snapshot(late_from - 1)  # of the cycle before the one that takes it, or of an earlier one
        rows = list(self.log.cycles(after=before[0].cycle if before else -1))
        if before is None and rows[0].cycle > 0:  # retention has eaten the cycles before: too old to go back to
            return dataclasses.replace(position, late_from=None)
        start = before[0].end if before else rows[0].end - self.timing.cycle
        state = self.steps.unpack(before[1]) if before else self.steps.first(start)
        after = before[0].upto_action if before else 0
        published = dict(position.published)
        for row in rows:
            actions = _between(self.readings.actions_after(after), row.upto_action)
            after = row.upto_action
            if row.end < late_from:  # between the snapshot and the late reading all is as it was
                state, _info, _batch = self._advance(state, start, row, actions)
                start = row.end
                continue
            last = dataclasses.replace(row, upto_sequence=position.heard, reason="revised")
            state, info, batch = self._advance(state, start, last, actions)
            start = row.end
            changed: Sequence[Finding] = ()
            if row is rows[-1]:
                changed = reconciled(state.findings, published, last.end)
            figures = {"seconds": time.perf_counter() - started, "went_back_to": iso_time(late_from)}
            self._save(last, state, info, batch, changed, figures | dict(position.remark))
            published |= {finding.id: finding for finding in changed}
        return dataclasses.replace(position, last=last, state=state, late_from=None, published=published)

    def _advance(self, state: State, start: int, cycle: Cycle, actions: Sequence[Action]) -> tuple[State, CycleInfo, Batch]:
        batch = batch_of(self.steps, self.readings, start, cycle)
        state, info = self.steps.advance(state, batch, actions)
        return state, info, batch

    def _along(self, state: State, start: Cycle, rows: Iterable[Cycle]) -> State:
        """The state after rows that are kept without a snapshot."""
        along = followed(self.steps, self.readings, rows, state, start.end, start.upto_action)
        return next(reversed([after for _row, after, _info, _batch in along]), state)

    def _save(
        self, cycle: Cycle, state: State, info: CycleInfo, batch: Batch, changed: Sequence[Finding], figures: dict[str, Any]
    ) -> None:
        steps = self.steps
        self.log.save(
            cycle,
            snapshot=steps.pack(state),
            findings=changed,
            estimates=pack_bands(batch, info.expected, info.estimates, steps.sensors, steps.network, steps.config.output),
            health=dict(info.health)
            | {"scorecard": dict(steps.scores(state))}
            | {"cycle": cycle.cycle, "end": iso_time(cycle.end), "reason": cycle.reason, "saved": iso_time(self.clock())}
            | figures,
        )

    def _tidy(self, start: int, end: int) -> None:
        """Once an hour: thins snapshots, forgets what is older than is kept."""
        if end // HOUR > start // HOUR:
            revise = min(self.timing.revise, 24 * HOUR)
            self.log.thin_snapshots(end - KEEP_ALL_SNAPSHOTS * revise)
            self.log.thin_snapshots(end - KEEP_HOURLY_SNAPSHOTS * revise, 24 * HOUR)
            self.log.drop_before(end - round(self.steps.config.store.keep * 1_000_000))

    def _window(self, last: Cycle) -> Window:
        """The window as the readings of late left it."""
        sensors = self.steps.sensors
        window = Window.of(len(sensors), last.end)
        known = self.readings.between(last.end - self.timing.catch_up - HOUR, NO_END, upto=last.upto_sequence)
        place = indices(known, sensors)
        telling = np.flatnonzero((place >= 0) & ~np.isin(known.flag, WITHOUT_CLOCK))
        return hear(window, place[telling], known.time[telling], known.received[telling])

    def _rebuilt(self, why: str, published: Mapping[str, Finding]) -> Position[State]:
        """Starts from the stored readings: the kept snapshots are of another format, network or configuration."""
        rows = list(self.log.cycles())
        ends = np.array([row.end for row in rows])
        details = {"why": why, "cycles": len(rows)}
        if not self.timing.could_be(ends):
            # The length of a cycle was changed: the rows mean nothing now, and the readings close new ones.
            self.log.note("rebuild", details | {"rows": "made anew"}, self.clock())
            self.log.drop_before(rows[-1].end + 1)
            return Position(
                Window.of(len(self.steps.sensors)), None, None, 0, published=published, remark={"rebuilding": details}
            )
        self.log.note("rebuild", details | {"rows": "followed"}, self.clock())
        changed: Sequence[Finding] = ()
        last = rows[-1]
        start = rows[0].end - self.timing.cycle
        first = state = self.steps.first(start)
        for row, state, info, batch in followed(self.steps, self.readings, rows, first, start, 0):
            if row is last:
                changed = reconciled(state.findings, published, last.end)
            self._save(row, state, info, batch, changed, {"rebuilding": details | {"at": iso_time(row.end)}})
        self.log.note("rebuilt", details, self.clock())
        now = dict(published) | {finding.id: finding for finding in changed}
        return Position(self._window(last), last, state, last.upto_sequence, published=now, remark={"rebuilt": details})


NO_END = int(np.iinfo(np.int64).max)


def batch_of(steps: Steps[State], readings: ReadingLog, start: int, cycle: Cycle) -> Batch:
    """What a cycle took, as its row and the end of the one before say."""
    stored: StoredReadings = readings.between(start, cycle.end, upto=cycle.upto_sequence)
    return collect_batch(stored, steps.sensors, steps.config, start, cycle.end)


def followed(
    steps: Steps[State], readings: ReadingLog, rows: Iterable[Cycle], state: State, start: int, upto_action: int
) -> Iterator[tuple[Cycle, State, CycleInfo, Batch]]:
    """The twin along rows that are kept: each row, and the state, info and batch that came of it.

    Args:
        steps: the twin.
        readings: the log that the rows are of.
        rows: in order.
        state: before the first of them.
        start: end of the row before the first.
        upto_action: the last action that was done before.
    """
    for row in rows:
        actions = _between(readings.actions_after(upto_action), row.upto_action)
        batch = batch_of(steps, readings, start, row)
        state, info = steps.advance(state, batch, actions)
        start, upto_action = row.end, row.upto_action
        yield row, state, info, batch


def replay_store(steps: Steps[State], readings: ReadingLog, log: TwinLog) -> Iterator[tuple[Cycle, State, CycleInfo, Batch]]:
    """Replays a store along its own rows: bit for bit what the live run had, on the same machine.

    Where the twin went back, the replaced rows are followed. Where retention has forgotten the beginning, it starts from the
    oldest snapshot that is kept.
    """
    rows = list(log.cycles())
    if not rows:
        return
    if rows[0].cycle == 0:
        start = rows[0].end - Timing.of(steps.config).cycle
        yield from followed(steps, readings, rows, steps.first(start), start, 0)
        return
    kept = next((found for row in rows if (found := log.snapshot(row.end)) is not None), None)
    if kept is not None:
        rows = [row for row in rows if row.cycle > kept[0].cycle]
        yield from followed(steps, readings, rows, steps.unpack(kept[1]), kept[0].end, kept[0].upto_action)


def revised(changed: Sequence[Finding], published: Mapping[str, Finding]) -> list[Finding]:
    """Findings as they are to be published: those that say something new, with a revision that grows."""
    return [
        dataclasses.replace(finding, revision=max(finding.revision, known.revision + 1)) if known else finding
        for finding in changed
        if (known := published.get(finding.id)) is None or not _same(finding, known)
    ]


def reconciled(findings: Sequence[Finding], published: Mapping[str, Finding], at: int) -> list[Finding]:
    """What is to be published after going back: findings that differ now, and those that come no more, withdrawn at `at`."""
    there = {finding.id for finding in findings}
    gone = [
        dataclasses.replace(
            finding, closed=finding.closed or at, revision=finding.revision + 1, probability=0.0, action=WITHDRAWN
        )
        for finding in published.values()
        if finding.id not in there and finding.action != WITHDRAWN
    ]
    return revised(findings, published) + gone


def _same(one: Finding, other: Finding) -> bool:
    return dataclasses.replace(one, revision=0).as_document() == dataclasses.replace(other, revision=0).as_document()


def _between(actions: Sequence[Action], upto: int) -> list[Action]:
    return [action for action in actions if action.sequence <= upto]

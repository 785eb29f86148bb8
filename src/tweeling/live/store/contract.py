"""What a store promises: `tests/contracts/store.py` holds every implementation to it.

Two parts, each with one writer. The **reading log** is written by the doors: whatever `append` returned for is on disk. The
**twin log** is written by the twin: cycles, snapshots, findings, estimates. A person's action (confirm, reject, note, close)
enters by the doors, as a row with a sequence, exactly as a reading does. Readers may read either at any time.

Times are microseconds since 1970 UTC. A reading's `sequence` grows by one with each reading that is kept, and never returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tweeling.finding import Finding
from tweeling.reading import HOUR, CheckedReadings


@dataclass(frozen=True, eq=False)
class StoredReadings:
    """Readings as they are kept, in the order of their sequence.

    Args:
        sequence: (reading,), int64.
        sensor: id; (reading,), text objects.
        time: (reading,), int64.
        value: raw, in `unit`; (reading,).
        unit: "" for the sensor's own; (reading,), text objects.
        quality: the sender's word; (reading,), text objects.
        flag: `reading.Flag`; (reading,), int8.
        clean: SI, NaN where there is no number to use; (reading,).
        received: by the wall clock of the door; (reading,), int64.
    """

    sequence: npt.NDArray[np.int64]
    sensor: npt.NDArray[np.object_]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    unit: npt.NDArray[np.object_]
    quality: npt.NDArray[np.object_]
    flag: npt.NDArray[np.int8]
    clean: npt.NDArray[np.float64]
    received: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sequence)


@dataclass(frozen=True)
class Action:
    """What a person did about a finding.

    Args:
        sequence: among actions.
        received: by the wall clock.
        who: who did it, "" when the service knows no names.
        kind: `confirm`, `reject`, `note` or `close`.
        finding: id.
        text: of a note.
        cause: what it was, as found in the field: one of `finding.REAL_CAUSES`, "" where that is not said.
    """

    sequence: int
    received: int
    who: str
    kind: str
    finding: str
    text: str
    cause: str = ""


@dataclass(frozen=True)
class Cycle:
    """A cycle that has closed; a replay of the store follows these rows.

    Args:
        cycle: number, from 0.
        end: T; the cycle takes readings after the end of the one before, up to T (`live/window.py`).
        upto_sequence: the last reading that it has looked at.
        upto_action: the last action that it has looked at.
        reason: why it closed: `watermark`, `give_up`, `file` or `revised`.
    """

    cycle: int
    end: int
    upto_sequence: int
    upto_action: int
    reason: str


class ReadingLog(Protocol):
    """The doors' part. One process writes; any may read."""

    def append(self, readings: CheckedReadings, received: int | npt.NDArray[np.int64]) -> tuple[int, npt.NDArray[np.int8]]:
        """Keeps readings. When it returns they are on disk: a power cut does not undo it.

        The same (sensor, time, value) again is a duplicate: acknowledged and not kept twice. The same time with another value
        is a second version.

        Args:
            readings: that the door has checked.
            received: by the wall clock of the door; one for all, or (reading,) where several callers' are kept together.

        Returns:
            How many were kept, and the flags as kept (`Flag.DUPLICATE` where it was one); (reading,).
        """
        ...

    def after(self, sequence: int, *, upto: int | None = None, limit: int = 100_000) -> StoredReadings:
        """Readings with a larger sequence (and at most `upto`), oldest first."""
        ...

    def between(self, start: int, end: int, *, sensor: str | None = None, upto: int | None = None) -> StoredReadings:
        """Readings with time in (start, end], in order of sequence, of one sensor or of all."""
        ...

    def last_sequence(self) -> int:
        """The last sequence that is kept; 0 before the first."""
        ...

    def act(self, kind: str, finding: str, text: str, who: str, received: int, cause: str = "") -> int:
        """Keeps a person's action, on disk when it returns; gives its sequence."""
        ...

    def actions_after(self, sequence: int) -> Sequence[Action]:
        """Actions with a larger sequence, oldest first."""
        ...

    def drop_before(self, time: int) -> int:
        """Forgets readings older than `time`; gives how many."""
        ...

    def export(self, path: Path, start: int, end: int) -> int:
        """Writes readings with time in (start, end] as Parquet; gives how many.

        Its columns are `time,sensor,value,unit,quality,flag,clean`.
        """
        ...

    def close(self) -> None:
        """Lets go of files."""
        ...


class TwinLog(Protocol):
    """The twin's part. One process writes; any may read."""

    def save(
        self,
        cycle: Cycle,
        *,
        snapshot: bytes | None,
        findings: Sequence[Finding],
        estimates: bytes | None,
        health: dict[str, Any],
    ) -> None:
        """Keeps a cycle and all that came of it, in one transaction.

        A cycle with an `end` that is there already replaces it: the twin went back.

        Args:
            cycle: that closed.
            snapshot: the state after it, to go on from.
            findings: those raised or revised by it.
            estimates: the bands of this moment, as an Arrow stream with the columns of `estimates.parquet`.
            health: figures for the service, JSON.
        """
        ...

    def cycles(self, after: int = -1) -> Iterator[Cycle]:
        """Cycles with a larger number, in order."""
        ...

    def first_cycle(self) -> Cycle | None:
        """The oldest one that is kept, or None before the first."""
        ...

    def last_cycle(self) -> Cycle | None:
        """The last one, or None before the first."""
        ...

    def snapshot(self, at_or_before: int | None = None) -> tuple[Cycle, bytes] | None:
        """The latest snapshot, or the latest one whose cycle ended at or before a time."""
        ...

    def thin_snapshots(self, keep_all_after: int, spacing: int = HOUR) -> int:
        """Of snapshots older than that keeps the first of each `spacing` (microseconds); gives how many went."""
        ...

    def findings(self) -> Sequence[Finding]:
        """Every finding in its last revision, in the order in which they were raised."""
        ...

    def estimates(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """End of cycle and bands, for cycles that ended in (start, end], in order."""
        ...

    def keep_outlook(self, made: int, bands: bytes) -> None:
        """Keeps the outlook from the end of a cycle instead of the one before."""
        ...

    def outlook(self) -> tuple[int, bytes] | None:
        """End of the cycle that the newest outlook starts from, and its bands; None where there is none."""
        ...

    def health(self) -> dict[str, Any]:
        """The figures of the last cycle."""
        ...

    def note(self, what: str, details: dict[str, Any], at: int) -> None:
        """Adds a line to the audit."""
        ...

    def audit(self, limit: int = 1000) -> Sequence[dict[str, Any]]:
        """The last lines of the audit, newest first: `at`, `what`, `details`."""
        ...

    def drop_before(self, time: int) -> int:
        """Forgets cycles, estimates and snapshots that ended before a time; findings stay."""
        ...

    def close(self) -> None:
        """Lets go of files."""
        ...

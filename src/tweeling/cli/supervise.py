"""Starts the processes of a live twin, starts again those that die, and stops them all.

A process that dies comes back after a pause that doubles while it keeps dying; the others go on meanwhile. One that cannot use
what it was given (exit code 2) ends all: starting it again would change nothing. The processes hold the other end of a pipe, so
that they end also when this one is killed.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

UNUSABLE = 2
"""Exit code of a process that cannot use its input."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
"""Seconds before a process is started again."""
HEALTHY_SECONDS = 30.0
"""A process that lived so long is started again after the shortest pause."""
LOOK_SECONDS = 0.05
STOP_SECONDS = 15.0
"""A process that has not stopped by then is killed; what it acknowledged is on disk."""


@dataclass(eq=False)
class Part:
    """One process, and how it fares.

    Args:
        name: for people.
        command: to start it.
        running: the process; None while it is down.
        pause: seconds before the next start.
        started, due: when it was started, when it is to be started; `time.monotonic`.
    """

    name: str
    command: Sequence[str]
    running: subprocess.Popen[bytes] | None = None
    pause: float = SHORTEST_PAUSE
    started: float = 0.0
    due: float = 0.0
    lines: threading.Thread | None = field(default=None, repr=False)


class Supervisor:
    """Keeps some processes alive.

    Args:
        commands: by name.
        say: gets each line that they write to standard output.
        note: gets a line for people when one starts, dies or is stopped.
        errors: a file that their standard error goes to; None for this process's own.
        patience: seconds after which one that does not stop is killed.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        say: Callable[[str], None],
        note: Callable[[str], None],
        errors: IO[bytes] | None = None,
        patience: float = STOP_SECONDS,
    ) -> None:
        self.parts = [Part(name, command) for name, command in commands.items()]
        self.say, self.note, self.errors, self.patience = say, note, errors, patience
        self._stop = threading.Event()

    def run(self) -> int:
        """Runs until stopped or until a process cannot use what it was given; gives the exit code."""
        before = {number: signal.signal(number, self.stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._stop.is_set():
                for part in self.parts:
                    if self._look_after(part) == UNUSABLE:
                        return UNUSABLE
                self._stop.wait(LOOK_SECONDS)
            self.note("stopping: what was acknowledged is on disk")
            return 0
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Asks `run` to end."""
        self._stop.set()

    def _look_after(self, part: Part) -> int | None:
        """Starts what is due; gives the exit code of what died, else None."""
        now = time.monotonic()
        if part.running is None:
            if now >= part.due:
                self._start(part, now)
            return None
        code = part.running.poll()
        if code is None:
            return None
        part.running = None
        if code == UNUSABLE:
            return code
        part.pause = SHORTEST_PAUSE if now - part.started > HEALTHY_SECONDS else min(2 * part.pause, LONGEST_PAUSE)
        part.due = now + part.pause
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        self.note(f"{part.name} {how}; starting it again in {part.pause:g} s")
        return code

    def _start(self, part: Part, now: float) -> None:
        part.started = now
        # A session of its own: Ctrl-C goes to this process, which then stops the others in order.
        part.running = subprocess.Popen(
            part.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
            bufsize=0,
        )
        assert part.running.stdout is not None
        self.note(f"{part.name} started, process {part.running.pid}")
        part.lines = threading.Thread(target=self._pass_on, args=(part.running.stdout,), daemon=True)
        part.lines.start()

    def _pass_on(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.say(line.decode("utf-8", "replace").rstrip())

    def _stop_all(self) -> None:
        running = [part.running for part in self.parts if part.running is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + self.patience
        for process in running:
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for part in self.parts:
            if part.lines is not None:
                part.lines.join(1.0)


def say_line(text: str) -> None:
    """Prints a line at once, for whoever reads along."""
    print(text, flush=True)


def note_line(text: str) -> None:
    """Prints a line about the processes themselves, on standard error."""
    print(text, file=sys.stderr, flush=True)


def say_json(source: str) -> Callable[[str], None]:
    """As `say_line`, each line a JSON document."""
    return lambda text: say_line(json.dumps({"source": source, "text": text}))


def note_json(source: str) -> Callable[[str], None]:
    """As `note_line`, each line a JSON document."""
    return lambda text: note_line(json.dumps({"source": source, "text": text}))

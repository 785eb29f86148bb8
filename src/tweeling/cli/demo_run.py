"""Runs the three processes of a demo, looks at them now and then, and has it told."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tweeling.cli.demo_told import Finding, Lines, Run, Table, Teller, View
from tweeling.cli.supervise import UNUSABLE, Supervisor
from tweeling.errors import InputError
from tweeling.plant.demo import BEGINS, HIDDEN, LOG, SENT
from tweeling.plant.feed import read_place
from tweeling.reading import microseconds

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 5.0
PATIENCE = 5.0
"""Seconds after which a process that does not stop is killed; what it acknowledged is on disk."""
LIVE_FROM = microseconds(BEGINS)


@dataclass(eq=False)
class Watcher:
    """Looks at a demo now and then, in a thread, and has it told.

    Args:
        run: what is looked at.
        teller: how it is told.
    """

    run: Run
    teller: Teller
    view: View = field(default_factory=View)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def line(self, text: str) -> None:
        """A line that a process said: only the doors speak, and say their address."""
        if text.startswith("http") and not self.view.address:
            self._show(replace(self.view, address=text))
            if self.run.browser:
                webbrowser.open(text)

    def note(self, text: str) -> None:
        """A line about the processes."""
        with self.lock:
            self.teller.note(text)

    def watch(self) -> None:
        """Looks until stopped."""
        while not self.stop.wait(LOOK_SECONDS):
            if self.view.address:
                try:
                    self._show(looked(self.view, self.run, ask))
                except (OSError, ValueError):  # the doors are away; the supervisor says so
                    continue

    def _show(self, view: View) -> None:
        with self.lock:
            self.view = view
            self.teller.show(view)


def ask(url: str) -> Any:
    """A document of the doors."""
    with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
        return json.load(answer)


def looked(view: View, run: Run, ask: Callable[[str], Any]) -> View:
    """The demo as it is now."""
    health, findings = ask(f"{run.url}/health"), ask(f"{run.url}/api/findings")["findings"]
    backlog, twin = health["catching_up"], health["twin"]
    place = read_place(run.folder / HIDDEN / SENT)
    return replace(
        view,
        done=backlog["done"] if backlog else 0.0,
        of=backlog["of"] if backlog else 0.0,
        began=place.upto >= LIVE_FROM,
        end=twin["last_end"] or "",
        cycle=twin["cycles"],
        seconds=twin["seconds_per_cycle"] or 0.0,
        readings=place.readings,
        stale=len(health["sensors"]["stale"]),
        findings=tuple(_finding(one) for one in findings),
    )


def _finding(document: dict[str, Any]) -> Finding:
    candidates = document["candidates"]
    return Finding(
        id=document["id"],
        kind=document["kind"],
        probability=document["causes"][document["kind"]],
        first=candidates[0]["element"] if candidates else "",
        closed=document["closed"] is not None,
    )


def run(asked: Run) -> None:
    """Runs a demo until it is stopped.

    Raises:
        InputError: a process cannot use what it was given.
    """
    watcher = Watcher(asked, Table(asked) if sys.stdout.isatty() and not asked.as_json else Lines(asked))
    thread = threading.Thread(target=watcher.watch, name="watcher", daemon=True)
    code = UNUSABLE
    with open(asked.folder / LOG, "wb") as errors:
        thread.start()
        try:
            code = Supervisor(asked.commands(), watcher.line, watcher.note, errors, PATIENCE).run()
        finally:
            watcher.stop.set()
            thread.join(ANSWER_SECONDS)
            watcher.teller.end(code != UNUSABLE)
    if code == UNUSABLE:
        raise InputError(refusal(asked.folder / LOG))


def refusal(log: Path) -> str:
    """Why a process could not use what it was given, as its last words have it."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    words = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return words[-1] if words else f"a process of the demo could not go on; {log} says more"

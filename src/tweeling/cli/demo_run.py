"""A demo while it runs: its three processes, and what is said of them."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from tweeling.cli.demo import HOST, PATIENCE
from tweeling.cli.supervise import UNUSABLE, Supervisor
from tweeling.errors import InputError
from tweeling.plant.demo import BEGINS, HIDDEN, LOG, SENT, Story
from tweeling.plant.feed import read_place
from tweeling.reading import microseconds

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 5.0
LIVE_FROM = microseconds(BEGINS)
SIGN_OF_LIFE = 6
"""Hours of the demo between two lines that say nothing new."""


@dataclass(frozen=True)
class Run:
    """What is run.

    Args:
        folder, config: of the demo.
        story: what it is of.
        speed: simulated seconds in a second.
        mqtt: URL of a broker, "" for none.
        port: of the doors.
        browser: whether to open the page.
        as_json: whether lines are JSON.
    """

    folder: Path
    config: Path
    story: Story
    speed: float
    mqtt: str
    port: int
    browser: bool
    as_json: bool

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://{HOST}:{self.port}"

    def commands(self) -> dict[str, list[str]]:
        """To start the processes; the doors first."""
        python = [sys.executable, "-m"]
        return {
            "doors": [*python, "tweeling.service", str(self.config), "--host", HOST, "--port", str(self.port), "--with-parent"],
            "twin": [*python, "tweeling.live", str(self.config), "--with-parent"],
            "plant": [
                *[*python, "tweeling.plant", str(self.folder), "--with-parent"],
                *["--send", self.mqtt or self.url, "--service", self.url, "--speed", str(self.speed)],
            ],
        }


@dataclass(frozen=True)
class Finding:
    """What is said of a finding: its id, kind, the probability of that kind, the likeliest element, and whether it is over."""

    id: str
    kind: str
    probability: float
    first: str
    closed: bool


@dataclass(frozen=True)
class View:
    """The demo at a moment, as its doors tell it.

    Args:
        address: of the page; "" until somebody answers there.
        done, of: hours of readings that the twin has taken, of those that are there; 0 of 0 when it keeps up.
        began: whether the healthy week is over and the twin has taken it.
        end: of the last cycle, in the demo's time, ISO 8601; "" before the first.
        cycle, seconds: its number, and how long it took.
        readings: that were acknowledged.
        stale: sensors that are.
        findings: all of them.
        trouble: what is wrong with the processes, "" for nothing.
    """

    address: str = ""
    done: float = 0.0
    of: float = 0.0
    began: bool = False
    end: str = ""
    cycle: int = 0
    seconds: float = 0.0
    readings: int = 0
    stale: int = 0
    findings: tuple[Finding, ...] = ()
    trouble: str = ""

    @property
    def open(self) -> list[Finding]:
        """Findings that are not closed."""
        return [one for one in self.findings if not one.closed]


class Teller(Protocol):
    """How a person or a program is told."""

    def show(self, view: View) -> None:
        """The demo as it is now."""
        ...

    def note(self, text: str) -> None:
        """Something about the processes."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Lines:
    """Flushed lines, for who is no terminal; only what is new."""

    def __init__(self, run: Run) -> None:
        self.run, self.before = run, View()

    def say(self, text: str) -> None:
        """A line."""
        print(text, flush=True)

    def show(self, view: View) -> None:
        """Says what is new."""
        for event in news(self.before, view):
            self.say(json.dumps(event | self.start(event)) if self.run.as_json else sentence(event, self.run))
        self.before = view

    def start(self, event: dict[str, Any]) -> dict[str, Any]:
        """What a program wants to know besides, with the first line."""
        if event["event"] != "address":
            return {}
        story = self.run.story
        return {"scenario": story.scenario, "seed": story.seed, "speed": self.run.speed, "folder": str(self.run.folder)}

    def note(self, text: str) -> None:
        """Says it as it is; that all went well is not said to people."""
        if self.run.as_json:
            self.say(json.dumps({"event": "process", "text": text}))
        elif " started, process " not in text:
            self.say(text)

    def end(self) -> None:
        """Nothing is left to be done."""


GOODBYE = "stopped; the same command goes on from here"
GOODBYE_JSON = '{"event": "stopped"}'


def news(before: View, view: View) -> list[dict[str, Any]]:
    """What is to be said after what was said before."""
    events: list[dict[str, Any]] = []
    if view.address and not before.address:
        events.append({"event": "address", "url": view.address})
    if view.of and not view.began and int(4 * view.done / view.of) > (int(4 * before.done / before.of) if before.of else -1):
        events.append({"event": "learning", "done": view.done, "of": view.of})
    if view.began and not before.began:
        events.append({"event": "live", "time": view.end})
    known = {one.id: one for one in before.findings}
    for one in view.findings:
        was = known.get(one.id)
        if was is None or (was.kind, was.first, was.closed) != (one.kind, one.first, one.closed):
            events.append({"event": "finding", "time": view.end, "new": was is None} | one.__dict__)
    if view.began and before.began and _hours(view.end) // SIGN_OF_LIFE > _hours(before.end) // SIGN_OF_LIFE:
        figures = ("cycle", "seconds", "readings", "stale")
        events.append(
            {"event": "cycle", "time": view.end, "open": len(view.open)} | {key: getattr(view, key) for key in figures}
        )
    return events


def _hours(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) // 3600 if time else 0


def sentence(event: dict[str, Any], run: Run) -> str:
    """An event for a reader."""
    match event["event"]:
        case "address":
            told = f" ({run.story.about})" if run.story.about else ""
            return (
                f"{run.story.town}, simulated data: {event['url']}\n"
                f"scenario {scenario_name(run.story)}{told}, seed {run.story.seed}\n"
                f"kept in {run.folder}; Ctrl-C stops, the same command goes on"
            )
        case "learning":
            return f"the twin learns from a healthy week: {event['done']:.0f} of {event['of']:.0f} hours"
        case "live":
            return f"{clock(event['time'])}  the town is live, {run.speed:g} times faster than life"
        case "finding":
            return f"{clock(event['time'])}  {finding_words(event)}"
        case _:
            wrong = f"{event['open']} open" if event["open"] else "nothing open"
            return (
                f"{clock(event['time'])}  cycle {event['cycle']} took {event['seconds']:.2f} s; "
                f"{event['readings']:,} readings, {event['stale']} sensors stale, {wrong}"
            )


def finding_words(event: dict[str, Any]) -> str:
    """A finding in some words."""
    if event["closed"]:
        return f"{event['id']} closed: {event['kind']}"
    where = f", first candidate {event['first']}" if event["first"] else ""
    return f"{event['id']} {event['kind']} {event['probability']:.0%}{where}"


def scenario_name(story: Story) -> str:
    """Without the folders of a file."""
    return Path(story.scenario).name


def clock(time: str) -> str:
    """`Mon 12 Jan 00:30` of a time."""
    return f"{datetime.fromisoformat(time):%a %d %b %H:%M}" if time else "before the first cycle"


class Table:
    """A quiet table on a terminal, drawn again when something changes."""

    def __init__(self, run: Run) -> None:
        from rich.console import Console
        from rich.live import Live

        self.run, self.lines = run, list[str]()
        self.live = Live(self.drawn(View()), console=Console(), refresh_per_second=2, auto_refresh=False)
        self.live.start()

    def show(self, view: View) -> None:
        """Draws it."""
        self.live.update(self.drawn(view), refresh=True)

    def note(self, text: str) -> None:
        """A line above the table; that all went well is not said."""
        if " started, process " not in text and not text.startswith("stopping"):
            self.live.console.print(text, markup=False, highlight=False)

    def end(self) -> None:
        """Leaves the table as it is."""
        self.live.stop()

    def drawn(self, view: View) -> Any:
        """The table of a view."""
        from rich.console import Group
        from rich.table import Table as Grid
        from rich.text import Text

        story = self.run.story
        first = Text.assemble((view.address or "starting ...", "bold"), f"   {story.town}, simulated data")
        grid = Grid.grid(padding=(0, 2))
        for name, value in rows(view, self.run):
            grid.add_row(Text(name, style="dim"), Text(value))
        return Group(first, Text(""), grid, Text(""), Text("Ctrl-C stops; the same command goes on", style="dim"))


def rows(view: View, run: Run) -> list[tuple[str, str]]:
    """What the table shows."""
    story = run.story
    found = [("demo", f"scenario {scenario_name(story)}, seed {story.seed}, {run.speed:g} times faster than life")]
    if not view.began:
        hours = f"{view.done:.0f} of {view.of:.0f} hours" if view.of else "the program is made ready"
        return [*found, ("healthy week", hours), ("readings", f"{view.readings:,} acknowledged")]
    found += [
        ("town's time", f"{clock(view.end)} UTC"),
        ("cycle", f"{view.cycle}, took {view.seconds:.2f} s"),
        ("readings", f"{view.readings:,} acknowledged"),
        ("sensors", f"{view.stale} stale" if view.stale else "none stale"),
    ]
    warnings = [finding_words(one.__dict__) for one in view.open] or ["none open"]
    return found + [("warnings" if not place else "", text) for place, text in enumerate(warnings)]


@dataclass(eq=False)
class Watcher:
    """Looks at a demo now and then, in a thread, and has it told.

    Args:
        run: what is looked at.
        teller: how it is told.
    """

    run: Run
    teller: Teller
    view: View = View()
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


def run(asked: Run) -> int:
    """Runs a demo until it is stopped; gives the exit code."""
    watcher = Watcher(asked, Table(asked) if sys.stdout.isatty() and not asked.as_json else Lines(asked))
    thread = threading.Thread(target=watcher.watch, name="watcher", daemon=True)
    with open(asked.folder / LOG, "wb") as errors:
        thread.start()
        try:
            code = Supervisor(asked.commands(), watcher.line, watcher.note, errors, PATIENCE).run()
        finally:
            watcher.stop.set()
            thread.join(ANSWER_SECONDS)
            watcher.teller.end()
    if code == UNUSABLE:
        raise InputError(refusal(asked.folder / LOG))
    print(GOODBYE_JSON if asked.as_json else GOODBYE, flush=True)
    return code


def refusal(log: Path) -> str:
    """Why a process could not use what it was given, as its last words have it."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    words = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return words[-1] if words else f"a process of the demo could not go on; {log} says more"

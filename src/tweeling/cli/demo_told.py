"""What is said of a demo while it runs: a quiet table on a terminal, else a line when something is new."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tweeling.cli.demo import HOST
from tweeling.plant.demo import BEGINS, Story, send_url

if TYPE_CHECKING:
    from rich.console import RenderableType

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
                *["--send", send_url(self.mqtt) if self.mqtt else self.url, "--service", self.url, "--speed", str(self.speed)],
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

    def end(self, goodbye: bool) -> None:
        """It is over; whether it can go on from here."""
        ...


class Lines:
    """Flushed lines, where there is no terminal; only what is new."""

    def __init__(self, run: Run) -> None:
        self.run, self.before = run, View()

    def show(self, view: View) -> None:
        """Says what is new."""
        for event in news(self.before, view):
            say(json.dumps(event | self.more(event)) if self.run.as_json else sentence(event, self.run))
        self.before = view

    def more(self, event: dict[str, Any]) -> dict[str, Any]:
        """What a program wants to know besides, with the first line."""
        if event["event"] != "address":
            return {}
        story = self.run.story
        return {"scenario": story.scenario, "seed": story.seed, "speed": self.run.speed, "folder": str(self.run.folder)}

    def note(self, text: str) -> None:
        """A line of its own; that all goes well is not said to people."""
        if self.run.as_json:
            say(json.dumps({"event": "process", "text": text}))
        elif not is_usual(text):
            say(text)

    def end(self, goodbye: bool) -> None:
        """The last line."""
        if goodbye:
            say(json.dumps({"event": "stopped"}) if self.run.as_json else GOODBYE)


GOODBYE = "stopped; the same command goes on from here"


def say(text: str) -> None:
    """Prints a line at once, for whoever reads along."""
    print(text, flush=True)


def is_usual(text: str) -> bool:
    """Whether a note about the processes is no news to people."""
    return " started, process " in text or text.startswith("stopping")


def news(before: View, view: View) -> list[dict[str, Any]]:
    """What is to be said after what was said before."""
    events: list[dict[str, Any]] = []
    if view.address and not before.address:
        events.append({"event": "address", "url": view.address})
    if not view.began and quarters(view) > quarters(before):
        events.append({"event": "learning", "done": round(view.done, 1), "of": round(view.of, 1)})
    if view.began and not before.began:
        events.append({"event": "live", "time": view.end})
    known = {one.id: one for one in before.findings}
    for one in view.findings:
        was = known.get(one.id)
        if (was is None and not one.closed) or (was is not None and (was.kind, was.closed) != (one.kind, one.closed)):
            events.append({"event": "finding", "time": view.end, "new": was is None} | asdict(one))
    if view.began and before.began and spells(view.end) > spells(before.end):
        events.append(
            {
                "event": "cycle",
                "time": view.end,
                "cycle": view.cycle,
                "seconds": round(view.seconds, 3),
                "readings": view.readings,
                "stale": view.stale,
                "open": len(view.open),
            }
        )
    return events


def quarters(view: View) -> int:
    """Of the healthy week that the twin has taken; -1 before there is any."""
    return int(4 * view.done / view.of) if view.of else -1


def spells(time: str) -> int:
    """How many times `SIGN_OF_LIFE` has passed since the demo began."""
    since = datetime.fromisoformat(time) - BEGINS if time else timedelta()
    return max(since, timedelta()) // timedelta(hours=SIGN_OF_LIFE)


def sentence(event: dict[str, Any], run: Run) -> str:
    """An event for a reader."""
    match event["event"]:
        case "address":
            told = f": {run.story.about}" if run.story.about else ""
            return (
                f"{run.story.town}, simulated data: {event['url']}\n"
                f"scenario {scenario_name(run.story)}, seed {run.story.seed}{told}\n"
                f"kept in {run.folder}; Ctrl-C stops, the same command goes on"
            )
        case "learning" if event["done"] == 0:
            return "a healthy week comes first; the twin learns from it, on a new machine after a minute of getting ready"
        case "learning":
            return f"healthy week: {event['done']:.0f} of {event['of']:.0f} hours"
        case "live":
            return f"{clock(event['time'])}  the town is live, {run.speed:g} times faster than life"
        case "finding":
            return f"{clock(event['time'])}  {finding_words(event)}"
        case _:
            cycle = f"cycle {event['cycle']} took {event['seconds']:.2f} s"
            warnings = f"{event['open']} warnings open" if event["open"] != 1 else "1 warning open"
            return (
                f"{clock(event['time'])}  {cycle}, {event['readings']:,} readings, {event['stale']} sensors stale, {warnings}"
            )


def finding_words(event: dict[str, Any]) -> str:
    """A finding in some words."""
    if event["closed"]:
        return f"{event['id']} {event['kind']}: closed"
    where = f", first candidate {event['first']}" if event["first"] else ""
    return f"{event['id']} {event['kind']} {event['probability']:.0%}{where}"


def scenario_name(story: Story) -> str:
    """Without the folders of a file."""
    return Path(story.scenario).name


def clock(time: str) -> str:
    """`Mon 12 Jan 00:30` of a time."""
    return f"{datetime.fromisoformat(time):%a %d %b %H:%M}" if time else "before the first cycle"


class Table:
    """A quiet table on a terminal, drawn again at every look."""

    def __init__(self, run: Run) -> None:
        from rich.live import Live

        self.run = run
        self.live = Live(self.drawn(View()), auto_refresh=False)
        self.live.start()

    def show(self, view: View) -> None:
        """Draws it."""
        self.live.update(self.drawn(view), refresh=True)

    def note(self, text: str) -> None:
        """A line above the table; that all goes well is not said."""
        if not is_usual(text):
            self.live.console.print(text, markup=False, highlight=False)

    def end(self, goodbye: bool) -> None:
        """Leaves the table as it is."""
        self.live.stop()
        if goodbye:
            say(GOODBYE)

    def drawn(self, view: View) -> RenderableType:
        """The table of a view."""
        from rich.console import Group
        from rich.table import Table as Grid
        from rich.text import Text

        first = Text.assemble((view.address or "starting", "bold"), f"   {self.run.story.town}, simulated data")
        grid = Grid.grid(padding=(0, 2))
        for name, value in rows(view, self.run):
            grid.add_row(Text(name, style="dim"), Text(value))
        return Group(first, "", grid, "", Text("Ctrl-C stops; the same command goes on", style="dim"))


def rows(view: View, run: Run) -> list[tuple[str, str]]:
    """What the table shows."""
    story = run.story
    found = [("demo", f"scenario {scenario_name(story)}, seed {story.seed}, {run.speed:g} times faster than life")]
    if not view.began:
        hours = f"{view.done:.0f} of {view.of:.0f} hours" if view.of else "about to begin"
        return [*found, ("healthy week", hours), ("readings", f"{view.readings:,} acknowledged")]
    found += [
        ("town's time", f"{clock(view.end)} UTC"),
        ("cycle", f"{view.cycle}, took {view.seconds:.2f} s"),
        ("readings", f"{view.readings:,} acknowledged"),
        ("sensors", f"{view.stale} stale" if view.stale else "none stale"),
    ]
    warnings = [finding_words(asdict(one)) for one in view.open] or ["none"]
    return found + [("" if place else "warnings", text) for place, text in enumerate(warnings)]

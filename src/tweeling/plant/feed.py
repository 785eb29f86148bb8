"""Plays a hidden town to a twin: first a healthy time as fast as it goes, then moment by moment at the demo's speed.

The town is run from its beginning at every start, a second a week for EPANET, and what was acknowledged is left out. So a demo
that was stopped goes on with the readings that it would have had, bit for bit. All that is kept is the time of the last moment
that was acknowledged.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tweeling.errors import InputError
from tweeling.plant.run import Piece
from tweeling.reading import SECOND, iso_time, microseconds

LOOK_SECONDS = 0.5
"""How often is looked whether the twin has taken the healthy time."""
NEARLY = timedelta(minutes=15)
"""A twin that is so far behind its sensors has taken what was sent."""
ANSWER_SECONDS = 5.0
NEVER = -(2**62)


class Stopped(Exception):  # noqa: N818 - no fault
    """Somebody told the feed to stop."""


@dataclass(frozen=True)
class Place:
    """How far the town has come.

    Args:
        upto: time of the last moment that was acknowledged, microseconds since 1970 UTC.
        readings: that were acknowledged.
    """

    upto: int = NEVER
    readings: int = 0


def read_place(path: Path) -> Place:
    """How far the town had come; its beginning where nothing is kept.

    Raises:
        InputError: a file that cannot be made out.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Place(microseconds(datetime.fromisoformat(document["upto"]).astimezone(UTC)), int(document["readings"]))
    except FileNotFoundError:
        return Place()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}; --fresh starts the demo over") from error


def write_place(path: Path, place: Place) -> None:
    """Keeps how far the town has come; whole or not at all."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(json.dumps({"upto": iso_time(place.upto), "readings": place.readings}), encoding="utf-8")
    beside.replace(path)


@dataclass(frozen=True)
class Clock:
    """The wall's; tests have others.

    Args:
        now: seconds.
        wait: lets seconds pass.

    Raises:
        Stopped: from `wait`, when somebody says so.
    """

    now: Callable[[], float]
    wait: Callable[[float], None]

    @staticmethod
    def until(stop: threading.Event) -> Clock:
        """A clock that ends its waits when an event is set."""

        def wait(seconds: float) -> None:
            if stop.wait(max(seconds, 0.0)):
                raise Stopped

        return Clock(time.monotonic, wait)


@dataclass(frozen=True)
class Feed:
    """Where readings go, and when.

    Args:
        post: sends a piece until it is acknowledged; gives how many readings that were.
        keep: called with the place after each.
        taken: returns when the twin has taken what was sent so far.
        live_from: the moment from which the town goes at its speed, microseconds since 1970 UTC.
        speed: simulated seconds in a second.
        clock: of the wall.
    """

    post: Callable[[Piece], int]
    keep: Callable[[Place], None]
    taken: Callable[[], None]
    live_from: int
    speed: float
    clock: Clock


def play(pieces: Iterable[Piece], place: Place, feed: Feed) -> Place:
    """Plays a town to its end, from where it had come.

    Args:
        pieces: of the run, from its beginning.
        place: what was acknowledged before.
        feed: where to.

    Returns:
        Where it has come.
    """
    begun: tuple[float, int] | None = None
    for piece in pieces:
        to_come = piece.times > place.upto
        before = to_come & (piece.times < feed.live_from)
        if before.any():
            place = _posted(part(piece, np.flatnonzero(before)), place, feed)
        for row in np.flatnonzero(to_come & ~before).tolist():
            moment = int(piece.times[row])
            if begun is None:
                feed.taken()
                begun = feed.clock.now(), moment
            feed.clock.wait(begun[0] + (moment - begun[1]) / SECOND / feed.speed - feed.clock.now())
            place = _posted(part(piece, np.array([row])), place, feed)
    return place


def part(piece: Piece, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Piece:
    """Some moments of a piece."""
    return replace(piece, **{name: getattr(piece, name)[rows] for name in piece.__dataclass_fields__})


def _posted(piece: Piece, place: Place, feed: Feed) -> Place:
    place = Place(int(piece.times[-1]), place.readings + feed.post(piece))
    feed.keep(place)
    return place


def wait_until_taken(url: str, clock: Clock) -> None:
    """Waits until the twin behind a service is where its sensors are.

    Args:
        url: of the service.
        clock: of the wall.
    """
    while not _has_taken(url):
        clock.wait(LOOK_SECONDS)


def _has_taken(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=ANSWER_SECONDS) as answer:
            return is_ready(json.load(answer))
    except (OSError, ValueError):  # away, or starting: it is asked again
        return False


def is_ready(health: Mapping[str, Any]) -> bool:
    """Whether a twin is where its sensors are, as `/health` tells."""
    ends = health["twin"]["last_end"], health["sensors"]["last_time"]
    if health["catching_up"] is not None or None in ends:
        return False
    taken, reached = (datetime.fromisoformat(end) for end in ends)
    return bool(reached - taken <= NEARLY)


def run(folder: Path, send_to: str, service: str, speed: float, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Plays the town of a demo until it is told to stop.

    Args:
        folder: of the demo.
        send_to: URL that readings go to.
        service: URL of the doors, which know how far the twin is.
        speed: simulated seconds in a second.
        stop: set from outside.
        say: told when readings are not taken, and when they are again.

    Raises:
        InputError: files or addresses that cannot be used.
    """
    from tweeling.plant import demo
    from tweeling.plant.run import run_plant
    from tweeling.plant.send import Door, Habits, as_arrow, send, way_to

    hidden, kept, clock = demo.read_hidden(folder), folder / demo.HIDDEN / demo.SENT, Clock.until(stop)
    door = way_to(send_to)
    habits = Habits(form=as_arrow, say=say, clock=clock.now, wait=clock.wait)

    def post(piece: Piece) -> int:
        sent = send([piece], hidden.sensors, door, habits)
        if isinstance(door, Door):  # a service lets go of a connection that is quiet for long, as one of a slow town is
            door.close()
        return sent.readings

    feed = Feed(
        post=post,
        keep=lambda place: write_place(kept, place),
        taken=lambda: wait_until_taken(service, clock),
        live_from=microseconds(demo.BEGINS),
        speed=speed,
        clock=clock,
    )
    try:
        with closing(run_plant(hidden)) as pieces:  # type: ignore[type-var]
            play(pieces, read_place(kept), feed)
        say("the town's half year is over; --fresh starts another")
        stop.wait()
    except Stopped:
        return
    finally:
        door.close()

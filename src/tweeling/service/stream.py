"""The event stream: what is new, numbered, and kept for a while so that a listener who comes back misses nothing.

An event's id is `RUN-NUMBER`: RUN names this run of the doors. A listener that comes back with the id of the last event that it
has gets those after it; one whose id is of another run, or too old, gets everything as it is now.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

KEPT = 2000
"""Events that a listener who comes back can still get,"""
KEPT_BYTES = 4 << 20
"""as long as they take no more than this: what is kept must not grow for hours."""
HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True)
class Event:
    """One event.

    Args:
        number: grows by one.
        kind: `state`, `finding` or `health`.
        data: JSON.
    """

    number: int
    kind: str
    data: Any


class Broadcaster:
    """Keeps the last events and wakes who waits for the next; lives in one event loop."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._last = 0
        self._closed = False
        self._news = asyncio.Condition()

    async def publish(self, kind: str, data: Any) -> None:
        """Adds an event and wakes the listeners."""
        text = msgspec.Raw(msgspec.json.encode(data))  # a town's events as dictionaries would be a hundred megabytes
        async with self._news:
            self._last += 1
            self._events.append(Event(self._last, kind, text))
            self._bytes += len(bytes(text))
            while len(self._events) > KEPT or (self._bytes > KEPT_BYTES and len(self._events) > 1):
                self._bytes -= len(bytes(self._events.popleft().data))
            self._news.notify_all()

    async def close(self) -> None:
        """Ends the streams of all listeners; they come back when the doors do."""
        async with self._news:
            self._closed = True
            self._news.notify_all()

    def since(self, last_id: str) -> list[Event] | None:
        """The events after an id; None where that cannot be told, so that all must be sent anew."""
        run, _, number = last_id.rpartition("-")
        if run != self.run or not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        seen = int(number)
        oldest = self._events[0].number if self._events else self._last + 1
        if not oldest - 1 <= seen <= self._last:
            return None
        return [event for event in self._events if event.number > seen]

    async def listen(self, last_id: str, everything: Callable[[], Sequence[tuple[str, Any]]]) -> AsyncIterator[bytes]:
        """The stream of one listener, until the doors close.

        Args:
            last_id: of the last event that it has, "" for none.
            everything: events that say all as it is now, for who cannot go on from `last_id`; called in a thread.
        """
        yield b"retry: 2000\n\n"
        missed = self.since(last_id)
        seen = self._last  # before `everything` is looked at: what comes meanwhile is told twice rather than never
        if missed is None:
            for kind, data in await asyncio.to_thread(everything):
                yield _as_text(f"{self.run}-{seen}", kind, data)
        else:
            for event in missed:
                yield _as_text(f"{self.run}-{event.number}", event.kind, event.data)
        while not self._closed:
            events = await self._after(seen)
            if not events:
                yield b": here\n\n"
            for event in events:
                yield _as_text(f"{self.run}-{event.number}", event.kind, event.data)
                seen = event.number

    async def _after(self, seen: int) -> list[Event]:
        """The next events, or none after a while."""
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: self._closed or self._last > seen), HEARTBEAT_SECONDS)
            except TimeoutError:
                return []
            return [event for event in self._events if event.number > seen]


def _as_text(name: str, kind: str, data: Any) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (name.encode(), kind.encode(), msgspec.json.encode(data))

"""What the event stream keeps for those who come back."""

from __future__ import annotations

import asyncio

import pytest

from tweeling.service import stream
from tweeling.service.stream import Broadcaster


def published(count: int, size: int) -> Broadcaster:
    """A broadcaster after so many events of so many bytes."""
    broadcaster = Broadcaster()

    async def publish() -> None:
        for number in range(count):
            await broadcaster.publish("state", {"number": number, "text": "x" * size})

    asyncio.run(publish())
    return broadcaster


def missed(broadcaster: Broadcaster, number: int) -> list[int] | None:
    found = broadcaster.since(f"{broadcaster.run}-{number}")
    return None if found is None else [event.number for event in found]


def test_what_is_kept_is_bounded_in_bytes_and_who_missed_more_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEPT_BYTES", 10_000)
    broadcaster = published(100, 970)  # a thousand bytes each
    assert missed(broadcaster, 95) == [96, 97, 98, 99, 100]
    assert missed(broadcaster, 100) == []
    assert missed(broadcaster, 80) is None


def test_what_is_kept_is_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEPT", 10)
    broadcaster = published(30, 1)
    assert missed(broadcaster, 20) == list(range(21, 31))
    assert missed(broadcaster, 19) is None


def test_one_event_larger_than_all_that_is_kept_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEPT_BYTES", 10)
    assert missed(published(3, 100), 2) == [3]

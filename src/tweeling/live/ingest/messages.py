"""Many small messages, decoded together: what costs most of a single reading is what it does alone.

A payload is JSON, an Arrow stream or a Parquet file. The last two begin with bytes that no JSON can begin with, so they tell
themselves. What is wrong with one message does not touch the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tweeling.errors import DecodeError
from tweeling.live.ingest import json
from tweeling.live.ingest.decoded import Decoded
from tweeling.live.ingest.formats import decode_body
from tweeling.reading import Readings

LARGEST_PAYLOAD = 8 << 20
"""Bytes; as of a body over HTTP."""
BEGINNINGS = {b"PAR1": "application/vnd.apache.parquet", b"\xff\xff\xff\xff": "application/vnd.apache.arrow.stream"}


@dataclass(frozen=True, eq=False)
class Messages:
    """What was made of some messages.

    Args:
        readings: of all of them, in the order in which they came.
        unread: place of each message that cannot be made out at all, and why.
        partly: place of each reading's message that cannot be kept, and why.
    """

    readings: Readings
    unread: tuple[tuple[int, str], ...] = ()
    partly: tuple[tuple[int, str], ...] = ()

    @staticmethod
    def unreadable(why: str) -> Messages:
        """One message that cannot be made out."""
        return Messages(_joined(()), ((0, why),))


def joined(singles: Sequence[Messages]) -> Messages:
    """Messages that were decoded one by one, as if together; each holds one."""
    return Messages(
        _joined([one.readings for one in singles]),
        tuple((place, why) for place, one in enumerate(singles) for _, why in one.unread),
        tuple((place, why) for place, one in enumerate(singles) for _, why in one.partly),
    )


def decode_messages(payloads: Sequence[bytes], zone: str = "UTC") -> Messages:
    """Makes readings of messages.

    Args:
        payloads: in the order in which they came.
        zone: of times without an offset.
    """
    parts: list[Readings] = []
    unread: list[tuple[int, str]] = []
    partly: list[tuple[int, str]] = []
    rows: list[json.Row] = []
    places: list[int] = []

    def flush() -> None:
        if rows:
            decoded = json.decode_from_rows(rows, zone)
            parts.append(decoded.readings)
            partly.extend((places[verdict.index], verdict.why) for verdict in decoded.refused)
            rows.clear()
            places.clear()

    for place, payload in enumerate(payloads):
        found = json.decode_rows(payload) if len(payload) <= LARGEST_PAYLOAD else None
        if found is not None:
            rows += found
            places += [place] * len(found)
            continue
        flush()
        try:
            decoded = _decode_one(payload, zone)
        except DecodeError as error:
            unread.append((place, str(error)))
            continue
        parts.append(decoded.readings)
        partly.extend((place, verdict.why) for verdict in decoded.refused)
    flush()
    return Messages(_joined(parts), tuple(unread), tuple(partly))


def _decode_one(payload: bytes, zone: str) -> Decoded:
    if len(payload) > LARGEST_PAYLOAD:
        raise DecodeError(f"the message is larger than {LARGEST_PAYLOAD >> 20} MiB; send the readings in smaller ones")
    return decode_body(payload, BEGINNINGS.get(payload[:4], ""), zone)


def _joined(parts: Sequence[Readings]) -> Readings:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        nothing = np.empty(0, dtype=object)
        return Readings(nothing, np.empty(0, np.int64), np.empty(0), nothing, nothing)
    return Readings(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Readings)})

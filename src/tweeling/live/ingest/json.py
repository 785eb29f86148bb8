"""Readings as JSON: one object, or a list: `{"sensor": "pressure:n54", "time": "2018-01-01T00:05:00Z", "value": 36.84}`.

`unit` and `quality` may be there too; other keys are not looked at. A value of null, NaN or another kind is kept as none.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np

from tweeling.errors import DecodeError
from tweeling.live.ingest.decoded import MOST_READINGS, Decoded, Verdict, columns_to_readings, text_column
from tweeling.live.ingest.times import LocalClock, times_of_texts
from tweeling.reading import Flag

Row = tuple[str, str, float, str, str]

EXAMPLE = '[{"sensor": "pressure:n54", "time": "2018-01-01T00:05:00Z", "value": 36.84}]'
NO_NUMBERS = (b"NaN", b"Infinity")
"""What JSON has not and many senders write."""


class _Reading(msgspec.Struct):
    sensor: str
    time: str
    value: float | None = None
    unit: str | None = None
    quality: str | None = None


_AS_EXPECTED = msgspec.json.Decoder(list[_Reading])
_ONE_OR_MANY = msgspec.json.Decoder(_Reading | list[_Reading])
_ANYTHING = msgspec.json.Decoder()


def decode(body: bytes, zone: str = "UTC") -> Decoded:
    """Makes readings of a body.

    Args:
        body: UTF-8.
        zone: of times without an offset.

    Raises:
        DecodeError: no JSON, or neither an object nor a list.
    """
    try:
        items = _AS_EXPECTED.decode(body)
    except (ValueError, RecursionError):
        return _decode_one_by_one(_document(body), zone)
    _refuse_too_many(len(items))
    return _readings([_row(item) for item in items], zone)


def decode_rows(body: bytes) -> list[Row] | None:
    """Rows of a body in which all is as expected, one reading or a list; None where `decode` has to look closer."""
    try:
        items = _ONE_OR_MANY.decode(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(items, _Reading):
        return [_row(items)]
    return [_row(item) for item in items] if len(items) <= MOST_READINGS else None


def decode_from_rows(rows: list[Row], zone: str = "UTC") -> Decoded:
    """Readings of the rows of one body or several; places are those in the list."""
    return _readings(rows, zone)


def _row(item: _Reading) -> Row:
    value = math.nan if item.value is None else item.value
    return item.sensor, item.time, value, item.unit or "", item.quality or ""


def _document(body: bytes) -> Any:
    """Any JSON; with NaN and Infinity when there are some."""
    try:
        if any(word in body for word in NO_NUMBERS):
            return json.loads(body)
        return _ANYTHING.decode(body)
    except RecursionError as error:
        raise DecodeError(f"the body is nested too deeply to be readings; send {EXAMPLE}") from error
    except ValueError as error:
        raise DecodeError(f"the body is no JSON: {error}; send {EXAMPLE}") from error


def _decode_one_by_one(document: Any, zone: str) -> Decoded:
    """Something in the body is not as expected: what is wrong with one reading must not hold up the others."""
    if isinstance(document, dict):
        document = [document]
    if not isinstance(document, list):
        raise DecodeError(f"the body is {_kind(document)}, and neither an object nor a list; send {EXAMPLE}")
    _refuse_too_many(len(document))
    rows: list[Row] = []
    places: list[int] = []
    refused: list[Verdict] = []
    remarks: dict[int, str] = {}
    for index, item in enumerate(document):
        if not isinstance(item, dict):
            refused.append(Verdict(index, Flag.MISSING_VALUE, f"is {_kind(item)}, not a reading; not kept"))
        elif not _is_text(item.get("sensor")):
            refused.append(Verdict(index, Flag.UNKNOWN_SENSOR, f"sensor is {_kind(item.get('sensor'))}, not a text; not kept"))
        else:
            value = _number(item.get("value"))
            if value is None:
                remarks[index] = f"value is {_kind(item['value'])}, not a number"
            words = (_word(item.get("unit")), _word(item.get("quality")))
            time = item["time"] if _is_text(item.get("time")) else ""
            rows.append((item["sensor"], time, math.nan if value is None else value, *words))
            places.append(index)
    return _readings(rows, zone, places=places, refused=refused, remarks=remarks)


def _readings(rows: list[Row], zone: str, *, places: list[int] | None = None, **rest: Any) -> Decoded:
    sensor, time, value, unit, quality = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
    names = text_column(sensor)
    times, told = times_of_texts(time, LocalClock(zone), names)
    numbers, words = np.array(value, dtype=float), (text_column(unit), text_column(quality))
    index = None if places is None else np.array(places, dtype=np.int64)
    return columns_to_readings(names, times, told, numbers, *words, index=index, **rest)


def _refuse_too_many(count: int) -> None:
    if count > MOST_READINGS:
        raise DecodeError(f"the body has {count} readings; send at most {MOST_READINGS} at a time")


def _number(value: Any) -> float | None:
    """A number, NaN for null, None for what is no number."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _is_text(value: Any) -> bool:
    """Whether it is a text that can be stored; half a surrogate pair cannot."""
    return isinstance(value, str) and "\ud800" not in value and value.encode("utf-8", "ignore").decode() == value


def _word(value: Any) -> str:
    """A unit or a quality; another kind of thing is kept as it looks, for the check to judge."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing")

"""Bodies: every format gives the same readings, and what is wrong with one reading does not hold up the others."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.test_store import checked
from tweeling.errors import DecodeError
from tweeling.live.ingest import decoded as module
from tweeling.live.ingest.decoded import LONGEST_TEXT, Decoded, verdicts
from tweeling.live.ingest.formats import DECODERS, decode_body
from tweeling.reading import Flag, iso_time

NOON = 1_514_808_000_000_000
ISO = "2018-01-01T12:00:00Z"
GOOD = {"sensor": "pressure:n54", "time": ISO, "value": 36.84}
Columns = dict[str, list[Any]]


def as_json(columns: Columns) -> bytes:
    names = list(columns)
    return json.dumps([dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]).encode()


def as_arrow(columns: Columns) -> bytes:
    table, sink = pa.table(columns), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    return sink.getvalue()


def as_parquet(columns: Columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


BODIES: dict[str, Callable[[Columns], bytes]] = dict(zip(DECODERS, (as_json, as_arrow, as_parquet), strict=True))
every_format = pytest.mark.parametrize("kind", DECODERS)


def rows_of(decoded: Decoded) -> list[tuple[Any, ...]]:
    readings = decoded.readings
    columns = (readings.sensor, readings.time, readings.value, readings.unit, readings.quality)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@every_format
def test_every_format_gives_the_same_readings(kind: str) -> None:
    columns: Columns = {
        "sensor": ["a", "b", "a"],
        "time": [ISO, "2018-01-01T13:00:00+01:00", "2018-01-01T12:00:00.000001Z"],
        "value": [1.5, -0.25, 1e-300],
        "unit": ["m", "kPa", ""],
        "quality": ["", "corrected", "estimated"],
        "whatever": [1, 2, 3],
    }
    decoded = decode_body(BODIES[kind](columns), kind)
    assert rows_of(decoded) == [
        ("a", NOON, 1.5, "m", ""),
        ("b", NOON, -0.25, "kPa", "corrected"),
        ("a", NOON + 1, 1e-300, "", "estimated"),
    ]
    assert decoded.index.tolist() == [0, 1, 2]
    assert decoded.refused == ()
    assert decoded.readings.time.dtype == np.int64


@every_format
def test_an_empty_body_of_readings_is_no_error(kind: str) -> None:
    body = b"[]" if kind == "application/json" else BODIES[kind]({"sensor": [], "time": [], "value": []})
    assert len(decode_body(body, kind)) == 0


@every_format
def test_what_has_no_sensor_or_time_gets_a_verdict_and_the_rest_is_kept(kind: str) -> None:
    names = ["a", "", "x" * (LONGEST_TEXT + 1), "x" * LONGEST_TEXT, "b", "c"]
    times = [ISO, ISO, ISO, ISO, "yesterday", ISO]
    decoded = decode_body(BODIES[kind]({"sensor": names, "time": times, "value": [1.0, 2.0, 3.0, None, 5.0, 6.0]}), kind)
    assert decoded.readings.sensor.tolist() == [names[0], names[3], names[5]]
    assert decoded.index.tolist() == [0, 3, 5]
    assert [math.isnan(value) for value in decoded.readings.value] == [False, True, False]
    assert [(verdict.index, verdict.flag) for verdict in decoded.refused] == [
        (1, Flag.UNKNOWN_SENSOR),
        (2, Flag.UNKNOWN_SENSOR),
        (4, Flag.BAD_CLOCK),
    ]
    assert all("not kept" in verdict.why for verdict in decoded.refused)


@every_format
def test_times_without_an_offset_are_in_the_zone_that_is_named(kind: str) -> None:
    body = BODIES[kind]({"sensor": ["a", "a"], "time": ["2018-07-01T12:00:00", "2018-01-01 12:00"], "value": [1.0, 1.0]})
    assert [iso_time(time) for time in decode_body(body, kind).readings.time.tolist()] == ["2018-07-01T12:00:00Z", ISO]
    local = decode_body(body, kind, "Europe/Amsterdam").readings.time.tolist()
    assert [iso_time(time) for time in local] == ["2018-07-01T10:00:00Z", "2018-01-01T11:00:00Z"]


@every_format
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[1,", b"PAR1 and nothing PAR1", b"[" * 100_000, b"\x00" * 64])
def test_a_body_that_cannot_be_made_out_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(DecodeError, match="the body"):
        decode_body(body, kind)


@every_format
@given(data=st.data())
def test_a_damaged_body_is_read_or_refused_and_never_a_surprise(kind: str, data: st.DataObject) -> None:
    body = bytearray(BODIES[kind]({"sensor": ["a", "b"] * 3, "time": [ISO] * 6, "value": [1.0] * 6, "unit": ["m"] * 6}))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    try:
        decoded = decode_body(bytes(body[: cut or None]), kind)
    except DecodeError:
        return
    assert len(decoded.readings) == len(decoded.index)
    for text in (*decoded.readings.sensor, *decoded.readings.unit):
        assert isinstance(text, str)


@every_format
def test_more_readings_than_memory_is_kept_for_are_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (module, *(__import__(f"tweeling.live.ingest.{name}", fromlist=[""]) for name in ("json", "columns"))):
        monkeypatch.setattr(place, "MOST_READINGS", 3)
    columns: Columns = {"sensor": ["a"] * 4, "time": [ISO] * 4, "value": [1.0] * 4}
    with pytest.raises(DecodeError, match="4 readings; send at most 3"):
        decode_body(BODIES[kind](columns), kind)


def test_an_unknown_content_type_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(DecodeError, match="application/json"):
        decode_body(b"[]", "text/plain")
    assert len(decode_body(json.dumps([GOOD]).encode(), "Application/JSON; charset=utf-8")) == 1
    assert len(decode_body(json.dumps([GOOD]).encode())) == 1


def test_one_reading_alone_is_a_body_too() -> None:
    assert rows_of(decode_body(json.dumps(GOOD).encode())) == [("pressure:n54", NOON, 36.84, "", "")]


@pytest.mark.parametrize("value", ["NaN", "null", '"36.8"', "true", "[1]", "{}", "1" + "0" * 400])
def test_a_value_that_is_no_number_is_kept_as_none(value: str) -> None:
    body = f'[{json.dumps(GOOD)}, {{"sensor": "b", "time": "{ISO}", "value": {value}}}, {json.dumps(GOOD)}]'
    decoded = decode_body(body.encode())
    assert len(decoded) == 3
    assert np.isnan(decoded.readings.value).tolist() == [False, True, False]
    assert decoded.refused == ()
    assert (1 in decoded.remarks) == (value not in ("NaN", "null"))


def test_infinity_is_a_value_that_the_check_will_judge() -> None:
    assert decode_body(f'[{{"sensor": "b", "time": "{ISO}", "value": -Infinity}}]'.encode()).readings.value.tolist() == [
        -math.inf
    ]


@pytest.mark.parametrize(
    ("item", "flag"),
    [
        (5, Flag.MISSING_VALUE),
        (None, Flag.MISSING_VALUE),
        ([], Flag.MISSING_VALUE),
        ({}, Flag.UNKNOWN_SENSOR),
        (GOOD | {"sensor": 5}, Flag.UNKNOWN_SENSOR),
        (GOOD | {"sensor": None}, Flag.UNKNOWN_SENSOR),
        (GOOD | {"time": 1514808000}, Flag.BAD_CLOCK),
        (GOOD | {"time": None}, Flag.BAD_CLOCK),
        (GOOD | {"time": "\ud800", "value": math.nan}, Flag.BAD_CLOCK),
        (GOOD | {"sensor": "\udfff", "value": math.nan}, Flag.UNKNOWN_SENSOR),
        (GOOD | {"time": "2018-13-01T00:00:00Z"}, Flag.BAD_CLOCK),
        (GOOD | {"time": "0001-01-01T00:00:00+10:00"}, Flag.BAD_CLOCK),
    ],
)
def test_a_reading_of_the_wrong_kind_gets_a_verdict_and_its_neighbours_are_kept(item: Any, flag: Flag) -> None:
    decoded = decode_body(json.dumps([GOOD, item, GOOD]).encode())
    assert decoded.index.tolist() == [0, 2]
    assert [(verdict.index, verdict.flag) for verdict in decoded.refused] == [(1, flag)]


def test_a_unit_or_quality_of_the_wrong_kind_is_kept_as_it_looks_and_cut_when_long() -> None:
    decoded = decode_body(
        json.dumps([GOOD | {"unit": 5, "quality": ["a"]}, GOOD | {"unit": None, "quality": "x" * 999}]).encode()
    )
    assert decoded.readings.unit.tolist() == ["5", ""]
    assert decoded.readings.quality.tolist() == ['["a"]', "x" * LONGEST_TEXT]


def test_half_a_surrogate_pair_is_no_sensor() -> None:
    decoded = decode_body(b'[{"sensor": "\\ud800", "time": "%s", "value": NaN}]' % ISO.encode())
    assert [verdict.flag for verdict in decoded.refused] == [Flag.UNKNOWN_SENSOR]


def test_the_answer_names_what_is_not_good_in_the_order_of_the_body() -> None:
    decoded = decode_body(json.dumps([GOOD, 5, GOOD | {"value": "x"}, GOOD, GOOD]).encode())
    looked_at = checked([("pressure:n54", NOON, 1.0)] * 4)
    looked_at.why[2] = "above 300 m"
    flags = np.array([Flag.GOOD, Flag.MISSING_VALUE, Flag.OUT_OF_RANGE, Flag.DUPLICATE], dtype=np.int8)
    assert [verdict.as_document() for verdict in verdicts(decoded, looked_at, flags)] == [
        {"index": 1, "flag": "missing_value", "why": "is a number, not a reading; not kept"},
        {"index": 2, "flag": "missing_value", "why": "value is a text, not a number"},
        {"index": 3, "flag": "out_of_range", "why": "above 300 m"},
        {"index": 4, "flag": "duplicate", "why": "was kept before"},
    ]


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"sensor": ["a"], "time": [ISO]}, "no column value"),
        ({"sensor": ["a"], "time": [1], "value": [1.0]}, "the column time holds int64"),
        ({"sensor": [1], "time": [ISO], "value": [1.0]}, "the column sensor holds int64"),
        ({"sensor": ["a"], "time": [ISO], "value": [[1.0]]}, "the column value holds list"),
        ({"sensor": ["a"], "time": [ISO], "value": [1.0], "unit": [1.0]}, "the column unit holds double"),
    ],
)
@pytest.mark.parametrize("kind", list(DECODERS)[1:])
def test_columns_that_make_no_sense_are_refused_by_name(kind: str, columns: Columns, match: str) -> None:
    with pytest.raises(DecodeError, match=match):
        decode_body(BODIES[kind](columns), kind)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Amsterdam"])
@pytest.mark.parametrize("kind", list(DECODERS)[1:])
def test_timestamps_of_any_unit_and_zone_are_the_same_moment(kind: str, unit: str, zone: str | None) -> None:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    raw = pa.array([NOON // 10**6 * per_second, None, 2**62], pa.int64()).cast(pa.timestamp(unit, zone))
    columns: dict[str, Any] = {"sensor": pa.array(["a"] * 3).dictionary_encode(), "time": raw, "value": [1, 2, 3]}
    if kind.endswith("parquet") and unit == "s":
        columns["time"] = raw.slice(0, 2)  # Parquet has no seconds: 2**62 of them do not fit
        columns = {name: column[:2] for name, column in columns.items()}
    decoded = decode_body(BODIES[kind](columns), kind)
    assert decoded.readings.time.tolist()[0] == NOON
    assert decoded.index.tolist() == ([0, 2] if unit == "ns" else [0])  # 2**62 ns is the year 2116, in other units nonsense
    assert 1 in {verdict.index for verdict in decoded.refused}

"""Local times where the clocks change, checked against the calendar of the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tweeling.live.ingest.decoded import repeated, text_column
from tweeling.live.ingest.times import LocalClock, times_of_column, times_of_texts
from tweeling.reading import SECOND, iso_time, microseconds

AMSTERDAM = "Europe/Amsterdam"


def local(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def moments(clock: LocalClock, *texts: str, sensor: list[str] | None = None) -> list[str]:
    times = np.array([local(text) for text in texts], dtype=np.int64)
    return [iso_time(time) for time in clock.moments(times, None if sensor is None else text_column(sensor)).tolist()]


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),
    st.sampled_from([AMSTERDAM, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_a_local_time_that_comes_once_is_what_the_calendar_says(moment: datetime, zone: str) -> None:
    expected = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    clock = LocalClock(zone)
    found = clock.moments(np.array([microseconds(moment.replace(tzinfo=UTC))]))
    assert found.tolist() == [microseconds(expected)]


def test_the_hour_that_comes_twice_is_earlier_first_and_later_the_second_time() -> None:
    clock = LocalClock(AMSTERDAM)
    night = [
        "2018-10-28 01:55",
        "2018-10-28 02:00",
        "2018-10-28 02:55",
        "2018-10-28 02:00",
        "2018-10-28 02:55",
        "2018-10-28 03:00",
    ]
    assert moments(clock, *night) == [f"2018-10-{time}Z" for time in (
        "27T23:55:00", "28T00:00:00", "28T00:55:00", "28T01:00:00", "28T01:55:00", "28T02:00:00",
    )]  # fmt: skip
    assert (clock.twice, clock.never) == (4, 0)


def test_the_hour_that_comes_twice_is_each_sensors_own_and_goes_on_in_the_next_piece() -> None:
    clock = LocalClock(AMSTERDAM)
    hour = "2018-10-28 02:30"
    assert moments(clock, hour, hour, hour, sensor=["a", "b", "a"]) == [
        "2018-10-28T00:30:00Z",
        "2018-10-28T00:30:00Z",
        "2018-10-28T01:30:00Z",
    ]
    assert moments(clock, hour, sensor=["b"]) == ["2018-10-28T01:30:00Z"]


def test_the_hour_that_does_not_exist_keeps_the_order_of_its_times() -> None:
    clock = LocalClock(AMSTERDAM)
    night = ["2018-03-25 01:55", "2018-03-25 02:05", "2018-03-25 02:55", "2018-03-25 03:55"]
    assert moments(clock, *night[:3]) == ["2018-03-25T00:55:00Z", "2018-03-25T01:05:00Z", "2018-03-25T01:55:00Z"]
    assert clock.never == 2


@given(
    st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)), max_size=5),
    st.sampled_from(["Z", "+02:00", "-11:30", ""]),
)
def test_texts_are_what_the_standard_library_reads_in_them(dates: list[datetime], offset: str) -> None:
    texts = [date.isoformat() + offset for date in dates]
    expected = [
        microseconds(datetime.fromisoformat(text.replace("Z", "+00:00") if offset else f"{text}+00:00")) for text in texts
    ]
    for form in (texts, [*texts, "no time"]):  # in one go, and one by one
        times, told = times_of_texts(form, LocalClock(), repeated("", len(form)))
        assert times[told].tolist() == expected
        assert told.sum() == len(texts)


def test_texts_with_and_without_an_offset_stand_beside_each_other() -> None:
    texts = ["2018-07-01T12:00:00", "2018-07-01T12:00:00Z", "2018-07-01T12:00:00.5+02:00", "2018-07-01", "20180701T120000"]
    times, told = times_of_texts(texts, LocalClock(AMSTERDAM), repeated("", len(texts)))
    assert told.all()
    assert [iso_time(time) for time in times.tolist()] == [
        "2018-07-01T10:00:00Z",
        "2018-07-01T12:00:00Z",
        "2018-07-01T10:00:00.500000Z",
        "2018-06-30T22:00:00Z",
        "2018-07-01T10:00:00Z",
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_before_1970_and_fractions_round_down(unit: str) -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    column = pa.array([moment]).cast(pa.timestamp(unit, "UTC"))
    assert times_of_column(column, LocalClock())[0].tolist() == [-SECOND]
    if unit == "ns":
        column = pa.array([-1, 1999], pa.timestamp("ns"))
        assert times_of_column(column, LocalClock())[0].tolist() == [-1, 1]


def test_dates_are_the_midnight_of_the_zone() -> None:
    column = pa.array([datetime(2018, 7, 1)]).cast(pa.date32())
    times, _ = times_of_column(column, LocalClock(AMSTERDAM))
    assert iso_time(int(times[0])) == "2018-06-30T22:00:00Z"


def test_a_year_of_local_times_in_order_is_a_year_of_moments_in_order() -> None:
    start = datetime(2018, 1, 1, tzinfo=UTC)
    expected = [start + timedelta(minutes=5 * step) for step in range(105_120)]
    zone = ZoneInfo(AMSTERDAM)
    shown = np.array([microseconds(moment.astimezone(zone).replace(tzinfo=UTC)) for moment in expected], dtype=np.int64)
    clock = LocalClock(AMSTERDAM)
    pieces = [clock.moments(shown[start : start + 10_007]) for start in range(0, len(shown), 10_007)]
    assert np.concatenate(pieces).tolist() == [microseconds(moment) for moment in expected]

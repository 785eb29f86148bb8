"""The doors name sensor and span of every gap, in the log and in health."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_doors import House, open_house
from fake_twin import MINUTE, START
from tweeling.live.window import level
from tweeling.reading import iso_time


def post(house: House, sensor: str, *minutes: int) -> None:
    rows: list[dict[str, Any]] = [
        {"sensor": sensor, "time": iso_time(START + one * MINUTE), "value": 30 + one / 64} for one in minutes
    ]
    assert house.client.post("/api/readings", json=rows).status_code == 200


def pass_time(house: House, minutes: int) -> None:
    house.now += minutes * MINUTE
    house.doors.gaps.look(level(house.doors.entrance.window), house.now)


def test_a_sensor_that_falls_silent_and_comes_back_is_named_with_its_span(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = open_house(tmp_path)
    post(house, "p0", 0, 5, 10)
    post(house, "p1", 0, 5, 10)
    pass_time(house, 20)
    pass_time(house, 1)
    open_now = house.client.get("/health").json()["gaps"]
    assert open_now["count"] == 2
    noticed = iso_time(START + 20 * MINUTE)
    assert open_now["open"][0] == {"sensor": "p0", "from": iso_time(START + 10 * MINUTE), "noticed": noticed}
    assert "tweeling_gaps_open 2" in house.client.get("/metrics").text
    post(house, "p0", 40, 45)
    post(house, "p1", 15, 20)
    gaps = house.client.get("/health").json()["gaps"]
    assert (gaps["count"], gaps["open"]) == (0, [])
    closed = [(gap["sensor"], gap["from"], gap["to"], gap["missing"]) for gap in gaps["closed"]]
    assert closed == [
        ("p1", iso_time(START + 10 * MINUTE), iso_time(START + 15 * MINUTE), 0),
        ("p0", iso_time(START + 10 * MINUTE), iso_time(START + 40 * MINUTE), 5),
    ]
    lines = [line for line in capsys.readouterr().out.splitlines() if "gap" in line]
    assert [("opened" in line, "closed" in line) for line in lines] == [(True, False)] * 2 + [(False, True)] * 2
    assert all(f"{key}=" in lines[2] for key in ("sensor", "from", "to"))
    assert "p0" in lines[2]
    house.close()


def test_a_reading_that_nobody_believes_ends_no_gap(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    for sensor in ("p0", "p1", "p2"):
        post(house, sensor, 0, 5)
    post(house, "p0", 100_000)
    post(house, "nobody", 500)
    assert house.client.get("/health").json()["gaps"]["closed"] == []
    house.close()

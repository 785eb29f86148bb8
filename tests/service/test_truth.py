"""`GET /api/truth`, and what `/health` says of a backlog."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_doors import Client, House, open_house
from fake_twin import MINUTE, START
from tweeling.live.config import DemoSection
from tweeling.reading import iso_time
from tweeling.service import schema
from tweeling.service.app import make_app
from tweeling.service.routes import truth as route

LEAK = {"kind": "leak", "element": "L1", "at": iso_time(START + 30 * MINUTE), "until": None, "flow_m3h": 36.0}
LATER = {"kind": "drift", "sensor": "p0", "at": iso_time(START + 600 * MINUTE), "until": None, "m_per_day": 0.5}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def shown(house: House, tmp_path: Path) -> Client:
    """The same doors, of a demo."""
    (tmp_path / "hidden.json").write_text(json.dumps({"events": [LEAK, LATER]}))
    config = house.doors.config.model_copy(update={"demo": DemoSection(truth=Path("hidden.json"))})
    return Client(make_app(dataclasses.replace(house.doors, config=config)))


def send(house: House, minutes: range, surprise: int = -1) -> None:
    rows = [
        {
            "sensor": sensor,
            "time": iso_time(START + minute * MINUTE),
            "value": 250.0 if (sensor, minute) == ("p0", surprise) else 30.0,
        }
        for minute in minutes
        for sensor in ("p0", "p1", "p2", "q0", "d1")
    ]
    house.client.post("/api/readings", json=rows).raise_for_status()


def told(client: Client) -> dict[str, Any]:
    answer = client.get("/api/truth")
    assert answer.status_code == 200
    schema.TruthAnswer.model_validate(answer.json())
    return dict(answer.json())


def test_a_twin_that_is_no_demo_knows_no_truth(house: House) -> None:
    answer = house.client.get("/api/truth")
    assert answer.status_code == 404
    assert "no demo" in answer.json()["error"]


def test_about_says_whether_it_is_a_demo(house: House, shown: Client) -> None:
    assert house.client.get("/api/about").json()["demo"] is False
    assert shown.get("/api/about").json()["demo"] is True


def test_only_what_has_happened_is_told(house: House, shown: Client) -> None:
    assert told(shown)["events"] == []
    send(house, range(5, 30, 5))
    assert {name: told(shown)[name] for name in ("ended", "events", "findings")} == {
        "ended": False,
        "events": [],
        "findings": [],
    }
    send(house, range(30, 60, 5))
    (event,) = told(shown)["events"]
    assert event == {
        "kind": "leak",
        "cause": "leak",
        "subject": "L1",
        "element": "L1",
        "sensor": None,
        "at": LEAK["at"],
        "until": None,
        "size": {"value": pytest.approx(0.01), "unit": "m3/s"},
    }
    send(house, range(60, 700, 5))
    assert (told(shown)["ended"], len(told(shown)["events"])) == (True, 2)


def test_each_finding_stands_beside_the_truth(house: House, shown: Client) -> None:
    send(house, range(5, 90, 5), surprise=60)
    house.settle()
    (finding,) = house.doors.log.findings()
    (compared,) = told(shown)["findings"]
    assert (compared["id"], compared["event"], compared["cause_right"]) == (finding.id, 0, True)
    assert compared["hours_late"] == pytest.approx((finding.raised - START - 30 * MINUTE) / (60 * MINUTE))
    assert compared["metres"] == {"L0": 500.0, "L1": 0.0, "L2": 500.0}[finding.candidates[0].element]


def test_how_often_such_a_probability_was_right_is_what_was_measured(
    shown: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = {"n": 40, "bins": [{"from": 0.5, "to": 1.0, "n": 40, "right": 31}]}
    (tmp_path / "calibration.json").write_text(json.dumps(measured))
    monkeypatch.setattr(route, "CALIBRATION", tmp_path / "calibration.json")
    assert told(shown)["calibration"] == measured
    monkeypatch.setattr(route, "CALIBRATION", tmp_path / "nowhere.json")
    assert told(shown)["calibration"] is None


def test_the_table_that_comes_with_the_program_counts_what_it_says(shown: Client) -> None:
    table = told(shown)["calibration"]
    assert table["n"] == sum(row["n"] for row in table["bins"])
    assert all(0 <= row["right"] <= row["n"] and row["from"] < row["to"] for row in table["bins"])


def test_health_tells_how_much_of_a_backlog_is_done_until_the_twin_keeps_up(house: House) -> None:
    assert house.client.get("/health").json()["catching_up"] is None
    send(house, range(5, 30, 5))
    assert house.client.get("/health").json()["catching_up"] is None, "half an hour is no backlog"
    send(house, range(30, 605, 5))
    backlog = house.client.get("/health").json()["catching_up"]
    assert (backlog["done"], backlog["of"]) == (0, pytest.approx(595 / 60))
    position = house.loop.resume()
    for _ in range(31):  # cycles of ten minutes
        position = house.loop.turn(position)
    backlog = house.client.get("/health").json()["catching_up"]
    assert backlog["done"] == pytest.approx(31 / 6)
    assert backlog["of"] == pytest.approx(10, abs=0.2)
    house.loop.settle(position)
    assert house.client.get("/health").json()["catching_up"] is None

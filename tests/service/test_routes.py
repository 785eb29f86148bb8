"""What the doors answer: to readings, to questions, and to those who mean no good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from structlog.testing import capture_logs

from fake_doors import SENSORS, House, an_hour, fits, lived, open_house, reading, refused
from fake_twin import MINUTE, START
from tweeling.errors import StoreError
from tweeling.reading import CheckedReadings, Flag
from tweeling.service import schema

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path)
    yield opened
    opened.close()


def test_acknowledged_readings_are_in_the_store_and_verdicts_name_those_that_are_not_good(house: House) -> None:
    body = [reading(), reading("nobody"), reading("p1", value=None), reading()]
    answer = fits(house.client.post("/api/readings", json=body), schema.Acknowledgement)
    assert answer["stored"] == 3
    assert [(one["index"], one["flag"]) for one in answer["verdicts"]] == [
        (1, "unknown_sensor"),
        (2, "missing_value"),
        (3, "duplicate"),
    ]
    assert all(one["why"] for one in answer["verdicts"])
    assert list(house.store.readings.after(0).sensor) == ["p0", "nobody", "p1"]
    again = house.client.post("/api/readings", json=body[:1]).json()
    assert again["stored"] == 0
    assert len(house.store.readings.after(0)) == 3


def columns(rows: list[dict[str, Any]]) -> pa.Table:
    times = pa.array([row["time"].replace("Z", "") for row in rows]).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    return pa.table({"sensor": [row["sensor"] for row in rows], "time": times, "value": [row["value"] for row in rows]})


def test_the_same_readings_come_in_as_json_arrow_and_parquet(tmp_path: Path) -> None:
    rows, kept = an_hour(), []
    stream, parquet = pa.BufferOutputStream(), pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, columns(rows).schema) as writer:
        writer.write_table(columns(rows))
    pq.write_table(columns(rows), parquet)
    bodies = {
        "application/json": json.dumps(rows).encode(),
        "application/vnd.apache.arrow.stream": stream.getvalue().to_pybytes(),
        "application/vnd.apache.parquet": parquet.getvalue().to_pybytes(),
    }
    for kind, body in bodies.items():
        folder = tmp_path / kind.rpartition(".")[2].replace("/", "-")
        folder.mkdir()
        house = open_house(folder)
        answer = house.client.post("/api/readings", content=body, headers={"content-type": kind})
        assert answer.json() == {"stored": 60, "verdicts": []}
        stored = house.store.readings.after(0)
        kept.append(list(zip(stored.sensor, stored.time, stored.clean, strict=True)))
        house.close()
    assert kept[0] == kept[1] == kept[2]


BROKEN = {
    "no json": b"{",
    "not a list": b'"hello"',
    "no text at all": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "half a letter": b'[{"sensor": "\\ud800", "time": "2018-01-01T00:05:00Z", "value": 1}]',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_cannot_be_made_out_is_refused_and_nothing_is_stored(house: House, body: bytes) -> None:
    refused(house.client.post("/api/readings", content=body, headers={"content-type": "application/json"}), 400)
    assert house.store.readings.last_sequence() == 0


@pytest.mark.parametrize("kind", ["application/vnd.apache.arrow.stream", "application/vnd.apache.parquet", "application/x-cow"])
def test_rubbish_of_any_format_is_refused(house: House, kind: str) -> None:
    refused(house.client.post("/api/readings", content=b"PAR1 rubbish PAR1", headers={"content-type": kind}), 400)


def test_ten_megabytes_are_refused_before_they_are_read_to_the_end(house: House) -> None:
    headers = {"content-type": "application/json"}
    assert "8 MiB" in refused(house.client.post("/api/readings", content=b" " * (10 << 20), headers=headers), 413)
    assert house.store.readings.last_sequence() == 0


ODD: dict[str, tuple[Any, str]] = {
    "NaN": (reading(value=float("nan")), "missing_value"),
    "infinity": (reading(value=float("inf")), ""),
    "wrong type": (reading(value="much"), "missing_value"),
    "unknown sensor": (reading("nobody"), "unknown_sensor"),
    "id of 10,000 characters": (reading("x" * 10_000), "unknown_sensor"),
    "no sensor": ({"time": "2018-01-01T00:05:00Z", "value": 1.0}, "unknown_sensor"),
    "no time": ({"sensor": "p0", "value": 1.0}, "bad_clock"),
    "a time that is none": ({"sensor": "p0", "time": "yesterday", "value": 1.0}, "bad_clock"),
    "a number": (5, "missing_value"),
}


@pytest.mark.parametrize(("odd", "flag"), ODD.values(), ids=ODD)
def test_an_odd_reading_gets_a_verdict_and_its_neighbours_are_kept(house: House, odd: Any, flag: str) -> None:
    body = json.dumps([reading("p0", 5), odd, reading("p1", 5)]).encode()
    answer = house.client.post("/api/readings", content=body, headers={"content-type": "application/json"})
    verdicts = fits(answer, schema.Acknowledgement)["verdicts"]
    if flag:
        assert [(one["index"], one["flag"]) for one in verdicts] == [(1, flag)]
    assert {"p0", "p1"} <= set(house.store.readings.after(0).sensor)


def test_a_reading_of_1970_and_other_oddities_do_not_stop_the_twin(house: House) -> None:
    body = json.dumps([odd for odd, _ in ODD.values()] + [reading(minute=-(START // MINUTE) + 1)])
    house.client.post("/api/readings", content=body, headers={"content-type": "application/json"})
    lived(house)
    last = house.store.twin.last_cycle()
    assert last is not None
    assert last.end == START + 60 * MINUTE
    assert last.cycle == 5


def test_a_reading_whose_cycle_has_closed_is_told_late_and_still_taken(house: House) -> None:
    rows = an_hour()
    late = rows.pop(7)
    house.client.post("/api/readings", json=rows)
    house.settle()
    before = house.client.get("/api/state?at=2018-01-01T00:10:00Z").json()
    answer = house.client.post("/api/readings", json=[late, reading("p0", 65)]).json()
    assert answer["stored"] == 2
    assert [(one["index"], one["flag"]) for one in answer["verdicts"]] == [(0, "late")]
    house.now += 16 * MINUTE
    house.settle()
    after = house.client.get("/api/state?at=2018-01-01T00:10:00Z").json()
    assert after["elements"] != before["elements"]


def test_units_of_the_same_dimension_are_converted_and_others_flagged(house: House) -> None:
    rows = [reading("p0", value=9.80665 * 3, unit="kPa"), reading("p1", unit="m3/h"), reading("p2", unit="furlong")]
    verdicts = house.client.post("/api/readings", json=rows).json()["verdicts"]
    assert [(one["index"], one["flag"]) for one in verdicts] == [(1, "bad_unit"), (2, "bad_unit")]
    stored = house.store.readings.after(0)
    assert stored.clean[0] == pytest.approx(3.0)
    assert stored.value[0] == 9.80665 * 3


def test_a_full_disk_is_said_and_nothing_is_acknowledged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(readings: CheckedReadings, received: int) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(house.store.readings, "append", full)
        answer = house.client.post("/api/readings", json=[reading()])
        assert refused(answer, 503) == "the disk is full"
        assert answer.headers["retry-after"]
    assert house.client.post("/api/readings", json=[reading()]).json()["stored"] == 1


def test_a_bug_is_told_without_our_insides_and_logged_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(house.store.twin, "findings", broken)
    with capture_logs() as logged:
        assert "secret" not in refused(house.client.get("/api/findings"), 500)
    assert "secret" in str(logged[0]["exc_info"])


def test_the_state_is_an_estimate_of_every_element_at_the_time_asked_for(house: House) -> None:
    assert "no cycle" in refused(house.client.get("/api/state"), 404)
    lived(house)
    now = fits(house.client.get("/api/state"), schema.StateAnswer)
    assert now["cycle_end"] == "2018-01-01T01:00:00Z"
    assert set(now["elements"]) == {"J0", "J1", "J2", "R0"}
    assert now["elements"]["J0"]["unit"] == "m"
    assert now["elements"]["J0"]["low"] < now["elements"]["J0"]["median"] < now["elements"]["J0"]["high"]
    before = house.client.get("/api/state", params={"at": "2018-01-01T00:25:00Z", "quantity": "flow"}).json()
    assert before["cycle_end"] == "2018-01-01T00:20:00Z"
    assert before["elements"]["L1"]["unit"] == "m3/s"
    assert before["elements"]["L1"] != house.client.get("/api/state?quantity=flow").json()["elements"]["L1"]
    refused(house.client.get("/api/state?at=2017-01-01"), 404)
    refused(house.client.get("/api/state?at=yesterday"), 400)
    refused(house.client.get("/api/state?quantity=colour"), 400)
    assert "output.quantities" in refused(house.client.get("/api/state?quantity=head"), 404)


def test_a_series_has_bands_beside_measurements(house: House) -> None:
    lived(house)
    whole = fits(house.client.get("/api/series?sensor=p1"), schema.SeriesAnswer)
    assert [one["time"] for one in whole["measured"]] == [one["time"] for one in whole["bands"]]
    assert len(whole["bands"]) == 12
    assert (whole["quantity"], whole["element"], whole["unit"]) == ("pressure", "J1", "m")
    part = house.client.get(
        "/api/series", params={"sensor": "p1", "from": "2018-01-01T00:20:00Z", "to": "2018-01-01T00:45:00Z"}
    )
    assert [one["time"][14:16] for one in part.json()["bands"]] == ["25", "30", "35", "40", "45"]
    element = fits(house.client.get("/api/series?quantity=pressure&element=J1"), schema.SeriesAnswer)
    assert len(element["measured"]) == 12
    assert [one["time"][11:16] for one in element["bands"]] == ["00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]
    assert house.client.get("/api/series?quantity=flow&element=L2").json()["measured"] == []
    assert "/api/sensors" in refused(house.client.get("/api/series?sensor=nobody"), 404)
    assert "no link" in refused(house.client.get("/api/series?quantity=flow&element=J1"), 404)
    refused(house.client.get("/api/series"), 400)
    refused(house.client.get("/api/series?sensor=p1&element=J1"), 400)
    refused(house.client.get("/api/series?sensor=p1&quantity=flow"), 400)
    refused(house.client.get("/api/series?sensor=p1&from=1970-01-01T00:00:00Z"), 400)
    refused(house.client.get("/api/series?sensor=p1&from=0000-99-99"), 400)


def test_what_people_say_of_a_finding_reaches_the_twin_through_the_log(house: House) -> None:
    lived(house, loud=True)
    (finding,) = fits(house.client.get("/api/findings"), schema.FindingsAnswer)["findings"]
    assert finding["since"] == "2018-01-01T01:00:00Z"
    for kind, deed in (("confirm", None), ("note", {"text": "seen", "who": "me"})):
        answer = house.client.post(f"/api/findings/{finding['id']}/{kind}", json=deed)
        assert fits(answer, schema.DeedAnswer)["kind"] == kind
    house.client.post("/api/readings", json=[reading(name, minute) for minute in (65, 70) for name in SENSORS])
    house.now += 16 * MINUTE
    house.settle()
    (finding,) = house.client.get("/api/findings").json()["findings"]
    assert (finding["verdict"], finding["notes"], finding["revision"]) == ("confirmed", ["seen"], 2)
    assert "/api/findings" in refused(house.client.post("/api/findings/f-99/confirm"), 404)
    refused(house.client.post(f"/api/findings/{finding['id']}/explode"), 400)
    refused(house.client.post(f"/api/findings/{finding['id']}/note", json={"text": "x" * 10_001}), 400)
    refused(house.client.post(f"/api/findings/{finding['id']}/note", json={"txt": "x"}), 400)


def test_sensors_say_when_they_were_heard_and_which_are_stale(house: House) -> None:
    silent = fits(house.client.get("/api/sensors"), schema.SensorsAnswer)["sensors"]
    assert [(one["sensor"], one["stale"], one["last_time"]) for one in silent] == [(name, True, None) for name in SENSORS]
    rows = [row for row in an_hour() if row["sensor"] != "p2" or row["time"] < "2018-01-01T00:30:00Z"]
    house.client.post("/api/readings", json=rows)
    found = {one["sensor"]: one for one in house.client.get("/api/sensors").json()["sensors"]}
    assert [name for name, one in found.items() if one["stale"]] == ["p2"]
    assert found["p2"]["behind_s"] == 35 * 60
    assert found["q0"]["unit"] == "m3/h"
    health = fits(house.client.get("/health"), schema.HealthAnswer)
    assert health["sensors"]["stale"] == ["p2"]
    house.now += 60 * MINUTE
    assert len(house.client.get("/health").json()["sensors"]["stale"]) == len(SENSORS)


def test_health_says_what_is_wrong(house: House) -> None:
    lived(house)
    house.now -= 16 * MINUTE
    health = fits(house.client.get("/health"), schema.HealthAnswer)
    assert (health["status"], health["why"]) == ("ok", [])
    assert health["twin"]["cycles"] == 6
    assert health["doors"]["by_flag"] == {"good": 60}
    house.alive = False
    health = house.client.get("/health").json()
    assert health["status"] == "degraded"
    assert "not running" in health["why"][0]


def test_metrics_are_in_the_form_of_prometheus(house: House) -> None:
    lived(house, loud=True)
    lines = house.client.get("/metrics").text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["tweeling_cycles_total"] == "6"
    assert values['tweeling_readings_total{flag="good"}'] == "60"
    assert values["tweeling_findings_open"] == "1"
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == {name.partition("{")[0] for name in values}


def test_the_network_is_geojson(house: House) -> None:
    found = fits(house.client.get("/api/network"), schema.NetworkAnswer)
    assert [one["id"] for one in found["features"]] == ["J0", "J1", "J2", "R0", "L0", "L1", "L2"]
    assert found["features"][4]["properties"] == {"kind": "pipe", "start": "R0", "end": "J0", "tag": None}
    assert found["features"][3]["properties"]["kind"] == "reservoir"


def test_the_scorecard_is_empty_before_there_is_one(house: House) -> None:
    assert fits(house.client.get("/api/scorecard"), schema.ScorecardAnswer)["scores"] == {}


def test_a_path_that_is_none_is_told_where_to_look(house: House) -> None:
    assert "openapi.json" in refused(house.client.get("/api/nothing"), 404)
    refused(house.client.request("DELETE", "/api/findings"), 405)
    for path in ("/docs", "/redoc", "/../../etc/passwd", "/api/findings/%00/confirm"):
        refused(house.client.get(path), 405 if "confirm" in path else 404)


def test_with_a_token_nobody_comes_in_without_it(tmp_path: Path) -> None:
    house = open_house(tmp_path, token=TOKEN)
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}, {"authorization": "Bearer "}):
        for path in ("/health", "/metrics", "/api/findings", "/api/openapi.json", "/api/stream", "/nothing"):
            refused(house.client.get(path, headers=headers), 401)
        refused(house.client.post("/api/readings", json=[reading()], headers=headers), 401)
    assert house.store.readings.last_sequence() == 0
    known = {"authorization": f"Bearer {TOKEN}"}
    assert house.client.get("/health", headers=known).status_code == 200
    assert house.client.post("/api/readings", json=[reading()], headers=known).status_code == 200
    assert house.client.get("/health", headers={**known, "host": "town.example"}).status_code == 200
    house.close()


def test_without_a_token_a_page_elsewhere_cannot_use_the_browser_of_someone_here(house: House) -> None:
    refused(house.client.get("/health", headers={"host": "evil.example"}), 421)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = {"content-type": kind, "origin": "https://evil.example"}
        refused(house.client.post("/api/readings", content=b"[]", headers=headers), 415)
    refused(house.client.post("/api/findings/f/close", headers={"origin": "https://evil.example"}), 415)
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
        assert house.client.get("/health", headers={"host": host}).status_code == 200


def test_flags_are_counted(house: House) -> None:
    house.client.post("/api/readings", json=[reading(), reading(), reading("nobody")])
    counts = house.doors.entrance.counts
    assert (counts[Flag.GOOD], counts[Flag.UNKNOWN_SENSOR]) == (2, 1)

"""`tweeling plant`, from the command line to the files."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest

from broker import Mosquitto, needs_mosquitto
from plant.towns import TOWN
from running import wait_until
from tweeling.cli.main import run
from tweeling.live.broker import Broker, make_listener

PLANT = """\
network = "town.inp"
sensors = "sensors.csv"
seed = 3
days = 1
interval = "1h"
events = [{ kind = "leak", element = "random", at = "6h", flow_m3h = 2 }, { kind = "gap", sensor = "p", at = "20h" }]
"""
SENSORS = "sensor,quantity,element,unit,std\np,pressure,mill,m,0.02\nq,flow,main,m3/h,0.1\n"


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    (tmp_path / "town.inp").write_text(TOWN)
    (tmp_path / "sensors.csv").write_text(SENSORS)
    (tmp_path / "PLANT.toml").write_text(PLANT)
    return tmp_path / "PLANT.toml"


def test_readings_and_their_truth_stand_side_by_side(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = plant.parent / "readings.parquet"
    assert run(["plant", str(plant), "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sensors"], report["times"], report["unsettled"]) == (2, 24, 0)
    table = pd.read_parquet(out)
    assert list(table.columns) == ["p", "q"]
    assert table.p.isna().sum() == 4
    truth = json.loads((plant.parent / "readings.parquet.truth.json").read_text())
    assert truth["events"][0]["at"] == "2018-01-01T06:00:00Z"
    assert truth["events"][0]["element"] != "random"
    assert set(truth["roughness_factor"]) == {"main", "lane", "ring", "arc", "side", "spare", "check"}
    assert sorted(path.name for path in plant.parent.iterdir() if "readings" in path.name) == [
        "readings.parquet",
        "readings.parquet.truth.json",
    ]


def test_the_same_seed_gives_the_same_bytes(plant: Path) -> None:
    for name in ("a", "b"):
        assert run(["plant", str(plant), "--out", str(plant.parent / f"{name}.parquet")]) == 0
    assert (plant.parent / "a.parquet").read_bytes() == (plant.parent / "b.parquet").read_bytes()
    truths = [(plant.parent / f"{name}.parquet.truth.json").read_bytes() for name in ("a", "b")]
    assert truths[0] == truths[1]


def test_long_readings_and_a_truth_elsewhere(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, truth = plant.parent / "readings.csv", plant.parent / "secret.json"
    assert run(["plant", str(plant), "--out", str(out), "--long", "--truth", str(truth)]) == 0
    assert "24 readings of 2 sensors" in capsys.readouterr().out
    assert len(pd.read_csv(out)) == 2 * 24 - 4
    assert json.loads(truth.read_text())["seed"] == 3
    assert not (plant.parent / "readings.csv.truth.json").exists()


def test_readings_are_sent_to_a_service(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        assert run(["plant", str(plant), "--send", url, "--json"]) == 0
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert json.loads(capsys.readouterr().out)["readings"] == 2 * 24 - 4
    assert sum(len(json.loads(body)) for body in bodies) == 2 * 24 - 4


@needs_mosquitto
def test_readings_are_published_to_a_broker(plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    came: list[bytes] = []
    subscribed = threading.Event()
    listener = make_listener(Broker("127.0.0.1", broker.port), "listener")
    listener.on_message = lambda _client, _data, message: came.append(message.payload)
    listener.on_subscribe = lambda *_: subscribed.set()
    listener.on_connect = lambda client, *_: client.subscribe("town/readings", 1)
    listener.connect("127.0.0.1", broker.port)
    listener.loop_start()
    try:
        wait_until(subscribed.is_set)
        assert run(["plant", str(plant), "--send", f"{broker.url}/town/readings", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["url"], told["readings"]) == (f"{broker.url}/town/readings", 2 * 24 - 4)
        wait_until(lambda: sum(len(json.loads(body)) for body in came) == 2 * 24 - 4)
    finally:
        listener.disconnect()
        listener.loop_stop()
        broker.stop()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --out FILE"),
        (["--out", "readings.xlsx"], ".parquet or .csv"),
        (["--out", "absent/readings.csv"], "cannot be made"),
        (["--send", "nowhere"], "no address of a service"),
        (["--send", "mqtt://127.0.0.1:1"], "mqtt://HOST:PORT/TOPIC"),
        (["--send", "http://127.0.0.1:1", "--speed", "-1"], "--speed"),
    ],
)
def test_wrong_usage_is_refused(
    plant: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(plant.parent)
    before = sorted(plant.parent.iterdir())
    assert run(["plant", str(plant), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert sorted(plant.parent.iterdir()) == before


def test_what_is_wrong_with_the_network_is_said(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plant.parent / "town.inp").write_text(TOWN.replace("[PUMPS]", " none  nowhere  mill  1  1  1\n[PUMPS]"))
    assert run(["plant", str(plant), "--out", str(plant.parent / "r.csv")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (plant.parent / "r.csv").exists()

"""`tweeling demo` as processes, on a small town: it starts, goes on after a stop, and leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import end, free_port, wait_until
from tweeling.cli.demo import data_folder, port_of
from tweeling.cli.main import run
from tweeling.plant.feed import read_place

SOURCE = Path(__file__).parents[2] / "src"
TOWN = """\
[JUNCTIONS]
 square  10  5  day
 mill    12  2  day
 hill    15  1  day
[RESERVOIRS]
 lake    60
[PIPES]
 main    lake    square  1000  300  100
 lane    square  mill    500   150  100
 ring    mill    hill    400   150  100
 arc     hill    square  600   150  100
[PATTERNS]
 day     0.5 1.2 1.5 0.8
[OPTIONS]
 Units   LPS
[TIMES]
 Pattern Timestep 6:00
[END]
"""
SENSORS = """\
sensor,quantity,element,unit,std
p,pressure,mill,m,0.02
h,pressure,hill,m,0.02
q,flow,main,m3/h,0.1
"""


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """Arguments for a demo of a small town in a folder of the test."""
    (tmp_path / "town.inp").write_text(TOWN)
    (tmp_path / "sensors.csv").write_text(SENSORS)
    town = ["--network", str(tmp_path / "town.inp"), "--sensors", str(tmp_path / "sensors.csv")]
    return [*town, "--data", str(tmp_path / "demo"), "--members", "10", "--speed", "3600", "--no-browser"]


class Demo:
    """A demo in a process; what it says, line by line."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from tweeling.cli.main import main; main()", "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1"},
        )
        self.ids: dict[str, int] = {}

    def hear(self, event: str, word: str = "") -> dict[str, Any]:
        """The next event of a kind with a word in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, Any] = json.loads(line)
            if " started, process " in told.get("text", ""):
                self.ids[told["text"].split()[0]] = int(told["text"].split()[-1])
            if told["event"] == event and word in line:
                return told
        assert self.process.stderr is not None
        raise AssertionError(f"no {event}: {self.process.stderr.read()}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stops it, and looks that nothing is left."""
        self.process.send_signal(number)
        self.hear("stopped")
        assert self.process.wait(30) == 0
        for identity in self.ids.values():
            with pytest.raises(ProcessLookupError):
                os.kill(identity, 0)


@contextmanager
def started(arguments: list[str]) -> Iterator[Demo]:
    demo = Demo(arguments)
    try:
        yield demo
    finally:
        end(demo.process)


def test_a_demo_plays_its_week_goes_live_and_goes_on_after_a_stop_and_after_a_kill(small: list[str], tmp_path: Path) -> None:
    arguments = [*small, "--json", "--port", str(free_port()), "--scenario", "burst", "--seed", "4"]
    sent = tmp_path / "demo" / "hidden" / "sent.json"
    with started(arguments) as demo:
        address = demo.hear("address")
        assert (address["scenario"], address["seed"]) == ("burst", 4)
        demo.hear("live")
        wait_until(lambda: len(httpx.get(f"{address['url']}/api/truth").json()["events"]) == 1)
        assert httpx.get(f"{address['url']}/api/about").json()["demo"] is True
        demo.stop()
    before = read_place(sent)
    assert before.readings >= 3 * 7 * 288
    with started(arguments) as demo:
        demo.hear("live")
        wait_until(lambda: read_place(sent).upto > before.upto)
        for part in ("plant", "doors"):
            reached = read_place(sent).upto
            os.kill(demo.ids[part], signal.SIGKILL)
            demo.hear("process", f"{part} was killed by signal 9")
            demo.hear("process", f"{part} started")
            wait_until(lambda reached=reached: read_place(sent).upto > reached)  # type: ignore[misc]
        wait_until(lambda: without_gap(address["url"], read_place(sent).readings))
        demo.stop(signal.SIGTERM)
    assert run(["demo", *small, "--seed", "5"]) == 2


def without_gap(url: str, readings: int) -> bool:
    """Whether the store has each reading that was acknowledged, and each once."""
    last = int(httpx.get(f"{url}/health").json()["doors"]["last_sequence"])
    return readings <= last <= readings + 3 * 96


def test_without_a_terminal_the_address_is_among_the_first_lines_and_no_control_character_is_said(small: list[str]) -> None:
    port = free_port()
    with started([*small, "--port", str(port), "--scenario", "calm"]) as demo:
        assert demo.process.stdout is not None
        lines = [demo.process.stdout.readline() for _ in range(4)]
        assert f"http://127.0.0.1:{port}\n" in lines[0]
        assert "healthy week" in lines[3]
        demo.process.send_signal(signal.SIGINT)
        rest, errors = demo.process.communicate(timeout=60)
    assert (demo.process.returncode, errors) == (0, "")
    assert rest.splitlines()[-1].startswith("stopped")
    assert not re.search(r"[^\n -~]", "".join(lines) + rest)


def test_a_demo_is_kept_among_the_users_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "tweeling" / "demo"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data_folder() == Path.home() / ".local" / "share" / "tweeling" / "demo"


def test_a_port_that_is_asked_for_is_taken_else_one_that_is_free() -> None:
    assert port_of(4242) == 4242
    assert port_of(0) > 0
    assert port_of(None) > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "earthquake"], "incidents"),
        (["--fresh"], "no demo"),
        (["--mqtt", "ftp://somewhere"], "mqtt"),
        (["--speed", "0"], "--speed"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_line(
    small: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    folder = Path(small[small.index("--data") + 1])
    if arguments == ["--fresh"]:
        folder.mkdir()
        (folder / "letter.txt").write_text("dear")
    assert run(["demo", *small, *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (folder / "twin.db").exists()


def test_a_scenario_that_does_not_fit_the_town_forgets_nothing(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('events = [{ kind = "close", element = "nowhere", at = "1h" }]')
    folder = tmp_path / "demo"
    folder.mkdir()
    mark = {
        "made_by": "tweeling demo",
        "town": "town",
        "scenario": "calm",
        "about": "",
        "seed": 1,
        "members": 9,
        "withhold": [],
    }
    (folder / "demo.json").write_text(json.dumps(mark))
    (folder / "twin.db").write_text("precious")
    assert run(["demo", *small, "--scenario", str(own), "--fresh"]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert (folder / "twin.db").read_text() == "precious"

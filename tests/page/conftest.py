"""Real services with the built page, for stories in a browser: a town that has lived some hours, and the demo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from browser import PAGE, Demo, missing, newest_source
from running import end, free_port, wait_until
from tweeling.reading import iso_time
from twins import L_TOWN, hidden_town, twin_of

HOURS = 6
DEMO = ("--seed", "1", "--members", "20", "--speed", "240")
"""A demo whose leak twenty members find, and find in the right place: what is tested is what an operator does then."""


@pytest.fixture(scope="session")
def page() -> None:
    """Skips where there is no browser; fails where the page is not the one that was built."""
    if why := missing():
        pytest.skip(why)
    source = newest_source()
    if source.stat().st_mtime > PAGE.stat().st_mtime:
        pytest.fail(f"the built page is older than {source.name}: make page", pytrace=False)


@contextmanager
def started(arguments: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`tweeling` with some arguments; it says what it has to in `said` and `log` of a folder, and is stopped at the end."""
    command = [sys.executable, "-c", "from tweeling.cli.main import main; main()", *arguments]
    with (folder / "said").open("w") as said, (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=said, stderr=log, text=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        end(process)


@pytest.fixture(scope="session")
def town(page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of L-Town after some hours; the twin has ten members, which is enough to draw."""
    folder = tmp_path_factory.mktemp("l-town")
    twin = twin_of(folder, "L-TOWN", L_TOWN)
    run = hidden_town(twin.network, twin, hours=HOURS)
    rows = [
        {"sensor": sensor.id, "time": iso_time(int(time)), "value": float(value)}
        for time, values in zip(run.times, run.readings, strict=True)
        for sensor, value in zip(L_TOWN, values, strict=True)
        if np.isfinite(value)
    ]
    address = f"http://127.0.0.1:{(port := free_port())}"
    with started(["serve", str(folder / "TWIN.toml"), "--port", str(port)], folder) as process:
        wait_until(lambda: process.poll() is not None or address in (folder / "said").read_text())
        assert process.poll() is None, (folder / "log").read_text()
        httpx.post(f"{address}/api/readings", json=rows, timeout=60).raise_for_status()
        wait_until(lambda: httpx.get(f"{address}/api/timeline").json()["forecast_until"] is not None)
        yield address


@pytest.fixture(scope="session")
def demo(page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`tweeling demo`: at first it takes its healthy week; then a leak begins, and hours pass in seconds."""
    folder = tmp_path_factory.mktemp("demo")
    address, said = f"http://127.0.0.1:{(port := free_port())}", folder / "said"
    told = ["--data", str(folder / "demo"), "--no-browser", "--port", str(port), "--json"]
    with started(["demo", *told, *DEMO], folder) as process:
        wait_until(lambda: process.poll() is not None or address in Demo(address, said).texts())
        assert process.poll() is None, (folder / "log").read_text()
        yield Demo(address, said)

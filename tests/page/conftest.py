"""A real service over L-Town that has lived some hours, with the built page, for stories in a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from browser import PAGE, missing, newest_source
from running import end, free_port, wait_until
from tweeling.reading import iso_time
from twins import L_TOWN, hidden_town, twin_of

HOURS = 6


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of L-Town after some hours; the twin has ten members, which is enough to draw."""
    if why := missing():
        pytest.skip(why)
    source = newest_source()
    if source.stat().st_mtime > PAGE.stat().st_mtime:
        pytest.fail(f"the built page is older than {source.name}: make page", pytrace=False)
    folder = tmp_path_factory.mktemp("l-town")
    twin = twin_of(folder, "L-TOWN", L_TOWN)
    run = hidden_town(twin.network, twin, hours=HOURS)
    rows = [
        {"sensor": sensor.id, "time": iso_time(int(time)), "value": float(value)}
        for time, values in zip(run.times, run.readings, strict=True)
        for sensor, value in zip(L_TOWN, values, strict=True)
        if np.isfinite(value)
    ]
    port = free_port()
    command = [
        sys.executable,
        "-c",
        "from tweeling.cli.main import main; main()",
        "serve",
        str(folder / "TWIN.toml"),
        "--port",
        str(port),
    ]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address == f"http://127.0.0.1:{port}", (folder / "serve.log").read_text()
        httpx.post(f"{address}/api/readings", json=rows, timeout=60).raise_for_status()
        wait_until(lambda: httpx.get(f"{address}/api/timeline").json()["forecast_until"] is not None)
        yield address
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        end(process)

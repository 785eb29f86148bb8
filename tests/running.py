"""Processes that a test starts, waits for and stops by their id, and what it says to them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

TESTS = Path(__file__).parent
PATIENCE = 60.0
"""Seconds after which a test gives up; nothing waits that long unless something is broken."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(part: str, config: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of `fake_process.py`, killed at the end if it still lives."""
    started = start(part, config, *arguments)
    try:
        yield started
    finally:
        end(started)


def start(part: str, config: Path, *arguments: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, str(TESTS / "fake_process.py"), part, str(config), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def end(started: subprocess.Popen[str]) -> None:
    if started.poll() is None:
        started.kill()
    started.communicate()


def start_doors(config: Path, port: int) -> subprocess.Popen[str]:
    """The doors, listening."""
    doors = start("doors", config, "--port", str(port))
    assert doors.stdout is not None
    line = doors.stdout.readline()
    if line != f"http://127.0.0.1:{port}\n":
        raise AssertionError(f"{line!r}: {doors.communicate()[1]}")
    return doors


def kill(started: subprocess.Popen[str]) -> None:
    """Kill -9."""
    started.send_signal(signal.SIGKILL)
    started.communicate()


def wait_until(true: Callable[[], bool]) -> None:
    """Waits for what another process does."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if true():
            return
        pause.wait(0.02)
    raise AssertionError("it did not come true")


def events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """Id, kind and data of server-sent events."""
    found: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, rest = line.partition(": ")
            found[name] = rest
        elif "data" in found:
            yield found["id"], found["event"], json.loads(found["data"])
            found = {}


@contextmanager
def listening(port: int, last_id: str = "") -> Iterator[Iterator[tuple[str, str, Any]]]:
    """The events of the doors at a port."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with httpx.stream("GET", f"http://127.0.0.1:{port}/api/stream", headers=headers, timeout=PATIENCE) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())

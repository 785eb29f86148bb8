"""The doors of a twin in a process of their own, and clients that cost little, for benchmarks of what comes in."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common import package_folder

CONFIG = """\
network = { file = "network.inp" }
sensors = { file = "sensors.csv", interval = "5min" }
time = { cycle = "10min", lateness = "10min", revise = "24h", give_up = "2s" }
ensemble = { members = 20 }
"""
MINUTE = 60_000_000
START = 1_514_764_800_000_000


def make_folder(folder: Path, network: str, n_sensors: int) -> tuple[Path, list[str]]:
    """A folder for a twin of a network of epyt, with pressure sensors at some nodes; TWIN.toml and the sensors' ids."""
    import tweeling as tw

    source = next(package_folder("epyt").rglob(f"{network}.inp"))
    nodes = tw.read_network(source).nodes
    ids = [f"pressure:{name}" for name in nodes.ids[: min(n_sensors, nodes.n_junctions)]]
    (folder / "network.inp").write_bytes(source.read_bytes())
    rows = [f"{name},pressure,{name.partition(':')[2]},m,0.1" for name in ids]
    (folder / "sensors.csv").write_text("\n".join(["sensor,quantity,element,unit,std", *rows]))
    (folder / "TWIN.toml").write_text(CONFIG)
    return folder / "TWIN.toml", ids


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    """A process whose first line is its address; returns when it listens."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if not process.stdout.readline().startswith("http://"):
        raise SystemExit(f"{' '.join(command)} did not start")
    return process


@contextmanager
def open_doors(config: Path) -> Iterator[int]:
    """The doors alone; gives their port."""
    port = free_port()
    process = start([sys.executable, "-m", "tweeling.service", str(config), "--port", str(port)])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


@dataclass(frozen=True)
class Request:
    """A request as bytes, and how many readings are in it."""

    raw: bytes
    count: int

    @staticmethod
    def of(body: bytes, count: int, kind: str = "application/json") -> Request:
        """A request to take readings."""
        head = f"POST /api/readings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        return Request(head.encode() + body, count)


async def sends(port: int, requests: Sequence[Request]) -> list[dict[str, object]]:
    """One client: sends requests over one connection, each after the answer to the one before; gives the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for request in requests:
        writer.write(request.raw)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {head!r} {body!r}")
        answers.append(json.loads(body))
    writer.close()
    return answers

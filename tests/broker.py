"""A real Mosquitto that a test starts, with the configuration that is shipped, waits for, and stops by its id."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from running import PATIENCE, free_port, wait_until
from tweeling.live.broker import Broker, make_publisher

CONF = Path(__file__).parents[1] / "examples" / "mqtt" / "mosquitto.conf"
PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto")


class Mosquitto:
    """A broker in a folder.

    Args:
        folder: where it keeps what it knows.
        changes: lines of the shipped configuration by how they begin, and what stands there instead; "" leaves it out.
        more: lines after it.
    """

    def __init__(self, folder: Path, changes: dict[str, str] | None = None, more: Sequence[str] = ()) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir(exist_ok=True)
        swapped = {
            "listener 1883": f"listener {self.port} 127.0.0.1",
            "persistence_location": f"persistence_location {folder}/",
        }
        self._swaps, self._more = swapped | (changes or {}), list(more)
        if os.geteuid() == 0:
            self._more.append("user root")  # as another user it could not write into the folder of a test
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> Mosquitto:
        """Starts it, and returns when it takes connections."""
        assert PROGRAM is not None
        lines = CONF.read_text(encoding="utf-8").splitlines()
        for begin, instead in self._swaps.items():
            places = [place for place, line in enumerate(lines) if line.startswith(begin)]
            assert len(places) == 1, f"{begin!r} stands {len(places)} times in the shipped configuration"
            lines[places[0]] = instead
        (self.folder / "mosquitto.conf").write_text("\n".join([*lines, *self._more, ""]), encoding="utf-8")
        with (self.folder / "mosquitto.log").open("ab") as log:
            command = [PROGRAM, "-c", str(self.folder / "mosquitto.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers)
        return self

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace")

    def change(self, begin: str, instead: str) -> None:
        """Starts it again with another line."""
        self._swaps[begin] = instead
        self.stop()
        self.start()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """Asks it to end: it saves what it knows."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None


class Publisher:
    """Publishes, and keeps the ledger of what the broker acknowledged."""

    def __init__(self, port: int, user: str = "", password: str = "", name: str = "publisher") -> None:
        self.client = make_publisher(Broker("127.0.0.1", port, user=user, password=password), name)
        self.client.max_inflight_messages_set(1000)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_until(self.client.is_connected)

    def publish(self, topic: str, payloads: Sequence[bytes | str], qos: int = 1) -> None:
        """Publishes, and returns when the broker has acknowledged all."""
        asked = [self.client.publish(topic, payload, qos=qos) for payload in payloads]
        wait_until(lambda: all(one.is_published() for one in asked))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def answers(url: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The health of a service, once something holds for it."""
    import httpx

    found: dict[str, Any] = {}

    def look() -> bool:
        with suppress(httpx.TransportError):
            found.clear()
            found.update(httpx.get(f"{url}/health").json())
            return holds(found)
        return False

    wait_until(look)
    return found

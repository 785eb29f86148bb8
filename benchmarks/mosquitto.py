"""A Mosquitto with the configuration that is shipped, and a sender and a witness that cost little, for benchmarks over MQTT."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep

from door import free_port

CONF = Path(__file__).parents[1] / "examples" / "mqtt" / "mosquitto.conf"
CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
"""Kinds of packets; MQTT 3.1.1, section 2.2.1, which the doors speak too."""


class Mosquitto:
    """A broker in a folder, with the shipped configuration.

    Args:
        folder: where it keeps what it knows.
        swaps: lines by how they begin, and what stands there instead.
    """

    def __init__(self, folder: Path, swaps: dict[str, str] | None = None) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise SystemExit("Mosquitto is not installed: apt-get install mosquitto")
        folder.mkdir(exist_ok=True)
        self.port, self.config = free_port(), folder / "mosquitto.conf"
        self.log = folder / "mosquitto.log"
        place = {"listener 1883": f"listener {self.port} 127.0.0.1", "persistence_location": f"persistence_location {folder}/"}
        lines = CONF.read_text(encoding="utf-8").splitlines()
        for begin, instead in (place | (swaps or {})).items():
            lines = [instead if line.startswith(begin) else line for line in lines]
        if os.geteuid() == 0:
            lines.append("user root")
        self.config.write_text("\n".join([*lines, ""]), encoding="utf-8")
        self._command = [program, "-c", str(self.config)]
        self.start()

    def start(self) -> None:
        """Starts it; returns when it takes connections."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if self._process.poll() is not None:
                raise SystemExit(f"Mosquitto did not start: {self.log.read_text()}")
            sleep(0.01)

    def end(self, *, kill: bool = False) -> None:
        """Asks it to end, so that it saves; or kills it."""
        (self._process.kill if kill else self._process.terminate)()
        self._process.wait(60)


def length_of(size: int) -> bytes:
    """A remaining length as MQTT writes it."""
    out = bytearray()
    while True:
        size, byte = divmod(size, 128)
        out.append(byte | (128 if size else 0))
        if not size:
            return bytes(out)


def packet(kind: int, flags: int, rest: bytes) -> bytes:
    """A packet of MQTT."""
    return bytes([kind << 4 | flags]) + length_of(len(rest)) + rest


def text(value: str) -> bytes:
    """A text with its length."""
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def split(buffer: bytearray) -> list[tuple[int, int, bytes]]:
    """Takes the whole packets from the head of a buffer: kind, flags and rest of each."""
    found, at = [], 0
    while len(buffer) - at >= 2:
        size, shift, place = 0, 0, at + 1
        while place < len(buffer):
            size |= (buffer[place] & 127) << shift
            shift, place = shift + 7, place + 1
            if not buffer[place - 1] & 128:
                break
        else:
            break
        if len(buffer) < place + size:
            break
        found.append((buffer[at] >> 4, buffer[at] & 15, bytes(buffer[place : place + size])))
        at = place + size
    del buffer[:at]
    return found


def hello(port: int, name: str) -> socket.socket:
    """A connection of MQTT 3.1.1 without a session; the broker's answer is not waited for."""
    line = socket.create_connection(("127.0.0.1", port), timeout=10)
    line.sendall(packet(CONNECT, 0, text("MQTT") + bytes([4, 2]) + struct.pack("!H", 60) + text(name)))
    return line


def publish(topic: str, number: int, payload: bytes) -> bytes:
    """A packet that publishes at QoS 1."""
    return packet(PUBLISH, 0b0010, text(topic) + struct.pack("!H", number) + payload)


def publish_all(port: int, topic: str, payloads: Sequence[bytes], window: int = 1000) -> None:
    """Publishes over one connection, so many unacknowledged at a time; returns when all are acknowledged."""
    packets = [publish(topic, place % 60_000 + 1, payload) for place, payload in enumerate(payloads)]
    with hello(port, "bench") as line:
        sent, acknowledged, buffer = 0, 0, bytearray()
        while acknowledged < len(packets):
            upto = min(acknowledged + window, len(packets))
            if sent < upto:
                line.sendall(b"".join(packets[sent:upto]))
                sent = upto
            data = line.recv(1 << 16)
            if not data:
                raise ConnectionResetError("the broker hung up")
            buffer += data
            acknowledged += sum(kind == PUBACK for kind, _, _ in split(buffer))


class Witness:
    """Stands between doors and broker, passes everything on, and notes which payloads the doors acknowledge.

    Args:
        port: of the broker.
    """

    def __init__(self, port: int) -> None:
        self._broker = port
        self.acknowledged: set[bytes] = set()
        self._ear = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._ear.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            doors, _ = self._ear.accept()
            try:
                broker = socket.create_connection(("127.0.0.1", self._broker), timeout=5)
            except OSError:
                doors.close()
                continue
            broker.settimeout(None)
            delivered: dict[int, bytes] = {}
            for source, sink, look in ((broker, doors, self._deliveries), (doors, broker, self._answers)):
                threading.Thread(target=self._pass, args=(source, sink, look, delivered), daemon=True).start()

    def _pass(
        self,
        source: socket.socket,
        sink: socket.socket,
        look: Callable[[bytearray, dict[int, bytes]], None],
        delivered: dict[int, bytes],
    ) -> None:
        buffer = bytearray()
        with suppress(OSError):
            while data := source.recv(1 << 16):
                buffer += data
                look(buffer, delivered)  # noted before it is passed on: what the broker learns is in the ledger
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _deliveries(self, buffer: bytearray, delivered: dict[int, bytes]) -> None:
        for kind, flags, rest in split(buffer):
            if kind == PUBLISH and flags & 0b0110:
                after = 2 + struct.unpack_from("!H", rest)[0]
                delivered[struct.unpack_from("!H", rest, after)[0]] = rest[after + 2 :]

    def _answers(self, buffer: bytearray, delivered: dict[int, bytes]) -> None:
        for kind, _, rest in split(buffer):
            if kind == PUBACK:
                self.acknowledged.add(delivered.pop(struct.unpack_from("!H", rest)[0]))

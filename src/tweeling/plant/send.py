"""Sends readings to a running twin, batch by batch, and goes on from the batch that was not acknowledged.

An acknowledgement means that a batch is on the service's disk (of a broker: that the broker has it, `publish.py`). Until it
comes the batch is sent again: when the connection is lost, the service is busy or it fails. A batch that had been stored
although its acknowledgement was lost is a duplicate there and does no harm. Only the standard library: one connection that is
kept open.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from tweeling.errors import InputError
from tweeling.network.network import Floats, Ints
from tweeling.observation.sensors import Sensors
from tweeling.plant.run import Piece
from tweeling.reading import SECOND, iso_time

READINGS = 1000
"""In a batch at most, unless one moment has more."""
PATH = "/api/readings"
SECONDS = 30.0
"""How long an answer may take."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""s; between attempts the wait doubles."""
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, eq=False)
class Batch:
    """Readings that are sent at once.

    Args:
        time: microseconds since 1970 UTC; (reading,).
        sensor: place in the sensors; (reading,).
        value: in the sensor's unit; (reading,).
    """

    time: Ints
    sensor: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True)
class Sent:
    """What became of what was sent.

    Args:
        readings: that were acknowledged.
        flagged: of these, with a verdict that is not good.
        again: attempts that failed and were made again.
    """

    readings: int = 0
    flagged: int = 0
    again: int = 0


class Way(Protocol):
    """Where readings are sent to."""

    url: str
    """For people."""

    def post(self, body: bytes, kind: str) -> tuple[int, bytes]:
        """One attempt: a status as of HTTP, and the answer's body.

        Raises:
            OSError: it did not come to an answer. HTTPException: the answer is no HTTP. InputError: refused for good.
        """

    def close(self) -> None:
        """Lets go of the connection."""


def way_to(url: str, token: str = "") -> Way:
    """Where a URL leads: to a service over HTTP, or to a topic of a broker of MQTT.

    Args:
        url: `http[s]://host:port`, or `mqtt[s]://[user[:password]@]host:port/topic`.
        token: that a service asks for, "" for none.

    Raises:
        InputError: an address that is none.
    """
    if url.startswith(("mqtt:", "mqtts:")):
        from tweeling.plant.publish import BrokerDoor

        return BrokerDoor(url)
    return Door(url, token)


class Door:
    """The door of a service that takes readings.

    Args:
        url: of the service, such as `http://127.0.0.1:8080`; the path of the door may stand behind it.
        token: that the service asks for, "" for none.

    Raises:
        InputError: an address that is none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{url!r} is no address of a service; write it as http://127.0.0.1:8080 or mqtt://HOST:PORT/TOPIC")
        try:
            port = parts.port
        except ValueError as error:
            raise InputError(f"{url!r} has no port that can be: {error}") from error
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, port, timeout=SECONDS)
        self.url, self._path = url, parts.path if parts.path.strip("/") else PATH
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def post(self, body: bytes, kind: str) -> tuple[int, bytes]:
        """One attempt: the answer's code and body.

        Raises:
            OSError: the connection is lost. HTTPException: the answer is no HTTP.
        """
        try:
            self._connection.request("POST", self._path, body, self._headers | {"Content-Type": kind})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()


def as_json(batch: Batch, sensors: Sensors) -> tuple[bytes, str]:
    """A batch as a JSON list."""
    rows = [
        {"sensor": sensors.rows[sensor].id, "time": iso_time(when), "value": value, "unit": sensors.rows[sensor].unit}
        for when, sensor, value in zip(batch.time.tolist(), batch.sensor.tolist(), batch.value.tolist(), strict=True)
    ]
    return json.dumps(rows, separators=(",", ":")).encode(), "application/json"


def as_arrow(batch: Batch, sensors: Sensors) -> tuple[bytes, str]:
    """A batch as an Arrow stream with the long columns."""
    table = pa.table(
        {
            "time": pa.array(batch.time, pa.timestamp("us", tz="UTC")),
            "sensor": pa.array(np.array(sensors.ids, object)[batch.sensor], pa.string()),
            "value": pa.array(batch.value, pa.float64()),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes(), "application/vnd.apache.arrow.stream"


Form = Callable[[Batch, Sensors], tuple[bytes, str]]


@dataclass(frozen=True)
class Habits:
    """How a sender goes about it.

    Args:
        speed: simulated seconds in a second; 0 is as fast as it goes.
        form: how a batch is written.
        say: told when the connection is lost and when it is back.
        clock, wait: of the wall; tests have others.
    """

    speed: float = 0.0
    form: Form = as_json
    say: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


def send(pieces: Iterable[Piece], sensors: Sensors, door: Way, habits: Habits) -> Sent:
    """Sends all readings of a run, in order of time.

    Args:
        pieces: of the run.
        sensors: whose readings they are.
        door: where to.
        habits: how fast, and in which form.

    Raises:
        InputError: the service refuses a batch for what it is; the message is its own.
    """
    sent, begun, first = Sent(), habits.clock(), None
    for piece in pieces:
        for batch in batches(piece, at_once=habits.speed == 0):
            first = int(batch.time[0]) if first is None else first
            if habits.speed > 0:
                due = begun + (int(batch.time[0]) - first) / SECOND / habits.speed
                habits.wait(max(due - habits.clock(), 0.0))
            sent = _acknowledged(batch, sensors, door, habits, sent)
    return sent


def batches(piece: Piece, *, at_once: bool) -> Iterator[Batch]:
    """A piece in batches, each of whole moments; what did not come is left out.

    Args:
        piece: of a run.
        at_once: several moments in a batch; else each has its own.
    """
    rows = max(READINGS // piece.readings.shape[1], 1) if at_once else 1
    for begin in range(0, len(piece.times), rows):
        readings = piece.readings[begin : begin + rows]
        step, sensor = np.nonzero(~np.isnan(readings))
        if len(step):
            yield Batch(piece.times[begin : begin + rows][step], sensor, readings[step, sensor])


def _acknowledged(batch: Batch, sensors: Sensors, door: Way, habits: Habits, sent: Sent) -> Sent:
    """Sends a batch until it is acknowledged."""
    body, kind = habits.form(batch, sensors)
    wait, again = FIRST_WAIT, 0
    while True:
        trouble = ""
        try:
            code, answer = door.post(body, kind)
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error) or type(error).__name__
        else:
            if 200 <= code < 300:
                if again:
                    habits.say(f"{door.url} is back")
                return Sent(sent.readings + len(batch), sent.flagged + _flagged(answer), sent.again + again)
            if code not in TRY_AGAIN:
                raise InputError(f"{door.url} refuses readings with {code}: {answer[:300].decode('utf-8', 'replace')}")
            trouble = f"it answers {code}"
        if not again:
            habits.say(f"{door.url} takes no readings: {trouble}; trying again until it does")
        habits.wait(wait)
        wait, again = min(2 * wait, LONGEST_WAIT), again + 1


def _flagged(answer: bytes) -> int:
    """How many verdicts an answer holds; one that is not ours holds none."""
    try:
        document: Any = json.loads(answer)
    except ValueError:
        return 0
    return len(document.get("verdicts", ())) if isinstance(document, dict) else 0

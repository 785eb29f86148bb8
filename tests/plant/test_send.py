"""Sending: everything arrives once it is acknowledged, whatever the service and the line do meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sending import SENSORS, Wall, habits, piece
from tweeling.errors import InputError
from tweeling.plant.run import Piece
from tweeling.plant.send import READINGS, Door, Sent, as_arrow, batches, send


@dataclass
class Service:
    """A service that does as told, one word a request, then takes everything."""

    words: list[str] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.requests.append((handler.path, dict(handler.headers)))
        word = self.words.pop(0) if self.words else "take"
        if word in ("take", "take and drop"):
            if handler.headers["Content-Type"] == "application/json":
                self.kept += json.loads(body)
            else:
                self.kept += pa.ipc.open_stream(body).read_all().to_pylist()
        if word in ("drop", "take and drop"):
            handler.connection.shutdown(2)
            handler.close_connection = True
            return
        code = 200 if word == "take" else int(word)
        answer = json.dumps({"stored": 1, "verdicts": [{"index": 0, "flag": "spike", "why": "w"}]}).encode()
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told.answer(self)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sent_by(service: Service, pieces: list[Piece], wall: Wall, said: list[str], **keys: Any) -> Sent:
    door = Door(service.url, "secret")
    try:
        return send(pieces, SENSORS, door, habits(wall, said, **keys))
    finally:
        door.close()


def test_everything_is_sent_in_order_with_unit_and_token(service: Service) -> None:
    sent = sent_by(service, [piece(700), piece(3, first=700)], Wall(), [])
    assert sent == Sent(readings=1406, flagged=3, again=0)
    assert len(service.kept) == 1406
    assert service.kept[2] == {"sensor": "p", "time": "1970-01-01T00:05:00Z", "value": 1.25, "unit": "m"}
    assert service.kept[-1] == {"sensor": "q", "time": "1970-01-03T10:30:00Z", "value": 102.5, "unit": "m3/h"}
    assert {path for path, _ in service.requests} == {"/api/readings"}
    assert {headers["Authorization"] for _, headers in service.requests} == {"Bearer secret"}


def test_arrow_says_the_same(service: Service) -> None:
    sent_by(service, [piece(2)], Wall(), [], form=as_arrow)
    assert [(row["sensor"], row["value"]) for row in service.kept] == [("p", 0.25), ("q", 100.5), ("p", 1.25), ("q", 101.5)]
    assert service.kept[2]["time"].isoformat() == "1970-01-01T00:05:00+00:00"


def test_what_is_not_acknowledged_is_sent_again_and_nothing_else(service: Service) -> None:
    service.words = ["take", "drop", "503", "take and drop", "take", "drop"]
    wall, said = Wall(), list[str]()
    sent = sent_by(service, [piece(1500)], wall, said)
    assert sent.again == 4
    times = [(row["sensor"], row["time"]) for row in service.kept]
    assert sorted(set(times)) == sorted(set(times[: 2 * 1500 + READINGS]))
    assert len(set(times)) == 3000
    assert len(times) == 3000 + READINGS  # the batch whose acknowledgement was lost came twice
    assert wall.waits == [0.5, 1.0, 2.0, 0.5]
    assert [line.split(" ", 1)[1][:8] for line in said] == ["takes no", "is back", "takes no", "is back"]


def test_a_service_that_is_not_there_yet_is_waited_for() -> None:
    attempts = []

    class Late(Door):
        def post(self, body: bytes, kind: str) -> tuple[int, bytes]:
            attempts.append(body)
            if len(attempts) < 8:
                raise ConnectionRefusedError("nobody there")
            return 200, b"not ours"

    wall = Wall()
    sent = send([piece(1)], SENSORS, Late("http://127.0.0.1:1"), habits(wall, []))
    assert sent == Sent(readings=2, flagged=0, again=7)
    assert wall.waits == [0.5, 1, 2, 4, 8, 10, 10]
    assert len(set(attempts)) == 1


def test_a_refusal_ends_it_with_the_services_own_words(service: Service) -> None:
    service.words = ["401"]
    with pytest.raises(InputError, match=r"refuses readings with 401: .*verdicts"):
        sent_by(service, [piece(1)], Wall(), [])


def test_readings_come_at_the_speed_that_was_asked_for(service: Service) -> None:
    wall = Wall()
    sent_by(service, [piece(3), piece(2, first=3)], wall, [], speed=600.0)
    assert wall.waits == [0.0, 0.5, 0.5, 0.5, 0.5]
    assert len(service.requests) == 5


def test_what_did_not_come_is_not_sent() -> None:
    holes = piece(3)
    holes.readings[1, :] = np.nan
    holes.readings[2, 0] = np.nan
    assert [len(batch) for batch in batches(holes, at_once=False)] == [2, 1]
    assert [len(batch) for batch in batches(holes, at_once=True)] == [3]


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port", "http://h:99999", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"write it as http:|has no port"):
        Door(url)

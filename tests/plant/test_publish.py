"""Publishing to a real broker: what it acknowledges it has, nobody to give it to is no success, and a restart is survived."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from broker import Mosquitto, needs_mosquitto
from running import wait_until
from sending import SENSORS, Wall, habits, piece
from tweeling.errors import InputError
from tweeling.live.broker import Broker, make_publisher
from tweeling.plant import publish
from tweeling.plant.publish import BrokerDoor
from tweeling.plant.send import Door, Sent, as_arrow, send, way_to

TOPIC = "tweeling/town/readings"


class Listener:
    """A session that takes what comes."""

    def __init__(self, port: int) -> None:
        self.came: list[Any] = []
        self.client = make_publisher(Broker("127.0.0.1", port), "listener")
        self.client.on_message = lambda _client, _data, message: self.came.append(message)
        self.client.on_connect = lambda client, *_: client.subscribe(TOPIC, qos=1)
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.reconnect_delay_set(1, 1)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=kept)
        self.client.loop_start()
        wait_until(subscribed.is_set)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    started = Mosquitto(tmp_path / "broker").start()
    yield started
    started.stop()


def sent_to(broker: Mosquitto, wall: Wall, said: list[str], pieces: int = 1, **keys: Any) -> Sent:
    door = BrokerDoor(f"{broker.url}/{TOPIC}")
    try:
        return send((piece(3, first=3 * number) for number in range(pieces)), SENSORS, door, habits(wall, said, **keys))
    finally:
        door.close()


@needs_mosquitto
def test_everything_reaches_whoever_has_subscribed_with_its_kind(broker: Mosquitto) -> None:
    listener = Listener(broker.port)
    assert sent_to(broker, Wall(), [], pieces=3) == Sent(readings=18, flagged=0, again=0)
    wait_until(lambda: len(listener.came) == 3)
    rows = [row for message in listener.came for row in json.loads(message.payload)]
    assert len(rows) == 18
    assert rows[0] == {"sensor": "p", "time": "1970-01-01T00:00:00Z", "value": 0.25, "unit": "m"}
    assert {(message.qos, message.properties.ContentType) for message in listener.came} == {(1, "application/json")}
    sent_to(broker, Wall(), [], form=as_arrow)
    wait_until(lambda: len(listener.came) == 4)
    assert listener.came[3].payload[:4] == b"\xff\xff\xff\xff"
    listener.close()


@needs_mosquitto
def test_while_nobody_has_subscribed_it_is_sent_again(broker: Mosquitto) -> None:
    listeners: list[Listener] = []

    class Patient(Wall):
        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            if len(self.waits) == 3:
                listeners.append(Listener(broker.port))

    said: list[str] = []
    assert sent_to(broker, Patient(), said) == Sent(readings=6, flagged=0, again=3)
    assert "nobody has subscribed" in said[0]
    wait_until(lambda: len(listeners[0].came) == 1)
    listeners[0].close()


@needs_mosquitto
def test_a_broker_that_is_started_again_gets_the_rest(broker: Mosquitto) -> None:
    listener = Listener(broker.port)
    door = BrokerDoor(f"{broker.url}/{TOPIC}")
    wall, said = Wall(), list[str]()
    assert send([piece(3)], SENSORS, door, habits(wall, said)).readings == 6
    broker.stop()

    class Mends(Wall):
        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            if len(self.waits) == 2:
                broker.start()

    sent = send([piece(3, first=3)], SENSORS, door, habits(Mends(), said))
    assert sent.readings == 6
    assert sent.again >= 2
    assert said[0].startswith(f"{broker.url}/{TOPIC} takes no readings")
    wait_until(lambda: len(listener.came) >= 2)
    door.close()
    listener.close()


@needs_mosquitto
def test_an_acknowledgement_that_does_not_come_is_not_waited_for_for_ever(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener(broker.port)
    monkeypatch.setattr(publish, "SECONDS", 0.0)
    door = BrokerDoor(f"{broker.url}/{TOPIC}")
    with pytest.raises(OSError, match="no acknowledgement in 0 s"):
        door.post(b"[]", "application/json")
    monkeypatch.setattr(publish, "SECONDS", 30.0)
    assert door.post(b"[1]", "application/json") == (200, b"")
    door.close()
    listener.close()


@needs_mosquitto
def test_a_refusal_for_good_ends_it(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "closed", {"allow_anonymous true": "allow_anonymous false"}).start()
    try:
        with pytest.raises(InputError, match="Not authorized"):
            sent_to(broker, Wall(), [])
    finally:
        broker.stop()


def test_a_url_says_which_way_and_shows_no_password() -> None:
    way = way_to("mqtt://me:hidden@h/a/b")
    assert isinstance(way, BrokerDoor)
    assert way.url == "mqtt://me@h:1883/a/b"
    assert isinstance(way_to("http://h:80"), Door)


@pytest.mark.parametrize(
    "url", ["mqtt://h", "mqtt://h/", "mqtt://h/a/+/b", "mqtt://h/#", "mqtt:///a", "mqtt://h:x/a", "mqtt://h/a?b"]
)
def test_an_address_without_a_topic_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="mqtt://HOST:PORT/TOPIC"):
        BrokerDoor(url)

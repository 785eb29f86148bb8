"""The door for MQTT against a real Mosquitto: what it acknowledges is on disk, and all else comes again."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from broker import Mosquitto, Publisher, answers, needs_mosquitto
from fake_doors import House, open_house
from fake_process import make_folder
from fake_twin import MINUTE, START
from running import end, free_port, kill, start_doors, wait_until
from tweeling.errors import StoreError
from tweeling.live.broker import Broker, make_listener
from tweeling.live.config import InputSection
from tweeling.live.store.open import open_store
from tweeling.reading import iso_time
from tweeling.service import mqtt
from tweeling.service.mqtt import MqttDoor, client_id, mqtt_doors

pytestmark = needs_mosquitto
TOPIC = "town/readings"


def messages(count: int, first: int = 0, sensor: str = "p0") -> list[str]:
    """Single readings, all different."""
    times = [iso_time(START + (first + place) * MINUTE) for place in range(count)]
    return [json.dumps({"sensor": sensor, "time": time, "value": 30 + place / 64}) for place, time in enumerate(times)]


@dataclass(eq=False)
class Town:
    """A broker, a small twin in this process, and a door between them.

    Args:
        broker, house: that run.
        section: the input.
        opened: doors to close.
    """

    broker: Mosquitto
    house: House
    section: InputSection
    opened: list[MqttDoor]

    def door(self, kind: type[MqttDoor] = MqttDoor, **changes: Any) -> MqttDoor:
        """A door, connected unless it must not be."""
        section = InputSection(**({"kind": "mqtt", "url": self.broker.url, "topic": TOPIC} | changes))
        broker = mqtt.broker_of(self.house.doors.config, section)
        name = client_id("fake", section)
        door = kind(broker, section, name, self.house.doors.entrance, self.house.doors.config, lambda: START)
        self.opened.append(door)
        door.open()
        return door

    def connected(self, **changes: Any) -> MqttDoor:
        door = self.door(**changes)
        wait_until(lambda: door.tally.connected)
        return door

    def publisher(self) -> Publisher:
        return Publisher(self.broker.port)

    def kept(self) -> list[tuple[str, str, float]]:
        """What the store has, in its order."""
        rows = self.house.store.readings.after(0)
        return list(zip(rows.sensor, map(iso_time, rows.time.tolist()), rows.value.tolist(), strict=True))

    def parted(self, door: MqttDoor) -> None:
        """Closes a door, and returns when the broker has read its last word, and so all that it acknowledged before.

        Without that a busy broker may take in the next client first, and hand it what was acknowledged.
        """
        door.close()
        wait_until(lambda: f"Client {door.client} disconnected" in self.broker.log())

    def still_held(self, door: MqttDoor) -> int:
        """How many messages the broker delivers to whoever takes over a door's session."""
        came: list[bytes] = []
        client = make_listener(Broker("127.0.0.1", self.broker.port), door.client)
        client.on_message = lambda _client, _data, message: came.append(message.payload)
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        wait_until(client.is_connected)
        publisher = self.publisher()
        publisher.publish(TOPIC, [b"the last"])  # comes after all that was held
        wait_until(lambda: b"the last" in came)
        publisher.close()
        client.disconnect()
        client.loop_stop()
        return len(came) - 1


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    section = InputSection(kind="mqtt", url="mqtt://127.0.0.1", topic=TOPIC)
    made = Town(Mosquitto(tmp_path / "broker").start(), open_house(tmp_path), section, [])
    yield made
    for door in made.opened:
        door.close()
    made.house.close()
    made.broker.stop()


def as_readings(texts: Sequence[str]) -> list[tuple[str, str, float]]:
    return [(one["sensor"], one["time"], one["value"]) for one in map(json.loads, texts)]


def publish(town: Town, topic: str, payloads: Sequence[bytes | str]) -> None:
    publisher = town.publisher()
    publisher.publish(topic, payloads)
    publisher.close()


def test_readings_come_through_a_broker_into_the_store_in_their_order(town: Town) -> None:
    door = town.connected()
    sent = messages(300)
    publish(town, TOPIC, sent)
    wait_until(lambda: door.tally.readings == 300)
    assert town.kept() == as_readings(sent)
    town.parted(door)
    assert town.still_held(door) == 0
    assert door.document() | {"since": "", "last_message": ""} == {
        "kind": "mqtt",
        "url": town.broker.url,
        "topic": TOPIC,
        "client": door.client,
        "connected": False,
        "since": "",
        "why": "the door is closed",
        "last_message": "",
        "received": 300,
        "readings": 300,
        "undecodable": 0,
        "not_kept": 0,
        "refused": 0,
        "waiting": 0,
    }


class Held:
    """A log whose commits wait until they are let go, or fail as often as they are told to."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch, failures: int = 0) -> None:
        self.go, self.failures, self.asked = threading.Event(), failures, 0
        log, append = house.store.readings, house.store.readings.append

        def held(*arguments: Any) -> Any:
            self.asked += 1
            if self.failures:
                self.failures -= 1
                raise StoreError("the disk is full")
            self.go.wait()
            return append(*arguments)

        monkeypatch.setattr(log, "append", held)


class Hasty(MqttDoor):
    """The door as it must not be: it acknowledges on receipt."""

    def _put(self, talk: Any) -> None:
        for message in talk.messages:
            self._paho.ack(message.mid, message.qos)
        super()._put(talk)


@pytest.mark.parametrize(("kind", "held"), [(MqttDoor, 50), (Hasty, 0)])
def test_nothing_is_acknowledged_before_it_is_committed(
    town: Town, monkeypatch: pytest.MonkeyPatch, kind: type[MqttDoor], held: int
) -> None:
    monkeypatch.setattr(mqtt, "CLOSE_SECONDS", 0.1)
    log = Held(town.house, monkeypatch)
    door = town.connected(kind=kind)
    publish(town, TOPIC, messages(50))
    wait_until(lambda: log.asked > 0 and door.tally.received == 50)
    door.close()
    log.go.set()
    assert town.still_held(door) == held


def test_what_the_store_refuses_comes_again_until_it_is_kept(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "SHORTEST_PAUSE", 0.05)
    log = Held(town.house, monkeypatch, failures=3)
    log.go.set()
    door = town.connected()
    sent = messages(40)
    publish(town, TOPIC, sent)
    wait_until(lambda: door.tally.readings == 40)
    assert door.tally.refused > 0
    assert sorted(town.kept()) == sorted(as_readings(sent))
    publish(town, TOPIC, messages(1, first=99))  # comes after all that came again
    wait_until(lambda: door.tally.readings == 41)
    town.parted(door)
    assert town.still_held(door) == 0


def test_while_the_store_refuses_health_says_so(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "SHORTEST_PAUSE", 60.0)
    Held(town.house, monkeypatch, failures=1)
    door = town.connected()
    publish(town, TOPIC, messages(1))
    wait_until(lambda: not door.tally.connected)
    assert door.tally.why == "the store refuses: the disk is full"


def test_a_slow_disk_stops_the_broker_and_not_the_memory(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.broker.change("max_inflight_messages", "max_inflight_messages 20")
    log = Held(town.house, monkeypatch)
    door = town.connected()
    sent = messages(200)
    publish(town, TOPIC, sent)
    wait_until(lambda: door.tally.received == 20)
    publish(town, "elsewhere", ["x"] * 50)  # time for more to come, if any did
    assert door.document()["waiting"] == door.tally.received == 20
    log.go.set()
    wait_until(lambda: door.tally.readings == 200)
    assert town.kept() == as_readings(sent)


def test_unacknowledged_qos_0_cannot_fill_the_memory_either(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "MOST_UNDECIDED", 30)
    monkeypatch.setattr(mqtt, "AT_ONCE", 10)
    log = Held(town.house, monkeypatch)
    door = town.connected()
    publisher = town.publisher()
    publisher.publish(TOPIC, messages(500), qos=0)
    wait_until(lambda: door.tally.received >= 30)
    publisher.publish("elsewhere", ["x"] * 50)
    assert door.document()["waiting"] < 30 + 10
    log.go.set()
    wait_until(lambda: door.tally.readings == 500)
    publisher.close()


def test_large_messages_are_not_gathered_beyond_a_size(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "BYTES_AT_ONCE", 1000)
    decode, sizes = mqtt.decode_messages, list[int]()

    def noted(payloads: Sequence[bytes], zone: str) -> Any:
        sizes.append(sum(map(len, payloads)))
        return decode(payloads, zone)

    monkeypatch.setattr(mqtt, "decode_messages", noted)
    door = town.connected()
    sent = messages(200)
    publish(town, TOPIC, sent)
    wait_until(lambda: door.tally.readings == 200)
    assert town.kept() == as_readings(sent)
    assert max(sizes) < 1000 + len(sent[-1])


POISON = [b"nonsense", b'{"sensor":', b"7", b"", b"\xff\xfe", b"PAR1 and no more", b"\xff\xff\xff\xff no arrow", b"[" * 100_000]


def test_a_message_that_cannot_be_made_out_is_acknowledged_counted_and_told_once(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    door = town.connected()
    publish(town, TOPIC, [*POISON, *POISON, *messages(3), '{"sensor": "p0", "value": 1}', b'[1, {"sensor": ""}]'])
    wait_until(lambda: door.tally.received == 2 * len(POISON) + 5)
    wait_until(lambda: door.tally.readings == 3)
    assert (door.tally.unread, door.tally.unkept) == (2 * len(POISON), 3)
    town.parted(door)
    assert town.still_held(door) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "cannot be made out" in line]
    assert len(told) == len({line.partition("why=")[2] for line in told}) <= len(POISON)
    assert any("nonsense" in line and TOPIC in line for line in told)
    assert max(map(len, told)) < 1000


def test_a_message_larger_than_is_taken_is_poison_too(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from tweeling.live.ingest import messages as decoding

    monkeypatch.setattr(decoding, "LARGEST_PAYLOAD", 1000)
    door = town.connected()
    publish(town, TOPIC, ["[" + ",".join(messages(100)) + "]", *messages(1)])
    wait_until(lambda: door.tally.readings == 1)
    assert door.tally.unread == 1


def test_a_message_that_our_own_decoder_stumbles_over_harms_no_other(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = mqtt.decode_messages

    def stumbles(payloads: Sequence[bytes], zone: str) -> Any:
        if b"boom" in payloads:
            raise RuntimeError("a bug")
        return decode(payloads, zone)

    monkeypatch.setattr(mqtt, "decode_messages", stumbles)
    door = town.connected()
    sent = messages(20)
    publish(town, TOPIC, [*sent[:10], b"boom", *sent[10:], b"7"])
    wait_until(lambda: door.tally.readings == 20 and door.tally.received == 22)
    assert town.kept() == as_readings(sent)
    assert door.tally.unread == 2
    assert door.tally.connected


def test_a_bug_in_the_door_does_not_end_it_and_loses_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "SHORTEST_PAUSE", 0.05)
    decode, failures = mqtt.decode_messages, [MemoryError("no more"), MemoryError("no more")]

    def starved(payloads: Sequence[bytes], zone: str) -> Any:
        if failures:
            raise failures.pop()
        return decode(payloads, zone)

    monkeypatch.setattr(mqtt, "decode_messages", starved)
    door = town.connected()
    sent = messages(20)
    publish(town, TOPIC, sent)
    wait_until(lambda: door.tally.readings == 20)
    assert door.tally.unread == 0
    assert sorted(town.kept()) == sorted(as_readings(sent))


def test_lists_arrow_and_odd_readings_are_taken_in_one_stream(town: Town) -> None:
    door = town.connected()
    table = pa.table({"sensor": ["p1"], "time": pa.array([START], pa.timestamp("us", tz="UTC")), "value": [31.5]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    odd = '[{"sensor": "p2", "time": "2018-01-01T00:00:00Z", "value": "none"}, {"sensor": "p2", "time": 5}]'
    payloads = [messages(1)[0], "[" + ",".join(messages(3, first=1)) + "]", sink.getvalue().to_pybytes(), odd]
    publish(town, TOPIC, [*payloads, messages(1, first=9)[0]])
    wait_until(lambda: door.tally.received == 5 and door.tally.readings == 7)
    assert [sensor for sensor, _, _ in town.kept()] == ["p0"] * 4 + ["p1", "p2", "p0"]
    assert door.tally.unkept == 1


def test_wildcards_take_what_fits_them_and_nothing_else(town: Town) -> None:
    door = town.connected(topic="town/+/readings/#")
    one, two, three, four = (messages(1, first=place)[0] for place in range(4))
    publish(town, "town/a/readings", [one])
    publish(town, "town/readings", [two])
    publish(town, "town/b/readings/deep/er", [three])
    publish(town, "other/a/readings", [four])
    publish(town, "town/a/readings", [messages(1, first=8)[0]])
    wait_until(lambda: door.tally.readings == 3)
    assert town.kept() == as_readings([one, three, messages(1, first=8)[0]])


def test_what_was_sent_while_the_door_was_closed_is_not_lost(town: Town) -> None:
    town.connected().close()
    sent = messages(1500)  # more than the 1,000 that Mosquitto keeps unless it is told otherwise
    publish(town, TOPIC, sent)
    door = town.connected()
    wait_until(lambda: door.tally.readings == 1500)
    assert town.kept() == as_readings(sent)


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_a_broker_that_comes_back_is_found_again(town: Town, ends: str, capsys: pytest.CaptureFixture[str]) -> None:
    door = town.connected()
    for round_ in range(3):
        publish(town, TOPIC, messages(10, first=10 * round_))
        wait_until(lambda: door.tally.readings == 10 * round_ + 10)  # noqa: B023
        getattr(town.broker, ends)()
        wait_until(lambda: not door.tally.connected)
        assert door.tally.why
        town.broker.start()
        wait_until(lambda: door.tally.connected)
    told = [line for line in capsys.readouterr().out.splitlines() if "input" in line]
    assert sum("input connected" in line for line in told) == 4
    assert 3 <= sum("input lost" in line for line in told) <= 6  # lost, and perhaps not to be reached


def test_a_broker_that_is_not_there_yet_is_waited_for(town: Town) -> None:
    town.broker.stop()
    door = town.door()
    wait_until(lambda: "no broker can be reached" in door.tally.why)
    town.broker.start()
    wait_until(lambda: door.tally.connected)


def test_a_wrong_password_is_said_and_tried_again_until_it_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "SHORTEST_PAUSE", 0.05)
    words = tmp_path / "passwords"
    program = shutil.which("mosquitto_passwd")
    assert program is not None
    subprocess.run([program, "-b", "-c", str(words), "twin", "right"], check=True, capture_output=True)
    words.chmod(0o644)
    anonymous = {"allow_anonymous true": "allow_anonymous false"}
    broker = Mosquitto(tmp_path / "broker", anonymous, [f"password_file {words}"]).start()
    (tmp_path / "secret").write_text("wrong\n")
    house = open_house(tmp_path)
    town = Town(broker, house, InputSection(kind="http"), [])
    url = broker.url.replace("mqtt://", "mqtt://twin@")
    try:
        door = town.door(url=url, password_file="secret")
        wait_until(lambda: "Not authorized" in door.tally.why)
        assert not door.tally.connected
        assert "user and password" in door.tally.why
        assert "wrong" not in json.dumps(door.document())
        subprocess.run([program, "-b", str(words), "twin", "wrong"], check=True, capture_output=True)
        words.chmod(0o644)
        broker.stop()
        broker.start()
        wait_until(lambda: door.tally.connected)
        door.close()
        monkeypatch.setenv("TWEELING_MQTT_PASSWORD", "wrong")
        again = town.door(url=url)
        wait_until(lambda: again.tally.connected)
    finally:
        for one in town.opened:
            one.close()
        house.close()
        broker.stop()


def test_two_doors_that_take_each_others_session_are_told_so(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "SHORTEST_PAUSE", 0.05)
    first = town.connected()
    second = town.door()
    wait_until(lambda: "another client has the id" in first.tally.why + second.tally.why)


def test_two_topics_of_one_broker_have_sessions_of_their_own(town: Town) -> None:
    names = {client_id(name, InputSection(kind="mqtt", url="mqtt://h", topic=topic)) for name in "ab" for topic in ("t", "u")}
    assert len(names) == 4
    assert client_id("Vlieland ü", town.section) == client_id("Vlieland ü", town.section)
    assert client_id("Vlieland ü", town.section).isascii()
    assert client_id("a", InputSection(kind="mqtt", url="mqtt://h", topic="t", client="mine")) == "mine"


def test_a_message_of_an_earlier_connection_is_not_acknowledged_on_a_later_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    section = InputSection(kind="mqtt", url=town.broker.url, topic=TOPIC)
    broker, house = mqtt.broker_of(town.house.doors.config, section), town.house.doors
    door = MqttDoor(broker, section, "idle", house.entrance, house.config, lambda: START)
    monkeypatch.setattr(door._paho, "ack", lambda mid, qos: told.append((mid, qos)))
    for link in (1, 2):
        door._waiting.append(mqtt.Batch(link, ((7 + link, 1),), 1, 1, None))
    door._answer(mqtt._Conversation(2))
    assert told == [(9, 1)]
    door.close()


def test_without_an_mqtt_input_paho_is_not_imported(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    assert mqtt_doors(house.doors.config, house.doors.entrance, lambda: START) == ()
    house.close()


def mqtt_folder(folder: Path, broker: Mosquitto) -> Path:
    return make_folder(folder, f'inputs = [{{ kind = "mqtt", url = "{broker.url}", topic = "{TOPIC}" }}]\n')


def stored(config: Path) -> list[tuple[str, str, float]]:
    store = open_store("sqlite:///twin.db", config.parent)
    rows = store.readings.after(0, limit=1_000_000)
    store.close()
    return list(zip(rows.sensor, map(iso_time, rows.time.tolist()), rows.value.tolist(), strict=True))


def test_kill_9_of_the_doors_with_messages_in_flight_loses_none(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    config, port = mqtt_folder(tmp_path, broker), free_port()
    url = f"http://127.0.0.1:{port}"
    doors = start_doors(config, port)
    answers(url, lambda health: health["inputs"][0]["connected"])
    sent = messages(6000)
    sender = threading.Thread(target=lambda: [Publisher(broker.port, name="many").publish(TOPIC, sent)])
    sender.start()
    try:
        for goal in (1000, 3000):
            answers(url, lambda health, goal=goal: health["doors"]["last_sequence"] >= goal)  # type: ignore[misc]
            kill(doors)
            doors = start_doors(config, port)
        sender.join()
        answers(url, lambda health: health["doors"]["last_sequence"] >= 6000)
        assert sorted(stored(config)) == sorted(as_readings(sent))
        health = answers(url, lambda health: health["inputs"][0]["connected"])
        assert health["inputs"][0]["url"] == broker.url
    finally:
        end(doors)
        broker.stop()


def test_metrics_and_health_tell_of_the_broker(tmp_path: Path) -> None:
    import httpx

    broker = Mosquitto(tmp_path / "broker").start()
    config, port = mqtt_folder(tmp_path, broker), free_port()
    url = f"http://127.0.0.1:{port}"
    doors = start_doors(config, port)
    try:
        answers(url, lambda health: health["inputs"][0]["connected"])
        assert 'tweeling_input_connected{input="0"} 1' in httpx.get(f"{url}/metrics").text
        broker.stop()
        health = answers(url, lambda health: not health["inputs"][0]["connected"])
        assert any(broker.url in why for why in health["why"])
        assert 'tweeling_input_connected{input="0"} 0' in httpx.get(f"{url}/metrics").text
    finally:
        end(doors)
        broker.stop()

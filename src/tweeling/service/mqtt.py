"""The door for MQTT: takes readings from a broker, and acknowledges a message only when its readings are on disk.

One thread owns the connection. It reads what has come, decodes it together, puts it into the entrance (one group, one commit)
and goes on reading; when a commit is done it acknowledges those messages, in the order in which they came. Until then the
broker holds them. It delivers them again when the connection comes back, and the store knows what it has already.

- **The store refuses** (disk full, too much waiting): nothing is acknowledged; the connection is left and made again after a
  pause, for a broker delivers again only to one that comes back.
- **A message that cannot be made out** would come again for ever: it is acknowledged, counted, and its beginning is logged.
- **A slow disk** cannot fill the memory: a broker sends only so many messages that are not acknowledged, and beyond
  `MOST_UNDECIDED` nothing is read from the connection.
- A message of an earlier connection is never acknowledged on a later one: its number may mean another message there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import select
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

from tweeling.errors import StoreError
from tweeling.live.broker import KEEPALIVE, Broker, make_listener, split_url, with_password
from tweeling.live.config import InputSection, TwinConfig
from tweeling.live.entrance import Entrance
from tweeling.live.ingest.inbox import Kept
from tweeling.live.ingest.messages import Messages, decode_messages, joined
from tweeling.reading import iso_time

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

MOST_UNDECIDED, MOST_BYTES = 10_000, 64 << 20
"""Messages and bytes that wait for the disk; beyond, nothing is read."""
AT_ONCE, BYTES_AT_ONCE = 1_000, 4 << 20
"""Messages and bytes that are read and decoded together; one that is larger comes alone."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the next attempt; doubled while connections fail or last no longer than `SHORT_SECONDS`."""
SHORT_SECONDS = 2.0
SUSPICIOUS = 3
"""So many short connections one after the other look like a second client with our id; Mosquitto 2.0.11 does not say so."""
TICK_SECONDS = 0.5
CLOSE_SECONDS = 10.0
TOLD, SHOWN = 100, 200
"""Kinds of unreadable messages that are logged, and characters of each that are shown."""

log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class Batch:
    """Messages that were read together and are not decided.

    Args:
        link: the number of the connection that they came over.
        numbers: of those to acknowledge; (mid, qos).
        count, size: messages and bytes.
        kept: done when their readings are on disk; None when none of them has any.
    """

    link: int
    numbers: tuple[tuple[int, int], ...]
    count: int
    size: int
    kept: Future[Kept] | None


@dataclass(eq=False)
class Tally:
    """How a door fares; written by its thread, read by others.

    Args:
        connected: whether readings can come.
        since: when that began, microseconds by the wall clock.
        why: when not connected, the reason.
        last_message: when the last one came; None before the first.
        received: messages.
        readings: kept, without duplicates.
        unread: messages that could not be made out; acknowledged.
        unkept: readings without sensor or time, in messages that could be made out.
        refused: messages that the store did not take; they come again.
    """

    connected: bool = False
    since: int = 0
    why: str = "not connected yet"
    last_message: int | None = None
    received: int = 0
    readings: int = 0
    unread: int = 0
    unkept: int = 0
    refused: int = 0


@dataclass(eq=False)
class _Conversation:
    """What the callbacks of one connection leave behind for the thread.

    Args:
        number: of the connection.
        messages: that have come and are not decoded.
        size: their bytes.
        trouble: why the connection is to be left or is gone; "" while it is well.
        ready: whether the subscription stands.
    """

    number: int
    messages: list[MQTTMessage] = field(default_factory=list)
    size: int = 0
    trouble: str = ""
    ready: bool = False

    def take(self, message: MQTTMessage) -> None:
        """Keeps a message until it is decoded."""
        self.messages.append(message)
        self.size += len(message.payload)


def mqtt_doors(config: TwinConfig, entrance: Entrance, clock: Callable[[], int]) -> tuple[MqttDoor, ...]:
    """The doors for MQTT that `TWIN.toml` names, not yet open.

    Raises:
        InputError: a password or certificates that cannot be read.
    """
    inputs = [one for one in config.inputs if one.kind == "mqtt"]
    return tuple(MqttDoor(broker_of(config, one), one, client_id(config.name, one), entrance, config, clock) for one in inputs)


def broker_of(config: TwinConfig, section: InputSection) -> Broker:
    """The broker of an input, with password and certificates.

    Raises:
        InputError: a password that cannot be read.
    """
    from dataclasses import replace

    broker, _ = split_url(section.url)
    ca_file = config.path(section.ca_file) if section.ca_file else None
    return with_password(
        replace(broker, ca_file=ca_file), config.path(section.password_file) if section.password_file else None
    )


def client_id(name: str, section: InputSection) -> str:
    """Under which the broker keeps the session of an input: the same after every start."""
    if section.client:
        return section.client
    topic = hashlib.sha256(section.topic.encode()).hexdigest()[:6]
    return f"tweeling-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}-{topic}"


class MqttDoor:
    """Takes readings from a topic of a broker, as long as it is open.

    Args:
        broker: to connect to.
        section: of `TWIN.toml`.
        client: id of the session.
        entrance: where readings go.
        config: of the twin.
        clock: the wall clock, microseconds since 1970 UTC.

    Raises:
        InputError: certificates that cannot be read.
    """

    def __init__(
        self,
        broker: Broker,
        section: InputSection,
        client: str,
        entrance: Entrance,
        config: TwinConfig,
        clock: Callable[[], int],
    ) -> None:
        self.broker, self.topic, self.client = broker, section.topic, client
        self._entrance, self._zone, self._clock = entrance, config.sensors.zone, clock
        self.tally = Tally(since=clock())
        self._waiting: deque[Batch] = deque()
        self._count = self._size = 0
        self._told: set[tuple[str, str]] = set()
        self._pause = SHORTEST_PAUSE
        self._links = self._short = 0
        self._stop = threading.Event()
        self._bell_in, self._bell_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._paho = make_listener(broker, client)
        # With this paho leaves writing to us: many acknowledgements, then one turn of writing.
        self._paho.on_socket_register_write = lambda _client, _data, _socket: None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def open(self) -> None:
        """Begins to listen; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Takes nothing more; returns when what came was decided and acknowledged, or after a while."""
        self._stop.set()
        self._ring()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS + TICK_SECONDS)

    def document(self) -> dict[str, Any]:
        """How it fares, for JSON."""
        tally = self.tally
        return {
            "kind": "mqtt",
            "url": self.broker.url,
            "topic": self.topic,
            "client": self.client,
            "connected": tally.connected,
            "since": iso_time(tally.since),
            "why": tally.why,
            "last_message": None if tally.last_message is None else iso_time(tally.last_message),
            "received": tally.received,
            "readings": tally.readings,
            "undecodable": tally.unread,
            "not_kept": tally.unkept,
            "refused": tally.refused,
            "waiting": self._count,
        }

    def _run(self) -> None:
        while not self._stop.is_set():
            conversation = self._connect()
            if conversation is not None:
                began = monotonic()
                try:
                    self._converse(conversation)
                except Exception as error:  # a bug must not end the door while the rest of the process lives
                    log.error("a fault of the program", exc_info=error)
                    conversation.trouble = f"a fault of the program: {error!r}"
                    self._leave()
                lasted = monotonic() - began >= SHORT_SECONDS
                self._short = 0 if lasted or not conversation.ready else self._short + 1
                self._pause = SHORTEST_PAUSE if lasted else self._pause
                self._lost(conversation.trouble or "the connection is lost")
            self._rest()
        os.close(self._bell_in)

    def _rest(self) -> None:
        """Waits for the next attempt; what is decided meanwhile is counted."""
        until = monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        while not self._stop.is_set() and (left := until - monotonic()) > 0:
            self._stop.wait(min(left, TICK_SECONDS))
            self._answer(_Conversation(-1))

    def _connect(self) -> _Conversation | None:

        self._links += 1
        talk = _Conversation(self._links)

        def connected(client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                talk.trouble = f"the broker refuses: {reason}; see user and password of the input"
            else:
                client.subscribe(self.topic, 1)

        def subscribed(_client: Client, _data: Any, _mid: int, reasons: Sequence[Any], _properties: Any) -> None:
            if any(reason.is_failure for reason in reasons):
                talk.trouble = f"the broker refuses the topic {self.topic!r}: {reasons[0]}"
            else:
                talk.ready = True

        def disconnected(*_: Any) -> None:
            more = ""
            if not self._hungry():
                more = f" while {self._count} messages wait for the disk"
            elif self._short >= SUSPICIOUS:
                more = f", time and again: if another client has the id {self.client!r}, set inputs.client"
            talk.trouble = talk.trouble or f"the connection is lost{more}"

        self._paho.on_connect, self._paho.on_subscribe, self._paho.on_disconnect = connected, subscribed, disconnected
        self._paho.on_message = lambda _client, _data, message: talk.take(message)
        try:
            self._paho.connect(self.broker.host, self.broker.port, KEEPALIVE)
        except (OSError, ValueError) as error:
            self._lost(f"no broker can be reached: {error}")
            return None
        return talk

    def _converse(self, talk: _Conversation) -> None:
        """Takes messages and acknowledges them until the connection is gone, must be left, or the door closes."""
        more, closing = False, 0.0
        while not talk.trouble and self._paho.socket() is not None:
            self._await(more, reading=not closing)
            more = not closing and self._read(talk)
            self._put(talk)
            self._answer(talk)
            if self._paho.want_write():
                self._paho.loop_write()
            self._paho.loop_misc()
            if talk.ready and not self.tally.connected:
                self._back()
            if self._stop.is_set():
                closing = closing or monotonic() + CLOSE_SECONDS
                if not self._waiting or monotonic() > closing:
                    talk.trouble = "the door is closed"
        self._leave()

    def _await(self, more: bool, *, reading: bool) -> None:
        """Waits until there is something to read, to write or to acknowledge."""
        poll = select.poll()  # not select: a service may have more than 1,024 files open
        poll.register(self._bell_in, select.POLLIN)
        connection = self._paho.socket()
        wanted = (select.POLLIN if reading and self._hungry() else 0) | (select.POLLOUT if self._paho.want_write() else 0)
        if connection is not None and wanted:
            poll.register(connection, wanted)
        poll.poll(0 if more else 1000 * TICK_SECONDS)
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell_in, 4096)

    def _hungry(self) -> bool:
        return self._count < MOST_UNDECIDED and self._size < MOST_BYTES

    def _read(self, talk: _Conversation) -> bool:
        """Reads what has come; whether there may be more."""
        if not self._hungry():
            return False
        while len(talk.messages) < AT_ONCE and talk.size < BYTES_AT_ONCE:
            before = len(talk.messages)
            self._paho.loop_read()
            if len(talk.messages) == before:
                return False
        return True

    def _put(self, talk: _Conversation) -> None:
        """Hands on what was read."""
        if not talk.messages:
            return
        messages, size = talk.messages, talk.size
        talk.messages, talk.size = [], 0
        self.tally.received += len(messages)
        self.tally.last_message = self._clock()
        decoded = self._decoded([bytes(message.payload) for message in messages])
        for place, why in decoded.unread:
            self._tell("a message cannot be made out", messages[place], why)
        for place, why in decoded.partly:
            self._tell("a reading cannot be kept", messages[place], why)
        self.tally.unread += len(decoded.unread)
        self.tally.unkept += len(decoded.partly)
        try:
            kept = self._entrance.put(decoded.readings) if len(decoded.readings) else None
        except StoreError as error:
            self._refuse(talk, len(messages), error)
            return
        numbers = tuple((message.mid, message.qos) for message in messages if message.qos)
        self._waiting.append(Batch(talk.number, numbers, len(messages), size, kept))
        self._count, self._size = self._count + len(messages), self._size + size
        if kept is not None:
            kept.add_done_callback(lambda _kept: self._ring())

    def _decoded(self, payloads: list[bytes]) -> Messages:
        """Messages as readings; one that our own decoder stumbles over is unread, like any that cannot be made out."""
        try:
            return decode_messages(payloads, self._zone)
        except MemoryError:  # says nothing about the message: it must come again
            raise
        except Exception as error:
            log.error("a fault of the program", exc_info=error)
            if len(payloads) == 1:
                return Messages.unreadable(f"a fault of the program: {error!r}")
        return joined([self._decoded([payload]) for payload in payloads])

    def _answer(self, talk: _Conversation) -> None:
        """Acknowledges what is decided, in the order in which it came."""
        while self._waiting and (self._waiting[0].kept is None or self._waiting[0].kept.done()):
            batch = self._waiting.popleft()
            self._count, self._size = self._count - batch.count, self._size - batch.size
            error = batch.kept.exception() if batch.kept is not None else None
            if error is not None:
                self._refuse(talk, batch.count, error)
                continue
            if batch.kept is not None:
                self.tally.readings += batch.kept.result().count
            if batch.link == talk.number and not talk.trouble:
                for number, qos in batch.numbers:
                    self._paho.ack(number, qos)

    def _refuse(self, talk: _Conversation, count: int, error: BaseException) -> None:
        """Nothing is acknowledged: the broker delivers it again when we come back."""
        self.tally.refused += count
        if not isinstance(error, StoreError):
            log.error("readings were not kept", exc_info=error)
        talk.trouble = talk.trouble or f"the store refuses: {error}"

    def _leave(self) -> None:
        """Says goodbye, if there is still somebody; the session stays."""
        if self._paho.socket() is not None:
            self._paho.disconnect()
            self._paho.loop_write()

    def _back(self) -> None:
        self.tally.connected, self.tally.since, self.tally.why = True, self._clock(), ""
        log.info("input connected", url=self.broker.url, topic=self.topic)

    def _lost(self, why: str) -> None:
        """Notes and logs, once for each reason."""
        tally = self.tally
        if tally.connected:
            tally.since = self._clock()
        if why != tally.why and not self._stop.is_set():
            log.warning("input lost", url=self.broker.url, topic=self.topic, why=why)
        tally.connected, tally.why = False, why

    def _tell(self, what: str, message: MQTTMessage, why: str) -> None:
        """Logs the first of its kind; there may be millions."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "a topic that is no text"
        kind = (topic, re.sub(r"\d+", "0", why))
        if kind in self._told or len(self._told) >= TOLD:
            return
        self._told.add(kind)
        log.warning(what, topic=topic[:SHOWN], why=why[:SHOWN], payload=repr(bytes(message.payload[:SHOWN])))

    def _ring(self) -> None:
        """Wakes the thread."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._bell_out, b"!")

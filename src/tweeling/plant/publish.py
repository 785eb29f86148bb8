"""Publishes readings to a broker of MQTT, batch by batch, QoS 1.

An acknowledgement here is the broker's word, not the twin's: it has the batch and holds it for the twin's session. What it can
still lose stands in `docs/reference/mqtt.md`. One that has nobody to give it to says so, and then the batch is sent again:
before a twin has once connected, a broker throws away what comes.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any

from tweeling.errors import InputError
from tweeling.live.broker import CONNECT_SECONDS, KEEPALIVE, check_topic, make_publisher, split_url, with_password

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from paho.mqtt.reasoncodes import ReasonCode

SECONDS = 30.0
"""How long an acknowledgement may take."""
NOBODY = 0x10
"""Reason of an acknowledgement: no session wants the message."""
FINAL = {0x84: "it speaks no MQTT 5", 0x85: "client id", 0x86: "user or password", 0x87: "not authorized", 0x8A: "banned"}
FINAL |= {0x8C: "bad authentication", 0x90: "topic", 0x95: "too large", 0x99: "payload"}
"""Reasons that no second attempt changes."""


class BrokerDoor:
    """The topic of a broker, as a door that takes readings; the contract is that of `send.Door`.

    Args:
        url: `mqtt://[user[:password]@]host[:port]/topic`, or `mqtts://` for TLS. A password may also stand in the environment
            variable TWEELING_MQTT_PASSWORD.

    Raises:
        InputError: an address that is none.
    """

    def __init__(self, url: str) -> None:
        try:
            broker, topic = split_url(url)
            self._topic = check_topic(topic, wildcards=False)
        except ValueError as error:
            raise InputError(f"{error}; readings go to mqtt://HOST:PORT/TOPIC") from error
        self._broker = with_password(broker, None)
        self._name = f"tweeling-plant-{secrets.token_hex(4)}"
        self._client: Client | None = None
        self.url = f"{self._broker.url}/{self._topic}"

    def post(self, body: bytes, kind: str) -> tuple[int, bytes]:
        """One attempt: 200 once the broker has acknowledged it.

        Raises:
            OSError: no connection, no acknowledgement in time, or nobody to give it to.
            InputError: the broker refuses for good.
        """
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        told = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        told.ContentType = kind
        client = self._connected()
        answer: list[ReasonCode] = []
        done = threading.Event()

        def published(_client: Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Any) -> None:
            answer.append(reason)
            done.set()

        client.on_publish = published
        client.on_disconnect = lambda *_: done.set()
        if not client.is_connected():  # it may have gone before it could have told us
            done.set()
        client.publish(self._topic, body, qos=1, properties=told)
        in_time = done.wait(SECONDS)
        if not answer:
            self.close()
            raise OSError("the connection is lost" if in_time else f"no acknowledgement in {SECONDS:g} s")
        self._judge(answer[0])
        return 200, b""

    def close(self) -> None:
        """Lets go of the connection, and of what was not acknowledged."""
        if self._client is not None:
            client, self._client = self._client, None
            client.on_disconnect = None
            client.disconnect()
            client.loop_stop()

    def _connected(self) -> Client:
        if self._client is not None:
            return self._client
        client = make_publisher(self._broker, self._name)
        answer: list[ReasonCode] = []
        done = threading.Event()

        def connected(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            answer.append(reason)
            done.set()

        client.on_connect = connected
        client.connect(self._broker.host, self._broker.port, KEEPALIVE, clean_start=True)
        client.loop_start()
        self._client = client
        try:
            if not done.wait(CONNECT_SECONDS):
                raise OSError(f"the broker says nothing for {CONNECT_SECONDS:g} s")
            self._judge(answer[0])
        except (OSError, InputError):
            self.close()
            raise
        return client

    def _judge(self, reason: ReasonCode) -> None:
        """Raises unless the broker has taken it."""
        if reason.value in FINAL:
            raise InputError(f"{self.url} refuses: {reason} ({FINAL[reason.value]})")
        if reason.value == NOBODY:
            raise OSError(f"nobody has subscribed to {self._topic}; start the twin")
        if reason.is_failure:
            raise OSError(f"the broker answers: {reason}")

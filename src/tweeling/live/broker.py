"""Where an MQTT broker is, and a client for it; `paho` is imported only when one is made.

The door (`service/mqtt.py`) listens with such a client, the stand-in for reality (`plant/publish.py`) publishes with one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tweeling.errors import InputError

if TYPE_CHECKING:
    from paho.mqtt.client import Client

PORTS = {"mqtt": 1883, "mqtts": 8883}
PASSWORD_VARIABLE = "TWEELING_MQTT_PASSWORD"
"""Environment variable that holds the password where neither the URL nor a file does."""
EXAMPLE = "mqtt://127.0.0.1:1883"
LONGEST_TOPIC = 65_535
"""Bytes."""
KEEPALIVE = 30
"""Seconds without a word after which client and broker ask each other."""
CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Broker:
    """A broker and who we are to it.

    Args:
        host, port: of the broker.
        tls: whether to speak TLS, with the broker's certificate checked.
        user, password: "" for none.
        ca_file: certificates to trust instead of the system's.
    """

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def url(self) -> str:
        """For people: without the password."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{user}{host}:{self.port}"


def split_url(url: str) -> tuple[Broker, str]:
    """A URL `mqtt[s]://[user[:password]@]host[:port][/path]` as a broker and its path, without the first stroke.

    Raises:
        ValueError: no such URL; it says how to write one, and repeats no password.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"no address of a broker: write it as {EXAMPLE}, or mqtts:// for TLS")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"a port that cannot be: {error}; write the address as {EXAMPLE}") from error
    if parts.query or parts.fragment:
        raise ValueError("an address of a broker has no ? and no #; write them as %3F and %23")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    broker = Broker(parts.hostname, port or PORTS[parts.scheme], parts.scheme == "mqtts", user, password)
    return broker, unquote(parts.path.removeprefix("/"))


def with_password(broker: Broker, file: Path | None) -> Broker:
    """A broker with the password that a file or the environment holds, unless it has one.

    Raises:
        InputError: the file cannot be read.
    """
    from dataclasses import replace

    if file is not None:
        try:
            return replace(broker, password=file.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the password of {broker.url} cannot be read: {error}") from error
    return broker if broker.password else replace(broker, password=os.environ.get(PASSWORD_VARIABLE, ""))


def check_topic(topic: str, *, wildcards: bool) -> str:
    """A topic as it is.

    Args:
        topic: to publish to, or a filter to subscribe to.
        wildcards: whether `+` (one level) and `#` (the rest) may stand in it.

    Raises:
        ValueError: what is wrong with it.
    """
    levels = topic.split("/")
    if not topic or "\x00" in topic or len(topic.encode("utf-8", "surrogatepass")) > LONGEST_TOPIC:
        raise ValueError("a topic is needed, such as tweeling/l-town/readings")
    if not wildcards and ("+" in topic or "#" in topic):
        raise ValueError(f"topic {topic!r} has a wildcard; readings are published to one topic")
    for place, text in enumerate(levels):
        if ("+" in text and text != "+") or ("#" in text and (text != "#" or place != len(levels) - 1)):
            raise ValueError(f"topic {topic!r}: + stands alone in its level, and # alone in the last")
    return topic


def make_listener(broker: Broker, client_id: str) -> Client:
    """A client of paho that listens, not yet connected: the broker keeps its session, and it acknowledges only by `ack`.

    MQTT 3.1.1: what version 5 adds to every message costs paho three times as much, and a listener needs none of it.

    Args:
        broker: that it will connect to.
        client_id: under which the broker keeps the session.

    Raises:
        InputError: the certificates cannot be read.
    """
    from paho.mqtt.client import Client, MQTTv311
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False, protocol=MQTTv311, manual_ack=True)
    return _prepared(client, broker)


def make_publisher(broker: Broker, client_id: str) -> Client:
    """A client of paho that publishes, not yet connected. MQTT 5: there a broker says when it has nobody to give a message to.

    Args:
        broker: that it will connect to.
        client_id: that no other has.

    Raises:
        InputError: the certificates cannot be read.
    """
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    return _prepared(Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5), broker)


def _prepared(client: Client, broker: Broker) -> Client:
    client.connect_timeout = CONNECT_SECONDS
    if broker.user:
        client.username_pw_set(broker.user, broker.password or None)
    if broker.tls:
        try:
            client.tls_set(ca_certs=str(broker.ca_file) if broker.ca_file else None)
        except (OSError, ValueError) as error:
            raise InputError(f"the certificates for {broker.url} cannot be used: {error}") from error
    return client

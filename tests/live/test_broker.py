"""Addresses of brokers, and what an input in `TWIN.toml` may say."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tweeling.errors import InputError
from tweeling.live.broker import PASSWORD_VARIABLE, Broker, check_topic, make_listener, split_url, with_password
from tweeling.live.config import InputSection, read_config

LEAST = 'network = { file = "n.inp" }\nsensors = { file = "s.csv" }\n'


@pytest.mark.parametrize(
    ("url", "broker", "path"),
    [
        ("mqtt://h", Broker("h", 1883), ""),
        ("mqtts://h", Broker("h", 8883, tls=True), ""),
        ("mqtt://127.0.0.1:99/a/b", Broker("127.0.0.1", 99), "a/b"),
        ("mqtt://[::1]:99/", Broker("::1", 99), ""),
        ("mqtt://me:p%40ss@h", Broker("h", 1883, user="me", password="p@ss"), ""),
    ],
)
def test_an_address_says_host_port_user_and_password(url: str, broker: Broker, path: str) -> None:
    assert split_url(url) == (broker, path)


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)


@given(words, words, st.integers(1, 65535))
def test_an_address_for_people_never_shows_the_password(user: str, password: str, port: int) -> None:
    url = f"mqtt://{quote(user, safe='')}:{quote(password, safe='')}@host:{port}"
    broker, _ = split_url(url)
    assert (broker.user, broker.password, broker.port) == (user, password, port)
    assert broker.url == f"mqtt://{user}@host:{port}"
    assert Broker("h", 1, password="hidden").password not in repr(Broker("h", 1, password="hidden"))


@pytest.mark.parametrize("topic", ["a", "a/b", "+", "#", "a/+/b", "a/+/#", "/", "$share/g/a"])
def test_a_filter_may_have_wildcards_in_their_place(topic: str) -> None:
    assert check_topic(topic, wildcards=True) == topic


@pytest.mark.parametrize("topic", ["", "a+", "a/b#", "#/a", "a/+b/c", "a\x00", "a" * 70_000])
def test_a_filter_that_no_broker_takes_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        check_topic(topic, wildcards=True)


@pytest.mark.parametrize("topic", ["+", "a/#"])
def test_nobody_publishes_to_a_wildcard(topic: str) -> None:
    with pytest.raises(ValueError, match="wildcard"):
        check_topic(topic, wildcards=False)


WRONG = {
    'kind = "mqtt"': ["inputs.0", "no address of a broker"],
    'kind = "mqtt", url = "http://h", topic = "t"': ["inputs.0", "mqtt://127.0.0.1:1883"],
    'kind = "mqtt", url = "mqtt://h"': ["inputs.0", "a topic is needed"],
    'kind = "mqtt", url = "mqtt://h/t", topic = "t"': ["inputs.0", "topic = 't'"],
    'kind = "mqtt", url = "mqtt://h:x", topic = "t"': ["inputs.0", "a port that cannot be"],
    'kind = "mqtt", url = "mqtt://h", topic = "a#"': ["inputs.0", "# alone in the last"],
    'kind = "mqtt", url = "mqtt://h", topic = "t", password_file = "f"': ["inputs.0", "a password without a user"],
    'kind = "http", topic = "t"': ["inputs.0", "[service] says where it listens"],
    'kind = "mqtt", url = "mqtt://h", topic = "t", password = "p"': ["inputs.0.password"],
}


@pytest.mark.parametrize("keys", WRONG)
def test_an_input_that_cannot_be_is_refused_with_what_to_write(tmp_path: Path, keys: str) -> None:
    (tmp_path / "TWIN.toml").write_text(LEAST + f"inputs = [ {{ {keys} }} ]\n")
    with pytest.raises(InputError) as refused:
        read_config(tmp_path / "TWIN.toml")
    assert all(word in str(refused.value) for word in WRONG[keys])


def test_a_wrong_address_is_told_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "TWIN.toml").write_text(LEAST + 'inputs = [ { kind = "mqtt", url = "mqtt://me:hidden@h:x", topic = "t" } ]\n')
    with pytest.raises(InputError) as refused:
        read_config(tmp_path / "TWIN.toml")
    assert "hidden" not in str(refused.value)


def test_the_password_comes_from_the_file_then_the_address_then_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("from file\n")
    monkeypatch.setenv(PASSWORD_VARIABLE, "from environment")
    broker = Broker("h", 1, user="me", password="from address")
    assert with_password(broker, tmp_path / "password").password == "from file"
    assert with_password(broker, None).password == "from address"
    assert with_password(Broker("h", 1, user="me"), None).password == "from environment"
    with pytest.raises(InputError, match=r"password of mqtt://me@h:1 cannot be read"):
        with_password(broker, tmp_path / "none")


def test_certificates_that_cannot_be_read_are_named_with_their_broker(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"certificates for mqtts://h:1"):
        make_listener(Broker("h", 1, tls=True, ca_file=tmp_path / "none.pem"), "id")


def test_the_page_names_every_key_of_an_input() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "mqtt.md").read_text(encoding="utf-8")
    assert {key for key in InputSection.model_fields if f"| `{key}` |" not in page} == set()

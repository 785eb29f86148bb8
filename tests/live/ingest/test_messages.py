"""Messages decoded together are what each would be alone, and one that is wrong harms no other."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tweeling.errors import DecodeError
from tweeling.live.ingest.formats import decode_body
from tweeling.live.ingest.messages import decode_messages
from tweeling.reading import Readings

times = st.sampled_from(["2018-01-01T00:05:00Z", "2018-01-01 00:10", "yesterday", ""])
readings = st.fixed_dictionaries(
    {"sensor": st.sampled_from(["p0", "p1", "", "x" * 300]), "time": times},
    optional={
        "value": st.one_of(st.none(), st.floats(-1e6, 1e6), st.text(max_size=3), st.booleans(), st.integers(0, 10)),
        "unit": st.one_of(st.none(), st.sampled_from(["m", "bar"])),
        "more": st.integers(),
    },
)
payloads = st.one_of(
    readings.map(json.dumps),
    st.lists(readings, max_size=4).map(json.dumps),
    st.sampled_from(
        ["", "7", "{", "null", "[1]", '{"sensor": "p0"', '"time": "2018-01-01T00:05:00Z"}', "PAR2", "{}{}", "[[]]"]
    ),
).map(str.encode)


def rows(found: Readings) -> list[tuple[object, ...]]:
    value = [None if math.isnan(one) else one for one in found.value.tolist()]
    return list(zip(found.sensor, found.time.tolist(), value, found.unit, found.quality, strict=True))


@given(st.lists(st.one_of(payloads, st.binary(max_size=3)), max_size=12))
def test_messages_decoded_together_are_what_each_is_alone(bodies: list[bytes]) -> None:
    together = decode_messages(bodies)
    expected: list[tuple[object, ...]] = []
    unread, partly = [], []
    for place, body in enumerate(bodies):
        try:
            alone = decode_body(body)
        except DecodeError as error:
            unread.append((place, str(error)))
            continue
        expected += rows(alone.readings)
        partly += [(place, verdict.why) for verdict in alone.refused]
    assert rows(together.readings) == expected
    assert list(together.unread) == unread
    assert sorted(together.partly) == sorted(partly)


def test_no_messages_are_no_readings() -> None:
    found = decode_messages([])
    assert len(found.readings) == 0
    assert found.readings.time.dtype == np.int64


def test_halves_of_readings_in_two_messages_make_none() -> None:
    found = decode_messages([b'{"sensor": "p0"', b'"time": "2018-01-01T00:05:00Z", "value": 1}'])
    assert len(found.readings) == 0
    assert [place for place, _ in found.unread] == [0, 1]

"""Which decoder takes a body: by its content type. Another format is one file and a row here."""

from __future__ import annotations

from collections.abc import Callable

from tweeling.errors import DecodeError
from tweeling.live.ingest import arrow, json, parquet
from tweeling.live.ingest.decoded import Decoded

Decoder = Callable[[bytes, str], Decoded]

DECODERS: dict[str, Decoder] = {
    "application/json": json.decode,
    "application/vnd.apache.arrow.stream": arrow.decode,
    "application/vnd.apache.parquet": parquet.decode,
}


def decode_body(body: bytes, content_type: str = "", zone: str = "UTC") -> Decoded:
    """Makes readings of a body.

    Args:
        body: as it came.
        content_type: as the sender calls it, parameters included; "" is taken for JSON.
        zone: of times without an offset.

    Raises:
        DecodeError: a type that is not known, or a body that cannot be made out.
    """
    name = content_type.partition(";")[0].strip().lower() or "application/json"
    if name not in DECODERS:
        raise DecodeError(f"content type {name[:100]!r} is none of {', '.join(DECODERS)}")
    return DECODERS[name](body, zone)

"""A fingerprint of a network: equal networks have equal ones, whatever they were made from."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tweeling.network.network import Network


def network_hash(network: Network) -> str:
    """SHA-256 over everything that a network holds, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for piece in _pieces(network):
        digest.update(len(piece).to_bytes(8, "little") + piece)
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    if dataclasses.is_dataclass(value):
        for entry in dataclasses.fields(value):
            yield entry.name.encode()
            yield from _pieces(getattr(value, entry.name))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield repr(key).encode()
            yield from _pieces(value[key])
    elif isinstance(value, tuple | list):
        yield str(len(value)).encode()
        for item in value:
            yield from _pieces(item)
    else:
        yield repr(value).encode()

"""A state as bytes and back: frozen dataclasses, arrays bit for bit, numbers, texts, tuples and mappings.

No pickle: bytes from a stranger's disk can make nothing but these.

Layout: a line of JSON (what it is of), a line of JSON (the tree, in which arrays are numbers), then the arrays' bytes one
after the other. The first line says format and identity, so that a snapshot that this program, network or configuration
cannot go on from is known without reading the rest; it has a checksum of all that follows. An array is compressed where a
piece of it gets smaller: statuses and flags do, beliefs drawn at random do not (a hundred members of L-Town: 4 % less in 0.2
s, as long as a cycle).

The tree says what each thing is, so that what comes back is what went in: lists stay lists, tuples tuples, and what stands
under `Any` comes back too. Dataclasses are named; only those that the type hints of the wanted type lead to are ever made.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tweeling.errors import SnapshotMismatch
from tweeling.live.config import TwinConfig
from tweeling.network.fingerprint import network_hash
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensors

State = TypeVar("State")

FORMAT = 2
"""Of what the program's states mean; one more whenever a state's fields change their meaning but not their names."""
MARK = "tweeling snapshot"
LEVEL = 1
"""zlib's fastest."""
SAMPLE, WORTH = 4096, 0.7
"""Bytes that are tried, and how small they must get."""
LONGEST_HEAD = 10_000
"""Bytes."""


def identity_of(network: Network, sensors: Sensors, config: TwinConfig, causes: Sequence[str] = ()) -> str:
    """A hash of all that a state hangs on: network, sensors, causes, and what of the configuration moves it; 64 hex digits.

    Causes are those that the twin suspects, in the order in which a state has them. Where readings come from and go, how long
    they are kept and where the service listens may change; the state goes on.
    """
    zones = config.network.zones
    parts = (
        network_hash(network),
        repr(sensors.rows),
        config.network.pattern_zero.isoformat(),
        zones if zones == "derived" else hashlib.sha256(config.path(zones).read_bytes()).hexdigest(),
        config.sensors.model_dump_json(exclude={"file"}),
        repr(config.time.cycle),
        config.ensemble.model_dump_json(),
        config.beliefs.model_dump_json(),
        *causes,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def pack(state: Any, *, identity: str, format: int = FORMAT) -> bytes:
    """Makes bytes of a state.

    Args:
        state: a dataclass of dataclasses, arrays, numbers, texts, None, tuples, lists and mappings.
        identity: of what it belongs to, `identity_of`.
        format: see `FORMAT`.

    Raises:
        TypeError: something that could not be read back.
    """
    packer = _Packer(_dataclasses_of(type(state)))
    tree = packer.node(state)
    line = json.dumps({"tree": tree, "arrays": packer.tables}, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    rest = b"".join([line, *packer.data])
    head = {"what": MARK, "format": format, "identity": identity, "type": _name(type(state)), "checksum": zlib.crc32(rest)}
    return json.dumps(head).encode() + b"\n" + rest


def unpack(data: bytes, type_: type[State], *, identity: str, format: int = FORMAT) -> State:
    """Makes a state of bytes.

    Args:
        data: from `pack`.
        type_: what it must be.
        identity, format: what it must be of.

    Raises:
        SnapshotMismatch: another format, identity or type, fields that this program's state has not, or damage.
    """
    line, _, rest = data.partition(b"\n") if b"\n" in data[:LONGEST_HEAD] else (b"", b"", b"")
    head = _json(line)
    if not isinstance(head, dict) or head.get("what") != MARK:
        raise SnapshotMismatch("these bytes are no snapshot")
    wanted = {"format": format, "identity": identity, "type": _name(type_)}
    for name, value in wanted.items():
        if head.get(name) != value:
            raise SnapshotMismatch(f"the snapshot has {name} {head.get(name)!r}, wanted is {value!r}")
    if head.get("checksum") != zlib.crc32(rest):
        raise SnapshotMismatch("the snapshot is damaged")
    line, _, blob = rest.partition(b"\n")
    document = json.loads(line.decode("utf-8", "surrogatepass"))
    state = _Unpacker(document["arrays"], blob, _dataclasses_of(type_)).value(document["tree"])
    assert isinstance(state, type_)
    return state


class _Packer:
    """Turns values into a tree; arrays go beside it."""

    def __init__(self, known: Mapping[str, type]) -> None:
        self._known = known
        self.tables: list[list[Any]] = []
        self.data: list[bytes] = []

    def node(self, value: Any) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.ndarray):
            return {"array": self._array(value)}
        if isinstance(value, np.generic):
            return {"scalar": self._array(np.asarray(value))}
        if isinstance(value, tuple) and type(value) is tuple:
            return {"tuple": [self.node(item) for item in value]}
        if isinstance(value, list):
            return {"list": [self.node(item) for item in value]}
        if isinstance(value, Mapping):
            return {"map": [[self.node(key), self.node(item)] for key, item in value.items()]}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        raise TypeError(f"a {type(value).__qualname__} cannot be in a snapshot")

    def _dataclass(self, value: Any) -> Any:
        name = _name(type(value))
        if name not in self._known:
            raise TypeError(f"no type hint of the state leads to {name}: it could not be read back")
        fields = {field.name: self.node(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"class": name, "fields": fields}

    def _array(self, array: npt.NDArray[Any]) -> int:
        """Keeps an array; one that is in columns stays so, for the order of sums hangs on it."""
        if array.dtype.hasobject or array.dtype.names:
            raise TypeError(f"an array of {array.dtype} cannot be in a snapshot")
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        data = array.tobytes(order="A" if order == "F" else "C")
        sample = data[:SAMPLE]
        small = len(zlib.compress(sample, LEVEL)) <= WORTH * len(sample)
        self.data.append(zlib.compress(data, LEVEL) if small else data)
        self.tables.append([array.dtype.str, list(array.shape), order, len(self.data[-1]), small])
        return len(self.tables) - 1


class _Unpacker:
    """Turns a tree back into values."""

    def __init__(self, tables: list[list[Any]], blob: bytes, known: Mapping[str, type]) -> None:
        self._known = known
        self._arrays: list[npt.NDArray[Any]] = []
        start = 0
        for kind, shape, order, length, small in tables:
            data = blob[start : start + length]
            flat: npt.NDArray[Any] = np.zeros(int(np.prod(shape, dtype=np.int64)), np.dtype(kind))
            flat.view(np.uint8)[:] = np.frombuffer(zlib.decompress(data) if small else data, np.uint8)
            self._arrays.append(flat.reshape(shape, order=order))
            start += length

    def value(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if "array" in node:
            return self._arrays[node["array"]]
        if "scalar" in node:
            return self._arrays[node["scalar"]][()]
        if "tuple" in node:
            return tuple(self.value(item) for item in node["tuple"])
        if "list" in node:
            return [self.value(item) for item in node["list"]]
        if "map" in node:
            return {self.value(key): self.value(item) for key, item in node["map"]}
        return self._dataclass(node["class"], node["fields"])

    def _dataclass(self, name: str, fields: Mapping[str, Any]) -> Any:
        if name not in self._known:
            raise SnapshotMismatch(f"the snapshot holds a {name}, which the state of this program has not")
        kind = self._known[name]
        wanted = {field.name for field in dataclasses.fields(kind)}
        if set(fields) != wanted:
            odd = ", ".join(sorted(wanted ^ set(fields)))
            raise SnapshotMismatch(f"{name} of the snapshot differs from this program's in {odd}")
        made: Any = object.__new__(kind)  # as it was: what its __post_init__ derives is among its fields
        for field, node in fields.items():
            object.__setattr__(made, field, self.value(node))
        return made


def _dataclasses_of(root: Any) -> dict[str, type]:
    """The dataclasses that a type's hints lead to, by name."""
    found: dict[str, type] = {}
    todo = [root]
    while todo:
        hint = todo.pop()
        if not (isinstance(hint, type) and dataclasses.is_dataclass(hint)):
            todo.extend(typing.get_args(hint))  # what is in brackets; it ends at classes
        elif _name(hint) not in found:
            found[_name(hint)] = hint
            todo.extend(typing.get_type_hints(hint).values())
    return found


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None

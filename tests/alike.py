"""How two networks differ, for tests that say they must not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

RELATIVE = 1e-12
NOTHING = 1e-290
"""Around the smallest numbers that a float can be, conversions lose digits, and nothing in a network is that small."""


def differences(one: Any, other: Any, where: str = "network") -> Iterator[str]:
    """Where two networks, or parts of them, differ: exactly, but numbers to 1e-12 relative."""
    if type(one) is not type(other):
        yield f"{where}: {one!r} is not {other!r}"
    elif dataclasses.is_dataclass(one):
        for entry in dataclasses.fields(one):
            yield from differences(getattr(one, entry.name), getattr(other, entry.name), f"{where}.{entry.name}")
    elif isinstance(one, np.ndarray):
        yield from _array_differences(one, other, where)
    elif isinstance(one, Mapping):
        if one.keys() != other.keys():
            yield f"{where}: {sorted(one)} is not {sorted(other)}"
        for key in one.keys() & other.keys():
            yield from differences(one[key], other[key], f"{where}[{key!r}]")
    elif isinstance(one, tuple):
        if len(one) != len(other):
            yield f"{where}: {len(one)} entries, not {len(other)}"
        for i, (mine, yours) in enumerate(zip(one, other, strict=False)):
            yield from differences(mine, yours, f"{where}[{i}]")
    elif isinstance(one, float):
        yield from _array_differences(np.array(one), np.array(other), where)
    elif one != other:
        yield f"{where}: {one!r} is not {other!r}"


def _array_differences(one: Any, other: Any, where: str) -> Iterator[str]:
    if one.shape != other.shape or one.dtype != other.dtype:
        yield f"{where}: {one.shape} {one.dtype} is not {other.shape} {other.dtype}"
    elif one.dtype.kind != "f":
        if not np.array_equal(one, other):
            yield f"{where}: {one} is not {other}"
    elif not np.allclose(one, other, rtol=RELATIVE, atol=NOTHING, equal_nan=True):
        worst = int(np.nanargmax(np.abs(one - other)))
        yield f"{where}: e.g. {one.flat[worst]!r} is not {other.flat[worst]!r}"

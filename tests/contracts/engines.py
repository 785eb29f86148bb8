"""The hydraulic engines that every battery runs against: a row here is all that a new engine needs."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest

from tweeling.physics.hydraulics.contract import Engine

MODULES = {
    "numpy": "tweeling.physics.hydraulics.reference",
    "numba": "tweeling.physics.kernels.cpu",
}
FOUND = tuple(name for name, module in MODULES.items() if find_spec(module) is not None)


def engine_named(name: str) -> Engine:
    """An engine by its name in `MODULES`."""
    return import_module(MODULES[name]).solve  # type: ignore[no-any-return]


every_engine = pytest.mark.parametrize("solve", [pytest.param(engine_named(name), id=name) for name in FOUND])
"""Runs a test once per engine, as its argument `solve`."""

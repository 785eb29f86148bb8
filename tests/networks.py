"""Where the published networks lie that tests use: in the packages `epyt` and `wntr`, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def package_network(package: str, name: str) -> Path:
    """The file `name.inp` of a package."""
    found = importlib.util.find_spec(package)
    assert found is not None, f"{package} is not installed"
    assert found.origin is not None
    paths = sorted(Path(found.origin).parent.rglob(f"{name}.inp"))
    assert paths, f"{package} has no network {name}"
    return paths[0]

"""Nothing heavy is imported before it is needed, and the public surface is what it says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tweeling

HEAVY = ("numpy", "numba", "scipy", "xarray", "pandas", "matplotlib", "h5py", "h5netcdf", "epanet")


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running some code."""
    listing = "import sys; print('modules:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{listing}"], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("modules: ")[2].split())


@pytest.mark.parametrize(
    "code",
    ["import tweeling", "import tweeling.cli.main", "from tweeling.cli.main import run; run(['--help'])"],
)
def test_nothing_heavy_is_imported_at_start(code: str) -> None:
    assert not modules_after(code) & set(HEAVY)


def test_a_heavy_import_would_be_noticed() -> None:
    assert "numpy" in modules_after("import tweeling, numpy")


def test_every_name_of_the_surface_is_there() -> None:
    for name in tweeling._SURFACE:
        assert getattr(tweeling, name) is not None
    with pytest.raises(AttributeError, match="TweelingError"):
        tweeling.read_netwrok  # noqa: B018


def test_type_checkers_see_the_same_surface() -> None:
    tree = ast.parse(Path(tweeling.__file__).read_text(encoding="utf-8"))
    guarded = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]
    seen = {alias.asname: node.module for node in guarded if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == tweeling._SURFACE

"""A folder imports only from those above it, as ARCHITECTURE.md draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
WORDS = ("units", "errors", "reading", "estimate")
LAYERS: tuple[tuple[str, ...], ...] = (
    WORDS,
    ("finding",),
    ("network", "devices"),
    ("physics",),
    ("observation",),
    ("inference",),
    ("coupling",),
    ("decisions",),
    ("live",),
    ("plant",),
    ("service", "cli"),
)
"""From the top down; what stands side by side does not know each other."""

DOORS = LAYERS[-1]
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, wherever in the file, in full: `tweeling.units`."""
    package = path.relative_to(SOURCE).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [f"{module}.{alias.name}" if module == "tweeling" else module for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "tweeling")


def complaint(path: Path, module: str) -> str | None:
    """Why a file may not import a module, or None."""
    folder = path.relative_to(SOURCE / "tweeling").with_suffix("").parts[0]
    target = module.removeprefix("tweeling").strip(".").split(".")[0]
    if folder in ("__init__", "__main__"):
        return None
    if target not in LEVEL:  # the public surface, `import tweeling as tw`
        return None if folder in DOORS else f"{folder} uses the public surface; only the doors may"
    same = folder == target and folder not in WORDS
    if same or LEVEL[target] < LEVEL[folder]:
        return None
    return f"{folder} imports {module}, which is not above it"


def test_every_folder_has_a_place_in_the_order() -> None:
    found = {path.stem for path in (SOURCE / "tweeling").iterdir() if not path.name.startswith("__")} - {"py"}
    assert found <= set(LEVEL), f"no place in the order for {sorted(found - set(LEVEL))}"


def test_folders_import_only_from_those_above() -> None:
    files = sorted((SOURCE / "tweeling").rglob("*.py"))
    assert len(files) > 5
    complaints = {
        f"{path.relative_to(SOURCE)}: {reason}"
        for path in files
        for module in imports(path)
        if (reason := complaint(path, module))
    }
    assert not complaints, "\n".join(sorted(complaints))


@pytest.mark.parametrize(
    ("file", "module", "allowed"),
    [
        ("network/network.py", "tweeling.units", True),
        ("network/inp/write.py", "tweeling.network.network", True),
        ("network/network.py", "tweeling.physics.hydraulics.plan", False),
        ("network/network.py", "tweeling.devices.catalogue", False),
        ("errors.py", "tweeling.units", False),
        ("physics/hydraulics/plan.py", "tweeling", False),
        ("cli/simulate.py", "tweeling", True),
        ("cli/main.py", "tweeling.service.app", False),
        ("plant/truth.py", "tweeling.live.window", True),
    ],
)
def test_the_order_itself_says_what_is_meant(file: str, module: str, allowed: bool) -> None:
    assert (complaint(SOURCE / "tweeling" / file, module) is None) is allowed


def test_imports_are_found_wherever_they_hide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    file = tmp_path / "tweeling" / "network" / "module.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "def f():\n    from tweeling import live\n    import tweeling.cli.main\n    from ..physics import kernels\n"
    )
    assert set(imports(file)) == {"tweeling.live", "tweeling.cli.main", "tweeling.physics"}

"""What the pages name is there: make targets, commands, files, names of the public surface."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tweeling
from tweeling.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]))
WISHES = ROOT / "docs" / "status.md"
"""The list of what was asked names what is not there yet."""
DESCRIPTIONS = tuple(page for page in PAGES if page != WISHES)
TARGETS = set((ROOT / "Makefile").read_text(encoding="utf-8").partition(".PHONY:")[2].splitlines()[0].split())
COMMAND_NAMES = {command.__name__ for command in COMMANDS}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
every_description = pytest.mark.parametrize("page", DESCRIPTIONS, ids=name_of)


def code(text: str) -> str:
    """Only what a page sets in code, inline or fenced."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))


@every_page
def test_pages_name_only_make_targets_that_exist(page: Path) -> None:
    named = re.findall(r"\bmake (?:[A-Z]+=\S+ )?([a-z]+)", code(page.read_text(encoding="utf-8")))
    assert set(named) <= TARGETS


def test_every_make_target_is_explained_to_contributors() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {f"make {target}" for target in TARGETS if f"make {target}" not in text} == set()


@every_description
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    named = re.findall(r"(?<!import )\btweeling ([a-z]+)\b", code(page.read_text(encoding="utf-8")))
    assert set(named) <= COMMAND_NAMES


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in COMMAND_NAMES if f"tweeling {name} " not in text} == set()


@every_description
def test_pages_use_only_names_of_the_surface(page: Path) -> None:
    named = re.findall(r"\btw\.(\w+)", page.read_text(encoding="utf-8"))
    assert set(named) <= set(tweeling._SURFACE)


@every_page
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@every_page
def test_files_named_in_code_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|tests|benchmarks|docs|examples|\.ci)/[\w./-]*)`", text)
    named += [
        f"src/tweeling/{name}"
        for name in re.findall(r"`((?:network|physics|cli|live|service|inference|observation|plant)/[\w./-]*)`", text)
    ]
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in folder.glob("0*.md") if file.name not in index] == []

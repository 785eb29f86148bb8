"""What people and files call things, in a browser: a story of `web/tests/`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from browser import needs_browser, play
from hostile import NAMES, hostile_doors

pytestmark = [needs_browser, pytest.mark.xdist_group("page")]


def test_fifty_hostile_names_show_as_text_and_nothing_comes_of_them(page: None, tmp_path: Path) -> None:
    with hostile_doors(tmp_path) as address:
        play("names_are_text", address, tmp_path / "pictures", [json.dumps(NAMES)])

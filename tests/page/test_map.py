"""The map of the page in a browser: stories of `web/tests/`, told of a real service."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import needs_browser, play

pytestmark = [needs_browser, pytest.mark.xdist_group("page")]


def test_the_map_shows_the_town_and_rests_while_nothing_changes(town: str, tmp_path: Path) -> None:
    play("map_shows_the_town", town, tmp_path)


def test_pointer_and_keyboard_choose_what_lies_there_and_move_the_map(town: str, tmp_path: Path) -> None:
    play("map_is_pointed_at", town, tmp_path)


def test_the_map_survives_a_lost_context_and_a_browser_without_webgl(town: str, tmp_path: Path) -> None:
    play("map_goes_on", town, tmp_path)

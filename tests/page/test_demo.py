"""What an operator does with the demo, in a browser: stories of `web/tests/`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from browser import Demo, needs_browser, play

pytestmark = [needs_browser, pytest.mark.xdist_group("page")]


def test_an_operator_finds_the_leak_of_the_demo_and_confirms_it(demo: Demo, tmp_path: Path) -> None:
    play("leak_is_found", demo.address, tmp_path)


def test_axe_finds_nothing_to_object_to_in_any_view_dialog_language_or_theme(demo: Demo, tmp_path: Path) -> None:
    play("axe_finds_nothing", demo.address, tmp_path)


def test_each_view_speaks_its_language_and_fits_wide_and_narrow_screens(demo: Demo, tmp_path: Path) -> None:
    play("pictures", demo.address, Path(os.environ.get("TWEELING_PICTURES", tmp_path)).absolute())


def test_a_connection_that_is_away_for_a_minute_is_told_calmly_and_comes_back_by_itself(demo: Demo, tmp_path: Path) -> None:
    play("connection_comes_back", demo.address, tmp_path)


def test_the_page_goes_on_without_a_reload_when_the_service_was_killed(demo: Demo, tmp_path: Path) -> None:
    play("service_restarts", demo.address, tmp_path, [str(demo.doors())])

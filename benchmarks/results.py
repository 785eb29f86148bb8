"""Makes `benchmarks/results.md`, one page of everything measured, from `benchmarks/results/*.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from common import RESULTS

PAGE = RESULTS.parent / "results.md"
HEADINGS = {"row": "row", "what": "what", "at_least": "at least", "aim": "aim", "measured": "measured", "verdict": ""}
OPENING = """\
# What was measured

Made by `make bench` from `benchmarks/results/*.json`; not edited by hand. Each table says when, on what machine and with which
versions it was measured. Ratios compare two things timed in turn within one run; absolute times depend on the machine and on
what else it was doing.
"""


def page(results: list[dict[str, Any]]) -> str:
    """The page as Markdown."""
    return "\n".join([OPENING, *(_section(result) for result in results)])


def _section(result: dict[str, Any]) -> str:
    machine = result["machine"]
    versions = ", ".join(f"{package} {number}" for package, number in result["versions"].items())
    lines = [
        f"## {result['name']}",
        "",
        _table(list(HEADINGS.values())),
        _table(["---"] * len(HEADINGS)),
        *(_table([row[column] for column in HEADINGS]) for row in result["rows"]),
        "",
        *(f"- {note}" for note in result["notes"]),
        f"- {result['date']}, commit {result['commit']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['system']}, Python {machine['python']}; {versions}.",
        "",
    ]
    return "\n".join(lines)


def _table(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def main() -> None:
    """Reads every result and writes the page."""
    files: list[Path] = sorted(RESULTS.glob("*.json"))
    PAGE.write_text(page([json.loads(file.read_text(encoding="utf-8")) for file in files]), encoding="utf-8")
    print(f"{PAGE.name}: {len(files)} results")


if __name__ == "__main__":
    main()

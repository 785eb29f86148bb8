"""Writes the list of checks for the reference page: `python -m tweeling.network.checks.reference`."""

from __future__ import annotations

from tweeling.network.checks.catalogue import CHECKS
from tweeling.network.checks.remark import Severity

HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes"}


def listing() -> str:
    """All checks as Markdown, by severity."""
    lines = []
    for severity, heading in HEADINGS.items():
        lines += [f"## {heading}", "", "| code | finds | why it matters | what to do |", "|---|---|---|---|"]
        for check in CHECKS:
            if check.severity == severity:
                finds = " ".join((check.find.__doc__ or "").split()).rstrip(".")
                lines.append("| " + " | ".join((f"`{check.code}`", *map(_cell, (finds, check.why, check.advice)))) + " |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(listing())

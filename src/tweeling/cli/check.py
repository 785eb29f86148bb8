"""`tweeling check`: what is missing, stale or contradictory in a network file, whether EPANET accepts it or not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tweeling.network.checks import Remark

SHOWN = 20
"""Remarks of one check that are shown without `--all`."""
WIDTH = 100
HEADINGS = {"error": "Errors", "warning": "Warnings", "note": "Notes"}


def check(
    network: Annotated[Path, typer.Argument(help="EPANET file (.inp), also one that EPANET refuses.")],
    show_all: Annotated[bool, typer.Option("--all", help=f"Show more than {SHOWN} remarks of a kind.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say all of it as JSON.")] = False,
) -> None:
    """Say what is missing, stale or contradictory in a network file.

    Ends with 1 when there are errors, 0 otherwise, 2 when the file cannot be read at all.

    Example: tweeling check town.inp
    """
    from tweeling.network.checks import check_file

    remarks = check_file(network)
    typer.echo(as_document(network, remarks) if as_json else as_text(network, remarks, show_all))
    if any(remark.severity == "error" for remark in remarks):
        raise typer.Exit(1)


def counts(remarks: list[Remark]) -> dict[str, int]:
    """Number of errors, warnings and notes."""
    found = Counter(remark.severity.value for remark in remarks)
    return {severity: found[severity] for severity in HEADINGS}


def as_document(network: Path, remarks: list[Remark]) -> str:
    """All remarks as JSON: `file`, `summary` (numbers by severity) and `remarks`."""
    import dataclasses
    import json

    document = {
        "file": str(network),
        "summary": counts(remarks),
        "remarks": [dataclasses.asdict(remark) for remark in remarks],
    }
    return json.dumps(document, indent=1)


def as_text(network: Path, remarks: list[Remark], show_all: bool) -> str:
    """All remarks for a reader: errors first, one paragraph for each check."""
    lines = []
    for severity, heading in HEADINGS.items():
        groups: dict[str, list[Remark]] = {}
        for remark in remarks:
            if remark.severity == severity:
                groups.setdefault(remark.code, []).append(remark)
        if groups:
            lines += [heading, ""]
        for group in groups.values():
            lines += [*_paragraph(group, show_all), ""]
    return "\n".join([*lines, f"{network}: {_closing(counts(remarks))}"])


def _paragraph(group: list[Remark], show_all: bool) -> list[str]:
    import textwrap

    shown = group if show_all else group[:SHOWN]
    lines = [f"  {group[0].code}"]
    for remark in shown:
        where = " ".join(part for part in (_section(remark), f"line {remark.line}" if remark.line else "") if part)
        lines.append(f"    {where}: {_printable(remark.what)}" if where else f"    {_printable(remark.what)}")
    if len(group) > len(shown):
        lines.append(f"    and {len(group) - len(shown)} more (--all shows them)")
    for label, text in (("Why:", group[0].why), ("Do: ", group[0].advice)):
        lines += textwrap.wrap(text, WIDTH, initial_indent=f"    {label} ", subsequent_indent=" " * 9)
    return lines


def _section(remark: Remark) -> str:
    return f"[{_printable(remark.section)}]" if remark.section else ""


def _printable(text: str) -> str:
    """A file's words without what would move the cursor or colour the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _closing(found: dict[str, int]) -> str:
    if not any(found.values()):
        return "nothing to remark"
    return ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in found.items())

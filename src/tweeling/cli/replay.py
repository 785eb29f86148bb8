"""`tweeling replay`: the twin over recorded readings, as fast as it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tweeling.cli.output import one_algebra_thread, progress_bar

if TYPE_CHECKING:
    from tweeling.live.replay import Replayed


def replay(
    twin: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The twin's TWIN.toml.")],
    readings: Annotated[Path, typer.Option("--from", exists=True, dir_okay=False, help="Readings, .parquet or .csv.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for what is found; made if need be.")],
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Take a twin through recorded readings and write what it finds.

    Writes findings.json (what was wrong, why, where), estimates.parquet (pressures and flows with their bands) and
    scorecard.json (how well withheld sensors were foretold).

    Example: tweeling replay TWIN.toml --from readings.parquet --out found
    """
    one_algebra_thread()
    from tweeling.live.advance import make_twin
    from tweeling.live.config import read_config
    from tweeling.live.replay import replay_file

    config = read_config(twin)
    with progress_bar(f"Replaying {readings.name}") as progress:
        done = replay_file(make_twin(config), readings, out, progress)
    report = summary(done, out)
    typer.echo(as_document(report) if as_json else as_text(report))


def summary(done: Replayed, out: Path) -> dict[str, Any]:
    """What was replayed and found."""
    kinds = [finding.kind for finding in done.state.findings]
    return {
        "out": str(out),
        "cycles": done.cycles,
        "seconds": round(float(done.seconds.sum()), 1),
        "findings": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        "open": sum(finding.closed is None for finding in done.state.findings),
    }


def as_document(report: dict[str, Any]) -> str:
    """The report as JSON."""
    import json

    return json.dumps(report, indent=1)


def as_text(report: dict[str, Any]) -> str:
    """The report for a reader."""
    found = ", ".join(f"{count} of kind {kind}" for kind, count in report["findings"].items()) or "nothing"
    still = f" ({report['open']} still open)" if report["findings"] else ""
    return f"{report['out']}: {report['cycles']} cycles in {report['seconds']} s; found: {found}{still}"

"""`tweeling simulate`: an extended period, for one member or many, into a netCDF file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tweeling.cli.output import progress_bar, writable

if TYPE_CHECKING:
    from tweeling import Beliefs, Run

Doubt = float | None


def simulate(
    network: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="EPANET file (.inp).")],
    hours: Annotated[float, typer.Option(min=0, help="How long; 0 is one steady state.")],
    out: Annotated[Path, typer.Option(callback=writable, dir_okay=False, help="The netCDF file to write.")],
    members: Annotated[int, typer.Option(min=1, help="How many plausible members to draw; 1 is the file itself.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same members.")] = 1,
    zone_factor_sd: Annotated[float | None, typer.Option(min=0, help="Doubt about the whole demand, usually 0.2.")] = None,
    node_demand_sd: Annotated[float | None, typer.Option(min=0, help="Doubt about each junction's, usually 0.3.")] = None,
    roughness_sd: Annotated[float | None, typer.Option(min=0, help="Doubt about each pipe's roughness, usually 0.1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Simulate a network in time, with as many plausible members as you like.

    The file holds head, pressure, demand, flow and status of every member at the network's report times, in SI, as float32.
    Doubts are relative standard deviations; with more than one member those that are not given are the usual ones.

    Example: tweeling simulate town.inp --hours 24 --members 100 --out town.nc
    """
    import tweeling as tw

    doubts = {"zone_factor_sd": zone_factor_sd, "node_demand_sd": node_demand_sd, "roughness_sd": roughness_sd}
    beliefs = believed({name: doubt for name, doubt in doubts.items() if doubt is not None}, members)
    town = tw.read_network(network)
    started = time.perf_counter()
    with progress_bar(f"Simulating {network.name}") as progress:
        run = tw.simulate(town, hours=hours, members=members, beliefs=beliefs, rng=seed, keep=out, progress=progress)
    asked = {"network": str(network), "out": str(out), "hours": hours, "seed": seed}
    report = asked | summary(run, time.perf_counter() - started)
    typer.echo(as_document(report) if as_json else as_text(report))


def believed(doubts: dict[str, float], members: int) -> Beliefs | None:
    """The doubts that were named, and the usual ones beside them; None for the file as it is."""
    import tweeling as tw

    return tw.Beliefs(**doubts) if doubts or members > 1 else None


def summary(run: Run, seconds: float) -> dict[str, Any]:
    """What a run was, and which members went wrong where."""
    from tweeling.physics.hydraulics.contract import Outcome

    info = run.info
    troubled = [
        {"member": member, "outcome": Outcome(outcome).name.lower(), "time_s": int(when), "element": culprit}
        for member, (outcome, when, culprit) in enumerate(zip(info.outcome, info.time, info.culprit, strict=True))
        if outcome != Outcome.OK
    ]
    return {"members": len(info.outcome), "times": len(run.times), "seconds": round(seconds, 1), "troubled": troubled}


def as_document(report: dict[str, Any]) -> str:
    """The report as JSON."""
    import json

    return json.dumps(report, indent=1)


def as_text(report: dict[str, Any]) -> str:
    """The report for a reader."""
    members = f"{report['members']} member{'s' if report['members'] > 1 else ''}"
    lines = [f"{report['out']}: {members}, {report['hours']:g} h, {report['times']} report times, in {report['seconds']} s"]
    troubled = report["troubled"]
    for outcome in dict.fromkeys(trouble["outcome"] for trouble in troubled):
        alike = [trouble for trouble in troubled if trouble["outcome"] == outcome]
        first = alike[0]
        hours, minutes = divmod(first["time_s"] // 60, 60)
        lines.append(
            f"{len(alike)} of them {outcome}; member {first['member']} first at {hours}:{minutes:02d} h, at {first['element']}"
        )
    return "\n".join(lines)

"""`tweeling simulate`: an extended period, for one member or many, into a netCDF file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tweeling.cli.output import progress_bar, whole_file, writable


def simulate(
    network: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="EPANET file (.inp).")],
    hours: Annotated[float, typer.Option(min=0, help="How long; 0 is one steady state.")],
    out: Annotated[Path, typer.Option(callback=writable, dir_okay=False, help="The netCDF file to write.")],
    members: Annotated[int, typer.Option(min=1, help="How many plausible members to draw.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same members.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Simulate a network in time, with as many plausible members as you like.

    The file holds head, pressure, demand, flow and status of every member at the network's report times, in SI, as float32.

    Example: tweeling simulate town.inp --hours 24 --members 100 --out town.nc
    """
    import numpy as np

    import tweeling as tw

    town = tw.read_network(network)
    with whole_file(out) as partial, progress_bar(f"Simulating {members} x {hours:g} h") as progress:
        tw.simulate(town, hours=hours, members=members, rng=np.random.default_rng(seed), keep=partial, progress=progress)
    report = {"network": str(network), "hours": hours, "members": members, "seed": seed, "out": str(out)}
    if as_json:
        import json

        typer.echo(json.dumps(report))
    else:
        typer.echo(f"{out}: {members} members, {hours:g} hours")

"""`tweeling plant`: a stand-in for reality, simulated by EPANET, that writes readings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tweeling.cli.output import progress_bar, writable


def plant(
    world: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="PLANT.toml", help="What the hidden truth is.")],
    out: Annotated[Path, typer.Option(callback=writable, dir_okay=False, help="The .parquet or .csv file to write.")],
    long: Annotated[bool, typer.Option("--long", help="A row a reading, not a column a sensor.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Stand in for reality: a hidden truth, simulated by EPANET, that gives readings.

    Beside the file stands what is true, FILE.truth.json; a twin never opens it.

    Example: tweeling plant PLANT.toml --out readings.parquet
    """
    import json

    from tweeling.network.inp.read import read_network
    from tweeling.observation.sensors import read_sensors
    from tweeling.plant import output
    from tweeling.plant.config import read_plant
    from tweeling.plant.run import simulate_plant

    output.check_suffix(out)
    config = read_plant(world)
    network = read_network(config.path(config.network))
    sensors = read_sensors(config.path(config.sensors), network)
    started = time.perf_counter()
    with progress_bar(f"Running {world.name}") as progress:
        run = simulate_plant(network, sensors, config, progress)
    output.write_readings(out, sensors.ids, run.times, run.readings, long=long)
    output.write_truth(output.truth_path(out), run.truth)
    report = {
        "out": str(out),
        "truth": str(output.truth_path(out)),
        "sensors": len(sensors),
        "times": len(run.times),
        "seconds": round(time.perf_counter() - started, 1),
    }
    text = "{out}: {times} readings of {sensors} sensors in {seconds} s; what is true stands in {truth}".format(**report)
    typer.echo(json.dumps(report, indent=1) if as_json else text)

"""`tweeling plant`: a stand-in for reality, simulated by EPANET, that writes or sends readings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tweeling.cli.output import progress_bar, writable

if TYPE_CHECKING:
    from tweeling.plant.record import Record
    from tweeling.plant.run import Piece


def writable_if_given(path: Path | None) -> Path | None:
    """Checks a path that was given; an option's callback."""
    return None if path is None else writable(path)


def plant(
    world: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="PLANT.toml", help="What the hidden truth is.")],
    out: Annotated[
        Path | None, typer.Option(callback=writable_if_given, dir_okay=False, help="The .parquet or .csv file to write.")
    ] = None,
    send: Annotated[
        str | None, typer.Option(metavar="URL", help="A running twin, or mqtt://HOST:PORT/TOPIC of a broker.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(callback=writable_if_given, dir_okay=False, help="Where to write what is true, if not beside --out."),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="In the file a row a reading, not a column a sensor.")] = False,
    speed: Annotated[float, typer.Option(min=0, help="Simulated seconds in a second; 0 sends as fast as it goes.")] = 0.0,
    arrow: Annotated[bool, typer.Option("--arrow", help="Send Arrow instead of JSON.")] = False,
    token: Annotated[str, typer.Option(envvar="TWEELING_TOKEN", help="That the service asks for.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Stand in for reality: a hidden truth, simulated by EPANET, that gives readings.

    Beside the file of readings stands what is true, FILE.truth.json; a twin never opens it. What is sent and not acknowledged
    is sent again.

    Example: tweeling plant PLANT.toml --out readings.parquet
    """
    from tweeling.network.inp.read import read_network
    from tweeling.observation.sensors import read_sensors
    from tweeling.plant import output
    from tweeling.plant.config import read_plant
    from tweeling.plant.record import Record, truth_document
    from tweeling.plant.run import refuse_too_large, run_plant
    from tweeling.plant.truth import hide

    if out is None and send is None:
        raise typer.BadParameter("give --out FILE, --send URL or both")
    if out is not None:
        output.check_suffix(out)
    config = read_plant(world)
    network = read_network(config.path(config.network))
    sensors = read_sensors(config.path(config.sensors), network)
    hidden = hide(network, sensors, config)
    if out is not None:
        refuse_too_large(hidden)
    record, kept, started = Record.of(hidden), list[Any](), time.perf_counter()
    report: dict[str, Any] = {"sensors": len(sensors), "times": config.n_intervals}
    with progress_bar(f"Running {world.name}") as progress:
        pieces = recorded(run_plant(hidden, progress), record, kept if out is not None else None)
        if send is None:
            for _ in pieces:
                pass
        else:
            report |= sent_to(send, token, speed, arrow, pieces, sensors)
    if out is not None:
        output.write_run(out, sensors.ids, kept, long=long)
        report["out"] = str(out)
    truth = truth or (output.truth_path(out) if out is not None else None)
    if truth is not None:
        output.write_truth(truth, truth_document(hidden, record))
        report["truth"] = str(truth)
    report["unsettled"] = record.unsettled
    report["seconds"] = round(time.perf_counter() - started, 1)
    typer.echo(as_document(report) if as_json else as_text(report))


def recorded(pieces: Iterator[Piece], record: Record, kept: list[Any] | None) -> Iterator[Piece]:
    """Pieces as they come, with what must be remembered of them."""
    for piece in pieces:
        record.add(piece.leak, piece.level, piece.unsettled)
        if kept is not None:
            kept.append(piece)
        yield piece


def sent_to(url: str, token: str, speed: float, arrow: bool, pieces: Iterator[Piece], sensors: Any) -> dict[str, Any]:
    """Sends them, and says what became of them."""
    from dataclasses import asdict

    from tweeling.plant.send import Habits, as_arrow, as_json, send, way_to

    def say(what: str) -> None:
        typer.echo(what, err=True)

    door = way_to(url, token)
    try:
        sent = send(pieces, sensors, door, Habits(speed=speed, form=as_arrow if arrow else as_json, say=say))
    finally:
        door.close()
    return {"url": door.url} | asdict(sent)


def as_document(report: dict[str, Any]) -> str:
    """The report as JSON."""
    import json

    return json.dumps(report, indent=1)


def as_text(report: dict[str, Any]) -> str:
    """The report for a reader."""
    lines = [f"{report['times']} readings of {report['sensors']} sensors in {report['seconds']} s"]
    if "url" in report:
        lines.append(f"{report['url']} acknowledged {report['readings']}, of which {report['flagged']} with a flag")
    lines += [f"{what} in {report[key]}" for what, key in (("readings", "out"), ("what is true", "truth")) if key in report]
    if report["unsettled"]:
        lines.append(f"EPANET did not settle in {report['unsettled']} intervals; readings there are its last guess")
    return "\n".join(lines)

"""`tweeling demo`: a town, the twin that watches it, and the page of both."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tweeling.cli.output import one_algebra_thread
from tweeling.cli.serve import free_port

if TYPE_CHECKING:
    from tweeling.plant.demo import Town

HOST, USUAL_PORT = "127.0.0.1", 8080
USUAL_SCENARIO, USUAL_SEED, USUAL_MEMBERS = "incidents", 1, 100


def demo(
    speed: Annotated[float, typer.Option(min=1, max=3600, help="Simulated seconds in a second.")] = 60.0,
    scenario: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="incidents (as usual), calm, burst, sensor, valve, or a file with events."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the hidden town and what happens to it; usually 1.")] = None,
    data: Annotated[
        Path | None, typer.Option(file_okay=False, metavar="FOLDER", help="Where the demo is kept; usually among your data.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the demo that is kept there and start another.")] = False,
    mqtt: Annotated[str, typer.Option(metavar="URL", help="A broker that readings go through, instead of HTTP.")] = "",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of the page; usually 8080, else a free one.")] = None,
    browser: Annotated[bool, typer.Option(" /--no-browser", help="Do not open the page.")] = True,
    members: Annotated[int | None, typer.Option(min=2, max=10_000, help="Of the twin; usually 100.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say each line as JSON.")] = False,
    network: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, hidden=True)] = None,
    sensors: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, hidden=True)] = None,
) -> None:
    """Show a live twin: L-Town, simulated, and the page of the twin that watches it.

    A healthy week comes first, which takes about a minute; then things happen that the twin does not know of. Ctrl-C stops it
    all, and the same command goes on where it stopped.

    Example: tweeling demo --scenario burst --seed 7 --fresh
    """
    one_algebra_thread()
    from tweeling.cli.demo_run import run
    from tweeling.cli.demo_told import Run
    from tweeling.plant import demo as demos

    folder = data or data_folder()
    wished = Wish(scenario, seed, members)
    refuse_another(folder, wished, fresh)
    with demos.held(folder):
        story = None if fresh else demos.story_of(folder)
        if story is None:
            planned = demos.plan(
                town_of(network, sensors),
                scenario=scenario or USUAL_SCENARIO,
                seed=USUAL_SEED if seed is None else seed,
                members=members or USUAL_MEMBERS,
            )
            demos.clear(folder)
            story = demos.make(folder, planned)
        config = demos.write_config(folder, story, speed=speed, mqtt=mqtt)
        run(Run(folder, config, story, speed, mqtt, port_of(port), browser and has_screen(), as_json))


@dataclass(frozen=True)
class Wish:
    """What a user asked for by name; None for what was left out."""

    scenario: str | None
    seed: int | None
    members: int | None


def refuse_another(folder: Path, wished: Wish, fresh: bool) -> None:
    """Refuses a folder that keeps another demo than is asked for, unless that may be forgotten.

    Raises:
        InputError: it does, or holds something that no demo made.
    """
    from tweeling.errors import InputError
    from tweeling.plant.demo import story_of
    from tweeling.plant.scenario import scenario_id

    story = story_of(folder)
    if story is None or fresh:
        return
    asked = {
        "scenario": None if wished.scenario is None else scenario_id(wished.scenario),
        "seed": wished.seed,
        "members": wished.members,
    }
    if any(value is not None and value != getattr(story, name) for name, value in asked.items()):
        raise InputError(
            f"{folder} keeps another demo: scenario {story.scenario}, seed {story.seed}, {story.members} members. "
            "Add --fresh to forget it, or --data FOLDER for a second one"
        )


def data_folder() -> Path:
    """Where a user's programs keep what they made, as the system has it; `XDG_DATA_HOME` where it is set."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "tweeling" / "demo"


def town_of(network: Path | None, sensors: Path | None) -> Town:
    """L-Town; for tests another."""
    from tweeling.network.inp.read import read_network
    from tweeling.observation.sensors import read_sensors
    from tweeling.plant.demo import Town, l_town

    if network is None or sensors is None:
        return l_town()
    return Town(network.stem, network, read_sensors(sensors, read_network(network)).rows)


def port_of(asked: int | None) -> int:
    """The port that was asked for; else the usual one if nobody listens at it, else a free one."""
    if asked:
        return asked
    if asked is None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, USUAL_PORT))
            except OSError:
                return free_port(HOST)
            return USUAL_PORT
    return free_port(HOST)


def has_screen() -> bool:
    """Whether a page can be opened where somebody sees it; a browser for terminals would take this one."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

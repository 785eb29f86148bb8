"""The folder of a demo: a twin, and beside it the hidden town that stands in for reality.

    TWIN.toml network.inp sensors.csv twin*.db    the twin, as any other
    demo.json                                     says that a demo made this folder, of which scenario and seed
    hidden/plant.json hidden/truth.json           what is true; the doors tell it in a demo, the twin never opens it
    hidden/sent.json                              how far the town has come
    demo.log                                      what the processes said

The town is the same whenever it is run from its seed, so all that has to be kept of it is how far it has come.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tweeling.errors import InputError
from tweeling.live.config import read_config
from tweeling.live.process import is_held, lock_path
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import COLUMNS, Sensor, Sensors
from tweeling.plant.config import PlantWorld, plant_world
from tweeling.plant.l_town import WITHHELD, l_town_file, l_town_sensors
from tweeling.plant.output import write_truth
from tweeling.plant.record import Record, truth_document
from tweeling.plant.scenario import Chosen, as_plant_events, read_scenario
from tweeling.plant.truth import Hidden, hide
from tweeling.reading import iso_time, microseconds

MADE_BY = "tweeling demo"
MARK, CONFIG, NETWORK, SENSORS = "demo.json", "TWIN.toml", "network.inp", "sensors.csv"
HIDDEN, PLANT, TRUTH, SENT = "hidden", "plant.json", "truth.json", "sent.json"
LOG = "demo.log"
MADE = (MARK, CONFIG, NETWORK, SENSORS, HIDDEN, LOG, "twin.db*", "twin-state.db*")
"""All that a demo leaves in its folder."""
BEGINS = datetime(2026, 1, 12, tzinfo=UTC)
"""A Monday; the patterns of L-Town's file are those of a week that begins on one."""
HEALTHY = timedelta(days=7)
LASTS = timedelta(weeks=26)
KEEP = "60d"
TOPIC = "tweeling/demo/readings"

TWIN = """\
# The twin of a demo; `tweeling demo` writes this file anew at every start.
name = {name}
network = {{ file = "{network}", pattern_zero = "{zero}" }}
sensors = {{ file = "{sensors}", interval = "5min", withhold = {withhold} }}
time = {{ cycle = "5min", lateness = "{lateness}", revise = "24h", give_up = "15min" }}
ensemble = {{ members = {members}, seed = 1 }}
inputs = [{inputs}]
store = {{ url = "sqlite:///twin.db", keep = "{keep}" }}
demo = {{ truth = "{truth}", speed = {speed:g} }}
"""


@dataclass(frozen=True)
class Town:
    """A town to show.

    Args:
        name: for people.
        file: its EPANET file.
        sensors: where it is measured; None for L-Town's.
        withhold: ids of the sensors that the twin is not told of, and scored by.
    """

    name: str
    file: Path
    sensors: Sequence[Sensor] | None = None
    withhold: Sequence[str] = ()


@dataclass(frozen=True)
class Story:
    """What a demo is of; the mark of its folder says it.

    Args:
        town: name of the town.
        scenario: a built-in name, or the whole path of a file.
        about: a sentence about the scenario.
        seed: of the hidden town and of what happens to it.
        members: of the twin.
        withhold: ids of the sensors that the twin is not told of.
    """

    town: str
    scenario: str
    about: str
    seed: int
    members: int
    withhold: tuple[str, ...]


def l_town() -> Town:
    """L-Town.

    Raises:
        MissingExtraError: the package that carries it is not installed.
    """
    return Town("L-Town", l_town_file(), None, WITHHELD)


def story_of(folder: Path) -> Story | None:
    """What the demo in a folder is of; None where there is nothing yet.

    Raises:
        InputError: the folder holds something that no demo made, or one that this program does not know.
    """
    mark = folder / MARK
    if not mark.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} holds something that is no demo; it stays as it is. Give another --data FOLDER")
        return None
    try:
        document = json.loads(mark.read_text(encoding="utf-8"))
        if document.pop("made_by") != MADE_BY:
            raise ValueError("it was made by something else")
        return Story(**document | {"withhold": tuple(document["withhold"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{mark} is no mark of a demo that can be read: {error}. Give another --data FOLDER") from error


def clear(folder: Path) -> None:
    """Removes what a demo made from its folder, and the folder if nothing else is in it.

    Raises:
        InputError: it is no demo's folder, or its demo is running.
    """
    if story_of(folder) is None:
        return
    refuse_running(folder)
    mark = folder / MARK
    for pattern in MADE:
        for path in folder.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != mark:
                path.unlink()
    mark.unlink()  # last: until then the folder is a demo's, and can be cleared again
    if not any(folder.iterdir()):
        folder.rmdir()


def refuse_running(folder: Path) -> None:
    """Refuses a folder whose demo is running.

    Raises:
        InputError: it is.
    """
    config = folder / CONFIG
    if config.exists() and any(is_held(lock_path(read_config(config), part)) for part in ("doors", "twin")):
        raise InputError(f"a demo is running in {folder} already; stop it first, or give another --data FOLDER")


def make(folder: Path, town: Town, *, scenario: str, seed: int, members: int) -> Story:
    """Makes the folder of a demo; the mark is written last.

    Args:
        folder: to make, or empty.
        town: that is shown.
        scenario: a built-in name, or the path of a file with events.
        seed: of the hidden town and of what happens to it.
        members: of the twin.

    Raises:
        InputError: a scenario that makes no sense for the town.
    """
    told = read_scenario(scenario)
    network = read_network(town.file)
    rows = list(town.sensors) if town.sensors is not None else l_town_sensors(network)
    sensors = Sensors.of_rows(rows, network)
    may_fail = [row.id for row in rows if row.quantity == "pressure" and row.id not in town.withhold]
    world = {
        "seed": seed,
        "start": iso_time(microseconds(BEGINS - HEALTHY)),
        "days": (HEALTHY + LASTS) / timedelta(days=1),
        "events": as_plant_events(told, HEALTHY, Chosen(may_fail, seed)),
    }
    hidden = hide(network, sensors, plant_world(world))
    (folder / HIDDEN).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(town.file, folder / NETWORK)
    with open(folder / SENSORS, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *((row.id, row.quantity, row.element, row.unit, row.std) for row in rows)])
    (folder / HIDDEN / PLANT).write_text(json.dumps(world, indent=1), encoding="utf-8")
    write_truth(folder / HIDDEN / TRUTH, truth_document(hidden, Record.of(hidden)))
    named = str(Path(scenario).resolve()) if Path(scenario).is_file() else scenario
    story = Story(town.name, named, told.about, seed, members, tuple(town.withhold))
    (folder / MARK).write_text(json.dumps({"made_by": MADE_BY} | asdict(story), indent=1), encoding="utf-8")
    return story


def write_config(folder: Path, story: Story, *, speed: float, mqtt: str = "") -> Path:
    """Writes TWIN.toml for a run of a demo; gives its path.

    Args:
        folder: of the demo.
        story: what it is of.
        speed: simulated seconds in a second.
        mqtt: URL of a broker that readings come through, "" for HTTP.

    Raises:
        InputError: a URL that cannot be used.
    """
    inputs = ['{ kind = "http" }']
    if mqtt:
        inputs.append(f'{{ kind = "mqtt", url = {json.dumps(mqtt)}, topic = "{TOPIC}" }}')
    text = TWIN.format(
        name=json.dumps(story.town, ensure_ascii=False),
        network=NETWORK,
        sensors=SENSORS,
        zero=iso_time(microseconds(BEGINS - HEALTHY)),
        withhold=json.dumps(list(story.withhold), ensure_ascii=False),
        lateness="5min" if mqtt else "0s",  # over HTTP the readings of a moment come at once
        members=story.members,
        inputs=", ".join(inputs),
        keep=KEEP,
        truth=f"{HIDDEN}/{TRUTH}",
        speed=speed,
    )
    (folder / CONFIG).write_text(text, encoding="utf-8")
    read_config(folder / CONFIG)
    return folder / CONFIG


def read_hidden(folder: Path) -> Hidden:
    """The hidden town of a demo, drawn again from its seed.

    Raises:
        InputError: files that are not those that the demo made.
    """
    from tweeling.observation.sensors import read_sensors

    network = read_network(folder / NETWORK)
    try:
        document: dict[str, Any] = json.loads((folder / HIDDEN / PLANT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / HIDDEN / PLANT} cannot be read: {error}; --fresh starts over") from error
    world: PlantWorld = plant_world(document)
    return hide(network, read_sensors(folder / SENSORS, network), world)

"""The folder of a demo: a twin, and beside it the hidden town that stands in for reality.

    TWIN.toml network.inp sensors.csv twin*.db    the twin, as any other
    demo.json                                     says that a demo made this folder, of which scenario and seed
    hidden/plant.json hidden/truth.json           what is true; the doors tell it in a demo, the twin never opens it
    hidden/sent.json                              how far the town has come
    demo.log demo.lock                            what the processes said; held while it runs

The town is the same whenever it is run from its seed, so all that has to be kept of it is how far it has come.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tweeling.errors import InputError
from tweeling.live.config import read_config
from tweeling.live.process import hold_lock, is_held
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import COLUMNS, Sensor, Sensors, read_sensors
from tweeling.plant.config import PlantWorld, plant_world
from tweeling.plant.l_town import WITHHELD, l_town_file, l_town_sensors
from tweeling.plant.mains import busy_mains
from tweeling.plant.output import write_truth
from tweeling.plant.record import Record, truth_document
from tweeling.plant.scenario import Chosen, as_plant_events, read_scenario, scenario_id
from tweeling.plant.truth import Hidden, hide
from tweeling.reading import iso_time, microseconds

MADE_BY = "tweeling demo"
MARK, CONFIG, NETWORK, SENSORS = "demo.json", "TWIN.toml", "network.inp", "sensors.csv"
HIDDEN, PLANT, TRUTH, SENT = "hidden", "plant.json", "truth.json", "sent.json"
LOG, LOCK = "demo.log", "demo.lock"
MADE = (CONFIG, NETWORK, SENSORS, HIDDEN, LOG, "twin.db*", "twin-state.db*")
"""All that a demo leaves in its folder, beside its mark and its lock."""
BEGINS = datetime(2026, 1, 12, tzinfo=UTC)
"""A Monday; the patterns of L-Town's file are those of a week that begins on one."""
HEALTHY = timedelta(days=7)
LASTS = timedelta(weeks=26)
KEEP = "8d"
"""Of readings, estimates and states; a town's day is a hundred megabytes."""
TOPIC = "tweeling/demo/readings"

TWIN = """\
# The twin of a demo; `tweeling demo` writes this file anew at every start.
# lateness: the readings of a moment come together, so a cycle waits for none.
name = {name}
network = {{ file = "{network}", pattern_zero = "{zero}" }}
sensors = {{ file = "{sensors}", interval = "5min", withhold = {withhold} }}
time = {{ cycle = "5min", catch_up = "1h", lateness = "0s", revise = "2h", give_up = "15min" }}
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
        if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - {LOCK}):
            raise InputError(f"{folder} holds something that is no demo; it stays as it is. Give another --data FOLDER")
        return None
    try:
        document = json.loads(mark.read_text(encoding="utf-8"))
        if document.pop("made_by") != MADE_BY:
            raise ValueError("it was made by something else")
        return Story(**document | {"withhold": tuple(document["withhold"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{mark} is no mark of a demo that can be read: {error}. Give another --data FOLDER") from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder of a demo, which is made if need be, so that no two run in it.

    Raises:
        InputError: another does, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error}; give another --data FOLDER") from error
    if is_held(folder / LOCK):
        raise InputError(f"a demo is running in {folder} already; stop it first, or give another --data FOLDER")
    with hold_lock(folder / LOCK):
        yield


def clear(folder: Path) -> None:
    """Removes what a demo made from its folder, which is held; nothing else.

    Raises:
        InputError: it is no demo's folder.
    """
    if story_of(folder) is None:
        return
    for pattern in MADE:
        for path in folder.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    (folder / MARK).unlink()  # last: until then the folder is a demo's, and can be cleared again


@dataclass(frozen=True, eq=False)
class Plan:
    """A demo that can be made: nothing is written yet.

    Args:
        story: what it is of.
        file: EPANET file of the town.
        world: keys of the plant.
        hidden: the town, drawn.
    """

    story: Story
    file: Path
    world: dict[str, Any]
    hidden: Hidden


def plan(town: Town, *, scenario: str, seed: int, members: int) -> Plan:
    """Plans a demo.

    Args:
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
    may_fail = [row.id for row in rows if row.quantity == "pressure" and row.id not in town.withhold]
    world = {
        "seed": seed,
        "start": iso_time(microseconds(BEGINS - HEALTHY)),
        "days": (HEALTHY + LASTS) / timedelta(days=1),
        "events": as_plant_events(told, HEALTHY, Chosen(may_fail, busy_mains(network) if told.closes_any else (), seed)),
    }
    hidden = hide(network, Sensors.of_rows(rows, network), plant_world(world))
    story = Story(town.name, scenario_id(scenario), told.about, seed, members, tuple(town.withhold))
    return Plan(story, town.file, world, hidden)


def make(folder: Path, planned: Plan) -> Story:
    """Makes a demo in a folder that is held; the mark comes first, so that what is half made can be cleared."""
    (folder / MARK).write_text(json.dumps({"made_by": MADE_BY} | asdict(planned.story), indent=1), encoding="utf-8")
    (folder / HIDDEN).mkdir()
    shutil.copyfile(planned.file, folder / NETWORK)
    rows = planned.hidden.sensors.rows
    with open(folder / SENSORS, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *((row.id, row.quantity, row.element, row.unit, row.std) for row in rows)])
    (folder / HIDDEN / PLANT).write_text(json.dumps(planned.world, indent=1), encoding="utf-8")
    write_truth(folder / HIDDEN / TRUTH, truth_document(planned.hidden, Record.of(planned.hidden)))
    return planned.story


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
        broker, topic = broker_and_topic(mqtt)
        inputs.append(f'{{ kind = "mqtt", url = {json.dumps(broker)}, topic = {json.dumps(topic)} }}')
    text = TWIN.format(
        name=json.dumps(story.town, ensure_ascii=False),
        network=NETWORK,
        sensors=SENSORS,
        zero=iso_time(microseconds(BEGINS - HEALTHY)),
        withhold=json.dumps(list(story.withhold), ensure_ascii=False),
        members=story.members,
        inputs=", ".join(inputs),
        keep=KEEP,
        truth=f"{HIDDEN}/{TRUTH}",
        speed=speed,
    )
    (folder / CONFIG).write_text(text, encoding="utf-8")
    read_config(folder / CONFIG)
    return folder / CONFIG


def broker_and_topic(url: str) -> tuple[str, str]:
    """The parts of a broker's URL: where it is, and the topic behind it, by default the demo's."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or TOPIC


def send_url(mqtt: str) -> str:
    """Where readings are published, for a broker's URL."""
    return "/".join(broker_and_topic(mqtt))


def read_hidden(folder: Path) -> Hidden:
    """The hidden town of a demo, drawn again from its seed.

    Raises:
        InputError: files that are not those that the demo made.
    """
    network = read_network(folder / NETWORK)
    try:
        document: dict[str, Any] = json.loads((folder / HIDDEN / PLANT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / HIDDEN / PLANT} cannot be read: {error}; --fresh starts over") from error
    world: PlantWorld = plant_world(document)
    return hide(network, read_sensors(folder / SENSORS, network), world)

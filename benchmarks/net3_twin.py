"""The same code on another network, without tuning: Net3 with ten made-up sensors, a healthy fortnight and one with a leak.

python benchmarks/net3_twin.py

Nothing is asked but that it runs; the figures are stated.

Knobs (TWEELING_BENCH_...): SEEDS of plants, each healthy and with a leak; DAYS of each; PROCESSES at once.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from common import write_result
from tweeling.network.ways import Ways
from worlds import (
    HOUR,
    Said,
    Scored,
    changed_knobs,
    epyt_network,
    first_of,
    in_processes,
    knob,
    plain,
    row,
    said,
    score_rows,
    show,
    twin_folder,
)

KNOBS = ("SEEDS", "DAYS")
FIRST_SEED = 5100
SENSORS = [
    *((f"pressure:{node}", "pressure", node, "m", 0.02) for node in ("15", "115", "145", "193", "247")),
    *((f"flow:{link}", "flow", link, "m3/h", 0.5) for link in ("10", "335")),
    *((f"level:{tank}", "level", tank, "m", 0.005) for tank in ("1", "2", "3")),
]
WITHHELD = ("pressure:145",)
SHARE = 0.05
"""Of the mean demand, that the leak loses."""


@dataclass(frozen=True)
class Job:
    """A world to make and replay."""

    seed: int
    leaks: bool
    days: int


@dataclass(frozen=True)
class World:
    """What came of it; times in microseconds since 1970 UTC, flow in m3/h."""

    seed: int
    pipe: str
    began: int
    flow: float
    history: list[Said]
    metres: list[float]
    scored: Scored
    seconds: float


def work(job: Job) -> World:
    """Makes a world and replays it."""
    from tweeling.live.advance import make_twin
    from tweeling.live.config import read_config
    from tweeling.live.ingest.files import Grid
    from tweeling.live.replay import replay
    from tweeling.plant.run import simulate_plant

    with tempfile.TemporaryDirectory() as name:
        config = twin_folder(Path(name), epyt_network("Net3"), SENSORS, cycle="1h", withhold=WITHHELD)
        twin = make_twin(read_config(config))
    flow = 3600 * SHARE * mean_demand(twin.model)
    leak = {"kind": "leak", "element": "random", "at": f"{job.days * 14}h", "flow_m3h": flow}
    world = {"seed": job.seed, "days": job.days, "events": [leak] if job.leaks else []}
    plant = simulate_plant(twin.network, twin.sensors, world)
    began, pipe = int(plant.times[0]), ""
    for event in plant.truth["events"]:
        began, pipe = int(datetime.fromisoformat(event["at"]).timestamp() * 1e6), event["element"]
    history, started = list[Said](), time.perf_counter()
    grid = Grid(plant.times, plant.values)
    done = replay(twin, grid, lambda batch, info, _: history.extend(said(batch.end, one) for one in info.changed))
    metres = Ways(twin.network).metres(pipe, [one.first for one in history]) if pipe else []
    seconds = time.perf_counter() - started
    return World(job.seed, pipe, began, flow if pipe else 0.0, history, metres, Scored.of(done.state), seconds)


def mean_demand(model: Any) -> float:
    """m3/s; of the file, over a day."""
    return float(sum(model.nominal_demand(hour * 3600).sum() for hour in range(24)) / 24)


def kinds(said: Sequence[Said]) -> str:
    """Counts by kind."""
    return ", ".join(f"{count} {kind}" for kind, count in Counter(one.kind for one in said).items()) or "nothing"


def told(world: World) -> str:
    """What was found, in words."""
    after = [one for one in first_of(world.history) if one.at > world.began]
    text = kinds(after)
    if world.pipe:
        text += f" after the leak of {world.flow:.0f} m3/h at {world.pipe}"
        before = [one for one in first_of(world.history) if one.at <= world.began]
        text += f" ({kinds(before)} before)"
        metres = dict(zip(world.history, world.metres, strict=True))
        for one in first_of([one for one in world.history if one.at > world.began], "leak")[:1]:
            last = [other for other in world.history if other.id == one.id][-1]
            near = f"{metres[one]:.0f} m away, in the end {metres[last]:.0f} m"
            size = f", {last.size[0]:.0f} ({last.size[1]:.0f} to {last.size[2]:.0f}) m3/h" if last.size else ""
            text += f"; named a leak after {(one.at - world.began) / HOUR:.0f} h, {near}{size}"
    return text


def main() -> None:
    """Measures and writes the result."""
    seeds, days = int(knob("SEEDS", "1")), int(knob("DAYS", "14"))
    jobs = [Job(FIRST_SEED + place, leaks, days) for place in range(seeds) for leaks in (False, True)]
    worlds = in_processes(work, jobs, lambda world: f"seed {world.seed}: {told(world)} ({world.seconds:.0f} s)")
    rows = [
        row(
            "the same code on Net3",
            f"{len(SENSORS)} sensors, {days} days, {'a leak' if world.pipe else 'healthy'}, seed {world.seed}",
            "runs",
            "",
            told(world),
            True,
        )
        for world in worlds
    ]
    what = f"Net3, {len(WITHHELD)} pressure of {len(SENSORS)} sensors, {len(worlds)} worlds"
    rows += [one | {"at_least": "", "aim": "", "verdict": "stated"} for one in score_rows(what, sum_of(worlds))]
    notes = [
        f"Sensors {', '.join(str(sensor[0]) for sensor in SENSORS)}; withheld: {', '.join(WITHHELD)}. TWIN.toml as init "
        "writes it, with cycles of 1 h.",
        f"The leak loses {100 * SHARE:g} % of the mean demand, at a random pipe, after seven twelfths of the run.",
    ]
    show(rows, notes)
    if not changed_knobs(*KNOBS):
        write_result("net3_twin", rows, notes, plain(worlds))


def sum_of(worlds: Sequence[World]) -> Scored:
    """Their scores, pooled."""
    return sum((world.scored for world in worlds), Scored())


if __name__ == "__main__":
    main()

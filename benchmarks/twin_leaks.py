"""Does the twin find a leak that is hidden in a town, how soon and how near; and does it keep quiet in a town without one?

python benchmarks/twin_leaks.py

Plants (EPANET, a hidden truth) of L-Town for 14 days, replayed. Seeds 1 to 20 have a leak of 20 m3/h at a random pipe from a
random moment after day 7 on; seeds 21 to 40 have nothing. These forty are for this table alone: nobody builds or tunes with
them. Try it with others, from 5000 on:

    TWEELING_BENCH_SEEDS=1 TWEELING_BENCH_FIRST=5000 python benchmarks/twin_leaks.py

Knobs (TWEELING_BENCH_...): SEEDS worlds of each sort; FIRST seed; CYCLES of the twin, `1h` or `1h,5min`; MEMBERS; PROCESSES at
once; SORTS `leak,healthy`.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from common import write_result
from tweeling.network.ways import Ways
from tweeling.plant.compare import NEAR
from tweeling.plant.l_town import WITHHELD
from worlds import (
    HOUR,
    Said,
    Scored,
    changed_knobs,
    epyt_network,
    first_of,
    in_processes,
    knob,
    l_town_sensors,
    plain,
    row,
    said,
    score_rows,
    show,
    standing,
    twin_folder,
)

KNOBS = ("SEEDS", "FIRST", "CYCLES", "MEMBERS", "SORTS")
DAYS, QUIET_DAYS, LEAST_DAYS = 14, 7, 1
"""Of a world, before a leak, and left after it began at least."""
FLOW = 20.0
"""m3/h"""


@dataclass(frozen=True)
class Job:
    """A world to make and replay."""

    seed: int
    leaks: bool
    cycles: tuple[str, ...]
    members: int


@dataclass(frozen=True)
class World:
    """What came of a world with one length of cycle.

    Args:
        seed, cycle: of it.
        pipe: that leaks, "" for none.
        began: of the leak or of the week that counts, microseconds since 1970 UTC. ended: of the world.
        flow: mean of the leak, m3/h.
        history: all that findings said.
        metres: from the leak to the first candidate, by what was said.
        scored: of the withheld pressures.
        seconds: of the replay.
    """

    seed: int
    cycle: str
    pipe: str
    began: int
    ended: int
    flow: float
    history: tuple[Said, ...]
    metres: tuple[float, ...]
    scored: Scored
    seconds: float

    def near_after(self, hours: float) -> bool:
        """Whether so long after the leak began a finding of kind leak stands with its first candidate near."""
        at = int(self.began + hours * HOUR)
        metres = dict(zip(self.history, self.metres, strict=True))
        return any(metres[one] <= NEAR for one in standing(self.history, at) if at <= self.ended)

    @property
    def found(self) -> tuple[float, float, Said] | None:
        """The first finding of kind leak after the leak began: hours until then, its metres, and what it said last."""
        metres = dict(zip(self.history, self.metres, strict=True))
        after = [one for one in first_of(self.history, "leak") if one.at > self.began]
        if not after:
            return None
        last = [one for one in self.history if one.id == after[0].id and one.size][-1]
        return (after[0].at - self.began) / HOUR, metres[after[0]], last

    @property
    def raised(self) -> list[Said]:
        """Findings of the week that counts, of a healthy world."""
        return [one for one in first_of(self.history) if one.at > self.began]


@cache
def _twin(cycle: str, members: int) -> Any:
    """A twin of L-Town; made once by each process."""
    import tweeling as tw
    from tweeling.live.advance import make_twin
    from tweeling.live.config import read_config

    source = epyt_network("L-TOWN")
    with tempfile.TemporaryDirectory() as name:
        rows = l_town_sensors(tw.read_network(source))
        return make_twin(read_config(twin_folder(Path(name), source, rows, cycle=cycle, withhold=WITHHELD, members=members)))


def work(job: Job) -> list[World]:
    """Makes a world and replays it with every length of cycle."""
    from tweeling.live.ingest.files import Grid
    from tweeling.live.replay import replay
    from tweeling.plant.run import simulate_plant

    twin = _twin(job.cycles[0], job.members)
    day = QUIET_DAYS + np.random.default_rng([job.seed, 7]).uniform(0, DAYS - QUIET_DAYS - LEAST_DAYS)
    leak = {"kind": "leak", "element": "random", "at": timedelta(days=day).total_seconds(), "flow_m3h": FLOW}
    world = {"seed": job.seed, "days": DAYS, "events": [leak] if job.leaks else []}
    plant = simulate_plant(twin.network, twin.sensors, world)
    began, pipe, flow = int(plant.times[0]) + QUIET_DAYS * 24 * HOUR, "", 0.0
    for event in plant.truth["events"]:
        began = int(datetime.fromisoformat(event["at"]).timestamp() * 1e6)
        pipe, flow = event["element"], event["flow"]["mean_m3h"]
    found = []
    for cycle in job.cycles:
        twin, history, started = _twin(cycle, job.members), list[Said](), time.perf_counter()
        grid = Grid(plant.times, plant.values)
        done = replay(twin, grid, lambda batch, info, _, to=history: to.extend(said(batch.end, one) for one in info.changed))
        metres = Ways(twin.network).metres(pipe, [one.first for one in history]) if pipe else [np.inf] * len(history)
        seconds = time.perf_counter() - started
        score = Scored.of(done.state)
        ended = int(plant.times[-1])
        found.append(World(job.seed, cycle, pipe, began, ended, flow, tuple(history), tuple(metres), score, seconds))
    return found


def short(world: World) -> Any:
    """What is kept of a world: of each finding what it said first and last, and how far from the leak."""
    metres = dict(zip(world.history, world.metres, strict=True))
    last = {one.id: one for one in world.history}
    pairs = [(one, last[one.id]) for one in first_of(world.history)]
    findings = [{"first": a, "metres": metres[a], "last": b, "metres_in_the_end": metres[b]} for a, b in pairs]
    names = ("seed", "cycle", "pipe", "began", "flow", "scored", "seconds")
    return plain({name: getattr(world, name) for name in names} | {"findings": findings})


def told(worlds: Sequence[World]) -> str:
    """A line of progress."""
    texts = []
    for world in worlds:
        kinds = Counter(one.kind for one in (world.raised if not world.pipe else first_of(world.history)))
        text = f"cycle {world.cycle}: {', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'nothing'}"
        if world.pipe and (found := world.found):
            text += f"; leak at {world.pipe} found after {found[0]:.1f} h, {found[1]:.0f} m away"
            text += (
                f", in the end at {found[2].first}, {found[2].size[0]:.1f} of {world.flow:.1f} m3/h" if found[2].size else ""
            )
        texts.append(f"{text} ({world.seconds:.0f} s)")
    return f"seed {worlds[0].seed}, {worlds[0].pipe or 'healthy'}: {'; '.join(texts)}"


def leak_rows(worlds: Sequence[World], cycle: str) -> list[dict[str, str]]:
    """What is said of hidden leaks."""
    what = f"{FLOW:g} m3/h at a random pipe, {len(worlds)} worlds, cycle {cycle}"
    in_four, in_one = (sum(world.near_after(hours) for world in worlds) for hours in (4, 1))
    found = [(world, *world.found) for world in worlds if world.found]
    before = sum(one.at <= world.began for world in worlds for one in first_of(world.history, "leak"))
    rows = [
        row(
            f"hidden leak: first candidate <= {NEAR:g} m of pipe away",
            what,
            f"{round(0.8 * len(worlds))} within 4 h",
            f"{round(0.95 * len(worlds))} within 1 h",
            f"{in_four} within 4 h, {in_one} within 1 h",
            in_four >= 0.8 * len(worlds),
        ),
        row(
            "hidden leak: named as a leak at all",
            what,
            "",
            "",
            f"{len(found)} of {len(worlds)}; before it began {before} findings of kind leak",
            None,
        ),
    ]
    if found:
        error = [abs(last.size[0] - world.flow) / world.flow for world, _, _, last in found if last.size]
        inside = [last.size[1] <= world.flow <= last.size[2] for world, _, _, last in found if last.size]
        hours, metres = median(hours for _, hours, _, _ in found), median(metres for _, _, metres, _ in found)
        last_metres = median(dict(zip(world.history, world.metres, strict=True))[last] for world, _, _, last in found)
        rows += [
            row(
                "hidden leak: delay and distance",
                what,
                "",
                "",
                f"median {hours:.1f} h and {metres:.0f} m when raised, {last_metres:.0f} m in the end",
                None,
            ),
            row(
                "hidden leak: size",
                what,
                "",
                "",
                f"median error {100 * median(error):.0f} % in the end; 90 % interval holds {sum(inside)} of {len(inside)}",
                None,
            ),
        ]
    return rows


def healthy_rows(worlds: Sequence[World], cycle: str) -> list[dict[str, str]]:
    """What is said of towns without an event."""
    what = f"{len(worlds)} weeks after {QUIET_DAYS} days of learning, cycle {cycle}"
    of_kind = Counter(one.kind for world in worlds for one in world.raised)
    early = sum(one.at <= world.began for world in worlds for one in first_of(world.history))
    most = 0.2 * len(worlds)
    kinds = ", ".join(f"{count} {kind}" for kind, count in of_kind.items()) or "none"
    return [
        row("healthy weeks: findings of kind leak", what, f"<= {most:g}", "0", str(of_kind["leak"]), of_kind["leak"] <= most),
        row("healthy weeks: findings of any kind", what, "", "", f"{kinds}; {early} while learning", None),
    ]


def main() -> None:
    """Measures and writes the result."""
    count, first = int(knob("SEEDS", "20")), int(knob("FIRST", "1"))
    cycles, members = tuple(knob("CYCLES", "1h").split(",")), int(knob("MEMBERS", "40"))
    sorts = knob("SORTS", "leak,healthy").split(",")
    jobs = [
        Job(first + place + (count if sort == "healthy" else 0), sort == "leak", cycles, members)
        for sort in sorts
        for place in range(count)
    ]
    worlds = [world for found in in_processes(work, jobs, told) for world in found]
    rows: list[dict[str, str]] = []
    for cycle in cycles:
        mine = [world for world in worlds if world.cycle == cycle]
        leaking, healthy = [world for world in mine if world.pipe], [world for world in mine if not world.pipe]
        rows += leak_rows(leaking, cycle) if leaking else []
        rows += healthy_rows(healthy, cycle) if healthy else []
        scored = sum((world.scored for world in mine), Scored())
        rows += score_rows(f"{len(WITHHELD)} pressures in {len(mine)} plant worlds, cycle {cycle}", scored)
    seconds = sum(world.seconds for world in worlds)
    notes = [
        "Within 4 h: that long after the leak began, a finding of kind leak is open and its first candidate lies within "
        f"{NEAR:g} m, along pipes, from the middle of one to the middle of the other. Nearer at another time does not count.",
        f"Delay: until the end of the cycle that first said leak. Withheld in all worlds: {', '.join(WITHHELD)}; coverage and "
        "RMSE over all 14 days, the first hours included.",
        f"{len(worlds)} replays of {DAYS} days took {seconds / len(worlds):.0f} s each, several at once.",
    ]
    show(rows, notes)
    if not changed_knobs(*KNOBS) or changed_knobs(*KNOBS) == ["CYCLES"]:
        write_result("twin_leaks", rows, notes, [short(world) for world in worlds])


if __name__ == "__main__":
    main()

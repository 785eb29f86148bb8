"""The same readings, the same answers: replayed twice, live beside a replay of its store, and shuffled on the way.

python benchmarks/replays.py

A plant of L-Town with a leak and a drifting sensor; its readings come interval by interval to a store, and the loop of
`live/run.py` runs over it, as `tweeling serve` does. All comparisons are of packed states, which hold everything that a twin
remembers: bit for bit. Where readings came in another order, the largest difference of any number in the state is given.

Knobs (TWEELING_BENCH_...): DAYS; CYCLE; SHUFFLED hours at the end that come in another order; MEMBERS.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common import write_result
from worlds import changed_knobs, epyt_network, in_processes, knob, l_town_sensors, plain, row, show, twin_folder

KNOBS = ("DAYS", "CYCLE", "SHUFFLED", "MEMBERS")
SEED = 5002
PIECES = 12
"""Batches in which the shuffled readings come."""
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Job:
    """What to run."""

    days: float
    cycle: str
    shuffled: int
    members: int


@dataclass(frozen=True)
class Compared:
    """What came of it; differences are relative to the largest number of the same array."""

    cycles: int
    findings: int
    revised: int
    twice: bool
    store: bool
    file: bool
    difference: float
    findings_alike: bool


def work(job: Job) -> Compared:
    """Runs the twin six ways over the same readings."""
    import tweeling as tw
    from stored import Town
    from tweeling.live.advance import make_twin
    from tweeling.live.config import read_config
    from tweeling.live.ingest.files import Grid
    from tweeling.live.replay import replay
    from tweeling.live.run import replay_store
    from tweeling.live.steps import make_steps
    from tweeling.plant.run import simulate_plant

    source = epyt_network("L-TOWN")
    with tempfile.TemporaryDirectory() as name:
        rows = l_town_sensors(tw.read_network(source))
        config = read_config(twin_folder(Path(name) / "twin", source, rows, cycle=job.cycle, members=job.members))
        steps, twin = make_steps(config), make_twin(config)
        hours = 24 * job.days
        events = [
            {"kind": "leak", "element": "random", "at": f"{round(0.8 * hours)}h", "flow_m3h": 25.0},
            {"kind": "offset", "sensor": "pressure:n458", "at": f"{round(0.85 * hours)}h", "m": 3.0},
        ]
        plant = simulate_plant(steps.network, steps.sensors, {"seed": SEED, "days": job.days, "events": events})
        print(f"{len(plant.times)} intervals of {len(rows)} sensors", flush=True)

        live = Town(Path(name) / "live", steps)
        for time_of, values in zip(plant.times.tolist(), plant.readings, strict=True):
            live.send(steps.sensors.ids, time_of, values)
            live.settle()
        live.silence()
        state, findings = live.position.state, live.store.twin.findings()
        print(f"live: {state.cycle} cycles, {len(findings)} findings", flush=True)

        kept = [packed for _, packed in iter_snapshots(live)]
        again = [steps.pack(one) for _, one, _, _ in replay_store(steps, live.store.readings, live.store.twin)]
        store = again[-1] == live.packed() and set(kept) <= set(again)
        twice = again == [steps.pack(one) for _, one, _, _ in replay_store(steps, live.store.readings, live.store.twin)]
        print(f"replays of the store: as the live run {store}, as each other {twice}", flush=True)

        grid = Grid(plant.times, plant.values)
        file = replay(twin, grid, lambda batch, info, _: None).state
        print("replay of the file done", flush=True)

        shuffled = Town(Path(name) / "shuffled", steps)
        send_shuffled(shuffled, plant.times, plant.readings, job.shuffled)
        other = shuffled.position.state
        revised = sum(cycle.reason == "revised" for cycle in shuffled.store.twin.cycles())
        compared = Compared(
            cycles=state.cycle,
            findings=len(findings),
            revised=revised,
            twice=twice,
            store=store,
            file=steps.pack(file) == live.packed(),
            difference=difference(state, other),
            findings_alike=[told(one) for one in state.findings] == [told(one) for one in other.findings],
        )
        live.close()
        shuffled.close()
    return compared


def iter_snapshots(town: Any) -> Iterator[tuple[int, bytes]]:
    """All snapshots that are kept."""
    for cycle in town.store.twin.cycles():
        kept = town.store.twin.snapshot(cycle.end)
        assert kept is not None
        yield cycle.cycle, kept[1]


def send_shuffled(town: Any, times: Any, values: Any, hours: int) -> None:
    """Readings in order, those of the last hours in batches drawn from all of them."""
    count = len(times) - 12 * hours
    ids = town.steps.sensors.ids
    for time_of, readings in zip(times[:count].tolist(), values[:count], strict=True):
        town.send(ids, time_of, readings)
        town.settle()
    n = len(ids)
    rest = np.random.default_rng(SEED).permutation((len(times) - count) * n)
    for number, part in enumerate(np.array_split(rest, PIECES)):
        interval, sensor = count + part // n, part % n
        town.send([ids[place] for place in sensor], times[interval], values[interval, sensor])
        town.settle()
        print(f"shuffled batch {number + 1}/{PIECES}", flush=True)
    town.silence()


def difference(one: Any, other: Any) -> float:
    """The largest difference of any two numbers of two states, relative to the largest of their array; inf for other shapes."""
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        names = [field.name for field in dataclasses.fields(one)]
        return max((difference(getattr(one, name), getattr(other, name)) for name in names), default=0.0)
    if isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) != len(other):
            return float("inf")
        return max((difference(a, b) for a, b in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, np.ndarray) or (isinstance(one, float) and isinstance(other, float)):
        a, b = np.asarray(one), np.asarray(other)
        if a.shape != b.shape:
            return float("inf")
        if a.dtype.kind not in "fiub" or not a.size:
            return 0.0 if (a == b).all() else float("inf")
        a, b = a.astype(float), b.astype(float)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        apart = np.where(same, 0.0, np.abs(a - b))
        scale = max(float(np.abs(a[np.isfinite(a)]).max(initial=0.0)), 1e-300)
        return float(np.nan_to_num(apart, nan=np.inf).max()) / scale
    return 0.0 if one == other else float("inf")


def told(finding: Any) -> tuple[Any, ...]:
    """What a finding says, but for its numbers."""
    return finding.id, finding.kind, finding.subject, finding.since, finding.raised, finding.closed


def main() -> None:
    """Measures and writes the result."""
    job = Job(float(knob("DAYS", "5")), knob("CYCLE", "1h"), int(knob("SHUFFLED", "20")), int(knob("MEMBERS", "100")))
    (found,) = in_processes(work, [job], at_once=1)
    what = f"L-Town, {job.days:g} days, {found.cycles} cycles of {job.cycle}, {job.members} members, {found.findings} findings"
    bits, none = "bit for bit", "another state"
    rows = [
        row("the same stored readings replayed twice", what, bits, bits, bits if found.twice else none, found.twice),
        row("live run against replay of its store", what, bits, bits, bits if found.store else none, found.store),
        row("live run against replay of the same readings in a file", what, "", "", bits if found.file else none, None),
        row(
            "shuffled arrival within revise",
            f"{what}; the last {job.shuffled} h in {PIECES} batches, {found.revised} cycles revised",
            "same final state and open findings (1e-9)",
            "",
            f"largest difference {found.difference:.1e}; findings {'alike' if found.findings_alike else 'differ'}",
            found.difference <= TOLERANCE and found.findings_alike,
        ),
    ]
    notes = [
        "States are compared as packed bytes, every snapshot that the live run kept beside the replay's. The shuffled run is "
        "compared number by number.",
    ]
    show(rows, notes)
    if not changed_knobs(*KNOBS):
        write_result("replays", rows, notes, plain(found))


if __name__ == "__main__":
    main()

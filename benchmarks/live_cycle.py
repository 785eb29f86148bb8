"""Seconds of one live cycle of L-Town (5 minutes, 100 members), where they go, and how large the snapshot of it is.

python benchmarks/live_cycle.py

The loop of `live/run.py` runs over a store on disk: each cycle reads its readings, advances the twin, packs its state and keeps
all of it in a transaction that is synced. The readings are a plant's.

Knobs (TWEELING_BENCH_...): CYCLES that are timed (after a warm-up of an hour); MEMBERS.
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from common import write_result
from worlds import changed_knobs, epyt_network, in_processes, knob, l_town_sensors, row, show, twin_folder

SEED = 5001
WARM = 12
WHOLE = "the whole cycle"
KNOBS = ("CYCLES", "MEMBERS")
PARTS = {
    "forecast": ("forecast",),
    "diagnose": ("diagnose",),
    "assimilate": ("assimilate", "predict", "members_of", "analyse", "learn"),
    "score and report": ("watch", "scored", "revised", "bands"),
}
"""What of `advance` counts as what."""


class Stopwatch:
    """Seconds by name; a function that is timed counts for as long as it runs."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._now: dict[str, float] = defaultdict(float)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._now[name] += time.perf_counter() - began

        return run

    def lap(self, total: float) -> None:
        """Ends a cycle."""
        self._now[WHOLE] = total
        for name, seconds in self._now.items():
            self.seconds[name].append(seconds)
        self.forget()

    def forget(self) -> None:
        """What was timed since the last lap does not count."""
        self._now.clear()


@dataclass(frozen=True)
class Job:
    """How many cycles are timed, with how many members."""

    cycles: int
    members: int


@dataclass(frozen=True)
class Timed:
    """Seconds of each cycle, by part; bytes of each snapshot; how many sensors there were."""

    seconds: dict[str, list[float]]
    sizes: list[int]
    n_sensors: int


def work(job: Job) -> Timed:
    """Runs the cycles and times them."""
    import tweeling as tw
    from stored import Town
    from tweeling.live import advance as module
    from tweeling.live.config import read_config
    from tweeling.live.steps import make_steps
    from tweeling.plant.run import simulate_plant

    watch, sizes, source = Stopwatch(), list[int](), epyt_network("L-TOWN")
    for part, names in PARTS.items():
        for name in names:
            setattr(module, name, watch.timed(part, getattr(module, name)))
    with tempfile.TemporaryDirectory() as name:
        rows = l_town_sensors(tw.read_network(source))
        config = twin_folder(Path(name), source, rows, cycle="5min", members=job.members)
        steps = make_steps(read_config(config))
        world = {"seed": SEED, "days": (WARM + job.cycles + 2) / 288}  # the last two wait for stragglers
        plant = simulate_plant(steps.network, steps.sensors, world)
        town = Town(Path(name), dataclasses.replace(steps, pack=watch.timed("pack the snapshot", steps.pack)))
        town.store.twin.save = watch.timed("keep in the store", town.store.twin.save)  # type: ignore[method-assign]
        for time_of, values in zip(plant.times.tolist(), plant.readings, strict=True):
            town.send(steps.sensors.ids, time_of, values)
            before, began = town.position.last, time.perf_counter()
            town.settle()
            seconds, last = time.perf_counter() - began, town.position.last
            if last is before or last is None or last.cycle < WARM:
                watch.forget()
                continue
            watch.lap(seconds)
            sizes.append(len(town.packed()))
            if len(sizes) % 24 == 0:
                print(f"{len(sizes)} cycles, median {median(watch.seconds[WHOLE]):.3f} s", flush=True)
        town.close()
    return Timed(dict(watch.seconds), sizes, len(rows))


def main() -> None:
    """Measures and writes the result."""
    job = Job(int(knob("CYCLES", "288")), int(knob("MEMBERS", "100")))
    (timed,) = in_processes(work, [job], at_once=1)
    whole = timed.seconds[WHOLE]
    what = f"L-Town, {timed.n_sensors} sensors, {job.members} members, {len(whole)} cycles of 5 min"
    parts = [f"{name} {1000 * median(seconds):.0f} ms" for name, seconds in timed.seconds.items() if name != WHOLE]
    told = f"median {median(whole):.3f} s, 95 % within {quantiles(whole, n=20)[18]:.3f} s"
    rows = [
        row("live cycle", what, "<= 2 s", "0.2 s", told, median(whole) <= 2),
        row("live cycle: where it goes", what, "", "", f"median of each: {', '.join(parts)}", None),
        row("snapshot", what, "", "", f"{median(timed.sizes) / 2**20:.2f} MiB", None),
    ]
    notes = [
        "From the readings' being in the store to the cycle's being on disk: read, advance, pack, commit.",
        f"The first {WARM} cycles are not counted.",
    ]
    show(rows, notes)
    if not changed_knobs(*KNOBS):
        write_result("live_cycle", rows, notes, {"seconds": timed.seconds})


if __name__ == "__main__":
    main()

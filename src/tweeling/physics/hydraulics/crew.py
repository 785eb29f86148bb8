"""Takes the members of a run through time: chunks of members in threads, windows of report times.

A chunk is what goes through a step together, a window what a keeper wants to hear of at once (see `keep.py`). The results of
a member depend on neither, nor on the number of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from tweeling.errors import InputError
from tweeling.network.network import Ints, Network
from tweeling.network.priors import Beliefs, draw
from tweeling.physics.hydraulics.contract import Codes, Engine, StoppingRule
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.energy import PumpEnergy
from tweeling.physics.hydraulics.inputs import Inputs
from tweeling.physics.hydraulics.keep import Arrays, Keeper
from tweeling.physics.hydraulics.period import Moment, Period, PeriodState, first_state, joined, step

CHUNK_VALUES = 2**21
"""Numbers per quantity in a chunk: enough to spread the cost of Python over members, few enough to fit in memory and cache."""
LANES = 64
"""The largest chunk is a whole multiple of this."""
CHUNK_WORK = 20_000
"""Members times links that are worth a chunk and a thread of their own: with less, threads wait for the interpreter."""

Progress = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(eq=False)
class Tally:
    """What is known of the members when the run is over; each row is written by one thread."""

    outcome: Codes
    time: Ints
    culprit: Ints
    steps: Ints
    iterations: Ints
    energy: PumpEnergy

    @staticmethod
    def of(n_members: int, n_pumps: int) -> Tally:
        zeros = np.zeros(n_members, dtype=np.int64)
        return Tally(
            outcome=np.zeros(n_members, dtype=np.int8),
            time=zeros - 1,
            culprit=zeros - 1,
            steps=zeros.copy(),
            iterations=zeros.copy(),
            energy=PumpEnergy.none(n_members, n_pumps),
        )

    def count(self, members: slice | Ints, moment: Moment) -> None:
        """Adds a step of some members."""
        solution = moment.solution
        self.steps[members] += 1
        self.iterations[members] += solution.iterations
        worse = solution.outcome > self.outcome[members]
        if worse.any():
            for mine, theirs in ((self.outcome, solution.outcome), (self.time, moment.time), (self.culprit, solution.culprit)):
                mine[members] = np.where(worse, theirs, mine[members])

    def finish(self, members: Ints, energy: PumpEnergy) -> None:
        """Takes over what the pumps have used."""
        for name, array in vars(energy).items():
            getattr(self.energy, name)[members] = array


@dataclass(frozen=True, eq=False)
class Job:
    """A run that is ready to start."""

    period: Period
    inputs: Inputs
    beliefs: Beliefs | None
    seed: int | None
    engine: Engine
    rule: StoppingRule
    duration: int
    times: Ints
    tally: Tally
    progress: Progress | None

    def work(self, keeper: Keeper) -> None:
        """Takes all members through all windows."""
        threads, chunks = thread_count(), chunks_of(self.period.plan.network, self.inputs.n_members)
        crew = Crew(self, keeper)
        with ThreadPoolExecutor(threads, thread_name_prefix="tweeling") as pool:
            try:
                if keeper.together:
                    places: list[Place | None] = [None] * len(chunks)
                    for window in keeper.windows:
                        pairs = zip(chunks, places, strict=True)
                        places = list(_all([pool.submit(crew.pass_window, *pair, window) for pair in pairs]))
                        _all([pool.submit(keeper.passed, window, position) for position in window])
                else:
                    _all([pool.submit(crew.pass_all, members) for members in chunks])
            except BaseException:
                crew.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def drivers(self, members: range) -> Drivers:
        """What drives some members."""
        plan = self.period.plan
        drivers = Drivers.of(plan)
        if (demand := self.inputs.rows("demand", members)) is not None:
            drivers = drivers.with_demand(plan.network, demand)
        drivers = drivers.replaced(
            **{name: self.inputs.rows(name, members) for name in ("roughness", "leak_area", "leak_growth")}
        )
        if self.beliefs is not None and self.seed is not None:
            factors = draw(plan.network, self.beliefs, self.seed, members)
            drivers = drivers.with_demand_factor(factors.demand)
            if self.beliefs.roughness_sd > 0:
                drivers = drivers.replaced(roughness=drivers.roughness * factors.roughness)
        return drivers

    def start(self, members: range, drivers: Drivers) -> PeriodState:
        """The first state of some members."""
        start = {name: self.inputs.rows(name, members) for name in ("level", "status", "setting")}
        return first_state(self.period, len(members), drivers, **start)


@dataclass(frozen=True, eq=False)
class Place:
    """Where a chunk of members stands between windows."""

    drivers: Drivers
    state: PeriodState


class Crew:
    """Takes chunks of members through windows, in threads."""

    def __init__(self, job: Job, keeper: Keeper) -> None:
        self.job, self.keeper = job, keeper
        self.stop = threading.Event()
        self._lock, self._done = threading.Lock(), 0

    def pass_all(self, members: range) -> None:
        """A chunk from the first to the last window."""
        place: Place | None = None
        for window in self.keeper.windows:
            place = self.pass_window(members, place, window)

    def pass_window(self, members: range, place: Place | None, window: range) -> Place:
        """A chunk through one window; `place` is where it stands, None at the start."""
        job = self.job
        if place is None:
            drivers = job.drivers(members)
            place = Place(drivers, job.start(members, drivers))
        arrays = self.keeper.arrays(members, window)
        last = window.stop == len(job.times)
        end = job.duration if last else int(job.times[window.stop - 1])
        arrived = self._until(members, place, window, end, arrays)
        self.keeper.filled(members, window, arrays)
        if not last:
            return Place(place.drivers, joined(arrived))
        for rows, state in arrived:
            job.tally.finish(rows + members.start, state.energy)
        return place

    def _until(self, members: range, place: Place, window: range, end: int, arrays: Arrays) -> list[tuple[Ints, PeriodState]]:
        """Steps until every member has had its steady state at `end`; states with the rows of their members in the chunk."""
        job = self.job
        rows = np.arange(len(members))
        drivers, state = place.drivers, place.state
        arrived: list[tuple[Ints, PeriodState]] = []
        while True:
            if self.stop.is_set():
                raise CancelledError
            state, moment = step(job.period, state, drivers, job.engine, job.rule, until=job.duration)
            whole = slice(members.start, members.stop)
            job.tally.count(whole if len(rows) == len(members) else rows + members.start, moment)
            self._report(rows, moment, window, arrays)
            there = moment.time >= end
            if there.all():
                arrived.append((rows, state))
                return arrived
            if there.any():
                done, going = np.flatnonzero(there), np.flatnonzero(~there)
                arrived.append((rows[done], state.rows(done)))
                rows, state, drivers = rows[going], state.rows(going), drivers.rows(going)

    def _report(self, rows: Ints, moment: Moment, window: range, arrays: Arrays) -> None:
        """Writes the steady states that stand at report times into the window's arrays."""
        job = self.job
        times = job.times[window.start : window.stop]
        position = np.searchsorted(times, moment.time)
        due = np.flatnonzero(np.take(times, position, mode="clip") == moment.time)
        if not due.size:
            return
        together = len(due) == len(moment.time) and bool((position == position[0]).all())
        for name, array in arrays.items():
            values = self.keeper.selection.pick(name, moment.solution, job.period.plan.network)
            if together and len(rows) == len(array):
                array[:, position[0]] = values
            else:
                array[rows[due], position[due]] = values[due]
        self._tell(len(due))

    def _tell(self, count: int) -> None:
        if self.job.progress is None:
            return
        with self._lock:
            self._done += count
            self.job.progress(self._done, self.job.inputs.n_members * len(self.job.times))


def chunks_of(network: Network, n_members: int) -> list[range]:
    """Members in chunks of one size: as many as keep all threads busy, each with enough to do."""
    busy = max(1, min(thread_count(), n_members * len(network.links) // CHUNK_WORK))
    count = -(-n_members // (chunk_size(network) * busy)) * busy
    edges = [n_members * chunk // count for chunk in range(count + 1)]
    return [range(first, last) for first, last in pairwise(edges) if first < last]


def chunk_size(network: Network) -> int:
    """Members that go through a step together, at most."""
    values = len(network.nodes) + len(network.links)
    return max(LANES, CHUNK_VALUES // max(values, 1) // LANES * LANES)


def thread_count() -> int:
    """Threads to work with: `TWEELING_THREADS`, else the cores that this process may use.

    Raises:
        InputError: `TWEELING_THREADS` is no whole number of at least 1.
    """
    wish = os.environ.get("TWEELING_THREADS")
    if wish is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not wish.isdecimal() or int(wish) < 1:
        raise InputError(f"TWEELING_THREADS is {wish!r}; it must be a whole number of at least 1")
    return int(wish)


def _all(futures: Sequence[Future[Result]]) -> list[Result]:
    """Results of all, in their order; the first failure is raised as soon as it happens."""
    for future in as_completed(futures):
        future.result()
    return [future.result() for future in futures]

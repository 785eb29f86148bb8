"""`tweeling.simulate`: an extended period of a network, for one member or many.

    network, beliefs, inputs -> drivers and first state of each chunk of members       `drivers`, `network.priors`
                             -> step after step, in threads                            `period`, `crew`
                             -> kept in memory, as bands, or in a file                 `keep`, `netcdf`

Chunks of members run in threads (as many as `TWEELING_THREADS` says, else the cores there are; engines release the
interpreter's lock). The results of a member do not depend on its chunk, so they do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.errors import InputError
from tweeling.network.network import Floats, Ints, Network
from tweeling.network.priors import Beliefs
from tweeling.physics.hydraulics.clock import duration_of, report_times
from tweeling.physics.hydraulics.contract import Codes, Engine, Outcome, StoppingRule
from tweeling.physics.hydraulics.crew import Job, Progress, Tally, chunk_size
from tweeling.physics.hydraulics.energy import PumpEnergy
from tweeling.physics.hydraulics.inputs import Inputs
from tweeling.physics.hydraulics.keep import LEVELS, Arrays, Bands, InMemory, Selection
from tweeling.physics.hydraulics.netcdf import NetCdf, netcdf_file
from tweeling.physics.hydraulics.quantities import QUANTITIES, USUAL
from tweeling.physics.hydraulics.steady import compiled_period, culprit_id, default_engine, period_with_course


@dataclass(frozen=True, eq=False)
class RunInfo:
    """How the members fared.

    Args:
        outcome: worst `Outcome` of all steady states; (member,), int8.
        time: s when it first happened, -1 where all went well; (member,).
        culprit: id of the element that it was about, "" where all went well; per member.
        steps: steady states solved; iterations: of all together; (member,).
    """

    outcome: Codes
    time: Ints
    culprit: tuple[str, ...]
    steps: Ints
    iterations: Ints

    @property
    def status(self) -> npt.NDArray[np.str_]:
        """`ok`, `unsupplied`, `unbalanced` or `cycling`: the worst of all steady states; (member,), text."""
        return np.array([outcome.name.lower() for outcome in Outcome])[self.outcome]

    def __repr__(self) -> str:
        counts = [f"{int((self.outcome == o).sum())} {o.name}" for o in Outcome if (self.outcome == o).any()]
        return (
            f"<RunInfo: {', '.join(counts)}; {self.steps.mean():.1f} steps, {self.iterations.mean():.1f} iterations a member>"
        )


@dataclass(frozen=True, eq=False)
class Run:
    """What a simulation gives. SI throughout; NaN where there is no supply.

    Args:
        times: of the reports, s since the start; (time,).
        node_ids, junction_ids, link_ids: of the elements that are kept, in the network's order.
        elevation: m; (node,), of the nodes that are kept.
        results: what is kept by quantity: (member, time, element), or (level, time, element) when bands are kept.
        levels: quantiles that bands give, else empty.
        energy: of pumps, in the order of `Network.pumps`.
        info: how the members fared.
        seed: that members were drawn with; None when nothing was drawn.
        path: of the file that holds the results, or None.
    """

    times: Ints
    node_ids: tuple[str, ...]
    junction_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    elevation: Floats
    results: Arrays
    levels: tuple[float, ...]
    energy: PumpEnergy
    info: RunInfo
    seed: int | None
    path: Path | None

    @property
    def head(self) -> npt.NDArray[Any]:
        """Head of nodes, m."""
        return self._result("head")

    @property
    def pressure(self) -> npt.NDArray[Any]:
        """Pressure of nodes, m: head minus elevation."""
        return self.results["pressure"] if "pressure" in self.results else self._result("head") - self.elevation

    @property
    def demand(self) -> npt.NDArray[Any]:
        """Consumption of junctions that is delivered, leaks and emitters not included, m3/s."""
        return self._result("demand")

    @property
    def flow(self) -> npt.NDArray[Any]:
        """Flow of links, positive from start to end, m3/s."""
        return self._result("flow")

    @property
    def status(self) -> npt.NDArray[Any]:
        """Status of links: 0 closed, 1 open, 2 regulating; int8."""
        return self._result("status")

    @property
    def emitter(self) -> npt.NDArray[Any]:
        """Outflow of emitters at junctions, m3/s."""
        return self._result("emitter")

    @property
    def leak(self) -> npt.NDArray[Any]:
        """Outflow of leaks at junctions, m3/s."""
        return self._result("leak")

    def _result(self, quantity: str) -> npt.NDArray[Any]:
        if quantity in self.results:
            return self.results[quantity]
        if self.path is not None:
            raise InputError(f"the results of this run are in {self.path}; xarray.open_dataset opens it")
        raise InputError(f"this run has not kept {quantity!r} but {', '.join(self.results)}; see `keep` and `quantities`")

    def __repr__(self) -> str:
        kept = f"in {self.path}" if self.path else ", ".join(f"{name} {array.shape}" for name, array in self.results.items())
        return f"<Run: {len(self.info.steps)} members, {len(self.times)} times, {kept}>"


def simulate(
    network: Network,
    *,
    hours: float,
    members: int = 1,
    beliefs: Beliefs | Mapping[str, float] | None = None,
    rng: np.random.Generator | int | None = None,
    demand: npt.ArrayLike | None = None,
    roughness: npt.ArrayLike | None = None,
    setting: npt.ArrayLike | None = None,
    status: npt.ArrayLike | None = None,
    leak_area: npt.ArrayLike | None = None,
    leak_growth: npt.ArrayLike | None = None,
    pipe_leak_area: npt.ArrayLike | None = None,
    pipe_leak_growth: npt.ArrayLike | None = None,
    level: npt.ArrayLike | None = None,
    accuracy: float | None = None,
    keep: str | Path | Sequence[str] = "all",
    quantities: Sequence[str] | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulates a network in time.

    Steps, controls and rules follow EPANET 2.3; every member has a clock of its own. Reports come when the file's report start
    and step say, up to `hours`. Every input is (member, element) or (element,); None takes the file's.

    Args:
        network: what lies in the ground.
        hours: how long; 0 is one steady state.
        members: how many; an input with more rows sets it.
        beliefs: what is uncertain, as `Beliefs` or a mapping of its names; None draws nothing: members differ by inputs only.
        rng: what members are drawn with: a generator or a seed; None draws a new seed, see `Run.seed`.
        demand: base demands before patterns, m3/s; (junction). They replace all categories of the file, and follow the pattern
            of the junction's first category.
        roughness: as `Links.roughness`; (link).
        setting: at the start, as `Links.setting`; (link).
        status: at the start, 0 closed, 1 open, 2 regulating; (link). A control valve that is not regulating stays as it is.
        leak_area: A, area of leaks at no pressure, m2; (junction). 0.75 (A + m p) sqrt(2 g p) leaks, on top of the file's.
        leak_growth: m, how their area grows with pressure p, m2 per m; (junction).
        pipe_leak_area, pipe_leak_growth: of all leaks along a pipe together; half acts at each end; (link).
        level: at the start, m above the bottom of tanks; (tank).
        accuracy: stop when no more than this part of all flow is left to move; None stops when losses are right to 1e-7 m.
        keep: 'all'; ids of nodes and links; 'bands' for the quantiles 0.05, 0.5 and 0.95 over the members; or a path (a `Path`,
            or a text that ends in .nc) of a netCDF file to write.
        quantities: what is kept of `head pressure demand flow status emitter leak`; None keeps the first five, and emitters
            and leaks where there are any. In memory `pressure` costs nothing as long as `head` is kept.
        engine: solves the steady states; None takes the fastest.
        progress: called with the work done and the work in all, from any thread, never twice at once.

    Raises:
        InputError: an input of the wrong shape or with impossible numbers.
        TooLargeError: 'all' would not fit in memory.
    """
    inputs = Inputs.of(
        network,
        members,
        demand=demand,
        roughness=roughness,
        setting=setting,
        status=status,
        leak_area=leak_area,
        leak_growth=leak_growth,
        pipe_leak_area=pipe_leak_area,
        pipe_leak_growth=pipe_leak_growth,
        level=level,
    )
    duration = duration_of(hours)
    seed = None if beliefs is None else _seed(rng)
    engine, rule = engine or default_engine(), StoppingRule(accuracy=accuracy)
    as_filed = beliefs is None and not inputs.given
    period = compiled_period(network) if as_filed else period_with_course(network, engine, rule, duration)
    job = Job(
        period=period,
        inputs=inputs,
        beliefs=None if beliefs is None else Beliefs.of(beliefs),
        seed=seed,
        engine=engine,
        rule=rule,
        duration=duration,
        times=report_times(network.times, duration),
        tally=Tally.of(inputs.n_members, len(network.pumps.link)),
        progress=progress,
    )
    return _run(job, keep, _quantities(job, keep, quantities))


def _run(job: Job, keep: str | Path | Sequence[str], quantities: tuple[str, ...]) -> Run:
    network, n_members, n_times = job.period.plan.network, job.inputs.n_members, len(job.times)
    path = _path(keep)
    elements = None if isinstance(keep, str | Path) else keep
    selection = Selection.of(network, quantities, elements)
    results: Arrays = {}
    levels: tuple[float, ...] = ()
    if path is not None:
        origin = {"seed": "none" if job.seed is None else str(job.seed), "title": "\n".join(network.title)}
        with netcdf_file(path, network, selection, job.times, n_members, origin) as file:
            job.work(NetCdf(file, selection, n_members, n_times, chunk_size(network)))
    elif keep == "bands":
        bands = Bands(selection, n_members, n_times)
        job.work(bands)
        results, levels = bands.results, LEVELS
    else:
        memory = InMemory(selection, n_members, n_times)
        job.work(memory)
        results = memory.results
    nodes = range(len(network.nodes)) if selection.nodes is None else selection.nodes
    links = range(len(network.links)) if selection.links is None else selection.links
    node_ids = tuple(network.nodes.ids[i] for i in nodes)
    return Run(
        times=job.times,
        node_ids=node_ids,
        junction_ids=node_ids[: selection.n_junctions],
        link_ids=tuple(network.links.ids[i] for i in links),
        elevation=network.nodes.elevation[list(nodes)],
        results=results,
        levels=levels,
        energy=job.tally.energy,
        info=_info(network, job.tally),
        seed=job.seed,
        path=path,
    )


def _path(keep: str | Path | Sequence[str]) -> Path | None:
    """The file that `keep` names, or None.

    Raises:
        InputError: a text that is neither a word nor a netCDF file.
    """
    if isinstance(keep, Path):
        return keep
    if not isinstance(keep, str) or keep in ("all", "bands"):
        return None
    if keep.endswith(".nc"):
        return Path(keep)
    raise InputError(f"keep is {keep!r}; it may be 'all', 'bands', a list of ids, or a path that ends in .nc")


def _quantities(job: Job, keep: str | Path | Sequence[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the quantities to keep."""
    if wanted is not None:
        for name in wanted:
            if name not in QUANTITIES:
                raise InputError(f"there is no quantity {name!r}; there are {', '.join(QUANTITIES)}")
        return tuple(dict.fromkeys(wanted))
    plan = job.period.plan
    extra = ["pressure"] if _path(keep) is not None else []
    if plan.network.nodes.emitter.any():
        extra.append("emitter")
    holes = job.inputs.leak_area is not None or job.inputs.leak_growth is not None
    if plan.leak_fixed.any() or plan.leak_variable.any() or holes:
        extra.append("leak")
    return (*USUAL, *extra)


def _seed(rng: np.random.Generator | int | None) -> int:
    """The number that all members are drawn from."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if rng is None:
        return int(np.random.default_rng().integers(2**63))
    return int(rng)


def _info(network: Network, tally: Tally) -> RunInfo:
    """How the members fared, with elements by id."""
    found = zip(tally.outcome.tolist(), tally.culprit.tolist(), strict=True)
    culprit = tuple(culprit_id(network, outcome, element) for outcome, element in found)
    return RunInfo(tally.outcome, tally.time, culprit, tally.steps, tally.iterations)

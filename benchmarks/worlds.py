"""Worlds for benchmarks of the twin: L-Town with its sensors, and how findings meet leaks that are true.

How large a benchmark runs is told by the environment, so that it can be tried small: each script names its knobs. A run that is
smaller than its table prints its rows and writes no result.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields, is_dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from common import package_folder
from tweeling.plant import l_town

if TYPE_CHECKING:
    from tweeling.finding import Finding
    from tweeling.network.network import Network

Job = TypeVar("Job")
Result = TypeVar("Result")

HOUR = 3_600_000_000
"""Microseconds."""


def knob(name: str, usual: str) -> str:
    """`TWEELING_BENCH_{name}` of the environment."""
    return os.environ.get(f"TWEELING_BENCH_{name}", usual)


def changed_knobs(*names: str) -> list[str]:
    """Those of some knobs that are set: then the run is not the table's."""
    return [name for name in names if f"TWEELING_BENCH_{name}" in os.environ]


def epyt_network(name: str) -> Path:
    """A network of the package epyt."""
    return next((package_folder("epyt") / "networks").rglob(f"{name}.inp"))


def l_town_sensors(network: Network) -> list[tuple[str, str, str, str, float]]:
    """Rows of `sensors.csv`, as the demo has them."""
    return [(row.id, row.quantity, row.element, row.unit, row.std) for row in l_town.l_town_sensors(network)]


def twin_folder(
    folder: Path,
    network: Path,
    sensors: Iterable[Sequence[object]],
    *,
    cycle: str = "1h",
    withhold: Sequence[str] = (),
    members: int = 100,
    catch_up: str = "",
) -> Path:
    """Makes a folder for a twin; gives its TWIN.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.inp").write_bytes(network.read_bytes())
    with open(folder / "sensors.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sensor", "quantity", "element", "unit", "std"), *sensors])
    withheld = ", ".join(f'"{name}"' for name in withhold)
    (folder / "TWIN.toml").write_text(
        'network = { file = "network.inp", pattern_zero = "2018-01-01T00:00:00Z" }\n'
        f'sensors = {{ file = "sensors.csv", interval = "5min", withhold = [{withheld}] }}\n'
        f'time = {{ cycle = "{cycle}", catch_up = "{catch_up or cycle}", '
        'lateness = "10min", revise = "24h", give_up = "15min" }\n'
        f"ensemble = {{ members = {members}, seed = 1 }}\n",
        encoding="utf-8",
    )
    return folder / "TWIN.toml"


@dataclass(frozen=True)
class Said:
    """What a finding said from some moment on.

    Args:
        at: end of the cycle that said so, microseconds since 1970 UTC.
        id, kind, first: of the finding; its first candidate, "" for none.
        since, raised, closed: as it said.
        probability: of its kind among the causes.
        size: of a leak, median, low and high, m3/h.
    """

    at: int
    id: str
    kind: str
    first: str
    since: int
    raised: int
    closed: int | None
    probability: float
    size: tuple[float, float, float] | None


def said(at: int, finding: Finding) -> Said:
    """What a finding says at the end of a cycle."""
    size = finding.size
    return Said(
        at=at,
        id=finding.id,
        kind=finding.kind,
        first=finding.candidates[0].element if finding.candidates else "",
        since=finding.since,
        raised=finding.raised,
        closed=finding.closed,
        probability=finding.causes[finding.kind],
        size=None if size is None else (3600 * size.median, 3600 * size.low, 3600 * size.high),
    )


def standing(history: Sequence[Said], at: int, kind: str = "leak") -> list[Said]:
    """Open findings of a kind as they stand at a moment."""
    last: dict[str, Said] = {}
    for one in history:
        if one.at <= at:
            last[one.id] = one
    return [one for one in last.values() if one.kind == kind and (one.closed is None or one.closed > at)]


def first_of(history: Sequence[Said], kind: str | None = None) -> list[Said]:
    """What each finding said when it first was of a kind (None: of any)."""
    first: dict[str, Said] = {}
    for one in history:
        if kind is None or one.kind == kind:
            first.setdefault(one.id, one)
    return list(first.values())


@dataclass(frozen=True)
class Scored:
    """Sums over readings of withheld pressures, as the scorecard keeps them, so that worlds can be pooled."""

    n: float = 0.0
    square: float = 0.0
    square_open: float = 0.0
    within90: float = 0.0

    @staticmethod
    def of(state: Any, before: Any = None) -> Scored:
        """Of a twin's state; less those of an earlier one."""
        sums = state.score.sums.sum(axis=0) - (before.score.sums.sum(axis=0) if before is not None else 0.0)
        n, square, square_open, _, within90, _ = sums.tolist()
        return Scored(n, square, square_open, within90)

    def __add__(self, other: Scored) -> Scored:
        return Scored(
            self.n + other.n,
            self.square + other.square,
            self.square_open + other.square_open,
            self.within90 + other.within90,
        )

    @property
    def coverage(self) -> float:
        """Share of readings within the 90 % band."""
        return self.within90 / self.n

    @property
    def rmse(self) -> float:
        """m; of the twin's median."""
        return float((self.square / self.n) ** 0.5)

    @property
    def rmse_open(self) -> float:
        """m; of the file as it is."""
        return float((self.square_open / self.n) ** 0.5)


def score_rows(what: str, scored: Scored) -> list[dict[str, str]]:
    """The two rows of withheld sensors."""
    coverage, change = 100 * scored.coverage, 100 * (scored.rmse / scored.rmse_open - 1)
    told = f"{scored.rmse:.3f} m beside {scored.rmse_open:.3f} m: {change:+.0f} %"
    return [
        row("withheld sensors: 90 % band holds", what, "80-97 %", "85-95 %", f"{coverage:.1f} %", 80 <= coverage <= 97),
        row("withheld sensors: RMSE beside the open loop", what, "not worse", "-30 %", told, change <= 0),
    ]


def row(name: str, what: str, at_least: str, aim: str, measured: str, met: bool | None) -> dict[str, str]:
    """A row of the page; `met` None where nothing was asked."""
    verdict = "stated" if met is None else "met" if met else "short"
    return {"row": name, "what": what, "at_least": at_least, "aim": aim, "measured": measured, "verdict": verdict}


def show(rows: Iterable[Mapping[str, str]], notes: Sequence[str] = ()) -> None:
    """Prints rows and notes."""
    for one in rows:
        wanted = f" (at least {one['at_least']}, aim {one['aim']})" if one["at_least"] else ""
        print(f"{one['verdict']:>6}  {one['row']}; {one['what']}: {one['measured']}{wanted}", flush=True)
    for note in notes:
        print(f"        {note}", flush=True)


def plain(value: Any) -> Any:
    """Dataclasses, tuples and numbers as JSON has them; what is not finite is null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def in_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], say: Callable[[Result], str] | None = None, at_once: int = 0
) -> list[Result]:
    """Does jobs in processes of their own, whose algebra library keeps to one thread as that of the twin's process does.

    Args:
        work: a function of a module's top level.
        jobs: what it is called with.
        say: what is printed of each result; None for nothing.
        at_once: processes; 0 for `TWEELING_BENCH_PROCESSES`, else two, or as many as there are cores. They share the cores.

    Returns:
        Results in the order of the jobs.
    """
    cores = os.cpu_count() or 1
    at_once = at_once or int(knob("PROCESSES", str(min(2, cores))))
    os.environ.setdefault("TWEELING_THREADS", str(max(cores // at_once, 1)))
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    found: dict[int, Result] = {}
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(work, job): place for place, job in enumerate(jobs)}
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            if say is not None:
                print(f"[{len(found)}/{len(jobs)}] {say(found[waiting[done]])}", flush=True)
    return [found[place] for place in range(len(jobs))]

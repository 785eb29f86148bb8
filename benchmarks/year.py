"""A real year of a town, replayed: how long it takes, which leaks are found, how soon and how near, and what is cried in vain.

make bench ONLY=year DATA=folder

The year is `l-town-2018` of the data outside this repository: BattLeDIM-R, the year of the BattLeDIM competition rebuilt (see
the README there). Results on it are never the competition's own. Its labels are used here alone; the twin does not see them.

Knobs (TWEELING_BENCH_...): DAYS of the year, from its beginning; CYCLE; MEMBERS.
"""

from __future__ import annotations

import csv
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from common import data_folder, write_result
from tweeling.network.ways import Ways
from tweeling.plant.compare import NEAR
from tweeling.plant.l_town import WITHHELD
from worlds import (
    HOUR,
    Said,
    Scored,
    changed_knobs,
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

KNOBS = ("DAYS", "CYCLE", "MEMBERS")
NAME = "BattLeDIM-R"


@dataclass(frozen=True)
class Leak:
    """A leak that is true; microseconds since 1970 UTC."""

    pipe: str
    start: int
    end: int


@dataclass(frozen=True)
class Match:
    """A finding of kind leak beside the truth, at one moment of it.

    Args:
        said: what it said.
        leak: the nearest leak that was running when it was raised, None where none was.
        metres: to it.
    """

    said: Said
    leak: Leak | None
    metres: float


def read_leaks(path: Path) -> list[Leak]:
    """The labels, in the order of their start."""

    def moment(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)

    with open(path, encoding="utf-8", newline="") as file:
        rows = [Leak(row["pipe"], moment(row["start"]), moment(row["end"])) for row in csv.DictReader(file)]
    return sorted(rows, key=lambda leak: leak.start)


def matched(ways: Ways, leaks: list[Leak], first: Said, now: Said) -> Match:
    """A finding, as it now is, beside the leaks that were running when it was raised."""
    running = [leak for leak in leaks if leak.start <= first.at <= leak.end]
    metres = [ways.metres(leak.pipe, [now.first])[0] for leak in running]
    if not running:
        return Match(now, None, float("inf"))
    best = min(range(len(running)), key=metres.__getitem__)
    return Match(now, running[best], metres[best])


def found_in(matches: list[Match]) -> dict[str, Match]:
    """The first match of each leak that is near."""
    found: dict[str, Match] = {}
    for match in matches:
        if match.leak is not None and match.metres <= NEAR:
            found.setdefault(match.leak.pipe, match)
    return found


def leak_rows(ways: Ways, leaks: list[Leak], history: list[Said], what: str) -> tuple[list[dict[str, str]], Any]:
    """What is said of the year's leaks, and all matches for the details."""
    raised = first_of(history, "leak")
    last = {one.id: one for one in history}
    at_first = [matched(ways, leaks, one, one) for one in raised]
    at_last = [matched(ways, leaks, one, last[one.id]) for one in raised]
    found, found_last = found_in(at_first), found_in(at_last)
    vain = sum(match.metres > NEAR for match in at_first)
    vain_both = sum(one.metres > NEAR and other.metres > NEAR for one, other in zip(at_first, at_last, strict=True))
    again = len(raised) - vain - len(found)
    hours = [(match.said.at - match.leak.start) / HOUR for match in found.values() if match.leak]
    delay = f"median {median(hours):.1f} h and {median(m.metres for m in found.values()):.0f} m" if found else "none found"
    others: dict[str, int] = {}
    for one in first_of(history):
        if one.kind != "leak":
            others[one.kind] = others.get(one.kind, 0) + 1
    rows = [
        row(
            f"leaks found: first candidate <= {NEAR:g} m of pipe away",
            what,
            "",
            "",
            f"{len(found)} of {len(leaks)} when raised, {len(found_last)} at the last revision",
            None,
        ),
        row(
            "false alarms: findings of kind leak near no running leak",
            what,
            "",
            "",
            f"{vain} when raised, of which {vain_both} at the last revision too; {again} more named a leak again",
            None,
        ),
        row("delay from a leak's start, and distance", what, "", "", delay, None),
        row(
            "findings of other kinds",
            what,
            "",
            "",
            ", ".join(f"{count} {kind}" for kind, count in others.items()) or "none",
            None,
        ),
    ]
    for one, other in zip(at_first, at_last, strict=True):
        beside = f"{one.leak.pipe} {one.metres:.0f} m, in the end {other.metres:.0f} m" if one.leak else "no leak runs"
        print(f"{datetime.fromtimestamp(one.said.at / 1e6, UTC):%d %b %H:%M} {one.said.id} at {one.said.first}: {beside}")
    return rows, {"at_first": at_first, "at_last": at_last}


@dataclass(frozen=True)
class Job:
    """What to replay: the folder of the year, how many days, and with what."""

    data: Path
    days: int
    cycle: str
    members: int


@dataclass(frozen=True)
class Year:
    """What came of it.

    Args:
        history: all that findings said.
        scored: of the withheld pressures.
        end: of the last cycle, microseconds since 1970 UTC.
        ready, minutes: s before the first cycle, min in all. cycle: mean of a cycle, s.
    """

    history: list[Said]
    scored: Scored
    end: int
    ready: float
    minutes: float
    cycle: float


def work(job: Job) -> Year:
    """Replays the year."""
    from tweeling.live.advance import make_twin
    from tweeling.live.config import read_config
    from tweeling.live.ingest.files import Grid, read_grid
    from tweeling.live.replay import replay

    began, history = time.perf_counter(), list[Said]()
    with open(job.data / "sensors.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    with tempfile.TemporaryDirectory() as name:
        network = job.data / "network.inp"
        config = twin_folder(Path(name), network, rows, cycle=job.cycle, withhold=WITHHELD, members=job.members)
        twin = make_twin(read_config(config))
    grid = read_grid(job.data / "readings.parquet", twin.sensors)
    grid = Grid(*(table[: job.days * 288] for table in grid))
    ready = time.perf_counter() - began

    def progress(done: int, of: int) -> None:
        if done % max(of // 52, 1) == 0 or done == of:
            minutes, leaks = (time.perf_counter() - began) / 60, len(first_of(history, "leak"))
            print(f"{done}/{of} cycles in {minutes:.1f} min; {leaks} findings of kind leak", flush=True)

    done = replay(twin, grid, lambda batch, info, _: history.extend(said(batch.end, one) for one in info.changed), progress)
    minutes = (time.perf_counter() - began) / 60
    return Year(history, Scored.of(done.state), done.state.end, ready, minutes, float(done.seconds.mean()))


def main() -> None:
    """Measures and writes the result."""
    import tweeling as tw

    folder = data_folder()
    if folder is None or not (folder / "l-town-2018" / "readings.parquet").exists():
        print("year: needs the data outside this repository; make bench ONLY=year DATA=folder")
        return
    data = folder / "l-town-2018"
    job = Job(data, int(knob("DAYS", "365")), knob("CYCLE", "1h"), int(knob("MEMBERS", "100")))
    (year,) = in_processes(work, [job], at_once=1)
    leaks = [leak for leak in read_leaks(data / "leaks.csv") if leak.start < year.end]
    what = f"{NAME}, {job.days} days, cycle {job.cycle}, {job.members} members"
    most = 40 * job.days / 365
    told = f"{year.minutes:.1f} min"
    rows = [row("replay of the year", what, f"<= {most:.3g} min", f"{most / 8:.2g} min", told, year.minutes <= most)]
    of_leaks, details = leak_rows(Ways(tw.read_network(data / "network.inp")), leaks, year.history, what)
    rows += of_leaks + score_rows(f"{len(WITHHELD)} pressures, {what}", year.scored)
    notes = [
        f"{NAME} is the year of the BattLeDIM competition rebuilt; these are not results of the competition.",
        f"Withheld: {', '.join(WITHHELD)}. Wall clock from TWIN.toml to the last cycle, {year.ready:.0f} s of it before "
        f"the first; {1000 * year.cycle:.0f} ms a cycle.",
        "A leak is found by a finding of kind leak whose first candidate, when it was first called a leak, lies within "
        f"{NEAR:g} m of pipe of a leak that runs at that moment; each leak counts once. The twin is told of no repair.",
    ]
    show(rows, notes)
    if not changed_knobs(*KNOBS):
        write_result("year", rows, notes, plain({"raised": first_of(year.history), "leaks": details}))


if __name__ == "__main__":
    main()

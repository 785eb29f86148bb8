"""An hour of the demo with the page open: memory of page, doors and twin, and how soon a warning is on the screen.

python benchmarks/demo_hour.py [--minutes 60] [--speed 60]

Needs Chromium, Node and the built page (`make page`). What is compared is the memory at the end with that a sixth of the time
after the healthy week, when the town lives; a straight line through all of it says how it goes on.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from common import write_result
from page_map import SOFTWARE, WEB, tool

MIB = 1 << 20
MOST = 5.0
"""Per cent that memory may grow."""
FEWEST_MINUTES = 60


@dataclass
class Sample:
    """Memory at a minute, MiB: the page's heap after a collection, and what the processes hold for themselves."""

    minute: int
    heap: float
    browser: float
    twin: float
    doors: float


def main() -> None:
    """Measures and writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=FEWEST_MINUTES)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--flags", default=SOFTWARE)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        samples, shown = watched(folder, asked)
        delays = after_it_was_known(folder, shown)
    rows = [
        *(memory_row(what, samples, part) for what, part in PARTS),
        delay_row(delays),
    ]
    for one in rows:
        print(f"{one['verdict']:>6}  {one['row']}: {one['measured']}")
    if asked.minutes >= FEWEST_MINUTES:
        notes = [
            f"L-Town, 100 members, {asked.speed:g} times faster than life: {len(samples) - 1} minutes from the moment the town "
            "lived; what is compared is the end with a sixth of that time after the beginning.",
            "The page's memory is its JavaScript heap after garbage was collected; that of processes is what they hold for "
            "themselves (RssAnon).",
            "A warning: from the moment at which the twin had saved it until the page counted it on the screen.",
        ]
        write_result("demo_hour", rows, notes, details=[vars(sample) for sample in samples])


PARTS = (("the page's heap", "heap"), ("all of the browser", "browser"), ("the twin", "twin"), ("the doors", "doors"))


def watched(folder: Path, asked: argparse.Namespace) -> tuple[list[Sample], list[int]]:
    """Runs the demo and the page; gives samples since the town lived, and when the page showed one warning more, in ms."""
    command = [sys.executable, "-m", "tweeling", "demo", "--data", str(folder), "--no-browser", "--port", "0"]
    demo = subprocess.Popen([*command, "--speed", str(asked.speed)], stdout=subprocess.PIPE, text=True)
    try:
        assert demo.stdout is not None
        address = next(line for line in demo.stdout if "http://" in line).split()[-1]
        for line in demo.stdout:
            print(line, end="", flush=True)
            if "is live" in line:
                break
        return samples_of(address, asked, demo)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)


def samples_of(address: str, asked: argparse.Namespace, demo: subprocess.Popen[str]) -> tuple[list[Sample], list[int]]:
    """What the page says, minute by minute, with the memory of the demo's processes beside it."""
    command = [tool("node"), "bench/hour.mjs", address, tool("chromium"), str(asked.minutes), *asked.flags.split()]
    samples, shown, count = list[Sample](), list[int](), 0
    with subprocess.Popen(command, cwd=WEB, stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        for line in page.stdout:
            said: dict[str, Any] = json.loads(line)
            if "error" in said:
                print(said["error"], flush=True)
            if "warnings" in said:
                now = int(said["warnings"] or 0)
                shown += [said["at"]] * max(now - count, 0) if samples else []
                count = now
            if "minute" in said:
                parts = [resident(pid) for pid in (pid_of(demo.pid, "tweeling.live"), pid_of(demo.pid, "tweeling.service"))]
                sample = Sample(said["minute"], said["heap"] / MIB, said["resident"] / MIB, parts[0], parts[1])
                samples.append(sample)
                print(sample, flush=True)
    if page.returncode:
        raise SystemExit("the page could not be watched")
    return samples, shown


def pid_of(parent: int, module: str) -> int:
    """The child of a process that runs a module."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            if module in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
                return int(child)
    raise SystemExit(f"the demo has no process of {module}")


def resident(pid: int) -> float:
    """MiB that a process holds for itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) / 1024


def after_it_was_known(folder: Path, shown: Sequence[int]) -> list[float]:
    """Seconds from the save of each finding's first cycle until the page counted it, in order."""
    with sqlite3.connect(f"file:{folder / 'twin-state.db'}?mode=ro", uri=True) as store:
        raised = [row[0] for row in store.execute("SELECT raised FROM findings WHERE revision = 1 ORDER BY raised")]
        saved = [
            datetime.fromisoformat(json.loads(row[0])["saved"]).timestamp()
            for end in raised
            if (row := store.execute('SELECT health FROM cycles WHERE "end" = ?', (end,)).fetchone())
        ]
    return [min((at / 1000 - known for at in shown if at / 1000 > known - 1), default=float("nan")) for known in saved]


def memory_row(what: str, samples: Sequence[Sample], part: str) -> dict[str, str]:
    """How much a part grew."""
    values = np.array([getattr(sample, part) for sample in samples])
    begin, end = values[len(values) // 6], values[-1]
    grown = 100 * (end / begin - 1)
    slope = np.polyfit(range(len(values) - len(values) // 6), values[len(values) // 6 :], 1)[0] * 60
    return {
        "row": f"an hour of the demo: memory of {what}",
        "what": f"{len(samples) - 1} minutes",
        "at_least": f"<= +{MOST:g} %",
        "aim": "flat",
        "measured": f"{grown:+.1f} % ({begin:.0f} to {end:.0f} MiB; {slope:+.1f} MiB an hour)",
        "verdict": "met" if grown <= MOST else "short",
    }


def delay_row(delays: Sequence[float]) -> dict[str, str]:
    """How soon warnings were on the screen."""
    known = [delay for delay in delays if np.isfinite(delay)]
    told = f"{max(known):.2f} s at most, {len(known)} of {len(delays)} warnings" if known else "no warning came"
    met = bool(known) and len(known) == len(delays) and max(known) <= 1.0
    return {
        "row": "a warning on the screen after the twin knows",
        "what": "from the saved cycle to the page's count",
        "at_least": "<= 1 s",
        "aim": "",
        "measured": told,
        "verdict": "met" if met else "short",
    }


if __name__ == "__main__":
    main()

"""How long does reading an INP file take, how much of it EPANET's own opening, and how long writing?

Vitens' network of 25,000 nodes stands for real files (from the data folder, see `common.data_folder`); a grid of 100,000 nodes,
made here, for large ones.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tweeling as tw
from common import data_folder, write_result

REPEATS = 5
SIDE = 316
"""Nodes along one side of the grid; with the reservoir nearly 100,000."""

OPEN = """
import sys, time
from epanet import toolkit as en
project = en.createproject()
start = time.perf_counter()
en.open(project, sys.argv[1], sys.argv[2], "")
print(time.perf_counter() - start)
"""

PEAK = """
import sys
from pathlib import Path
def peak():
    return next(int(line.split()[1]) / 1024 for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
"""
"""Peak memory of this process in MiB, as Linux counts it (`getrusage` would count that of its parent)."""
OURS = """
import tweeling as tw
read, before = tw.read_network, peak()
network = read(sys.argv[1])
print(peak() - before)
"""
EPANETS = """
import runpy
from tweeling.network.inp import judge
runpy.run_path(str(judge.CHILD))["main"]([*sys.argv[1:], "-", str(2**36), "600", str(2**32)])
print(peak())
"""


def write_grid(path: Path) -> None:
    """A square grid of pipes with one reservoir, as text: coordinates, demands and a pattern included."""
    junctions, coordinates, pipes = [], [], []
    for row in range(SIDE):
        for column in range(SIDE):
            name = f"J{row}-{column}"
            junctions.append(f" {name} {(row * 7 + column * 3) % 50 + 0.25} {0.01 + (row + column) % 9 / 100:.2f} day ;")
            coordinates.append(f" {name} {column * 100.125} {row * 100.125}")
            if column:
                pipes.append(f" H{row}-{column} J{row}-{column - 1} {name} 100.1 150 110 0 Open ;")
            if row:
                pipes.append(f" V{row}-{column} J{row - 1}-{column} {name} 100.1 150 110 0 Open ;")
    sections = {
        "JUNCTIONS": junctions,
        "RESERVOIRS": [" R 120"],
        "PIPES": [" P0 R J0-0 10 900 110", *pipes],
        "PATTERNS": [" day 0.5 1 1.5 1"],
        "OPTIONS": [" UNITS LPS", " HEADLOSS H-W"],
        "TIMES": [" DURATION 24:00"],
        "COORDINATES": coordinates,
    }
    lines = [line for name, rows in sections.items() for line in (f"[{name}]", *rows)]
    path.write_text("\n".join([*lines, "[END]", ""]))


def median_of(action: object, *arguments: object) -> float:
    """Median of the seconds that some calls take."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action(*arguments)  # type: ignore[operator]
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def opening(path: Path, scratch: Path) -> float:
    """Median of the seconds that EPANET's toolkit takes to open a file, in a process of its own."""
    command = [sys.executable, "-c", OPEN, str(path), str(scratch / "report.txt")]
    times = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(REPEATS)]
    return statistics.median(times)


def peaks(path: Path, scratch: Path) -> tuple[float, float]:
    """Peak memory of reading in MiB: what it adds to the process that reads, and EPANET's process with its Python."""

    def run(script: str, *arguments: str) -> float:
        command = [sys.executable, "-c", PEAK + script, str(path), *arguments]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return run(OURS), run(EPANETS, str(scratch / "answer"))


def measure(path: Path, scratch: Path) -> dict[str, float]:
    """Seconds of reading, of EPANET's opening within it, and of writing; nodes, MiB of the file and of memory."""
    network = tw.read_network(path)
    own, of_child = peaks(path, scratch)
    return {
        "nodes": len(network.nodes),
        "mib": path.stat().st_size / 2**20,
        "memory_mib": own,
        "memory_of_child_mib": of_child,
        "read": median_of(tw.read_network, path),
        "open": opening(path, scratch),
        "write": median_of(network.write, scratch / "written.inp"),
    }


def main() -> None:
    """Measures, and writes the rows down."""
    notes = [f"Medians of {REPEATS} calls in one process; the child process starts anew in each. Opening is EPANET's alone."]
    rows, details = [], {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_grid(scratch / "grid.inp")
        cases = [("grid, 100,000 nodes", scratch / "grid.inp", "all in 15 s", 15.0, False)]
        data = data_folder()
        vitens = data / "networks" / "vitens-25k.inp" if data else None
        if vitens and vitens.is_file():
            cases.insert(0, ("vitens-25k", vitens, "2 s beyond EPANET's opening", 2.0, True))
        else:
            notes.append("vitens-25k is left out: there is no data folder.")
        for name, path, asked, limit, beyond in cases:
            found = details[name] = measure(path, scratch)
            counted = found["read"] - found["open"] if beyond else found["read"]
            rows.append(
                {
                    "row": "reading an INP file",
                    "what": f"{name}, {found['mib']:.1f} MiB",
                    "at_least": asked,
                    "aim": "",
                    "measured": f"read {found['read']:.2f} s, of it EPANET's opening {found['open']:.2f} s; "
                    f"beyond it {found['read'] - found['open']:.2f} s; write {found['write']:.2f} s; "
                    f"memory {found['memory_mib']:.0f} MiB and {found['memory_of_child_mib']:.0f} MiB in EPANET's process",
                    "verdict": "met" if counted <= limit else "short",
                }
            )
    write_result("read", rows, notes, details)


if __name__ == "__main__":
    main()

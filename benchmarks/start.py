"""How long until something happens: the first solve after installing, the next one, and `tweeling --help`.

Each is timed as a whole in a fresh process, interpreter and imports included. "After installing" means with an empty kernel
cache (Numba compiles to machine code on first use and keeps it).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

from common import package_folder, write_result

REPEATS = 5
SOLVE = """
import sys
import tweeling as tw
state = tw.solve(tw.read_network(sys.argv[1]))
assert state.info.status[0] == "ok", state.info.status
"""
HELP = "from tweeling.cli.main import main; main()"


def seconds(code: str, *arguments: str, cache: str | None = None) -> tuple[float, float]:
    """Wall and CPU seconds (user and system, children included) of a fresh Python process."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measures and writes the three rows."""
    network = str(package_folder("epyt") / "networks" / "L-TOWN.inp")
    with tempfile.TemporaryDirectory() as cache:
        cold = seconds(SOLVE, network, cache=cache)[0]
        warm = median(seconds(SOLVE, network, cache=cache)[0] for _ in range(REPEATS))
    helping = median(seconds(HELP, "--help")[1] for _ in range(REPEATS))
    rows = [
        row("first solve after install", "L-Town read and solved, empty kernel cache", 40, cold, "s"),
        row("first solve with a warm kernel cache", f"the same again, median of {REPEATS}", 1.5, warm, "s"),
        row("tweeling --help", f"user + system, median of {REPEATS}", 0.5, helping, "CPU-s"),
    ]
    write_result("start", rows, ["Each is a whole fresh process: interpreter, imports, reading, solving, exit."])


def row(name: str, what: str, limit: float, measured: float, unit: str) -> dict[str, str]:
    """A row whose limit is an upper one."""
    print(f"{name}: {measured:.2f} {unit}")
    return {
        "row": name,
        "what": what,
        "at_least": f"<= {limit:g} {unit}",
        "aim": "",
        "measured": f"{measured:.2f} {unit}",
        "verdict": "met" if measured <= limit else "short",
    }


if __name__ == "__main__":
    main()

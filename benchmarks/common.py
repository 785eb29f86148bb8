"""What every benchmark needs: where the networks lie, what machine this is, and how a result is written down.

A benchmark is one script for one question: `benchmarks/NAME.py` measures and calls `write_result("NAME", rows)`, which writes
`benchmarks/results/NAME.json`; `benchmarks/results.py` makes one page of them all. Run them with `make bench ONLY=NAME`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("tweeling", "numpy", "numba", "llvmlite", "scipy", "owa-epanet", "xarray", "h5netcdf", "epyt", "wntr")
COLUMNS = ("row", "what", "at_least", "aim", "measured", "verdict")
VERDICTS = ("met", "short", "stated")


def data_folder() -> Path | None:
    """The folder of benchmark data outside this repository (`make bench DATA=...`), or None: then say so in the notes."""
    folder = os.environ.get("TWEELING_DATA")
    return Path(folder) if folder else None


def package_folder(package: str) -> Path:
    """Folder of an installed package, found without importing it (`epyt` and `wntr` are used for their networks only)."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"the package {package} is not installed; `make bench` installs it")
    return Path(found.origin).parent


def write_result(name: str, rows: Sequence[Mapping[str, str]], notes: Sequence[str] = (), details: Any = None) -> Path:
    """Writes `results/NAME.json`: the rows with machine, versions and date.

    Args:
        name: of the script.
        rows: one mapping per row of the page, all texts: `row` (the name of the question, e.g. "agreement, steady"), `what` (of
            which network or case), `at_least` and `aim` ("" where nothing was promised), `measured` (with its unit) and
            `verdict`: "met" (at least what was asked), "short", or "stated" (nothing was asked).
        notes: sentences that belong under the table: how it was measured, what was left out and why.
        details: anything else worth keeping, as JSON; it is stored and not shown.
    """
    for row in rows:
        if set(row) != set(COLUMNS) or row["verdict"] not in VERDICTS:
            raise ValueError(
                f"a row has the keys {', '.join(COLUMNS)}, and its verdict is one of {', '.join(VERDICTS)}; got {dict(row)}"
            )
    result = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "rows": [{column: row[column] for column in COLUMNS} for row in rows],
        "notes": list(notes),
        "details": details,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, str]:
    """What this machine is, as far as timings depend on it; nothing that names it."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Short hash of the code that was measured, with `+` when it had uncommitted changes."""
    asked = ["git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"

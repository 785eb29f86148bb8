"""Asks EPANET what an INP file means: its toolkit reads a copy in a process of its own (`child.py`).

The copy is what a stranger may hand to EPANET: no names of other files to open (HYDRAULICS, MAP, [REPORT] FILE), no line longer
than its buffer. Line numbers stay those of the file. The child gets no environment but what Python needs to start, a bound on
memory (Linux), processor time and file size, and the parent's clock.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tweeling.errors import NetworkFileError
from tweeling.network.inp.sections import Line
from tweeling.network.network import Floats

MAX_LINE = 1022
"""EPANET reads lines of so many bytes; the rest of a longer one becomes a line of its own there."""

CHILD = Path(__file__).with_name("child.py")
SECONDS = 30.0
"""Processor time for a small file; large ones get more. By the clock it may be four times as long."""
MEMORY = 2**31
"""Bytes of address space (Linux) for a small file; large ones get more."""

_PASSED_ON = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL")
_OPENS_A_FILE = {"OPTIONS": ("HYDR", "MAP", "VERI"), "REPORT": ("FILE",)}


@dataclass(frozen=True)
class Answer:
    """What the toolkit found: `header` as `child.py` writes it, arrays by name in file units; whether all are finite."""

    header: dict[str, Any]
    arrays: dict[str, Floats]
    finite: bool = True

    @property
    def sound(self) -> bool:
        """Whether every number is one: finite, and no time or count that overflowed."""
        counts = [self.header["options"][name] for name in ("trials", "check_frequency", "max_check")]
        times = [value for name, value in self.header["times"].items() if name != "statistic"]
        return self.finite and min(counts) >= 1 and min(times) >= 0

    @property
    def refusal(self) -> str | None:
        """EPANET's error, None if it took the file."""
        error: str | None = self.header.get("error")
        return error


def opens_a_file(section: str, line: Line) -> bool:
    """Whether EPANET would open, or write to, a file that this line names."""
    return bool(line.tokens) and line.tokens[0].upper().startswith(_OPENS_A_FILE.get(section, ("\0",)))


def safe_copy(text: str, sections: dict[str, list[Line]], encoding: str) -> bytes:
    """The file as EPANET may see it, line by line the same."""
    lines = [raw.encode(encoding)[:MAX_LINE] for raw in text.split("\n")]
    for section in _OPENS_A_FILE:
        for line in sections.get(section, ()):
            if opens_a_file(section, line):
                lines[line.number - 1] = b""
    return b"\n".join(lines) + b"\n"


def child_environment() -> dict[str, str]:
    """All that a child process with EPANET gets: what Python needs to start."""
    passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    return passed_on | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def ask(copy: bytes, encoding: str, name: str, with_sources: bool) -> Answer:
    """EPANET's reading of a file.

    Args:
        copy: from `safe_copy`.
        encoding: of `copy`.
        name: of the file, for messages.
        with_sources: whether it has water-quality sources.

    Raises:
        NetworkFileError: EPANET crashed on it, ran out of memory or took too long.
    """
    size = len(copy)
    seconds = SECONDS + size / 2**18
    bounds = (MEMORY + 60 * size, math.ceil(seconds), 2**28 + 20 * size)
    with tempfile.TemporaryDirectory(prefix="tweeling-") as folder:
        inp, out = Path(folder, "network.inp"), Path(folder, "answer")
        inp.write_bytes(copy)
        command = [sys.executable, "-P", "-s", "-B", str(CHILD), str(inp), str(out), "sources" if with_sources else "-"]
        try:
            done = subprocess.run(
                command + [str(bound) for bound in bounds],
                cwd=folder,
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=4 * seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NetworkFileError(
                f"{name}: EPANET was still reading after {4 * seconds:.0f} s; {_HINT.format(name)}"
            ) from None
        if done.returncode != 0:
            raise NetworkFileError(f"{name}: {_what_happened(done, seconds)}; {_HINT.format(name)}")
        return _parse(out.read_bytes(), encoding)


_HINT = "`tweeling check {}` looks for the cause without EPANET"


_OUT_OF_MEMORY = ("MemoryError", "Error 101", "failed to map segment")


def _what_happened(done: subprocess.CompletedProcess[bytes], seconds: float) -> str:
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = words[-1] if words else ""
    if any(sign in last for sign in _OUT_OF_MEMORY):
        return "EPANET ran out of the memory that it gets for a file of this size"
    if done.returncode < 0:
        import signal

        stopped = signal.Signals(-done.returncode)
        if stopped.name == "SIGXCPU":
            return f"EPANET needed more than {seconds:.0f} s of processor time"
        if stopped.name == "SIGKILL":
            return "EPANET was killed while it read, as a system does that runs out of memory"
        return f"EPANET crashed on this file ({stopped.name})"
    return f"EPANET could not be asked ({last})"


def _parse(data: bytes, encoding: str) -> Answer:
    length = int.from_bytes(data[:8], "little")
    not_finite: list[str] = []

    def remember(constant: str) -> float:
        not_finite.append(constant)
        return float(constant)

    # EPANET cuts a line in its report where it pleases, also within a letter.
    header = json.loads(data[8 : 8 + length].decode(encoding, "replace"), parse_constant=remember)
    arrays: dict[str, Floats] = {}
    offset = 8 + length
    for name, count in header["arrays"].items():
        arrays[name] = np.frombuffer(data, np.float64, count, offset)
        offset += 8 * count
    return Answer(header, arrays, finite=not not_finite and all(np.isfinite(values).all() for values in arrays.values()))

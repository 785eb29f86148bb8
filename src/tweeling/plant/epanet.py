"""EPANET running the hidden town in a process of its own (`child.py`): patterns go in, what the town does comes out."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from tweeling.errors import InputError
from tweeling.network.inp.judge import child_environment
from tweeling.network.network import Floats, Network
from tweeling.plant.events import Act

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Wanted:
    """What is measured: indices in the network, in the order of the answer.

    Args:
        heads: nodes, whose head at the beginning of an interval is wanted.
        flows: links, whose mean flow over the interval is.
        demands: nodes, whose mean consumption is.
        emitters: nodes, whose mean emitter flow is.
    """

    heads: Sequence[int]
    flows: Sequence[int]
    demands: Sequence[int]
    emitters: Sequence[int]

    def __len__(self) -> int:
        return len(self.heads) + len(self.flows) + len(self.demands) + len(self.emitters)


@dataclass(frozen=True)
class Pace:
    """How the town's time goes, in whole seconds: of an interval, of a step of the patterns; how many intervals a piece has."""

    interval: int
    step: int
    piece: int


class Epanet:
    """A running town; `pass_intervals` lets time pass."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes], wanted: Wanted, pace: Pace, si: Floats) -> None:
        self._process, self._complaints = process, complaints
        self._wanted, self._pace, self._si = wanted, pace, si

    def pass_intervals(self, patterns: Floats) -> tuple[Floats, Floats]:
        """Lets some intervals pass.

        Args:
            patterns: in file units, a whole number of intervals, at most a piece; (pattern, step).

        Returns:
            What was wanted, in SI, heads first; (interval, wanted). How many steady states did not settle; (interval,).

        Raises:
            InputError: EPANET could not go on; the message is its own.
        """
        pace = self._pace
        count = patterns.shape[1] // (pace.interval // pace.step)
        steps = pace.piece * (pace.interval // pace.step)
        whole = np.pad(patterns, ((0, 0), (0, steps - patterns.shape[1])))
        size = 8 * count * (len(self._wanted) + 1)
        try:
            stdin, stdout = self._process.stdin, self._process.stdout
            assert stdin is not None
            assert stdout is not None
            stdin.write(count.to_bytes(8, "little") + whole.tobytes())
            stdin.flush()
            answer = stdout.read(size)
        except BrokenPipeError:
            answer = b""
        if len(answer) < size:
            raise InputError(f"EPANET could not run the hidden town: {self._complaint()}")
        rows = np.frombuffer(answer, float).reshape(count, len(self._wanted) + 1)
        return rows[:, :-1] * self._si, rows[:, -1]

    def _complaint(self) -> str:
        code = self._process.wait()
        self._complaints.seek(0)
        words = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return words[-1] if words else f"its process ended with code {code}"


@contextmanager
def running(network: Network, wanted: Wanted, acts: Sequence[Act], pace: Pace, intervals: int) -> Iterator[Epanet]:
    """Starts EPANET on a network, and ends its process whatever happens.

    Args:
        network: as `truth.runnable` makes it.
        wanted: what is measured.
        acts: what happens.
        pace: how time goes.
        intervals: how many there will be at most.
    """
    with tempfile.TemporaryDirectory(prefix="tweeling-") as folder, tempfile.TemporaryFile() as complaints:
        inp = Path(folder, "town.inp")
        network.write(inp)
        job = Path(folder, "job.json")
        job.write_text(json.dumps(_job(network, wanted, acts, pace, intervals) | {"inp": str(inp)}), encoding="utf-8")
        command = [sys.executable, "-P", "-s", "-B", str(CHILD), str(job)]
        process = subprocess.Popen(
            command, cwd=folder, env=child_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
        try:
            yield Epanet(process, complaints, wanted, pace, _si(network, wanted))
        finally:
            process.kill()
            process.communicate()


def _job(network: Network, wanted: Wanted, acts: Sequence[Act], pace: Pace, intervals: int) -> dict[str, object]:
    return {
        "acts": list(acts),
        "accuracy": network.options.accuracy,
        "interval": pace.interval,
        "steps": pace.piece * (pace.interval // pace.step),
        "patterns": len(network.patterns.ids),
        "duration": (intervals + 1) * pace.interval,
        "controls": [control.enabled for control in network.controls],
        "heads": list(wanted.heads),
        "flows": list(wanted.flows),
        "demands": list(wanted.demands),
        "emitters": list(wanted.emitters),
    }


def _si(network: Network, wanted: Wanted) -> Floats:
    length, flow = network.units.length_si, network.units.flow_si
    return np.array([length] * len(wanted.heads) + [flow] * (len(wanted) - len(wanted.heads)))

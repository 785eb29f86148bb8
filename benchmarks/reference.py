"""The judge's other half: EPANET's own answers, each at several accuracies, and where they stand still.

EPANET's answer moves with its accuracy, so the reference is the tightest of 1e-5, 1e-6 and 1e-7 that converged, and a node or
link is *settled* where the next looser accuracy gives the same: head within 5e-5 m, flow within 5e-6 of the largest, and the
same status. Elsewhere EPANET has no answer to agree with, and both codes are judged by their balances instead.

EPANET runs in a child process per network (a file may take the process down, or for ever) and its answers are kept in a cache
folder (`TWEELING_REFERENCE`, else the system's temporary folder) under a hash of the file. All numbers are
SI, converted exactly.

    python benchmarks/reference.py [--quick] [PART OF A NAME ...]      fills the cache and lists what EPANET makes of each file
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from common import data_folder, package_folder
from tweeling.physics.hydraulics.contract import Status
from tweeling.units import FileUnits

ACCURACIES = (1e-5, 1e-6, 1e-7)
PERIOD_ACCURACIES = (1e-5, 1e-6)
TRIALS = 200
SETTLED_HEAD = 5e-5
"""m"""
SETTLED_FLOW = 5e-6
"""of the largest flow"""
DAY, WEEK = 24 * 3600, 7 * 24 * 3600
VERSION = "2"
"""Part of the cache's key: raise it when the meaning of what is stored changes."""

_CHILD_LIMIT = 600
_WARNINGS = {
    1: "system unbalanced",
    2: "system may be unstable",
    3: "system disconnected",
    4: "pump .* (cannot deliver|open but|closed because)",
    5: "(prv|psv|pbv|fcv|tcv|gpv|pcv) .* (cannot deliver|open but)",
    6: "negative pressures",
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class File:
    """A network file: `name` for people (`epyt/L-TOWN`), and where it lies."""

    name: str
    path: Path

    @property
    def digest(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class Answer:
    """EPANET's steady state at time 0 at one accuracy, SI; nodes and links in EPANET's order.

    Args:
        accuracy: sum |dq| / sum |q| that was asked.
        error, iterations: what EPANET reached, and after how many trials.
        warnings: EPANET's codes 1 to 6.
        head: m; (node,). flow: m3/s; (link,). status: `Status`; (link,). setting: as `Links.setting` in SI; (link,).
        outflow: m3/s of demand, emitter and leaks together; (node,). demand, emitter, leak: its parts; (node,).
    """

    accuracy: float
    error: float
    iterations: int
    warnings: tuple[int, ...]
    head: Floats
    flow: Floats
    status: npt.NDArray[np.int8]
    setting: Floats
    outflow: Floats
    demand: Floats
    emitter: Floats
    leak: Floats

    @property
    def converged(self) -> bool:
        """Whether EPANET reached the accuracy within its trials, without complaint about that."""
        return self.error <= self.accuracy and not {1, 2} & set(self.warnings)


@dataclass(frozen=True, eq=False)
class Steady:
    """EPANET's steady state of one file.

    Args:
        node_ids, link_ids: in EPANET's order.
        reference: the tightest answer that converged, None if there is none.
        looser: the next looser one, None if there is none (then nothing is settled).
        node_settled, link_settled: where the two agree; (node,), (link,).
        supplied: nodes that open links join to a reservoir or tank; (node,).
    """

    node_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    reference: Answer | None
    looser: Answer | None
    node_settled: npt.NDArray[np.bool_]
    link_settled: npt.NDArray[np.bool_]
    supplied: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Period:
    """EPANET's extended period of one file at one accuracy, at report times.

    Args:
        seconds: (time,). head: m; (time, node). flow: m3/s; (time, link). open: EPANET's 0 or 1; (time, link).
        warnings: EPANET's codes 1 to 6, of any time. halted: it stopped before its end.
    """

    node_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    seconds: npt.NDArray[np.int64]
    head: Floats
    flow: npt.NDArray[np.float32]
    open: npt.NDArray[np.bool_]
    warnings: tuple[int, ...]
    halted: bool


def files(parts: Sequence[str] = ()) -> list[File]:
    """Every network that `epyt` and `wntr` carry and, where it is there, the data folder; only names with one of `parts`."""
    folders = {"epyt": package_folder("epyt"), "wntr": package_folder("wntr")}
    data = data_folder()
    if data is not None:
        folders["data"] = data / "networks"
    found = [File(f"{label}/{path.stem}", path) for label, folder in folders.items() for path in sorted(folder.rglob("*.inp"))]
    return [file for file in found if not parts or any(part.lower() in file.name.lower() for part in parts)]


def without_copies(all_files: Iterable[File]) -> list[File]:
    """One file of each content; spaces, comments and letter case do not count, nor do the sections hydraulics does not read."""
    first: dict[str, File] = {}
    for file in all_files:
        first.setdefault(hashlib.sha256("\n".join(_hydraulic_lines(file.path)).encode()).hexdigest(), file)
    return list(first.values())


_NOT_READ = (
    "TITLE",
    "COORDINATES",
    "VERTICES",
    "LABELS",
    "BACKDROP",
    "TAGS",
    "QUALITY",
    "REACTIONS",
    "SOURCES",
    "MIXING",
)


def _hydraulic_lines(path: Path) -> Iterator[str]:
    section = ""
    for raw in path.read_text(encoding="latin-1").splitlines():
        line = " ".join(raw.partition(";")[0].split()).upper()
        if line.startswith("["):
            section = line.strip("[]")
        if line and section not in _NOT_READ:
            yield line


def steady(file: File) -> Steady | str:
    """EPANET's steady state of a file, or the message with which it refused."""
    stored = _cached(file, "steady")
    if isinstance(stored, str):
        return stored
    answers = [_answer(stored, accuracy) for accuracy in ACCURACIES if f"{accuracy:.0e}/head" in stored]
    converged = [answer for answer in answers if answer.converged]
    nodes, links = tuple(stored["node_ids"].tolist()), tuple(stored["link_ids"].tolist())
    node_settled, link_settled = np.zeros(len(nodes), dtype=bool), np.zeros(len(links), dtype=bool)
    reference = converged[-1] if converged else None
    looser = converged[-2] if len(converged) > 1 else None
    if reference is not None and looser is not None:
        same = reference.status == looser.status
        link_settled = same & (np.abs(reference.flow - looser.flow) <= SETTLED_FLOW * np.abs(reference.flow).max())
        node_settled = np.abs(reference.head - looser.head) <= SETTLED_HEAD
    supplied = np.zeros(len(nodes), dtype=bool)
    if reference is not None:
        supplied = joined_to_source(stored["start"], stored["end"], reference.status > Status.CLOSED, stored["fixed"])
    return Steady(nodes, links, reference, looser, node_settled & supplied, link_settled, supplied)


def period(file: File) -> tuple[Period, Period] | str:
    """EPANET's extended period at the looser and the tighter of `PERIOD_ACCURACIES`, or the message with which it refused."""
    stored = _cached(file, "period")
    if isinstance(stored, str):
        return stored
    loose, tight = (_period(stored, accuracy) for accuracy in PERIOD_ACCURACIES)
    return loose, tight


def _answer(stored: Mapping[str, Any], accuracy: float) -> Answer:
    part = {key.partition("/")[2]: stored[key] for key in stored if key.startswith(f"{accuracy:.0e}/")}
    return Answer(
        accuracy=accuracy,
        error=float(part.pop("error")),
        iterations=int(part.pop("iterations")),
        warnings=tuple(part.pop("warnings").tolist()),
        **part,
    )


def _period(stored: Mapping[str, Any], accuracy: float) -> Period:
    part = {key.partition("/")[2]: stored[key] for key in stored if key.startswith(f"{accuracy:.0e}/")}
    return Period(
        node_ids=tuple(stored["node_ids"].tolist()),
        link_ids=tuple(stored["link_ids"].tolist()),
        warnings=tuple(part.pop("warnings").tolist()),
        halted=bool(part.pop("halted")),
        **part,
    )


def joined_to_source(start: Any, end: Any, is_open: Any, fixed: Any) -> npt.NDArray[np.bool_]:
    """Nodes that open links join to a node of fixed head; (node,)."""
    n_nodes = len(fixed)
    joined = coo_array((np.ones(int(is_open.sum())), (start[is_open], end[is_open])), shape=(n_nodes, n_nodes))
    part = connected_components(joined, directed=False)[1]
    return np.asarray(np.isin(part, part[fixed]))


def cache_folder() -> Path:
    """Where EPANET's answers are kept."""
    return Path(os.environ.get("TWEELING_REFERENCE") or Path(tempfile.gettempdir()) / "tweeling-reference")


def _cached(file: File, what: str) -> Mapping[str, Any] | str:
    """What a child process stored for a file, run now if it never was; a text if EPANET refused, crashed or took too long."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / f"{file.digest[:24]}-{what}-{VERSION}.npz"
    refused = stored.with_suffix(".txt")
    if not stored.exists() and not refused.exists():
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, str(Path(__file__).resolve()), "--child", what, str(file.path), str(stored.resolve())]
            try:
                ended = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, timeout=_CHILD_LIMIT)
                message = (ended.stderr.strip().splitlines() or [f"ended with code {ended.returncode}"])[-1]
                failed = ended.returncode != 0
            except subprocess.TimeoutExpired:
                message, failed = f"not ready after {_CHILD_LIMIT} s", True
        if failed:
            refused.write_text(message, encoding="utf-8")
    if refused.exists():
        return refused.read_text(encoding="utf-8")
    with np.load(stored) as archive:
        return {key: archive[key] for key in archive.files}


# ---------------------------------------------------------------------------------------------- what the child process does


class Toolkit:
    """One open EPANET project; results as arrays in SI."""

    def __init__(self, path: Path, report: Path) -> None:
        from epanet import toolkit

        self.en, self.report = toolkit, report
        self.project = toolkit.createproject()
        toolkit.open(self.project, str(path), str(report), "")
        toolkit.setstatusreport(self.project, toolkit.NO_REPORT)
        toolkit.setreport(self.project, "MESSAGES YES")
        self.units = FileUnits(_flow_unit(toolkit, self.project), _pressure_unit(toolkit, self.project))
        self.n_nodes = toolkit.getcount(self.project, toolkit.NODECOUNT)
        self.n_links = toolkit.getcount(self.project, toolkit.LINKCOUNT)
        self._node_buffer, self._nodes = _buffer(toolkit, self.n_nodes)
        self._link_buffer, self._links = _buffer(toolkit, self.n_links)

    def limits(self, accuracy: float) -> None:
        """One stopping rule, and no other."""
        en, project = self.en, self.project
        en.setoption(project, en.ACCURACY, accuracy)
        en.setoption(project, en.TRIALS, TRIALS)
        for other in (en.HEADERROR, en.FLOWCHANGE, en.DAMPLIMIT):
            en.setoption(project, other, 0.0)

    def nodes(self, quantity: int) -> Floats:
        """A quantity of all nodes, in the file's unit; (node,)."""
        self.en.getnodevalues(self.project, quantity, self._node_buffer)
        return self._nodes.copy()

    def links(self, quantity: int) -> Floats:
        """A quantity of all links, in the file's unit; (link,)."""
        self.en.getlinkvalues(self.project, quantity, self._link_buffer)
        return self._links.copy()

    def shape(self) -> dict[str, Any]:
        """Ids, ends of links, and which nodes have a fixed head."""
        en, project = self.en, self.project
        ends = np.array([en.getlinknodes(project, link) for link in range(1, self.n_links + 1)]).reshape(-1, 2) - 1
        kinds = np.array([en.getnodetype(project, node) for node in range(1, self.n_nodes + 1)])
        return {
            "node_ids": np.array([en.getnodeid(project, node) for node in range(1, self.n_nodes + 1)]),
            "link_ids": np.array([en.getlinkid(project, link) for link in range(1, self.n_links + 1)]),
            "start": ends[:, 0],
            "end": ends[:, 1],
            "fixed": kinds != en.JUNCTION,
        }

    def setting_si(self) -> Floats:
        """SI of one unit of each link's setting, NaN for links that have none; (link,)."""
        en, units = self.en, self.units
        pressure, flow = units.pressure_si, units.flow_si
        si = {en.PRV: pressure, en.PSV: pressure, en.PBV: pressure, en.FCV: flow, en.PUMP: 1.0, en.TCV: 1.0, en.PCV: 1.0}
        kinds = [en.getlinktype(self.project, link) for link in range(1, self.n_links + 1)]
        return np.array([si.get(kind, np.nan) for kind in kinds])

    def warnings(self) -> npt.NDArray[np.int64]:
        """The codes of the warnings in the report so far; closes the project, for only then the report is complete."""
        self.en.close(self.project)
        text = self.report.read_text(encoding="latin-1").lower()
        lines = [line for line in text.splitlines() if "warning" in line]
        return np.array([code for code, said in _WARNINGS.items() if any(re.search(said, line) for line in lines)], dtype=int)


def _flow_unit(en: Any, project: Any) -> str:
    names = ("CFS", "GPM", "MGD", "IMGD", "AFD", "LPS", "LPM", "MLD", "CMH", "CMD", "CMS")
    return {getattr(en, name): name for name in names}[en.getflowunits(project)]


def _pressure_unit(en: Any, project: Any) -> str:
    units = {en.PSI: "PSI", en.KPA: "KPA", en.METERS: "METERS", en.BAR: "BAR", en.FEET: "FEET"}
    return units[int(en.getoption(project, en.PRESS_UNITS))]


def _buffer(en: Any, size: int) -> tuple[Any, Floats]:
    """An array of the toolkit, and NumPy's view of it."""
    array = en.doubleArray(size)
    pointer = ctypes.cast(int(array.cast()), ctypes.POINTER(ctypes.c_double))
    return array, np.ctypeslib.as_array(pointer, (size,))


def _child_steady(path: Path, scratch: Path) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for accuracy in ACCURACIES:
        toolkit = Toolkit(path, scratch / "report.txt")
        en, project, units = toolkit.en, toolkit.project, toolkit.units
        stored |= stored or toolkit.shape()
        toolkit.limits(accuracy)
        en.settimeparam(project, en.DURATION, 0)
        en.openH(project)
        en.initH(project, en.SAVE_AND_INIT)
        en.runH(project)
        answer: dict[str, Any] = {
            "error": en.getstatistic(project, en.RELATIVEERROR),
            "iterations": en.getstatistic(project, en.ITERATIONS),
            "head": toolkit.nodes(en.HEAD) * units.length_si,
            "flow": toolkit.links(en.FLOW) * units.flow_si,
            "setting": toolkit.links(en.SETTING) * toolkit.setting_si(),
            "outflow": toolkit.nodes(en.DEMAND) * units.flow_si,
            "demand": toolkit.nodes(en.DEMANDFLOW) * units.flow_si,
            "emitter": toolkit.nodes(en.EMITTERFLOW) * units.flow_si,
            "leak": toolkit.nodes(en.LEAKAGEFLOW) * units.flow_si,
        }
        en.nextH(project)
        en.savehydfile(project, str(scratch / "hydraulics"))
        answer["status"] = _saved_status(scratch / "hydraulics", toolkit.n_nodes, toolkit.n_links)
        answer["warnings"] = toolkit.warnings()
        stored |= {f"{accuracy:.0e}/{key}": value for key, value in answer.items()}
    return stored


def _saved_status(path: Path, n_nodes: int, n_links: int) -> npt.NDArray[np.int8]:
    """EPANET's inner statuses, which only its hydraulics file tells: header, time, demands, heads, flows, statuses, ..."""
    header, word = 32, 4
    begin = header + word * (1 + 2 * n_nodes + n_links)
    return np.frombuffer(path.read_bytes(), np.float32, n_links, begin).astype(np.int8)


def _child_period(path: Path, scratch: Path) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for accuracy in PERIOD_ACCURACIES:
        toolkit = Toolkit(path, scratch / "report.txt")
        en, project, units = toolkit.en, toolkit.project, toolkit.units
        stored |= stored or toolkit.shape()
        toolkit.limits(accuracy)
        duration = min(en.gettimeparam(project, en.DURATION) or DAY, WEEK)
        en.settimeparam(project, en.DURATION, duration)
        start, step = en.gettimeparam(project, en.REPORTSTART), en.gettimeparam(project, en.REPORTSTEP)
        seconds, head, flow, is_open = [], [], [], []
        en.openH(project)
        en.initH(project, en.INITFLOW)
        left, now = 1, 0
        while left > 0:
            now = en.runH(project)
            if now >= start and (now - start) % step == 0:
                seconds.append(now)
                head.append(toolkit.nodes(en.HEAD) * units.length_si)
                flow.append(toolkit.links(en.FLOW) * units.flow_si)
                is_open.append(toolkit.links(en.STATUS) > 0)
            left = en.nextH(project)
        answer = {
            "seconds": np.array(seconds, dtype=np.int64),
            "head": np.array(head),
            "flow": np.array(flow, dtype=np.float32),
            "open": np.array(is_open),
            "halted": now < duration,
            "warnings": toolkit.warnings(),
        }
        stored |= {f"{accuracy:.0e}/{key}": value for key, value in answer.items()}
    return stored


def _child(what: str, path: Path, stored: Path) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        answer = {"steady": _child_steady, "period": _child_period}[what](path, Path(scratch))
    whole = stored.with_suffix(f".{os.getpid()}.part")
    with whole.open("wb") as file:
        np.savez_compressed(file, **answer)
    whole.rename(stored)


def main() -> None:
    """Fills the cache and lists what EPANET makes of each file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", help="only files whose name contains one of these")
    parser.add_argument("--quick", action="store_true", help="steady states only")
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "FILE", "STORED"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        _child(asked.child[0], Path(asked.child[1]), Path(asked.child[2]))
        return
    for file in files(asked.parts):
        answer = steady(file)
        if isinstance(answer, str) or answer.reference is None:
            print(f"{file.name:45} {answer if isinstance(answer, str) else 'did not converge'}")
            continue
        best = answer.reference
        print(
            f"{file.name:45} {best.accuracy:.0e} {best.iterations:4d} trials, warnings {best.warnings or '-'}, settled "
            f"{answer.node_settled.sum()}/{len(best.head)} nodes {answer.link_settled.sum()}/{len(best.flow)} links"
        )
    if not asked.quick:
        for file in without_copies(files(asked.parts)):
            periods = period(file)
            if isinstance(periods, str):
                print(f"{file.name:45} {periods}")
                continue
            moved = "-" if periods[0].head.shape != periods[1].head.shape else np.abs(periods[0].head - periods[1].head).max()
            print(f"{file.name:45} {len(periods[1].seconds)} times, warnings {periods[1].warnings or '-'}, moved {moved} m")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()

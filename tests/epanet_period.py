"""EPANET's own extended period of a file, every hydraulic step of it, for tests; SI, converted exactly."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from epanet import toolkit as en

from tweeling.units import FileUnits

Floats = npt.NDArray[np.float64]
FLOW_UNITS = ("CFS", "GPM", "MGD", "IMGD", "AFD", "LPS", "LPM", "MLD", "CMH", "CMD", "CMS")


@dataclass(frozen=True)
class EpanetPeriod:
    """EPANET's steady states, one a hydraulic step.

    Args:
        time, seconds: s, of the steady state and until the next one; (step,).
        head: m; (step, node). demand: m3/s; (step, node). flow: m3/s; (step, link).
        closed: (step, link). setting: as EPANET gives it; (step, link). power: kW; (step, link).
    """

    time: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.int64]
    head: Floats
    demand: Floats
    flow: Floats
    closed: npt.NDArray[np.bool_]
    setting: Floats
    power: Floats


def epanet_period(path: Path, scratch: Path, *, accuracy: float = 1e-7, hours: float | None = None) -> EpanetPeriod:
    """Runs EPANET step by step.

    Args:
        path: the INP file.
        scratch: an empty folder for EPANET's report.
        accuracy: sum |dq| / sum |q|.
        hours: how long; None takes the file's duration.
    """
    project = en.createproject()
    en.open(project, str(path), str(scratch / "report.txt"), "")
    units = FileUnits({getattr(en, name): name for name in FLOW_UNITS}[en.getflowunits(project)])
    en.setoption(project, en.ACCURACY, accuracy)
    en.setoption(project, en.TRIALS, 200)
    if hours is not None:
        en.settimeparam(project, en.DURATION, round(hours * 3600))
    en.openH(project)
    en.initH(project, en.INITFLOW)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EPANET warns of what several cases are about, such as negative pressures
        while True:
            time = en.runH(project)
            found = _present(project)
            assert en.getstatistic(project, en.RELATIVEERROR) <= accuracy, f"EPANET did not converge at {time} s"
            seconds = en.nextH(project)
            rows.append((time, seconds, *found))
            if seconds == 0:
                break
    en.close(project)
    en.deleteproject(project)
    time, seconds, head, demand, flow, status, setting, power = (np.array(column) for column in zip(*rows, strict=True))
    return EpanetPeriod(
        time, seconds, head * units.length_si, demand * units.flow_si, flow * units.flow_si, status == 0, setting, power
    )


def _present(project: object) -> list[list[float]]:
    """Head and demand of nodes; flow, status, setting and power of links."""
    nodes = range(1, en.getcount(project, en.NODECOUNT) + 1)
    links = range(1, en.getcount(project, en.LINKCOUNT) + 1)
    of_nodes = [[en.getnodevalue(project, i, code) for i in nodes] for code in (en.HEAD, en.DEMAND)]
    codes = (en.FLOW, en.STATUS, en.SETTING, en.ENERGY)
    return of_nodes + [[en.getlinkvalue(project, i, code) for i in links] for code in codes]

"""EPANET's own steady state of a file, for tests; SI, converted exactly."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from epanet import toolkit as en

from tweeling.units import FileUnits


@dataclass(frozen=True)
class EpanetAnswer:
    """EPANET's steady state at time 0: m, (node,); m3/s, (link,); nodes and links in the file's order, junctions first."""

    head: npt.NDArray[np.float64]
    flow: npt.NDArray[np.float64]


def epanet_steady(path: Path, scratch: Path, accuracy: float = 1e-7) -> EpanetAnswer:
    """Runs EPANET on a file at an accuracy, with its other limits off.

    Args:
        path: the INP file.
        scratch: an empty folder for EPANET's report.
        accuracy: sum |dq| / sum |q|.
    """
    project = en.createproject()
    en.open(project, str(path), str(scratch / "report.txt"), "")
    units = FileUnits(_flow_unit(project))
    en.setoption(project, en.ACCURACY, accuracy)
    en.setoption(project, en.TRIALS, 200)
    en.openH(project)
    en.initH(project, en.INITFLOW)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EPANET warns of what several cases are about, such as a pump that cannot lift
        en.runH(project)
    nodes, links = en.getcount(project, en.NODECOUNT), en.getcount(project, en.LINKCOUNT)
    head = np.array([en.getnodevalue(project, node, en.HEAD) for node in range(1, nodes + 1)])
    flow = np.array([en.getlinkvalue(project, link, en.FLOW) for link in range(1, links + 1)])
    assert en.getstatistic(project, en.RELATIVEERROR) <= accuracy, "EPANET did not converge"
    en.close(project)
    en.deleteproject(project)
    return EpanetAnswer(head * units.length_si, flow * units.flow_si)


def _flow_unit(project: object) -> str:
    names = ("CFS", "GPM", "MGD", "IMGD", "AFD", "LPS", "LPM", "MLD", "CMH", "CMD", "CMS")
    return {getattr(en, name): name for name in names}[en.getflowunits(project)]

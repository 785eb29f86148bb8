"""EPANET runs the hidden town, in a process of its own: `python child.py JOB`.

JOB is a JSON file (see `epanet.py`, which writes it). Then, piece after piece, patterns come in by stdin as float64, one row a
pattern and `steps` numbers a row, and what the town does goes out by stdout as float64, one row an interval: the heads asked
for at the beginning of the interval, flows, consumptions and emitter flows as means over it, and how many steady states did not
settle. The run ends when stdin does.
It imports nothing of Tweeling, so that it starts fast, and it is run by its path. All numbers are in the units of the file.

Every pattern is given anew for every step, so a pattern holds a whole junction's demand, or the head of a reservoir.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import warnings
from array import array
from pathlib import Path
from typing import Any, BinaryIO

Act = dict[str, Any]


class Values:
    """A row of doubles that EPANET fills."""

    def __init__(self, en: Any, count: int) -> None:
        self.swig = en.doubleArray(max(count, 1))
        self.numbers = (ctypes.c_double * max(count, 1)).from_address(int(self.swig.cast()))


class Town:
    """EPANET's project, what acts in it, and what is measured."""

    def __init__(self, en: Any, job: dict[str, Any], project: Any) -> None:
        self.en, self.job, self.project = en, job, project
        self.acts: list[Act] = job["acts"]
        self.active: list[Act] = []
        self.time, self.unsettled = 0, 0
        n_nodes, n_links = en.getcount(project, en.NODECOUNT), en.getcount(project, en.LINKCOUNT)
        self.nodes, self.links, self.row = Values(en, n_nodes), Values(en, n_links), Values(en, job["steps"])
        self.controls = [en.getcontrol(project, i)[1] for i in range(1, en.getcount(project, en.CONTROLCOUNT) + 1)]

    def take(self, patterns: bytes) -> None:
        """The patterns of the next steps."""
        steps = self.job["steps"]
        for pattern in range(self.job["patterns"]):
            ctypes.memmove(self.row.numbers, patterns[8 * steps * pattern : 8 * steps * (pattern + 1)], 8 * steps)
            self.en.setpattern(self.project, pattern + 1, self.row.swig, steps)

    def pass_interval(self) -> list[float]:
        """Lets an interval pass; heads at its beginning, means of flows, consumptions and emitter flows, unsettled states."""
        end, heads, means, self.unsettled = self.time + self.job["interval"], None, None, 0
        while self.time < end:
            self.solve()
            heads, flows = heads or self.heads(), self.flows()  # before `nextH`, which moves tanks and lets rules act
            seconds = self.en.nextH(self.project)
            if seconds <= 0:
                raise RuntimeError(f"EPANET ended the run at {self.time} s")
            share = seconds / self.job["interval"]
            means = (
                [share * flow for flow in flows]
                if means is None
                else [m + share * f for m, f in zip(means, flows, strict=True)]
            )
            self.time += seconds
        return [*(heads or ()), *(means or ()), float(self.unsettled)]

    def solve(self) -> None:
        """A steady state, with what acts now."""
        for act in [act for act in self.active if self.time >= act["end"]]:
            self.active.remove(act)
            self.end(act)
        begun = [act for act in self.acts if act["start"] <= self.time < act["end"] and act not in self.active]
        leaks = [act for act in begun if act["what"] == "leak"]
        if leaks:  # how large the hole is follows from the pressure before it
            self.act()
            self.en.runH(self.project)
            for act in leaks:
                pressure = max(self.en.getnodevalue(self.project, act["node"], self.en.PRESSURE), act["lowest"])
                act["coefficient"] = act["flow"] / pressure ** act["exponent"]
        for act in begun:
            self.active.append(act)
            self.begin(act)
        self.act()
        self.en.runH(self.project)
        if self.stall():
            self.en.runH(self.project)
        if self.en.getstatistic(self.project, self.en.RELATIVEERROR) > self.job["accuracy"]:
            self.unsettled += 1

    def stall(self) -> bool:
        """Stops worn pumps that cannot lift. EPANET does not see it: it knows a pump's greatest head from before the run."""
        en, project = self.en, self.project
        stalled = [act for act in self.active if act["what"] == "curve" and en.getlinkvalue(project, act["link"], en.FLOW) < 0]
        for act in stalled:
            act["speed"] = en.getlinkvalue(project, act["link"], en.SETTING)
            en.setlinkvalue(project, act["link"], en.STATUS, 0)
        return bool(stalled)

    def try_again(self, act: Act) -> None:
        """Lets a pump run that had stalled."""
        speed = act.pop("speed", None)
        if speed is not None:
            self.en.setlinkvalue(self.project, act["link"], self.en.STATUS, 1)
            self.en.setlinkvalue(self.project, act["link"], self.en.SETTING, speed)

    def begin(self, act: Act) -> None:
        """What an act does once, when it begins."""
        en, project = self.en, self.project
        if act["what"] == "curve":
            en.setheadcurveindex(project, act["link"], int(act["value"]))
        elif act["what"] in ("status", "setting"):
            act["status"] = en.getlinkvalue(project, act["link"], en.STATUS)
            act["speed"] = en.getlinkvalue(project, act["link"], en.SETTING)
            self.enable_controls(act["link"], 0)

    def act(self) -> None:
        """What acts do at every step: a hole grows, and no rule undoes what a hand has done."""
        en, project = self.en, self.project
        for act in self.active:
            if act["what"] == "leak" and act.get("grown", 0.0) < 1.0:
                since = self.time - act["start"]
                act["grown"] = min(since / act["grows"], 1.0) if act["grows"] else 1.0
                if act["grown"] > 0:  # EPANET keeps an emitter's flow when its coefficient becomes 0
                    en.setnodevalue(project, act["node"], en.EMITTER, act["coefficient"] * act["grown"])
            elif act["what"] == "status":
                en.setlinkvalue(project, act["link"], en.STATUS, act["value"])
            elif act["what"] == "setting":
                en.setlinkvalue(project, act["link"], en.SETTING, act["value"])
            elif act["what"] == "curve":
                self.try_again(act)

    def end(self, act: Act) -> None:
        """Undoes an act."""
        en, project = self.en, self.project
        if act["what"] == "leak":
            en.setnodevalue(project, act["node"], en.EMITTER, 0.0)
        elif act["what"] == "curve":
            self.try_again(act)
            en.setheadcurveindex(project, act["link"], int(act["usual"]))
        elif act["what"] in ("status", "setting"):
            self.restore(act)
            if not any(other.get("link") == act["link"] for other in self.active):
                self.enable_controls(act["link"], 1)

    def restore(self, act: Act) -> None:
        """A link as it was: a valve that regulates by its usual setting, a pump at the speed that it had."""
        en, project, link = self.en, self.project, act["link"]
        if act["usual"] is not None:
            en.setlinkvalue(project, link, en.SETTING, act["usual"])
            return
        en.setlinkvalue(project, link, en.STATUS, act["status"])
        if en.getlinktype(project, link) == en.PUMP and act["status"] > 0:
            en.setlinkvalue(project, link, en.SETTING, act["speed"])

    def enable_controls(self, link: int, enabled: int) -> None:
        """Switches the simple controls of a link off or on again."""
        for control, of_link in enumerate(self.controls, start=1):
            if of_link == link and self.job["controls"][control - 1]:
                self.en.setcontrolenabled(self.project, control, enabled)

    def heads(self) -> list[float]:
        """Heads asked for."""
        return self.of_nodes(self.en.HEAD, self.job["heads"])

    def flows(self) -> list[float]:
        """Flows, consumptions and emitter flows asked for."""
        found = []
        if self.job["flows"]:
            self.en.getlinkvalues(self.project, self.en.FLOW, self.links.swig)
            found = [self.links.numbers[i] for i in self.job["flows"]]
        found += self.of_nodes(self.en.DEMANDFLOW, self.job["demands"])
        return found + self.of_nodes(self.en.EMITTERFLOW, self.job["emitters"])

    def of_nodes(self, code: int, wanted: list[int]) -> list[float]:
        """A property of some nodes."""
        if not wanted:
            return []
        self.en.getnodevalues(self.project, code, self.nodes.swig)
        return [self.nodes.numbers[i] for i in wanted]


def run(job: dict[str, Any], patterns: BinaryIO, answers: BinaryIO) -> None:
    """Runs the town as long as patterns come."""
    from epanet import toolkit as en

    inp = Path(job["inp"])
    project = en.createproject()
    en.open(project, str(inp), str(inp.with_suffix(".rpt")), "")
    en.settimeparam(project, en.DURATION, job["duration"])
    en.openH(project)
    en.initH(project, en.INITFLOW)
    town = Town(en, job, project)
    size = 8 * job["steps"] * job["patterns"]
    while True:
        signal_and_rows = patterns.read(8 + size)
        if len(signal_and_rows) < 8 + size:
            return
        town.take(signal_and_rows[8:])
        for _ in range(int.from_bytes(signal_and_rows[:8], "little")):
            answers.write(array("d", town.pass_interval()).tobytes())
        answers.flush()


def main(arguments: list[str]) -> None:
    """Takes the job; what EPANET may print goes nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the parent ends this process
    warnings.simplefilter("ignore")  # EPANET warns of what worlds may be about, such as negative pressures
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    try:
        run(job, sys.stdin.buffer, answers)
    except BrokenPipeError:  # the parent has gone
        return


if __name__ == "__main__":
    main(sys.argv[1:])

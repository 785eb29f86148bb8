"""A tiny town for tests of extended periods, and a way to step through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.physics.hydraulics.contract import Engine, StoppingRule
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import Moment, Period, PeriodState, first_state, step
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.kernels.cpu import solve

TIGHT = StoppingRule(head=1e-7)

TOWN: Mapping[str, str] = {
    "TITLE": "A well, a pump, a tank and three streets",
    "JUNCTIONS": "J1 10 0\nJ2 12 8 DAY\nJ3 8 6\nJ4 9 3 DAY",
    "RESERVOIRS": "R 20",
    "TANKS": "T 40 3 0.5 5.98 8 0",
    "PIPES": "P1 J1 J2 800 250 120\nP2 J2 J3 600 200 110\nP3 J1 J3 900 200 110\nP4 J2 T 300 250 120\nP5 J3 J4 500 150 100",
    "PUMPS": "PU R J1 HEAD H",
    "VALVES": "",
    "CURVES": "H 30 40\nE 10 55\nE 25 75\nE 40 70",
    "PATTERNS": "DAY 0.5 0.8 1.4 1.6 1.1 0.7 0.4\nPRICE 1 0.5 2",
    "ENERGY": "Global Price 0.12\nGlobal Pattern PRICE\nPump PU Efficiency E",
    "TIMES": "Duration 24:00\nHydraulic Timestep 1:00\nPattern Timestep 2:00\nReport Timestep 1:00\nRule Timestep 0:05",
    "OPTIONS": "Units LPS\nHeadloss H-W\nPattern 1",
    "CONTROLS": "",
    "RULES": "",
    "EMITTERS": "",
    "STATUS": "",
    "DEMANDS": "",
}
"""Sections of an INP file. Without controls the pump fills the tank within hours."""


def town(folder: Path, **sections: str) -> Path:
    """Writes the town with some sections replaced (in upper case); returns the file."""
    unknown = set(sections) - set(TOWN)
    assert not unknown, unknown
    text = "\n\n".join(f"[{name}]\n{body}" for name, body in {**TOWN, **sections}.items())
    path = folder / "town.inp"
    path.write_text(text + "\n\n[END]\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class Walk:
    """What stepping gave: the network, the moments of one batch, and where it ended."""

    network: Network
    moments: tuple[Moment, ...]
    state: PeriodState

    def of(self, member: int, what: str) -> np.ndarray:
        """A series of one member over its moments: `head` and so on of the solution, or `time`, `seconds`."""
        rows = []
        for moment in self.moments:
            holder = moment if hasattr(moment, what) else moment.solution
            rows.append(getattr(holder if hasattr(holder, what) else moment.solution.flows, what)[member])
        return np.array(rows)


def walk(path: Path, hours: float, *, members: int = 1, engine: Engine = solve) -> Walk:
    """Steps through a file, all members alike, until `hours` are over."""
    network = read_network(path)
    period = Period.of(make_plan(network))
    drivers = Drivers.of(period.plan)
    state, moments = first_state(period, members, drivers), []
    while True:
        state, moment = step(period, state, drivers, engine, TIGHT, until=round(hours * 3600))
        moments.append(moment)
        if (moment.time >= hours * 3600).all():
            return Walk(network, tuple(moments), state)

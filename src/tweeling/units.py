"""Units: everything inside Tweeling is SI; here is how a file's numbers get there and back.

EPANET computes in feet and cubic feet per second with rounded factors (28.317 L/s and 101.94 m3/h per cfs, 0.4333 psi per
foot). The numbers people see in Tweeling are exact SI: 1 m3/h is 1/3600 m3/s. The rounding still decides EPANET's head losses
to some 1e-5, so it is kept in one place, `FileUnits.cfs_per_si`, and enters the *coefficients* of the physics. With that our
heads agree with EPANET's in any unit, and our flows need no excuse.

Source of the factors: EPANET 2.3, `types.h`.
"""

from __future__ import annotations

from dataclasses import dataclass

METRES_PER_FOOT = 0.3048
PSI_PER_FOOT = 0.4333
KPA_PER_PSI = 6.895
BAR_PER_PSI = 0.068948
KW_PER_HP = 0.7457
WATER_METRES_PER_KPA = 1 / 9.80665
GRAVITY_FEET = 32.2
"""EPANET's g, ft/s2."""

# name: (m3/s in one unit, exact; units in one cfs, EPANET's rounding; metric file?)
_FLOW_UNITS: dict[str, tuple[float, float, bool]] = {
    "CFS": (0.3048**3, 1.0, False),
    "GPM": (3.785411784e-3 / 60, 448.831, False),
    "MGD": (3785.411784 / 86400, 0.64632, False),
    "IMGD": (4546.09 / 86400, 0.5382, False),
    "AFD": (43560 * 0.3048**3 / 86400, 1.9837, False),
    "LPS": (1e-3, 28.317, True),
    "LPM": (1e-3 / 60, 1699.0, True),
    "MLD": (1000 / 86400, 2.4466, True),
    "CMH": (1 / 3600, 101.94, True),
    "CMD": (1 / 86400, 2446.6, True),
    "CMS": (1.0, 0.028317, True),
}
FLOW_UNITS = tuple(_FLOW_UNITS)
PRESSURE_UNITS = ("PSI", "KPA", "METERS", "BAR", "FEET")


@dataclass(frozen=True)
class FileUnits:
    """The units of an INP file: factors from its numbers to SI.

    Args:
        flow: EPANET's flow unit (`CFS` ... `CMS`); it decides whether the file is metric.
        pressure: EPANET's pressure unit; None takes what the flow unit implies.

    Raises:
        ValueError: a unit that EPANET has not.
    """

    flow: str
    pressure: str | None = None

    def __post_init__(self) -> None:
        if self.flow not in _FLOW_UNITS:
            raise ValueError(f"flow unit {self.flow!r} is not one of {', '.join(FLOW_UNITS)}")
        if self.pressure is None:
            object.__setattr__(self, "pressure", "METERS" if self.metric else "PSI")
        if self.pressure not in PRESSURE_UNITS:
            raise ValueError(f"pressure unit {self.pressure!r} is not one of {', '.join(PRESSURE_UNITS)}")

    @property
    def metric(self) -> bool:
        """Whether lengths are in metres (else feet)."""
        return _FLOW_UNITS[self.flow][2]

    @property
    def flow_si(self) -> float:
        """m3/s in one unit of flow, exact."""
        return _FLOW_UNITS[self.flow][0]

    @property
    def cfs_per_si(self) -> float:
        """EPANET's cfs for one m3/s of *this file's* flows: about 35.3147, its rounding included."""
        return 1 / (self.flow_si * _FLOW_UNITS[self.flow][1])

    @property
    def length_si(self) -> float:
        """Metres in one unit of length, elevation, head or level."""
        return 1.0 if self.metric else METRES_PER_FOOT

    @property
    def diameter_si(self) -> float:
        """Metres in one unit of pipe diameter (mm or inch); tanks are in units of length."""
        return 1e-3 if self.metric else METRES_PER_FOOT / 12

    @property
    def roughness_si(self) -> float:
        """Metres in one unit of Darcy-Weisbach roughness (mm or 0.001 ft)."""
        return 1e-3 if self.metric else METRES_PER_FOOT / 1e3

    @property
    def pressure_si(self) -> float:
        """Metres of head in one unit of pressure, as EPANET rounds it."""
        per_foot = {
            "PSI": PSI_PER_FOOT,
            "KPA": KPA_PER_PSI * PSI_PER_FOOT,
            "BAR": BAR_PER_PSI * PSI_PER_FOOT,
            "FEET": 1.0,
            "METERS": METRES_PER_FOOT,
        }[str(self.pressure)]
        return METRES_PER_FOOT / per_foot

    @property
    def volume_si(self) -> float:
        """m3 in one unit of volume (m3 or ft3)."""
        return self.length_si**3

    @property
    def power_si(self) -> float:
        """Watts in one unit of power (kW or horsepower)."""
        return 1e3 if self.metric else KW_PER_HP * 1e3


QUANTITIES: dict[str, str] = {"pressure": "length", "head": "length", "level": "length", "flow": "flow", "demand": "flow"}
"""What can be measured and estimated, and the dimension that it has. Pressure is head minus elevation, in m of water."""

SI: dict[str, str] = {"length": "m", "flow": "m3/s"}
"""The unit of each dimension inside Tweeling and in its result files."""

_UNITS: dict[str, tuple[str, float]] = {
    "m": ("length", 1.0),
    "kPa": ("length", WATER_METRES_PER_KPA),
    "bar": ("length", 100 * WATER_METRES_PER_KPA),
    "m3/s": ("flow", 1.0),
    "m3/h": ("flow", 1 / 3600),
    "L/s": ("flow", 1e-3),
    "L/h": ("flow", 1e-3 / 3600),
}
UNITS = tuple(_UNITS)
"""Units that sensors and readings may have."""


def dimension(unit: str) -> str:
    """`length` or `flow`.

    Raises:
        ValueError: a unit that Tweeling does not know.
    """
    return _of(unit)[0]


def si_per(unit: str) -> float:
    """m, or m3/s, in one of a unit.

    Raises:
        ValueError: a unit that Tweeling does not know.
    """
    return _of(unit)[1]


def _of(unit: str) -> tuple[str, float]:
    if unit not in _UNITS:
        raise ValueError(f"unit {unit!r} is not one of {', '.join(UNITS)}")
    return _UNITS[unit]

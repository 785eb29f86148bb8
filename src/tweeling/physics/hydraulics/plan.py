"""A network compiled for hydraulics: everything that no member changes.

The coefficients follow EPANET 2.3 (`hydcoeffs.c`, `input1.c`), restated in SI. EPANET's rounded constants and unit factors
enter here and nowhere else (see `tweeling.units`): head losses in m for flows in m3/s are EPANET's in ft for cfs, times
0.3048 and a power of `FileUnits.cfs_per_si`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np

from tweeling.network.network import Bools, Floats, Ints, LinkKind, LinkStatus, Network, freeze
from tweeling.physics.hydraulics.contract import Codes, Conditions, Flows, Status
from tweeling.physics.hydraulics.leaks import shared_by_ends
from tweeling.units import GRAVITY_FEET, KW_PER_HP, METRES_PER_FOOT, FileUnits

LEAK_DISCHARGE = 0.75
"""Discharge coefficient of leaks that members bring, no unit."""
GRAVITY = 9.80665
ORIFICE = LEAK_DISCHARGE * np.sqrt(2 * GRAVITY)
"""m3/s through 1 m2 of leak at 1 m of pressure."""

HEADLOSS_EXPONENT = {"HW": 1.852, "DW": 2.0, "CM": 2.0}
CONTROL_VALVES = (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV)


class PumpLaw(IntEnum):
    """How a pump's head gain depends on its flow."""

    NO_CURVE = 0
    POWER = 1
    """Constant power: gain = power / (rho g q)."""
    FUNCTION = 2
    """gain = h0 - r q^n."""
    CURVE = 3
    """Straight lines between points, the outer ones prolonged."""


@dataclass(frozen=True)
class Constants:
    """EPANET's small and large numbers in SI.

    Args:
        min_gradient: m per m3/s; below it a head loss is linear in flow (RQtol).
        low_resistance: m per m3/s of an open valve without loss coefficient (CSMALL).
        high_resistance: m per m3/s (CBIG).
        head_tolerance: m, for changes of status (Htol).
        flow_tolerance: m3/s, for changes of status (Qtol).
        no_flow: m3/s that a closed link starts with and below which a tank counts as resting (QZERO).
        tiny_slope: m per m3/s, the smallest slope of a GPV's curve (TINY).
        barrier: m per m3/s that keeps delivered demands and leaks inside their limits; barrier_width: m.
    """

    min_gradient: float
    low_resistance: float
    high_resistance: float
    head_tolerance: float
    flow_tolerance: float
    no_flow: float
    tiny_slope: float
    barrier: float
    barrier_width: float

    @staticmethod
    def of(units: FileUnits) -> Constants:
        """The constants for flows that come from a file of these units."""
        resistance = METRES_PER_FOOT * units.cfs_per_si
        return Constants(
            min_gradient=1e-7 * resistance,
            low_resistance=1e-6 * resistance,
            high_resistance=1e8 * resistance,
            head_tolerance=0.0005 * METRES_PER_FOOT,
            flow_tolerance=0.0001 / units.cfs_per_si,
            no_flow=1e-6 / units.cfs_per_si,
            tiny_slope=1e-6 * resistance,
            barrier=1e9 * resistance,
            barrier_width=1e-3 * METRES_PER_FOOT,
        )


@dataclass(frozen=True, eq=False)
class PumpTable:
    """Head gains at speed 1; one row a pump, in the order of `Network.pumps`.

    Args:
        law: `PumpLaw`; (pump,).
        h0: m, gain at zero flow; r: m per (m3/s)^n, loss of gain; n: exponent; (pump,). For POWER r is m times m3/s, n = -1.
        max_gain: m, above which the pump closes (infinite for POWER); (pump,).
        first_flow: m3/s that a cold solve starts with; (pump,).
    """

    law: Ints
    h0: Floats
    r: Floats
    n: Floats
    max_gain: Floats
    first_flow: Floats


@dataclass(frozen=True, eq=False)
class CurveTable:
    """Piecewise linear curves of pumps and general purpose valves in SI, end to end; head over flow.

    Args:
        first: where the points of a link's curve begin and end; (curve + 1,).
        flow: m3/s; (point,).
        head: m; (point,).
        of_link: row of a link's curve, -1 for none; (link,).
    """

    first: Ints
    flow: Floats
    head: Floats
    of_link: Ints


@dataclass(frozen=True, eq=False)
class TankTable:
    """Limits of tanks, in the order of `Network.tanks`.

    Args:
        fixed: position among the fixed nodes (node - n_junctions); (tank,).
        bottom: m; (tank,).
        min_head, max_head: m; (tank,).
        area: m2 of a cylinder, 0 with a volume curve; (tank,).
        min_volume, max_volume, initial_volume: m3; (tank,).
        curve_level, curve_volume: points of the volume curve in m and m3, empty for a cylinder; per tank.
        can_overflow: (tank,).
    """

    fixed: Ints
    bottom: Floats
    min_head: Floats
    max_head: Floats
    area: Floats
    min_volume: Floats
    max_volume: Floats
    initial_volume: Floats
    curve_level: tuple[Floats, ...]
    curve_volume: tuple[Floats, ...]
    can_overflow: Bools

    def volume(self, tank: int, head: Floats) -> Floats:
        """m3 in a tank at a head in m; any shape."""
        if self.curve_level[tank].size == 0:
            return np.asarray(self.min_volume[tank] + (head - self.min_head[tank]) * self.area[tank])
        return np.asarray(np.interp(head - self.bottom[tank], self.curve_level[tank], self.curve_volume[tank]))

    def head(self, tank: int, volume: Floats) -> Floats:
        """Head in m of a tank that holds a volume in m3; any shape."""
        if self.curve_level[tank].size == 0:
            return np.asarray(self.min_head[tank] + (volume - self.min_volume[tank]) / self.area[tank])
        return np.asarray(self.bottom[tank] + np.interp(volume, self.curve_volume[tank], self.curve_level[tank]))


@dataclass(frozen=True, eq=False)
class PressureSwitches:
    """Simple controls on a junction's pressure, which act inside a solve (EPANET's `pswitch`).

    Args:
        link, node: indices; (switch,).
        below: acts at or below the head, else at or above; (switch,).
        head: m; (switch,).
        status: `Status` set; (switch,), int8.
        setting: set on pumps and valves, NaN for a valve fixed open or closed; (switch,).
    """

    link: Ints
    node: Ints
    below: Bools
    head: Floats
    status: Codes
    setting: Floats


@dataclass(frozen=True, eq=False)
class Plan:
    """A network compiled for hydraulics.

    Args:
        network: what it was made from.
        constants: EPANET's small and large numbers.
        exponent: of the head-loss formula.
        friction: pipe resistance is `friction * f(roughness)`, see `resistance`; m and m3/s; (link,). 0 for pumps and valves.
        minor: m per (m3/s)^2; (link,). Of a TCV: at its setting only, see `minor_per_coefficient`.
        minor_per_coefficient: m per (m3/s)^2 for a loss coefficient of 1; (link,).
        viscous_flow: viscosity times diameter, m3/s, for Darcy-Weisbach; (link,).
        pump_of_link: row in `pumps`, -1 for others; (link,).
        leak_fixed: m3/s per m^0.5; leak_variable: m3/s per m^1.5: the file's leakage; (junction,).
        tank_of_fixed: row in `tanks` of a fixed node, -1 for reservoirs; (fixed,).
    """

    network: Network
    constants: Constants
    exponent: float
    friction: Floats
    minor: Floats
    minor_per_coefficient: Floats
    viscous_flow: Floats
    pumps: PumpTable
    pump_of_link: Ints
    curves: CurveTable
    tanks: TankTable
    tank_of_fixed: Ints
    leak_fixed: Floats
    leak_variable: Floats
    switches: PressureSwitches

    @property
    def n_junctions(self) -> int:
        """Number of junctions."""
        return self.network.nodes.n_junctions

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.network.nodes)

    @property
    def n_links(self) -> int:
        """Number of links."""
        return len(self.network.links)

    @property
    def pressure_driven(self) -> bool:
        """Whether demands depend on pressure."""
        return self.network.options.demand_model == "PDA"

    @cached_property
    def switched(self) -> Bools:
        """Links that a pressure switch may open or close during a solve; (link,)."""
        links = np.zeros(self.n_links, dtype=bool)
        links[self.switches.link] = True
        return links

    def resistance(self, roughness: Floats) -> Floats:
        """Pipe resistance r in h = r q^n (for Darcy-Weisbach without the friction factor); 0 for pumps and valves.

        Args:
            roughness: as `Links.roughness`; (member, link).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            match self.network.options.headloss:
                case "HW":
                    factor = roughness**-1.852
                case "CM":
                    factor = roughness**2
                case _:
                    factor = np.ones_like(roughness)
            return np.where(self.friction > 0, self.friction * factor, 0.0)

    def conditions(self) -> Conditions:
        """The file's conditions at time 0, for one member: base demands by patterns, statuses, settings, tank levels."""
        network = self.network
        speed = pattern_values(network, 0)[network.pumps.speed_pattern]
        status, setting = initial_status(network), network.links.setting.copy()
        driven = network.pumps.speed_pattern >= 0
        setting[network.pumps.link[driven]] = speed[driven]
        status[network.pumps.link[driven]] = np.where(speed[driven] > 0, Status.OPEN, Status.CLOSED)
        return Conditions(
            demand=demand_at(network, 0)[None],
            fixed_head=self.fixed_head_at(0)[None],
            status=status[None],
            setting=setting[None],
            roughness=network.links.roughness[None],
            emitter=network.nodes.emitter[None],
            leak_area=np.zeros((1, self.n_junctions)),
            leak_growth=np.zeros((1, self.n_junctions)),
        )

    def leak_coefficients(self, conditions: Conditions) -> tuple[Floats, Floats]:
        """Coefficients of p^0.5 and p^1.5 of every junction's leaks, m3/s per m^0.5 and m^1.5; (member or 1, junction) each."""
        fixed = self.leak_fixed + ORIFICE * conditions.leak_area
        return fixed, self.leak_variable + ORIFICE * conditions.leak_growth

    def fixed_head_at(self, seconds: int) -> Floats:
        """Heads of reservoirs by their patterns, of tanks at their initial level; m; (fixed,)."""
        network = self.network
        head = network.nodes.elevation[self.n_junctions :].copy()
        multiplier = pattern_values(network, seconds)[network.reservoirs.pattern]
        head[network.reservoirs.node - self.n_junctions] *= multiplier
        tanks = network.tanks
        head[tanks.node - self.n_junctions] += tanks.initial_level
        return head

    def cold_flows(self, conditions: Conditions) -> Flows:
        """EPANET's first guess: 1 ft/s in open links, the design flow in pumps; (member, element)."""
        links, units = self.network.links, self.network.units
        first = np.pi * (links.diameter / METRES_PER_FOOT) ** 2 / 4 / units.cfs_per_si
        flow = np.broadcast_to(first, conditions.status.shape).copy()
        pumps = self.network.pumps.link
        speed = np.nan_to_num(np.broadcast_to(conditions.setting, flow.shape)[:, pumps], nan=1.0)
        flow[:, pumps] = speed * self.pumps.first_flow
        flow[conditions.status <= Status.CLOSED] = self.constants.no_flow
        leak_fixed, leak_variable = self.leak_coefficients(conditions)
        leak = 0.001 / units.cfs_per_si
        return Flows(
            link=flow,
            emitter=np.where(conditions.emitter > 0, 1 / units.cfs_per_si, 0.0),
            leak_fixed=np.where(leak_fixed > 0, leak, 0.0),
            leak_variable=np.where(leak_variable > 0, leak, 0.0),
            demand=conditions.demand,
        )


def pattern_values(network: Network, seconds: int) -> Floats:
    """Multipliers of all patterns at a time, and 1 at the end, so that index -1 means "no pattern"; (pattern + 1,)."""
    times = network.times
    period = (seconds + times.pattern_start) // max(times.pattern_step, 1)
    return np.array([values[period % len(values)] for values in network.patterns.values] + [1.0])


def demand_at(network: Network, seconds: int) -> Floats:
    """Required demand of every junction at a time, m3/s; (junction,)."""
    demands = network.demands
    pattern = np.where(demands.pattern >= 0, demands.pattern, network.options.pattern)
    demand = demands.base * pattern_values(network, seconds)[pattern] * network.options.demand_multiplier
    return np.bincount(demands.junction, weights=demand, minlength=network.nodes.n_junctions).astype(np.float64)


def initial_status(network: Network) -> Codes:
    """`Status` of every link at the start; (link,), int8."""
    links = network.links
    status = np.where(links.status == LinkStatus.CLOSED, Status.CLOSED, Status.OPEN).astype(np.int8)
    control = np.isin(links.kind, CONTROL_VALVES) & ~np.isnan(links.setting)
    status[control] = Status.ACTIVE
    stopped = (links.kind == LinkKind.PUMP) & (links.setting == 0)
    status[stopped] = Status.CLOSED
    return status


def make_plan(network: Network) -> Plan:
    """Compiles a network; the same plan serves any number of members and solves."""
    links, units, options = network.links, network.units, network.options
    scale = METRES_PER_FOOT * units.cfs_per_si**2
    diameter = links.diameter / METRES_PER_FOOT
    with np.errstate(divide="ignore"):
        per_coefficient = np.where(diameter > 0, 0.02517 / diameter**4 * scale, 0.0)
    viscosity = options.viscosity * 1.1e-5
    leak_fixed, leak_variable = _leakage(network)
    n_fixed = len(network.nodes) - network.nodes.n_junctions
    tank_of_fixed = np.full(n_fixed, -1)
    tank_of_fixed[network.tanks.node - network.nodes.n_junctions] = np.arange(len(network.tanks.node))
    pump_of_link = np.full(len(links), -1)
    pump_of_link[network.pumps.link] = np.arange(len(network.pumps.link))
    return Plan(
        network=network,
        constants=Constants.of(units),
        exponent=HEADLOSS_EXPONENT[options.headloss],
        friction=freeze(_friction(network), float),
        minor=freeze(per_coefficient * links.minor_loss, float),
        minor_per_coefficient=freeze(per_coefficient, float),
        viscous_flow=freeze(viscosity * diameter / units.cfs_per_si, float),
        pumps=_pump_table(network),
        pump_of_link=freeze(pump_of_link, np.int64),
        curves=_curve_table(network),
        tanks=_tank_table(network),
        tank_of_fixed=freeze(tank_of_fixed, np.int64),
        leak_fixed=leak_fixed,
        leak_variable=leak_variable,
        switches=_pressure_switches(network),
    )


def _friction(network: Network) -> Floats:
    """The part of a pipe's resistance that roughness does not touch, m per (m3/s)^n; (link,)."""
    links, units = network.links, network.units
    length, diameter = links.length / METRES_PER_FOOT, links.diameter / METRES_PER_FOOT
    formula = network.options.headloss
    scale = METRES_PER_FOOT * units.cfs_per_si ** HEADLOSS_EXPONENT[formula]
    with np.errstate(divide="ignore", invalid="ignore"):
        match formula:
            case "HW":
                friction = 4.727 * length / diameter**4.871
            case "DW":
                friction = length / 2 / GRAVITY_FEET / diameter / (np.pi * diameter**2 / 4) ** 2
            case _:
                friction = (4 / (1.49 * np.pi * diameter**2)) ** 2 * (diameter / 4) ** -1.333 * length
    return np.where(links.kind <= LinkKind.PIPE, friction * scale, 0.0)


def _leakage(network: Network) -> tuple[Floats, Floats]:
    """The file's leakage (FAVAD) shared out over the junctions at a pipe's ends; m3/s per m^0.5 and per m^1.5.

    EPANET 2.3.5 takes the expansion in mm2 per m in files of all units (its manual says: per unit of pressure head).
    """
    links, units, n_junctions = network.links, network.units, network.nodes.n_junctions
    orifice = 4.8149766e-6
    hundreds = links.length / units.length_si / 100
    area = orifice * links.leak_area / METRES_PER_FOOT**2 * hundreds
    expansion = orifice * links.leak_expansion / METRES_PER_FOOT * hundreds
    fixed, variable = shared_by_ends(links, n_junctions, np.stack([area, expansion]))
    return fixed / units.cfs_per_si / METRES_PER_FOOT**0.5, variable / units.cfs_per_si / METRES_PER_FOOT**1.5


def power_function(flow: Floats, head: Floats) -> tuple[float, float, float] | None:
    """(h0, r, n) of h0 - r q^n through one design point or three points, None where there is none; the curve's units.

    EPANET 2.2 manual, section 3.1.3: one point (q, h) stands for (0, 4/3 h), (q, h), (2 q, 0).
    """
    if len(flow) == 1:
        q1, q2, h0, h1, h2 = flow[0], 2 * flow[0], 1.33334 * head[0], head[0], 0.0
    elif len(flow) == 3 and flow[0] == 0:
        (q1, q2), (h0, h1, h2) = flow[1:], head
    else:
        return None
    tiny = 1e-6
    if min(h0, h0 - h1, h1 - h2, q1, q2 - q1) < tiny:
        return None
    n = np.log((h0 - h2) / (h0 - h1)) / np.log(q2 / q1)
    return (h0, (h0 - h1) / q1**n, n) if 0 < n <= 20 else None


def _pump_table(network: Network) -> PumpTable:
    units, pumps = network.units, network.pumps
    rows = []
    for link, power in zip(pumps.link, pumps.power, strict=True):
        curve = network.links.curve[link]
        if power > 0:
            gain = 8.814 * power / (KW_PER_HP * 1e3) * METRES_PER_FOOT / units.cfs_per_si
            rows.append((PumpLaw.POWER, 0.0, gain, -1.0, np.inf, 1 / units.cfs_per_si))
        elif curve < 0:
            rows.append((PumpLaw.NO_CURVE, 0.0, 0.0, 1.0, np.inf, 1 / units.cfs_per_si))
        else:
            flow, head = network.curves.x[curve], network.curves.y[curve]
            function = power_function(flow, head)
            if function is None:
                middle = (flow[0] + flow[-1]) / 2 * units.flow_si
                rows.append((PumpLaw.CURVE, 0.0, 0.0, 1.0, head[0] * units.length_si, middle))
            else:
                h0, r, n = function
                first = (flow[0] if len(flow) == 1 else flow[1]) * units.flow_si
                r_si = r * units.length_si / units.flow_si**n
                rows.append((PumpLaw.FUNCTION, h0 * units.length_si, r_si, n, h0 * units.length_si, first))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    law, *numbers = columns
    return PumpTable(freeze(law, np.int64), *(freeze(column, np.float64) for column in numbers))


def _curve_table(network: Network) -> CurveTable:
    """Curves of pumps and GPVs, one row per link that has one."""
    units, links = network.units, network.links
    of_link, first = np.full(len(links), -1), [0]
    flow: list[Floats] = []
    head: list[Floats] = []
    used = np.isin(links.kind, (LinkKind.PUMP, LinkKind.GPV)) & (links.curve >= 0)
    for row, link in enumerate(np.flatnonzero(used)):
        of_link[link] = row
        curve = links.curve[link]
        flow.append(network.curves.x[curve] * units.flow_si)
        head.append(network.curves.y[curve] * units.length_si)
        first.append(first[-1] + len(flow[-1]))
    join = np.concatenate
    return CurveTable(
        freeze(first, np.int64),
        freeze(join([*flow, np.zeros(0)]), np.float64),
        freeze(join([*head, np.zeros(0)]), np.float64),
        freeze(of_link, np.int64),
    )


def _tank_table(network: Network) -> TankTable:
    tanks, units = network.tanks, network.units
    bottom = network.nodes.elevation[tanks.node]
    area = np.pi * tanks.diameter**2 / 4
    levels, volumes = [], []
    for curve in tanks.volume_curve:
        levels.append(network.curves.x[curve] * units.length_si if curve >= 0 else np.zeros(0))
        volumes.append(network.curves.y[curve] * units.volume_si if curve >= 0 else np.zeros(0))
    # EPANET gives a cylinder without a minimum volume the volume below its minimum level.
    min_volume = np.where(tanks.min_volume > 0, tanks.min_volume, area * tanks.min_level)
    table = TankTable(
        fixed=freeze(tanks.node - network.nodes.n_junctions, np.int64),
        bottom=bottom,
        min_head=bottom + tanks.min_level,
        max_head=bottom + tanks.max_level,
        area=np.where(tanks.volume_curve >= 0, 0.0, area),
        min_volume=min_volume,
        max_volume=min_volume,
        initial_volume=min_volume,
        curve_level=tuple(levels),
        curve_volume=tuple(volumes),
        can_overflow=tanks.can_overflow,
    )

    def volume_at(head: Floats) -> Floats:
        return np.array([float(table.volume(tank, head[tank])) for tank in range(len(head))])

    return replace(
        table,
        min_volume=np.where(tanks.volume_curve >= 0, volume_at(table.min_head), min_volume),
        max_volume=volume_at(table.max_head),
        initial_volume=volume_at(bottom + tanks.initial_level),
    )


def _pressure_switches(network: Network) -> PressureSwitches:
    links, nodes = network.links, network.nodes
    chosen = [c for c in network.controls if c.kind in ("below", "above") and c.node < nodes.n_junctions]
    return PressureSwitches(
        link=freeze([c.link for c in chosen], np.int64),
        node=freeze([c.node for c in chosen], np.int64),
        below=freeze([c.kind == "below" for c in chosen], bool),
        head=freeze([nodes.elevation[c.node] + c.value for c in chosen], np.float64),
        status=freeze([control_status(int(links.kind[c.link]), c.status) for c in chosen], np.int8),
        setting=freeze([control_setting(int(links.kind[c.link]), c.status, c.setting) for c in chosen], np.float64),
    )


def control_status(kind: int, status: int) -> int:
    """The `Status` that a control's `LinkStatus` stands for on a link of a kind."""
    if status == LinkStatus.CLOSED:
        return int(Status.CLOSED)
    return int(Status.ACTIVE) if status == LinkStatus.ACTIVE and kind in CONTROL_VALVES else int(Status.OPEN)


def control_setting(kind: int, status: int, setting: float | None) -> float:
    """The setting that comes with a control: a pump opens at speed 1 and closes at 0, a valve opened or closed has none."""
    if setting is not None:
        return setting
    return float(status != LinkStatus.CLOSED) if kind == LinkKind.PUMP else float("nan")

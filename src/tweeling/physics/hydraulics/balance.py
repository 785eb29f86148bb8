"""The judge: does a steady state keep mass and energy? Written apart from the solvers, so that they cannot share a mistake.

Every function takes any code's heads, flows and statuses, ours or EPANET's. The formulas are those of the EPANET 2.2 user
manual (Rossman et al. 2020), section 3.1 and appendix D, in its own feet and cubic feet per second; numbers go in and out in
SI, `(member, element)`. Where nothing can be said (a closed link has no head loss) a residual is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Bools, Floats, LinkKind
from tweeling.physics.hydraulics.contract import Codes, Conditions, Flows, Solution, Status
from tweeling.physics.hydraulics.plan import ORIFICE, Plan
from tweeling.units import GRAVITY_FEET, KW_PER_HP, METRES_PER_FOOT

LARGE_COEFFICIENT = 1e8
"""EPANET's loss coefficient in ft per cfs^2 of a position control valve that is shut."""


@dataclass(frozen=True)
class Residuals:
    """How far a steady state is from keeping mass and energy; the largest of each member, (member,).

    Args:
        mass: m3/s, over junctions with supply.
        energy: m, over open links and active pressure valves.
        setting: m3/s, over active flow control valves: their flow is their setting.
        leaking: m3/s, over closed links: they carry nothing.
    """

    mass: Floats
    energy: Floats
    setting: Floats
    leaking: Floats


def residuals(plan: Plan, conditions: Conditions, solution: Solution) -> Residuals:
    """The largest residuals of each member of a solution."""
    head, flow, status, setting = solution.head, solution.flows.link, solution.status, solution.setting
    return Residuals(
        mass=_largest(mass_residual(plan, head, flow, outflow(solution.flows))),
        energy=_largest(energy_residual(plan, conditions, head, flow, status, setting)),
        setting=_largest(setting_residual(plan, flow, status, setting)),
        leaking=_largest(np.where(status <= Status.CLOSED, flow, 0.0)),
    )


def _largest(residual: Floats) -> Floats:
    return np.asarray(np.abs(residual).max(axis=1, initial=0.0))


def outflow(flows: Flows) -> Floats:
    """What leaves at junctions: delivered demand, emitters and leaks; m3/s, (member, junction)."""
    return flows.demand + flows.emitter + flows.leak_fixed + flows.leak_variable


def lawful_outflow(plan: Plan, conditions: Conditions, head: Floats) -> Floats:
    """What should leave at junctions by the laws of demand, emitters and leaks at these heads; m3/s, (member, junction).

    Where a head is NaN nothing leaves.
    """
    options = plan.network.options
    pressure = head[:, : plan.n_junctions] - plan.network.nodes.elevation[: plan.n_junctions]
    dry, pressure = np.isnan(pressure), np.nan_to_num(pressure)
    above = np.maximum(pressure, 0.0)
    demand = np.broadcast_to(conditions.demand, pressure.shape)
    if plan.pressure_driven:
        span = options.required_pressure - options.min_pressure
        share = np.clip((pressure - options.min_pressure) / span, 0.0, 1.0) ** options.pressure_exponent
        demand = np.where(demand > 0, demand * share, demand)
    drawn = pressure if options.emitter_backflow else above
    emitted = conditions.emitter * np.sign(drawn) * np.abs(drawn) ** options.emitter_exponent
    holes = ORIFICE * (conditions.leak_area + conditions.leak_growth * above) * above**0.5
    leaked = plan.leak_fixed * above**0.5 + plan.leak_variable * above**1.5 + holes
    return np.where(dry, 0.0, demand + emitted + leaked)


def mass_residual(plan: Plan, head: Floats, flow: Floats, leaving: Floats) -> Floats:
    """Inflow minus outflow of every junction; m3/s, (member, junction). 0 where the head is NaN: nothing is promised there."""
    links = plan.network.links
    balance = np.zeros((len(flow), plan.n_nodes))
    for member, row in enumerate(balance):
        row += np.bincount(links.end, weights=flow[member], minlength=plan.n_nodes)
        row -= np.bincount(links.start, weights=flow[member], minlength=plan.n_nodes)
    junctions = balance[:, : plan.n_junctions] - leaving
    return np.where(np.isnan(head[:, : plan.n_junctions]), 0.0, junctions)


def setting_residual(plan: Plan, flow: Floats, status: Codes, setting: Floats) -> Floats:
    """Flow of active flow control valves minus their setting; m3/s, (member, link)."""
    active = (plan.network.links.kind == LinkKind.FCV) & (status == Status.ACTIVE)
    return np.where(active, flow - setting, 0.0)


def energy_residual(plan: Plan, conditions: Conditions, head: Floats, flow: Floats, status: Codes, setting: Floats) -> Floats:
    """Head loss by the law of the link at this flow minus the difference of heads; m, (member, link).

    An active pressure reducing or sustaining valve is off by its pressure minus its setting. Closed links, active flow control
    valves and links at a node without supply are 0.
    """
    links, kind = plan.network.links, plan.network.links.kind
    shape = flow.shape
    setting = np.broadcast_to(setting, shape)
    drop = head[:, links.start] - head[:, links.end]
    elevation = plan.network.nodes.elevation
    residual = head_loss(plan, conditions, flow, status, setting) - drop
    active = status == Status.ACTIVE
    residual = np.where(active & (kind == LinkKind.PRV), head[:, links.end] - elevation[links.end] - setting, residual)
    residual = np.where(active & (kind == LinkKind.PSV), head[:, links.start] - elevation[links.start] - setting, residual)
    silent = (status <= Status.CLOSED) | (active & (kind == LinkKind.FCV)) | np.isnan(drop)
    return np.where(silent, 0.0, residual)


def head_loss(plan: Plan, conditions: Conditions, flow: Floats, status: Codes, setting: Floats) -> Floats:
    """Loss of head from start to end of open links by the law of their kind; m, (member, link). Of pumps: minus the gain."""
    links, kind = plan.network.links, plan.network.links.kind
    cfs = flow * plan.network.units.cfs_per_si
    feet = links.diameter / METRES_PER_FOOT
    friction = np.zeros_like(flow)
    pipes = kind <= LinkKind.PIPE
    roughness = np.broadcast_to(conditions.roughness, flow.shape)
    friction[:, pipes] = _friction(plan, cfs[:, pipes], roughness[:, pipes], pipes)
    coefficient = np.where(pipes | (kind >= LinkKind.PRV), links.minor_loss, 0.0)
    coefficient = np.where((kind == LinkKind.TCV) & ~np.isnan(setting), setting, coefficient)
    with np.errstate(divide="ignore"):
        per_coefficient = np.where(feet > 0, 0.02517 / feet**4, 0.0)
    minor = coefficient * per_coefficient
    positioned = (kind == LinkKind.PCV) & ~np.isnan(setting)
    minor = np.where(positioned, _position_coefficient(plan, minor, setting), minor)
    local = minor * cfs * np.abs(cfs)
    bare = (kind >= LinkKind.PRV) & (minor == 0)
    local = np.where(bare, plan.constants.low_resistance / METRES_PER_FOOT * flow, local)
    loss = (friction + local) * METRES_PER_FOOT
    breaking = (kind == LinkKind.PBV) & (setting > loss) & (setting > 0)
    loss = np.where(breaking, setting, loss)
    for link in np.flatnonzero(kind == LinkKind.GPV):
        loss[:, link] = np.sign(flow[:, link]) * _curve_value(plan, int(link), np.abs(flow[:, link]), plan.constants.tiny_slope)
    with np.errstate(divide="ignore", invalid="ignore"):  # a pump at speed 0, which is closed
        for row, link in enumerate(plan.network.pumps.link):
            loss[:, link] = -_pump_gain(plan, row, flow[:, link], setting[:, link])
    return loss


def _friction(plan: Plan, cfs: Floats, roughness: Floats, pipes: Bools) -> Floats:
    """Friction loss of pipes in ft for flows in cfs; (member, pipe)."""
    links, options = plan.network.links, plan.network.options
    feet, diameter = links.length[pipes] / METRES_PER_FOOT, links.diameter[pipes] / METRES_PER_FOOT
    area = np.pi * diameter**2 / 4
    velocity = cfs / area
    match options.headloss:
        case "HW":
            return np.asarray(4.727 * feet * cfs * np.abs(cfs) ** 0.852 / roughness**1.852 / diameter**4.871)
        case "CM":
            slope = (roughness * velocity / 1.49) ** 2 / (diameter / 4) ** 1.333
            return np.asarray(np.sign(cfs) * slope * feet)
        case _:
            reynolds = np.abs(velocity) * diameter / (options.viscosity * 1.1e-5)
            factor_re = _friction_factor_times_reynolds(reynolds, roughness / METRES_PER_FOOT / diameter)
            viscous = velocity * options.viscosity * 1.1e-5 / diameter
            return np.asarray(factor_re * feet / diameter * viscous / 2 / GRAVITY_FEET)


def _friction_factor_times_reynolds(reynolds: Floats, relative_roughness: Floats) -> Floats:
    """Darcy's friction factor times the Reynolds number, finite at rest.

    Hagen-Poiseuille below 2000, Swamee-Jain above 4000, Dunlop's cubic between.
    """
    turbulent_at = np.maximum(reynolds, 4000.0)
    turbulent = 0.25 / np.log10(relative_roughness / 3.7 + 5.74 / turbulent_at**0.9) ** 2
    y2 = relative_roughness / 3.7 + 5.74 / 4000**0.9
    y3 = -2 * np.log10(y2)
    fa = y3**-2
    fb = fa * (2 - 0.00514214966 / (y2 * y3))
    r = reynolds / 2000
    cubic = (7 * fa - fb) + r * (0.128 - 17 * fa + 2.5 * fb + r * (-0.128 + 13 * fa - 2 * fb + r * (0.032 - 3 * fa + 0.5 * fb)))
    factor = np.where(reynolds >= 4000, turbulent, cubic)
    return np.where(reynolds <= 2000, 64.0, factor * reynolds)


def _position_coefficient(plan: Plan, minor: Floats, setting: Floats) -> Floats:
    """Loss coefficient in ft per cfs^2 of position control valves, open by `setting` per cent; (member, link)."""
    links, curves = plan.network.links, plan.network.curves
    share = np.clip(setting / 100, 0.0, 1.0)
    for link in np.flatnonzero((links.kind == LinkKind.PCV) & (links.curve >= 0)):
        curve = links.curve[link]
        opened = np.concatenate([[0.0], curves.x[curve], [100.0]])
        passing = np.concatenate([[0.0], curves.y[curve], [100.0]])
        share[:, link] = np.interp(setting[:, link], opened, passing) / 100
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share > 0, np.minimum(minor / share**2, LARGE_COEFFICIENT), LARGE_COEFFICIENT)


def _curve_value(plan: Plan, link: int, flow: Floats, least_slope: float = -np.inf) -> Floats:
    """Head in m on the curve of a pump or valve at a flow in m3/s; the outer pieces are prolonged; (member,).

    EPANET gives a piece of a valve's curve at least a tiny slope (m per m3/s), about the point where it meets zero flow.
    """
    units, curve = plan.network.units, int(plan.network.links.curve[link])
    x, y = plan.network.curves.x[curve] * units.flow_si, plan.network.curves.y[curve] * units.length_si
    piece = np.clip(np.searchsorted(x, flow, side="right") - 1, 0, len(x) - 2)
    slope = (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])
    return np.asarray(y[piece] - slope * x[piece] + np.maximum(slope, least_slope) * flow)


def _pump_gain(plan: Plan, row: int, flow: Floats, speed: Floats) -> Floats:
    """Gain of head of one running pump; m, (member,)."""
    network, units = plan.network, plan.network.units
    power, curve = network.pumps.power[row], int(network.links.curve[network.pumps.link[row]])
    cfs = flow * units.cfs_per_si
    if power > 0:
        return np.asarray(8.814 * power * speed**3 / 1e3 / KW_PER_HP / cfs * METRES_PER_FOOT)
    if curve < 0:
        return np.zeros_like(flow)
    x, y = network.curves.x[curve] * units.flow_si, network.curves.y[curve] * units.length_si
    if len(x) == 1:
        x, y = np.array([0.0, x[0], 2 * x[0]]), np.array([1.33334 * y[0], y[0], 0.0])
    if len(x) == 3 and x[0] == 0:
        exponent = np.log((y[0] - y[2]) / (y[0] - y[1])) / np.log(x[2] / x[1])
        if 0 < exponent <= 20:
            bend = (y[0] - y[1]) / x[1] ** exponent
            return np.asarray(speed**2 * y[0] - bend * speed ** (2 - exponent) * np.sign(flow) * np.abs(flow) ** exponent)
    return np.asarray(speed**2 * _curve_value(plan, int(network.pumps.link[row]), flow / speed))


def tank_residual(plan: Plan, seconds: Floats, head: Floats, net_inflow: Floats) -> Floats:
    """Water that tanks hold, minus what came in since the step before; m3, (step - 1, tank).

    Args:
        plan: the network.
        seconds: of every hydraulic step, in order; (step,).
        head: of the fixed nodes at the beginning of each step, m; (step, fixed).
        net_inflow: into the fixed nodes during each step, m3/s; (step, fixed).
    """
    tanks = plan.tanks
    volume = np.stack([_volume(plan, tank, head[:, tanks.fixed[tank]]) for tank in range(len(tanks.fixed))], axis=1)
    # EPANET fills tanks with its own, rounded cubic feet per second; so must we (1e-5 of the water moved).
    filling = net_inflow[:-1, tanks.fixed] * plan.network.units.cfs_per_si * METRES_PER_FOOT**3
    return np.asarray(np.diff(volume, axis=0) - filling * np.diff(seconds)[:, None])


def _volume(plan: Plan, tank: int, head: Floats) -> Floats:
    """Water in a tank, m3, straight from the network's table."""
    network, tanks = plan.network, plan.network.tanks
    level, curve = head - network.nodes.elevation[tanks.node[tank]], int(tanks.volume_curve[tank])
    if curve < 0:
        return np.asarray(np.pi * tanks.diameter[tank] ** 2 / 4 * level)
    units = network.units
    return np.asarray(np.interp(level, network.curves.x[curve] * units.length_si, network.curves.y[curve] * units.volume_si))

"""What small changes of inputs do to flows while heads stay: the half of a derivative that needs no equations to be solved.

A link obeys h(q; x) = H_i - H_j, so at unchanged heads an input x moves its flow by -p dh/dx with the conductance
p = 1 / (dh/dq); an outlet (emitter, leak, delivered demand) likewise. `adjoint.py` and its fast twin `kernels/adjoint.py` turn
these into derivatives of heads and flows.

A law with pieces has the derivative of the piece that the state lies on. Where an input is 0 and can only grow (leak area,
emitter, a demand that depends on pressure) it is the derivative to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tweeling.network.network import Bools, Floats, LinkKind
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Conditions, Solution, Status
from tweeling.physics.hydraulics.plan import ORIFICE, Plan, PumpLaw
from tweeling.physics.hydraulics.reference import HOLDING, passes
from tweeling.physics.hydraulics.statuses import stalled


@dataclass(frozen=True, eq=False)
class Influence:
    """What moves flows in a steady state: heads, and inputs at unchanged heads; all (member, element).

    Args:
        slope: m3/s per m of the head difference along a link, 0 where a flow does not depend on it (closed links, valves that
            hold something); link.
        outlet: m3/s that leave a junction per m of its head; junction.
        log_roughness: m3/s through a pipe per unit of ln roughness; 0 for others; link.
        setting: m3/s through a link per unit of its setting (of a pump: per unit of speed), 0 where it has no influence, and
            at valves that hold a pressure, whose setting is a head in the equations; link.
        demand: m3/s delivered per m3/s required; junction.
        leak_area: m3/s that leave per m2; junction.
        emitter: m3/s that leave per unit of the coefficient; junction.
        holds: links that hold a pressure; link, bool.
        dry: nodes without supply; node, bool.
    """

    slope: Floats
    outlet: Floats
    log_roughness: Floats
    setting: Floats
    demand: Floats
    leak_area: Floats
    emitter: Floats
    holds: Bools
    dry: Bools


def influence(plan: Plan, conditions: Conditions, solution: Solution) -> Influence:
    """What moves flows in a steady state.

    Args:
        plan: of the network.
        conditions, solution: what an engine was given and gave.
    """
    links, n = plan.network.links, plan.n_junctions
    flow, status, setting = solution.flows.link, solution.status, solution.setting
    dry = np.isnan(solution.head)
    dry_link, active = dry[:, links.start] | dry[:, links.end], status == Status.ACTIVE
    free = passes(plan, status, setting) & ~stalled(plan, setting, flow) & ~dry_link
    free &= ~(active & np.isin(links.kind, (*HOLDING, LinkKind.FCV)))
    roughness = np.broadcast_to(conditions.roughness, flow.shape)
    resistance = np.broadcast_to(plan.resistance(conditions.roughness), flow.shape)
    slope = np.where(free, 1 / laws.link_loss(plan, flow, setting, resistance, roughness)[1], 0.0)
    wet = ~dry[:, :n]
    pressure = np.where(wet, solution.head[:, :n] - plan.network.nodes.elevation[:n], 0.0)
    outlets = _outlets(plan, conditions, solution, pressure)
    return Influence(
        slope=slope,
        outlet=np.where(wet, sum(one.slope for one in outlets.values()), 0.0),
        log_roughness=_by_log_roughness(plan, flow, resistance, roughness, slope),
        setting=_by_setting(plan, flow, setting, slope, active & ~dry_link),
        demand=np.where(wet, outlets["demand"].change, 0.0),
        leak_area=np.where(wet, ORIFICE * outlets["leak"].change, 0.0),
        emitter=np.where(wet, outlets["emitter"].change, 0.0),
        holds=active & ~dry_link & np.isin(links.kind, HOLDING),
        dry=dry,
    )


def _by_log_roughness(plan: Plan, flow: Floats, resistance: Floats, roughness: Floats, slope: Floats) -> Floats:
    """m3/s through pipes per unit of ln roughness; (member, link)."""
    pipe = plan.friction > 0
    if plan.network.options.headloss == "DW":
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            change = _darcy_weisbach_by_log_roughness(plan, flow, resistance, roughness)
        return np.where(pipe, -slope * change, 0.0)
    # The friction loss is r q^n with r ~ C^-1.852 or ~ m^2: its part of the gradient times q is what ln roughness moves.
    q = np.abs(flow)
    with np.errstate(divide="ignore"):
        friction = 1 / slope - 2 * plan.minor * q
    linear = friction < 0.75 * plan.constants.min_gradient
    share = 1 - 2 * plan.minor * q * slope
    sign = 1.0 if plan.network.options.headloss == "HW" else -1.0
    return np.where(pipe & ~linear & (slope > 0), sign * flow * share, 0.0)


def _darcy_weisbach_by_log_roughness(plan: Plan, flow: Floats, resistance: Floats, roughness: Floats) -> Floats:
    """Change of the head loss of pipes per unit of ln roughness, m: the derivative of `laws.darcy_weisbach_loss`."""
    log, at_4000 = -2 / np.log(10), 5.74 / 4000**0.9
    q = np.abs(flow)
    reynolds = q / plan.viscous_flow
    relative = roughness / plan.network.links.diameter
    y2 = relative / 3.7 + 5.74 * (np.pi / 4) ** 0.9 / np.maximum(reynolds, 1000 * np.pi) ** 0.9
    y3 = log * np.log(y2)
    turbulent = -2 * log / (3.7 * y2 * y3**3)
    y2 = relative / 3.7 + at_4000
    y3 = log * np.log(y2)
    fa, by = 1 / y3**2, -2 * log / (3.7 * y2 * y3**3)
    extra = -1.5634601348517065795 * at_4000 / (y2 * y3)
    fb = (2 + extra) * by - extra * (y3 + log) / (3.7 * y2 * y3) * fa
    ratio = reynolds / (500 * np.pi)
    between = 7 * by - fb + ratio * (2.5 * fb - 17 * by + ratio * (13 * by - 2 * fb + ratio * (0.5 * fb - 3 * by)))
    slope = np.where(reynolds >= 1000 * np.pi, turbulent, between)
    return np.where(reynolds <= 500 * np.pi, 0.0, resistance * q * flow * relative * slope)


def _by_setting(plan: Plan, flow: Floats, setting: Floats, slope: Floats, active: Bools) -> Floats:
    """m3/s through links per unit of setting, valves that hold a pressure left out; (member, link)."""
    links, found = plan.network.links, np.zeros_like(flow)
    for link in np.flatnonzero(np.isin(links.kind, (LinkKind.PUMP, LinkKind.FCV, LinkKind.TCV, LinkKind.PBV, LinkKind.PCV))):
        q, at, open_slope = flow[:, link], setting[:, link], slope[:, link]
        match LinkKind(links.kind[link]):
            case LinkKind.PUMP:
                change = _pump_by_speed(plan, int(plan.pump_of_link[link]), q, np.where(at == 0, 1.0, at))
            case LinkKind.FCV:
                found[:, link] = active[:, link]
                continue
            case LinkKind.PBV:
                change = ((np.nan_to_num(at) != 0) & (plan.minor[link] * q * q <= np.nan_to_num(at))).astype(np.float64)
            case kind:
                change = _throttled_by_setting(plan, int(link), kind, q, at)
        found[:, link] = -open_slope * change
    return found


def _pump_by_speed(plan: Plan, pump: int, flow: Floats, speed: Floats) -> Floats:
    """Change of the loss of a running pump per unit of speed, m: the derivative of `laws.pump_loss`; (member,)."""
    table, constants, q = plan.pumps, plan.constants, np.abs(flow)
    law, r = PumpLaw(table.law[pump]), table.r[pump]
    if law == PumpLaw.NO_CURVE:
        return np.zeros_like(flow)
    if law == PumpLaw.CURVE:
        row = int(plan.curves.of_link[plan.network.pumps.link[pump]])
        h0, slope = laws.curve_segment(plan, row, np.maximum(flow, 0.0) / speed)
        return -2 * h0 * speed - np.where(-slope * speed > constants.tiny_slope, slope * flow, 0.0)
    if law == PumpLaw.POWER:
        with np.errstate(divide="ignore", invalid="ignore"):
            gradient = r * speed**3 / q**2
            inside = (gradient <= constants.high_resistance) & (gradient >= constants.low_resistance)
            return np.where(inside, -3 * r * speed**2 / flow, 0.0)
    n = table.n[pump] if abs(table.n[pump] - 1) > 1e-6 else 1.0
    most = -2 * table.h0[pump] * speed
    gradient = n * r * speed ** (2 - n) * np.maximum(q, laws.NO_FLOW) ** (n - 1)
    linear = (gradient < constants.min_gradient) & (n != 1)
    return np.asarray(np.where(linear, most, most + (2 - n) * gradient / n * flow / speed))


def _throttled_by_setting(plan: Plan, link: int, kind: LinkKind, flow: Floats, setting: Floats) -> Floats:
    """Change of the loss of an open TCV or PCV per unit of setting, m; (member,)."""
    at = np.nan_to_num(setting)
    if kind == LinkKind.TCV:
        minor, by = plan.minor_per_coefficient[link] * at, np.full_like(at, plan.minor_per_coefficient[link])
    else:
        minor, by = laws.positional_minor(plan, link, at), _positional_minor_by_opening(plan, link, at)
    kept = np.isnan(setting) | (minor <= 0) | (2 * minor * np.abs(flow) < plan.constants.min_gradient)
    return np.where(kept, 0.0, by * np.abs(flow) * flow)


def _positional_minor_by_opening(plan: Plan, link: int, opening: Floats) -> Floats:
    """Change of `laws.positional_minor` per % of opening; (member,)."""
    curve = plan.network.links.curve[link]
    relative, slope = opening, np.ones_like(opening)
    if curve >= 0:
        x, y = plan.network.curves.x[curve], plan.network.curves.y[curve]
        right = np.clip(np.searchsorted(x, opening), 1, max(len(x) - 1, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (np.diff(y) / np.diff(x))[right - 1] if len(x) > 1 else np.zeros_like(opening)
            slope = np.where(opening < x[0], y[0] / x[0], np.where(opening > x[-1], (1 - y[-1]) / (1 - x[-1]), slope))
            before, beyond = opening / x[0] * y[0], (opening - x[-1]) / (1 - x[-1]) * (1 - y[-1]) + y[-1]
        relative = np.where(opening < x[0], before, np.where(opening > x[-1], beyond, np.interp(opening, x, y)))
    largest = laws.positional_minor(plan, link, np.zeros(1))[0]
    moves = (opening > 0) & (opening < 100) & (relative > 1e-4) & (relative < 100)
    with np.errstate(divide="ignore", over="ignore"):
        minor = plan.minor[link] * (100 / relative) ** 2
        return np.where(moves & (minor < largest), -2 * minor / relative * slope, 0.0)


class _Outlet(NamedTuple):
    """How an outlet's flow follows the head, m3/s per m, and its coefficient, m3/s per unit; (member, junction)."""

    slope: Floats | float
    change: Floats | float


def _outlets(plan: Plan, conditions: Conditions, solution: Solution, pressure: Floats) -> dict[str, _Outlet]:
    """Emitters, leaks and demands; `pressure` is in m; (member, junction)."""
    options, flows = plan.network.options, solution.flows
    leak_fixed, leak_variable = plan.leak_coefficients(conditions)
    upward, downward = np.maximum(pressure, 0.0), np.maximum(-pressure, 0.0)
    spray = upward**options.emitter_exponent
    if options.emitter_backflow:
        spray = spray - downward**options.emitter_exponent
    emitter = laws.emitter_loss(plan, flows.emitter, conditions.emitter)[1] if conditions.emitter.any() else None
    leak = laws.leak_loss(plan, flows.leak_fixed, leak_fixed, 0.5)[1] if leak_fixed.any() else None
    growing = laws.leak_loss(plan, flows.leak_variable, leak_variable, 1.5)[1] if leak_variable.any() else None
    return {
        "emitter": _power_outlet(plan, flows.emitter, conditions.emitter, options.emitter_exponent, emitter, spray),
        "leak": _power_outlet(plan, flows.leak_fixed, leak_fixed, 0.5, leak, np.sqrt(upward)),
        "growing leak": _power_outlet(plan, flows.leak_variable, leak_variable, 1.5, growing, 0.0),
        "demand": _delivered(plan, flows.demand, conditions.demand, pressure) if plan.pressure_driven else _Outlet(0.0, 1.0),
    }


def _power_outlet(
    plan: Plan, flow: Floats, coefficient: Floats, exponent: float, gradient: Floats | None, fresh: Floats | float
) -> _Outlet:
    """An outlet q = coefficient p^exponent; `fresh` is its derivative to the coefficient where that is 0.

    Args:
        gradient: of its loss, m per m3/s; None where there is none in the network.
    """
    if gradient is None:
        return _Outlet(0.0, fresh)
    there = coefficient > 0
    size = np.where(there, coefficient, 1.0)
    slope = np.where(there, 1 / gradient, 0.0)
    core = size ** (-1 / exponent) / exponent * np.maximum(np.abs(flow), laws.NO_FLOW) ** (1 / exponent - 1)
    linear = core < plan.constants.min_gradient  # there the loss does not depend on the coefficient
    return _Outlet(slope, np.where(there, np.where(linear, 0.0, core * flow * slope / size), fresh))


def _delivered(plan: Plan, flow: Floats, required: Floats, pressure: Floats) -> _Outlet:
    """Demands that depend on pressure; an inflow (a negative demand) comes in full."""
    options, constants = plan.network.options, plan.constants
    exponent = 1 / options.pressure_exponent
    span = max(options.required_pressure - options.min_pressure, laws.LEAST_SPAN)
    there = required > 0
    slope = np.where(there, 1 / laws.delivery_loss(plan, flow, required)[1], 0.0)
    full = np.where(there, required, 1.0)
    loss = exponent * span * (np.abs(flow) / full) ** (exponent - 1) * flow / full**2
    a = constants.barrier * (flow - full)
    limit = constants.barrier / 2 * (1 + a / np.sqrt(a * a + constants.barrier_width**2))
    fresh = np.clip((pressure - options.min_pressure) / span, 0.0, 1.0) ** options.pressure_exponent
    return _Outlet(slope, np.where(there, (loss + limit) * slope, np.where(required == 0, fresh, 1.0)))

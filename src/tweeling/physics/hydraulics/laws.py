"""What links, emitters, leaks and pressure-driven demands lose in head at a flow: the specification, in NumPy.

Every law gives the loss and its gradient, `(h, dh/dq)` in m and m per m3/s, at a flow in m3/s; that is all Newton's method
needs. Emitters, leaks and delivered demands are links too: from a junction to the open air at its elevation.

Source: Rossman et al. (2020), EPANET 2.2 User Manual, chapter 3 and 12; behaviour at small flows as in EPANET 2.3.
"""

from __future__ import annotations

import numpy as np

from tweeling.network.network import Floats, LinkKind
from tweeling.physics.hydraulics.plan import Constants, Plan, PumpLaw

NO_FLOW = 1e-30
"""m3/s: where a law of exponent < 1 would divide by zero."""

LEAST_SPAN = 0.1 * 0.3048
"""m: smallest range of pressure over which a demand goes from nothing to all (EPANET's MINPDIFF)."""

CURVATURE = 0.5
"""(n - 1) / 2 of a loss q^n: what a Newton step leaves of a change dq is this times dq^2 / q; n is 2 at most in pipes."""
TURBULENT = 1000 * np.pi
"""q / (viscosity diameter) at Re = 4000."""
NO_LENGTH = 1e-6
"""Part of EPANET's least gradient that pipes have at least by Darcy-Weisbach; EPANET has none, and short wide pipes less."""
UNSTEADY = 5.0
"""What stands for CURVATURE below Re = 4000, where the friction factor first rises with the flow."""

Law = tuple[Floats, Floats]
"""Loss in m and gradient in m per m3/s, of one shape."""


def power_loss(flow: Floats, resistance: Floats, exponent: float | Floats, least: float) -> Law:
    """Loss r q |q|^(n-1), odd in flow; linear with gradient least / n where the gradient would fall below `least`."""
    gradient = exponent * resistance * np.maximum(np.abs(flow), NO_FLOW) ** (exponent - 1)
    gradient = np.where(gradient < least, least / exponent, gradient)
    linear = gradient == least / exponent
    return np.where(linear, gradient * flow, gradient * flow / exponent), gradient


def friction_factor(reynolds: Floats, relative_roughness: Floats) -> Law:
    """Darcy-Weisbach friction factor and its derivative to `reynolds`, for turbulent and transitional flow.

    Swamee and Jain (1976) from Re = 4000 on, below it the cubic of Dunlop (1991).

    Args:
        reynolds: Re pi / 4 = q / (viscosity diameter), no unit.
        relative_roughness: e / d, no unit.
    """
    log = -2 / np.log(10)
    low = TURBULENT
    w = np.maximum(reynolds, low)
    y1 = 5.74 * (np.pi / 4) ** 0.9 / w**0.9
    y2 = relative_roughness / 3.7 + y1
    y3 = log * np.log(y2)
    turbulent = 1 / y3**2
    turbulent_slope = 1.8 * turbulent * y1 * log / y2 / y3 / w

    y2 = relative_roughness / 3.7 + 5.74 / 4000**0.9
    y3 = log * np.log(y2)
    fa = 1 / y3**2
    fb = (2 + (-1.5634601348517065795 * 5.74 / 4000**0.9) / (y2 * y3)) * fa
    ratio = reynolds / (low / 2)
    x1 = 7 * fa - fb
    x2 = 0.128 - 17 * fa + 2.5 * fb
    x3 = -0.128 + 13 * fa - 2 * fb
    x4 = 0.032 - 3 * fa + 0.5 * fb
    between = x1 + ratio * (x2 + ratio * (x3 + ratio * x4))
    between_slope = (x2 + ratio * (2 * x3 + ratio * 3 * x4)) / (low / 2)
    above = reynolds >= low
    return np.where(above, turbulent, between), np.where(above, turbulent_slope, between_slope)


def darcy_weisbach_loss(
    flow: Floats, resistance: Floats, minor: Floats, relative_roughness: Floats, viscous: Floats, least: float
) -> Law:
    """Loss of pipes by Darcy-Weisbach with minor loss; Hagen-Poiseuille up to Re = 2000.

    Linear with gradient `least` / 2 where the gradient would fall below `least`: pipes of (almost) no length.

    Args:
        flow: m3/s; (member, link).
        resistance: m per (m3/s)^2 for a friction factor of 1; (member, link).
        minor: m per (m3/s)^2; (link,).
        relative_roughness: e / d; (member, link).
        viscous: viscosity times diameter, m3/s; (link,).
    """
    q = np.abs(flow)
    reynolds = q / viscous
    laminar = reynolds <= 500 * np.pi
    stiffness = 16 * np.pi * viscous * resistance
    factor, slope = friction_factor(np.maximum(reynolds, 500 * np.pi), relative_roughness)
    total = factor * resistance + minor
    turbulent_gradient = 2 * total * q + slope / viscous * resistance * q * q
    loss = np.where(laminar, flow * (stiffness + minor * q), total * q * flow)
    gradient = np.where(laminar, stiffness + 2 * minor * q, turbulent_gradient)
    small = gradient < least
    return np.where(small, flow * least / 2, loss), np.where(small, least / 2, gradient)


def curvature(plan: Plan) -> Floats:
    """At most this is h'' q / (2 h') of each link's loss h; infinite where its gradient jumps or is not known; (link,)."""
    kind, pumps = plan.network.links.kind, plan.pumps
    smooth = (kind <= LinkKind.PIPE) | np.isin(kind, (LinkKind.TCV, LinkKind.PRV, LinkKind.PSV, LinkKind.FCV))
    result = np.where(smooth, CURVATURE, np.inf)
    by_function = pumps.law == PumpLaw.FUNCTION
    result[plan.network.pumps.link[by_function]] = np.maximum(pumps.n[by_function] - 1, 1) / 2
    return result


def left_to_move(plan: Plan, before: Floats, change: Floats) -> Floats:
    """What a whole Newton step leaves for the next one to move, m3/s; (member, link).

    The tangent at q is off by h'' dq^2 / 2 after a step dq, which is worth h''/(2 h') dq^2 of flow; no more than dq is counted.

    Args:
        plan: the compiled network.
        before: flow that the tangent was made at; (member, link).
        change: of the flow; (member, link).
    """
    size, bend = np.abs(change), np.broadcast_to(curvature(plan), change.shape)
    if plan.network.options.headloss == "DW":
        pipe = plan.network.links.kind <= LinkKind.PIPE
        bend = np.where(pipe & (np.abs(before) <= TURBULENT * plan.viscous_flow), UNSTEADY, bend)
    with np.errstate(invalid="ignore", over="ignore"):  # a member with an impossible input; it ends as unbalanced
        left = bend * size * (size / np.maximum(np.abs(before), NO_FLOW))
    return np.where(left < size, left, size)


def pipe_loss(plan: Plan, flow: Floats, resistance: Floats, roughness: Floats) -> Law:
    """Loss of open pipes; garbage for other links. Arrays (member, link)."""
    if plan.network.options.headloss == "DW":
        diameter = plan.network.links.diameter
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return darcy_weisbach_loss(
                flow, resistance, plan.minor, roughness / diameter, plan.viscous_flow, NO_LENGTH * plan.constants.min_gradient
            )
    loss, gradient = power_loss(flow, resistance, plan.exponent, plan.constants.min_gradient)
    q = np.abs(flow)
    return loss + plan.minor * q * flow, gradient + 2 * plan.minor * q


def valve_loss(constants: Constants, flow: Floats, minor: Floats) -> Law:
    """Loss of an open valve with a minor loss in m per (m3/s)^2; almost none where that is 0."""
    least = constants.min_gradient
    gradient = 2 * minor * np.abs(flow)
    small = gradient < least
    loss = np.where(small, flow * least / 2, flow * gradient / 2)
    gradient = np.where(small, least / 2, gradient)
    free = minor <= 0
    return np.where(free, constants.low_resistance * flow, loss), np.where(free, constants.low_resistance, gradient)


def curve_segment(plan: Plan, row: int, flow: Floats) -> Law:
    """(intercept in m, slope in m per m3/s) of the piece of a curve that holds a flow; the outer pieces go on for ever."""
    first, last = plan.curves.first[row], plan.curves.first[row + 1]
    x, y = plan.curves.flow[first:last], plan.curves.head[first:last]
    right = np.clip(np.searchsorted(x, flow, side="left"), 1, max(len(x) - 1, 1))
    right = np.minimum(right, len(x) - 1)
    left = np.maximum(right - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(right > left, (y[right] - y[left]) / (x[right] - x[left]), 0.0)
    return y[left] - slope * x[left], slope


def pump_loss(plan: Plan, pump: int, flow: Floats, speed: Floats) -> Law:
    """Loss (negative: gain) of a running pump; (member,)."""
    constants, table = plan.constants, plan.pumps
    q = np.abs(flow)
    match PumpLaw(table.law[pump]):
        case PumpLaw.NO_CURVE:
            return constants.low_resistance * flow, np.full_like(flow, constants.low_resistance)
        case PumpLaw.CURVE:
            # The first piece goes on for flow back: EPANET mirrors the curve there, and its law jumps.
            row = int(plan.curves.of_link[plan.network.pumps.link[pump]])
            h0, slope = curve_segment(plan, row, np.maximum(flow, 0.0) / speed)
            gradient = np.maximum(-slope * speed, constants.tiny_slope)
            return -h0 * speed**2 + gradient * flow, gradient
        case PumpLaw.POWER:
            power = table.r[pump] * speed**3
            with np.errstate(divide="ignore", invalid="ignore"):
                gradient, loss = power / q**2, -power / flow
            steep = gradient > constants.high_resistance
            gradient = np.clip(gradient, constants.low_resistance, constants.high_resistance)
            return np.where(steep, gradient * flow, loss), gradient
    n = table.n[pump] if abs(table.n[pump] - 1) > 1e-6 else 1.0
    h0, r = -table.h0[pump] * speed**2, table.r[pump] * speed ** (2 - n)
    if n == 1:
        return h0 + r * flow, r * np.ones_like(flow)
    gradient = n * r * np.maximum(q, NO_FLOW) ** (n - 1)
    small = gradient < constants.min_gradient
    gradient = np.where(small, constants.min_gradient, gradient)
    return np.where(small, h0 + gradient * flow, h0 + gradient * flow / n), gradient


def least_flow(plan: Plan) -> float:
    """m3/s below which the loss of a general purpose valve is a line through no flow."""
    return 1e-6 / plan.network.units.cfs_per_si


def gpv_loss(plan: Plan, link: int, flow: Floats) -> Law:
    """Loss of an open general purpose valve by its curve, odd in flow; (member,).

    Next to no flow it is a line through nothing: EPANET's law jumps there, and between its two sides lies no solution.
    """
    size, least = np.abs(flow), least_flow(plan)
    q = np.maximum(size, least)
    h0, slope = curve_segment(plan, int(plan.curves.of_link[link]), q)
    slope = np.maximum(slope, plan.constants.tiny_slope)
    loss = h0 + slope * q
    steady = size < least
    gradient = np.where(steady, np.maximum(loss / least, plan.constants.tiny_slope), slope)
    return np.where(steady, gradient * flow, loss * np.sign(flow)), gradient


def positional_minor(plan: Plan, link: int, opening: Floats) -> Floats:
    """Minor loss in m per (m3/s)^2 of a positional control valve at a % of opening; (member,)."""
    open_loss = plan.minor[link]
    curve = plan.network.links.curve[link]
    if curve < 0:
        relative = opening
    else:
        x, y = plan.network.curves.x[curve], plan.network.curves.y[curve]
        relative = np.interp(opening, x, y)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(opening < x[0], opening / x[0] * y[0], relative)
            beyond = (opening - x[-1]) / (1 - x[-1]) * (1 - y[-1]) + y[-1]
        relative = np.where(opening > x[-1], beyond, relative)
    relative = np.clip(relative / 100, 1e-6, 1.0)
    largest = 1e8 * 0.3048 * plan.network.units.cfs_per_si**2
    loss = np.minimum(open_loss / relative**2, largest)
    return np.where(opening >= 100, open_loss, np.where(opening <= 0, largest, loss))


def link_loss(plan: Plan, flow: Floats, setting: Floats, resistance: Floats, roughness: Floats) -> Law:
    """Loss of every link as if it were open and not regulating; (member, link).

    Args:
        flow: m3/s; (member, link).
        setting: NaN for none; (member, link).
        resistance: see `Plan.resistance`; (member, link).
        roughness: as `Links.roughness`; (member, link).
    """
    links, constants = plan.network.links, plan.constants
    loss, gradient = pipe_loss(plan, flow, resistance, roughness)
    for link in np.flatnonzero(links.kind > LinkKind.PIPE):
        kind, q, at = LinkKind(links.kind[link]), flow[:, link], setting[:, link]
        if kind == LinkKind.PUMP:
            speed = np.where(at == 0, 1.0, at)
            loss[:, link], gradient[:, link] = pump_loss(plan, int(plan.pump_of_link[link]), q, speed)
            continue
        if kind == LinkKind.GPV and plan.curves.of_link[link] >= 0:
            loss[:, link], gradient[:, link] = gpv_loss(plan, int(link), q)
            continue
        minor = np.full_like(q, plan.minor[link])
        if kind == LinkKind.TCV:
            minor = np.where(np.isnan(at), minor, plan.minor_per_coefficient[link] * at)
        elif kind == LinkKind.PCV:
            minor = np.where(np.isnan(at), minor, positional_minor(plan, int(link), np.nan_to_num(at)))
        loss[:, link], gradient[:, link] = valve_loss(constants, q, minor)
        if kind == LinkKind.PBV:
            # Also a large flow back meets this drop: in EPANET the law jumps there, and may have no solution.
            breaking = (np.nan_to_num(at) != 0) & (plan.minor[link] * q * np.abs(q) <= np.nan_to_num(at))
            loss[:, link] = np.where(breaking, at, loss[:, link])
            gradient[:, link] = np.where(breaking, 1 / plan_conductance(constants), gradient[:, link])
    return loss, gradient


def plan_conductance(constants: Constants) -> float:
    """m3/s per m of a link that forces a head difference (EPANET's CBIG)."""
    return 100.0 / constants.low_resistance


def barriers(
    constants: Constants, flow: Floats, law: Law, least: float | None, most: Floats | None, firm: float | Floats = 1.0
) -> Law:
    """Adds a steep loss that keeps a flow at or above `least` and at or below `most`, smooth at the limits.

    `firm` is the part of its steepness that it has: less than 1 on the way to a solution. At no flow it may be more than 1,
    where pressures are -1e9 m; at a flow that would make steps of the rounding of that.
    """
    loss, gradient = law
    slope, width = constants.barrier * firm, constants.barrier_width
    if least is not None:
        a = slope * (flow - least)
        b = np.sqrt(a * a + width * width)
        loss, gradient = loss + (a - b) / 2, gradient + slope / 2 * (1 - a / b)
    if most is not None:
        slope = constants.barrier * np.minimum(firm, 1.0)
        a = slope * (flow - most)
        b = np.sqrt(a * a + width * width)
        loss, gradient = loss + (a + b) / 2, gradient + slope / 2 * (1 + a / b)
    return loss, gradient


def emitter_loss(plan: Plan, flow: Floats, coefficient: Floats, firm: float | Floats = 1.0) -> Law:
    """Pressure in m that drives an emitter's flow, where its coefficient (m3/s per m^exponent) is not 0."""
    exponent = 1 / plan.network.options.emitter_exponent
    with np.errstate(divide="ignore"):
        resistance = np.where(coefficient > 0, coefficient, 1.0) ** -exponent
    law = power_loss(flow, resistance, exponent, plan.constants.min_gradient)
    if plan.network.options.emitter_backflow:
        return law
    return barriers(plan.constants, flow, law, 0.0, None, firm)


def leak_loss(plan: Plan, flow: Floats, coefficient: Floats, exponent: float, firm: float | Floats = 1.0) -> Law:
    """Pressure in m that drives a leak q = coefficient p^exponent; a leak never draws in."""
    resistance = np.where(coefficient > 0, coefficient, 1.0) ** (-1 / exponent)
    law = power_loss(flow, resistance, 1 / exponent, plan.constants.min_gradient)
    return barriers(plan.constants, flow, law, 0.0, None, firm)


def delivery_loss(plan: Plan, flow: Floats, required: Floats, firm: float | Floats = 1.0) -> Law:
    """Pressure above the minimum, in m, at which a flow is delivered of a required demand > 0 (Wagner et al. 1988)."""
    options = plan.network.options
    exponent = 1 / options.pressure_exponent
    span = max(options.required_pressure - options.min_pressure, LEAST_SPAN)
    full = np.where(required > 0, required, 1.0)
    gradient = exponent * span * (np.maximum(np.abs(flow), NO_FLOW) / full) ** (exponent - 1) / full
    return barriers(plan.constants, flow, (gradient * flow / exponent, gradient), 0.0, full, firm)

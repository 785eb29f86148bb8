"""Derivatives by differences of tight solves: the judge of `tw.sensitivities`, which shares no line with it.

Every input is moved up and down by steps that shrink by 4; the moved ones are the members of one batch. Of three successive
estimates that agree best an extrapolation is taken, and how far they are apart is kept: what a difference cannot tell it cannot
judge. (Two agree by chance where a step is too small, and for a while where it is too large.)
A pair in which a status flips, or a link or an outlet passes from one piece of its law to another, is no estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.network.network import LinkKind
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Conditions, Engine, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import ORIFICE, Plan, PumpLaw

TIGHT = StoppingRule(accuracy=1e-14, trials=100)
SHRINK = 4
STEPS = 7
BATCH = 2048

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Place = tuple[str, int]


@dataclass(frozen=True, eq=False)
class Differences:
    """Estimates for one table: derivatives of outputs to inputs, and how far estimates were apart; (output, input).

    `element` are the inputs that were moved; (input,). NaN where no pair of solves stayed on one piece.
    """

    element: Ints
    estimate: Floats
    doubt: Floats

    @property
    def excluded(self) -> Bools:
        """Inputs without an estimate; (input,)."""
        return np.asarray(np.isnan(self.doubt).all(0))


@dataclass(frozen=True, eq=False)
class Input:
    """How an input is moved: an array of `Conditions`, its elements, the first step, where only upwards; (input,) each."""

    array: str
    element: Ints
    step: Floats
    upwards: Bools
    logarithmic: bool = False


def inputs_of(plan: Plan, conditions: Conditions, solution: Solution) -> dict[str, Input]:
    """Every input of the tables of `tw.sensitivities`, for a batch of one."""
    links, n, options = plan.network.links, plan.n_junctions, plan.network.options
    demand, area, emitter = conditions.demand[0], conditions.leak_area[0], conditions.emitter[0]
    typical = max(float(np.abs(demand).mean()) if n else 0.0, 1e-6)
    pressure = max(float(np.nanmedian(solution.head[0, :n] - plan.network.nodes.elevation[:n])), 1.0)
    setting = solution.setting[0]
    pipes = np.flatnonzero(links.kind <= LinkKind.PIPE)
    valves = np.flatnonzero((links.kind > LinkKind.PUMP) & (links.kind != LinkKind.GPV) & ~np.isnan(setting))
    pumps, fixed = plan.network.pumps.link[setting[plan.network.pumps.link] > 0], np.arange(plan.n_nodes - n)
    leak, spray = typical / (ORIFICE * pressure**0.5), typical / pressure**options.emitter_exponent
    sizes = {LinkKind.FCV: 0.1 * typical, LinkKind.TCV: 0.5, LinkKind.PCV: 0.5}
    by_kind = np.array([sizes.get(LinkKind(links.kind[valve]), 0.2) for valve in valves])

    def both(elements: Any) -> Bools:
        return np.zeros(len(elements), dtype=bool)

    # A demand that depends on pressure has a kink at 0.
    by_pressure = np.where(demand == 0, typical, np.minimum(typical, 0.3 * np.abs(demand)))
    return {
        "demand": Input(
            "demand",
            np.arange(n),
            by_pressure if plan.pressure_driven else np.full(n, typical),
            (demand == 0) & plan.pressure_driven,
        ),
        "log_roughness": Input("roughness", pipes, np.full(len(pipes), 0.1), both(pipes), logarithmic=True),
        "leak_area": Input("leak_area", np.arange(n), np.where(area > 0, 0.3 * area, leak), area <= 0),
        "emitter": Input("emitter", np.arange(n), np.where(emitter > 0, 0.3 * emitter, spray), emitter <= 0),
        "setting": Input("setting", valves, by_kind, both(valves)),
        "speed": Input("setting", pumps, np.full(len(pumps), 0.02), both(pumps)),
        "fixed_head": Input("fixed_head", fixed, np.full(len(fixed), 0.2), both(fixed)),
    }


def settled(engine: Engine, plan: Plan, conditions: Conditions, solution: Solution) -> tuple[Conditions, Solution]:
    """Conditions with statuses and settings as a solve ended with, and their tight solution."""
    conditions = replace(conditions, status=solution.status, setting=solution.setting)
    solution = _solved(engine, plan, conditions, solution)
    return replace(conditions, status=solution.status, setting=solution.setting), solution


def differences(
    engine: Engine, plan: Plan, conditions: Conditions, solution: Solution, places: Sequence[Place], given: Input
) -> Differences:
    """Estimates of the derivatives of outputs to the elements of one input.

    Args:
        engine: solves.
        plan: of the network.
        conditions, solution: of one member, `settled`.
        places: outputs.
        given: the input.
    """
    here, base = values_at(solution, places), getattr(conditions, given.array)[0, given.element]
    kept = pieces(plan, conditions, solution)
    estimates = np.full((STEPS, len(places), len(given.element)), np.nan)
    up = given.upwards
    for number in range(STEPS):
        step = given.step * float(SHRINK) ** -number
        if given.logarithmic:
            sides = base * np.exp(-step), base * np.exp(step)
        else:
            sides = np.where(up, base + 2 * step, base - step), base + step
        (low, stays), (high, stays_too) = (
            _moved(engine, plan, conditions, solution, given, side, places, kept) for side in sides
        )
        span = 2 * step[:, None]
        estimate = np.where(up[:, None], 4 * high - low - 3 * here, high - low) / span
        estimates[number] = np.where((stays & stays_too)[:, None], estimate, np.nan).T
    return _best(given.element, estimates)


def _best(element: Ints, estimates: Floats) -> Differences:
    change = np.diff(estimates, axis=0)
    doubt = np.maximum(np.abs(change[:-1]), np.abs(change[1:]))
    better = estimates[1:-1] + change[:-1] / (SHRINK**2 - 1)
    pick = np.where(np.isnan(doubt), np.inf, doubt).argmin(0)[None]
    estimate, least = (np.take_along_axis(array, pick, 0)[0] for array in (better, doubt))
    return Differences(element, estimate, least)


def _moved(
    engine: Engine,
    plan: Plan,
    conditions: Conditions,
    solution: Solution,
    given: Input,
    side: Floats,
    places: Sequence[Place],
    kept: Ints,
) -> tuple[Floats, Bools]:
    """Outputs with each input in turn moved to one side, (input, output), and whether all stays on its piece, (input,)."""
    values, stays = [], []
    for first in range(0, len(side), BATCH):
        rows = np.arange(first, min(first + BATCH, len(side)))
        table = np.repeat(getattr(conditions, given.array), len(rows), axis=0)
        table[np.arange(len(rows)), given.element[rows]] = side[rows]
        moved = replace(conditions, **{given.array: table})
        found = _solved(engine, plan, moved, solution)
        values.append(values_at(found, places))
        same = (found.status == solution.status).all(1) & (np.isnan(found.head) == np.isnan(solution.head)).all(1)
        stays.append(same & (pieces(plan, moved, found) == kept).all(1))
    if not values:
        return np.zeros((0, len(places))), np.zeros(0, dtype=bool)
    return np.concatenate(values), np.concatenate(stays)


def _solved(engine: Engine, plan: Plan, conditions: Conditions, start: Solution) -> Solution:
    rows = max(len(array) for array in vars(conditions).values())
    cold = plan.cold_flows(replace(conditions, status=np.repeat(conditions.status[:1], rows, axis=0)))
    fresh = {
        name: np.where(getattr(start.flows, name) > 0, getattr(start.flows, name), getattr(cold, name))
        for name in ("leak_fixed", "leak_variable")
    }
    emitter = np.where(start.flows.emitter != 0, start.flows.emitter, cold.emitter)
    flows = replace(start.flows, demand=conditions.demand, emitter=emitter, **fresh)
    return engine(plan, conditions, flows, TIGHT)


def values_at(solution: Solution, places: Sequence[Place]) -> Floats:
    """Heads and flows at places; (member, output)."""
    columns = [(solution.head if kind == "node" else solution.flows.link)[:, index] for kind, index in places]
    return np.stack(columns, axis=1) if columns else np.zeros((len(solution.head), 0))


def pieces(plan: Plan, conditions: Conditions, solution: Solution) -> Ints:
    """A number for the piece of its law that each link, outlet and delivered demand is on; (member, link + 4 junction)."""
    flow, setting, constants = solution.flows.link, solution.setting, plan.constants
    q = np.abs(flow)
    found = np.zeros(flow.shape, dtype=np.int64)
    _, gradient = laws.link_loss(
        plan, flow, setting, np.broadcast_to(plan.resistance(conditions.roughness), flow.shape), conditions.roughness
    )
    friction = gradient - 2 * plan.minor * q
    pipe = plan.network.links.kind <= LinkKind.PIPE
    if plan.network.options.headloss == "DW":
        with np.errstate(divide="ignore", invalid="ignore"):
            reynolds = q / plan.viscous_flow
        found = np.where(pipe, (reynolds > 500 * np.pi).astype(np.int64) + (reynolds >= 1000 * np.pi), found)
    else:
        found = np.where(pipe, (friction < 0.75 * constants.min_gradient).astype(np.int64), found)
    for link in np.flatnonzero(~pipe):
        found[:, link] = _machine_piece(plan, int(link), flow[:, link], setting[:, link], gradient[:, link])
    found = np.where(solution.status <= Status.CLOSED, 0, found)
    return np.concatenate([found, *_outlet_pieces(plan, conditions, solution)], axis=1)


def _machine_piece(plan: Plan, link: int, flow: Floats, setting: Floats, gradient: Floats) -> Ints:
    constants, row = plan.constants, plan.curves.of_link[link]
    kind = LinkKind(plan.network.links.kind[link])
    piece = np.zeros(len(flow), dtype=np.int64)
    if kind == LinkKind.PUMP:
        pump = plan.pump_of_link[link]
        if plan.pumps.law[pump] == PumpLaw.CURVE:
            points = plan.curves.flow[plan.curves.first[row] : plan.curves.first[row + 1]]
            return np.searchsorted(points[1:-1], np.abs(flow) / np.where(setting > 0, setting, 1.0))
        if plan.pumps.law[pump] == PumpLaw.POWER:
            return 2 * (gradient >= constants.high_resistance) + (gradient <= constants.low_resistance).astype(np.int64)
        return (gradient <= constants.min_gradient).astype(np.int64)
    if kind == LinkKind.GPV and row >= 0:
        points = plan.curves.flow[plan.curves.first[row] : plan.curves.first[row + 1]]
        return np.searchsorted(points[1:-1], np.abs(flow)) + 100 * (flow > 0)
    piece = (gradient < constants.min_gradient).astype(np.int64)
    if kind == LinkKind.PBV:
        piece += 2 * (plan.minor[link] * flow**2 <= np.nan_to_num(setting))
    if kind == LinkKind.PCV and plan.network.links.curve[link] >= 0:
        piece += 2 * np.searchsorted(plan.network.curves.x[plan.network.links.curve[link]], np.nan_to_num(setting))
    return piece


def _outlet_pieces(plan: Plan, conditions: Conditions, solution: Solution) -> list[Ints]:
    """Linear, below nothing, partly or in full: of emitters, leaks and demands; (member, junction) each."""
    n, options, least = plan.n_junctions, plan.network.options, plan.constants.min_gradient
    pressure = solution.head[:, :n] - plan.network.nodes.elevation[:n]
    leak_fixed, leak_variable = plan.leak_coefficients(conditions)
    shapes = (
        (conditions.emitter, solution.flows.emitter, options.emitter_exponent),
        (leak_fixed, solution.flows.leak_fixed, 0.5),
        (leak_variable, solution.flows.leak_variable, 1.5),
    )
    found = []
    for coefficient, flow, exponent in shapes:
        there = coefficient > 0
        resistance = np.where(there, coefficient, 1.0) ** (-1 / exponent)
        gradient = resistance / exponent * np.maximum(np.abs(flow), 1e-30) ** (1 / exponent - 1)
        found.append(np.where(pressure > 0, 2, 0) + (there & (gradient < least) & (pressure > 0)))
    if plan.pressure_driven:
        span = max(options.required_pressure - options.min_pressure, laws.LEAST_SPAN)
        part = (pressure - options.min_pressure) / span
        found.append((part > 0).astype(np.int64) + (part >= 1))
    return found

"""`tweeling.sensitivities`: what small changes do to heads and flows, exactly, by the adjoint of the last Newton equations.

Around a steady state the equations are A dH = r, where r holds what changes in mass balances and held heads. For an output
y = e' dH one transposed solve A' x = e gives all sensitivities at once: dy = x' r. The balance of a node that a pressure valve
holds stands in the row of the node that passes its flow on (see `reference.py`), so its x is that node's.

Source: Piller, Elhay, Deuerlein, Simpson (2017), Local sensitivity of pressure-driven modeling,
10.1061/(ASCE)WR.1943-5452.0000696.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import splu

from tweeling.errors import InputError
from tweeling.network.network import Floats, Network
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Conditions, Solution, Status
from tweeling.physics.hydraulics.plan import CONTROL_VALVES, Plan
from tweeling.physics.hydraulics.reference import Equations, linear_equations
from tweeling.physics.hydraulics.steady import State, compiled_period

LOG_STEP = 1e-5
"""Step of ln roughness that the derivative of a head loss is taken over; the error is its square."""


Place = tuple[str, int]
"""`node` or `link`, and its index."""


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """Derivatives of outputs; an output is the head of a node (m) or the flow of a link (m3/s). NaN where there is no supply.

    Args:
        outputs: ids or places, as asked for.
        demand: per m3/s of required demand at a junction (with pressure-driven demand 0: see `State.demand`);
            (member, output, junction).
        log_roughness: per unit of the logarithm of a pipe's roughness, 0 for other links; (member, output, link).
        setting: per m of a regulating pressure valve's setting or m3/s of a flow control valve's, 0 for other links;
            (member, output, link).
        fixed_head: per m of head of a reservoir or tank, in node order; (member, output, fixed).
    """

    outputs: tuple[str | Place, ...]
    demand: Floats
    log_roughness: Floats
    setting: Floats
    fixed_head: Floats


def sensitivities(network: Network, state: State, outputs: Sequence[str | Place]) -> Sensitivities:
    """Derivatives of heads and flows to demands, roughnesses, settings and fixed heads.

    Args:
        network: that the state is of.
        state: from `solve`, all members.
        outputs: ids of nodes (their head) and links (their flow); an id that both have is the node's. Or `("link", index)`.

    Raises:
        UnknownElementError: an id that the network has not.
        InputError: a state of another network, or the flow of a valve that is regulating pressure.
    """
    if state.node_ids != network.nodes.ids or state.link_ids != network.links.ids:
        raise InputError("the state is of another network; solve this one first")
    found = sensitivities_of(compiled_period(network).plan, state.conditions, state.solution, outputs)
    for column, name in enumerate(outputs):
        kind, index = _place(network, name)
        if kind == "link" and (
            np.isin(network.links.kind[index], CONTROL_VALVES[:2]) and np.isnan(found.demand[:, column]).any()
        ):
            raise InputError(f"link {name!r} is regulating pressure: ask for the flow of the pipe behind it")
    return found


def sensitivities_of(plan: Plan, conditions: Conditions, solution: Solution, outputs: Sequence[str | Place]) -> Sensitivities:
    """As `sensitivities`, from what an engine was given and gave; the flow of a valve that regulates pressure has NaN.

    Raises:
        UnknownElementError: an id that the network has not.
    """
    places = [_place(plan.network, name) for name in outputs]
    parts = []
    rows = zip(linear_equations(plan, conditions, solution), solution.status, strict=True)
    for member, ((equations, conductance, flow), status) in enumerate(rows):
        roughness = conditions.roughness[member if len(conditions.roughness) > 1 else 0]
        setting = solution.setting[member]
        loss_change = _loss_change(plan, flow, setting, roughness) * conductance * (status > Status.CLOSED)
        parts.append(_member(plan, equations, conductance, loss_change, status, places))
    stacked = (np.stack(part) for part in zip(*parts, strict=True))
    return Sensitivities(tuple(outputs), *stacked)


def _place(network: Network, name: str | Place) -> Place:
    """Kind and index of an output."""
    if isinstance(name, tuple):
        return name
    if name in network.nodes.index:
        return "node", network.nodes.index[name]
    if name in network.links.index:
        return "link", network.links.index[name]
    return "node", network.node(name)


def _loss_change(plan: Plan, flow: Floats, setting: Floats, roughness: Floats) -> Floats:
    """Change of head loss per unit of ln roughness, m; (link,)."""

    def loss(factor: float) -> Floats:
        rough = roughness[None] * factor
        return np.asarray(laws.pipe_loss(plan, flow[None], plan.resistance(rough), rough)[0][0])

    change = (loss(np.exp(LOG_STEP)) - loss(np.exp(-LOG_STEP))) / (2 * LOG_STEP)
    return np.where(plan.friction > 0, change, 0.0)


def _member(
    plan: Plan,
    equations: Equations,
    conductance: Floats,
    loss_change: Floats,
    status: Floats,
    places: list[Place],
) -> tuple[Floats, Floats, Floats, Floats]:
    """Sensitivities of one member; (output, junction), (output, link), (output, link), (output, fixed)."""
    links, n = plan.network.links, plan.n_junctions
    size, count = plan.n_nodes, len(places)
    wanted = np.zeros((size, count))
    own = np.zeros((count, plan.n_links))
    unknown = np.zeros(count, dtype=bool)
    held = {link for link, _, _ in equations.holding}
    for column, (kind, index) in enumerate(places):
        if kind == "node":
            wanted[index, column] = 1.0
            continue
        if index in held:
            unknown[column] = True
            continue
        wanted[links.start[index], column] += conductance[index]
        wanted[links.end[index], column] -= conductance[index]
        own[column, index] = 1.0
    adjoint = np.zeros((size, count))
    if n:
        adjoint[:n] = splu(equations.matrix[:n, :n].tocsc()).solve(wanted[:n], trans="T")
    setting = np.zeros((count, plan.n_links))
    weight = adjoint.copy()
    for link, holds, passes_on in reversed(equations.holding):
        setting[:, link] = adjoint[holds]
        weight[holds] = weight[passes_on]
    across = (weight[links.end] - weight[links.start]).T
    control = (status == Status.ACTIVE) & np.isin(links.kind, CONTROL_VALVES[2:])
    setting = np.where(control, across + own, setting)
    roughness = -(across + own) * loss_change
    fixed, by_head = wanted[n:].T.copy(), across * conductance
    for node in range(n, size):
        starts, ends = links.start == node, links.end == node
        fixed[:, node - n] += by_head[:, starts].sum(1) - by_head[:, ends].sum(1)
    demand = -weight[:n].T
    for table in (demand, roughness, setting, fixed):
        table[unknown] = np.nan
    return demand, roughness, setting, fixed

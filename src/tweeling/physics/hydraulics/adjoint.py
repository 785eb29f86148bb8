"""Derivatives of heads and flows to inputs by the adjoint: clear and slow, the specification of `kernels/adjoint.py`.

Around a steady state the balances of the junctions are A dH = r: r is what inputs bring to each junction at unchanged heads
(`influence.py`), A holds the slopes of links and outlets. For an output y = e' dH one transposed solve A' x = e gives all its
derivatives at once, dy = x' r: x is what a unit of inflow at each junction does to y, its *weight*.

* A link's flow is slope (dH_i - dH_j) plus what inputs do to it at unchanged heads: its *own* part.
* A junction whose head a valve holds has the row dH = d setting, and the node that passes its flow on takes its balance
  (see `reference.py`): its weight is that node's. The valve's own flow q is whatever balances the junction that it holds,
  q = +-(A dH - r) with that junction's own row of A; so e is that row, and the weight of the junction has 1 more or less.
* Dry junctions have the row dH = 0. Outputs there have no derivative: NaN.

Source: Piller, Elhay, Deuerlein, Simpson (2017), Local sensitivity of pressure-driven modeling,
10.1061/(ASCE)WR.1943-5452.0000696.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from tweeling.network.network import Floats, LinkKind
from tweeling.physics.hydraulics.influence import Influence
from tweeling.physics.hydraulics.plan import Plan

TABLES = ("demand", "log_roughness", "leak_area", "emitter", "setting", "speed", "fixed_head")
"""What derivatives can be asked for; each gives a table (member, output, element)."""
TRICKLE = 1e-6
"""Part of the trickle of Newton's closed links (1 / `high_resistance`) that keeps the equations solvable here."""
UNBOUND = 1e13
"""m per m3/s: heads that move by more are held by nothing but that trickle: NaN."""

Place = tuple[str, int]
"""`node` or `link`, and its index."""
Valve = tuple[int, int, int]
"""A link that holds a pressure, the node whose head it holds, and the node that passes its flow on."""


def adjoint_tables(
    plan: Plan, influence: Influence, valves: Sequence[Valve], places: Sequence[Place], wanted: Sequence[str]
) -> dict[str, Floats]:
    """Tables of derivatives, member by member; (member, output, element).

    Args:
        plan: of the network.
        influence: of all members.
        valves: that may hold a pressure, a valve before one that holds the node it passes on to.
        places: outputs: heads of nodes and flows of links.
        wanted: names out of `TABLES`.
    """
    members = [_member(plan, influence, member, valves, places) for member in range(len(influence.slope))]
    return {name: np.stack([tables[name] for tables in members]) for name in wanted}


def _member(
    plan: Plan, influence: Influence, member: int, valves: Sequence[Valve], places: Sequence[Place]
) -> dict[str, Floats]:
    """All tables of one member; (output, element)."""
    links, pumps, n = plan.network.links, plan.network.pumps.link, plan.n_junctions
    holding = [valve for valve in valves if influence.holds[member, valve[0]]]
    weight, setting, own, fixed = _weights(plan, influence, member, holding, places)
    across = (weight[links.end] - weight[links.start]).T
    by_head, across = across * influence.slope[member], across + own
    by_setting = across * influence.setting[member]
    for node in range(n, plan.n_nodes):
        fixed[:, node - n] += by_head[:, links.start == node].sum(1) - by_head[:, links.end == node].sum(1)
    for link, _, _ in holding:
        by_setting[:, link] = setting[:, link]
    leaving = -weight[:n].T
    return {
        "demand": leaving * influence.demand[member],
        "log_roughness": across * influence.log_roughness[member],
        "leak_area": leaving * influence.leak_area[member],
        "emitter": leaving * influence.emitter[member],
        "setting": np.where(links.kind == LinkKind.PUMP, 0.0, by_setting),
        "speed": by_setting[:, pumps],
        "fixed_head": fixed,
    }


def _weights(
    plan: Plan, influence: Influence, member: int, holding: Sequence[Valve], places: Sequence[Place]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights (node, output); derivatives to held settings (output, link); own parts (output, link); direct (output, fixed)."""
    links, n, size = plan.network.links, plan.n_junctions, plan.n_nodes
    balance = _balance(plan, influence, member)
    rows, flow_rows, holds = balance.tolil(), {}, set()
    for link, held, passes_on in holding:
        sign = 1.0 if links.kind[link] == LinkKind.PRV else -1.0
        row = sign * rows[[held], :].toarray()[0]
        flow_rows[link] = (np.where(np.arange(size) < n, row, 0.0), sign)  # fixed heads are inputs: they come with r
        rows[[passes_on], :] = rows[[passes_on], :] + rows[[held], :]
        holds.add(held)
    for node in {*holds, *np.flatnonzero(influence.dry[member]).tolist()}:
        rows[[node], :] = 0.0
        rows[node, node] = 1.0

    wanted, own = np.zeros((size, len(places))), np.zeros((len(places), plan.n_links))
    for column, (kind, index) in enumerate(places):
        if kind == "node":
            wanted[index, column] = np.nan if influence.dry[member, index] else 1.0
        elif index in flow_rows:
            wanted[:, column] = flow_rows[index][0]
        else:
            wanted[links.start[index], column] += influence.slope[member, index]
            wanted[links.end[index], column] -= influence.slope[member, index]
            own[column, index] = 1.0
    weight = np.zeros((size, len(places)))
    weight[:n] = _solved(csc_array(rows)[:n, :n], wanted[:n])
    lost = np.isnan(wanted).any(0) | (np.abs(weight) > UNBOUND).any(0)
    weight[:, lost] = np.nan
    setting = np.zeros((len(places), plan.n_links))
    for link, held, passes_on in reversed(holding):
        setting[:, link] = weight[held]
        weight[held] = weight[passes_on]
        weight[held] -= [flow_rows[link][1] if place == ("link", link) else 0.0 for place in places]
    return weight, setting, own, wanted[n:].T.copy()


def _balance(plan: Plan, influence: Influence, member: int) -> coo_array:
    """The slopes of all balances: what leaves each node per m of rise of each; (node, node)."""
    links, size = plan.network.links, plan.n_nodes
    outlet = np.broadcast_to(influence.outlet, (len(influence.slope), plan.n_junctions))[member]
    slope = conductance_of(plan, influence)[member]
    nodes = np.arange(plan.n_junctions)
    rows = np.concatenate([links.start, links.end, links.start, links.end, nodes])
    columns = np.concatenate([links.start, links.end, links.end, links.start, nodes])
    return coo_array((np.concatenate([slope, slope, -slope, -slope, outlet]), (rows, columns)), shape=(size, size))


def conductance_of(plan: Plan, influence: Influence) -> Floats:
    """Slopes of links, with a trickle through those that do not depend on heads and that join wet nodes; (member, link)."""
    links = plan.network.links
    dry = influence.dry[:, links.start] | influence.dry[:, links.end]
    trickle = TRICKLE / plan.constants.high_resistance
    return np.where((influence.slope > 0) | dry | influence.holds, influence.slope, trickle)


def _solved(matrix: csc_array, right: Floats) -> Floats:
    """The solution of the transposed equations; NaN where there is none."""
    if not right.size:
        return right
    try:
        return np.asarray(splu(matrix).solve(np.nan_to_num(right), trans="T"))
    except RuntimeError:
        return np.full_like(right, np.nan)

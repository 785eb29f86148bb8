"""The hydraulic engine for processors: the reference's Newton steps, LANES members at a time, compiled by Numba.

Equations, statuses and dry zones are those of `physics/hydraulics/reference.py`; read that first. Here the same steps run over
rows of LANES numbers (`vector.py`) on one order of elimination (`structure.py`):

    solve -> members.solve_members -> newton.newton_step -> tangents, factor, move
                                   -> switching          -> new statuses, lane by lane

A plain pipe that is closed or dry gets an enormous resistance in its lane instead of a branch in the loop.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Conditions, Flows, Solution, StoppingRule
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.hydraulics.reference import OWN_RELATIVE_CHANGE
from tweeling.physics.kernels.members import solve_members
from tweeling.physics.kernels.structure import MACHINE, THROTTLE
from tweeling.physics.kernels.tables import (
    DELIVERED,
    EMITTER,
    LEAK_FIXED,
    LEAK_VARIABLE,
    OK,
    UNBALANCED,
    Block,
    Compiled,
    Given,
    Output,
    compiled_of,
)
from tweeling.physics.kernels.vector import LANES

CLOSED_SETS = 8
"""Sets of closed links whose dry nodes are remembered: members of a run differ in a few pumps and valves."""


def solve(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
    """A steady state for every member; see `contract.Engine`."""
    n_members = max(len(array) for array in (*vars(conditions).values(), *vars(flows).values()))
    output = Output(
        head=np.empty((n_members, plan.n_nodes)),
        flow=np.empty((n_members, plan.n_links)),
        outlet_flow=np.zeros((n_members, 0)),
        status=np.array(np.broadcast_to(conditions.status, (n_members, plan.n_links)), np.int8, order="C"),
        setting=_settings(plan, conditions, n_members),
        inflow=np.empty((n_members, plan.n_nodes - plan.n_junctions)),
        iterations=np.zeros(n_members, dtype=np.int64),
        outcome=np.full(n_members, UNBALANCED, dtype=np.int8),
        culprit=np.full(n_members, -1),
        error=np.zeros(n_members),
    )
    accuracy = OWN_RELATIVE_CHANGE if rule.accuracy is None else rule.accuracy
    head = rule.head if rule.accuracy is None else np.inf
    outlets = _Outlets.of(plan, conditions, flows)
    parts = []
    for who, folded in _parts(plan, outlets, n_members):
        compiled = compiled_of(plan, folded=folded)
        given = _given(plan, compiled, conditions, flows, outlets)
        part = output._replace(outlet_flow=np.zeros((n_members, len(given.outlet_kind))))
        block = _block(plan, compiled, given)
        solve_members(compiled, given, block, part, who, accuracy, head, rule.trials, rule.check_frequency, rule.max_check)
        parts.append((who, given, part.outlet_flow))
    return _solution(plan, parts, conditions, output)


def _parts(plan: Plan, outlets: _Outlets, n_members: int) -> list[tuple[Ints, bool]]:
    """Members whose trees and chains are folded, and those that have an outlet in one of them: a member is its own reason."""
    everybody = np.arange(n_members)
    if plan.pressure_driven:
        return [(everybody, False)]
    inside = compiled_of(plan, folded=True).structure.folded[outlets.junction]
    if not inside.any():
        return [(everybody, True)]
    plain = np.broadcast_to((outlets.resistance[:, inside] < 0).all(1), n_members)
    return [(who, folded) for who, folded in ((everybody[plain], True), (everybody[~plain], False)) if len(who)]


def _own(array: npt.NDArray[Any], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """The array as Numba is to see it: of one type, contiguous and writable, or every kind would be compiled anew."""
    return np.require(array, dtype, ["C", "W"])


class _Resistances:
    """Resistances of the arrays of roughness that were asked for last: a run asks for the same one at every step."""

    def __init__(self, kept: int) -> None:
        self._kept: OrderedDict[tuple[int, int], tuple[weakref.ref[Any], Floats]] = OrderedDict()
        self._most, self._lock = kept, threading.Lock()

    def of(self, plan: Plan, roughness: Floats) -> Floats:
        """R of pipes by Darcy-Weisbach, n r by a power of the flow: what the tangents want; (member or 1, link)."""
        key = (id(plan), id(roughness))
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found[0]() is roughness:
            return found[1]
        resistance = _own(plan.resistance(roughness))
        if plan.network.options.headloss != "DW":
            resistance = plan.exponent * resistance
        with self._lock:
            self._kept[key] = (weakref.ref(roughness), resistance)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return resistance


_resistances = _Resistances(kept=16)


class _Outlets(NamedTuple):
    """What flows out by pressure anywhere: columns of `Given`, by junction, wherever any member has one."""

    junction: Ints
    kind: Ints
    exponent: Floats
    least: Floats
    datum: Floats
    barrier: Ints
    resistance: Floats
    most: Floats
    flow: Floats

    @staticmethod
    def of(plan: Plan, conditions: Conditions, flows: Flows) -> _Outlets:
        """All emitters, leaks and delivered demands."""
        options = plan.network.options
        elevation, least = plan.network.nodes.elevation, plan.constants.min_gradient
        leak_fixed, leak_variable = laws.leak_coefficients(plan, conditions.leak_area)
        by_pressure = np.maximum(conditions.demand, 0.0) if plan.pressure_driven else np.zeros((1, plan.n_junctions))
        span = max(options.required_pressure - options.min_pressure, laws.LEAST_SPAN)
        free = 0 if options.emitter_backflow else 1
        kinds = (
            # kind, coefficient, flow, exponent of flow over pressure, least gradient, barrier, datum
            (EMITTER, conditions.emitter, flows.emitter, options.emitter_exponent, least, free, 0.0),
            (LEAK_FIXED, leak_fixed, flows.leak_fixed, 0.5, least, 1, 0.0),
            (LEAK_VARIABLE, leak_variable, flows.leak_variable, 1.5, least, 1, 0.0),
            (DELIVERED, by_pressure, flows.demand, options.pressure_exponent, 0.0, 2, options.min_pressure),
        )
        columns: list[tuple[Ints, int, float, float, int, float]] = []
        resistance, most, start = [], [], []
        for kind, coefficient, flow, exponent, slope, barrier, datum in kinds:
            junctions = np.flatnonzero((coefficient > 0).any(0))
            if junctions.size == 0:
                continue
            mine = coefficient[:, junctions]
            columns.append((junctions, kind, 1 / exponent, slope, barrier, datum))
            scale = span if kind == DELIVERED else 1.0
            with np.errstate(divide="ignore"):
                resistance.append(np.where(mine > 0, scale * mine ** (-1 / exponent), -1.0))
            most.append(mine)
            start.append(flow[:, junctions])
        junction = np.concatenate([*(c[0] for c in columns), np.zeros(0, dtype=np.int64)])

        def column(which: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
            parts = [np.full(len(c[0]), c[which], dtype=dtype) for c in columns]
            return np.concatenate([*parts, np.zeros(0, dtype=dtype)])

        def joined(parts: list[Floats]) -> Floats:
            rows = max((len(part) for part in parts), default=1)
            whole = [np.broadcast_to(part, (rows, part.shape[1])) for part in parts]
            return np.concatenate([*whole, np.zeros((rows, 0))], axis=1)

        return _Outlets(
            junction=junction,
            kind=column(1, np.int64),
            exponent=column(2, np.float64),
            least=column(3, np.float64),
            datum=elevation[junction] + column(5, np.float64),
            barrier=column(4, np.int64),
            resistance=joined(resistance),
            most=joined(most),
            flow=joined(start),
        )


def _given(plan: Plan, compiled: Compiled, conditions: Conditions, flows: Flows, outlets: _Outlets) -> Given:
    """Conditions in the kernel's form, with the outlets at junctions that have a column."""
    structure, demand = compiled.structure, conditions.demand
    if plan.pressure_driven:
        demand = np.minimum(demand, 0.0)
    position = structure.position[outlets.junction]
    by_position = np.argsort(position, kind="stable")
    by_position = by_position[: np.count_nonzero(position < compiled.numbers.n)]
    position = position[by_position]
    return Given(
        demand=_own(demand),
        fixed_head=_own(conditions.fixed_head),
        status=_own(conditions.status, np.int8),
        setting=_own(conditions.setting),
        resistance=_resistances.of(plan, conditions.roughness),
        roughness=_own(conditions.roughness),
        flow=_own(flows.link),
        outlet_position=position,
        outlet_junction=outlets.junction[by_position],
        outlet_kind=outlets.kind[by_position],
        outlet_first=np.searchsorted(position, np.arange(compiled.numbers.n + 1)),
        outlet_exponent=outlets.exponent[by_position],
        outlet_least=outlets.least[by_position],
        outlet_datum=outlets.datum[by_position],
        outlet_barrier=outlets.barrier[by_position],
        outlet_resistance=_own(outlets.resistance[:, by_position]),
        outlet_most=_own(outlets.most[:, by_position]),
        outlet_flow=_own(outlets.flow[:, by_position]),
    )


def _block(plan: Plan, compiled: Compiled, given: Given) -> Block:
    structure, numbers = compiled.structure, compiled.numbers
    n, outer, m, nodes = numbers.n, numbers.n + numbers.n_fixed, len(structure.start), plan.n_nodes
    entries, outlets = len(structure.row), len(given.outlet_kind)
    chains, pieces, trees = len(structure.chain_place), len(structure.piece_node), len(structure.tree_node)
    throttles = int(structure.groups[MACHINE] - structure.groups[THROTTLE])

    def rows(number: int) -> Floats:
        return np.zeros((max(number, 1), LANES))

    return Block(
        head=rows(outer),
        rise=rows(outer),
        rest=rows(outer),
        right=rows(n),
        ground=rows(n),
        demand=rows(n),
        lower=rows(entries),
        beyond=rows(entries if len(structure.lopsided_columns) else 1),
        flow=rows(m),
        resistance=rows(m + pieces + trees),
        relative=rows(m + pieces + trees if numbers.darcy else 1),
        minor=rows(throttles),
        conductance=rows(m),
        constant=rows(m),
        drawn=rows(pieces),
        shift=rows(pieces),
        rough=rows(1),
        tree_flow=rows(trees),
        loss=rows(pieces + trees),
        gradient=rows(pieces),
        bend=rows(chains),
        change=rows(chains),
        trees=rows(1),
        outlet_flow=rows(outlets),
        outlet_resistance=np.full((max(outlets, 1), LANES), -1.0),
        outlet_most=rows(outlets),
        outlet_conductance=rows(outlets),
        outlet_constant=rows(outlets),
        sums=rows(5),
        step=np.ones((1, LANES)),
        before=np.zeros((LANES, m)),
        status=np.zeros((LANES, m), dtype=np.int8),
        setting=np.zeros((LANES, m)),
        dry_link=np.zeros((LANES, m), dtype=bool),
        dry_node=np.zeros((LANES, nodes), dtype=bool),
        member=np.full(LANES, -1),
        moving=np.zeros(LANES, dtype=np.uint64),
        row=np.zeros(LANES, dtype=np.uint64),
        iteration=np.zeros(LANES, dtype=np.int64),
        next_check=np.zeros(LANES, dtype=np.int64),
        error=np.zeros(LANES),
        reopened=np.zeros(LANES, dtype=bool),
        waited=np.zeros(LANES, dtype=np.int64),
        clean=np.zeros(LANES, dtype=bool),
        lane_shut=np.zeros((LANES, plan.n_links), dtype=bool),
        has_shut=np.zeros(LANES, dtype=bool),
        dried=np.zeros(LANES, dtype=bool),
        known=np.zeros(LANES, dtype=bool),
        shut=np.zeros(plan.n_links, dtype=bool),
        last_shut=np.zeros((CLOSED_SETS, plan.n_links), dtype=bool),
        last_dry=np.zeros((CLOSED_SETS, nodes), dtype=bool),
        any_dry=np.append(np.full(CLOSED_SETS, -1), 0),
        stack=np.zeros(nodes, dtype=np.int64),
        old_status=np.zeros(m, dtype=np.int8),
        own=np.zeros((LANES, nodes)),
        dries=np.zeros(LANES, dtype=bool),
        drying=np.zeros((LANES, nodes), dtype=bool),
    )


def _settings(plan: Plan, conditions: Conditions, n_members: int) -> Floats:
    """Where settings go: only pressure switches change them, else they stay what was given."""
    shape = (n_members, plan.n_links)
    return np.array(np.broadcast_to(conditions.setting, shape), order="C") if len(plan.switches.link) else np.zeros((1, 1))


def _solution(plan: Plan, parts: list[tuple[Ints, Given, Floats]], conditions: Conditions, output: Output) -> Solution:
    """Results in the contract's form, from members, what they were given and their outlets; what none has is a view of zeros."""
    shape = (len(output.head), plan.n_junctions)
    dry = np.isnan(output.head[:, : plan.n_junctions]) if (output.outcome != OK).any() else None
    outlets = []
    for kind in (EMITTER, LEAK_FIXED, LEAK_VARIABLE, DELIVERED):
        if kind == DELIVERED:
            fixed = np.minimum(conditions.demand, 0.0) if plan.pressure_driven else conditions.demand
        else:
            fixed = np.zeros((1, 1))
        flow = np.broadcast_to(fixed, shape)
        if kind == DELIVERED and dry is not None:
            flow = np.where(dry, 0.0, flow)
        for who, given, outlet_flow in parts:
            mine = given.outlet_kind == kind
            if mine.any():
                flow = flow if flow.flags.writeable else flow.copy()
                flow[np.ix_(who, given.outlet_junction[mine])] += outlet_flow[np.ix_(who, mine)]
        outlets.append(flow)
    links = (len(output.head), plan.n_links)
    return Solution(
        head=output.head,
        flows=Flows(output.flow, *outlets),
        status=output.status,
        setting=output.setting if len(plan.switches.link) else np.broadcast_to(conditions.setting, links),
        net_inflow=output.inflow,
        iterations=output.iterations,
        outcome=output.outcome,
        culprit=output.culprit,
        error=output.error,
    )

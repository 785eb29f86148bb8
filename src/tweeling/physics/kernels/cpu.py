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
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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


THREAD_WORK = 6000
"""Members times links that are worth a thread: beginning one takes as long as some tens of members of a small network."""


def solve(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule, threads: int = 1) -> Solution:
    """A steady state for every member; see `contract.Engine`.

    Args:
        plan, conditions, flows, rule: as for every engine.
        threads: at most; each solves LANES members at a time, and all take the next member from one queue.
    """
    compiled = compiled_of(plan)
    n_members = max(len(array) for array in (*vars(conditions).values(), *vars(flows).values()))
    given = _given(plan, compiled, conditions, flows)
    output = Output(
        head=np.empty((n_members, plan.n_nodes)),
        flow=np.empty((n_members, plan.n_links)),
        outlet_flow=np.zeros((n_members, len(given.outlet_kind))),
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
    threads = max(1, min(threads, -(-n_members // LANES), n_members * plan.n_links // THREAD_WORK))
    lanes, queue = min(LANES, -(-n_members // threads)), np.zeros(1, dtype=np.int64)
    # Neighbours have results in one line of the cache, which threads had better not share.
    portion = max(1, min(LANES, n_members // (32 * threads)))

    def work() -> None:
        block = _block(plan, compiled, given)
        solve_members(
            compiled,
            given,
            block,
            output,
            queue,
            portion,
            lanes,
            accuracy,
            head,
            rule.trials,
            rule.check_frequency,
            rule.max_check,
        )

    if threads > 1:
        with ThreadPoolExecutor(threads - 1, thread_name_prefix="tweeling") as pool:
            others = [pool.submit(work) for _ in range(threads - 1)]
            work()
            for other in others:
                other.result()
    else:
        work()
    return _solution(plan, given, conditions, output)


def _own(array: npt.NDArray[Any], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """The array as Numba is to see it: of one type, contiguous and writable, or every kind would be compiled anew."""
    return np.require(array, dtype, ["C", "W"])


class _Resistances:
    """Resistances of the arrays of roughness that were asked for last: a run asks for the same one at every step."""

    def __init__(self, kept: int) -> None:
        self._kept: OrderedDict[tuple[int, int], tuple[weakref.ref[Any], Floats]] = OrderedDict()
        self._most, self._lock = kept, threading.Lock()

    def of(self, plan: Plan, roughness: Floats) -> Floats:
        """R of pipes by Darcy-Weisbach, 1 / (n r) by a power of the flow: what the tangents want; (member or 1, link)."""
        key = (id(plan), id(roughness))
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found[0]() is roughness:
            return found[1]
        resistance = _own(plan.resistance(roughness))
        if plan.network.options.headloss != "DW":
            with np.errstate(divide="ignore"):
                resistance = 1 / (plan.exponent * resistance)
        with self._lock:
            self._kept[key] = (weakref.ref(roughness), resistance)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return resistance


_resistances = _Resistances(kept=16)


def _given(plan: Plan, compiled: Compiled, conditions: Conditions, flows: Flows) -> Given:
    """Conditions in the kernel's form; outlets exist where any member has one."""
    options, n = plan.network.options, plan.n_junctions
    elevation, least = plan.network.nodes.elevation, plan.constants.min_gradient
    leak_fixed, leak_variable = plan.leak_coefficients(conditions)
    by_pressure = np.maximum(conditions.demand, 0.0) if plan.pressure_driven else np.zeros((1, n))
    span = max(options.required_pressure - options.min_pressure, laws.LEAST_SPAN)
    kinds = (
        # kind, coefficient, flow, exponent of flow over pressure, least gradient, barrier, datum
        (
            EMITTER,
            conditions.emitter,
            flows.emitter,
            options.emitter_exponent,
            least,
            0 if options.emitter_backflow else 1,
            0.0,
        ),
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
    position = compiled.structure.position[junction]
    by_position = np.argsort(position, kind="stable")

    def column(which: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        parts = [np.full(len(c[0]), c[which], dtype=dtype) for c in columns]
        return np.concatenate([*parts, np.zeros(0, dtype=dtype)])[by_position]

    def joined(parts: list[Floats]) -> Floats:
        rows = max((len(part) for part in parts), default=1)
        whole = [np.broadcast_to(part, (rows, part.shape[1])) for part in parts]
        return _own(np.concatenate([*whole, np.zeros((rows, 0))], axis=1)[:, by_position])

    demand = conditions.demand
    if plan.pressure_driven:
        demand = np.minimum(demand, 0.0)
    return Given(
        demand=_own(demand),
        fixed_head=_own(conditions.fixed_head),
        status=_own(conditions.status, np.int8),
        setting=_own(conditions.setting),
        resistance=_resistances.of(plan, conditions.roughness),
        roughness=_own(conditions.roughness),
        flow=_own(flows.link),
        outlet_position=position[by_position],
        outlet_junction=junction[by_position],
        outlet_kind=column(1, np.int64),
        outlet_first=np.searchsorted(position[by_position], np.arange(n + 1)),
        outlet_exponent=column(2, np.float64),
        outlet_least=column(3, np.float64),
        outlet_datum=elevation[junction[by_position]] + column(5, np.float64),
        outlet_barrier=column(4, np.int64),
        outlet_resistance=joined(resistance),
        outlet_most=joined(most),
        outlet_flow=joined(start),
    )


def _block(plan: Plan, compiled: Compiled, given: Given) -> Block:
    structure = compiled.structure
    n, m, nodes = plan.n_junctions, plan.n_links, plan.n_nodes
    entries, outlets = len(structure.row), len(given.outlet_kind)
    throttles = int(structure.groups[MACHINE] - structure.groups[THROTTLE])

    def rows(number: int) -> Floats:
        return np.zeros((max(number, 1), LANES))

    return Block(
        head=rows(nodes),
        rise=rows(nodes),
        right=rows(nodes),
        diagonal=rows(nodes),
        base=rows(n),
        demand=rows(n),
        lower=rows(entries),
        beyond=rows(entries if len(structure.lopsided_columns) else 1),
        flow=rows(m),
        resistance=rows(m),
        relative=rows(m if compiled.numbers.darcy else 1),
        minor=rows(throttles),
        conductance=rows(m),
        constant=rows(m),
        outlet_flow=rows(outlets),
        outlet_resistance=np.full((max(outlets, 1), LANES), -1.0),
        outlet_most=rows(outlets),
        outlet_conductance=rows(outlets),
        outlet_constant=rows(outlets),
        sums=rows(4),
        step=np.ones((1, LANES)),
        before=np.zeros((LANES, m)),
        status=np.zeros((LANES, m), dtype=np.int8),
        setting=np.zeros((LANES, m)),
        dry_link=np.zeros((LANES, m), dtype=bool),
        dry_node=np.zeros((LANES, nodes), dtype=bool),
        member=np.full(LANES, -1),
        moving=np.zeros(LANES, dtype=np.int64),
        iteration=np.zeros(LANES, dtype=np.int64),
        next_check=np.zeros(LANES, dtype=np.int64),
        error=np.zeros(LANES),
        reopened=np.zeros(LANES, dtype=bool),
        waited=np.zeros(LANES, dtype=np.int64),
        clean=np.zeros(LANES, dtype=bool),
        lane_shut=np.zeros((LANES, m), dtype=bool),
        dried=np.zeros(LANES, dtype=bool),
        shut=np.zeros(m, dtype=bool),
        last_shut=np.zeros((CLOSED_SETS, m), dtype=bool),
        last_dry=np.zeros((CLOSED_SETS, nodes), dtype=bool),
        any_dry=np.append(np.full(CLOSED_SETS, -1), 0),
        stack=np.zeros(nodes, dtype=np.int64),
        old_status=np.zeros(m, dtype=np.int8),
    )


def _settings(plan: Plan, conditions: Conditions, n_members: int) -> Floats:
    """Where settings go: only pressure switches change them, else they stay what was given."""
    shape = (n_members, plan.n_links)
    return np.array(np.broadcast_to(conditions.setting, shape), order="C") if len(plan.switches.link) else np.zeros((1, 1))


def _solution(plan: Plan, given: Given, conditions: Conditions, output: Output) -> Solution:
    """Results in the contract's form; what no member has is a view of zeros."""
    shape = (len(output.head), plan.n_junctions)
    dry = np.isnan(output.head[:, : plan.n_junctions]) if (output.outcome != OK).any() else None
    outlets = []
    for kind in (EMITTER, LEAK_FIXED, LEAK_VARIABLE, DELIVERED):
        mine = given.outlet_kind == kind
        if kind == DELIVERED:
            fixed = np.minimum(conditions.demand, 0.0) if plan.pressure_driven else conditions.demand
        else:
            fixed = np.zeros((1, 1))
        flow = np.broadcast_to(fixed, shape)
        if kind == DELIVERED and dry is not None:
            flow = np.where(dry, 0.0, flow)
        if mine.any():
            flow = flow.copy()
            flow[:, given.outlet_junction[mine]] += output.outlet_flow[:, mine]
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

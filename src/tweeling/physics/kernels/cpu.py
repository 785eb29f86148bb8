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
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Conditions, Flows, Solution, StoppingRule
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.hydraulics.reference import OWN_RELATIVE_CHANGE
from tweeling.physics.kernels.compiled import owned
from tweeling.physics.kernels.members import solve_members
from tweeling.physics.kernels.memory import copy_of, empty
from tweeling.physics.kernels.structure import MACHINE, THROTTLE
from tweeling.physics.kernels.tables import (
    DELIVERED,
    EMITTER,
    LEAK_FIXED,
    LEAK_VARIABLE,
    OK,
    Block,
    Compiled,
    Given,
    Output,
    compiled_of,
)
from tweeling.physics.kernels.vector import LANES

CLOSED_SETS = 8
"""Sets of closed links whose dry nodes are remembered: members of a run differ in a few pumps and valves."""
KEPT_BYTES = 2**25
"""A larger block is not kept for the next solve: to make it anew costs little beside the solve, to keep it much memory."""


def solve(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
    """A steady state for every member; see `contract.Engine`."""
    compiled = compiled_of(plan)
    n_members = max(len(array) for array in (*vars(conditions).values(), *vars(flows).values()))
    given = _given(plan, conditions, flows)
    output = Output(
        head=empty((n_members, plan.n_nodes)),
        flow=empty((n_members, plan.n_links)),
        outlet_flow=np.empty((n_members, len(given.outlet_kind))),
        status=copy_of(_for_all(owned(conditions.status, np.int8), (n_members, plan.n_links))),
        setting=_settings(plan, conditions, n_members),
        inflow=np.empty((n_members, plan.n_nodes - plan.n_junctions)),
        iterations=np.empty(n_members, dtype=np.int64),
        outcome=np.empty(n_members, dtype=np.int8),
        culprit=np.empty(n_members, dtype=np.int64),
        error=np.empty(n_members),
    )
    accuracy = OWN_RELATIVE_CHANGE if rule.accuracy is None else rule.accuracy
    head = rule.head if rule.accuracy is None else np.inf
    block = _block_for(plan, compiled, given)
    solve_members(compiled, given, block, output, accuracy, head, rule.trials, rule.check_frequency, rule.max_check)
    return _solution(plan, given, conditions, output)


class _Remembered:
    """What was made of arrays of conditions, as long as these live: a run asks with the same ones at every step."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], tuple[list[weakref.ref[Any]], Any]] = {}

    def of(self, *asked: Any, make: Callable[[], Any]) -> Any:
        """What was made of these, known again by identity: nobody may write into one of the arrays afterwards."""
        key = tuple(map(id, asked))
        found = self._kept.get(key)
        if found is not None and all(one() is other for one, other in zip(found[0], asked, strict=True)):
            return found[1]
        made = make()
        self._kept[key] = [weakref.ref(one, lambda _: self._kept.pop(key, None)) for one in asked], made
        return made


_remembered_resistances, _remembered_outlets = _Remembered(), _Remembered()


def _resistance(plan: Plan, roughness: Floats) -> Floats:
    """R of pipes by Darcy-Weisbach, 1 / (n r) by a power of the flow: what the tangents want; (member or 1, link)."""
    resistance = plan.resistance(roughness)
    if plan.network.options.headloss != "DW":
        with np.errstate(divide="ignore"):
            resistance = 1 / (plan.exponent * resistance)
    return owned(resistance)


class _Outlets(NamedTuple):
    """The fields of `Given` that tell of outlets, but for their flow; `junctions` of each kind, and their order by position."""

    fields: dict[str, npt.NDArray[Any]]
    junctions: list[tuple[int, Ints]]
    order: Ints


def _outlets(plan: Plan, conditions: Conditions) -> _Outlets:
    """Outlets exist where any member has one."""
    options, structure = plan.network.options, compiled_of(plan).structure
    elevation, least = plan.network.nodes.elevation, plan.constants.min_gradient
    leak_fixed, leak_variable = laws.leak_coefficients(plan, conditions.leak_area)
    by_pressure = np.maximum(conditions.demand, 0.0) if plan.pressure_driven else np.zeros((1, plan.n_junctions))
    barrier = 0 if options.emitter_backflow else 1
    kinds = (
        # kind, coefficient, exponent of flow over pressure, least gradient, barrier, datum
        (EMITTER, conditions.emitter, options.emitter_exponent, least, barrier, 0.0),
        (LEAK_FIXED, leak_fixed, 0.5, least, 1, 0.0),
        (LEAK_VARIABLE, leak_variable, 1.5, least, 1, 0.0),
        (DELIVERED, by_pressure, options.pressure_exponent, 0.0, 2, options.min_pressure),
    )
    columns: list[tuple[Ints, int, float, float, int, float]] = []
    resistance, most = [], []
    for kind, coefficient, exponent, slope, bounds, datum in kinds:
        junctions = np.flatnonzero((coefficient > 0).any(0))
        if junctions.size == 0:
            continue
        mine = coefficient[:, junctions]
        columns.append((junctions, kind, 1 / exponent, slope, bounds, datum))
        span = max(options.required_pressure - options.min_pressure, laws.LEAST_SPAN) if kind == DELIVERED else 1.0
        with np.errstate(divide="ignore"):
            resistance.append(np.where(mine > 0, span * mine ** (-1 / exponent), -1.0))
        most.append(mine)
    junction = np.concatenate([*(c[0] for c in columns), np.zeros(0, dtype=np.int64)])
    position = structure.position[junction]
    order = np.argsort(position, kind="stable")

    def column(which: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        parts = [np.full(len(c[0]), c[which], dtype=dtype) for c in columns]
        return np.concatenate([*parts, np.zeros(0, dtype=dtype)])[order]

    fields = {
        "outlet_position": position[order],
        "outlet_junction": junction[order],
        "outlet_kind": column(1, np.int64),
        "outlet_first": np.searchsorted(position[order], np.arange(plan.n_junctions + 1)),
        "outlet_exponent": column(2, np.float64),
        "outlet_least": column(3, np.float64),
        "outlet_datum": elevation[junction[order]] + column(5, np.float64),
        "outlet_barrier": column(4, np.int64),
        "outlet_resistance": _in_order(resistance, order),
        "outlet_most": _in_order(most, order),
    }
    return _Outlets(fields, [(c[1], c[0]) for c in columns], order)


def _in_order(parts: list[Floats], order: Ints) -> Floats:
    """Columns of all kinds of outlets, each (member or 1, its outlets), as (member or 1, outlet)."""
    if not parts:
        return np.zeros((1, 0))
    rows = max(len(part) for part in parts)
    whole = [np.broadcast_to(part, (rows, part.shape[1])) for part in parts]
    return owned(np.concatenate(whole, axis=1)[:, order])


def _given(plan: Plan, conditions: Conditions, flows: Flows) -> Given:
    """Conditions in the kernel's form."""
    demand, roughness = conditions.demand, conditions.roughness
    if plan.pressure_driven:
        outlets = _outlets(plan, conditions)
        demand = np.minimum(demand, 0.0)
    else:
        asked = (plan, conditions.emitter, conditions.leak_area)
        outlets = _remembered_outlets.of(*asked, make=lambda: _outlets(plan, conditions))
    by_kind = (flows.emitter, flows.leak_fixed, flows.leak_variable, flows.demand)
    return Given(
        demand=owned(demand),
        fixed_head=owned(conditions.fixed_head),
        status=owned(conditions.status, np.int8),
        setting=owned(conditions.setting),
        resistance=_remembered_resistances.of(plan, roughness, make=lambda: _resistance(plan, roughness)),
        roughness=owned(roughness),
        flow=owned(flows.link),
        outlet_flow=_in_order([by_kind[kind][:, junctions] for kind, junctions in outlets.junctions], outlets.order),
        **outlets.fields,
    )


class _Desk(threading.local):
    """The block that a thread worked with last, for the next step of its run needs the same one."""

    plan: weakref.ref[Plan] | None = None
    block: Block | None = None


_desk = _Desk()


def _block_for(plan: Plan, compiled: Compiled, given: Given) -> Block:
    """Working memory in which no lane holds a member, the thread's own where it fits; the kernel loads all that it reads."""
    block, outlets = _desk.block, max(len(given.outlet_kind), 1)
    if block is None or _desk.plan is None or _desk.plan() is not plan or len(block.outlet_flow) != outlets:
        block = _block(plan, compiled, given)
        small = sum(array.nbytes for array in block) <= KEPT_BYTES
        _desk.plan, _desk.block = (weakref.ref(plan), block) if small else (None, None)
    block.member.fill(-1)
    block.clean.fill(False)
    return block


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


def _for_all(array: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    """The array, or a view of its one row for all members."""
    return array if array.shape == shape else np.broadcast_to(array, shape)


@lru_cache(maxsize=16)
def _nothing(n_members: int, n_junctions: int) -> Floats:
    """No flow at any junction of any member: a view of one zero."""
    return np.broadcast_to(0.0, (n_members, n_junctions))


def _solution(plan: Plan, given: Given, conditions: Conditions, output: Output) -> Solution:
    """Results in the contract's form; what no member has is a view of zeros."""
    n_members = len(output.head)
    shape = (n_members, plan.n_junctions)
    dry = np.isnan(output.head[:, : plan.n_junctions]) if (output.outcome != OK).any() else None
    nothing = _nothing(*shape)
    outlets = [nothing, nothing, nothing, _for_all(given.demand, shape)]
    if dry is not None:
        outlets[DELIVERED] = np.where(dry, 0.0, given.demand)
    for kind in set(given.outlet_kind.tolist()):
        mine = given.outlet_kind == kind
        outlets[kind] = outlets[kind].copy()
        outlets[kind][:, given.outlet_junction[mine]] += output.outlet_flow[:, mine]
    return Solution(
        head=output.head,
        flows=Flows(output.flow, *outlets),
        status=output.status,
        setting=output.setting if len(plan.switches.link) else _for_all(conditions.setting, output.flow.shape),
        net_inflow=output.inflow,
        iterations=output.iterations,
        outcome=output.outcome,
        culprit=output.culprit,
        error=output.error,
    )

"""The hydraulic engine for processors: the reference's Newton steps, LANES members at a time, compiled by Numba.

Equations, statuses and dry zones are those of `physics/hydraulics/reference.py`; read that first. Here the same steps run over
rows of LANES numbers (`vector.py`) on one order of elimination (`structure.py`):

    solve -> members.solve_members -> entering.enter      -> members into lanes, demands up trees and chains
                                   -> newton.newton_step  -> tangents, elimination, heads and flows move
                                   -> switching, drying   -> new statuses and dry zones, lane by lane
                                   -> leaving.leave       -> what was folded gets heads and flows; results

A plain link that is closed or dry gets an enormous resistance in its lane instead of a branch in the loop.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from tweeling.physics.kernels.packed import Packed
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
THREAD_WORK = 6000
"""Members times links that are worth a thread: beginning one takes as long as some tens of members of a small network."""


def solve(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule, threads: int = 1) -> Solution:
    """A steady state for every member; see `contract.Engine`.

    Args:
        plan, conditions, flows, rule: as for every engine.
        threads: at most; each solves LANES members at a time, and all take the next member from one queue.
    """
    n_members = max(len(array) for array in (*vars(conditions).values(), *vars(flows).values()))
    output = Output(
        head=empty((n_members, plan.n_nodes)),
        flow=empty((n_members, plan.n_links)),
        outlet_flow=np.empty((n_members, 0)),
        status=copy_of(_for_all(owned(conditions.status, np.int8), (n_members, plan.n_links))),
        setting=_settings(plan, conditions, n_members),
        inflow=np.empty((n_members, plan.n_nodes - plan.n_junctions)),
        iterations=np.empty(n_members, dtype=np.int64),
        outcome=np.empty(n_members, dtype=np.int8),
        culprit=np.empty(n_members, dtype=np.int64),
        error=np.empty(n_members),
    )
    outlets = _outlets_of(plan, conditions)
    parts = []
    for who, folded in _parts(plan, outlets, n_members):
        compiled = compiled_of(plan, folded=folded)
        given = _given(plan, compiled.fields, conditions, flows, outlets)
        part = output._replace(outlet_flow=np.empty((n_members, len(given.outlet_kind))))
        _solve_members(plan, compiled, given, part, who, rule, threads)
        parts.append((who, given, part.outlet_flow))
    return _solution(plan, parts, conditions, output)


def _solve_members(
    plan: Plan, compiled: Packed[Compiled], given: Given, output: Output, who: Ints, rule: StoppingRule, threads: int
) -> None:
    """Solves some members in as many threads as they are worth."""
    accuracy = OWN_RELATIVE_CHANGE if rule.accuracy is None else rule.accuracy
    head = rule.head if rule.accuracy is None else np.inf
    threads = max(1, min(threads, -(-len(who) // LANES), len(who) * plan.n_links // THREAD_WORK))
    lanes, queue = min(LANES, -(-len(who) // threads)), np.zeros(1, dtype=np.int64)
    # Neighbours have results in one line of the cache, which threads had better not share.
    portion = max(1, min(LANES, len(who) // (32 * threads)))

    conditions, results = Packed(given), Packed(output)

    def work() -> None:
        block = _block_for(plan, compiled.fields, given)
        solve_members(
            compiled, conditions, block, results, who, queue, portion, lanes, accuracy, head, rule.trials,
            rule.check_frequency, rule.max_check,
        )  # fmt: skip

    if threads == 1:
        work()
        return
    with ThreadPoolExecutor(threads - 1, thread_name_prefix="tweeling") as pool:
        others = [pool.submit(work) for _ in range(threads - 1)]
        work()
        for other in others:
            other.result()


def _parts(plan: Plan, outlets: _Outlets, n_members: int) -> list[tuple[Ints, bool]]:
    """Members whose trees and chains are folded, and those that have an outlet in one of them: a member is its own reason."""
    everybody = np.arange(n_members)
    if plan.pressure_driven:
        return [(everybody, False)]
    if not outlets.junction.size:
        return [(everybody, True)]
    inside = compiled_of(plan, folded=True).fields.structure.folded[outlets.junction]
    plain = np.broadcast_to((outlets.resistance[:, inside] < 0).all(1), n_members)
    return [(who, folded) for who, folded in ((everybody[plain], True), (everybody[~plain], False)) if len(who)]


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
    """R of pipes by Darcy-Weisbach, n r by a power of the flow: what the tangents want; (member or 1, link)."""
    factor = 1.0 if plan.network.options.headloss == "DW" else plan.exponent
    return owned(factor * plan.resistance(roughness))


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

    @staticmethod
    def of(plan: Plan, conditions: Conditions) -> _Outlets:
        """All emitters, leaks and delivered demands."""
        options = plan.network.options
        elevation, least = plan.network.nodes.elevation, plan.constants.min_gradient
        leak_fixed, leak_variable = plan.leak_coefficients(conditions)
        by_pressure = np.maximum(conditions.demand, 0.0) if plan.pressure_driven else np.zeros((1, plan.n_junctions))
        span = max(options.required_pressure - options.min_pressure, laws.LEAST_SPAN)
        free = 0 if options.emitter_backflow else 1
        kinds = (
            # kind, coefficient, exponent of flow over pressure, least gradient, barrier, datum
            (EMITTER, conditions.emitter, options.emitter_exponent, least, free, 0.0),
            (LEAK_FIXED, leak_fixed, 0.5, least, 1, 0.0),
            (LEAK_VARIABLE, leak_variable, 1.5, least, 1, 0.0),
            (DELIVERED, by_pressure, options.pressure_exponent, 0.0, 2, options.min_pressure),
        )
        columns: list[tuple[Ints, int, float, float, int, float]] = []
        resistance, most = [], []
        for kind, coefficient, exponent, slope, barrier, datum in kinds:
            junctions = np.flatnonzero((coefficient > 0).any(0))
            if junctions.size == 0:
                continue
            mine = coefficient[:, junctions]
            columns.append((junctions, kind, 1 / exponent, slope, barrier, datum))
            scale = span if kind == DELIVERED else 1.0
            with np.errstate(divide="ignore"):
                resistance.append(np.where(mine > 0, scale * mine ** (-1 / exponent), -1.0))
            most.append(mine)
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
        )


def _outlets_of(plan: Plan, conditions: Conditions) -> _Outlets:
    """Outlets of these conditions, made once for as long as their arrays live."""
    if plan.pressure_driven:
        return _Outlets.of(plan, conditions)
    asked = (plan, conditions.emitter, conditions.leak_area, conditions.leak_growth)
    found: _Outlets = _remembered_outlets.of(*asked, make=lambda: _Outlets.of(plan, conditions))
    return found


def _given(plan: Plan, compiled: Compiled, conditions: Conditions, flows: Flows, outlets: _Outlets) -> Given:
    """Conditions in the kernel's form, with the outlets at junctions that have a column."""
    structure, demand, roughness = compiled.structure, conditions.demand, conditions.roughness
    if plan.pressure_driven:
        demand = np.minimum(demand, 0.0)
    position = structure.position[outlets.junction]
    by_position = np.argsort(position, kind="stable")
    by_position = by_position[: np.count_nonzero(position < compiled.numbers.n)]
    position = position[by_position]
    return Given(
        demand=owned(demand),
        fixed_head=owned(conditions.fixed_head),
        status=owned(conditions.status, np.int8),
        setting=owned(conditions.setting),
        resistance=_remembered_resistances.of(plan, roughness, make=lambda: _resistance(plan, roughness)),
        roughness=owned(roughness),
        flow=owned(flows.link),
        outlet_position=position,
        outlet_junction=outlets.junction[by_position],
        outlet_kind=outlets.kind[by_position],
        outlet_first=np.searchsorted(position, np.arange(compiled.numbers.n + 1)),
        outlet_exponent=outlets.exponent[by_position],
        outlet_least=outlets.least[by_position],
        outlet_datum=outlets.datum[by_position],
        outlet_barrier=outlets.barrier[by_position],
        outlet_resistance=owned(outlets.resistance[:, by_position]),
        outlet_most=owned(outlets.most[:, by_position]),
        outlet_flow=_first_flows(flows, outlets, by_position),
    )


def _first_flows(flows: Flows, outlets: _Outlets, which: Ints) -> Floats:
    """Flows that some outlets start from; (member or 1, outlet)."""
    by_kind = (flows.emitter, flows.leak_fixed, flows.leak_variable, flows.demand)
    kinds, junctions = outlets.kind[which], outlets.junction[which]
    there = set(kinds.tolist())
    flow = np.empty((max((len(by_kind[kind]) for kind in there), default=1), len(kinds)))
    for kind in there:
        flow[:, kinds == kind] = by_kind[kind][:, junctions[kinds == kind]]
    return flow


class _Desk(threading.local):
    """The block that a thread worked with last, for the next step of its run needs the same one."""

    plan: weakref.ref[Plan] | None = None
    columns: int = 0
    block: Packed[Block] | None = None


_desk = _Desk()


def _block_for(plan: Plan, compiled: Compiled, given: Given) -> Packed[Block]:
    """Working memory in which no lane holds a member, the thread's own where it fits; the kernel loads all that it reads."""
    block, outlets = _desk.block, max(len(given.outlet_kind), 1)
    known = _desk.plan is not None and _desk.plan() is plan and _desk.columns == compiled.numbers.n
    if block is None or not known or len(block.fields.outlet_flow) != outlets:
        block = Packed(_block(plan, compiled, given))
        small = sum(array.nbytes for array in block.fields) <= KEPT_BYTES
        _desk.plan, _desk.block = (weakref.ref(plan), block) if small else (None, None)
        _desk.columns = compiled.numbers.n
    block.fields.member.fill(-1)
    block.fields.redraw.fill(False)
    block.fields.revive.fill(False)
    return block


def _block(plan: Plan, compiled: Compiled, given: Given) -> Block:
    structure, numbers = compiled.structure, compiled.numbers
    n, outer, m, nodes = numbers.n, numbers.n + numbers.n_fixed, len(structure.start), plan.n_nodes
    entries, outlets = len(structure.row), len(given.outlet_kind)
    chains, pieces, trees = len(structure.chain_place), len(structure.piece_node), len(structure.tree_node)

    def rows(number: int) -> Floats:
        return np.zeros((max(number, 1), LANES))

    return Block(
        head=rows(nodes),
        rise=rows(outer),
        rest=rows(outer),
        right=rows(n),
        ground=rows(n),
        demand=rows(n),
        lower=rows(entries),
        upper=rows(entries if len(structure.lopsided_columns) else 1),
        held=rows(len(structure.valve_place)),
        flow=rows(m + pieces + trees),
        resistance=rows(m + pieces + trees),
        relative=rows(m + pieces + trees if numbers.darcy else 1),
        conductance=rows(m),
        constant=rows(m),
        drawn=rows(pieces),
        shift=rows(pieces),
        rough=rows(1),
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
        sums=rows(7),
        leap=rows(1),
        firm=np.ones((1, LANES)),
        trickle=rows(1),
        before=rows(m + max(outlets, 1)),
        whole=rows(m + max(outlets, 1)),
        search=rows(6),
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
        reopened=np.zeros(LANES, dtype=np.int64),
        moved=np.zeros(LANES, dtype=np.int64),
        waited=np.zeros(LANES, dtype=np.int64),
        soft=np.zeros(LANES, dtype=np.int64),
        careful=np.zeros(LANES, dtype=bool),
        seeks=np.zeros(LANES, dtype=bool),
        lane_shut=np.zeros((LANES, plan.n_links), dtype=bool),
        has_shut=np.zeros(LANES, dtype=bool),
        dried=np.zeros(LANES, dtype=np.int64),
        dry_list=np.zeros((LANES, nodes), dtype=np.int64),
        known=np.zeros(LANES, dtype=bool),
        redraw=np.zeros(LANES, dtype=bool),
        revive=np.zeros(LANES, dtype=bool),
        mask=rows(2),
        own=rows(nodes),
        shut=np.zeros(plan.n_links, dtype=bool),
        last_shut=np.zeros((CLOSED_SETS, plan.n_links), dtype=bool),
        last_dry=np.zeros((CLOSED_SETS, nodes), dtype=bool),
        last_list=np.zeros((CLOSED_SETS, nodes), dtype=np.int64),
        last_count=np.append(np.full(CLOSED_SETS, -1), 0),
        stack=np.zeros(nodes, dtype=np.int64),
        seen=np.zeros(nodes, dtype=bool),
        asked=np.zeros(m, dtype=np.int64),
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


def _solution(plan: Plan, parts: list[tuple[Ints, Given, Floats]], conditions: Conditions, output: Output) -> Solution:
    """Results in the contract's form, from members, their givens and their outlets; what none has is a view of zeros."""
    shape = (len(output.head), plan.n_junctions)
    demand = parts[0][1].demand
    dry = np.isnan(output.head[:, : plan.n_junctions]) if (output.outcome != OK).any() else None
    nothing = _nothing(*shape)
    outlets = [nothing, nothing, nothing, _for_all(demand, shape)]
    if dry is not None:
        outlets[DELIVERED] = np.where(dry, 0.0, demand)
    copied: set[int] = set()
    for who, given, outlet_flow in parts:
        for kind in set(given.outlet_kind.tolist()):
            mine = given.outlet_kind == kind
            if kind not in copied:
                outlets[kind] = outlets[kind].copy()
                copied.add(kind)
            outlets[kind][np.ix_(who, given.outlet_junction[mine])] += outlet_flow[np.ix_(who, mine)]
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

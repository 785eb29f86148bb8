"""The hydraulic engine for processors: the reference's Newton steps, LANES members at a time, compiled by Numba.

Equations, statuses and dry zones are those of `physics/hydraulics/reference.py`; read that first. Here the same steps run over
rows of LANES numbers (`vector.py`) on one order of elimination (`structure.py`). A lane whose member is done is given the next
member at once. No number of one lane ever enters another, so that results do not depend on chunk, lane or neighbour.

A plain pipe that is closed or dry gets an enormous resistance in its lane instead of a branch in the loop.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from numba import njit

from tweeling.network.network import Floats, Ints, LinkKind
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Codes, Conditions, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, PumpLaw
from tweeling.physics.hydraulics.reference import DAMPING, DAMPING_STARTS, OWN_RELATIVE_CHANGE
from tweeling.physics.hydraulics.statuses import tank_ends
from tweeling.physics.kernels.structure import MACHINE, SOFT_PIPE, THROTTLE, Structure, make_structure
from tweeling.physics.kernels.vector import (
    LANES,
    absolute,
    choose,
    fma,
    largest,
    less,
    load,
    log2,
    power,
    spread,
    square_root,
    store,
)

ENORMOUS = 1e60
"""m per (m3/s)^n: the resistance of a closed or dry plain pipe."""
LEAST_PIVOT = 1e-25
"""m2/s: a smaller or negative pivot is rounding in a zone without supply; a trickle stands in, and the step proves nothing."""
LEAST_FLOW = 1e-30
"""m3/s: what logarithms take for no flow."""
SLACK = 1e-12
"""m3/s: a change of flow below this never delays convergence by heads."""

XHEAD, TEMPORARILY_CLOSED, CLOSED, OPEN = (
    int(s) for s in (Status.XHEAD, Status.TEMPORARILY_CLOSED, Status.CLOSED, Status.OPEN)
)
ACTIVE, XFCV, XPRESSURE = int(Status.ACTIVE), int(Status.XFCV), int(Status.XPRESSURE)
OK, UNSUPPLIED, UNBALANCED, CYCLING = (int(outcome) for outcome in Outcome)
CHECK_VALVE, PUMP, PRV, PSV, PBV, FCV, TCV, GPV, PCV = (
    int(LinkKind[name]) for name in ("CHECK_VALVE_PIPE", "PUMP", "PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
)
NO_CURVE, POWER, FUNCTION, CURVE = (int(law) for law in PumpLaw)
EMITTER, LEAK_FIXED, LEAK_VARIABLE, DELIVERED = range(4)
"""Kinds of outlet, in the order of the fields of `Flows` behind `link`."""


class Links(NamedTuple):
    """Per link in the kernel's order unless said otherwise; see `Plan`."""

    kind: Codes
    minor: Floats
    minor_per_coefficient: Floats
    viscous: Floats
    diameter: Floats
    switched: npt.NDArray[np.bool_]
    pump: Ints
    curve: Ints
    opening_first: Ints
    opening_x: Floats
    opening_y: Floats


class Pumps(NamedTuple):
    """See `PumpTable`, and the points of `CurveTable`."""

    law: Ints
    h0: Floats
    r: Floats
    n: Floats
    max_gain: Floats
    curve_first: Ints
    curve_flow: Floats
    curve_head: Floats


class Tanks(NamedTuple):
    """Ends of links at tanks: place of the link, end (0 start, 1 end), limits of the tank's head in m."""

    place: Ints
    end: Ints
    full: Floats
    empty: Floats


class Switches(NamedTuple):
    """See `PressureSwitches`; `place` of the link, `position` of the node."""

    place: Ints
    position: Ints
    below: npt.NDArray[np.bool_]
    head: Floats
    status: Codes
    setting: Floats


class Numbers(NamedTuple):
    """Plan-wide numbers; see `Constants`."""

    n: int
    n_nodes: int
    exponent: float
    darcy: bool
    symmetric: bool
    has_minor: bool
    min_gradient: float
    low_resistance: float
    high_resistance: float
    head_tolerance: float
    flow_tolerance: float
    tiny_slope: float
    tiny_flow: float
    barrier: float
    barrier_width: float
    largest_minor: float


class Compiled(NamedTuple):
    """All that the kernel needs of a plan."""

    structure: Structure
    links: Links
    pumps: Pumps
    tanks: Tanks
    switches: Switches
    elevation: Floats
    numbers: Numbers


class Given(NamedTuple):
    """Conditions and first flows; arrays (member or 1, element), in the plan's order of elements.

    Args:
        outlet_position, outlet_junction, outlet_kind: of every outlet, by position; (outlet,).
        outlet_first: outlets at a junction's position; (n + 1,).
        outlet_exponent: of the loss; outlet_least: smallest gradient; (outlet,).
        outlet_datum: head in m at which nothing flows; (outlet,).
        outlet_barrier: 0 none, 1 not below 0, 2 nor above the demand; (outlet,).
        outlet_resistance: m per (m3/s)^exponent, negative where a member has none; (member or 1, outlet).
        outlet_most: m3/s, of delivered demands; (member or 1, outlet).
        outlet_flow: m3/s; (member or 1, outlet).
    """

    demand: Floats
    fixed_head: Floats
    status: Codes
    setting: Floats
    resistance: Floats
    roughness: Floats
    flow: Floats
    outlet_position: Ints
    outlet_junction: Ints
    outlet_kind: Ints
    outlet_first: Ints
    outlet_exponent: Floats
    outlet_least: Floats
    outlet_datum: Floats
    outlet_barrier: Ints
    outlet_resistance: Floats
    outlet_most: Floats
    outlet_flow: Floats


class Block(NamedTuple):
    """The working memory of LANES members; rows are positions, places or outlets, columns lanes.

    The last ten are the loop's own: which member each lane holds (-1 none), its iteration and next check, whether its
    resistances are the shared ones; and for the search of dry zones: the closed set asked for, the two closed sets answered
    last with their dry nodes and whether there are any (-1 not asked yet), a stack; and statuses before a check.
    """

    head: Floats
    rise: Floats
    right: Floats
    diagonal: Floats
    base: Floats
    demand: Floats
    lower: Floats
    upper: Floats
    flow: Floats
    drop: Floats
    resistance: Floats
    relative: Floats
    minor: Floats
    conductance: Floats
    constant: Floats
    outlet_flow: Floats
    outlet_resistance: Floats
    outlet_most: Floats
    outlet_conductance: Floats
    outlet_constant: Floats
    sums: Floats
    step: Floats
    before: Floats
    status: Codes
    setting: Floats
    dry_link: npt.NDArray[np.bool_]
    dry_node: npt.NDArray[np.bool_]
    member: Ints
    iteration: Ints
    next_check: Ints
    loaded: npt.NDArray[np.bool_]
    shut: npt.NDArray[np.bool_]
    last_shut: npt.NDArray[np.bool_]
    last_dry: npt.NDArray[np.bool_]
    any_dry: Ints
    stack: Ints
    old_status: Codes


class Output(NamedTuple):
    """Results, one row a member, in the plan's order of elements."""

    head: Floats
    flow: Floats
    outlet_flow: Floats
    status: Codes
    setting: Floats
    inflow: Floats
    iterations: Ints
    outcome: Codes
    culprit: Ints
    error: Floats


_compiled: WeakKeyDictionary[Plan, Compiled] = WeakKeyDictionary()


def solve(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
    """A steady state for every member; see `contract.Engine`."""
    compiled = _compiled.get(plan)
    if compiled is None:
        compiled = _compiled[plan] = compile_plan(plan)
    n_members = max(len(array) for array in (*vars(conditions).values(), *vars(flows).values()))
    given = _given(plan, compiled, conditions, flows)
    output = Output(
        head=np.empty((n_members, plan.n_nodes)),
        flow=np.empty((n_members, plan.n_links)),
        outlet_flow=np.zeros((n_members, len(given.outlet_kind))),
        status=np.empty((n_members, plan.n_links), dtype=np.int8),
        setting=np.empty((n_members, plan.n_links)),
        inflow=np.empty((n_members, plan.n_nodes - plan.n_junctions)),
        iterations=np.zeros(n_members, dtype=np.int64),
        outcome=np.full(n_members, UNBALANCED, dtype=np.int8),
        culprit=np.full(n_members, -1),
        error=np.zeros(n_members),
    )
    accuracy = OWN_RELATIVE_CHANGE if rule.accuracy is None else rule.accuracy
    head = rule.head if rule.accuracy is None else np.inf
    block = _block(plan, compiled, given)
    _solve_members(compiled, given, block, output, accuracy, head, rule.trials, rule.check_frequency, rule.max_check)
    return _solution(plan, given, conditions, output)


def compile_plan(plan: Plan) -> Compiled:
    """Everything of a plan that the kernel needs, in its order of links."""
    network, structure, constants = plan.network, make_structure(plan), plan.constants
    links, order = network.links, structure.order
    ends = tank_ends(plan)
    tank = [int(plan.tank_of_fixed[(links.start, links.end)[end][link] - plan.n_junctions]) for link, end in ends]
    overflow = plan.tanks.can_overflow[tank] if ends else np.zeros(0, dtype=bool)
    opening = [int(curve) if kind == PCV else -1 for kind, curve in zip(links.kind, links.curve, strict=True)]
    points = [(network.curves.x[c], network.curves.y[c]) if c >= 0 else (np.zeros(0), np.zeros(0)) for c in opening]
    points = [points[link] for link in order]
    unit = network.units.cfs_per_si
    minor = plan.minor[order]
    elevation = np.empty(plan.n_nodes)
    elevation[structure.position] = network.nodes.elevation
    return Compiled(
        structure=structure,
        links=Links(
            kind=np.ascontiguousarray(links.kind[order]),
            minor=minor,
            minor_per_coefficient=plan.minor_per_coefficient[order],
            viscous=plan.viscous_flow[order],
            diameter=links.diameter[order],
            switched=plan.switched[order],
            pump=plan.pump_of_link[order],
            curve=plan.curves.of_link[order],
            opening_first=np.cumsum([0, *(len(x) for x, _ in points)]),
            opening_x=np.concatenate([*(x for x, _ in points), np.zeros(0)]),
            opening_y=np.concatenate([*(y for _, y in points), np.zeros(0)]),
        ),
        pumps=Pumps(
            *(np.array(array) for array in (plan.pumps.law, plan.pumps.h0, plan.pumps.r, plan.pumps.n)),
            np.where(np.isinf(plan.pumps.max_gain), 1e10, plan.pumps.max_gain),
            *(np.array(array) for array in (plan.curves.first, plan.curves.flow, plan.curves.head)),
        ),
        tanks=Tanks(
            place=structure.place[[link for link, _ in ends]] if ends else np.zeros(0, dtype=np.int64),
            end=np.array([end for _, end in ends], dtype=np.int64),
            full=np.where(overflow, np.inf, plan.tanks.max_head[tank]) if ends else np.zeros(0),
            empty=np.array(plan.tanks.min_head[tank]) if ends else np.zeros(0),
        ),
        switches=Switches(
            place=structure.place[plan.switches.link],
            position=structure.position[plan.switches.node],
            below=np.array(plan.switches.below),
            head=np.array(plan.switches.head),
            status=np.array(plan.switches.status),
            setting=np.array(plan.switches.setting),
        ),
        elevation=elevation,
        numbers=Numbers(
            n=plan.n_junctions,
            n_nodes=plan.n_nodes,
            exponent=plan.exponent,
            darcy=network.options.headloss == "DW",
            symmetric=len(structure.valve_place) == 0,
            has_minor=bool((minor[: structure.groups[THROTTLE]] > 0).any()),
            min_gradient=constants.min_gradient,
            low_resistance=constants.low_resistance,
            high_resistance=constants.high_resistance,
            head_tolerance=constants.head_tolerance,
            flow_tolerance=constants.flow_tolerance,
            tiny_slope=constants.tiny_slope,
            tiny_flow=1e-6 / unit,
            barrier=constants.barrier,
            barrier_width=constants.barrier_width,
            largest_minor=1e8 * 0.3048 * unit**2,
        ),
    )


def _given(plan: Plan, compiled: Compiled, conditions: Conditions, flows: Flows) -> Given:
    """Conditions in the kernel's form; outlets exist where any member has one."""
    options, n = plan.network.options, plan.n_junctions
    elevation, least = plan.network.nodes.elevation, plan.constants.min_gradient
    leak_fixed, leak_variable = laws.leak_coefficients(plan, conditions.leak_area)
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

    def column(which: int, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
        parts = [np.full(len(c[0]), c[which], dtype=dtype) for c in columns]
        return np.concatenate([*parts, np.zeros(0, dtype=dtype)])[by_position]

    def joined(parts: list[Floats]) -> Floats:
        rows = max((len(part) for part in parts), default=1)
        whole = [np.broadcast_to(part, (rows, part.shape[1])) for part in parts]
        return np.ascontiguousarray(np.concatenate([*whole, np.zeros((rows, 0))], axis=1)[:, by_position])

    demand = conditions.demand
    if plan.pressure_driven:
        demand = np.minimum(demand, 0.0)
    return Given(
        demand=np.ascontiguousarray(demand, dtype=np.float64),
        fixed_head=np.ascontiguousarray(conditions.fixed_head, dtype=np.float64),
        status=np.ascontiguousarray(conditions.status, dtype=np.int8),
        setting=np.ascontiguousarray(conditions.setting, dtype=np.float64),
        resistance=np.ascontiguousarray(plan.resistance(conditions.roughness)),
        roughness=np.ascontiguousarray(conditions.roughness, dtype=np.float64),
        flow=np.ascontiguousarray(flows.link, dtype=np.float64),
        outlet_position=position[by_position],
        outlet_junction=junction[by_position],
        outlet_kind=column(1, np.int64),  # type: ignore[arg-type]
        outlet_first=np.searchsorted(position[by_position], np.arange(n + 1)),
        outlet_exponent=column(2, np.float64),  # type: ignore[arg-type]
        outlet_least=column(3, np.float64),  # type: ignore[arg-type]
        outlet_datum=elevation[junction[by_position]] + column(5, np.float64),  # type: ignore[operator]
        outlet_barrier=column(4, np.int64),  # type: ignore[arg-type]
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
        upper=rows(1 if compiled.numbers.symmetric else entries),
        flow=rows(m),
        drop=rows(m),
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
        iteration=np.zeros(LANES, dtype=np.int64),
        next_check=np.zeros(LANES, dtype=np.int64),
        loaded=np.zeros(LANES, dtype=bool),
        shut=np.zeros(m, dtype=bool),
        last_shut=np.zeros((2, m), dtype=bool),
        last_dry=np.zeros((2, nodes), dtype=bool),
        any_dry=np.full(2, -1),
        stack=np.zeros(nodes, dtype=np.int64),
        old_status=np.zeros(m, dtype=np.int8),
    )


def _solution(plan: Plan, given: Given, conditions: Conditions, output: Output) -> Solution:
    """Results in the contract's form."""
    n_members, n = len(output.head), plan.n_junctions
    dry = np.isnan(output.head[:, :n])
    outlets = []
    for kind in (EMITTER, LEAK_FIXED, LEAK_VARIABLE, DELIVERED):
        mine = given.outlet_kind == kind
        if kind == DELIVERED and not plan.pressure_driven:
            flow = np.where(dry, 0.0, conditions.demand)
        else:
            flow = np.zeros((n_members, n))
            if kind == DELIVERED:
                flow[:] = np.where(dry, 0.0, np.minimum(conditions.demand, 0.0))
            flow[:, given.outlet_junction[mine]] += output.outlet_flow[:, mine]
        outlets.append(flow)
    return Solution(
        head=output.head,
        flows=Flows(output.flow, *outlets),
        status=output.status,
        setting=output.setting,
        net_inflow=output.inflow,
        iterations=output.iterations,
        outcome=output.outcome,
        culprit=output.culprit,
        error=output.error,
    )


# --- the loop over members -------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, _nrt=False)
def _solve_members(compiled, given, block, output, accuracy, head_tolerance, trials, check_frequency, max_check):  # type: ignore[no-untyped-def]
    """Solves all members, LANES at a time; a lane that is done takes the next member."""
    n_members = output.head.shape[0]
    member, iteration, next_check, loaded = block.member, block.iteration, block.next_check, block.loaded
    shared = given.resistance.shape[0] == 1 and given.roughness.shape[0] == 1
    waiting, running = 0, 0
    for lane in range(LANES):
        if waiting < n_members:
            member[lane] = waiting
            _put_in(compiled, given, block, lane, waiting, shared, loaded)
            iteration[lane], next_check[lane] = 0, check_frequency
            waiting += 1
            running += 1
    while running > 0:
        for lane in range(LANES):
            iteration[lane] += 1
            block.step[0, lane] = DAMPING if iteration[lane] > DAMPING_STARTS else 1.0
            if member[lane] >= 0 and iteration[lane] == trials:
                for place in range(block.flow.shape[0]):
                    block.before[lane, place] = block.flow[place, lane]
        _newton_step(compiled, given, block, head_tolerance)
        for lane in range(LANES):
            if member[lane] < 0:
                continue
            done, check = _conclude(
                compiled, given, block, output, lane, member[lane], iteration[lane], next_check[lane], accuracy,
                trials, check_frequency, max_check,
            )  # fmt: skip
            next_check[lane] = check
            if done:
                _take_out(compiled, given, block, output, lane, member[lane])
                running -= 1
                member[lane] = -1
                if waiting < n_members:
                    member[lane] = waiting
                    _put_in(compiled, given, block, lane, waiting, shared, loaded)
                    iteration[lane], next_check[lane] = 0, check_frequency
                    waiting += 1
                    running += 1


@njit(cache=True, _nrt=False)
def _find_dry(compiled, block, which):  # type: ignore[no-untyped-def]
    """Whether the links in `shut` cut nodes off, which then stand in last_dry[which]; remembers the last closed set."""
    last, dry, known, stack, shut = block.last_shut, block.last_dry, block.any_dry, block.stack, block.shut
    same = known[which] >= 0
    if same:
        for place in range(shut.shape[0]):
            if last[which, place] != shut[place]:
                same = False
                break
    if same:
        return known[which] == 1
    for place in range(shut.shape[0]):
        last[which, place] = shut[place]
    structure, n = compiled.structure, compiled.numbers.n
    nodes = compiled.numbers.n_nodes
    top = 0
    for node in range(nodes):
        dry[which, node] = node < n
        if node >= n:
            stack[top] = node
            top += 1
    left = n
    while top > 0:
        top -= 1
        node = stack[top]
        for at in range(structure.incident_first[node], structure.incident_first[node + 1]):
            place = structure.incident[at]
            if shut[place]:
                continue
            other = structure.start[place] + structure.end[place] - node
            if dry[which, other]:
                dry[which, other] = False
                left -= 1
                stack[top] = other
                top += 1
    known[which] = 1 if left > 0 else 0
    return left > 0


@njit(cache=True, _nrt=False)
def _passes(kind, status, setting):  # type: ignore[no-untyped-def]
    return status > CLOSED and not (kind == PUMP and setting == 0.0)


@njit(cache=True, _nrt=False)
def _put_in(compiled, given, block, lane, member, shared, loaded):  # type: ignore[no-untyped-def]
    """Loads a member into a lane."""
    structure, links, numbers = compiled.structure, compiled.links, compiled.numbers
    n, nodes, m = numbers.n, numbers.n_nodes, structure.order.shape[0]

    row = member if given.fixed_head.shape[0] > 1 else 0
    top = -np.inf
    for fixed in range(nodes - n):
        block.head[n + fixed, lane] = given.fixed_head[row, fixed]
        top = max(top, given.fixed_head[row, fixed])
    row = member if given.demand.shape[0] > 1 else 0
    for junction in range(n):
        position = structure.position[junction]
        block.demand[position, lane] = given.demand[row, junction]
        block.head[position, lane] = top
        block.base[position, lane] = 0.0
    for place in range(m):
        block.dry_link[lane, place] = False
    for node in range(nodes):
        block.dry_node[lane, node] = False

    status_row = member if given.status.shape[0] > 1 else 0
    setting_row = member if given.setting.shape[0] > 1 else 0
    flow_row = member if given.flow.shape[0] > 1 else 0
    any_shut = False
    shut = block.shut
    for place in range(m):
        link = structure.order[place]
        status, setting = given.status[status_row, link], given.setting[setting_row, link]
        block.status[lane, place], block.setting[lane, place] = status, setting
        block.flow[place, lane] = given.flow[flow_row, link]
        block.drop[place, lane] = block.head[structure.start[place], lane] - block.head[structure.end[place], lane]
        kind = links.kind[place]
        if place < structure.groups[SOFT_PIPE]:
            shut[place] = status <= CLOSED
        else:
            regulates = kind in (PRV, PSV, FCV) and not np.isnan(setting)
            reopens = kind == CHECK_VALVE or links.switched[place] or regulates
            stopped = kind == PUMP and setting == 0.0 and not links.switched[place]
            shut[place] = (status == CLOSED and not reopens) or stopped
        any_shut |= shut[place]

    if not (shared and loaded[lane]):
        row = member if given.resistance.shape[0] > 1 else 0
        rough_row = member if given.roughness.shape[0] > 1 else 0
        for place in range(structure.groups[THROTTLE]):
            link = structure.order[place]
            block.resistance[place, lane] = given.resistance[row, link]
            if numbers.darcy:
                block.relative[place, lane] = given.roughness[rough_row, link] / links.diameter[place]
        loaded[lane] = True
    for place in range(structure.groups[THROTTLE], structure.groups[MACHINE]):
        setting = block.setting[lane, place]
        minor = links.minor[place] if np.isnan(setting) else links.minor_per_coefficient[place] * setting
        block.minor[place - structure.groups[THROTTLE], lane] = minor if block.status[lane, place] > CLOSED else -1.0

    row = member if given.outlet_resistance.shape[0] > 1 else 0
    flow_row = member if given.outlet_flow.shape[0] > 1 else 0
    most_row = member if given.outlet_most.shape[0] > 1 else 0
    for outlet in range(given.outlet_kind.shape[0]):
        block.outlet_resistance[outlet, lane] = given.outlet_resistance[row, outlet]
        block.outlet_most[outlet, lane] = given.outlet_most[most_row, outlet]
        exists = given.outlet_resistance[row, outlet] >= 0.0
        block.outlet_flow[outlet, lane] = given.outlet_flow[flow_row, outlet] if exists else 0.0

    if any_shut:
        loaded[lane] = False
        for place in range(structure.groups[SOFT_PIPE]):
            if shut[place]:
                block.resistance[place, lane] = ENORMOUS
                block.flow[place, lane] = 0.0
        if _find_dry(compiled, block, 0):
            _dry_out(compiled, given, block, lane, block.last_dry[0])


@njit(cache=True, _nrt=False)
def _dry_out(compiled, given, block, lane, dry):  # type: ignore[no-untyped-def]
    """Takes dry nodes and their links out of a lane's equations."""
    structure, n = compiled.structure, compiled.numbers.n
    for node in range(n):
        if not dry[node]:
            continue
        block.dry_node[lane, node] = True
        block.base[node, lane] = 1.0
        block.demand[node, lane] = 0.0
        for outlet in range(given.outlet_first[node], given.outlet_first[node + 1]):
            block.outlet_resistance[outlet, lane] = -1.0
            block.outlet_flow[outlet, lane] = 0.0
        for at in range(structure.incident_first[node], structure.incident_first[node + 1]):
            place = structure.incident[at]
            block.dry_link[lane, place] = True
            block.flow[place, lane] = 0.0
            if place < structure.groups[THROTTLE]:
                block.resistance[place, lane] = ENORMOUS
            elif place < structure.groups[MACHINE]:
                block.minor[place - structure.groups[THROTTLE], lane] = -1.0


@njit(cache=True, _nrt=False)
def _conclude(
    compiled, given, block, output, lane, member, iteration, next_check, accuracy, trials, check_frequency, max_check
):  # type: ignore[no-untyped-def]
    """Checks a lane's statuses and convergence; whether its member is done, and when it checks its links next."""
    structure, numbers = compiled.structure, compiled.numbers
    total, moved = block.sums[0, lane], block.sums[1, lane]
    error = moved / total if total > accuracy else moved
    converged = error <= accuracy and block.sums[2, lane] <= 0.0 and block.sums[3, lane] >= LEAST_PIVOT
    creeping = _creeping(compiled, block, lane)
    last = _regulate(compiled, block, lane)
    changed = last >= 0
    check = iteration == next_check and iteration <= max_check
    if converged or check:
        link = _check_links(compiled, block, lane)
        if converged and link >= 0:
            last, changed = link, True
        next_check = iteration + check_frequency
    if converged:
        link = _switch(compiled, block, lane)
        if link >= 0:
            last, changed = link, True
    done = converged and not changed
    if done:
        any_shut = False
        shut = block.shut
        for place in range(structure.order.shape[0]):
            shut[place] = not _passes(compiled.links.kind[place], block.status[lane, place], block.setting[lane, place])
            any_shut |= shut[place]
        if any_shut and _find_dry(compiled, block, 1):
            dry = block.last_dry[1]
            for node in range(numbers.n):
                if dry[node] and not block.dry_node[lane, node]:
                    done = False
            if not done:
                _dry_out(compiled, given, block, lane, dry)
    if not done and iteration < trials:
        return False, next_check

    culprit = -1
    outcome = OK
    if done and creeping >= 0:
        outcome, culprit = UNBALANCED, structure.order[creeping]
    elif done:
        thirsty = -1
        for junction in range(numbers.n):
            position = structure.position[junction]
            if block.dry_node[lane, position] and (thirsty < 0 or _needs(given, member, junction, thirsty)):
                thirsty = junction
        if thirsty >= 0:
            outcome, culprit = UNSUPPLIED, thirsty
    elif changed:
        outcome, culprit = CYCLING, structure.order[last]
    else:
        outcome = UNBALANCED
        worst, at = -1.0, creeping
        if at < 0:
            for place in range(structure.order.shape[0]):
                change = abs(block.flow[place, lane] - block.before[lane, place])
                if change > worst:
                    worst, at = change, place
        culprit = structure.order[at] if at >= 0 else -1
    output.iterations[member] = iteration
    output.outcome[member] = outcome
    output.culprit[member] = culprit
    output.error[member] = error
    return True, next_check


@njit(cache=True, _nrt=False)
def _needs(given, member, junction, other):  # type: ignore[no-untyped-def]
    """Whether a junction has demand and another has not."""
    row = member if given.demand.shape[0] > 1 else 0
    return given.demand[row, junction] != 0.0 and given.demand[row, other] == 0.0


@njit(cache=True, _nrt=False)
def _take_out(compiled, given, block, output, lane, member):  # type: ignore[no-untyped-def]
    """Writes a lane's member to the output."""
    structure, numbers = compiled.structure, compiled.numbers
    n = numbers.n
    for node in range(numbers.n_nodes):
        position = structure.position[node]
        output.head[member, node] = np.nan if block.dry_node[lane, position] else block.head[position, lane]
    for fixed in range(numbers.n_nodes - n):
        output.inflow[member, fixed] = 0.0
    for place in range(structure.order.shape[0]):
        link = structure.order[place]
        status, setting = block.status[lane, place], block.setting[lane, place]
        flow = block.flow[place, lane] if _passes(compiled.links.kind[place], status, setting) else 0.0
        output.flow[member, link] = flow
        output.status[member, link], output.setting[member, link] = status, setting
        if structure.start[place] >= n:
            output.inflow[member, structure.start[place] - n] -= flow
        if structure.end[place] >= n:
            output.inflow[member, structure.end[place] - n] += flow
    for outlet in range(given.outlet_kind.shape[0]):
        output.outlet_flow[member, outlet] = block.outlet_flow[outlet, lane]


# --- one Newton step ---------------------------------------------------------------------------------------------------------


@njit(cache=True, _nrt=False)
def _newton_step(compiled, given, block, head_tolerance):  # type: ignore[no-untyped-def]
    """Linearises, solves for the rise of heads and moves heads and flows, all lanes at once."""
    numbers = compiled.numbers
    n = numbers.n
    for k in range(n):
        store(block.diagonal, k, load(block.base, k))
        store(block.right, k, spread(0.0) - load(block.demand, k))
    for e in range(block.lower.shape[0]):
        store(block.lower, e, spread(0.0))
    if numbers.darcy:
        _darcy_pipes(compiled, block)
    else:
        _power_pipes(compiled, block)
    _soft_pipes(compiled, block)
    _throttles(compiled, block)
    _machines(compiled, block)
    _outlets(compiled, given, block)
    _assemble(compiled, block)
    if numbers.symmetric:
        _solve_symmetric(compiled.structure, block, n, 1.0 / numbers.high_resistance)
    else:
        for e in range(block.lower.shape[0]):
            store(block.upper, e, load(block.lower, e))
        _hold_pressures(compiled, block)
        _solve_general(compiled.structure, block, n, 1.0 / numbers.high_resistance)
    _move(compiled, given, block, head_tolerance)


@njit(cache=True, _nrt=False)
def _power_pipes(compiled, block):  # type: ignore[no-untyped-def]
    """Tangents of pipes by Hazen-Williams or Chezy-Manning: `laws.pipe_loss`."""
    numbers, links = compiled.numbers, compiled.links
    exponent, least = numbers.exponent, spread(numbers.min_gradient)
    linear = spread(numbers.min_gradient / exponent)
    for k in range(compiled.structure.groups[THROTTLE]):
        q = load(block.flow, k)
        size = absolute(q)
        rising = power(largest(size, spread(LEAST_FLOW)), exponent - 1.0) * load(block.resistance, k)
        gradient = rising * exponent
        small = less(gradient, least)
        gradient = choose(small, linear, gradient)
        loss = choose(small, linear, rising)
        if numbers.has_minor:
            minor = spread(links.minor[k]) * size
            gradient = gradient + minor * 2.0
            loss = loss + minor
        p = spread(1.0) / gradient
        store(block.conductance, k, p)
        store(block.constant, k, fma(p, load(block.drop, k) - loss * q, q))


@njit(cache=True, _nrt=False)
def _darcy_pipes(compiled, block):  # type: ignore[no-untyped-def]
    """Tangents of pipes by Darcy-Weisbach: `laws.darcy_weisbach_loss`."""
    links = compiled.links
    low = 1000 * np.pi
    log = -2 / np.log(10.0) * np.log(2.0)
    smooth = 5.74 * (np.pi / 4) ** 0.9
    at_4000 = 5.74 / 4000**0.9
    for k in range(compiled.structure.groups[THROTTLE]):
        q = load(block.flow, k)
        size = absolute(q)
        viscous = links.viscous[k]
        r = load(block.resistance, k)
        minor = spread(links.minor[k])
        third = load(block.relative, k) * (1 / 3.7)
        reynolds = size * (1.0 / viscous)

        w = largest(reynolds, spread(low))
        y1 = power(w, -0.9) * smooth
        y2 = third + y1
        y3 = log2(y2) * log
        factor = spread(1.0) / (y3 * y3)
        slope = factor * y1 * (1.8 * -2 / np.log(10.0)) / (y2 * y3 * w)

        y2 = third + at_4000
        y3 = log2(y2) * log
        fa = spread(1.0) / (y3 * y3)
        fb = (spread(-1.5634601348517065795 * at_4000) / (y2 * y3) + 2.0) * fa
        ratio = largest(reynolds, spread(low / 2)) * (2 / low)
        x1 = fa * 7.0 - fb
        x2 = fb * 2.5 - fa * 17.0 + 0.128
        x3 = fa * 13.0 - fb * 2.0 - 0.128
        x4 = fb * 0.5 - fa * 3.0 + 0.032
        between = fma(ratio, fma(ratio, fma(ratio, x4, x3), x2), x1)
        between_slope = fma(ratio, fma(ratio, x4 * 3.0, x3 * 2.0), x2) * (2 / low)

        turbulent = less(spread(low), reynolds)
        factor = choose(turbulent, factor, between)
        slope = choose(turbulent, slope, between_slope)
        whole = fma(factor, r, minor)
        laminar = less(reynolds, spread(low / 2 * (1 + 1e-15)))
        stiffness = r * (16 * np.pi * viscous)
        gradient = whole * size * 2.0 + slope * (1.0 / viscous) * r * size * size
        gradient = choose(laminar, fma(minor * 2.0, size, stiffness), gradient)
        loss = choose(laminar, fma(minor, size, stiffness), whole * size)
        p = spread(1.0) / gradient
        store(block.conductance, k, p)
        store(block.constant, k, fma(p, load(block.drop, k) - loss * q, q))


@njit(cache=True, _nrt=False)
def _soft_pipes(compiled, block):  # type: ignore[no-untyped-def]
    """Pipes that closed by themselves only trickle."""
    groups = compiled.structure.groups
    trickle = 1.0 / compiled.numbers.high_resistance
    for k in range(groups[SOFT_PIPE], groups[THROTTLE]):
        for lane in range(LANES):
            if block.dry_link[lane, k]:
                block.conductance[k, lane] = 0.0
                block.constant[k, lane] = 0.0
            elif block.status[lane, k] <= CLOSED:
                block.conductance[k, lane] = trickle
                block.constant[k, lane] = 0.0


@njit(cache=True, _nrt=False)
def _throttles(compiled, block):  # type: ignore[no-untyped-def]
    """Tangents of throttle valves: `laws.valve_loss`; a closed one has a negative minor loss here."""
    numbers, groups = compiled.numbers, compiled.structure.groups
    least, half, low = spread(numbers.min_gradient), spread(numbers.min_gradient / 2), spread(numbers.low_resistance)
    for k in range(groups[THROTTLE], groups[MACHINE]):
        q = load(block.flow, k)
        minor = load(block.minor, k - groups[THROTTLE])
        loss = minor * absolute(q)
        gradient = loss * 2.0
        small = less(gradient, least)
        free = less(minor, spread(5e-324))
        gradient = choose(free, low, choose(small, half, gradient))
        loss = choose(free, low, choose(small, half, loss))
        p = choose(less(minor, spread(0.0)), spread(0.0), spread(1.0) / gradient)
        shut = less(minor, spread(0.0))
        store(block.conductance, k, p)
        store(block.constant, k, choose(shut, spread(0.0), fma(p, load(block.drop, k) - loss * q, q)))


@njit(cache=True, _nrt=False)
def _machines(compiled, block):  # type: ignore[no-untyped-def]
    """Tangents of pumps and valves, lane by lane."""
    numbers, links, groups = compiled.numbers, compiled.links, compiled.structure.groups
    trickle = 1.0 / numbers.high_resistance
    for k in range(groups[MACHINE], groups[4]):
        kind = links.kind[k]
        for lane in range(LANES):
            status, setting = block.status[lane, k], block.setting[lane, k]
            if block.dry_link[lane, k] or (kind in (PRV, PSV) and status == ACTIVE):
                block.conductance[k, lane] = 0.0
                block.constant[k, lane] = 0.0
            elif not _passes(kind, status, setting):
                block.conductance[k, lane] = trickle
                block.constant[k, lane] = 0.0
            elif kind == FCV and status == ACTIVE:
                block.conductance[k, lane] = trickle
                block.constant[k, lane] = setting
            else:
                q = block.flow[k, lane]
                if kind == PUMP:
                    loss, gradient = _pump_loss(compiled, links.pump[k], links.curve[k], q, setting)
                else:
                    loss, gradient = _valve_loss(compiled, k, q, setting)
                block.conductance[k, lane] = 1.0 / gradient
                block.constant[k, lane] = q + (block.drop[k, lane] - loss) / gradient


@njit(cache=True, _nrt=False)
def _segment(pumps, curve, flow):  # type: ignore[no-untyped-def]
    """See `laws.curve_segment`."""
    first, last = pumps.curve_first[curve], pumps.curve_first[curve + 1]
    right = first
    while right < last and pumps.curve_flow[right] < flow:
        right += 1
    right = min(max(right, first + 1), last - 1)
    left = max(right - 1, first)
    slope = 0.0
    if right > left:
        slope = (pumps.curve_head[right] - pumps.curve_head[left]) / (pumps.curve_flow[right] - pumps.curve_flow[left])
    return pumps.curve_head[left] - slope * pumps.curve_flow[left], slope


@njit(cache=True, _nrt=False)
def _pump_loss(compiled, pump, curve, flow, speed):  # type: ignore[no-untyped-def]
    """See `laws.pump_loss`."""
    numbers, pumps = compiled.numbers, compiled.pumps
    law, q = pumps.law[pump], abs(flow)
    if law == NO_CURVE:
        return numbers.low_resistance * flow, numbers.low_resistance
    if law == CURVE:
        h0, slope = _segment(pumps, curve, q / speed)
        gradient = max(-slope * speed, numbers.tiny_slope)
        return -h0 * speed**2 + gradient * flow, gradient
    if law == POWER:
        strength = pumps.r[pump] * speed**3
        gradient = strength / q**2 if q > 0.0 else np.inf
        if gradient > numbers.high_resistance:
            return numbers.high_resistance * flow, numbers.high_resistance
        if gradient < numbers.low_resistance:
            return numbers.low_resistance * flow, numbers.low_resistance
        return -strength / flow, gradient
    n = pumps.n[pump] if abs(pumps.n[pump] - 1.0) > 1e-6 else 1.0
    h0, r = -pumps.h0[pump] * speed**2, pumps.r[pump] * speed ** (2.0 - n)
    if n == 1.0:
        return h0 + r * flow, r
    gradient = n * r * q ** (n - 1.0)
    if gradient < numbers.min_gradient:
        return h0 + numbers.min_gradient * flow, numbers.min_gradient
    return h0 + gradient * flow / n, gradient


@njit(cache=True, _nrt=False)
def _valve_loss(compiled, place, flow, setting):  # type: ignore[no-untyped-def]
    """See `laws.link_loss`, its part on valves."""
    numbers, links = compiled.numbers, compiled.links
    kind, minor = links.kind[place], links.minor[place]
    if kind == GPV and links.curve[place] >= 0:
        q = max(abs(flow), numbers.tiny_flow)
        h0, slope = _segment(compiled.pumps, links.curve[place], q)
        slope = max(slope, numbers.tiny_slope)
        return (h0 + slope * q) * np.sign(flow), slope
    if not np.isnan(setting):
        if kind == TCV:
            minor = links.minor_per_coefficient[place] * setting
        elif kind == PCV:
            minor = _positional_minor(compiled, place, setting)
        elif kind == PBV and setting != 0.0 and minor * flow * flow <= setting:
            return setting, numbers.low_resistance / 100.0
    if minor <= 0.0:
        return numbers.low_resistance * flow, numbers.low_resistance
    gradient = 2.0 * minor * abs(flow)
    if gradient < numbers.min_gradient:
        return flow * numbers.min_gradient / 2.0, numbers.min_gradient / 2.0
    return flow * gradient / 2.0, gradient


@njit(cache=True, _nrt=False)
def _positional_minor(compiled, place, opening):  # type: ignore[no-untyped-def]
    """See `laws.positional_minor`."""
    links, most = compiled.links, compiled.numbers.largest_minor
    if opening >= 100.0:
        return links.minor[place]
    if opening <= 0.0:
        return most
    first, last = links.opening_first[place], links.opening_first[place + 1]
    x, y = links.opening_x[first:last], links.opening_y[first:last]
    if len(x) == 0:
        relative = opening
    elif opening < x[0]:
        relative = opening / x[0] * y[0]
    elif opening > x[-1]:
        relative = (opening - x[-1]) / (1.0 - x[-1]) * (1.0 - y[-1]) + y[-1]
    else:
        right = 1
        while right < len(x) - 1 and x[right] < opening:
            right += 1
        relative = y[right - 1] + (opening - x[right - 1]) * (y[right] - y[right - 1]) / (x[right] - x[right - 1])
    relative = min(max(relative / 100.0, 1e-6), 1.0)
    return min(links.minor[place] / relative**2, most)


@njit(cache=True, _nrt=False)
def _outlets(compiled, given, block):  # type: ignore[no-untyped-def]
    """Tangents of emitters, leaks and delivered demands: `laws.emitter_loss` and its like."""
    steep, width = compiled.numbers.barrier, compiled.numbers.barrier_width
    nothing = spread(0.0)
    for o in range(given.outlet_kind.shape[0]):
        position, exponent = given.outlet_position[o], given.outlet_exponent[o]
        q, r = load(block.outlet_flow, o), load(block.outlet_resistance, o)
        least = given.outlet_least[o]
        rising = power(largest(absolute(q), spread(LEAST_FLOW)), exponent - 1.0) * r
        gradient = rising * exponent
        small = less(gradient, spread(least))
        gradient = choose(small, spread(least / exponent), gradient)
        loss = choose(small, spread(least / exponent), rising) * q
        if given.outlet_barrier[o] >= 1:
            a = q * steep
            b = square_root(fma(a, a, spread(width * width)))
            loss = loss + (a - b) * 0.5
            gradient = gradient + (spread(1.0) - a / b) * (steep / 2)
        if given.outlet_barrier[o] == 2:
            a = (q - load(block.outlet_most, o)) * steep
            b = square_root(fma(a, a, spread(width * width)))
            loss = loss + (a + b) * 0.5
            gradient = gradient + (spread(1.0) + a / b) * (steep / 2)
        none = less(r, nothing)
        p = choose(none, nothing, spread(1.0) / gradient)
        c = choose(none, nothing, fma(p, load(block.head, position) - given.outlet_datum[o] - loss, q))
        store(block.outlet_conductance, o, p)
        store(block.outlet_constant, o, c)
        store(block.diagonal, position, load(block.diagonal, position) + p)
        store(block.right, position, load(block.right, position) - c)


@njit(cache=True, _nrt=False)
def _assemble(compiled, block):  # type: ignore[no-untyped-def]
    """Adds all links to the equations; the part above the diagonal is that below."""
    structure, n = compiled.structure, compiled.numbers.n
    for k in range(structure.order.shape[0]):
        p, c = load(block.conductance, k), load(block.constant, k)
        i, j, e = structure.start[k], structure.end[k], structure.entry[k]
        if i < n:
            store(block.diagonal, i, load(block.diagonal, i) + p)
            store(block.right, i, load(block.right, i) - c)
        if j < n:
            store(block.diagonal, j, load(block.diagonal, j) + p)
            store(block.right, j, load(block.right, j) + c)
        if e >= 0:
            store(block.lower, e, load(block.lower, e) - p)


@njit(cache=True, _nrt=False)
def _value(block, n, which, lane):  # type: ignore[no-untyped-def]
    z = block.lower.shape[0]
    if which < n:
        return block.diagonal[which, lane]
    return block.lower[which - n, lane] if which < n + z else block.upper[which - n - z, lane]


@njit(cache=True, _nrt=False)
def _set_value(block, n, which, lane, value):  # type: ignore[no-untyped-def]
    z = block.lower.shape[0]
    if which < n:
        block.diagonal[which, lane] = value
    elif which < n + z:
        block.lower[which - n, lane] = value
    else:
        block.upper[which - n - z, lane] = value


@njit(cache=True, _nrt=False)
def _hold_pressures(compiled, block):  # type: ignore[no-untyped-def]
    """Rows of active pressure valves: the held head, and the balance that is passed on."""
    structure, n = compiled.structure, compiled.numbers.n
    for v in range(structure.valve_place.shape[0]):
        place, holds, passes = structure.valve_place[v], structure.valve_holds[v], structure.valve_passes[v]
        for lane in range(LANES):
            if block.status[lane, place] != ACTIVE or block.dry_link[lane, place]:
                continue
            for move in range(structure.move_first[v], structure.move_first[v + 1]):
                source, target = structure.move_from[move], structure.move_to[move]
                if target >= 0:
                    moved = _value(block, n, target, lane) + _value(block, n, source, lane)
                    _set_value(block, n, target, lane, moved)
                _set_value(block, n, source, lane, 0.0)
            block.diagonal[holds, lane] = 1.0
            block.diagonal[passes, lane] += 1.0 / compiled.numbers.high_resistance
            block.right[passes, lane] += block.right[holds, lane]
            block.right[holds, lane] = compiled.elevation[holds] + block.setting[lane, place] - block.head[holds, lane]


@njit(cache=True, _nrt=False)
def _solve_symmetric(structure, block, n, trickle):  # type: ignore[no-untyped-def]
    """Factors L D L' and solves for the rise of heads."""
    first, row, pair = structure.first, structure.row, structure.pair
    diagonal, lower, right, rise = block.diagonal, block.lower, block.right, block.rise
    least, trickle, smallest = spread(LEAST_PIVOT), spread(trickle), spread(1.0)
    for k in range(n):
        pivot = load(diagonal, k)
        small = less(pivot, least)
        smallest = choose(small, pivot, smallest)
        inverse = spread(1.0) / choose(small, trickle, pivot)
        f = load(right, k)
        at = structure.pair_first[k]
        last = first[k + 1]
        for a in range(first[k], last):
            value = load(lower, a)
            factor = spread(0.0) - value * inverse
            i = row[a]
            store(diagonal, i, fma(factor, value, load(diagonal, i)))
            store(right, i, fma(factor, f, load(right, i)))
            for b in range(a + 1, last):
                target = pair[at]
                at += 1
                store(lower, target, fma(factor, load(lower, b), load(lower, target)))
            store(lower, a, factor)
        store(right, k, f * inverse)
    store(block.sums, 3, smallest)
    for k in range(n - 1, -1, -1):
        x = load(right, k)
        for a in range(first[k], first[k + 1]):
            x = fma(load(lower, a), load(rise, row[a]), x)
        store(rise, k, x)


@njit(cache=True, _nrt=False)
def _solve_general(structure, block, n, trickle):  # type: ignore[no-untyped-def]
    """Factors L U on a symmetric pattern and solves for the rise of heads."""
    first, row, pair = structure.first, structure.row, structure.pair
    diagonal, lower, upper, right, rise = block.diagonal, block.lower, block.upper, block.right, block.rise
    least, trickle, smallest = spread(LEAST_PIVOT), spread(trickle), spread(1.0)
    for k in range(n):
        pivot = load(diagonal, k)
        small = less(pivot, least)
        smallest = choose(small, pivot, smallest)
        inverse = spread(1.0) / choose(small, trickle, pivot)
        f = load(right, k)
        at = structure.pair_first[k]
        last = first[k + 1]
        for a in range(first[k], last):
            store(lower, a, spread(0.0) - load(lower, a) * inverse)
        for a in range(first[k], last):
            below, beyond = load(lower, a), load(upper, a)
            i = row[a]
            store(diagonal, i, fma(below, beyond, load(diagonal, i)))
            store(right, i, fma(below, f, load(right, i)))
            for b in range(a + 1, last):
                target = pair[at]
                at += 1
                store(lower, target, fma(load(lower, b), beyond, load(lower, target)))
                store(upper, target, fma(below, load(upper, b), load(upper, target)))
        store(diagonal, k, inverse)
    store(block.sums, 3, smallest)
    for k in range(n - 1, -1, -1):
        x = load(right, k)
        for a in range(first[k], first[k + 1]):
            x = x - load(upper, a) * load(rise, row[a])
        store(rise, k, x * load(diagonal, k))


@njit(cache=True, _nrt=False)
def _move(compiled, given, block, head_tolerance):  # type: ignore[no-untyped-def]
    """Moves heads and flows; leaves sum |q|, sum |dq| and the largest |dq| - p head_tolerance in `sums`."""
    structure, numbers, links = compiled.structure, compiled.numbers, compiled.links
    n, groups = numbers.n, structure.groups
    for k in range(n):
        store(block.head, k, load(block.head, k) + load(block.rise, k))
    total, moved, excess = spread(0.0), spread(0.0), spread(-1.0)
    step = load(block.step, 0)
    slack = spread(SLACK)
    for k in range(groups[4]):
        rise = load(block.rise, structure.start[k]) - load(block.rise, structure.end[k])
        store(block.drop, k, load(block.drop, k) + rise)
        if k < groups[MACHINE]:
            q, p = load(block.flow, k), load(block.conductance, k)
            change = (fma(p, rise, load(block.constant, k)) - q) * step
            q = q + change
            change = absolute(change)
            store(block.flow, k, q)
            total, moved = total + absolute(q), moved + change
            excess = largest(excess, change - fma(p, spread(head_tolerance), slack))
    for o in range(given.outlet_kind.shape[0]):
        q = load(block.outlet_flow, o)
        p = load(block.outlet_conductance, o)
        change = (fma(p, load(block.rise, given.outlet_position[o]), load(block.outlet_constant, o)) - q) * step
        change = choose(less(load(block.outlet_resistance, o), spread(0.0)), spread(0.0), change)
        if given.outlet_barrier[o] == 2:
            most = load(block.outlet_most, o) * 0.4
            change = choose(less(most, change), most, change)
            change = largest(spread(0.0) - most, change)
        q = q + change
        store(block.outlet_flow, o, q)
        total, moved = total + absolute(q), moved + absolute(change)
    store(block.sums, 0, total)
    store(block.sums, 1, moved)
    store(block.sums, 2, excess)
    for k in range(groups[MACHINE], groups[4]):
        kind = links.kind[k]
        for lane in range(LANES):
            status = block.status[lane, k]
            if block.dry_link[lane, k] or (kind in (PRV, PSV) and status == ACTIVE):
                continue
            rise = block.rise[structure.start[k], lane] - block.rise[structure.end[k], lane]
            q, p = block.flow[k, lane], block.conductance[k, lane]
            change = (block.constant[k, lane] + p * rise - q) * block.step[0, lane]
            runs = kind == PUMP and _passes(kind, status, block.setting[lane, k])
            if runs and compiled.pumps.law[links.pump[k]] == POWER and change < -q:
                change = -q / 2.0
            block.flow[k, lane] = q + change
            block.sums[0, lane] += abs(q + change)
            block.sums[1, lane] += abs(change)
            quiet = status <= CLOSED or (kind == FCV and status == ACTIVE)
            if not quiet:
                block.sums[2, lane] = max(block.sums[2, lane], abs(change) - p * head_tolerance - SLACK)
    for v in range(structure.valve_place.shape[0]):
        _close_balance(compiled, given, block, v)


@njit(cache=True, _nrt=False)
def _close_balance(compiled, given, block, v):  # type: ignore[no-untyped-def]
    """The flow of an active pressure valve is what the node that it holds needs or gives."""
    structure = compiled.structure
    place, holds = structure.valve_place[v], structure.valve_holds[v]
    for lane in range(LANES):
        if block.status[lane, place] != ACTIVE or block.dry_link[lane, place]:
            continue
        net = -block.demand[holds, lane]
        for outlet in range(given.outlet_first[holds], given.outlet_first[holds + 1]):
            net -= block.outlet_flow[outlet, lane]
        for at in range(structure.incident_first[holds], structure.incident_first[holds + 1]):
            link = structure.incident[at]
            if link == place:
                continue
            net += block.flow[link, lane] if structure.end[link] == holds else -block.flow[link, lane]
        flow = -net if structure.end[place] == holds else net
        change = flow - block.flow[place, lane]
        block.flow[place, lane] = flow
        block.sums[0, lane] += abs(flow)
        block.sums[1, lane] += abs(change)


# --- statuses, one lane ------------------------------------------------------------------------------------------------------


@njit(cache=True, _nrt=False)
def _creeping(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Place of the link with the largest flow that only a sinking zone explains, -1 if none has; opens baseless PSVs."""
    structure, numbers, links = compiled.structure, compiled.numbers, compiled.links
    worst, at = numbers.flow_tolerance, -1
    for k in range(structure.groups[SOFT_PIPE], structure.groups[4]):
        if structure.groups[THROTTLE] <= k < structure.groups[MACHINE] or block.dry_link[lane, k]:
            continue
        kind, status = links.kind[k], block.status[lane, k]
        quiet = not _passes(kind, status, block.setting[lane, k]) or (kind == FCV and status == ACTIVE)
        if quiet:
            rise = block.rise[structure.start[k], lane] - block.rise[structure.end[k], lane]
            creep = abs(rise) / numbers.high_resistance
            if creep > worst:
                worst, at = creep, k
    for v in range(structure.valve_place.shape[0]):
        place = structure.valve_place[v]
        if block.status[lane, place] == ACTIVE and not block.dry_link[lane, place]:
            creep = abs(block.rise[structure.valve_passes[v], lane]) / numbers.high_resistance
            if creep > worst:
                worst, at = creep, place
            if creep > numbers.flow_tolerance and links.kind[place] == PSV:
                block.status[lane, place] = XPRESSURE
    return at


@njit(cache=True, _nrt=False)
def _regulate(compiled, block, lane):  # type: ignore[no-untyped-def]
    """New statuses of a lane's pressure valves (`statuses.regulating_status`); the place of one that changed, or -1."""
    structure, numbers, links = compiled.structure, compiled.numbers, compiled.links
    h_tol, q_tol = numbers.head_tolerance, numbers.flow_tolerance
    changed = -1
    for v in range(structure.valve_place.shape[0]):
        place = structure.valve_place[v]
        setting, now = block.setting[lane, place], block.status[lane, place]
        if np.isnan(setting) or block.dry_link[lane, place]:
            continue
        start, end = structure.start[place], structure.end[place]
        h1, h2, q = block.head[start, lane], block.head[end, lane], block.flow[place, lane]
        loss = links.minor[place] * q * q
        new = now
        if now != CLOSED and q < -q_tol:
            new = CLOSED
        elif links.kind[place] == PRV:
            at = compiled.elevation[end] + setting
            if now == ACTIVE:
                new = OPEN if h1 - loss < at - h_tol else ACTIVE
            elif now == OPEN:
                new = ACTIVE if h2 >= at + h_tol else OPEN
            elif now == CLOSED:
                if h1 >= at + h_tol and h2 < at - h_tol:
                    new = ACTIVE
                elif h1 < at - h_tol and h1 > h2 + h_tol:
                    new = OPEN
        else:
            at = compiled.elevation[start] + setting
            if now == ACTIVE:
                new = OPEN if h2 + loss > at + h_tol else ACTIVE
            elif now == OPEN:
                new = ACTIVE if h1 < at - h_tol else OPEN
            elif now == CLOSED and h1 > h2 + h_tol:
                if h2 > at + h_tol:
                    new = OPEN
                elif h1 >= at + h_tol:
                    new = ACTIVE
        if new != now:
            block.status[lane, place] = new
            changed = place
    return changed


@njit(cache=True, _nrt=False)
def _check_valve(numbers, status, drop, flow):  # type: ignore[no-untyped-def]
    """See `statuses.check_valve_status`."""
    if flow < -numbers.flow_tolerance or drop < -numbers.head_tolerance:
        return CLOSED
    return OPEN if drop > numbers.head_tolerance else status


@njit(cache=True, _nrt=False)
def _check_links(compiled, block, lane):  # type: ignore[no-untyped-def]
    """New statuses of the other links (`statuses.link_status`); the place of one that changed, or -1."""
    structure, numbers, links, tanks = compiled.structure, compiled.numbers, compiled.links, compiled.tanks
    h_tol, groups = numbers.head_tolerance, structure.groups
    for k in range(groups[SOFT_PIPE], groups[4]):
        block.old_status[k] = block.status[lane, k]
    for k in range(groups[SOFT_PIPE], groups[4]):
        if block.dry_link[lane, k] or groups[THROTTLE] <= k < groups[MACHINE]:
            continue
        kind, status, setting, q = links.kind[k], block.status[lane, k], block.setting[lane, k], block.flow[k, lane]
        drop = block.head[structure.start[k], lane] - block.head[structure.end[k], lane]
        if status <= TEMPORARILY_CLOSED:
            status = OPEN
        if kind == CHECK_VALVE:
            status = _check_valve(numbers, status, drop, q)
        elif kind == PUMP and status >= OPEN and setting > 0.0:
            most = setting**2 * compiled.pumps.max_gain[links.pump[k]]
            status = XHEAD if -drop > most + h_tol else OPEN
        elif kind == FCV and not np.isnan(setting):
            if drop < -h_tol or q < -numbers.flow_tolerance:
                status = XFCV
            elif status == XFCV and q >= setting:
                status = ACTIVE
        block.status[lane, k] = status
    for t in range(tanks.place.shape[0]):
        k = tanks.place[t]
        status = block.status[lane, k]
        if status <= CLOSED or block.dry_link[lane, k]:
            continue
        node = structure.start[k] if tanks.end[t] == 0 else structure.end[k]
        other = structure.start[k] + structure.end[k] - node
        level = block.head[node, lane]
        drop = level - block.head[other, lane]
        q = block.flow[k, lane] if tanks.end[t] == 0 else -block.flow[k, lane]
        if links.kind[k] == PUMP:
            fills, drains = tanks.end[t] == 1, tanks.end[t] == 0
        else:
            fills = _check_valve(numbers, OPEN, drop, q) == CLOSED
            drains = _check_valve(numbers, CLOSED, drop, q) == OPEN
        if (level >= tanks.full[t] - h_tol and fills) or (level <= tanks.empty[t] + h_tol and drains):
            block.status[lane, k] = TEMPORARILY_CLOSED
    changed = -1
    for k in range(groups[SOFT_PIPE], groups[4]):
        if block.status[lane, k] != block.old_status[k]:
            changed = k
    return changed


@njit(cache=True, _nrt=False)
def _switch(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Controls on junction pressures (`statuses.pressure_switched`); the place of a link that changed, or -1."""
    switches, h_tol = compiled.switches, compiled.numbers.head_tolerance
    changed = -1
    for s in range(switches.place.shape[0]):
        k, level, target = switches.place[s], block.head[switches.position[s], lane], switches.setting[s]
        fires = level <= switches.head[s] + h_tol if switches.below[s] else level >= switches.head[s] - h_tol
        if not fires or block.dry_node[lane, switches.position[s]]:
            continue
        other = block.status[lane, k] != switches.status[s]
        if compiled.links.kind[k] < PUMP:
            change = other
        else:
            now = block.setting[lane, k]
            same = now == target or (np.isnan(now) and np.isnan(target))
            change = not same or (np.isnan(target) and other)
            if change:
                block.setting[lane, k] = target
        if change:
            block.status[lane, k] = switches.status[s]
            changed = k
    return changed

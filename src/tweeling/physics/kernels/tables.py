"""The tables that a kernel works on: a plan in the kernel's order, what is given, working memory, results.

All are named tuples of arrays, which Numba takes apart for nothing.
"""

from __future__ import annotations

import threading
import weakref
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Floats, Ints, LinkKind
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Codes, Outcome, Status
from tweeling.physics.hydraulics.plan import Plan, PumpLaw
from tweeling.physics.hydraulics.statuses import tank_ends
from tweeling.physics.kernels.packed import Packed
from tweeling.physics.kernels.structure import Structure, make_structure
from tweeling.physics.kernels.vector import SERIES

ENORMOUS = 1e60
"""m per (m3/s)^n: the resistance of a closed or dry plain link."""
LEAST_PIVOT = 1e-45
"""m2/s: a smaller or negative pivot is rounding in a zone without supply; a trickle stands in, and the step proves nothing."""
LEAST_FLOW = 1e-30
"""m3/s: what logarithms take for no flow."""
XHEAD, TEMPORARILY_CLOSED, CLOSED, OPEN, ACTIVE, _, XFCV, XPRESSURE = (int(status) for status in Status)
OK, UNSUPPLIED, UNBALANCED, CYCLING = (int(outcome) for outcome in Outcome)
CHECK_VALVE, PUMP, PRV, PSV, PBV, FCV, TCV, GPV, PCV = (
    int(LinkKind[name]) for name in ("CHECK_VALVE_PIPE", "PUMP", "PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
)
NO_CURVE, POWER, FUNCTION, CURVE = (int(law) for law in PumpLaw)
EMITTER, LEAK_FIXED, LEAK_VARIABLE, DELIVERED = range(4)
"""Kinds of outlet, in the order of the fields of `Flows` behind `link`."""


class Links(NamedTuple):
    """Per place in the kernel's order unless said otherwise; see `Plan`. `weight`: how many pipes a place stands for."""

    weight: Floats
    curvature: Floats
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
    first_flow: Floats
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
    """Plan-wide numbers; see `Constants`. Columns are n; their positions come first, then those of fixed nodes.

    `series` is `vector.SERIES`.
    """

    n: int
    n_fixed: int
    n_junctions: int
    exponent: float
    darcy: bool
    throttled: bool
    min_gradient: float
    low_resistance: float
    high_resistance: float
    head_tolerance: float
    flow_tolerance: float
    tiny_slope: float
    tiny_flow: float
    no_flow: float
    barrier: float
    barrier_width: float
    largest_minor: float
    series: Floats


class Compiled(NamedTuple):
    """All that the kernel needs of a plan; `at_fixed` are links at fixed nodes, `elevation` is by position."""

    structure: Structure
    links: Links
    pumps: Pumps
    tanks: Tanks
    switches: Switches
    at_fixed: Ints
    elevation: Floats
    numbers: Numbers


class Given(NamedTuple):
    """Conditions and first flows; arrays (member or 1, element), in the plan's order of elements.

    Args:
        resistance: see `cpu._resistance`; (member or 1, link).
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
    """The working memory of LANES members; rows are positions, places, folded pipes or outlets, columns lanes.

    Equations: `ground` is what a junction gives to fixed heads and outlets for a m of rise, and once its column is eliminated
    the inverse of the pivot; `lower` the conductance between two junctions (minus the matrix value), `upper` the one above the
    diagonal where it may be another; `held` is 1 where a valve holds the pressure. `drawn` is what is drawn on the way to a
    piece; in the first step of a lane that is `rough` (1, else 0), `shift` is by how much a piece's flow is another than the
    chain's less that; `loss` and `gradient` are those of pieces and trees at the flows before the last step; `bend` is how
    fast a chain's gradient changes, `change` what its flow moved last; `trees` is the sum of flows in trees. `head` and `flow`
    have rows for what is folded, too: flows in trees are right once demands are drawn, all else when a lane's member leaves.

    From `member` on it is the loop's own. By lane: its member (-1 none), iteration, next check and last error; how often links
    were reopened (see `reference._reopen`); when a status changed last; how long it has waited for what creeps; how soft limits
    are, whether its step may be taken in part, and whether it still seeks that part (`reference._soften`); which plain
    links its member has closed, and whether any; how many nodes are dry, and which; whether the losses of its trees are known;
    whether its demands are to be drawn anew, and whether dry nodes get another chance before. `moving` are lanes whose members
    come or go, `row` the rows that lanes read, `mask` (1, else 0) the lanes that are written to, `own` demands by node. For
    the search of dry zones: the closed set asked for, the sets answered last with their dry nodes, as flags and as a list, and
    how many there are (-1 none known yet; the last entry says which set was asked for last), a stack, nodes seen, and links
    that may open for a zone. `old_status`: before a check.
    """

    head: Floats
    rise: Floats
    rest: Floats
    right: Floats
    ground: Floats
    demand: Floats
    lower: Floats
    upper: Floats
    held: Floats
    flow: Floats
    resistance: Floats
    relative: Floats
    conductance: Floats
    constant: Floats
    drawn: Floats
    shift: Floats
    rough: Floats
    loss: Floats
    gradient: Floats
    bend: Floats
    change: Floats
    trees: Floats
    outlet_flow: Floats
    outlet_resistance: Floats
    outlet_most: Floats
    outlet_conductance: Floats
    outlet_constant: Floats
    sums: Floats
    leap: Floats
    firm: Floats
    trickle: Floats
    before: Floats
    whole: Floats
    search: Floats
    status: Codes
    setting: Floats
    dry_link: npt.NDArray[np.bool_]
    dry_node: npt.NDArray[np.bool_]
    member: Ints
    moving: npt.NDArray[np.uint64]
    row: npt.NDArray[np.uint64]
    iteration: Ints
    next_check: Ints
    error: Floats
    reopened: Ints
    moved: Ints
    waited: Ints
    soft: Ints
    careful: npt.NDArray[np.bool_]
    seeks: npt.NDArray[np.bool_]
    lane_shut: npt.NDArray[np.bool_]
    has_shut: npt.NDArray[np.bool_]
    dried: Ints
    dry_list: Ints
    known: npt.NDArray[np.bool_]
    redraw: npt.NDArray[np.bool_]
    revive: npt.NDArray[np.bool_]
    mask: Floats
    own: Floats
    shut: npt.NDArray[np.bool_]
    last_shut: npt.NDArray[np.bool_]
    last_dry: npt.NDArray[np.bool_]
    last_list: Ints
    last_count: Ints
    stack: Ints
    seen: npt.NDArray[np.bool_]
    asked: Ints
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


_compiled: weakref.WeakKeyDictionary[Plan, dict[bool, Packed[Compiled]]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def compiled_of(plan: Plan, *, folded: bool = False) -> Packed[Compiled]:
    """Everything of a plan that kernels need, with or without its trees and chains folded; kept as long as the plan is."""
    with _lock:
        found = _compiled.setdefault(plan, {})
        if folded not in found:
            found[folded] = Packed(compile_plan(plan, make_structure(plan, folded=folded)))
        return found[folded]


def compile_plan(plan: Plan, structure: Structure) -> Compiled:
    """Everything of a plan that the kernel needs, in its order of links."""
    network, constants = plan.network, plan.constants
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
            weight=np.where(structure.chain >= 0, np.diff(structure.piece_first, append=0)[structure.chain], 1.0),
            curvature=laws.curvature(plan)[order],
            kind=np.ascontiguousarray(links.kind[order]),
            minor=minor,
            minor_per_coefficient=plan.minor_per_coefficient[order],
            viscous=np.where(links.kind == TCV, 0.0, plan.viscous_flow)[order],
            diameter=links.diameter[order],
            switched=plan.switched[order],
            pump=plan.pump_of_link[order],
            curve=plan.curves.of_link[order],
            opening_first=np.cumsum([0, *(len(x) for x, _ in points)]),
            opening_x=np.concatenate([*(x for x, _ in points), np.zeros(0)]),
            opening_y=np.concatenate([*(y for _, y in points), np.zeros(0)]),
        ),
        pumps=Pumps(
            law=np.array(plan.pumps.law),
            h0=np.array(plan.pumps.h0),
            r=np.array(plan.pumps.r),
            n=np.array(plan.pumps.n),
            max_gain=np.where(np.isinf(plan.pumps.max_gain), 1e10, plan.pumps.max_gain),
            first_flow=np.array(plan.pumps.first_flow),
            curve_first=np.array(plan.curves.first),
            curve_flow=np.array(plan.curves.flow),
            curve_head=np.array(plan.curves.head),
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
        at_fixed=np.flatnonzero((links.start >= plan.n_junctions) | (links.end >= plan.n_junctions)),
        elevation=elevation,
        numbers=Numbers(
            n=len(structure.first) - 1,
            n_fixed=plan.n_nodes - plan.n_junctions,
            n_junctions=plan.n_junctions,
            exponent=plan.exponent,
            darcy=network.options.headloss == "DW",
            throttled=bool((structure.plain & (links.kind == TCV)).any()),
            min_gradient=constants.min_gradient,
            low_resistance=constants.low_resistance,
            high_resistance=constants.high_resistance,
            head_tolerance=constants.head_tolerance,
            flow_tolerance=constants.flow_tolerance,
            tiny_slope=constants.tiny_slope,
            tiny_flow=1e-6 / unit,
            no_flow=constants.no_flow,
            barrier=constants.barrier,
            barrier_width=constants.barrier_width,
            largest_minor=1e8 * 0.3048 * unit**2,
            series=np.array(SERIES),
        ),
    )

"""Derivatives by the adjoint, compiled: `physics/hydraulics/adjoint.py` on the order of elimination of `structure.py`.

Members come one after the other. The matrix of one is factored number by number (A = L U; both are needed where a valve holds a
pressure), for that is the smaller part. Its diagonal is never added up: a pipe at rest passes 1e6 m3/s per m, and beside it the
1e-2 of its neighbours would drown in rounding. Kept are the sums of rows (what outlets and fixed heads take), which elimination
changes by products alone; a pivot is that sum less the row's other entries, all of one sign (Grassmann, Taksar, Heyman 1985).
Only a row that passes a held junction's flow on has entries of both signs.

Then LANES outputs at a time are solved side by side, U' y = e and L' x = y, in rows of `vector.py`; their weights are turned to
one row an output, and every table is written from front to back.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Bools, Floats, Ints, LinkKind
from tweeling.physics.hydraulics.adjoint import TABLES, UNBOUND, Place, conductance_of
from tweeling.physics.hydraulics.influence import Influence
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.kernels.compiled import compiled, compiled_entry
from tweeling.physics.kernels.structure import Structure
from tweeling.physics.kernels.tables import LEAST_PIVOT, compiled_of
from tweeling.physics.kernels.vector import LANES, fma, load, spread, store

Unsigned = npt.NDArray[np.uint64]


class Frame(NamedTuple):
    """What no member changes; positions are places in the order of elimination, see `Structure`.

    Args:
        position: of a node; (node,).
        start, end: nodes of a link; (link,). Unsigned, for a signed index costs a test.
        entry: entry of the factor that joins a link's ends, -1 at a fixed node; (link,).
        first, row, pair_first, pair: the pattern of the factor.
        valve_link, valve_holds, valve_passes, valve_sign: pressure valves in order of treatment, by link and position; the sign
            is 1 where the valve feeds the junction that it holds, else -1; (valve,).
        move_first, move_from, move_to: which matrix values a valve's row moves where; see `Structure`.
        move_column: position of the column of the value that is moved; (moves,).
        set_link: links that have a setting; (set,). pump_link: (pump,). fixed_link: links at fixed nodes; (fixed link,).
        n_junctions, n_nodes: how many.
    """

    position: Ints
    start: Unsigned
    end: Unsigned
    entry: Ints
    first: Ints
    row: Ints
    pair_first: Ints
    pair: npt.NDArray[np.int32]
    valve_link: Ints
    valve_holds: Ints
    valve_passes: Ints
    valve_sign: Floats
    move_first: Ints
    move_from: Ints
    move_to: Ints
    move_column: Ints
    set_link: Ints
    pump_link: Ints
    fixed_link: Ints
    n_junctions: int
    n_nodes: int


class Moved(NamedTuple):
    """`Influence` with the conductances that the equations have; (member, element)."""

    conductance: Floats
    slope: Floats
    outlet: Floats
    log_roughness: Floats
    setting: Floats
    demand: Floats
    leak_area: Floats
    emitter: Floats
    holds: Bools
    dry: Bools


class Work(NamedTuple):
    """The memory of one member: matrix, then weights of LANES outputs by position, and one row an output by node.

    Args:
        total: sums of rows; inverse: of U's diagonal; (n,). lower, upper: below and above the diagonal; (entries,).
        moved: the row of each held junction; (moves,).
        x: (node, LANES). held: weights of held heads; (valve, LANES).
        weight: (LANES, node). across: (link,). lost: outputs without derivatives; (LANES,).
    """

    total: Floats
    inverse: Floats
    lower: Floats
    upper: Floats
    moved: Floats
    x: Floats
    held: Floats
    weight: Floats
    across: Floats
    lost: Bools


class Tables(NamedTuple):
    """Results, (member, output, element); one that is not wanted has no member."""

    demand: Floats
    log_roughness: Floats
    leak_area: Floats
    emitter: Floats
    setting: Floats
    speed: Floats
    fixed_head: Floats


_frames: weakref.WeakKeyDictionary[Plan, Frame] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def frame_of(plan: Plan) -> Frame:
    """What no member changes; kept as long as the plan is."""
    with _lock:
        found = _frames.get(plan)
    if found is None:
        found = make_frame(plan, compiled_of(plan).fields.structure)
        with _lock:
            _frames[plan] = found
    return found


def make_frame(plan: Plan, structure: Structure) -> Frame:
    """What no member changes, from the order of elimination."""
    links, n, entries = plan.network.links, plan.n_junctions, len(structure.row)
    valve_link = structure.order[structure.valve_place]
    column = np.repeat(np.arange(n), np.diff(structure.first))
    below, above = structure.move_from - n, structure.move_from - n - entries
    move_column = structure.move_from.copy()  # a value on the diagonal is its own column
    is_below, is_above = (below >= 0) & (above < 0), above >= 0
    move_column[is_below] = column[below[is_below]]
    move_column[is_above] = structure.row[above[is_above]]
    return Frame(
        position=structure.position,
        start=links.start.astype(np.uint64),
        end=links.end.astype(np.uint64),
        entry=structure.entry[structure.place],
        first=structure.first,
        row=structure.row,
        pair_first=structure.pair_first,
        pair=structure.pair,
        valve_link=valve_link,
        valve_holds=structure.valve_holds,
        valve_passes=structure.valve_passes,
        valve_sign=np.where(links.kind[valve_link] == LinkKind.PRV, 1.0, -1.0),
        move_first=structure.move_first,
        move_from=structure.move_from,
        move_to=structure.move_to,
        move_column=move_column,
        set_link=np.flatnonzero((links.kind > LinkKind.PUMP) & (links.kind != LinkKind.GPV)),
        pump_link=np.array(plan.network.pumps.link),
        fixed_link=np.flatnonzero((links.start >= n) | (links.end >= n)),
        n_junctions=n,
        n_nodes=plan.n_nodes,
    )


def empty_tables(plan: Plan, n_members: int, n_outputs: int, wanted: Sequence[str]) -> Tables:
    """Where results go; zeros, for settings are written only where a link has one."""
    n, m = plan.n_junctions, plan.n_links
    sizes = dict(zip(TABLES, (n, m, n, n, m, len(plan.network.pumps.link), plan.n_nodes - n), strict=True))
    return Tables(**{name: np.zeros((n_members if name in wanted else 0, n_outputs, size)) for name, size in sizes.items()})


def write_tables(plan: Plan, influence: Influence, places: Sequence[Place], tables: Tables, first: int) -> None:
    """Writes the derivatives of some members into their rows of the tables.

    Args:
        plan: of the network.
        influence: of the members.
        places: outputs.
        tables: see `empty_tables`.
        first: the row of the first of the members.
    """
    frame, n = frame_of(plan), plan.n_junctions
    output = np.array([[kind == "link", index] for kind, index in places], dtype=np.int64).reshape(-1, 2)
    n_members = len(influence.slope)
    moved = Moved(
        conductance=conductance_of(plan, influence),
        slope=influence.slope,
        outlet=_own(influence.outlet, n_members),
        log_roughness=influence.log_roughness,
        setting=influence.setting,
        demand=_own(influence.demand, n_members),
        leak_area=_own(influence.leak_area, n_members),
        emitter=_own(influence.emitter, n_members),
        holds=influence.holds,
        dry=influence.dry,
    )
    entries = len(frame.row)
    work = Work(
        total=np.empty(n),
        inverse=np.empty(n),
        lower=np.empty(entries),
        upper=np.empty(entries),
        moved=np.zeros(len(frame.move_from)),
        x=np.zeros((plan.n_nodes, LANES)),
        held=np.zeros((max(len(frame.valve_link), 1), LANES)),
        weight=np.zeros((LANES, plan.n_nodes)),
        across=np.zeros(plan.n_links),
        lost=np.zeros(LANES, dtype=bool),
    )
    _write(frame, moved, output, work, tables, first)


def _own(array: Floats, n_members: int) -> Floats:
    return np.require(np.broadcast_to(array, (n_members, array.shape[1])), np.float64, ["C", "W"])


@compiled_entry
def _write(frame, moved, output, work, tables, first):  # type: ignore[no-untyped-def]
    """All members, one after the other; all outputs, LANES at a time."""
    n_outputs = output.shape[0]
    for member in range(moved.slope.shape[0]):
        _assemble(frame, moved, work, member)
        sound = _factor(frame, work)
        for begin in range(0, n_outputs, LANES):
            count = min(LANES, n_outputs - begin)
            _begin(frame, moved, output, work, member, begin, count)
            _solve(frame, work)
            _pass_on(frame, moved, output, work, member, begin, count)
            _turn(frame, work, count)
            for lane in range(count):
                if work.lost[lane] or not sound:
                    _no_answer(tables, first + member, begin + lane)
                else:
                    _by_junction(frame, moved, work, tables, member, first, begin, lane)
                    _by_link(frame, moved, output, work, tables, member, first, begin, lane)


@compiled
def _assemble(frame, moved, work, member):  # type: ignore[no-untyped-def]
    """The slopes of all balances, rows of dry and of held junctions included: sums of rows, and entries off the diagonal."""
    n, entries = frame.n_junctions, frame.row.shape[0]
    total, lower, upper = work.total, work.lower, work.upper
    for node in range(n):
        total[frame.position[node]] = 1.0 if moved.dry[member, node] else moved.outlet[member, node]
    for entry in range(entries):
        lower[entry] = 0.0
    for link in range(frame.entry.shape[0]):
        entry = frame.entry[link]
        if entry >= 0:
            lower[entry] -= moved.conductance[member, link]
    for at in range(frame.fixed_link.shape[0]):
        link = frame.fixed_link[at]
        for node in (frame.start[link], frame.end[link]):
            if node < n:
                total[frame.position[node]] += moved.conductance[member, link]
    for entry in range(entries):
        upper[entry] = lower[entry]
    for v in range(frame.valve_link.shape[0]):
        if moved.holds[member, frame.valve_link[v]]:
            _hold(frame, work, v)


@compiled
def _hold(frame, work, v):  # type: ignore[no-untyped-def]
    """Moves the row of a held junction to the one that passes its flow on, and keeps it for the valve's own flow."""
    n, entries = frame.n_junctions, frame.row.shape[0]
    holds, passes = frame.valve_holds[v], frame.valve_passes[v]
    diagonal, itself = work.total[holds], 0
    for move in range(frame.move_first[v], frame.move_first[v + 1]):
        source, target = frame.move_from[move], frame.move_to[move]
        if source == holds:
            itself = move
            continue
        value = _value(work, n, entries, source)
        work.moved[move] = value
        diagonal -= value
        if target >= n:
            _set_value(work, n, entries, target, _value(work, n, entries, target) + value)
        _set_value(work, n, entries, source, 0.0)
    work.moved[itself] = diagonal
    target = frame.move_to[itself]
    if target >= n:
        _set_value(work, n, entries, target, _value(work, n, entries, target) + diagonal)
    work.total[passes] += work.total[holds]
    work.total[holds] = 1.0


@compiled
def _value(work, n, entries, which):  # type: ignore[no-untyped-def]
    """A matrix value off the diagonal by its number in `Structure`."""
    return work.lower[which - n] if which < n + entries else work.upper[which - n - entries]


@compiled
def _set_value(work, n, entries, which, value):  # type: ignore[no-untyped-def]
    """Changes a matrix value off the diagonal."""
    if which < n + entries:
        work.lower[which - n] = value
    else:
        work.upper[which - n - entries] = value


@compiled
def _factor(frame, work):  # type: ignore[no-untyped-def]
    """A = L U in place, the inverse of U's diagonal beside; whether every pivot was sound."""
    first, row, pair = frame.first, frame.row, frame.pair
    total, lower, upper = work.total, work.lower, work.upper
    sound = True
    for k in range(frame.n_junctions):
        pivot, rest = total[k], total[k]
        for a in range(first[k], first[k + 1]):
            pivot -= upper[a]
        sound &= pivot >= LEAST_PIVOT
        inverse = 1.0 / pivot
        work.inverse[k] = inverse
        at = frame.pair_first[k]
        for a in range(first[k], first[k + 1]):
            lower[a] *= inverse
        for a in range(first[k], first[k + 1]):
            below, above = lower[a], upper[a]
            total[row[a]] -= below * rest
            for b in range(a + 1, first[k + 1]):
                target = pair[at]
                at += 1
                lower[target] -= lower[b] * above
                upper[target] -= below * upper[b]
    return sound


@compiled
def _begin(frame, moved, output, work, member, begin, count):  # type: ignore[no-untyped-def]
    """What each output is of the heads: e."""
    x, n = work.x, frame.n_junctions
    for k in range(n):
        store(x, k, spread(0.0))
    for lane in range(count):
        work.lost[lane] = False
        index = output[begin + lane, 1]
        if output[begin + lane, 0] == 0:
            work.lost[lane] = moved.dry[member, index]
            if frame.position[index] < n:
                x[frame.position[index], lane] = 1.0
            continue
        start, end = frame.position[frame.start[index]], frame.position[frame.end[index]]
        if start < n:
            x[start, lane] += moved.slope[member, index]
        if end < n:
            x[end, lane] -= moved.slope[member, index]
        for v in range(frame.valve_link.shape[0]):
            if frame.valve_link[v] == index and moved.holds[member, index]:
                for move in range(frame.move_first[v], frame.move_first[v + 1]):
                    x[frame.move_column[move], lane] += frame.valve_sign[v] * work.moved[move]


@compiled
def _solve(frame, work):  # type: ignore[no-untyped-def]
    """U' y = e, then L' x = y, in place."""
    x, first, row = work.x, frame.first, frame.row
    for k in range(frame.n_junctions):
        y = load(x, k) * work.inverse[k]
        store(x, k, y)
        for a in range(first[k], first[k + 1]):
            i = row[a]
            store(x, i, fma(spread(0.0 - work.upper[a]), y, load(x, i)))
    for k in range(frame.n_junctions - 1, -1, -1):
        y = load(x, k)
        for a in range(first[k], first[k + 1]):
            y = fma(spread(0.0 - work.lower[a]), load(x, row[a]), y)
        store(x, k, y)


@compiled
def _pass_on(frame, moved, output, work, member, begin, count):  # type: ignore[no-untyped-def]
    """Held junctions get the weight of the node that has their balance."""
    for v in range(frame.valve_link.shape[0] - 1, -1, -1):
        link = frame.valve_link[v]
        if not moved.holds[member, link]:
            continue
        store(work.held, v, load(work.x, frame.valve_holds[v]))
        store(work.x, frame.valve_holds[v], load(work.x, frame.valve_passes[v]))
        for lane in range(count):
            if output[begin + lane, 0] == 1 and output[begin + lane, 1] == link:
                work.x[frame.valve_holds[v], lane] -= frame.valve_sign[v]


@compiled
def _turn(frame, work, count):  # type: ignore[no-untyped-def]
    """Weights from rows of outputs by position to a row an output by node; unbounded ones are lost."""
    n = frame.n_junctions
    for node in range(n):
        k = frame.position[node]
        for lane in range(LANES):
            work.weight[lane, node] = work.x[k, lane]
    for lane in range(count):
        size = 0.0
        for node in range(n):
            size = max(size, abs(work.weight[lane, node]))
        work.lost[lane] |= not size <= UNBOUND


@compiled
def _no_answer(tables, member, column):  # type: ignore[no-untyped-def]
    """NaN in every table."""
    for table in (
        tables.demand,
        tables.log_roughness,
        tables.leak_area,
        tables.emitter,
        tables.setting,
        tables.speed,
        tables.fixed_head,
    ):
        if table.shape[0] > 0:
            for element in range(table.shape[2]):
                table[member, column, element] = np.nan


@compiled
def _by_junction(frame, moved, work, tables, member, first, begin, lane):  # type: ignore[no-untyped-def]
    """What leaves at junctions."""
    row, column, n = first + member, begin + lane, frame.n_junctions
    for table, factor in ((tables.demand, moved.demand), (tables.leak_area, moved.leak_area), (tables.emitter, moved.emitter)):
        if table.shape[0] > 0:
            target, weight, by = table[row, column], work.weight[lane], factor[member]
            for node in range(n):
                target[node] = -weight[node] * by[node]


@compiled
def _by_link(frame, moved, output, work, tables, member, first, begin, lane):  # type: ignore[no-untyped-def]
    """Roughness, settings, speeds and fixed heads."""
    row, column, n = first + member, begin + lane, frame.n_junctions
    across, weight = work.across, work.weight[lane]
    kind, index = output[column, 0], output[column, 1]
    for link in range(across.shape[0]):
        across[link] = weight[frame.end[link]] - weight[frame.start[link]]
    if tables.fixed_head.shape[0] > 0:
        target, slope = tables.fixed_head[row, column], moved.slope[member]
        for at in range(frame.fixed_link.shape[0]):
            link = frame.fixed_link[at]
            start, end = frame.start[link], frame.end[link]
            own = 1.0 if kind == 1 and index == link else 0.0
            if start >= n:
                target[start - np.uint64(n)] += (across[link] + own) * slope[link]
            if end >= n:
                target[end - np.uint64(n)] -= (across[link] + own) * slope[link]
        if kind == 0 and index >= n:
            target[index - n] += 1.0
    if kind == 1:
        across[index] += 1.0
    if tables.log_roughness.shape[0] > 0:
        target, by = tables.log_roughness[row, column], moved.log_roughness[member]
        for link in range(across.shape[0]):
            target[link] = across[link] * by[link]
    if tables.speed.shape[0] > 0:
        for pump in range(frame.pump_link.shape[0]):
            link = frame.pump_link[pump]
            tables.speed[row, column, pump] = across[link] * moved.setting[member, link]
    if tables.setting.shape[0] > 0:
        for at in range(frame.set_link.shape[0]):
            link = frame.set_link[at]
            tables.setting[row, column, link] = across[link] * moved.setting[member, link]
        for v in range(frame.valve_link.shape[0]):
            if moved.holds[member, frame.valve_link[v]]:
                tables.setting[row, column, frame.valve_link[v]] = work.held[v, lane]

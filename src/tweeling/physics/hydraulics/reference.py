"""The hydraulic engine in NumPy: clear and slow, the specification that fast engines must equal.

Unknown are the heads H of the junctions and the flows q of the links. A link from i to j obeys the energy equation
H_i - H_j = h(q), a junction the mass equation: inflow - outflow = demand + emitters + leaks. Newton's method (Todini and
Pilati 1988, the global gradient algorithm) replaces h by its tangent at the present flow:

    q' = q + p (H_i - H_j - h(q)),    p = 1 / (dh/dq)

which put into the mass equations gives linear equations A dH = b for the *rise* of heads, one row a junction. The rise, not the
heads: the rounding of a head of 100 m through a link of almost no resistance is a visible flow, that of a small rise is none.

* An *active* pressure reducing valve a -> b is no such link: H_b is its setting, and its flow is whatever b then needs. So
  row b becomes H_b + dH_b = setting, and row a takes what row b was: the mass of a and b together. This makes A unsymmetric
  but is a true Newton step (EPANET lags this flow and needs two or three times as many iterations). A pressure sustaining
  valve mirrors it; an active flow control valve is a known flow.
  A sustaining valve whose downstream side has no source of its own has no consistent equations: it is opened (XPRESSURE).
* A *closed* link passes nothing. During the iterations it gets a flow p (dH_i - dH_j) with EPANET's tiny p: nothing once heads
  rest, but a zone that lost its supply sinks by demand / p an iteration, so that valves and pumps around it see where
  water is missing and may reopen. Where pipes of 1 mm conduct less than p this would never rest, so p fades (`trickle`).
  When all else has settled, junctions that no open link joins to a source are *dry*: taken out with their demand, reported
  as NaN.

Statuses change by `tweeling.physics.hydraulics.statuses`, valves every iteration, other links every few and at convergence,
as in EPANET. Every member is solved on its own; a member that is done is not touched again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tweeling.network.network import Bools, Floats, Ints, LinkKind
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.contract import Codes, Conditions, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.descent import part_of_step
from tweeling.physics.hydraulics.elimination import Spread, solved
from tweeling.physics.hydraulics.plan import Plan, PumpLaw
from tweeling.physics.hydraulics.statuses import link_status, power_pumps, pressure_switched, regulating_status, stalled

HOLDING = (LinkKind.PRV, LinkKind.PSV)
SLACK = 1e-15
"""m3/s: what is left to move in a link, if it is less than this, never delays convergence by heads."""
STILL = 1e-9
"""m3/s: a solve goes on while a closed link (or rounding) accounts for more than this, or than the accuracy asked for, in a
balance, or while more than this moves in a network at rest (by our own rule); ..."""
PATIENCE = 5
"""... but for so many iterations at most once all else is settled: what still creeps then is no transient, ..."""
CLOSED_TO, CLOSED_PART = 1e-8, 1e-13
"""... if every balance is closed to so many m3/s and this part of all flow."""
RESTLESS = 20
"""The first iteration in which zones without supply are looked for also in a member that does not converge; then every tenth
if statuses rest, else every fiftieth: where pipes have almost no resistance, the rounding of a sinking zone's heads is flow
enough to keep it from converging."""
EPSILON = float(np.finfo(float).eps)
DOUBT = 8
"""How many times its rounding a flow backward must be to count as one."""
TIRED = 200
"""Iterations after which a pump of constant power that closed stays so: often enough it has pressed against a closed way."""
BARELY = 1e-6
"""How far above its least flow, as a part of it, a pump of constant power waits before it stalls."""
ONE_BY_ONE = 50
"""Iterations after which statuses change one at a time, and only where all else has settled: the first link of those that
would. All at once may go to and fro for ever; one by one, always the first, may not where no loop amplifies (Murty 1974)."""
REOPENS = 8
"""How often links that closed by themselves are opened for a zone without supply."""
CAREFUL = 20
"""Iterations after which a step may be taken in part (`_reconsider`), and limits of outlets are soft at first (`_soften`)."""
WILD, ALREADY = 0.1, 8
"""A member that moves more than this part of all flow is one to be careful with already after so many iterations."""
STRAIN, SETTLED, HARDEST = 1e-7, 1e-6, -4
"""m3/s: where more comes in through an outlet that lets nothing in (at heads of -1 km and less), and less than SETTLED of all
flow is left to move, these limits get a hundred times as steep, down to a `soft` of HARDEST: else a leak could feed a zone."""
ABSURD = 1e9
"""m3/s in all links together: a member that has come to this begins anew, with the statuses that it has."""
LEAP = 0.4
"""Part of a demand that its delivery changes by at most, in steps that are not careful."""
ROUNDED = 1e-9
"""A step that leaves less than this part of all flow to move is taken whole: there slopes are rounding."""
SOFT, RESTING = 2, 1e-2
"""A limit of an outlet is at first 100^SOFT times less steep than in the end; it gets a hundred times as steep with every step
that leaves less than RESTING of all flow to move."""
FADES, FAINTEST = 20, 12
"""From this iteration on, and after the last change of a status, what trickles through closed links fades tenfold an iteration,
and so often at most."""
OWN_RELATIVE_CHANGE = 1e-9
"""Part of all flow that our own stopping rule leaves to move, beside heads."""
FLOWS = ("flow", "emitter", "leak_fixed", "leak_variable", "delivered")
"""Fields of `_Members` that a step moves, beside heads."""


@dataclass(eq=False)
class _Members:
    """What changes during a solve; all arrays (member, element).

    A head is `head` + `rest`, which is what the last digit of `head` cannot hold: behind pipes of 1 mm heads may be 1e10 m, and
    their rounding would be a visible flow through their neighbours. `before` are all `FLOWS` before the last step, in a row;
    `careful` says whether it may be taken in part; limits of outlets are 100^`soft` times less steep than they are by law,
    and `strained` says whether they are to be steeper than that.
    """

    head: Floats
    rest: Floats
    flow: Floats
    emitter: Floats
    leak_fixed: Floats
    leak_variable: Floats
    delivered: Floats
    status: Codes
    setting: Floats
    dry: Bools
    reopened: Ints
    moved: Ints
    waited: Ints
    iterations: Ints
    outcome: Codes
    culprit: Ints
    error: Floats
    before: Floats
    careful: Bools
    soft: Ints
    strained: Bools

    def take(self, members: Ints) -> _Members:
        return _Members(**{name: array[members] for name, array in vars(self).items()})

    def put(self, members: Ints, part: _Members) -> None:
        for name, array in vars(self).items():
            array[members] = getattr(part, name)


@dataclass(frozen=True, eq=False)
class _Given:
    """What does not change during a solve, one row a member; `first` are all `FLOWS` to start from."""

    demand: Floats
    fixed_head: Floats
    resistance: Floats
    roughness: Floats
    emitter: Floats
    leak_fixed: Floats
    leak_variable: Floats
    first: Floats

    def take(self, members: Ints) -> _Given:
        return _Given(**{name: array[members] for name, array in vars(self).items()})


@dataclass(frozen=True, eq=False)
class _Tangent:
    """Links and outlets linearised: flow = constant + conductance * (rise of head difference); m3/s and m3/s per m.

    `trickle` is what closed links conduct; (member,).
    """

    conductance: Floats
    constant: Floats
    gradient: Floats
    trickle: Floats
    outlets: tuple[tuple[str, Floats, Floats], ...]


class _Step(NamedTuple):
    """What a Newton step moved.

    Args:
        left, total: sums of what the step leaves to move (`laws.left_to_move`) and of |flow|, m3/s; (member,).
        worst: the link that changed most; (member,).
        head_error: largest left * gradient of links that have more than SLACK left: how far a loss is from its head
            difference, m; (member,).
        creep: flow that only a sinking zone explains, m3/s; (member, link).
        rounding: what the rounding of the rises is as flow, at most, m3/s; (member,).
        doubt: what it may be in each link, m3/s; (member, link).
    """

    left: Floats
    total: Floats
    worst: Ints
    head_error: Floats
    creep: Floats
    rounding: Floats
    doubt: Floats


def trickle(plan: Plan, iteration: int, moved: Ints) -> Floats:
    """m3/s per m of rise that a closed link conducts in an iteration; `moved` is when a status changed last; (member,)."""
    faded = np.clip(iteration - np.maximum(moved, FADES), 0, FAINTEST)
    return np.asarray(10.0**-faded / plan.constants.high_resistance)


def looks_for_dry(iteration: int, moved: Ints) -> Bools:
    """Whether zones without supply are looked for in this iteration also where a member has not converged; (member,)."""
    patience = PATIENCE if iteration <= ONE_BY_ONE else 3 * PATIENCE
    rests = (iteration % 10 == 0) & (iteration - moved >= patience)
    return np.asarray((iteration >= RESTLESS) & (rests | (iteration % 50 == 0)))


def solve(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
    """A steady state for every member; see `contract.Engine`."""
    given, members = _begin(plan, conditions, flows)
    members.dry = unreached(plan, may_pass(plan, members.status, members.setting))
    _dry_out(plan, members)
    next_check = np.full(len(members.head), rule.check_frequency)
    left = np.arange(len(members.head))
    for iteration in range(1, rule.trials + 1):
        part = members.take(left)
        done, next_check[left] = _iterate(plan, given.take(left), part, rule, iteration, next_check[left])
        members.put(left, part)
        left = left[~done]
        if left.size == 0:
            break
    return _solution(plan, members)


def _begin(plan: Plan, conditions: Conditions, flows: Flows) -> tuple[_Given, _Members]:
    """What is given and what changes, with a row for every member."""
    n_members = max(len(array) for array in (*vars(conditions).values(), *vars(flows).values()))

    def rows(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.broadcast_to(array, (n_members, array.shape[1])).copy()

    leak_fixed, leak_variable = plan.leak_coefficients(conditions)
    first, pumps = rows(flows.link), plan.network.pumps.link
    # At no flow a pump's curve has no slope, or no end to it: EPANET's closed pumps keep a trickle to start again from.
    first[:, pumps] = np.maximum(first[:, pumps], plan.constants.no_flow)
    outlets = [rows(array) for array in (flows.emitter, flows.leak_fixed, flows.leak_variable, flows.demand)]
    given = _Given(
        rows(conditions.demand),
        rows(conditions.fixed_head),
        rows(plan.resistance(conditions.roughness)),
        rows(conditions.roughness),
        rows(conditions.emitter),
        rows(leak_fixed),
        rows(leak_variable),
        np.concatenate([first, *outlets], axis=1),
    )
    head = _flat_heads(plan, given.fixed_head)
    members = _Members(
        head=head,
        rest=np.zeros_like(head),
        flow=first,
        emitter=rows(flows.emitter),
        leak_fixed=rows(flows.leak_fixed),
        leak_variable=rows(flows.leak_variable),
        delivered=rows(flows.demand) if plan.pressure_driven else given.demand.copy(),
        status=rows(conditions.status),
        setting=rows(conditions.setting),
        dry=np.zeros((n_members, plan.n_nodes), dtype=bool),
        reopened=np.zeros(n_members, dtype=np.int64),
        moved=np.zeros(n_members, dtype=np.int64),
        waited=np.zeros(n_members, dtype=np.int64),
        iterations=np.zeros(n_members, dtype=np.int64),
        outcome=np.full(n_members, Outcome.UNBALANCED, dtype=np.int8),
        culprit=np.full(n_members, -1),
        error=np.full(n_members, np.inf),
        before=np.zeros((n_members, plan.n_links + 4 * plan.n_junctions)),
        careful=np.zeros(n_members, dtype=bool),
        soft=np.zeros(n_members, dtype=np.int64),
        strained=np.zeros(n_members, dtype=bool),
    )
    return given, members


def _flat_heads(plan: Plan, fixed_head: Floats) -> Floats:
    """Heads to start from: at junctions that of the highest reservoir or tank, m; (member, node)."""
    return np.concatenate([np.repeat(fixed_head.max(1)[:, None], plan.n_junctions, 1), fixed_head], axis=1)


def _drops(plan: Plan, head: Floats) -> Floats:
    """Head at the start of every link less that at its end, m; (member, link)."""
    return np.asarray(head[:, plan.network.links.start] - head[:, plan.network.links.end])


def _raised(head: Floats, rest: Floats, rise: Floats) -> tuple[Floats, Floats]:
    """Heads after a rise, and what their last digit cannot hold (Knuth's sum of two numbers without rounding)."""
    more = rise + rest
    total = head + more
    part = total - head
    return total, (head - (total - part)) + (more - part)


def _iterate(
    plan: Plan, given: _Given, members: _Members, rule: StoppingRule, iteration: int, next_check: Ints
) -> tuple[Bools, Ints]:
    """One Newton step and its checks of status; which members are done, and when each checks its links next."""
    _reconsider(plan, given, members, iteration)
    _soften(plan, given, members, iteration)
    tangent = _linearise(plan, given, members, trickle(plan, iteration, members.moved))
    rise = _solve_heads(plan, given, members, tangent)
    step = _update(plan, given, members, tangent, rise)
    members.iterations += 1
    accuracy = rule.accuracy if rule.accuracy is not None else OWN_RELATIVE_CHANGE
    members.error = np.where(step.total > accuracy, step.left / np.maximum(step.total, accuracy), step.left)
    converged = members.error <= accuracy
    if rule.accuracy is None:
        converged &= (step.head_error <= rule.head) & ((step.total > accuracy) | (step.left <= STILL))
        converged &= _outlets_agree(plan, given, members, accuracy * step.total, rule.head)
    converged &= (members.soft <= 0) & ~members.strained

    old = members.status
    creeps = step.creep > plan.constants.flow_tolerance
    baseless = creeps & (old == Status.ACTIVE) & (plan.network.links.kind == LinkKind.PSV)
    # Heads without a base are astronomic, and so is their rounding: the next step starts from flat ones.
    members.flow = np.where(baseless, 0.0, members.flow)
    members.head = np.where(baseless.any(1)[:, None], _flat_heads(plan, given.fixed_head), members.head)
    members.rest = np.where(baseless.any(1)[:, None], 0.0, members.rest)
    status = np.where(baseless, np.int8(Status.XPRESSURE), old)
    # Beside heads of 1e10 m a flow backward may be nothing but their rounding.
    flow = np.where(members.flow < 0, np.minimum(members.flow + step.doubt, 0.0), members.flow)
    one_by_one = iteration > ONE_BY_ONE
    # Where something still creeps after a while, it may be what a valve lets back.
    least = np.where(members.waited >= PATIENCE, STILL, plan.constants.flow_tolerance)
    regulated = _unless_dry(plan, members, regulating_status(plan, status, members.setting, members.head, flow, least))
    status = np.where(converged[:, None], _first_of(status, regulated), status) if one_by_one else regulated
    changed = (status != old).any(1)
    checked = converged | ((iteration == next_check) & (iteration <= rule.max_check))
    drop = _drops(plan, members.head) + _drops(plan, members.rest)
    links = _unless_dry(plan, members, link_status(plan, status, members.setting, members.head, drop, flow))
    links = np.where(checked[:, None], links, status)
    links = _unless_tired(plan, iteration, status, links)
    links = np.where(changed[:, None], status, _first_of(status, links)) if one_by_one else links
    _restart_pumps(plan, members, status, links)
    changed |= converged & (links != status).any(1)
    switched, setting, by_switch = pressure_switched(plan, links, members.setting, members.head)
    by_switch &= converged
    members.setting = np.where(by_switch[:, None], setting, members.setting)
    members.status = np.where(by_switch[:, None], switched, links)
    changed |= by_switch
    next_check = np.where(converged, iteration + rule.check_frequency, next_check)
    next_check = np.where(~converged & checked, iteration + rule.check_frequency, next_check)

    settled = converged & ~changed
    looks = looks_for_dry(iteration, members.moved)
    rests = looks & (members.error < RESTING)
    members.status = np.where(rests[:, None], _shut_where_stalled(plan, members), members.status)
    looks |= settled
    dry = unreached(plan, passes(plan, members.status, members.setting)) & looks[:, None]
    reopened = _unless_tired(
        plan, iteration, members.status, _reopen(plan, given, members, dry & ~members.dry & settled[:, None])
    )
    _restart_pumps(plan, members, members.status, reopened)
    looks &= (reopened == members.status).all(1)
    members.reopened += (reopened != members.status).any(1)
    members.status = reopened
    dry &= looks[:, None]
    more = (dry & ~members.dry).any(1)
    members.dry |= dry
    _dry_out(plan, members)
    done = settled & looks & ~more
    still = np.minimum(STILL, accuracy * step.total)
    creeping = (step.creep > still[:, None]).any(1) | (step.rounding > still)
    # Heads that come back from a zone that sank leave the rounding of a long way: the step after is needed, too.
    returns = members.waited < 0
    members.waited = np.where(more, -1, np.where(done & creeping, np.maximum(members.waited, 0) + 1, 0))
    drifting = creeps.any(1)
    faded = iteration > np.maximum(members.moved, FADES) + PATIENCE
    patient = (members.waited >= PATIENCE) & faded
    if (patient & done).any():
        patient &= _imbalance(plan, members) <= CLOSED_TO + CLOSED_PART * step.total
    done &= ~returns & (~creeping | patient)
    rests = done[:, None] & (iteration < rule.trials)
    revived = _unless_tired(plan, iteration, members.status, _reopen(plan, given, members, members.dry & rests))
    back = (revived != members.status).any(1)
    members.reopened += back
    members.status = revived
    if back.any():
        _revive(plan, given, members, back)
    done, changed = done & ~back, changed | back
    absurd = ~done & ~(step.total <= ABSURD)
    _begin_anew(plan, given, members, absurd)
    members.moved = np.where((members.status != old).any(1) | absurd, iteration, members.moved)
    # All links around a sinking zone tell the same; the one that lets too little through is the cause.
    limits = (members.status == Status.ACTIVE) & (plan.network.links.kind == LinkKind.FCV)
    worst = np.where(drifting, _argmax(np.where(limits, 2.0, 1.0) * step.creep), step.worst)
    n_junctions = plan.n_junctions
    wet = ~members.dry[:, :n_junctions].any(1)
    members.outcome[:] = np.where(
        done,
        np.where(drifting, Outcome.UNBALANCED, np.where(wet, Outcome.OK, Outcome.UNSUPPLIED)),
        np.where(changed, Outcome.CYCLING, Outcome.UNBALANCED),
    )
    last_change = _argmax((members.status != old).astype(np.float64))
    members.culprit[:] = np.where(done, np.where(drifting, worst, np.where(wet, -1, _thirsty(plan, given, members))), worst)
    members.culprit[:] = np.where(changed & ~done, last_change, members.culprit)
    return done, next_check


def _first_of(before: Codes, after: Codes) -> Codes:
    """New statuses, but only the first link's of each member that change."""
    first = np.arange(before.shape[1]) == _argmax((before != after).astype(np.float64))[:, None]
    return np.where(first, after, before)


def _unless_tired(plan: Plan, iteration: int, before: Codes, after: Codes) -> Codes:
    """New statuses, but pumps of constant power that have closed too often stay so."""
    return np.where((iteration > TIRED) & power_pumps(plan) & (before == Status.XHEAD), before, after)


def _shut_where_stalled(plan: Plan, members: _Members) -> Codes:
    """Statuses, but pumps of constant power that stand against a closed way are shut: an open one seems to supply a zone."""
    runs = (members.status == Status.OPEN) & ~_dry_links(plan, members.dry)
    return np.where(runs & stalled(plan, members.setting, members.flow), np.int8(Status.XHEAD), members.status)


def _restart_pumps(plan: Plan, members: _Members, before: Codes, after: Codes) -> None:
    """Gives pumps of constant power that open again their first flow: next to no flow they would stay there."""
    pumps = plan.network.pumps.link[plan.pumps.law == PumpLaw.POWER]
    first = plan.pumps.first_flow[plan.pumps.law == PumpLaw.POWER]
    again = (before[:, pumps] == Status.XHEAD) & (after[:, pumps] == Status.OPEN)
    members.flow[:, pumps] = np.where(again, first, members.flow[:, pumps])


def _in_need(plan: Plan, given: _Given, members: _Members) -> Bools:
    """Nodes in whose zone something leaks, or more is drawn than comes in; (member, node)."""
    links, n = plan.network.links, plan.n_junctions
    leaks = (given.emitter > 0) | (given.leak_fixed > 0) | (given.leak_variable > 0)
    need = np.zeros((len(leaks), plan.n_nodes), dtype=bool)
    for member, is_open in enumerate(passes(plan, members.status, members.setting)):
        ends = (links.start[is_open], links.end[is_open])
        graph = coo_array((np.ones(len(ends[0])), ends), shape=(plan.n_nodes, plan.n_nodes))
        parts, part = connected_components(graph, directed=False)
        drawn = np.bincount(part[:n], given.demand[member], parts)
        need[member] = ((drawn > 0) | (np.bincount(part[:n], leaks[member], parts) > 0))[part]
    return need


def _reopen(plan: Plan, given: _Given, members: _Members, dry: Bools) -> Codes:
    """Opens one-way links from a wet to a dry node: a passing state closed them, and nothing presses against them any more.

    The first time all of them; where one has closed the others again, then one of those to zones that need water, by turns.
    Such a zone sinks and opens them by itself, but while valves go to and fro one may be taken out: it gets another chance when
    all else rests. After some times a zone is what it is.
    """
    links, status, head = plan.network.links, members.status, members.head
    valve = np.isin(links.kind, HOLDING) & ~np.isnan(members.setting)
    sustained = (
        head[:, links.start] > plan.network.nodes.elevation[links.start] + members.setting + plan.constants.head_tolerance
    )
    valve &= (links.kind == LinkKind.PRV) | sustained
    closed = ((status == Status.CLOSED) & ((links.kind == LinkKind.CHECK_VALVE_PIPE) | valve)) | (status == Status.XHEAD)
    brings = closed & dry[:, links.end] & ~dry[:, links.start] & (members.reopened < REOPENS)[:, None]
    if brings.any():
        brings &= _in_need(plan, given, members)[:, links.end] | (members.reopened == 0)[:, None]
    turn = np.cumsum(brings, axis=1) - 1 == (members.reopened % np.maximum(brings.sum(1), 1))[:, None]
    brings &= turn | (members.reopened == 0)[:, None]
    return np.where(brings, np.int8(Status.OPEN), status)


def _revive(plan: Plan, given: _Given, members: _Members, which: Bools) -> None:
    """Gives dry zones that links reach again back to the equations of some members, as they all start."""
    dry = unreached(plan, passes(plan, members.status, members.setting))
    wet = members.dry & ~dry & which[:, None]
    back = _dry_links(plan, wet)
    members.dry &= ~wet
    members.soft = np.where(wet.any(1), SOFT, members.soft)
    members.error = np.where(wet.any(1), np.inf, members.error)
    members.head = np.where(wet, _flat_heads(plan, given.fixed_head), members.head)
    members.rest = np.where(wet, 0.0, members.rest)
    for name, first in zip(FLOWS, _parted(plan, given.first), strict=True):
        again = back if name == "flow" else wet[:, : plan.n_junctions]
        setattr(members, name, np.where(again, first, getattr(members, name)))
    if not plan.pressure_driven:
        members.delivered = np.where(wet[:, : plan.n_junctions], given.demand, members.delivered)


def _imbalance(plan: Plan, members: _Members) -> Floats:
    """The largest balance of a junction that is left open if closed links carry nothing, m3/s; (member,)."""
    n, flow = plan.n_junctions, np.where(passes(plan, members.status, members.setting), members.flow, 0.0)
    net = np.stack([_net_inflow(plan, row)[:n] for row in flow])
    net -= members.emitter + members.leak_fixed + members.leak_variable + members.delivered
    return np.asarray(np.where(members.dry[:, :n], 0.0, np.abs(net)).max(1, initial=0.0))


def _begin_anew(plan: Plan, given: _Given, members: _Members, which: Bools) -> None:
    """Gives some members the flows and heads again that they started from."""
    dry = members.dry[:, : plan.n_junctions]
    for name, first in zip(FLOWS, _parted(plan, given.first), strict=True):
        off = _dry_links(plan, members.dry) if name == "flow" else dry
        again = which[:, None] if name != "delivered" or plan.pressure_driven else np.zeros((1, 1), dtype=bool)
        setattr(members, name, np.where(again, np.where(off, 0.0, first), getattr(members, name)))
    members.head = np.where(which[:, None], _flat_heads(plan, given.fixed_head), members.head)
    members.rest = np.where(which[:, None], 0.0, members.rest)


def _thirsty(plan: Plan, given: _Given, members: _Members) -> Ints:
    """A dry junction of each member, one with demand if there is one; (member,)."""
    dry = members.dry[:, : plan.n_junctions]
    return _argmax(dry * (1.0 + (given.demand != 0)))


def _argmax(values: Floats) -> Ints:
    """Index of the largest value in each row, -1 in an empty row."""
    return np.asarray(values.argmax(1) if values.shape[1] else np.full(len(values), -1))


def _unless_dry(plan: Plan, members: _Members, status: Codes) -> Codes:
    """New statuses, but links in dry zones keep theirs."""
    return np.where(_dry_links(plan, members.dry), members.status, status)


def _dry_links(plan: Plan, dry: Bools) -> Bools:
    links = plan.network.links
    return np.asarray(dry[:, links.start] | dry[:, links.end])


def _dry_out(plan: Plan, members: _Members) -> None:
    """Takes demand, outlets and flows from dry zones."""
    dry = members.dry[:, : plan.n_junctions]
    for outlet in (members.emitter, members.leak_fixed, members.leak_variable, members.delivered):
        outlet[dry] = 0.0
    members.flow[_dry_links(plan, members.dry)] = 0.0


def passes(plan: Plan, status: Codes, setting: Floats) -> Bools:
    """Whether a link lets water pass at these statuses; (member, link)."""
    stopped = (plan.network.links.kind == LinkKind.PUMP) & (setting == 0)
    return np.asarray((status > Status.CLOSED) & ~stopped)


def may_pass(plan: Plan, status: Codes, setting: Floats) -> Bools:
    """Whether a link lets water pass or may do so before the solve is over; (member, link)."""
    kind = plan.network.links.kind
    regulates = np.isin(kind, (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV)) & ~np.isnan(setting)
    reopens = (kind == LinkKind.CHECK_VALVE_PIPE) | plan.switched | regulates
    stopped = (kind == LinkKind.PUMP) & (setting == 0) & ~plan.switched
    return np.asarray(((status != Status.CLOSED) | reopens) & ~stopped)


def unreached(plan: Plan, open_links: Bools) -> Bools:
    """Nodes that no open link joins to a reservoir or tank; (member, node)."""
    links, result = plan.network.links, np.zeros((len(open_links), plan.n_nodes), dtype=bool)
    for member, is_open in enumerate(open_links):
        ends = (links.start[is_open], links.end[is_open])
        graph = coo_array((np.ones(len(ends[0])), ends), shape=(plan.n_nodes, plan.n_nodes))
        _, part = connected_components(graph, directed=False)
        result[member] = ~np.isin(part, part[plan.n_junctions :])
    return result


def _parted(plan: Plan, flows: Floats) -> list[Floats]:
    """`FLOWS` one by one, from all in a row."""
    n = plan.n_junctions
    return np.split(flows, plan.n_links + n * np.arange(4), axis=1)


def _reconsider(plan: Plan, given: _Given, members: _Members, iteration: int) -> None:
    """Goes back along the last step where it led far up the other side of the least content (`descent`).

    Only where it began from flows that keep mass, and no status has changed since.
    """
    which = members.careful & (members.moved < iteration - 1) & (members.error > ROUNDED)
    if not which.any():
        return
    links = plan.network.links
    after = [getattr(members, name) for name in FLOWS]
    before = _parted(plan, members.before)
    limited = (members.status == Status.ACTIVE) & np.isin(links.kind, (*HOLDING, LinkKind.FCV))
    lawful = passes(plan, members.status, members.setting) & ~limited & ~_dry_links(plan, members.dry)

    def go(part: Floats) -> None:
        for name, old, new in zip(FLOWS, before, after, strict=True):
            setattr(members, name, np.where(which[:, None], old + part[:, None] * (new - old), new))

    def slope(part: Floats) -> Floats:
        go(part)
        tangent = _linearise(plan, given, members, np.ones(len(part)))
        total = np.zeros(len(part))
        moves = lawful & ~stalled(plan, members.setting, members.flow)
        laws_of = [(np.where(moves, tangent.conductance, 0.0), tangent.constant), *((p, c) for _, p, c in tangent.outlets)]
        for name, (p, constant), old, new in zip(FLOWS, laws_of, before, after, strict=False):
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                rise = (getattr(members, name) - constant) / p
                total += np.where(p > 0, (new - old) * rise, 0.0).sum(1)
        return total

    go(part_of_step(slope, which))


def _soften(plan: Plan, given: _Given, members: _Members, iteration: int) -> None:
    """Says whose next step may be taken in part, and how steep the limits of their outlets are.

    Almost upright limits let a step go no further than the first of them; soft ones show it the way. They are so for members
    that do not settle, anew where a zone comes back (`_revive`), and get steep while flows follow.
    """
    rested = iteration - members.moved > 1
    members.careful = rested & ((iteration > CAREFUL) | (members.error > WILD) & (iteration > ALREADY))
    wet = ~members.dry[:, : plan.n_junctions]
    outlets = (given.emitter > 0) | (given.leak_fixed > 0) | (given.leak_variable > 0)
    outlets |= plan.pressure_driven & (given.demand > 0)
    begins = (iteration == CAREFUL + 1) & (outlets & wet).any(1)
    harder = (members.soft > 0) & (members.error < RESTING) | members.strained & (members.error < SETTLED)
    members.soft = np.where(begins, SOFT, members.soft - harder)


def _linearise(plan: Plan, given: _Given, members: _Members, trickle: Floats) -> _Tangent:
    """Tangents of all links and outlets at the present flows and heads."""
    links = plan.network.links
    loss, gradient = laws.link_loss(plan, members.flow, members.setting, given.resistance, given.roughness)
    # On a flat piece of a curve a tangent leaps far beyond it, and back: there a line through no flow leads on.
    valves = (links.kind == LinkKind.GPV) & (plan.curves.of_link >= 0)
    chord = np.abs(loss[:, valves]) / np.maximum(np.abs(members.flow[:, valves]), laws.least_flow(plan))
    gradient[:, valves] = np.maximum(gradient[:, valves], chord)
    conductance = 1 / gradient
    with np.errstate(invalid="ignore"):  # a member with an impossible input; it ends as unbalanced
        constant = members.flow + conductance * (_drops(plan, members.head) + _drops(plan, members.rest) - loss)
    closed = ~passes(plan, members.status, members.setting) | stalled(plan, members.setting, members.flow)
    active = members.status == Status.ACTIVE
    control = active & (links.kind == LinkKind.FCV)
    conductance = np.where(closed | control, trickle[:, None], conductance)
    constant = np.where(closed, 0.0, np.where(control, members.setting, constant))
    off = _dry_links(plan, members.dry) | (active & np.isin(links.kind, HOLDING))
    conductance, constant = np.where(off, 0.0, conductance), np.where(off, 0.0, constant)
    gradient = np.where(closed | control | off, 0.0, gradient)
    return _Tangent(conductance, constant, gradient, trickle, _outlets(plan, given, members))


def _outlets(plan: Plan, given: _Given, members: _Members) -> tuple[tuple[str, Floats, Floats], ...]:
    """Tangents of emitters, leaks and delivered demands: (name, conductance, flow if heads stay); (member, junction)."""
    n, firm = plan.n_junctions, np.asarray(100.0 ** -members.soft[:, None], dtype=np.float64)
    pressure = members.head[:, :n] - plan.network.nodes.elevation[:n]
    emitted = laws.emitter_loss(plan, members.emitter, given.emitter, firm)
    leaked = laws.leak_loss(plan, members.leak_fixed, given.leak_fixed, 0.5, firm)
    growing = laws.leak_loss(plan, members.leak_variable, given.leak_variable, 1.5, firm)
    laws_of = {
        "emitter": (emitted, given.emitter > 0, 0.0),
        "leak_fixed": (leaked, given.leak_fixed > 0, 0.0),
        "leak_variable": (growing, given.leak_variable > 0, 0.0),
    }
    if plan.pressure_driven:
        law = laws.delivery_loss(plan, members.delivered, given.demand, firm)
        laws_of["delivered"] = (law, given.demand > 0, plan.network.options.min_pressure)
    result = []
    for name, ((loss, gradient), exists, from_pressure) in laws_of.items():
        exists = exists & ~members.dry[:, :n]
        conductance = np.where(exists, 1 / np.where(exists, gradient, 1.0), 0.0)
        constant = getattr(members, name) + conductance * (pressure - from_pressure - loss)
        result.append((name, conductance, np.where(exists, constant, 0.0)))
    return tuple(result)


def _solve_heads(plan: Plan, given: _Given, members: _Members, tangent: _Tangent) -> Floats:
    """Solves the linear equations of every member for the rise of heads, m; (member, node)."""
    rise = np.zeros_like(members.head)
    for member in range(len(rise)):
        rise[member] = _rise(plan, given, members, tangent, member)
    return rise


def _rise(plan: Plan, given: _Given, members: _Members, tangent: _Tangent, member: int) -> Floats:
    """The rise of one member's heads that its equations ask for, m; (node,)."""
    links, n, dry = plan.network.links, plan.n_junctions, members.dry[member]
    rise, known, ground = np.zeros(plan.n_nodes), dry.copy(), np.zeros(plan.n_nodes)
    known[n:] = True
    by_pressure = plan.pressure_driven & (given.demand[member] > 0)
    missing = _net_inflow(plan, tangent.constant[member])
    missing[:n] -= np.where(by_pressure | dry[:n], 0.0, given.demand[member])
    for _, conductance, flow in tangent.outlets:
        ground[:n] += conductance[member]
        missing[:n] -= flow[member]
    # Which balance a node's is part of: its own, that to which valves pass it on, or none.
    balance = np.where(known, -1, np.arange(plan.n_nodes))
    for link, holds, passes_on in reversed(_holding_valves(plan, members, member)):
        rise[holds] = plan.network.nodes.elevation[holds] + members.setting[member, link] - members.head[member, holds]
        rise[holds] -= members.rest[member, holds]
        known[holds], balance[holds] = True, balance[passes_on]
        ground[passes_on] += tangent.trickle[member]
    spread: Spread = [{} for _ in range(plan.n_nodes)]
    right = np.zeros(plan.n_nodes)
    part = balance >= 0
    np.add.at(right, balance[part], (missing - np.where(known, ground * rise, 0.0))[part])
    for start, end, p in zip(links.start.tolist(), links.end.tolist(), tangent.conductance[member].tolist(), strict=True):
        for node, other in ((start, end), (end, start)):
            here, there = balance[node], balance[other]
            if p == 0 or here == there:
                continue
            if not known[node] and there >= 0:
                spread[node][there] = spread[node].get(there, 0.0) + p
            elif not known[node]:
                ground[node] += p
            if known[node] and here >= 0:
                right[here] -= p * rise[node]
            if known[node] and there >= 0:
                right[there] += p * rise[node]
    wanted = np.flatnonzero(~known)
    place = np.full(plan.n_nodes, -1)
    place[wanted] = np.arange(len(wanted))
    inner = [{int(place[i]): amount for i, amount in spread[k].items()} for k in wanted]
    rise[wanted] = solved(inner, ground[wanted].tolist(), right[wanted].tolist())
    return rise


def _holding_valves(plan: Plan, members: _Members, member: int) -> list[tuple[int, int, int]]:
    """(link, node whose head it holds, other node) of the active pressure valves of one member.

    A valve comes before one that holds the node it passes on to, for the latter's balance contains the former's flow.
    """
    links = plan.network.links
    holding = np.isin(links.kind, HOLDING) & (members.status[member] == Status.ACTIVE)
    holding &= ~_dry_links(plan, members.dry[[member]])[0]
    found = []
    for link in np.flatnonzero(holding):
        start, end = int(links.start[link]), int(links.end[link])
        found.append((int(link), end, start) if links.kind[link] == LinkKind.PRV else (int(link), start, end))
    ordered: list[tuple[int, int, int]] = []
    while found:
        ready = [one for one in found if not any(other[2] == one[1] for other in found if other is not one)] or found[:1]
        ordered += ready
        found = [one for one in found if one not in ready]
    return ordered


def _update(plan: Plan, given: _Given, members: _Members, tangent: _Tangent, rise: Floats) -> _Step:
    """Moves heads by `rise` and all flows along their tangents."""
    links, n = plan.network.links, plan.n_junctions
    members.before = np.concatenate([getattr(members, name) for name in FLOWS], axis=1)
    members.head, members.rest = _raised(members.head, members.rest, rise)
    rise_over = _drops(plan, rise)
    change = tangent.constant + tangent.conductance * rise_over - members.flow
    runs = passes(plan, members.status, members.setting)
    # A pump of constant power has no loss at negative flow: halve its flow instead (EPANET does).
    delivers = power_pumps(plan) & runs & ~stalled(plan, members.setting, members.flow)
    change = np.where(delivers & (change < -members.flow), -members.flow / 2, change)
    # Nor does it stall in passing: first it comes to the least flow that it has a law for.
    least = np.zeros_like(change)
    power, pumps = plan.pumps.law == PumpLaw.POWER, plan.network.pumps.link
    strength = plan.pumps.r[power] * members.setting[:, pumps[power]] ** 3
    least[:, pumps[power]] = np.sqrt(strength / plan.constants.high_resistance) * (1 + BARELY)
    passes_by = delivers & (members.flow > least * (1 + BARELY)) & (members.flow + change < least)
    change = np.where(passes_by, least - members.flow, change)
    flow = members.flow + change

    total, left = np.zeros(len(flow)), np.zeros(len(flow))
    for name, conductance, constant in tangent.outlets:
        old = getattr(members, name)
        difference = np.where(conductance > 0, constant + conductance * rise[:, :n] - old, 0.0)
        if name == "delivered":
            most = np.where(members.careful[:, None], np.inf, LEAP * np.maximum(given.demand, 0.0))
            difference = np.clip(difference, -most, most)
        setattr(members, name, old + difference)
        total += np.abs(old + difference).sum(1)
        left += np.abs(difference).sum(1)  # barriers bend sharply: the whole change counts as left

    members.strained = (_drawn_in(plan, given, members) > STRAIN) & (members.soft > HARDEST)
    off = _dry_links(plan, members.dry)
    quiet = (~runs | ((members.status == Status.ACTIVE) & (links.kind == LinkKind.FCV))) & ~off
    creep = np.where(quiet, np.abs(rise_over) * tangent.trickle[:, None], 0.0)
    outflow = members.emitter + members.leak_fixed + members.leak_variable + members.delivered
    for member in range(len(flow)):
        valves = _holding_valves(plan, members, member)
        flow[member, [link for link, _, _ in valves]] = 0.0
        net = _net_inflow(plan, flow[member])
        net[:n] -= outflow[member]
        for link, holds, passes_on in valves:
            flow[member, link] = -net[holds] if links.kind[link] == LinkKind.PRV else net[holds]
            change[member, link] = flow[member, link] - members.flow[member, link]
            creep[member, link] = abs(rise[member, passes_on]) * tangent.trickle[member]
    change = np.where(off, 0.0, change)
    todo = laws.left_to_move(plan, members.flow, change)
    members.flow = np.where(off, 0.0, flow)
    total += np.abs(members.flow).sum(1)
    left += todo.sum(1)
    head_error = np.where(todo > SLACK, todo * tangent.gradient, 0.0).max(1, initial=0.0)
    size = np.abs(rise[:, links.start]) + np.abs(rise[:, links.end])
    rounding = tangent.conductance * size * EPSILON
    return _Step(left, total, _argmax(np.abs(change)), head_error, creep, rounding.max(1, initial=0.0), DOUBT * rounding)


def _outlets_agree(plan: Plan, given: _Given, members: _Members, left: Floats, head: float) -> Bools:
    """Whether no outlet would move at the heads that a step has led to, but by `left` m3/s or `head` m of pressure; (member,).

    Where a step crosses the limit of an outlet, it moves next to nothing along a law that no longer holds.
    """
    agree = np.ones(len(left), dtype=bool)
    for name, conductance, flow in _outlets(plan, given, members):
        moves = np.where(conductance > 0, np.abs(flow - getattr(members, name)), 0.0)
        agree &= (moves <= left[:, None] + conductance * head).all(1)
    return agree


def _drawn_in(plan: Plan, given: _Given, members: _Members) -> Floats:
    """What comes in at most through an outlet that lets nothing in, m3/s; (member,)."""
    least = np.minimum(members.leak_fixed, members.leak_variable)
    if not plan.network.options.emitter_backflow:
        least = np.minimum(least, members.emitter)
    if plan.pressure_driven:
        least = np.minimum(least, np.where(given.demand > 0, members.delivered, 0.0))
    return np.asarray(-least.min(1, initial=0.0))


def _net_inflow(plan: Plan, flow: Floats) -> Floats:
    """What links bring to each node less what they take, m3/s; from (link,) to (node,)."""
    links = plan.network.links
    return (np.bincount(links.end, flow, plan.n_nodes) - np.bincount(links.start, flow, plan.n_nodes)).astype(np.float64)


def _solution(plan: Plan, members: _Members) -> Solution:
    links, n = plan.network.links, plan.n_junctions
    flow = np.where(passes(plan, members.status, members.setting), members.flow, 0.0)
    head = np.where(members.dry, np.nan, members.head)
    inflow = np.zeros_like(members.head)
    for member in range(len(flow)):
        inflow[member] = np.bincount(links.end, flow[member], plan.n_nodes) - np.bincount(
            links.start, flow[member], plan.n_nodes
        )
    return Solution(
        head=head,
        flows=Flows(flow, members.emitter, members.leak_fixed, members.leak_variable, members.delivered),
        status=members.status,
        setting=members.setting,
        net_inflow=inflow[:, n:],
        iterations=members.iterations,
        outcome=members.outcome,
        culprit=members.culprit,
        error=members.error,
    )

"""The loop over members: LANES at a time; a lane whose member is done takes the next one that waits, in whatever thread.

No number of one lane ever enters another, so that results do not depend on chunk, lane, neighbour or thread.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import (
    ABSURD,
    CLOSED_PART,
    CLOSED_TO,
    EPSILON,
    FADES,
    ONE_BY_ONE,
    PATIENCE,
    RESTING,
    RESTLESS,
    STILL,
    TIRED,
)
from tweeling.physics.kernels.compiled import called, compiled, compiled_entry
from tweeling.physics.kernels.descent import keep_flows, reconsider, soften, strained
from tweeling.physics.kernels.drying import dry_out, find_dry, ground_dry, note_shut
from tweeling.physics.kernels.entering import begin_anew, clear, enter
from tweeling.physics.kernels.leaving import leave
from tweeling.physics.kernels.newton import newton_step
from tweeling.physics.kernels.queue import take_next
from tweeling.physics.kernels.reopening import reopen
from tweeling.physics.kernels.structure import END, SOFT_PIPE
from tweeling.physics.kernels.switching import check_links, creeping, regulate, shut_stalled, switch
from tweeling.physics.kernels.tables import (
    CYCLING,
    LEAST_PIVOT,
    OK,
    UNBALANCED,
    UNSUPPLIED,
)
from tweeling.physics.kernels.tangents import outlets, passes, trickle
from tweeling.physics.kernels.vector import LANES, absolute, choose, fma, largest, less, load, spread, store


@compiled_entry
def solve_members(  # type: ignore[no-untyped-def]
    compiled, given, block, output, who, queue, portion, lanes, accuracy, head_tolerance, trials, check_frequency, max_check
):
    """Solves the members `who` out of a queue, `portion` after `portion`, in `lanes` of at most LANES lanes."""
    member, iteration, next_check = block.member, block.iteration, block.next_check
    throttled = given.setting.shape[0] > 1 and compiled.numbers.throttled
    shared = given.resistance.shape[0] == 1 and given.roughness.shape[0] == 1 and not throttled
    following, end, running = 0, 0, 0
    own = head_tolerance < np.inf
    clear(compiled, given, block, shared)
    while True:
        coming = 0
        for lane in range(lanes):
            if member[lane] >= 0 or following >= who.shape[0]:
                continue
            if following == end:
                following = take_next(queue, portion)
                end = following + portion
            if following < who.shape[0]:
                member[lane], iteration[lane], next_check[lane] = who[following], 0, check_frequency
                block.moving[coming] = lane
                following += 1
                coming += 1
                running += 1
        if running == 0:
            return
        enter(compiled, given, block, coming, shared)
        reconsider(compiled, given, block)
        late = False
        for lane in range(LANES):
            iteration[lane] += 1
            soften(given, block, lane)
            late |= block.careful[lane] or (member[lane] >= 0 and iteration[lane] == trials)
            block.trickle[0, lane] = trickle(compiled, iteration[lane], block.moved[lane])
            ground_dry(compiled, block, lane)
        if late:
            keep_flows(compiled, given, block)
        newton_step(compiled, given, block, head_tolerance)
        store(block.rough, 0, spread(0.0))
        if own and given.outlet_kind.shape[0] > 0:
            _compare_outlets(compiled, given, block, accuracy, head_tolerance)
        leaving = _conclude_all(compiled, given, block, output, accuracy, own, trials, check_frequency, max_check)
        if leaving > 0:
            leave(compiled, given, block, output, leaving)
            for at in range(leaving):
                member[block.moving[at]] = -1
            running -= leaving


@called
def _compare_outlets(compiled, given, block, accuracy, head_tolerance):  # type: ignore[no-untyped-def]
    """How much an outlet would still move, beyond what may be left, where a lane seems done: `reference._outlets_agree`."""
    seem = 0
    for lane in range(LANES):
        seem += block.member[lane] >= 0 and block.sums[1, lane] <= accuracy * block.sums[0, lane] and block.sums[2, lane] <= 0.0
    moves, left = spread(0.0), load(block.sums, 0) * accuracy
    if seem > 0:
        outlets(compiled, given, block)
        for o in range(given.outlet_kind.shape[0]):
            p, q = load(block.outlet_conductance, o), load(block.outlet_flow, o)
            move = absolute(load(block.outlet_constant, o) - q) - fma(p, spread(head_tolerance), left)
            moves = largest(moves, choose(less(spread(0.0), p), move, spread(0.0)))
    store(block.sums, 6, moves)


@called
def _conclude_all(  # type: ignore[no-untyped-def]
    compiled, given, block, output, accuracy, own, trials, check_frequency, max_check
):
    """Looks at all lanes after a step; how many members are done, whose lanes come first in `moving`."""
    leaving = 0
    for lane in range(LANES):
        if block.member[lane] < 0:
            continue
        done, block.next_check[lane] = _conclude(
            compiled, given, block, output, lane, block.member[lane], block.iteration[lane], block.next_check[lane], accuracy,
            own, trials, check_frequency, max_check,
        )  # fmt: skip
        if done:
            block.moving[leaving] = lane
            leaving += 1
    return leaving


@called
def _conclude(  # type: ignore[no-untyped-def]
    compiled, given, block, output, lane, member, iteration, next_check, accuracy, own, trials, check_frequency, max_check
):
    """Checks a lane's statuses and convergence; whether its member is done, and when it checks its links next."""
    structure, numbers = compiled.structure, compiled.numbers
    total, left = block.sums[0, lane], block.sums[1, lane]
    error = left / total if total > accuracy else left
    block.error[lane] = error
    converged = error <= accuracy and block.sums[2, lane] <= 0.0 and block.soft[lane] <= 0 and not strained(block, lane)
    converged = converged and (not own or ((total > accuracy or left <= STILL) and block.sums[6, lane] <= 0.0))
    sinking, creep = creeping(compiled, block, lane)
    if creep <= numbers.flow_tolerance:
        sinking = -1
    one_by_one = iteration > ONE_BY_ONE
    last = regulate(compiled, block, lane, one_by_one) if converged or not one_by_one else -1
    changed = last >= 0
    moved = changed
    rests = iteration % 10 == 0 and iteration - block.moved[lane] >= (3 * PATIENCE if one_by_one else PATIENCE)
    looks = iteration >= RESTLESS and (rests or iteration % 50 == 0)
    check = iteration == next_check and iteration <= max_check
    if converged or check:
        link = check_links(compiled, block, lane, iteration > TIRED, one_by_one) if not (one_by_one and changed) else -1
        moved |= link >= 0
        if converged and link >= 0:
            last, changed = link, True
        next_check = iteration + check_frequency
    if converged:
        link = switch(compiled, block, lane)
        if link >= 0:
            last, changed = link, True
    done = converged and not changed
    more, which, returns = False, -1, block.waited[lane] < 0
    if looks and error < RESTING:
        moved |= shut_stalled(compiled, block, lane)
    if done or looks:
        which = find_dry(compiled, block) if note_shut(compiled, block, lane) else -1
        if which >= 0 and block.last_count[which] > 0:
            opened = reopen(compiled, given, block, lane, member, which, iteration > TIRED) if done else -1
            if opened >= 0:
                block.reopened[lane] += 1
                last, changed, done = opened, True, False
            else:
                for at in range(block.last_count[which]):
                    more |= not block.dry_node[lane, structure.position[block.last_list[which, at]]]
                done = done and not more
    creep, still = max(creep, block.sums[4, lane] * EPSILON), min(STILL, accuracy * total)
    block.waited[lane] = -1 if more else max(block.waited[lane], 0) + 1 if done and creep > still else 0
    faded = iteration > max(block.moved[lane], FADES) + PATIENCE
    done = done and not returns and (creep <= still or (block.waited[lane] >= PATIENCE and faded))
    done = done and (creep <= still or _imbalance(compiled, given, block, lane) <= CLOSED_TO + CLOSED_PART * total)
    # A pivot that is all rounding belongs to a zone without supply; where none was found, the step proves nothing.
    done &= block.sums[3, lane] >= LEAST_PIVOT
    if done and block.dried[lane] > 0 and iteration < trials:
        opened = reopen(compiled, given, block, lane, member, -1, iteration > TIRED)
        if opened >= 0:
            block.reopened[lane] += 1
            last, changed, done, block.revive[lane] = opened, True, False, True
    absurd = not done and not total <= ABSURD
    if absurd:
        begin_anew(compiled, given, block, lane, member)
    if moved or changed or absurd:
        block.moved[lane] = iteration
    if not done and iteration < trials:
        if more:
            dry_out(compiled, given, block, lane, which)
            block.redraw[lane] = True
        return False, next_check

    outcome, culprit = _verdict(compiled, given, block, lane, member, done, sinking, last if changed else -1)
    output.iterations[member] = iteration
    output.outcome[member] = outcome
    output.culprit[member] = culprit
    output.error[member] = error
    return True, next_check


@called
def _imbalance(compiled, given, block, lane):  # type: ignore[no-untyped-def]
    """The largest balance of a lane that is left open if closed links carry nothing: `reference._imbalance`."""
    structure, n, net, worst = compiled.structure, compiled.numbers.n, block.own, 0.0
    for position in range(n):
        net[position, lane] = -block.demand[position, lane]
        for outlet in range(given.outlet_first[position], given.outlet_first[position + 1]):
            net[position, lane] -= block.outlet_flow[outlet, lane]
    for place in range(structure.groups[END]):
        if place >= structure.groups[SOFT_PIPE] and not passes(
            compiled.links.kind[place], block.status[lane, place], block.setting[lane, place]
        ):
            continue
        start, end = structure.start[place], structure.end[place]
        if start < n:
            net[start, lane] -= block.flow[place, lane]
        if end < n:
            net[end, lane] += block.flow[place, lane]
    for position in range(n):
        if not block.dry_node[lane, position]:
            worst = max(worst, abs(net[position, lane]))
    return worst


@called
def _verdict(compiled, given, block, lane, member, done, sinking, changed):  # type: ignore[no-untyped-def]
    """`Outcome` and culprit of a member that is done, or out of trials; `sinking` and `changed` are places or -1."""
    structure = compiled.structure
    outcome, culprit = OK, -1
    if done and sinking >= 0:
        outcome, culprit = UNBALANCED, structure.order[sinking]
    elif done:
        for at in range(block.dried[lane]):
            junction = block.dry_list[lane, at]
            if culprit < 0 or _needs(given, member, junction, culprit):
                outcome, culprit = UNSUPPLIED, junction
    elif changed >= 0:
        outcome, culprit = CYCLING, structure.order[changed]
    else:
        outcome = UNBALANCED
        worst, at = -1.0, sinking
        if at < 0:
            for place in range(structure.groups[END]):
                change = abs(block.flow[place, lane] - block.before[place, lane])
                if change > worst:
                    worst, at = change, place
        culprit = structure.order[at] if at >= 0 else -1
    return outcome, culprit


@compiled
def _needs(given, member, junction, other):  # type: ignore[no-untyped-def]
    """Whether a junction has demand and another has not."""
    row = member if given.demand.shape[0] > 1 else 0
    return given.demand[row, junction] != 0.0 and given.demand[row, other] == 0.0

"""The loop over members: LANES at a time; a lane whose member is done takes the next one that waits, in whatever thread.

No number of one lane ever enters another, so that results do not depend on chunk, lane, neighbour or thread.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import DAMPING, EPSILON, FADES, PATIENCE, RESTLESS, STILL, TIRED
from tweeling.physics.kernels.compiled import called, compiled, compiled_entry, part
from tweeling.physics.kernels.newton import newton_step
from tweeling.physics.kernels.queue import take_next
from tweeling.physics.kernels.structure import END, MACHINE, SOFT_PIPE, THROTTLE
from tweeling.physics.kernels.switching import check_links, creeping, regulate, switch
from tweeling.physics.kernels.tables import (
    CHECK_VALVE,
    CLOSED,
    CYCLING,
    ENORMOUS,
    FCV,
    LEAST_PIVOT,
    OK,
    OPEN,
    PRV,
    PSV,
    PUMP,
    UNBALANCED,
    UNSUPPLIED,
    XHEAD,
)
from tweeling.physics.kernels.tangents import losses_in_trees, passes, trickle
from tweeling.physics.kernels.vector import LANES, spread, store


@compiled_entry
def solve_members(  # type: ignore[no-untyped-def]
    compiled, given, block, output, who, queue, portion, lanes, accuracy, head_tolerance, trials, check_frequency, max_check
):
    """Solves the members `who` out of a queue, `portion` after `portion`, in `lanes` of at most LANES lanes."""
    member, iteration, next_check = block.member, block.iteration, block.next_check
    shared = given.resistance.shape[0] == 1 and given.roughness.shape[0] == 1
    following, end, running = 0, 0, 0
    own = head_tolerance < np.inf
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
        for at in range(coming):
            lane = block.moving[at]
            _put_in(compiled, given, block, lane, member[lane], shared)
        _put_in_numbers(compiled, given, block, coming)
        _draw_anew(compiled, given, block, coming)
        for lane in range(LANES):
            iteration[lane] += 1
            error = block.error[lane]
            restless = (iteration[lane] > 30 and error > 1e-3) or (iteration[lane] > 100 and error > 1e-5)
            block.step[0, lane] = DAMPING[iteration[lane] % len(DAMPING)] if restless else 1.0
            if member[lane] >= 0 and iteration[lane] == trials:
                for place in range(block.flow.shape[0]):
                    block.before[lane, place] = block.flow[place, lane]
            block.trickle[0, lane] = trickle(compiled, iteration[lane])
            if block.dried[lane]:
                _ground_dry(compiled, block, lane)
        newton_step(compiled, given, block, head_tolerance)
        store(block.rough, 0, spread(0.0))
        leaving, known = 0, True
        for lane in range(LANES):
            if member[lane] < 0:
                continue
            done, next_check[lane] = _conclude(
                compiled, given, block, output, lane, member[lane], iteration[lane], next_check[lane], accuracy, own,
                trials, check_frequency, max_check,
            )  # fmt: skip
            if done:
                block.moving[leaving] = lane
                leaving += 1
                known &= block.known[lane]
        if not known:
            losses_in_trees(compiled, block)
            for lane in range(LANES):
                block.known[lane] = True
        if leaving > 0:
            _take_out_numbers(compiled, block, output, leaving)
            for at in range(leaving):
                lane = block.moving[at]
                _take_out(compiled, given, block, output, lane, member[lane])
                member[lane] = -1
                running -= 1


@part
def _ground_dry(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Equations of dry junctions: no rise."""
    for position in range(compiled.numbers.n):
        if block.dry_node[lane, position]:
            block.ground[position, lane] = 1.0


@compiled
def _find_dry(compiled, block):  # type: ignore[no-untyped-def]
    """Which remembered closed set the links in `shut` are; any_dry tells whether it cuts nodes off, last_dry which."""
    structure, numbers = compiled.structure, compiled.numbers
    return _remembered(
        structure.link_start, structure.link_end, structure.node_first, structure.node_link, numbers.n_junctions,
        numbers.n_fixed, block.shut, block.last_shut, block.last_dry, block.any_dry, block.stack,
    )  # fmt: skip


@called
def _remembered(  # type: ignore[no-untyped-def]
    link_start, link_end, node_first, node_link, n, n_fixed, shut, last_shut, last_dry, any_dry, stack
):
    """Looks a closed set up, or searches from the sources through all links but those in `shut` and remembers the answer."""
    sets, latest = any_dry.shape[0] - 1, any_dry[-1]
    for at in range(sets):
        which = (latest + at) % sets
        if any_dry[which] < 0:
            continue
        others = 0
        for link in range(shut.shape[0]):
            others += last_shut[which, link] != shut[link]
        if others == 0:
            any_dry[-1] = which
            return which
    which = (latest + sets - 1) % sets
    any_dry[-1] = which
    for link in range(shut.shape[0]):
        last_shut[which, link] = shut[link]
    top = 0
    for node in range(n + n_fixed):
        last_dry[which, node] = node < n
        if node >= n:
            stack[top] = node
            top += 1
    left = n
    while top > 0:
        top -= 1
        node = stack[top]
        for at in range(node_first[node], node_first[node + 1]):
            link = node_link[at]
            if shut[link]:
                continue
            other = link_start[link] + link_end[link] - node
            if last_dry[which, other]:
                last_dry[which, other] = False
                left -= 1
                stack[top] = other
                top += 1
    any_dry[which] = 1 if left > 0 else 0
    return which


@part
def _put_in(compiled, given, block, lane, member, shared):  # type: ignore[no-untyped-def]
    """Loads a member into a lane."""
    structure, links, numbers = compiled.structure, compiled.links, compiled.numbers
    m = structure.start.shape[0]
    resistance_row = member if given.resistance.shape[0] > 1 else 0
    soft, throttle, machine = structure.groups[SOFT_PIPE], structure.groups[THROTTLE], structure.groups[MACHINE]

    if block.dried[lane]:
        block.dried[lane] = False
        for position in range(numbers.n_junctions + numbers.n_fixed):
            block.dry_node[lane, position] = False
        for place in range(m):
            block.dry_link[lane, place] = False
    if not (shared and block.clean[lane]):
        rough_row = member if given.roughness.shape[0] > 1 else 0
        for place in range(structure.order.shape[0]):
            if throttle <= place < m:
                continue
            link = structure.order[place]
            block.resistance[place, lane] = given.resistance[resistance_row, link]
            block.lane_shut[lane, link] = False
            if numbers.darcy:
                block.relative[place, lane] = given.roughness[rough_row, link] / links.diameter[place]
    block.clean[lane] = shared
    block.error[lane], block.reopened[lane], block.waited[lane] = np.inf, False, 0
    _shut_pipes(compiled, given, block, lane, member, resistance_row)

    status_row = member if given.status.shape[0] > 1 else 0
    setting_row = member if given.setting.shape[0] > 1 else 0
    for place in range(soft, m):
        link, kind = structure.order[place], links.kind[place]
        status, setting = given.status[status_row, link], given.setting[setting_row, link]
        block.status[lane, place], block.setting[lane, place] = status, setting
        regulates = kind in (PRV, PSV, FCV) and not np.isnan(setting)
        reopens = kind == CHECK_VALVE or links.switched[place] or regulates
        stopped = kind == PUMP and setting == 0.0 and not links.switched[place]
        block.shut[link] = (status == CLOSED and not reopens) or stopped
        if throttle <= place < machine:
            minor = links.minor[place] if np.isnan(setting) else links.minor_per_coefficient[place] * setting
            block.minor[place - throttle, lane] = minor if status > CLOSED else -1.0

    row = member if given.outlet_resistance.shape[0] > 1 else 0
    flow_row = member if given.outlet_flow.shape[0] > 1 else 0
    most_row = member if given.outlet_most.shape[0] > 1 else 0
    for outlet in range(given.outlet_kind.shape[0]):
        block.outlet_resistance[outlet, lane] = given.outlet_resistance[row, outlet]
        block.outlet_most[outlet, lane] = given.outlet_most[most_row, outlet]
        exists = given.outlet_resistance[row, outlet] >= 0.0
        block.outlet_flow[outlet, lane] = given.outlet_flow[flow_row, outlet] if exists else 0.0

    # Also with all links open: a part of the network may have no link to a source.
    which = _find_dry(compiled, block)
    if block.any_dry[which] > 0:
        _dries(block, lane, which)


@part
def _put_in_numbers(compiled, given, block, coming):  # type: ignore[no-untyped-def]
    """Loads heads, demands and flows of the members in the first lanes of `moving`, row by row."""
    structure, numbers, moving, n = compiled.structure, compiled.numbers, block.moving, compiled.numbers.n
    row = block.row
    for at in range(coming):
        lane = moving[at]
        row[at] = block.member[lane] if given.fixed_head.shape[0] > 1 else 0
        top = -np.inf
        for fixed in range(numbers.n_fixed):
            block.head[n + fixed, lane] = given.fixed_head[row[at], fixed]
            top = max(top, given.fixed_head[row[at], fixed])
        block.sums[0, lane] = top
    for position in range(n):
        for at in range(coming):
            block.head[position, moving[at]] = block.sums[0, moving[at]]
            block.rest[position, moving[at]] = 0.0
    for at in range(coming):
        row[at] = block.member[moving[at]] if given.flow.shape[0] > 1 else 0
    for place in range(structure.start.shape[0]):
        link, sign = np.uint64(structure.order[place]), structure.sign[place]
        for at in range(coming):
            block.flow[place, moving[at]] = given.flow[row[at], link] * sign
    for place in range(structure.groups[MACHINE], structure.groups[END]):
        if compiled.links.kind[place] == PUMP:
            for at in range(coming):
                block.flow[place, moving[at]] = max(block.flow[place, moving[at]], numbers.no_flow)


@compiled
def _dries(block, lane, which):  # type: ignore[no-untyped-def]
    """Notes that a lane is to lose the nodes of a remembered set: others may push the set out before."""
    block.dries[lane] = True
    for node in range(block.drying.shape[1]):
        block.drying[lane, node] = block.last_dry[which, node]


@part
def _draw_anew(compiled, given, block, coming):  # type: ignore[no-untyped-def]
    """Takes out what is dry, and draws the demands of members that come (the first lanes of `moving`) or that lost nodes."""
    moving, drawing = block.moving, coming
    for lane in range(LANES):
        if not block.dries[lane]:
            continue
        block.dries[lane] = False
        _dry_out(compiled, given, block, lane, block.drying[lane])
        if block.iteration[lane] > 0:
            moving[drawing] = lane
            drawing += 1
    for at in range(drawing):
        _draw(compiled, given, block, moving[at], block.member[moving[at]])
    _load_drawn(compiled, block, moving, drawing)
    for at in range(coming):
        _start_chains(compiled, given, block, moving[at], block.row[at])
    for at in range(drawing):
        _rest_blocked(compiled, block, moving[at])


@part
def _load_drawn(compiled, block, moving, coming):  # type: ignore[no-untyped-def]
    """Loads what `_draw` has found for the first lanes in `moving`, row by row."""
    structure, own = compiled.structure, block.own
    for tree in range(structure.tree_node.shape[0]):
        node = np.uint64(structure.tree_node[tree])
        for at in range(coming):
            block.tree_flow[tree, moving[at]] = own[moving[at], node]
    for chain in range(structure.chain_place.shape[0]):
        for piece in range(structure.piece_first[chain], structure.piece_first[chain + 1] - 1):
            node = np.uint64(structure.piece_node[piece])
            for at in range(coming):
                block.drawn[piece + 1, moving[at]] = own[moving[at], node]
    for position in range(compiled.numbers.n):
        node = np.uint64(structure.node[position])
        for at in range(coming):
            block.demand[position, moving[at]] = own[moving[at], node]
            block.right[position, moving[at]] = -own[moving[at], node]


@part
def _shut_pipes(compiled, given, block, lane, member, resistance_row):  # type: ignore[no-untyped-def]
    """Blocks the plain pipes that are closed in a member and frees those that were blocked by the lane's last one."""
    structure = compiled.structure
    row = member if given.status.shape[0] > 1 else 0
    closed, others = 0, 0
    for link in range(given.status.shape[1]):
        shut = structure.plain[link] and given.status[row, link] <= CLOSED
        block.shut[link] = shut
        closed += shut
        others += shut != block.lane_shut[lane, link]
    block.has_shut[lane] = closed > 0
    if others == 0:
        return
    for link in range(given.status.shape[1]):
        if block.shut[link] != block.lane_shut[lane, link]:
            resistance = ENORMOUS if block.shut[link] else given.resistance[resistance_row, link]
            block.resistance[structure.place[link], lane] = resistance
            block.lane_shut[lane, link] = block.shut[link]


@part
def _draw(compiled, given, block, lane, member):  # type: ignore[no-untyped-def]
    """Sums a member's demands up: a tree's where it hangs on; a chain's up to each node, and the rest at its end."""
    structure, numbers, own = compiled.structure, compiled.numbers, block.own[lane]
    row = member if given.demand.shape[0] > 1 else 0
    for node in range(numbers.n_junctions):
        own[node] = given.demand[row, node]
    if block.dried[lane]:
        for node in range(numbers.n_junctions):
            if block.dry_node[lane, structure.position[node]]:
                own[node] = 0.0
    total = 0.0
    for tree in range(structure.tree_node.shape[0]):
        flow = own[structure.tree_node[tree]]
        own[structure.tree_parent[tree]] += flow
        total += abs(flow)
    block.trees[0, lane], block.known[lane] = total, False
    for chain in range(structure.chain_place.shape[0]):
        drawn, last = 0.0, structure.piece_first[chain + 1] - 1
        for piece in range(structure.piece_first[chain], last):
            drawn += own[structure.piece_node[piece]]
            own[structure.piece_node[piece]] = drawn
        own[structure.piece_node[last]] += drawn


@part
def _start_chains(compiled, given, block, lane, row):  # type: ignore[no-untyped-def]
    """First flows of chains, from their middle pieces; where the others' are far from what is drawn, first tangents are theirs.

    So it is in a cold start, where the flows of all links are anything; after the first step all agree.
    """
    structure = compiled.structure
    m, rough = structure.start.shape[0], False
    for chain in range(structure.chain_place.shape[0]):
        first, last = structure.piece_first[chain], structure.piece_first[chain + 1] - 1
        block.flow[structure.chain_place[chain], lane] += block.drawn[(first + last + 1) // 2, lane]
        one = given.flow[row, structure.order[m + first]] * structure.sign[m + first]
        other = given.flow[row, structure.order[m + last]] * structure.sign[m + last]
        rough |= abs(other + block.drawn[last, lane] - one) > 0.5 * (abs(one) + abs(other))
    block.rough[0, lane] = 1.0 if rough else 0.0
    if not rough:
        return
    for chain in range(structure.chain_place.shape[0]):
        flow, blocked = block.flow[structure.chain_place[chain], lane], False
        for piece in range(structure.piece_first[chain], structure.piece_first[chain + 1]):
            own = given.flow[row, structure.order[m + piece]] * structure.sign[m + piece]
            block.shift[piece, lane] = own - (flow - block.drawn[piece, lane])
            blocked |= block.resistance[m + piece, lane] == ENORMOUS
        if blocked:
            for piece in range(structure.piece_first[chain], structure.piece_first[chain + 1]):
                block.shift[piece, lane] = 0.0


@part
def _rest_blocked(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Flows that blocked pipes stand for: none of their own; a chain is fed from both sides up to the blocked piece."""
    structure = compiled.structure
    if not (block.has_shut[lane] or block.dried[lane]):
        return
    for place in range(structure.groups[SOFT_PIPE]):
        chain = structure.chain[place]
        if chain < 0:
            if block.resistance[place, lane] == ENORMOUS:
                block.flow[place, lane] = 0.0
            continue
        for piece in range(structure.piece_first[chain], structure.piece_first[chain + 1]):
            if block.resistance[structure.start.shape[0] + piece, lane] == ENORMOUS:
                block.flow[place, lane] = block.drawn[piece, lane]
                break


@part
def _dry_out(compiled, given, block, lane, dry):  # type: ignore[no-untyped-def]
    """Takes dry nodes and their links out of a lane's equations; demands are to be drawn anew after it."""
    structure, groups, numbers = compiled.structure, compiled.structure.groups, compiled.numbers
    block.clean[lane], block.dried[lane] = False, True
    for node in range(numbers.n_junctions):
        position = structure.position[node]
        if dry[node] and not block.dry_node[lane, position]:
            block.dry_node[lane, position] = True
            if position < numbers.n:
                for outlet in range(given.outlet_first[position], given.outlet_first[position + 1]):
                    block.outlet_resistance[outlet, lane] = -1.0
                    block.outlet_flow[outlet, lane] = 0.0
    for link in range(structure.link_start.shape[0]):
        place = structure.place[link]
        if not (dry[structure.link_start[link]] or dry[structure.link_end[link]]):
            continue
        if structure.plain[link] or groups[SOFT_PIPE] <= place < groups[THROTTLE]:
            block.resistance[place, lane] = ENORMOUS
        if place < groups[END]:
            block.dry_link[lane, place] = True
            block.flow[place, lane] = 0.0
            if groups[THROTTLE] <= place < groups[MACHINE]:
                block.minor[place - groups[THROTTLE], lane] = -1.0


@part
def _conclude(  # type: ignore[no-untyped-def]
    compiled, given, block, output, lane, member, iteration, next_check, accuracy, own, trials, check_frequency, max_check
):
    """Checks a lane's statuses and convergence; whether its member is done, and when it checks its links next."""
    structure, numbers = compiled.structure, compiled.numbers
    total, left = block.sums[0, lane], block.sums[1, lane]
    error = left / total if total > accuracy else left
    block.error[lane] = error
    converged = error <= accuracy and block.sums[2, lane] <= 0.0 and block.step[0, lane] == 1.0
    converged = converged and (not own or total > accuracy or left <= STILL)
    sinking, creep = creeping(compiled, block, lane)
    if creep <= numbers.flow_tolerance:
        sinking = -1
    last = regulate(compiled, block, lane)
    changed = last >= 0
    check = iteration == next_check and iteration <= max_check
    if converged or check:
        link = check_links(compiled, block, lane, iteration > TIRED)
        if converged and link >= 0:
            last, changed = link, True
        next_check = iteration + check_frequency
    if converged:
        link = switch(compiled, block, lane)
        if link >= 0:
            last, changed = link, True
    done = converged and not changed
    more, returns = False, block.waited[lane] < 0
    if done or (not changed and iteration > RESTLESS and iteration % 10 == 0):
        any_shut = block.has_shut[lane]
        for link in range(block.shut.shape[0]):
            block.shut[link] = block.lane_shut[lane, link]
        for place in range(structure.groups[SOFT_PIPE], structure.groups[END]):
            kind, status, setting = compiled.links.kind[place], block.status[lane, place], block.setting[lane, place]
            shut = not passes(kind, status, setting)
            block.shut[structure.order[place]] = shut
            any_shut |= shut
        which = _find_dry(compiled, block) if any_shut else 0
        if any_shut and block.any_dry[which] > 0:
            dry = block.last_dry[which]
            opened = -1 if block.reopened[lane] else _reopen(compiled, block, lane, dry)
            if opened >= 0:
                block.reopened[lane] = True
                last, changed, done = opened, True, False
            else:
                for node in range(numbers.n_junctions):
                    more |= dry[node] and not block.dry_node[lane, structure.position[node]]
                if more:
                    done = False
                    _dries(block, lane, which)
    creep, still = max(creep, block.sums[4, lane] * EPSILON), min(STILL, accuracy * total)
    block.waited[lane] = -1 if more else max(block.waited[lane], 0) + 1 if done and creep > still else 0
    done = done and not returns and (creep <= still or block.waited[lane] >= PATIENCE)
    done = done and (sinking < 0 or iteration > FADES + PATIENCE)
    # A pivot that is all rounding belongs to a zone without supply; where none was found, the step proves nothing.
    done &= block.sums[3, lane] >= LEAST_PIVOT
    if not done and iteration < trials:
        return False, next_check

    outcome, culprit = _verdict(compiled, given, block, lane, member, done, sinking, last if changed else -1)
    output.iterations[member] = iteration
    output.outcome[member] = outcome
    output.culprit[member] = culprit
    output.error[member] = error
    return True, next_check


@part
def _verdict(compiled, given, block, lane, member, done, sinking, changed):  # type: ignore[no-untyped-def]
    """`Outcome` and culprit of a member that is done, or out of trials; `sinking` and `changed` are places or -1."""
    structure = compiled.structure
    outcome, culprit = OK, -1
    if done and sinking >= 0:
        outcome, culprit = UNBALANCED, structure.order[sinking]
    elif done:
        if block.dried[lane]:
            for junction in range(compiled.numbers.n_junctions):
                dry = block.dry_node[lane, structure.position[junction]]
                if dry and (culprit < 0 or _needs(given, member, junction, culprit)):
                    outcome, culprit = UNSUPPLIED, junction
    elif changed >= 0:
        outcome, culprit = CYCLING, structure.order[changed]
    else:
        outcome = UNBALANCED
        worst, at = -1.0, sinking
        if at < 0:
            for place in range(structure.groups[END]):
                change = abs(block.flow[place, lane] - block.before[lane, place])
                if change > worst:
                    worst, at = change, place
        culprit = structure.order[at] if at >= 0 else -1
    return outcome, culprit


@part
def _reopen(compiled, block, lane, dry):  # type: ignore[no-untyped-def]
    """Opens one-way links from a wet to a dry node (`reference._reopen`); the place of one, or -1."""
    structure, opened = compiled.structure, -1
    for place in range(structure.groups[SOFT_PIPE], structure.groups[END]):
        kind, status = compiled.links.kind[place], block.status[lane, place]
        closed = (kind == CHECK_VALVE and status == CLOSED) or (kind == PUMP and status == XHEAD)
        link = structure.order[place]
        if closed and dry[structure.link_end[link]] and not dry[structure.link_start[link]]:
            block.status[lane, place] = OPEN
            opened = place
    return opened


@part
def _needs(given, member, junction, other):  # type: ignore[no-untyped-def]
    """Whether a junction has demand and another has not."""
    row = member if given.demand.shape[0] > 1 else 0
    return given.demand[row, junction] != 0.0 and given.demand[row, other] == 0.0


@part
def _take_out_numbers(compiled, block, output, leaving):  # type: ignore[no-untyped-def]
    """Writes heads and flows of the members in the first lanes of `moving`, row by row."""
    structure, numbers, moving, row = compiled.structure, compiled.numbers, block.moving, block.row
    m, pieces = structure.start.shape[0], structure.piece_node.shape[0]
    for at in range(leaving):
        row[at] = block.member[moving[at]]
    for position in range(numbers.n + numbers.n_fixed):
        node = np.uint64(structure.node[position])
        for at in range(leaving):
            output.head[row[at], node] = block.head[position, moving[at]]
    for place in range(m):
        link, sign = np.uint64(structure.order[place]), structure.sign[place]
        for at in range(leaving):
            output.flow[row[at], link] = block.flow[place, moving[at]] * sign
    for chain in range(structure.chain_place.shape[0]):
        place = structure.chain_place[chain]
        first, last = structure.piece_first[chain], structure.piece_first[chain + 1] - 1
        for at in range(leaving):
            block.sums[0, at] = block.head[structure.start[place], moving[at]]
        for piece in range(first, last + 1):
            link, sign = np.uint64(structure.order[m + piece]), structure.sign[m + piece]
            for at in range(leaving):
                output.flow[row[at], link] = (block.flow[place, moving[at]] - block.drawn[piece, moving[at]]) * sign
            if piece == last:
                break
            node = np.uint64(structure.piece_node[piece])
            for at in range(leaving):
                lane = moving[at]
                block.sums[0, at] -= block.loss[piece, lane] + block.gradient[piece, lane] * block.change[chain, lane]
                output.head[row[at], node] = block.sums[0, at]
    for tree in range(structure.tree_node.shape[0] - 1, -1, -1):
        node, parent = np.uint64(structure.tree_node[tree]), np.uint64(structure.tree_parent[tree])
        link, sign = np.uint64(structure.order[m + pieces + tree]), structure.sign[m + pieces + tree]
        for at in range(leaving):
            output.flow[row[at], link] = block.tree_flow[tree, moving[at]] * sign
            output.head[row[at], node] = output.head[row[at], parent] - block.loss[pieces + tree, moving[at]]


@part
def _take_out(compiled, given, block, output, lane, member):  # type: ignore[no-untyped-def]
    """Writes a member to the output, which already holds the statuses and settings that were given."""
    structure, numbers = compiled.structure, compiled.numbers
    if block.has_shut[lane] or block.dried[lane]:
        _take_out_blocked(compiled, block, output, lane, member)
    if block.dried[lane]:
        for node in range(numbers.n_junctions):
            if block.dry_node[lane, structure.position[node]]:
                output.head[member, node] = np.nan
    for place in range(structure.groups[SOFT_PIPE], structure.groups[END]):
        link = structure.order[place]
        status, setting = block.status[lane, place], block.setting[lane, place]
        output.status[member, link] = status
        if compiled.links.switched[place]:
            output.setting[member, link] = setting
        if not passes(compiled.links.kind[place], status, setting):
            output.flow[member, link] = 0.0
    for fixed in range(numbers.n_fixed):
        output.inflow[member, fixed] = 0.0
    for link in compiled.at_fixed:
        flow, start, end = output.flow[member, link], structure.link_start[link], structure.link_end[link]
        if start >= numbers.n_junctions:
            output.inflow[member, start - numbers.n_junctions] -= flow
        if end >= numbers.n_junctions:
            output.inflow[member, end - numbers.n_junctions] += flow
    for outlet in range(given.outlet_kind.shape[0]):
        output.outlet_flow[member, outlet] = block.outlet_flow[outlet, lane]


@part
def _take_out_blocked(compiled, block, output, lane, member):  # type: ignore[no-untyped-def]
    """What closed pipes change: no flow in them, and behind one in a chain, heads follow from the chain's end."""
    structure = compiled.structure
    m, pieces = structure.start.shape[0], structure.piece_node.shape[0]
    for link in range(structure.plain.shape[0]):
        if structure.plain[link] and block.resistance[structure.place[link], lane] == ENORMOUS:
            output.flow[member, link] = 0.0
    for chain in range(structure.chain_place.shape[0]):
        first, last = structure.piece_first[chain], structure.piece_first[chain + 1] - 1
        while first < last and block.resistance[m + first, lane] != ENORMOUS:
            first += 1
        head = block.head[structure.end[structure.chain_place[chain]], lane]
        for piece in range(last, first, -1):
            head += block.loss[piece, lane] + block.gradient[piece, lane] * block.change[chain, lane]
            output.head[member, structure.piece_node[piece - 1]] = head
    for tree in range(structure.tree_node.shape[0] - 1, -1, -1):
        node, parent = structure.tree_node[tree], structure.tree_parent[tree]
        output.head[member, node] = output.head[member, parent] - block.loss[pieces + tree, lane]

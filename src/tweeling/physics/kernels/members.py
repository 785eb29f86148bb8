"""The loop over members: LANES at a time; a lane whose member is done takes the next one at once.

No number of one lane ever enters another, so that results do not depend on chunk, lane or neighbour.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import DAMPING, PATIENCE, RESTLESS, STILL
from tweeling.physics.kernels.compiled import compiled, compiled_entry, part
from tweeling.physics.kernels.newton import newton_step
from tweeling.physics.kernels.structure import MACHINE, SOFT_PIPE, THROTTLE
from tweeling.physics.kernels.switching import check_links, creeping, regulate, switch
from tweeling.physics.kernels.tables import (
    CHECK_VALVE,
    CLOSED,
    CYCLING,
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
from tweeling.physics.kernels.tangents import passes
from tweeling.physics.kernels.vector import LANES, choose, less, load, spread, store


@compiled_entry
def solve_members(compiled, given, block, output, accuracy, head_tolerance, trials, check_frequency, max_check):  # type: ignore[no-untyped-def]
    """Solves all members, LANES at a time; a lane that is done takes the next member."""
    n_members = output.head.shape[0]
    member, iteration, next_check = block.member, block.iteration, block.next_check
    shared = given.resistance.shape[0] == 1 and given.roughness.shape[0] == 1
    waiting, running = 0, 0
    own = head_tolerance < np.inf
    while True:
        coming = 0
        for lane in range(LANES):
            if member[lane] < 0 and waiting < n_members:
                member[lane], iteration[lane], next_check[lane] = waiting, 0, check_frequency
                block.moving[coming] = lane
                coming += 1
                waiting += 1
                running += 1
        if running == 0:
            return
        if coming > 0:
            _put_in_numbers(compiled, given, block, coming)
            for at in range(coming):
                lane = block.moving[at]
                _put_in(compiled, given, block, lane, member[lane], shared)
        for lane in range(LANES):
            iteration[lane] += 1
            restless = (iteration[lane] > 30 and block.error[lane] > 1e-3) or (
                iteration[lane] > 100 and block.error[lane] > 1e-5
            )
            block.step[0, lane] = DAMPING[iteration[lane] % len(DAMPING)] if restless else 1.0
            if member[lane] >= 0 and iteration[lane] == trials:
                for place in range(block.flow.shape[0]):
                    block.before[lane, place] = block.flow[place, lane]
        newton_step(compiled, given, block, head_tolerance)
        leaving = 0
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
        if leaving > 0:
            _take_out_numbers(compiled, block, output, leaving)
            for at in range(leaving):
                lane = block.moving[at]
                _take_out(compiled, given, block, output, lane, member[lane])
                member[lane] = -1
                running -= 1


@part
def _put_in_numbers(compiled, given, block, coming):  # type: ignore[no-untyped-def]
    """Loads heads, demands and flows of the members in the first lanes of `moving`, four at a time."""
    structure, n, nodes = compiled.structure, compiled.numbers.n, compiled.numbers.n_nodes
    for lane in range(LANES):
        block.sums[1, lane] = 0.0
    for at in range(coming):
        lane = block.moving[at]
        row = block.member[lane] if given.fixed_head.shape[0] > 1 else 0
        top = -np.inf
        for fixed in range(nodes - n):
            block.head[n + fixed, lane] = given.fixed_head[row, fixed]
            top = max(top, given.fixed_head[row, fixed])
        block.sums[0, lane], block.sums[1, lane] = top, 1.0
    top_row, comes = load(block.sums, 0), less(spread(0.0), load(block.sums, 1))
    for position in range(n):
        store(block.head, position, choose(comes, top_row, load(block.head, position)))
    for at in range(0, coming, 4):
        a, b, c, d = _four(block.moving, at, coming)
        own = given.demand.shape[0] > 1
        w, x, y, z = _rows_of(block.member, a, b, c, d, own)
        for junction in range(n):
            here = np.uint64(structure.position[junction])
            block.demand[here, a] = given.demand[w, junction]
            block.demand[here, b] = given.demand[x, junction]
            block.demand[here, c] = given.demand[y, junction]
            block.demand[here, d] = given.demand[z, junction]
        own = given.flow.shape[0] > 1
        w, x, y, z = _rows_of(block.member, a, b, c, d, own)
        for place in range(structure.order.shape[0]):
            link = np.uint64(structure.order[place])
            block.flow[place, a] = given.flow[w, link]
            block.flow[place, b] = given.flow[x, link]
            block.flow[place, c] = given.flow[y, link]
            block.flow[place, d] = given.flow[z, link]


@part
def _take_out_numbers(compiled, block, output, leaving):  # type: ignore[no-untyped-def]
    """Writes heads and flows of the members in the first lanes of `moving`, four at a time."""
    structure = compiled.structure
    for at in range(0, leaving, 4):
        a, b, c, d = _four(block.moving, at, leaving)
        w, x, y, z = _rows_of(block.member, a, b, c, d, True)
        for node in range(compiled.numbers.n_nodes):
            position = np.uint64(structure.position[node])
            output.head[w, node] = block.head[position, a]
            output.head[x, node] = block.head[position, b]
            output.head[y, node] = block.head[position, c]
            output.head[z, node] = block.head[position, d]
        for place in range(structure.order.shape[0]):
            link = np.uint64(structure.order[place])
            output.flow[w, link] = block.flow[place, a]
            output.flow[x, link] = block.flow[place, b]
            output.flow[y, link] = block.flow[place, c]
            output.flow[z, link] = block.flow[place, d]


@compiled
def _four(moving, at, end):  # type: ignore[no-untyped-def]
    """Four lanes from `at` on; the last one again and again where there are fewer: written twice, it is still the same."""
    last = end - 1
    return (
        np.uint64(moving[at]),
        np.uint64(moving[min(at + 1, last)]),
        np.uint64(moving[min(at + 2, last)]),
        np.uint64(moving[min(at + 3, last)]),
    )


@compiled
def _rows_of(member, a, b, c, d, own):  # type: ignore[no-untyped-def]
    """The rows of the members in four lanes, in an array that has a row for each of them or one for all."""
    if not own:
        return np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    return np.uint64(member[a]), np.uint64(member[b]), np.uint64(member[c]), np.uint64(member[d])


@compiled
def _find_dry(compiled, block):  # type: ignore[no-untyped-def]
    """Which remembered closed set the links in `shut` are; any_dry tells whether it cuts nodes off, last_dry which."""
    sets, latest = block.any_dry.shape[0] - 1, block.any_dry[-1]
    for at in range(sets):
        which = (latest + at) % sets
        if block.any_dry[which] < 0:
            continue
        others = 0
        for place in range(block.shut.shape[0]):
            others += block.last_shut[which, place] != block.shut[place]
        if others == 0:
            block.any_dry[-1] = which
            return which
    which = (latest + sets - 1) % sets
    block.any_dry[-1] = which
    _search_dry(compiled, block, which)
    return which


@compiled
def _search_dry(compiled, block, which):  # type: ignore[no-untyped-def]
    """Searches from the sources through all links but those in `shut`, and remembers the answer."""
    dry, stack, structure = block.last_dry, block.stack, compiled.structure
    n, nodes = compiled.numbers.n, compiled.numbers.n_nodes
    for place in range(block.shut.shape[0]):
        block.last_shut[which, place] = block.shut[place]
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
            if block.shut[place]:
                continue
            other = structure.start[place] + structure.end[place] - node
            if dry[which, other]:
                dry[which, other] = False
                left -= 1
                stack[top] = other
                top += 1
    block.any_dry[which] = 1 if left > 0 else 0


@part
def _put_in(compiled, given, block, lane, member, shared):  # type: ignore[no-untyped-def]
    """Loads the rest of a member into a lane: statuses, settings, outlets, resistances; closed pipes and dry zones."""
    structure, links, numbers = compiled.structure, compiled.links, compiled.numbers
    n, m = numbers.n, structure.order.shape[0]
    resistance_row = member if given.resistance.shape[0] > 1 else 0
    soft, throttle, machine = structure.groups[SOFT_PIPE], structure.groups[THROTTLE], structure.groups[MACHINE]

    if block.dried[lane]:
        block.dried[lane] = False
        for position in range(n):
            block.base[position, lane] = 0.0
            block.dry_node[lane, position] = False
        for place in range(m):
            block.dry_link[lane, place] = False
    if not (shared and block.clean[lane]):
        rough_row = member if given.roughness.shape[0] > 1 else 0
        for place in range(throttle):
            link = structure.order[place]
            block.resistance[place, lane] = given.resistance[resistance_row, link]
            block.lane_shut[lane, place] = False
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
        if kind == PUMP:
            block.flow[place, lane] = max(block.flow[place, lane], numbers.no_flow)
        regulates = kind in (PRV, PSV, FCV) and not np.isnan(setting)
        reopens = kind == CHECK_VALVE or links.switched[place] or regulates
        stopped = kind == PUMP and setting == 0.0 and not links.switched[place]
        block.shut[place] = (status == CLOSED and not reopens) or stopped
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

    which = _find_dry(compiled, block)  # also with all links open: a part of the network may have no link to a source
    if block.any_dry[which] > 0:
        _dry_out(compiled, given, block, lane, block.last_dry[which])


@compiled
def _shut_pipes(compiled, given, block, lane, member, resistance_row):  # type: ignore[no-untyped-def]
    """Blocks the plain pipes that are closed in a member and frees those that were blocked by the lane's last one."""
    structure, soft = compiled.structure, compiled.structure.groups[SOFT_PIPE]
    row = member if given.status.shape[0] > 1 else 0
    closed, others = 0, 0
    for link in range(given.status.shape[1]):
        closed += given.status[row, link] <= CLOSED
    if closed > 0:
        for place in range(soft):
            block.shut[place] = given.status[row, np.uint64(structure.order[place])] <= CLOSED
    else:
        for place in range(soft):
            block.shut[place] = False
    for place in range(soft):
        others += block.shut[place] != block.lane_shut[lane, place]
    if closed == 0 and others == 0:
        return
    for place in range(soft):
        if block.shut[place]:
            block.flow[place, lane] = 0.0
            block.resistance[place, lane] = compiled.numbers.blocked
        elif block.lane_shut[lane, place]:
            block.resistance[place, lane] = given.resistance[resistance_row, structure.order[place]]
        block.lane_shut[lane, place] = block.shut[place]


@compiled
def _dry_out(compiled, given, block, lane, dry):  # type: ignore[no-untyped-def]
    """Takes dry nodes and their links out of a lane's equations."""
    structure, n = compiled.structure, compiled.numbers.n
    block.clean[lane], block.dried[lane] = False, True
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
                block.resistance[place, lane] = compiled.numbers.blocked
            elif place < structure.groups[MACHINE]:
                block.minor[place - structure.groups[THROTTLE], lane] = -1.0


@part
def _conclude(  # type: ignore[no-untyped-def]
    compiled, given, block, output, lane, member, iteration, next_check, accuracy, own, trials, check_frequency, max_check
):
    """Checks a lane's statuses and convergence; whether its member is done, and when it checks its links next."""
    structure, numbers = compiled.structure, compiled.numbers
    total, moved = block.sums[0, lane], block.sums[1, lane]
    error = moved / total if total > accuracy else moved
    block.error[lane] = error
    converged = error <= accuracy and block.sums[2, lane] <= 0.0 and block.step[0, lane] == 1.0
    converged = converged and (not own or total > accuracy or moved <= STILL)
    sinking, creep = creeping(compiled, block, lane)
    if creep <= numbers.flow_tolerance:
        sinking = -1
    last = regulate(compiled, block, lane)
    changed = last >= 0
    check = iteration == next_check and iteration <= max_check
    if converged or check:
        link = check_links(compiled, block, lane)
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
        any_shut = False
        for place in range(structure.groups[SOFT_PIPE]):
            block.shut[place] = block.lane_shut[lane, place]
            any_shut |= block.shut[place]
        for place in range(structure.groups[SOFT_PIPE], structure.order.shape[0]):
            kind, status, setting = compiled.links.kind[place], block.status[lane, place], block.setting[lane, place]
            block.shut[place] = not passes(kind, status, setting)
            any_shut |= block.shut[place]
        which = _find_dry(compiled, block) if any_shut else 0
        if any_shut and block.any_dry[which] > 0:
            dry = block.last_dry[which]
            opened = -1 if block.reopened[lane] else _reopen(compiled, block, lane, dry)
            if opened >= 0:
                block.reopened[lane] = True
                last, changed, done = opened, True, False
            else:
                for node in range(numbers.n):
                    more |= dry[node] and not block.dry_node[lane, node]
                if more:
                    done = False
                    _dry_out(compiled, given, block, lane, dry)
    block.waited[lane] = -1 if more else max(block.waited[lane], 0) + 1 if done and creep > STILL else 0
    done = done and not returns and (creep <= STILL or block.waited[lane] >= PATIENCE)
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
            for junction in range(compiled.numbers.n):
                dry = block.dry_node[lane, structure.position[junction]]
                if dry and (culprit < 0 or _needs(given, member, junction, culprit)):
                    outcome, culprit = UNSUPPLIED, junction
    elif changed >= 0:
        outcome, culprit = CYCLING, structure.order[changed]
    else:
        outcome = UNBALANCED
        worst, at = -1.0, sinking
        if at < 0:
            for place in range(structure.order.shape[0]):
                change = abs(block.flow[place, lane] - block.before[lane, place])
                if change > worst:
                    worst, at = change, place
        culprit = structure.order[at] if at >= 0 else -1
    return outcome, culprit


@compiled
def _reopen(compiled, block, lane, dry):  # type: ignore[no-untyped-def]
    """Opens one-way links from a wet to a dry node (`reference._reopen`); the place of one, or -1."""
    structure, opened = compiled.structure, -1
    for place in range(structure.groups[SOFT_PIPE], structure.order.shape[0]):
        kind, status = compiled.links.kind[place], block.status[lane, place]
        closed = (kind == CHECK_VALVE and status == CLOSED) or (kind == PUMP and status == XHEAD)
        if closed and dry[structure.end[place]] and not dry[structure.start[place]]:
            block.status[lane, place] = OPEN
            opened = place
    return opened


@compiled
def _needs(given, member, junction, other):  # type: ignore[no-untyped-def]
    """Whether a junction has demand and another has not."""
    row = member if given.demand.shape[0] > 1 else 0
    return given.demand[row, junction] != 0.0 and given.demand[row, other] == 0.0


@part
def _take_out(compiled, given, block, output, lane, member):  # type: ignore[no-untyped-def]
    """Writes the rest of a member to the output, which already holds the statuses and settings that were given."""
    structure, numbers = compiled.structure, compiled.numbers
    n = numbers.n
    if block.dried[lane]:
        for node in range(n):
            if block.dry_node[lane, structure.position[node]]:
                output.head[member, node] = np.nan
    still = 0
    for place in range(structure.groups[SOFT_PIPE]):
        still += block.lane_shut[lane, place] | block.dry_link[lane, place]
    if still > 0:
        for place in range(structure.groups[SOFT_PIPE]):
            if block.lane_shut[lane, place] or block.dry_link[lane, place]:
                output.flow[member, structure.order[place]] = 0.0
    for place in range(structure.groups[SOFT_PIPE], structure.order.shape[0]):
        link = structure.order[place]
        status, setting = block.status[lane, place], block.setting[lane, place]
        output.status[member, link] = status
        if compiled.links.switched[place]:
            output.setting[member, link] = setting
        if not passes(compiled.links.kind[place], status, setting):
            output.flow[member, link] = 0.0
    for fixed in range(numbers.n_nodes - n):
        output.inflow[member, fixed] = 0.0
    for place in compiled.at_fixed:
        flow = output.flow[member, structure.order[place]]
        if structure.start[place] >= n:
            output.inflow[member, structure.start[place] - n] -= flow
        if structure.end[place] >= n:
            output.inflow[member, structure.end[place] - n] += flow
    for outlet in range(given.outlet_kind.shape[0]):
        output.outlet_flow[member, outlet] = block.outlet_flow[outlet, lane]

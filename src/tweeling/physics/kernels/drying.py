"""Which nodes no open link joins to a source, for the closed links of a lane's member; and their way out of its equations."""

from __future__ import annotations

import numpy as np

from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.structure import END, MACHINE, SOFT_PIPE
from tweeling.physics.kernels.tables import ENORMOUS, TCV
from tweeling.physics.kernels.tangents import passes


@called
def find_dry(compiled, block):  # type: ignore[no-untyped-def]
    """Which remembered closed set the links in `shut` are; `last_count` tells how many nodes it cuts off, `last_list` which."""
    structure, numbers = compiled.structure, compiled.numbers
    return _remembered(
        structure.link_start, structure.link_end, structure.node_first, structure.node_link, numbers.n_junctions,
        numbers.n_fixed, block.shut, block.last_shut, block.last_dry, block.last_list, block.last_count, block.stack,
    )  # fmt: skip


@called
def note_shut(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Writes the links that are closed in a lane now into `shut`; whether there are any."""
    structure, some = compiled.structure, block.has_shut[lane]
    for link in range(block.shut.shape[0]):
        block.shut[link] = block.lane_shut[lane, link]
    for place in range(structure.groups[SOFT_PIPE], structure.groups[END]):
        shut = not passes(compiled.links.kind[place], block.status[lane, place], block.setting[lane, place])
        block.shut[structure.order[place]] = shut
        some |= shut
    return some


@called
def _remembered(  # type: ignore[no-untyped-def]
    link_start, link_end, node_first, node_link, n, n_fixed, shut, last_shut, last_dry, last_list, last_count, stack
):
    """Looks a closed set up, or searches from the sources through all links but those in `shut` and remembers the answer."""
    sets, latest = last_count.shape[0] - 1, last_count[-1]
    for at in range(sets):
        which = (latest + at) % sets
        if last_count[which] < 0:
            continue
        others = 0
        for link in range(shut.shape[0]):
            others += last_shut[which, link] != shut[link]
        if others == 0:
            last_count[-1] = which
            return which
    which = (latest + sets - 1) % sets
    last_count[-1] = which
    for link in range(shut.shape[0]):
        last_shut[which, link] = shut[link]
    top = 0
    for node in range(n + n_fixed):
        last_dry[which, node] = node < n
        if node >= n:
            stack[top] = node
            top += 1
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
                stack[top] = other
                top += 1
    count = 0
    for node in range(n):
        if last_dry[which, node]:
            last_list[which, count] = node
            count += 1
    last_count[which] = count
    return which


@called
def dry_out(compiled, given, block, lane, which):  # type: ignore[no-untyped-def]
    """Takes the nodes of a remembered set and their links out of a lane's equations; demands are to be drawn anew after it."""
    structure, groups, numbers = compiled.structure, compiled.structure.groups, compiled.numbers
    for at in range(block.last_count[which]):
        node = block.last_list[which, at]
        position = structure.position[node]
        if block.dry_node[lane, position]:
            continue
        block.dry_node[lane, position] = True
        block.dry_list[lane, block.dried[lane]] = node
        block.dried[lane] += 1
        if position < numbers.n:
            for outlet in range(given.outlet_first[position], given.outlet_first[position + 1]):
                block.outlet_resistance[outlet, lane] = -1.0
                block.outlet_flow[outlet, lane] = 0.0
        for step in range(structure.node_first[node], structure.node_first[node + 1]):
            link = structure.node_link[step]
            place = structure.place[link]
            if structure.plain[link] or groups[SOFT_PIPE] <= place < groups[MACHINE]:
                block.resistance[place, lane] = ENORMOUS
            if place < groups[END]:
                block.dry_link[lane, place] = True


@compiled
def open_resistance(compiled, given, member, link):  # type: ignore[no-untyped-def]
    """Resistance of an open pipe, minor loss of an open throttle valve."""
    place, links = compiled.structure.place[link], compiled.links
    if links.kind[place] != TCV:
        return given.resistance[member if given.resistance.shape[0] > 1 else 0, link]
    setting = given.setting[member if given.setting.shape[0] > 1 else 0, link]
    return links.minor[place] if np.isnan(setting) else max(links.minor_per_coefficient[place] * setting, 0.0)


@called
def wet_again(compiled, given, block, lane, member):  # type: ignore[no-untyped-def]
    """Gives the links at a lane's dry nodes back to the equations of its member; outlets are for the caller."""
    structure = compiled.structure
    for at in range(block.dried[lane]):
        node = block.dry_list[lane, at]
        block.dry_node[lane, structure.position[node]] = False
        for step in range(structure.node_first[node], structure.node_first[node + 1]):
            link = structure.node_link[step]
            place = structure.place[link]
            if place < structure.groups[END]:
                block.dry_link[lane, place] = False
            if not block.lane_shut[lane, link]:
                block.resistance[place, lane] = open_resistance(compiled, given, member, link)
    block.dried[lane] = 0


@compiled
def ground_dry(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Equations of dry junctions: no rise."""
    for at in range(block.dried[lane]):
        position = compiled.structure.position[block.dry_list[lane, at]]
        if position < compiled.numbers.n:
            block.ground[position, lane] = 1.0

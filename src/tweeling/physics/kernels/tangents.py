"""Tangents of all links and outlets at the present flows: `physics/hydraulics/laws.py` over lanes.

A tangent is a conductance p and a constant c: flow = c + p (rise of head difference). Those of plain links are made when
the elimination asks for them, the others are left in the block before.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.laws import CURVATURE, NO_LENGTH, TURBULENT, UNSTEADY
from tweeling.physics.hydraulics.reference import FADES, FAINTEST
from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.structure import END, MACHINE, SOFT_PIPE
from tweeling.physics.kernels.tables import (
    ACTIVE,
    CLOSED,
    CURVE,
    FCV,
    GPV,
    LEAST_FLOW,
    NO_CURVE,
    PBV,
    PCV,
    POWER,
    PRV,
    PSV,
    PUMP,
    TCV,
)
from tweeling.physics.kernels.vector import (
    LANES,
    absolute,
    any_of,
    choose,
    fma,
    largest,
    less,
    load,
    log2,
    power,
    roughly_inverse,
    smallest,
    spread,
    square_root,
    store,
)


@compiled
def passes(kind, status, setting):  # type: ignore[no-untyped-def]
    """Whether a link lets water pass: `reference.passes`."""
    return status > CLOSED and not (kind == PUMP and setting == 0.0)


@compiled
def stalled(compiled, pump, speed, flow):  # type: ignore[no-untyped-def]
    """See `statuses.stalled`."""
    pumps = compiled.pumps
    ahead = max(flow, 0.0)
    return pumps.law[pump] == POWER and pumps.r[pump] * speed**3 > compiled.numbers.high_resistance * ahead * ahead


@compiled
def trickle(compiled, iteration, moved):  # type: ignore[no-untyped-def]
    """What a closed link conducts: `reference.trickle`."""
    since = iteration - max(moved, FADES)
    fade = 10.0 ** -min(since, FAINTEST) if since > 0 else 1.0
    return fade / compiled.numbers.high_resistance


@compiled
def _drop(structure, block, k):  # type: ignore[no-untyped-def]
    """Head at the start of a link less that at its end: `reference._drops`."""
    i, j = structure.start[k], structure.end[k]
    return (load(block.head, i) - load(block.head, j)) + (load(block.rest, i) - load(block.rest, j))


@compiled
def plain_pipe(compiled, block, k):  # type: ignore[no-untyped-def]
    """Conductance and constant of the plain link or the chain of them at place k, whose pieces' losses add up."""
    structure = compiled.structure
    m, chain, q = structure.start.shape[0], structure.chain[k], load(block.flow, k)
    first, last, rough = k, k + 1, load(block.rough, 0)
    if chain >= 0:
        first, last = m + structure.piece_first[chain], m + structure.piece_first[chain + 1]
    begins = any_of(less(spread(0.0), rough))
    loss, gradient, bend = spread(0.0), spread(0.0), spread(0.0)
    for place in range(first, last):
        x, shift = q, spread(0.0)
        if chain >= 0:
            x = q - load(block.drawn, place - m)
            if begins:
                shift = rough * load(block.shift, place - m)
                x = x + shift
        h, g = _pipe_loss(compiled, block, place, x)
        if chain >= 0:
            h = h - g * shift
            store(block.loss, place - m, h)
            store(block.gradient, place - m, g)
            bend = fma(g, relative_bend(compiled, place, absolute(x)), bend)
        loss, gradient = loss + h, gradient + g
    p = spread(1.0) / gradient
    if chain >= 0:
        store(block.bend, chain, p * bend)
    return p, fma(p, _drop(structure, block, k) - loss, q)


@compiled
def relative_bend(compiled, place, size):  # type: ignore[no-untyped-def]
    """How fast a pipe's gradient g changes with its flow: g'/(2 g); see `laws.left_to_move`."""
    bend = roughly_inverse(largest(size, spread(LEAST_FLOW))) * CURVATURE
    if compiled.numbers.darcy:
        bend = choose(less(spread(TURBULENT * compiled.links.viscous[place]), size), bend, bend * (UNSTEADY / CURVATURE))
    return bend


@compiled
def _pipe_loss(compiled, block, place, q):  # type: ignore[no-untyped-def]
    """Loss and gradient of a pipe or a throttle valve: `laws.pipe_loss`, `laws.valve_loss`."""
    numbers, links = compiled.numbers, compiled.links
    if links.kind[place] == TCV:
        loss, gradient = _throttled(numbers, load(block.resistance, place), q)
    elif numbers.darcy:
        relative = load(block.relative, place)
        resistance, least = load(block.resistance, place), NO_LENGTH * numbers.min_gradient
        loss, gradient = _darcy(numbers.series, resistance, relative, links.viscous[place], links.minor[place], least, q)
    else:
        loss, gradient = _power_of_flow(numbers, load(block.resistance, place), links.minor[place], q)
    return loss, gradient


@compiled
def _throttled(numbers, minor, q):  # type: ignore[no-untyped-def]
    """Loss and gradient of an open throttle valve; a closed one has an enormous minor loss."""
    gradient = largest(absolute(q), spread(LEAST_FLOW)) * minor * 2.0
    least, low = spread(numbers.min_gradient), spread(numbers.low_resistance)
    small, free = less(gradient, least), less(minor, spread(5e-324))
    loss = choose(free, low, choose(small, least, gradient) * 0.5)
    return loss * q, choose(free, low, choose(small, least * 0.5, gradient))


@compiled
def _power_of_flow(numbers, resistance, minor, q):  # type: ignore[no-untyped-def]
    """Loss and gradient by Hazen-Williams or Chezy-Manning; `resistance` is n r."""
    size = absolute(q)
    least, inverse = numbers.min_gradient, 1.0 / numbers.exponent
    gradient = power(numbers.series, largest(size, spread(LEAST_FLOW)), numbers.exponent - 1.0) * resistance
    small = less(gradient, spread(least))
    loss = choose(small, spread(least * inverse), gradient * inverse)
    gradient = choose(small, spread(least * inverse), gradient)
    if minor > 0.0:
        loss, gradient = fma(spread(minor), size, loss), fma(spread(2.0 * minor), size, gradient)
    return loss * q, gradient


@called
def _darcy(series, resistance, relative, viscous, minor, least, q):  # type: ignore[no-untyped-def]
    """Loss and gradient by Darcy-Weisbach: `laws.darcy_weisbach_loss`. What no lane needs is left out."""
    size, minor = absolute(q), spread(minor)
    stiffness = resistance * (16 * np.pi * viscous)
    loss, gradient = fma(minor, size, stiffness), fma(minor * 2.0, size, stiffness)
    reynolds = size * (1.0 / viscous)
    flowing = less(spread(TURBULENT / 2), reynolds)
    if any_of(flowing):
        third = relative * (1 / 3.7)
        turbulent = less(spread(TURBULENT), reynolds)
        factor, slope = spread(0.0), spread(0.0)
        if any_of(turbulent):
            factor, slope = _turbulent_factor(series, largest(reynolds, spread(TURBULENT)), third)
        if any_of(less(spread(TURBULENT / 2), choose(turbulent, spread(0.0), reynolds))):
            low, low_slope = _transitional_factor(series, largest(reynolds, spread(TURBULENT / 2)), third)
            factor, slope = choose(turbulent, factor, low), choose(turbulent, slope, low_slope)
        whole = fma(factor, resistance, minor)
        gradient = choose(flowing, whole * size * 2.0 + slope * (1.0 / viscous) * resistance * size * size, gradient)
        loss = choose(flowing, whole * size, loss)
    small = less(gradient, spread(least))
    loss, gradient = choose(small, spread(least / 2), loss), choose(small, spread(least / 2), gradient)
    return loss * q, gradient


@called
def losses_in_trees(compiled, block):  # type: ignore[no-untyped-def]
    """Losses of the pipes of trees at the flows that their members' demands ask for."""
    structure = compiled.structure
    pieces = structure.piece_node.shape[0]
    m = structure.start.shape[0] + pieces
    for tree in range(structure.tree_node.shape[0]):
        loss, _ = _pipe_loss(compiled, block, m + tree, load(block.flow, m + tree))
        store(block.loss, pieces + tree, loss)


@called
def plain_pipes(compiled, block, first, last):  # type: ignore[no-untyped-def]
    """Tangents of the plain links and chains at some places."""
    for k in range(first, last):
        p, c = plain_pipe(compiled, block, k)
        store(block.conductance, k, p)
        store(block.constant, k, c)


@called
def soft_pipes(compiled, block):  # type: ignore[no-untyped-def]
    """Tangents of pipes that may close by themselves; one that closed only trickles."""
    groups = compiled.structure.groups
    plain_pipes(compiled, block, groups[SOFT_PIPE], groups[MACHINE])
    for k in range(groups[SOFT_PIPE], groups[MACHINE]):
        for lane in range(LANES):
            if block.dry_link[lane, k]:
                block.conductance[k, lane] = 0.0
                block.constant[k, lane] = 0.0
            elif block.status[lane, k] <= CLOSED:
                block.conductance[k, lane] = block.trickle[0, lane]
                block.constant[k, lane] = 0.0


_LOG = -2 / np.log(10.0)
_AT_4000 = 5.74 / 4000**0.9


@compiled
def _turbulent_factor(series, w, third):  # type: ignore[no-untyped-def]
    """Friction factor and slope from Re = 4000 on; `w` is Re pi / 4, `third` e / (3.7 d). See `laws.friction_factor`."""
    y1 = power(series, w, -0.9) * (5.74 * (np.pi / 4) ** 0.9)
    y2 = third + y1
    y3 = log2(series, y2) * (_LOG * np.log(2.0))
    inverse = spread(1.0) / (y2 * y3 * w)
    factor = y2 * w * inverse
    factor = factor * factor
    return factor, factor * y1 * (1.8 * _LOG) * inverse


@compiled
def _transitional_factor(series, w, third):  # type: ignore[no-untyped-def]
    """Friction factor and slope between Re = 2000 and 4000."""
    y2 = third + _AT_4000
    y3 = log2(series, y2) * (_LOG * np.log(2.0))
    inverse = spread(1.0) / (y2 * y3)
    fa = y2 * inverse
    fa = fa * fa
    fb = (inverse * (-1.5634601348517065795 * _AT_4000) + 2.0) * fa
    ratio = w * (1 / (500 * np.pi))
    x1 = fa * 7.0 - fb
    x2 = fb * 2.5 - fa * 17.0 + 0.128
    x3 = fa * 13.0 - fb * 2.0 - 0.128
    x4 = fb * 0.5 - fa * 3.0 + 0.032
    factor = fma(ratio, fma(ratio, fma(ratio, x4, x3), x2), x1)
    return factor, fma(ratio, fma(ratio, x4 * 3.0, x3 * 2.0), x2) * (1 / (500 * np.pi))


@called
def machines(compiled, block):  # type: ignore[no-untyped-def]
    """Tangents of pumps and valves, lane by lane."""
    links, groups, structure = compiled.links, compiled.structure.groups, compiled.structure
    for k in range(groups[MACHINE], groups[END]):
        kind = links.kind[k]
        for lane in range(LANES):
            status, setting = block.status[lane, k], block.setting[lane, k]
            if block.dry_link[lane, k] or (kind in (PRV, PSV) and status == ACTIVE):
                block.conductance[k, lane] = 0.0
                block.constant[k, lane] = 0.0
            elif not passes(kind, status, setting) or (
                kind == PUMP and stalled(compiled, links.pump[k], setting, block.flow[k, lane])
            ):
                block.conductance[k, lane] = block.trickle[0, lane]
                block.constant[k, lane] = 0.0
            elif kind == FCV and status == ACTIVE:
                block.conductance[k, lane] = block.trickle[0, lane]
                block.constant[k, lane] = setting
            else:
                q = block.flow[k, lane]
                if kind == PUMP:
                    loss, gradient = _pump_loss(compiled, links.pump[k], links.curve[k], q, setting)
                else:
                    loss, gradient = _valve_loss(compiled, k, q, setting)
                block.conductance[k, lane] = 1.0 / gradient
                i, j = structure.start[k], structure.end[k]
                head_drop = (block.head[i, lane] - block.head[j, lane]) + (block.rest[i, lane] - block.rest[j, lane])
                block.constant[k, lane] = q + (head_drop - loss) / gradient


@compiled
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


@compiled
def _pump_loss(compiled, pump, curve, flow, speed):  # type: ignore[no-untyped-def]
    """See `laws.pump_loss`."""
    numbers, pumps = compiled.numbers, compiled.pumps
    law, q = pumps.law[pump], abs(flow)
    if law == NO_CURVE:
        return numbers.low_resistance * flow, numbers.low_resistance
    if law == CURVE:
        h0, slope = _segment(pumps, curve, max(flow, 0.0) / speed)
        gradient = max(-slope * speed, numbers.tiny_slope)
        return -h0 * speed**2 + gradient * flow, gradient
    if law == POWER:
        strength = pumps.r[pump] * speed**3
        gradient = strength / q**2 if q > 0.0 else np.inf
        if gradient > numbers.high_resistance:
            return numbers.high_resistance * flow, numbers.high_resistance
        return -strength / flow, max(gradient, numbers.low_resistance)
    n = pumps.n[pump] if abs(pumps.n[pump] - 1.0) > 1e-6 else 1.0
    h0, r = -pumps.h0[pump] * speed**2, pumps.r[pump] * speed ** (2.0 - n)
    if n == 1.0:
        return h0 + r * flow, r
    gradient = n * r * max(q, LEAST_FLOW) ** (n - 1.0)
    if gradient < numbers.min_gradient:
        return h0 + numbers.min_gradient * flow, numbers.min_gradient
    return h0 + gradient * flow / n, gradient


@compiled
def _valve_loss(compiled, place, flow, setting):  # type: ignore[no-untyped-def]
    """See `laws.link_loss`, its part on valves."""
    numbers, links = compiled.numbers, compiled.links
    kind, minor = links.kind[place], links.minor[place]
    if kind == GPV and links.curve[place] >= 0:
        q = max(abs(flow), numbers.tiny_flow)
        h0, slope = _segment(compiled.pumps, links.curve[place], q)
        slope = max(slope, numbers.tiny_slope)
        loss = h0 + slope * q
        if abs(flow) < numbers.tiny_flow:
            gradient = max(loss / q, numbers.tiny_slope)
            return gradient * flow, gradient
        return loss * np.sign(flow), max(slope, abs(loss) / q)
    if not np.isnan(setting):
        if kind == TCV:
            minor = links.minor_per_coefficient[place] * setting
        elif kind == PCV:
            minor = _positional_minor(compiled, place, setting)
        elif kind == PBV and setting != 0.0 and minor * flow * abs(flow) <= setting:
            return setting, numbers.low_resistance / 100.0
    if minor <= 0.0:
        return numbers.low_resistance * flow, numbers.low_resistance
    gradient = 2.0 * minor * abs(flow)
    if gradient < numbers.min_gradient:
        return flow * numbers.min_gradient / 2.0, numbers.min_gradient / 2.0
    return flow * gradient / 2.0, gradient


@compiled
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


@called
def outlets(compiled, given, block):  # type: ignore[no-untyped-def]
    """Tangents of emitters, leaks and delivered demands: `laws.emitter_loss` and its like."""
    width = compiled.numbers.barrier_width
    nothing = spread(0.0)
    for o in range(given.outlet_kind.shape[0]):
        position, exponent = given.outlet_position[o], given.outlet_exponent[o]
        q, r = load(block.outlet_flow, o), load(block.outlet_resistance, o)
        least, steep = given.outlet_least[o], load(block.firm, 0) * compiled.numbers.barrier
        rising = power(compiled.numbers.series, largest(absolute(q), spread(LEAST_FLOW)), exponent - 1.0) * r
        gradient = rising * exponent
        small = less(gradient, spread(least))
        gradient = choose(small, spread(least / exponent), gradient)
        loss = choose(small, spread(least / exponent), rising) * q
        if given.outlet_barrier[o] >= 1:
            a = q * steep
            b = square_root(fma(a, a, spread(width * width)))
            loss = loss + (a - b) * 0.5
            gradient = gradient + (spread(1.0) - a / b) * steep * 0.5
        if given.outlet_barrier[o] == 2:
            steep = smallest(load(block.firm, 0), spread(1.0)) * compiled.numbers.barrier
            a = (q - load(block.outlet_most, o)) * steep
            b = square_root(fma(a, a, spread(width * width)))
            loss = loss + (a + b) * 0.5
            gradient = gradient + (spread(1.0) + a / b) * steep * 0.5
        none = less(r, nothing)
        p = choose(none, nothing, spread(1.0) / gradient)
        c = choose(none, nothing, fma(p, load(block.head, position) - given.outlet_datum[o] - loss, q))
        store(block.outlet_conductance, o, p)
        store(block.outlet_constant, o, c)

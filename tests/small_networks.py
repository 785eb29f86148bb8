"""Small random networks with everything that hydraulics knows: all valves, all laws of pumps, leaks, emitters, closed links.

Sizes are anything between a millimetre and ten metres; a valve has two junctions of its own, for EPANET forbids neighbours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from networks import Link, make_network
from tweeling.network.network import LinkKind, LinkStatus, Network, Options

ROUGHNESS = {"HW": 100.0, "DW": 1e-3, "CM": 0.012}
PUMPS, LOSS, OPENING = ((0, 1, 2, None), 3, 4)
"""Curves of pumps through one, three and four points (None: constant power), of a general purpose and of a position valve."""
CURVES = (
    ([0.02], [40.0]),
    ([0.0, 0.02, 0.04], [50.0, 40.0, 15.0]),
    ([0.0, 0.01, 0.03, 0.05], [60.0, 55.0, 40.0, 10.0]),
    ([0.0, 0.01, 0.02, 0.04], [0.0, 2.0, 2.0, 9.0]),
    ([0.0, 50.0, 100.0], [0.0, 30.0, 100.0]),
)
VALVES = tuple(kind for kind in LinkKind if kind >= LinkKind.PRV)
Ends = tuple[int, int]


@st.composite
def small_networks(draw: Any) -> Network:
    """A tree from a reservoir with up to four more links on top, some closed, and now and then a second reservoir."""
    n = draw(st.integers(1, 6))
    headloss = draw(st.sampled_from(sorted(ROUGHNESS)))
    reservoirs = draw(st.lists(st.floats(20, 80), min_size=1, max_size=2))
    source = st.integers(-len(reservoirs), -1)
    node = st.integers(-len(reservoirs), n - 1)
    ends = [(draw(source) if i == 0 else draw(st.integers(0, i - 1)), i) for i in range(n)]
    ends += draw(st.lists(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1] and max(pair) >= 0), max_size=4))
    links: list[Link] = []
    junctions = n
    for start, end in ends:
        kind = draw(st.sampled_from([LinkKind.PIPE] * 5 + [LinkKind.CHECK_VALVE_PIPE, LinkKind.PUMP, *VALVES]))
        if kind >= LinkKind.PRV:
            before, after = junctions, junctions + 1
            links += [
                draw(_pipe(start, before, headloss)),
                draw(_valve(before, after, kind)),
                draw(_pipe(after, end, headloss)),
            ]
            junctions += 2
        elif kind == LinkKind.PUMP:
            links.append(draw(_pump(start, end)))
        else:
            links.append(replace(draw(_pipe(start, end, headloss)), kind=kind))
    demand = draw(st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.01, 0.2]), min_size=junctions, max_size=junctions))
    options = Options(
        headloss=headloss,
        demand_model=draw(st.sampled_from(["DDA", "PDA"])),
        required_pressure=draw(st.sampled_from([0.07, 20.0])),
        emitter_backflow=draw(st.booleans()),
    )
    # Reservoirs come behind the junctions, whose number is known only now.
    placed = [replace(link, start=_place(link.start, junctions), end=_place(link.end, junctions)) for link in links]
    network = make_network(demand, reservoirs, placed, curves=CURVES, options=options)
    some = st.sampled_from([0.0, 0.0, 0.0, 1.0])
    height = draw(st.lists(st.floats(0, 25), min_size=junctions, max_size=junctions))
    emitter = draw(st.lists(some.map(lambda here: here * 1e-4), min_size=junctions, max_size=junctions))
    nodes = network.nodes
    elevation = np.concatenate([height, nodes.elevation[junctions:]])
    return replace(network, nodes=replace(nodes, elevation=elevation, emitter=np.array(emitter)))


def _place(node: int, junctions: int) -> int:
    return node if node >= 0 else junctions - 1 - node


@st.composite
def _pipe(draw: Any, start: int, end: int, headloss: str) -> Link:
    status = draw(st.sampled_from([LinkStatus.OPEN] * 7 + [LinkStatus.CLOSED]))
    return Link(
        start,
        end,
        status=status,
        length=draw(st.sampled_from([0.0, 1e-3]) | st.floats(1, 2000)),
        diameter=draw(st.sampled_from([0.05, 0.15, 0.3, 0.15, 0.3, 1e-3, 10.0])),
        roughness=ROUGHNESS[headloss],
        minor_loss=draw(st.sampled_from([0.0, 0.0, 3.0])),
    )


@st.composite
def _pump(draw: Any, start: int, end: int) -> Link:
    curve = draw(st.sampled_from(PUMPS))
    law = {"power": 3000.0} if curve is None else {"curve": curve}
    speed = draw(st.sampled_from([1.0, 0.8, 0.0]))
    status = LinkStatus.OPEN if speed else LinkStatus.CLOSED
    return Link(start, end, LinkKind.PUMP, status, speed, length=0.0, diameter=0.0, **law)


@st.composite
def _valve(draw: Any, start: int, end: int, kind: LinkKind) -> Link:
    status = draw(st.sampled_from([LinkStatus.ACTIVE] * 4 + [LinkStatus.OPEN, LinkStatus.CLOSED]))
    curve = {LinkKind.GPV: LOSS, LinkKind.PCV: OPENING}.get(kind, -1)
    high = {LinkKind.FCV: 0.02, LinkKind.TCV: 300.0, LinkKind.PCV: 100.0}.get(kind, 50.0)
    setting = np.nan
    if kind == LinkKind.GPV:
        status = LinkStatus.CLOSED if status == LinkStatus.CLOSED else LinkStatus.OPEN
    elif status == LinkStatus.ACTIVE:
        setting = draw(st.floats(0.01, 1)) * high
        status = LinkStatus.ACTIVE if kind in (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV) else LinkStatus.OPEN
    minor = draw(st.sampled_from([0.0, 2.0]))
    return Link(start, end, kind, status, setting, length=0.0, diameter=0.15, roughness=0.0, minor_loss=minor, curve=curve)

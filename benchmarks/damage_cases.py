"""Damage: a changed network for some tens of members, and for every member some of the things that go wrong.

A case is a network's name, a seed, a batch and a member; the same four give the same damage whatever else is solved.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import tweeling as tw
from agreement import start
from tweeling.network.network import Floats, Ints, LinkKind
from tweeling.physics.hydraulics.contract import Codes, Conditions, Status
from tweeling.physics.hydraulics.plan import Plan, make_plan

BATCH = 50
"""Members that share a changed network."""


def rng_of(name: str, *numbers: int) -> np.random.Generator:
    """The chance of one network, batch or member."""
    return np.random.default_rng([zlib.crc32(name.encode()), *numbers])


def changed(network: tw.Network, rng: np.random.Generator) -> tuple[tw.Network, tuple[str, ...]]:
    """What no member can have of its own: sizes of pipes, elevations, demands by pressure; and what was changed."""
    links, nodes, options = network.links, network.nodes, network.options
    length, diameter, elevation = links.length.copy(), links.diameter.copy(), nodes.elevation.copy()
    pipes = np.flatnonzero(links.kind <= LinkKind.PIPE)
    done = []

    def some(of: Ints) -> Ints:
        """One, some or many of these."""
        most = min(rng.choice([1, 5, 30, 300]), len(of))
        return rng.choice(of, rng.integers(1, most + 1), replace=False)

    if rng.random() < 0.3:
        diameter[some(pipes)] = 1e-3
        done.append("1 mm pipes")
    if rng.random() < 0.3:
        diameter[some(pipes)] = 10.0
        done.append("10 m pipes")
    if rng.random() < 0.3:
        length[some(pipes)] = rng.choice([1e-3, 1e-3, 1e-6, 0.0])
        done.append("lengths near zero")
    if rng.random() < 0.3:
        high = some(np.arange(nodes.n_junctions))
        elevation[high] += rng.choice([30.0, 300.0, 3000.0])
        done.append("high junctions")
    if rng.random() < 0.4:
        span, exponent = rng.choice([0.07, 2.0, 20.0]), rng.choice([0.5, 0.5, 1.0, 1.5])
        options = replace(options, demand_model="PDA", min_pressure=0.0, required_pressure=span, pressure_exponent=exponent)
        done.append("demands by pressure")
    return replace(
        network,
        links=replace(links, length=length, diameter=diameter),
        nodes=replace(nodes, elevation=elevation),
        options=options,
    ), tuple(done)


@dataclass(frozen=True, eq=False)
class Member:
    """One member's own arrays, changed in place by damage."""

    plan: Plan
    rng: np.random.Generator
    demand: Floats
    fixed_head: Floats
    status: Codes
    setting: Floats
    roughness: Floats
    emitter: Floats
    leak_area: Floats
    leak_growth: Floats

    def some(self, of: Ints, most: int) -> Ints:
        """1 to `most` of these."""
        most = min(most, len(of))
        return self.rng.choice(of, self.rng.integers(1, most + 1), replace=False) if most else of[:0]

    def links(self, *kinds: LinkKind) -> Ints:
        """The links of some kinds."""
        return np.flatnonzero(np.isin(self.plan.network.links.kind, kinds))

    def junctions(self, most: int) -> Ints:
        """Some junctions."""
        return self.some(np.arange(self.plan.n_junctions), most)

    def close(self, links: Ints) -> None:
        """Closes links for good; a check valve cannot be."""
        links = links[self.plan.network.links.kind[links] != LinkKind.CHECK_VALVE_PIPE]
        self.status[links] = Status.CLOSED
        kind = self.plan.network.links.kind[links]
        self.setting[links] = np.where(kind == LinkKind.PUMP, 0.0, np.where(kind > LinkKind.PUMP, np.nan, self.setting[links]))


def breaks(member: Member) -> None:
    """Leaks of 1 to 3,000 cm2."""
    at = member.junctions(5)
    member.leak_area[at] = 10 ** member.rng.uniform(-4, -0.5, len(at))


def emitters(member: Member) -> None:
    """Emitters of 0.01 L/s to 1 m3/s at 1 m."""
    at = member.junctions(5)
    member.emitter[at] = 10 ** member.rng.uniform(-5, 0, len(at))


def closures(member: Member) -> None:
    """Some links, or some per cent of all."""
    all_links = np.arange(member.plan.n_links)
    member.close(member.some(all_links, int(member.rng.choice([3, 20, 1 + member.plan.n_links // 20]))))


def pumps_fail(member: Member) -> None:
    """Pumps that stop, start or run at another speed."""
    for pump in member.some(member.links(LinkKind.PUMP), 5):
        speed = member.rng.choice([0.0, 0.0, 0.1, 0.7, 1.0, 1.5])
        member.setting[pump] = speed
        member.status[pump] = Status.OPEN if speed > 0 else Status.CLOSED


def valves_fail(member: Member) -> None:
    """Valves stuck open or closed, or with another setting."""
    kinds = (LinkKind.PRV, LinkKind.PSV, LinkKind.PBV, LinkKind.FCV, LinkKind.TCV, LinkKind.GPV, LinkKind.PCV)
    for valve in member.some(member.links(*kinds), 5):
        what = member.rng.choice(["stuck", "closed", "set"])
        if what == "closed":
            member.close(np.array([valve]))
        elif what == "stuck":
            member.status[valve], member.setting[valve] = Status.OPEN, np.nan
        else:
            member.setting[valve] *= member.rng.choice([0.0, 0.3, 2.0, 10.0])


def sources_fail(member: Member) -> None:
    """Reservoirs and tanks cut off, or at another head; tanks full or empty."""
    plan = member.plan
    fixed = member.some(np.arange(len(member.fixed_head)), 2)
    for source in fixed:
        tank, what = plan.tank_of_fixed[source], member.rng.choice(["cut off", "other head", "full", "empty"])
        if what == "cut off":
            links = plan.network.links
            member.close(np.flatnonzero((links.start == plan.n_junctions + source) | (links.end == plan.n_junctions + source)))
        elif tank < 0 or what == "other head":
            member.fixed_head[source] += member.rng.choice([-100.0, -20.0, 20.0, 200.0])
        else:
            member.fixed_head[source] = (plan.tanks.max_head if what == "full" else plan.tanks.min_head)[tank]


def demands(member: Member) -> None:
    """All demands or a few a hundredfold, or none at all."""
    factor = member.rng.choice([0.0, 3.0, 10.0, 100.0])
    where = slice(None) if member.rng.random() < 0.5 else member.junctions(20)
    member.demand[where] *= factor


def inflows(member: Member) -> None:
    """Demands of the other sign, at some junctions or at all."""
    where = slice(None) if member.rng.random() < 0.2 else member.junctions(20)
    member.demand[where] *= -member.rng.choice([1.0, 1.0, 100.0])


def rust(member: Member) -> None:
    """Roughness off by up to ten times."""
    pipes = member.links(LinkKind.PIPE, LinkKind.CHECK_VALVE_PIPE)
    most = 0.3 if member.plan.network.options.headloss == "DW" else 1.0
    member.roughness[pipes] *= 10 ** member.rng.uniform(-most, most, len(pipes))


KINDS: tuple[Callable[[Member], None], ...] = (
    breaks, emitters, closures, closures, pumps_fail, valves_fail, sources_fail, demands, inflows, rust,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Batch:
    """Members of one changed network.

    Args:
        plan: of the changed network.
        conditions: of all members.
        network_damage: what was changed for all.
        damage: of each member.
    """

    plan: Plan
    conditions: Conditions
    network_damage: tuple[str, ...]
    damage: tuple[tuple[str, ...], ...]


def batch_of(network: tw.Network, name: str, seed: int, batch: int, members: range) -> Batch:
    """The cases `members` of a batch."""
    damaged, network_damage = changed(network, rng_of(name, seed, batch))
    plan = make_plan(damaged)
    base, _ = start(plan)
    rows, damage = [], []
    for number in members:
        rng = rng_of(name, seed, batch, number)
        own = {field: array[0].copy() for field, array in vars(base).items()}
        member = Member(plan=plan, rng=rng, **own)
        kinds = [KINDS[kind] for kind in rng.choice(len(KINDS), rng.integers(0, 5))]
        for kind in kinds:
            kind(member)
        rows.append(own)
        damage.append(tuple(kind.__name__ for kind in kinds))
    conditions = Conditions(**{field: np.stack([row[field] for row in rows]) for field in vars(base)})
    return Batch(plan, conditions, network_damage, tuple(damage))

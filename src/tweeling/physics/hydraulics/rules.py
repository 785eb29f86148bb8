"""Rule-based controls: premises on what the network does, actions on links.

The semantics are EPANET 2.3's (`rules.c`):

- premises are read from left to right, `or` and `and` have no precedence: a false `and` ends a rule, unless an `or` follows
  the premise that failed;
- numbers are compared with a tolerance of 0.001 in the units of the file, and `<` is `x <= value + 0.001` while `<=` is
  `x <= value - 0.001` (so the strict one is the generous one);
- `time = value` means "since the last evaluation";
- of the actions on one link the one of the highest priority counts, among equals that of the first rule.

Premises become numbers: of a value the interval in which it holds, so that all premises of all members are one comparison.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Action, Bools, Floats, Ints, LinkKind, LinkStatus, Network, Premise, Rule, freeze
from tweeling.physics.hydraulics.clock import Clock
from tweeling.physics.hydraulics.contract import Codes, Status
from tweeling.physics.hydraulics.controls import set_links, switch_links
from tweeling.physics.hydraulics.plan import Plan
from tweeling.units import METRES_PER_FOOT

TOLERANCE = 1e-3
"""Of comparisons in units of the file, of changes of setting in EPANET's own units."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What premises may ask about, for all members; rules change `status`, `setting` and `flow` in place.

    Args:
        junction_head: m; (member, node), of which the junctions are looked at.
        fixed_head: m, of reservoirs and tanks, moving with the tanks; (member, fixed).
        outflow: out of the network at junctions, leaks and emitters included, m3/s; (member, junction).
        net_inflow: into reservoirs and tanks, m3/s; (member, fixed).
        required: total of the positive required demands, m3/s; (member,).
        volume: m3; filling: m3 per second; (member, tank).
        flow: m3/s; (member, link).
        status, setting: (member, link).
    """

    junction_head: Floats
    fixed_head: Floats
    outflow: Floats
    net_inflow: Floats
    required: Floats
    volume: Floats
    filling: Floats
    flow: Floats
    status: Codes
    setting: Floats


@dataclass(frozen=True, eq=False)
class Interval:
    """The members that are evaluated now, and the seconds since they were evaluated last.

    Args:
        members: rows of a `Situation`; (active,).
        since, until: first and last second; (active,).
    """

    members: Ints
    since: Ints
    until: Ints


@dataclass(frozen=True, eq=False)
class RuleTable:
    """Enabled rules of a network, compiled.

    Args:
        rules: in the file's order.
        low, high: interval in which a premise holds, ends included; (premise,).
        outside: whether it holds outside the interval instead; (premise,).
        slice_of: premises of each rule.
        links: links that any action touches, each once.
    """

    rules: tuple[Rule, ...]
    premises: tuple[Premise, ...]
    low: Floats
    high: Floats
    outside: Bools
    slice_of: tuple[slice, ...]
    links: tuple[int, ...]

    @staticmethod
    def of(network: Network) -> RuleTable:
        """The rules of a network."""
        rules = tuple(rule for rule in network.rules if rule.enabled)
        premises = tuple(premise for rule in rules for premise in rule.premises)
        intervals = [_interval(network, premise) for premise in premises]
        ends = np.cumsum([0] + [len(rule.premises) for rule in rules]).tolist()
        actions = (action for rule in rules for action in (*rule.then, *rule.otherwise))
        return RuleTable(
            rules=rules,
            premises=premises,
            low=freeze([low for low, _, _ in intervals], float),
            high=freeze([high for _, high, _ in intervals], float),
            outside=freeze([outside for _, _, outside in intervals], bool),
            slice_of=tuple(slice(a, b) for a, b in itertools.pairwise(ends)),
            links=tuple(dict.fromkeys(action.link for action in actions)),
        )

    def __len__(self) -> int:
        return len(self.rules)

    def apply(self, plan: Plan, clock: Clock, now: Situation, interval: Interval) -> Bools:
        """Evaluates all rules and acts, in place, on the statuses, settings and flows of links.

        Args:
            plan: the network's.
            clock: the file's.
            now: what holds at the end of the interval.
            interval: the members to evaluate.

        Returns:
            Which of these members something changed in; (active,).
        """
        holds = self._holds(plan, clock, now, interval)
        changed = np.zeros(len(interval.members), dtype=bool)
        for link, actions in self._chosen(holds).items():
            for action, rows in actions:
                acts = _act(plan, link, action, interval.members[rows], now)
                changed[rows] |= acts
        return changed

    def _holds(self, plan: Plan, clock: Clock, now: Situation, interval: Interval) -> Bools:
        """Which premises hold; (active, premise)."""
        value = np.empty((len(interval.members), len(self.premises)))
        for column, premise in enumerate(self.premises):
            value[:, column] = _value(plan, clock, premise, now, interval)
        inside = (value >= self.low) & (value <= self.high)
        return (inside ^ self.outside) & ~np.isnan(value)

    def _fires(self, rule: int, holds: Bools) -> Bools:
        """Whether a rule's premises are fulfilled; (active,)."""
        fulfilled = np.ones(len(holds), dtype=bool)
        failed = np.zeros(len(holds), dtype=bool)
        for premise, here in zip(self.rules[rule].premises, holds[:, self.slice_of[rule]].T, strict=True):
            if premise.logic == "or":
                fulfilled = fulfilled | here
            else:
                failed |= ~fulfilled
                fulfilled = here
        return fulfilled & ~failed

    def _chosen(self, holds: Bools) -> dict[int, list[tuple[Action, Ints]]]:
        """For each link the actions that count, each with the rows of `holds` in which it does."""
        priority = {link: np.full(len(holds), -np.inf) for link in self.links}
        number = {link: np.full(len(holds), -1) for link in self.links}
        actions: list[Action] = []
        for index, rule in enumerate(self.rules):
            fires = self._fires(index, holds)
            for rows, group in ((fires, rule.then), (~fires, rule.otherwise)):
                for action in group:
                    # Of two actions of one rule on one link the first counts: the second is of no higher priority.
                    wins = rows & (rule.priority > priority[action.link])
                    number[action.link][wins] = len(actions)
                    priority[action.link][wins] = rule.priority
                    actions.append(action)
        return {
            link: [(actions[n], np.flatnonzero(number[link] == n)) for n in np.unique(number[link]) if n >= 0]
            for link in self.links
        }


def _value(plan: Plan, clock: Clock, premise: Premise, now: Situation, interval: Interval) -> Floats:
    """What a premise looks at, in SI; NaN where there is nothing to look at (then it does not hold); (active,)."""
    i, members = premise.index, interval.members
    match premise.variable:
        case "time" if premise.relation in ("=", "<>"):
            return _within(interval.since, interval.until, premise.value)
        case "clocktime" if premise.relation in ("=", "<>"):
            return _within(clock.of_day(interval.since), clock.of_day(interval.until), premise.value)
        case "time":
            return interval.until.astype(float)
        case "clocktime":
            return clock.of_day(interval.until).astype(float)
        case "demand" if premise.subject == "system":
            return np.asarray(now.required[members])
        case "demand":
            fixed = i - plan.n_junctions
            return np.asarray(now.outflow[members, i] if fixed < 0 else now.net_inflow[members, fixed])
        case "head" | "grade":
            return _head(plan, now, i, members)
        case "level" | "pressure":
            return np.asarray(_head(plan, now, i, members) - plan.network.nodes.elevation[i])
        case "flow":
            return np.asarray(np.abs(now.flow[members, i]))
        case "status":
            return _status_word(now.status[members, i])
        case "setting":
            return np.asarray(now.setting[members, i])
        case "filltime":
            return _seconds_to(plan, i, now, members, plan.tanks.max_volume, 1.0)
        case "draintime":
            return _seconds_to(plan, i, now, members, plan.tanks.min_volume, -1.0)
        case _:
            raise ValueError(f"a rule asks for {premise.variable!r}, which rules cannot see")


def _head(plan: Plan, now: Situation, node: int, members: Ints) -> Floats:
    """Head of a node, m; (active,)."""
    fixed = node - plan.n_junctions
    return np.asarray(now.junction_head[members, node] if fixed < 0 else now.fixed_head[members, fixed])


def _within(since: Ints, until: Ints, moment: float) -> Floats:
    """1 where a moment lies between two times of day or of the run, both included, else 0; (active,)."""
    straight = (moment >= since) & (moment <= until)
    past_midnight = (moment >= since) | (moment <= until)
    return np.where(until < since, past_midnight, straight).astype(float)


def _status_word(status: Codes) -> Floats:
    """`LinkStatus` as rules see it; (active,)."""
    return np.where(
        status <= Status.CLOSED, LinkStatus.CLOSED, np.where(status == Status.ACTIVE, LinkStatus.ACTIVE, LinkStatus.OPEN)
    ).astype(float)


def _seconds_to(plan: Plan, node: int, now: Situation, members: Ints, limit: Floats, sign: float) -> Floats:
    """Seconds until a tank reaches a limit, NaN while it moves the other way or rests; (active,)."""
    tank = plan.tank_of_fixed[node - plan.n_junctions]
    if tank < 0:
        return np.full(len(members), np.nan)
    rate = now.filling[members, tank]
    room = limit[tank] - now.volume[members, tank]
    coming = sign * rate > plan.constants.no_flow
    return np.asarray(np.divide(room, rate, out=np.full(len(rate), np.nan), where=coming))


def _interval(network: Network, premise: Premise) -> tuple[float, float, bool]:
    """(low, high, outside): a premise holds in [low, high], or outside it; SI."""
    relation, value = premise.relation, premise.value
    if premise.status is not None:
        return (premise.status, premise.status, relation == "<>")
    if premise.variable in ("time", "clocktime"):
        # `=` and `<>` look at 1 ("within the interval") or 0, see `_value`.
        return {
            "=": (1.0, 1.0, False),
            "<>": (1.0, 1.0, True),
            "<": (-np.inf, np.nextafter(value, -np.inf), False),
            "<=": (-np.inf, value, False),
            ">": (np.nextafter(value, np.inf), np.inf, False),
            ">=": (value, np.inf, False),
        }[relation]
    tolerance = TOLERANCE * _unit(network, premise)
    low, high = value - tolerance, value + tolerance
    return {
        "=": (low, high, False),
        "<>": (np.nextafter(low, np.inf), np.nextafter(high, -np.inf), True),
        "<": (-np.inf, high, False),
        "<=": (-np.inf, low, False),
        ">": (low, np.inf, False),
        ">=": (high, np.inf, False),
    }[relation]


def _unit(network: Network, premise: Premise) -> float:
    """SI in one unit of the file of what a premise looks at."""
    units = network.units
    match premise.variable:
        case "demand" | "flow":
            return units.flow_si
        case "head" | "grade" | "level":
            return units.length_si
        case "pressure":
            return units.pressure_si
        case "setting":
            kind = network.links.kind[premise.index]
            if kind in (LinkKind.PRV, LinkKind.PSV, LinkKind.PBV):
                return units.pressure_si
            return units.flow_si if kind == LinkKind.FCV else 1.0
        case _:
            return 1.0


def _act(plan: Plan, link: int, action: Action, members: Ints, now: Situation) -> Bools:
    """Does an action in some members, in place; tells in which of them it changed something."""
    if action.setting is None:
        if action.status not in (LinkStatus.OPEN, LinkStatus.CLOSED):
            return np.zeros(len(members), dtype=bool)
        is_open = action.status == LinkStatus.OPEN
        changes: Bools = (now.status[members, link] <= Status.CLOSED) == is_open
        switch_links(plan, link, members[changes], is_open, now.status, now.setting, now.flow)
        return np.asarray(changes)
    before = now.setting[members, link]
    changes = np.isnan(before) | (np.abs(action.setting - before) > _setting_tolerance(plan, link))
    set_links(plan, link, members[changes], action.setting, now.status, now.setting, now.flow)
    return np.asarray(changes)


def _setting_tolerance(plan: Plan, link: int) -> float:
    """Change of a setting that EPANET calls a change: 0.001 ft, cfs or whatever the setting is in; SI."""
    kind = plan.network.links.kind[link]
    if kind in (LinkKind.PRV, LinkKind.PSV, LinkKind.PBV):
        return TOLERANCE * METRES_PER_FOOT
    return TOLERANCE / plan.network.units.cfs_per_si if kind == LinkKind.FCV else TOLERANCE

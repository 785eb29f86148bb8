"""`tweeling.solve`: one steady state of a network, for one member or many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.errors import InputError
from tweeling.network.network import Floats, Ints, Network
from tweeling.physics.hydraulics.contract import Codes, Conditions, Engine, Flows, Outcome, Solution, StoppingRule
from tweeling.physics.hydraulics.crew import thread_count
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.inputs import Inputs
from tweeling.physics.hydraulics.period import Period, conditions_now, first_state, with_course
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.hydraulics.quantities import QUANTITIES


@dataclass(frozen=True, eq=False)
class StateInfo:
    """How the members fared.

    Args:
        status: `ok`, `unsupplied`, `unbalanced` or `cycling`; (member,), text.
        culprit: id of the junction without supply, or of the link that does not settle, "" for ok; per member.
        iterations: (member,).
        error: last sum |dq| / sum |q|; (member,).
    """

    status: npt.NDArray[np.str_]
    culprit: tuple[str, ...]
    iterations: Ints
    error: Floats

    def __repr__(self) -> str:
        names, counts = np.unique(self.status, return_counts=True)
        found = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
        return f"<StateInfo: {found}; {self.iterations.mean():.1f} iterations a member>"


@dataclass(frozen=True, eq=False)
class State:
    """A steady state of all members. SI throughout; NaN where there is no supply. Quantities are made when first asked for.

    Args:
        network: that was solved; elements are in its order.
        info: how the members fared.
        conditions, solution: what the engine was given and gave; `solve(start=...)` and `sensitivities` go on from them.
    """

    network: Network
    info: StateInfo
    conditions: Conditions
    solution: Solution

    @property
    def node_ids(self) -> tuple[str, ...]:
        """Ids of nodes, junctions first."""
        return self.network.nodes.ids

    @property
    def link_ids(self) -> tuple[str, ...]:
        """Ids of links."""
        return self.network.links.ids

    @property
    def head(self) -> Floats:
        """Hydraulic head, m; (member, node)."""
        return self.solution.head

    @cached_property
    def pressure(self) -> Floats:
        """Head minus elevation, m; (member, node)."""
        return self._quantity("pressure")

    @property
    def demand(self) -> Floats:
        """Consumption that is delivered, leaks and emitters not included, m3/s; (member, junction)."""
        return self.solution.flows.demand

    @property
    def flow(self) -> Floats:
        """Positive from start to end, m3/s; (member, link)."""
        return self.solution.flows.link

    @cached_property
    def status(self) -> Codes:
        """0 closed, 1 open, 2 regulating; (member, link), int8."""
        return self._quantity("status")

    @property
    def emitter(self) -> Floats:
        """Outflow of emitters, m3/s; (member, junction)."""
        return self.solution.flows.emitter

    @cached_property
    def leak(self) -> Floats:
        """Outflow of leaks, the file's among them, m3/s; (member, junction)."""
        return self._quantity("leak")

    def _quantity(self, name: str) -> npt.NDArray[Any]:
        return QUANTITIES[name].of(self.solution, self.network, None)

    def __repr__(self) -> str:
        return f"<State: {len(self.head)} members, {len(self.node_ids)} nodes, {len(self.link_ids)} links; {self.info}>"


def solve(
    network: Network,
    *,
    demand: npt.ArrayLike | None = None,
    roughness: npt.ArrayLike | None = None,
    setting: npt.ArrayLike | None = None,
    status: npt.ArrayLike | None = None,
    leak_area: npt.ArrayLike | None = None,
    leak_growth: npt.ArrayLike | None = None,
    pipe_leak_area: npt.ArrayLike | None = None,
    pipe_leak_growth: npt.ArrayLike | None = None,
    level: npt.ArrayLike | None = None,
    start: State | None = None,
    accuracy: float | None = None,
    engine: Engine | None = None,
) -> State:
    """Solves one steady state for a batch of members; every input is (member, element) or (element,), None the file's at t = 0.

    Args:
        network: what lies in the ground.
        demand: required demand at this moment, m3/s; (junction).
        roughness: as `Links.roughness`; (link).
        setting: as `Links.setting`; (link).
        status: 0 closed, 1 open, 2 regulating; (link). With `status` or `setting` given, links are as given; else the file's
            simple controls for time 0 have acted, as in EPANET (rules act between steps, so none has).
        leak_area: A, area of leaks at no pressure, m2; (junction). 0.75 (A + m p) sqrt(2 g p) leaks, on top of the file's.
        leak_growth: m, how their area grows with pressure p, m2 per m; (junction).
        pipe_leak_area, pipe_leak_growth: of all leaks along a pipe together; half acts at each end; (link).
        level: of tanks, m above the bottom; (tank).
        start: a state of as many members, or of one, whose flows the solve starts from.
        accuracy: stop when no more than this part of all flow is left to move; None stops when losses are right to 1e-7 m.
        engine: None takes the fastest, on all cores.

    Raises:
        InputError: an input of the wrong shape or with impossible numbers.
    """
    rule = StoppingRule(accuracy=accuracy)
    period = compiled_period(network)
    inputs = Inputs.of(
        network,
        1,
        demand=demand,
        roughness=roughness,
        setting=setting,
        status=status,
        leak_area=leak_area,
        leak_growth=leak_growth,
        pipe_leak_area=pipe_leak_area,
        pipe_leak_growth=pipe_leak_growth,
        level=level,
    )
    conditions, flows = _opening(period, inputs)
    if start is not None:
        flows = _from_start(start, flows, inputs.n_members)
    solution = (engine or solve_in_threads)(period.plan, conditions, flows, rule)
    return _state(network, conditions, solution)


@lru_cache(maxsize=8)
def compiled_period(network: Network) -> Period:
    """A network compiled for time; the last few are kept, for compiling costs more than solving."""
    return Period.of(make_plan(network))


@lru_cache(maxsize=8)
def period_with_course(network: Network, engine: Engine, rule: StoppingRule, duration: int) -> Period:
    """The same with its course up to a time in s, for runs in which members differ from the file."""
    return with_course(compiled_period(network), engine, rule, duration)


def default_engine() -> Engine:
    """The fastest engine there is, in one thread."""
    from tweeling.physics.kernels.cpu import solve

    return solve


def solve_in_threads(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
    """The fastest engine in as many threads as there are cores; a member's result does not depend on how they share."""
    from tweeling.physics.kernels.cpu import solve

    return solve(plan, conditions, flows, rule, threads=thread_count())


def _opening(period: Period, inputs: Inputs) -> tuple[Conditions, Flows]:
    """Conditions at t = 0 and cold flows; rows only where members differ."""
    plan, members = period.plan, range(inputs.n_members)
    shared = Drivers.of(plan)
    drivers = shared.replaced(**{name: inputs.rows(name, members) for name in ("roughness", "leak_area", "leak_growth")})
    start = {name: inputs.rows(name, members) for name in ("level", "status", "setting")}
    rows = max((len(table) for table in start.values() if table is not None), default=1)
    state = first_state(period, rows, shared, **start)
    multiplier = period.patterns.at(period.clock.period(state.time))
    conditions, _ = conditions_now(period, state, drivers, multiplier)
    if inputs.status is not None or inputs.setting is not None:
        conditions = replace(conditions, status=state.status, setting=state.setting)
    if inputs.demand is not None:
        conditions = replace(conditions, demand=inputs.demand)
    return conditions, plan.cold_flows(conditions)


def _from_start(start: State, cold: Flows, n_members: int) -> Flows:
    """Flows to start from; a delivered demand starts from the required one, as EPANET's does."""
    flows = start.solution.flows
    if len(flows.link) not in (1, n_members) or flows.link.shape[1] != cold.link.shape[1]:
        raise InputError(
            f"start has {len(flows.link)} members and {flows.link.shape[1]} links; it must have 1 or {n_members} members "
            f"and {cold.link.shape[1]} links"
        )
    # An outlet that rests at exactly no flow has no slope to start from.
    fresh = {n: np.where(getattr(flows, n) > 0, getattr(flows, n), getattr(cold, n)) for n in ("leak_fixed", "leak_variable")}
    return replace(flows, demand=cold.demand, **fresh)


def _state(network: Network, conditions: Conditions, solution: Solution) -> State:
    names = np.array([outcome.name.lower() for outcome in Outcome])
    culprits = [""] * len(solution.culprit)
    for member in np.flatnonzero(solution.culprit >= 0):
        culprits[member] = culprit_id(network, solution.outcome[member], solution.culprit[member])
    info = StateInfo(
        status=names[solution.outcome], culprit=tuple(culprits), iterations=solution.iterations, error=solution.error
    )
    return State(network, info, conditions, solution)


def culprit_id(network: Network, outcome: int, culprit: int) -> str:
    """Id of the element that an outcome is about, "" for none."""
    if culprit < 0:
        return ""
    return network.nodes.ids[culprit] if outcome == Outcome.UNSUPPLIED else network.links.ids[culprit]

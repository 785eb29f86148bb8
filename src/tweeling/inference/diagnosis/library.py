"""Signatures: what each suspected cause would do to the rows that are compared, by the ensemble engine.

A signature is the change of every row per unit of the size of a cause, at a low and at a high demand of the town; between
and beyond these it goes with what the reservoirs give (head losses grow with flow, so a leak shows more by day; and more when
a pump fills a tank: by the total demand alone the signatures of L-Town are up to 1.6 times too large while its pump rests).
Leaks and closed links are solved for one by one, all at once as members of a batch; demands and settings come from the
sensitivities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from tweeling.inference.model import Model, instrument_variance, nodal_noise, nominal_state
from tweeling.network.network import Floats, Ints, LinkKind, Network
from tweeling.observation.operator import ROWS, Comparison, observe
from tweeling.physics.hydraulics.contract import Conditions, Flows, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.sensitivity import sensitivities_of

MOST_JUNCTIONS = 2000
"""Junctions whose leak is solved for; others take the signature of one near by."""
LEAK_SHARE = 0.05
"""Size of the leak that signatures are taken at, as a share of the town's mean demand."""
GROSS = 20.0
"""How much further off a sensor is that fails altogether than one that is a little wrong."""
MODEL_DIRECTIONS = 12
"""Directions of the fixed unknowns along which the model may turn out wrong."""
TESTABLE = 4.0
"""Standard deviations of an hour's noise that a closed link must show by, to be among the causes."""
HOURS_A_YEAR = 8766.0


@dataclass(frozen=True)
class Kind:
    """What is believed of a kind of cause before anything is seen.

    Args:
        cause: one of `finding.CAUSES`, or `repair`.
        rate: how often, a year: of all elements together for leaks and closed links, of each element for others.
        centre, sd: of its size: a normal prior; of leaks, which are positive, half of it.
        positive: whether the size cannot be negative.
    """

    cause: str
    rate: float
    centre: float
    sd: float
    positive: bool


REPAIR = Kind("repair", 6.0, 1.0, 0.3, True)
"""The end of a leak that was found; its centre and sd are shares of what it loses."""


@dataclass(frozen=True, eq=False)
class Library:
    """All suspected causes.

    Args:
        kinds: rows of `Kind`.
        kind: of each cause; (cause,).
        element: id of the pipe, valve, sensor or zone; per cause.
        pipe: index of the pipe of a leak, -1 for other causes; (cause,).
        signature: at low, then at high demand; (2 * row, cause).
        rate: how often, an hour; (cause,).
        centre, sd: of the size; (cause,).
        positive: whether the size cannot be negative; (cause,).
        coarse: causes that are enough to see whether anything is wrong at all; (coarse,).
        low, high: what reservoirs give at the two, m3/s; see `supply`.
        demand: the town's, a mean over the day, m3/s.
    """

    kinds: tuple[Kind, ...]
    kind: Ints
    element: tuple[str, ...]
    pipe: Ints
    signature: Floats
    rate: Floats
    centre: Floats
    sd: Floats
    positive: np.ndarray
    coarse: Ints
    low: float
    high: float
    demand: float

    def share_of_high(self, supply: float) -> float:
        """How far the town is from low to high; beyond them too, within reason."""
        return float(np.clip((supply - self.low) / (self.high - self.low), -0.5, 2.0))

    @property
    def causes(self) -> tuple[str, ...]:
        """Name of each cause: what tables of causes are in the order of."""
        return tuple(f"{self.kinds[kind].cause} {name}" for kind, name in zip(self.kind, self.element, strict=True))


def supply(network: Network, flows: Flows) -> Floats:
    """What reservoirs give, or all demand where there are none, m3/s; (member,)."""
    at, links = network.reservoirs.node, network.links
    if not len(at):
        return np.asarray(flows.demand.sum(axis=1))
    out = np.isin(links.start, at).astype(float) - np.isin(links.end, at)
    return np.asarray(flows.link @ out)


def with_repairs(library: Library, signatures: Sequence[Floats], flows: Sequence[float]) -> Library:
    """A library in which leaks that were found may also end.

    Args:
        library: of causes.
        signatures: of each leak; (2 * row,).
        flows: what each is thought to lose, m3/s.
    """
    if not signatures:
        return library
    n, more = len(library.kind), len(signatures)
    size = np.maximum(np.array(flows), 1e-6)
    return replace(
        library,
        kinds=(*library.kinds, REPAIR),
        kind=np.append(library.kind, np.full(more, len(library.kinds))),
        element=(*library.element, *(str(number) for number in range(more))),
        pipe=np.append(library.pipe, np.full(more, -1)),
        signature=np.hstack((library.signature, -np.array(signatures).T)),
        rate=np.append(library.rate, np.full(more, REPAIR.rate / HOURS_A_YEAR)),
        centre=np.append(library.centre, size),
        sd=np.append(library.sd, REPAIR.sd * size),
        positive=np.append(library.positive, np.full(more, True)),
        coarse=np.append(library.coarse, np.arange(n, n + more)),
    )


def make_library(model: Model) -> Library:
    """Solves for the signatures of a network."""
    totals = np.array([model.nominal_demand(hour * 3600).sum() for hour in range(24)])
    hours = (int(np.argmin(totals)), int(np.argmax(totals)))
    low, high = totals[hours[0]], totals[hours[1]]
    if high - low < 0.2 * abs(high):  # demand without a day of its own: look at half of it too
        low = 0.5 * high
    size = max(LEAK_SHARE * float(totals.mean()), 1e-5)
    supplies = [0.0, 0.0]
    groups: list[list[Signature]] = [[], []]
    scale = (low / max(totals[hours[0]], 1e-12), high / max(totals[hours[1]], 1e-12))
    for place, hour in enumerate(hours):
        demand = model.nominal_demand(hour * 3600) * scale[place]
        base = nominal_state(model, hour, demand)
        supplies[place] = float(supply(model.network, base[1].flows)[0])
        groups[place] = [*_leaks(model, base, size), *_closed(model, base), *_others(model, base)]
    both = _paired(*groups)
    fixed = np.array([first[0].centre != 0 for first, _ in both])
    rows = np.array([second[2] for _, second in both]).reshape(len(both), len(model.compared))
    shows = ~fixed | _testable(model, base, rows)
    both = [pair for pair, showing in zip(both, shows, strict=True) if showing]
    kinds = tuple(dict.fromkeys(first[0] for first, _ in both))
    kind = np.array([kinds.index(first[0]) for first, _ in both], dtype=np.int64)
    leaks = np.flatnonzero([kinds[k].cause in ("leak", "valve") for k in kind])
    others = np.setdiff1d(np.arange(len(kind)), leaks)
    return Library(
        kinds=kinds,
        kind=kind,
        element=tuple(first[1] for first, _ in both),
        pipe=np.array([model.network.links.index[first[1]] if first[0].cause == "leak" else -1 for first, _ in both]),
        signature=np.array([np.concatenate((first[2], second[2])) for first, second in both]).T,
        rate=np.array([first[3] for first, _ in both]) / HOURS_A_YEAR,
        centre=np.array([first[0].centre for first, _ in both]),
        sd=np.array([first[0].sd for first, _ in both]),
        positive=np.array([first[0].positive for first, _ in both]),
        coarse=np.sort(np.concatenate((leaks[:: max(len(leaks) // 200, 1)], others))),
        low=supplies[0],
        high=supplies[1] if abs(supplies[1] - supplies[0]) > 1e-9 else supplies[0] + 1.0,
        demand=float(totals.mean()),
    )


Base = tuple[Conditions, Solution]
"""The steady state that signatures are changes of."""
Signature = tuple[Kind, str, Floats, float]
"""Kind, element, change of rows per unit (row,), rate a year."""


def _paired(low: Sequence[Signature], high: Sequence[Signature]) -> list[tuple[Signature, Signature]]:
    """Signatures of both hours, cause by cause; what shows in one hour only (a pump rests in the other) counts for both."""
    of_low, of_high = ({(one[0], one[1]): one for one in group} for group in (low, high))
    either = {**of_high, **of_low}
    in_order = {**of_low, **of_high}  # the same causes: those of the low hour first
    return [(either[cause], in_order[cause]) for cause in in_order]


def compared_rows(model: Model, comparison: Comparison, solution: Solution) -> Floats:
    """What the rows are in a steady state: readings, and net inflows of tanks; (member, row)."""
    rows = observe(model.network, model.sensors, solution)[:, comparison.sensor]
    tank = comparison.balance >= 0
    rows[:, tank] = solution.net_inflow[:, model.free.plan.tanks.fixed[comparison.balance[tank]]]
    return rows


def _leaks(model: Model, at_rest: Base, size: float) -> list[Signature]:
    """A leak in the middle of each pipe that is open."""
    conditions, base = at_rest
    network, n = model.network, model.network.nodes.n_junctions
    solved, nearest = _representatives(network)
    leaking = np.repeat(conditions.demand, len(solved), axis=0)
    leaking[np.arange(len(solved)), solved] += size
    solution = model.engine(model.free.plan, replace(conditions, demand=leaking), base.flows, StoppingRule())
    change = (compared_rows(model, model.compared, solution) - compared_rows(model, model.compared, base)) / size
    at = np.vstack((np.nan_to_num(change)[nearest], np.zeros((len(network.nodes) - n, change.shape[1]))))
    links = network.links
    pipe = np.flatnonzero((links.kind <= LinkKind.PIPE) & (base.status[0] > Status.CLOSED))
    share = links.length[pipe] / links.length[pipe].sum()
    kind = Kind("leak", 10.0, 0.0, 4 * size, True)
    return [
        (kind, links.ids[i], (at[links.start[i]] + at[links.end[i]]) / 2, kind.rate * part)
        for i, part in zip(pipe, share, strict=True)
    ]


def _representatives(network: Network) -> tuple[Ints, Ints]:
    """Junctions to solve for, and for every junction which of them is near; along an order that keeps neighbours together."""
    n, links = network.nodes.n_junctions, network.links
    if n <= MOST_JUNCTIONS:
        return np.arange(n), np.arange(n)
    inside = (links.start < n) & (links.end < n)
    graph = coo_matrix((np.ones(int(inside.sum())), (links.start[inside], links.end[inside])), shape=(n, n)).tocsr()
    order = reverse_cuthill_mckee(graph + graph.T, symmetric_mode=True)
    place = np.linspace(0, n - 1, MOST_JUNCTIONS).astype(np.int64)
    position = np.empty(n, dtype=np.int64)
    position[order] = np.arange(n)
    return order[place].astype(np.int64), np.abs(position[:, None] - place).argmin(axis=1) if n < 20000 else np.minimum(
        np.searchsorted(place, position), MOST_JUNCTIONS - 1
    )


def _closed(model: Model, at_rest: Base) -> list[Signature]:
    """A pipe or valve that somebody closed."""
    conditions, base = at_rest
    links = model.network.links
    open_links = np.flatnonzero((links.kind != LinkKind.PUMP) & (base.status[0] > Status.CLOSED))
    open_links = open_links[: 4 * MOST_JUNCTIONS]
    status = np.repeat(conditions.status, len(open_links), axis=0)
    setting = np.repeat(conditions.setting, len(open_links), axis=0)
    here = np.arange(len(open_links))
    status[here, open_links], setting[here, open_links] = Status.CLOSED, np.nan
    solution = model.engine(
        model.free.plan, replace(conditions, status=status, setting=setting), base.flows, StoppingRule(trials=60)
    )
    rows = np.nan_to_num(compared_rows(model, model.compared, solution) - compared_rows(model, model.compared, base))
    kind = Kind("valve", 1.0, 1.0, 0.15, True)
    rate = kind.rate / max(len(open_links), 1)
    return [(kind, links.ids[link], row, rate) for link, row in zip(open_links, rows, strict=True)]


def _testable(model: Model, at_rest: Base, rows: Floats) -> np.ndarray:
    """Which changes of rows show within an hour; the others cannot be told from noise, and noise must not look like them.

    Args:
        model: the twin.
        at_rest: the state that they are changes of.
        rows: changes; (cause, row).
    """
    if not len(model.compared):
        return np.zeros(len(rows), dtype=bool)
    conditions, base = at_rest
    demand = conditions.demand[0]
    by_demand, _, _ = model.compared.rows_of(sensitivities_of(model.free.plan, conditions, base, model.compared.outputs, ROWS))
    noise = nodal_noise(by_demand, demand, model.doubts.demand_noise_sd)
    noise += np.diag(instrument_variance(model.compared, 3600.0))
    shown = np.linalg.solve(np.linalg.cholesky(noise), rows.T)
    return np.asarray((shown**2).sum(axis=0) > TESTABLE**2)


def _others(model: Model, at_rest: Base) -> list[Signature]:
    """A faulty sensor; the demand of a zone; the setting of a pressure valve; roughness or demands not as believed."""
    conditions, base = at_rest
    demand = conditions.demand[0]
    compared, sensors = model.compared, model.sensors
    found: list[Signature] = []
    typical = np.abs(compared_rows(model, compared, base))[0]
    for row in range(len(compared)):
        if compared.balance[row] >= 0:
            continue
        sd = 1.0 if compared.offset[row] else max(0.2 * float(typical[row]), 20 * float(compared.std[row]))
        unit = np.zeros(len(compared))
        unit[row] = 1.0
        for kind in (Kind("sensor", 0.3, 0.0, sd, False), Kind("sensor", 0.1, 0.0, GROSS * sd, False)):
            found.append((kind, sensors.ids[compared.sensor[row]], unit, kind.rate))
    by = sensitivities_of(model.free.plan, conditions, base, compared.outputs, ROWS)
    by_demand, by_roughness, by_setting = compared.rows_of(by)
    kind = Kind("demand", 0.05, 0.0, 0.25, False)
    zones: Sequence[str] = model.zones.ids
    for zone, name in enumerate(zones):
        found.append((kind, name, (by_demand * demand) @ model.zones.membership[:, zone], kind.rate))
    kind = Kind("valve", 0.5, 0.0, 1.5, False)
    for valve in model.prior.valve:
        found.append((kind, model.network.links.ids[valve], by_setting[:, valve], kind.rate))
    kind = Kind("model", 0.05, 0.0, 1.0, False)
    along = model.prior.derivative(by_demand * demand, by_roughness, by_setting) @ model.directions[:MODEL_DIRECTIONS].T
    for number, row in enumerate(along.T):
        found.append((kind, f"direction-{number + 1}", row, kind.rate))
    return found

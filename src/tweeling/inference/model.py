"""What the twin of one network is made of: everything that does not change while it runs.

Unknowns of a member, and how they enter:

    demand of junction n at time t  =  nominal_n(t) * exp(a_z(t)) * m_n * noise_n(t)      a: its zone's log factor
    roughness of pipe l             =  nominal_l * exp(r_l)
    setting of pressure valve v     =  nominal_v + s_v
    reading of sensor i             =  what the state gives there + b_i + instrument

m, r, s are fixed in time and far too many to learn one by one from some dozens of sensors. Scaled by their prior standard
deviations they are a vector p ~ N(0, I). Only a few directions of p show at the sensors at all: the right singular vectors of
the sensitivities at several hours. The filter learns the coordinates along these (`Directions`); across them every member keeps
what it was born with, so that places far from any sensor stay as doubtful as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tweeling.network.network import Floats, Ints, LinkKind, LinkStatus, Network
from tweeling.network.zones import Zones
from tweeling.observation.operator import ROWS, Comparison, make_comparison
from tweeling.observation.sensors import Sensors
from tweeling.physics.hydraulics.contract import Conditions, Engine, Solution, StoppingRule
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import Period, PeriodState, conditions_now, first_state, step
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.hydraulics.sensitivity import sensitivities_of

MOST_DIRECTIONS = 48
SHOWING = 0.05
"""A direction is learnt when it moves the sensors by at least so many standard deviations of one hour's noise."""
HOURS = (1, 4, 7, 9, 12, 16, 19, 22)
"""Hours of a day at which the sensitivities are taken."""


@dataclass(frozen=True)
class Doubts:
    """Standard deviations before anything is measured; the names are those of `beliefs` in `TWIN.toml`."""

    zone_factor_sd: float = 0.2
    node_demand_sd: float = 0.3
    roughness_sd: float = 0.1
    sensor_offset_sd: float = 0.1
    demand_noise_sd: float = 0.5
    setting_sd: float = 0.5


@dataclass(frozen=True, eq=False)
class Fields:
    """The fixed unknowns of some members, spelt out.

    Args:
        demand: factor; (member, junction).
        roughness: factor; (member, link).
        setting: m on top of the network's; (member, link).
    """

    demand: Floats
    roughness: Floats
    setting: Floats


@dataclass(frozen=True, eq=False)
class Prior:
    """How the vector p enters the network: individual roughness, roughness of a group, demands, settings, in this order.

    Pipes of equal nominal roughness are a group (material and age are recorded so): half of the variance is shared in it.

    Args:
        pipe: indices of pipes; (pipe,).
        group: of each pipe; (pipe,).
        n_groups: how many groups.
        valve: indices of valves that hold a pressure; (valve,).
        n_junctions, n_links: of the network.
        doubts: standard deviations.
    """

    pipe: Ints
    group: Ints
    n_groups: int
    valve: Ints
    n_junctions: int
    n_links: int
    doubts: Doubts

    @property
    def size(self) -> int:
        """Length of p."""
        return len(self.pipe) + self.n_groups + self.n_junctions + len(self.valve)

    def fields(self, p: Floats) -> Fields:
        """Members spelt out; p is (member, size)."""
        doubts = self.doubts
        edges = np.cumsum([len(self.pipe), self.n_groups, self.n_junctions])
        own, shared, node, valve = np.split(p, edges, axis=1)
        roughness = np.ones((len(p), self.n_links))
        roughness[:, self.pipe] = np.exp(doubts.roughness_sd * np.sqrt(0.5) * (own + shared[:, self.group]))
        sd = np.sqrt(np.log1p(doubts.node_demand_sd**2))
        setting = np.zeros((len(p), self.n_links))
        setting[:, self.valve] = doubts.setting_sd * valve
        return Fields(np.exp(sd * node - sd**2 / 2), roughness, setting)

    def derivative(self, by_log_demand: Floats, by_log_roughness: Floats, by_setting: Floats) -> Floats:
        """Derivatives by p; (row, size) from (row, junction), (row, link), (row, link)."""
        doubts = self.doubts
        own = by_log_roughness[:, self.pipe] * doubts.roughness_sd * np.sqrt(0.5)
        shared = np.zeros((len(own), self.n_groups))
        np.add.at(shared.T, self.group, own.T)
        node = by_log_demand * np.sqrt(np.log1p(doubts.node_demand_sd**2))
        return np.concatenate((own, shared, node, by_setting[:, self.valve] * doubts.setting_sd), axis=1)


@dataclass(frozen=True, eq=False)
class Model:
    """A network, its sensors and what is believed of them.

    Args:
        network: as the water company has it.
        free, led: compiled for time; in `led` no control acts on pumps whose flow is metered, for the meter says what they do.
        sensors: all of them.
        compared: the rows in which twin and reality are compared.
        scored: the same of sensors that are withheld: they only score.
        level, pump, meter: sensors that drive: levels of tanks, flows of pumps, demands of junctions; (sensor,) each.
        zones: of junctions.
        prior: of the fixed unknowns.
        directions: orthonormal rows; (direction, size of p).
        day: where the file's own first day stands at each full hour: statuses, tanks, flows; (hour,).
        interval: s between readings.
        epoch: microseconds since 1970 UTC of pattern time 0.
        engine: solves the steady states.
    """

    network: Network
    free: Period
    led: Period
    sensors: Sensors
    compared: Comparison
    scored: Comparison
    level: Ints
    pump: Ints
    meter: Ints
    zones: Zones
    prior: Prior
    directions: Floats
    day: tuple[PeriodState, ...]
    interval: int
    epoch: int
    engine: Engine

    @property
    def doubts(self) -> Doubts:
        """Standard deviations before anything is measured."""
        return self.prior.doubts

    def nominal_demand(self, time: int) -> Floats:
        """What the file says that junctions take, m3/s; (junction,).

        Args:
            time: s since pattern time 0.
        """
        return nominal_demand(self.free, time)


def nominal_demand(period: Period, time: int) -> Floats:
    """What the file says that junctions take, m3/s; (junction,)."""
    multiplier = period.patterns.at(period.clock.period(np.array([time], dtype=np.int64)))
    return np.asarray(Drivers.of(period.plan).demand(multiplier)[0])


def make_model(
    network: Network,
    sensors: Sensors,
    zones: Zones,
    doubts: Doubts,
    *,
    withheld: Ints,
    interval: int,
    epoch: int,
    engine: Engine,
) -> Model:
    """Compiles a network and its sensors, and finds the directions that show at them.

    Args:
        network: as the water company has it.
        sensors: all of them.
        zones: of junctions.
        doubts: standard deviations before anything is measured.
        withheld: indices of sensors that only score; they neither drive nor are compared.
        interval: s between readings.
        epoch: microseconds since 1970 UTC of pattern time 0.
        engine: solves the steady states.
    """
    used = np.setdiff1d(np.arange(len(sensors)), withheld)
    kind = network.links.kind
    flows = np.intersect1d(sensors.of("flow"), used)
    pump = flows[kind[sensors.element[flows]] == LinkKind.PUMP]
    free = Period.of(make_plan(network))
    metered = set(sensors.element[pump].tolist())
    led_network = replace(network, controls=tuple(c for c in network.controls if c.link not in metered))
    model = Model(
        network=network,
        free=free,
        led=Period.of(make_plan(led_network)) if metered else free,
        sensors=sensors,
        compared=make_comparison(network, sensors, withheld),
        scored=make_comparison(network, sensors, used),
        level=np.intersect1d(sensors.of("level"), used),
        pump=pump,
        meter=np.intersect1d(sensors.of("demand"), used),
        zones=zones,
        prior=_prior(network, doubts),
        directions=np.zeros((0, 0)),
        day=_nominal_day(free, engine),
        interval=interval,
        epoch=epoch,
        engine=engine,
    )
    return replace(model, directions=_directions(model))


def _prior(network: Network, doubts: Doubts) -> Prior:
    kind = network.links.kind
    pipe = np.flatnonzero(kind <= LinkKind.PIPE)
    nominal, group = np.unique(np.round(network.links.roughness[pipe], 9), return_inverse=True)
    holding = np.isin(kind, (LinkKind.PRV, LinkKind.PSV)) & (network.links.status == LinkStatus.ACTIVE)
    return Prior(
        pipe=pipe,
        group=group.astype(np.int64),
        n_groups=len(nominal),
        valve=np.flatnonzero(holding),
        n_junctions=network.nodes.n_junctions,
        n_links=len(network.links),
        doubts=doubts,
    )


def _directions(model: Model) -> Floats:
    """Directions of p that show at the sensors; (direction, size of p)."""
    plan, compared = model.free.plan, model.compared
    if not len(compared):
        return np.zeros((0, model.prior.size))
    shows = []
    for hour in HOURS:
        demand = model.nominal_demand(hour * 3600)
        conditions, solution = nominal_state(model, hour, demand)
        by = compared.rows_of(sensitivities_of(plan, conditions, solution, compared.outputs, ROWS))
        noise = nodal_noise(by[0], demand, model.doubts.demand_noise_sd) + np.diag(instrument_variance(compared, 3600.0))
        shown = model.prior.derivative(by[0] * demand, by[1], by[2])
        shows.append(np.linalg.solve(np.linalg.cholesky(noise), shown))
    _, size, directions = np.linalg.svd(np.concatenate(shows), full_matrices=False)
    count = int(np.minimum((size / np.sqrt(len(HOURS)) > SHOWING).sum(), MOST_DIRECTIONS))
    return np.asarray(directions[:count])


def nominal_state(model: Model, hour: int, demand: Floats) -> tuple[Conditions, Solution]:
    """The steady state of the file's own day at an hour, with other demands, as a batch of one; statuses as it ended.

    Args:
        model: the twin.
        hour: of the day.
        demand: m3/s; (junction,).
    """
    state = model.day[hour]
    multiplier = model.free.patterns.at(model.free.clock.period(state.time))
    conditions, flows = conditions_now(model.free, state, Drivers.of(model.free.plan), multiplier)
    conditions = replace(conditions, demand=demand[None])
    solution = model.engine(model.free.plan, conditions, replace(flows, demand=demand[None]), StoppingRule())
    return replace(conditions, status=solution.status), solution


def _nominal_day(period: Period, engine: Engine) -> tuple[PeriodState, ...]:
    """Where the file's own first day stands at each full hour."""
    drivers, hours = Drivers.of(period.plan), []
    state = first_state(period, 1, drivers)
    for hour in range(24):
        hours.append(state)
        while (state.time < (hour + 1) * 3600).any():
            state, _ = step(period, state, drivers, engine, StoppingRule(), until=(hour + 1) * 3600)
    return tuple(hours)


def nodal_noise(by_demand: Floats, demand: Floats, sd: float) -> Floats:
    """Covariance that the noise of single junctions' demands gives to rows; (row, row).

    Args:
        by_demand: derivatives of rows; (row, junction).
        demand: m3/s; (junction,).
        sd: relative.
    """
    moved = by_demand * (sd * demand)
    return np.asarray(moved @ moved.T)


def instrument_variance(compared: Comparison, seconds: float) -> Floats:
    """Variance of a row by instruments alone; of a tank's balance from two readings of its level so far apart; (row,)."""
    level = 2 * (compared.std * compared.area / seconds) ** 2
    return np.asarray(np.where(compared.balance >= 0, level, compared.std**2))

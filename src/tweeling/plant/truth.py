"""The hidden truth: what is drawn from the seed before anything happens, and the network that EPANET runs.

Factors are lognormal with mean 1. Every purpose has a random stream of its own, so changing one leaves the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from tweeling.errors import InputError
from tweeling.network.network import Demands, Floats, Ints, LinkKind, Network, Patterns, freeze
from tweeling.observation.sensors import Sensors
from tweeling.plant.config import PlantWorld
from tweeling.plant.events import RANDOM, Act, Event, GroundEvent, free_ids

ACCURACY = 1e-5
TRIALS = 200
LEAK_EXPONENT = 0.5
SHORTEST_STEP = 10
"""s; EPANET is not asked for shorter ones."""
PURPOSES = ("roughness", "node_demand", "zone_factor", "demand_noise", "offset", "instrument", "events")


@dataclass(frozen=True, eq=False)
class Happening:
    """An event with all that was drawn for it.

    Args:
        event: as the file has it.
        subjects: ids of what it happens to; one, but for demands.
        start, end: intervals since the start; it acts in [start, end).
        prepared: id of what was added to the network for it, "" for nothing.
    """

    event: Event
    subjects: tuple[str, ...]
    start: int
    end: int
    prepared: str = ""

    @property
    def subject(self) -> str:
        """Id of what it happens to."""
        return self.subjects[0]


@dataclass(frozen=True, eq=False)
class Hidden:
    """A hidden truth, ready to run.

    Args:
        world: what was asked for.
        model: the network that the twin knows.
        network: the true one: roughness, and what events need.
        sensors: of the model.
        happenings: in the order of the file.
        roughness_factor: (link,) of the model. demand_factor: (junction,) of the model.
        offset: of each sensor, SI; (sensor,).
        streams: seeds by purpose.
    """

    world: PlantWorld
    model: Network
    network: Network
    sensors: Sensors
    happenings: tuple[Happening, ...]
    roughness_factor: Floats
    demand_factor: Floats
    offset: Floats
    streams: dict[str, np.random.SeedSequence]

    def rng(self, purpose: str) -> np.random.Generator:
        """The random stream of a purpose, from its beginning."""
        return np.random.default_rng(self.streams[purpose])


def hide(network: Network, sensors: Sensors, world: PlantWorld) -> Hidden:
    """Draws a truth.

    Args:
        network: the model, from which the truth differs.
        sensors: of the model.
        world: how far it differs, and what happens.

    Raises:
        InputError: an event that makes no sense for this network or these sensors; it names the event.
    """
    children = np.random.SeedSequence(world.seed).spawn(len(PURPOSES))
    streams = dict(zip(PURPOSES, children, strict=True))
    rngs = {purpose: np.random.default_rng(stream) for purpose, stream in streams.items()}
    truth = world.truth
    roughness = lognormal(truth.roughness_sd, rngs["roughness"].standard_normal(len(network.links)))
    roughness[network.links.kind > LinkKind.PIPE] = 1.0
    demand = lognormal(truth.node_demand_sd, rngs["node_demand"].standard_normal(network.nodes.n_junctions))
    offset = truth.sensor_offset_sd * rngs["offset"].standard_normal(len(sensors))
    offset[[row.quantity not in ("pressure", "head") for row in sensors.rows]] = 0.0
    true = replace(network, links=replace(network.links, roughness=network.links.roughness * roughness))
    true, happenings = _happenings(true, sensors, world, rngs["events"])
    return Hidden(
        world=world,
        model=network,
        network=true,
        sensors=sensors,
        happenings=happenings,
        roughness_factor=freeze(roughness, float),
        demand_factor=freeze(demand, float),
        offset=freeze(offset, float),
        streams=streams,
    )


def lognormal(sd: float, normal: Floats) -> Floats:
    """Factors of mean 1 and standard deviation `sd` from standard normal numbers."""
    variance = np.log1p(sd**2)
    return np.asarray(np.exp(np.sqrt(variance) * normal - variance / 2))


def _happenings(
    network: Network, sensors: Sensors, world: PlantWorld, rng: np.random.Generator
) -> tuple[Network, tuple[Happening, ...]]:
    """Events with all that was drawn for them, and the network with what they need."""
    model, found = _with_emitter_law(network, world), []
    network = model
    for place, event in enumerate(world.events):
        # A draw for each, needed or not: another word in one event does not change the next.
        of_subject, of_time = rng.random(2)
        try:
            subjects = _subjects(event, model, sensors, of_subject)
            start = _interval(event.at, world, of_time)
            end = start + 1 if event.ONE_INTERVAL else world.n_intervals
            end = end if event.until is None else _interval(event.until, world, 0.0)
            _refuse_times(start, end, event, world)
            for subject in subjects:
                event.check(model, sensors, subject)
            prepared = ""
            if isinstance(event, GroundEvent):
                network, prepared = event.prepare(network, subjects[0])
        except InputError as error:
            raise InputError(f"events.{place} ({event.kind}): {error}") from error
        found.append(Happening(event, subjects, start, min(end, world.n_intervals), prepared))
    return network, tuple(found)


def _with_emitter_law(network: Network, world: PlantWorld) -> Network:
    """Leaks follow the orifice's law, and draw no water in, unless the network has emitters of its own: EPANET has one law."""
    if network.nodes.emitter.any() or not any(event.kind == "leak" for event in world.events):
        return network
    return replace(network, options=replace(network.options, emitter_exponent=LEAK_EXPONENT, emitter_backflow=False))


def _subjects(event: Event, network: Network, sensors: Sensors, drawn: float) -> tuple[str, ...]:
    """What an event happens to."""
    subject = event.subject
    if subject != RANDOM:
        return (subject,) if isinstance(subject, str) else subject
    population = event.population(network, sensors)
    if not population:
        raise InputError("there is nothing to draw from: this network has no such element; name one")
    return (population[int(drawn * len(population))],)


def _interval(when: object, world: PlantWorld, drawn: float) -> int:
    """The first interval that begins at or after a moment."""
    if when == RANDOM:
        return int(world.n_intervals * (0.25 + 0.5 * drawn))
    since = when - world.start if isinstance(when, datetime) else when
    assert isinstance(since, timedelta)
    return int(np.ceil(since.total_seconds() / world.interval - 1e-9))


def _refuse_times(start: int, end: int, event: Event, world: PlantWorld) -> None:
    if not 0 <= start < world.n_intervals:
        raise InputError(f"at is {_asked(event.at)}, which is not within the run of {world.days:g} days")
    if end <= start:
        raise InputError(f"until is {_asked(event.until)}, which is not after at ({_asked(event.at)})")


def _asked(when: object) -> str:
    return f"{when.total_seconds() / 86400:g} days after the start" if isinstance(when, timedelta) else str(when)


def step_seconds(hidden: Hidden) -> int:
    """How long a step of the patterns may be, so that every interval and every pattern period is whole steps.

    Raises:
        InputError: a step so short that a run would not end.
    """
    world, network = hidden.world, hidden.network
    interval, period = int(world.interval), max(network.times.pattern_step, 1)
    step = interval
    if any(len(values) > 1 for values in network.patterns.values):
        step = int(np.gcd.reduce([interval, period, world.offset]))
    if step < min(SHORTEST_STEP, interval):
        raise InputError(
            f"intervals of {interval} s, pattern periods of {period} s and a start {world.offset % period} s within one have "
            f"only steps of {step} s in common; choose interval and start so that they fit"
        )
    return step


def runnable(hidden: Hidden, step: int) -> Network:
    """The true network as EPANET runs it: one pattern a junction, which says its whole demand in file units."""
    network, world = hidden.network, hidden.world
    junctions = consuming(network)
    first = len(network.patterns.ids)
    names = free_ids("demand-", len(junctions), network.patterns.ids)
    patterns = Patterns(ids=(*network.patterns.ids, *names), values=(np.ones(1),) * (first + len(names)))
    demands = Demands(
        junction=junctions,
        base=np.full(len(junctions), network.units.flow_si),
        pattern=first + np.arange(len(junctions), dtype=np.int64),
    )
    times = replace(
        network.times,
        duration=0,
        hydraulic_step=min(network.times.hydraulic_step or step, step),
        pattern_step=step,
        pattern_start=0,
        report_step=step,
        report_start=0,
        start_clock=(world.start.hour * 60 + world.start.minute) * 60 + world.start.second,
        statistic="NONE",
    )
    options = replace(
        network.options,
        pattern=-1,
        demand_multiplier=1.0,
        accuracy=min(network.options.accuracy, ACCURACY),
        trials=max(network.options.trials, TRIALS),
        extra_trials=max(network.options.extra_trials, 10),  # a town does not end where EPANET's balance does
        quality="NONE",
        trace_node=-1,
    )
    return replace(network, patterns=patterns, demands=demands, times=times, options=options, sources=(), kept={})


def consuming(network: Network) -> Ints:
    """Junctions that have a demand category other than 0, ascending."""
    return np.unique(network.demands.junction[network.demands.base != 0])


def acts(hidden: Hidden) -> list[Act]:
    """What EPANET's process is to do, and when, in seconds since the start."""
    interval, network = int(hidden.world.interval), hidden.network
    return [
        happening.event.act(network, happening.subject, happening.prepared)
        | {"start": happening.start * interval, "end": happening.end * interval}
        for happening in hidden.happenings
        if isinstance(happening.event, GroundEvent)
    ]


def leaks(hidden: Hidden) -> Sequence[tuple[int, Happening]]:
    """Leaks with the index of their junction in the true network."""
    network = hidden.network
    return [(network.node(h.prepared), h) for h in hidden.happenings if h.event.kind == "leak"]

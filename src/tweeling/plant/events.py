"""What happens to the hidden town and to its instruments: one small frozen class a kind, in the table `EVENTS`.

There are three families. What happens in the ground (`GroundEvent`) tells EPANET's process what to do, some after a change of
the network beforehand. What happens to demand (`Demand`) is a factor. What happens to a sensor (`SensorEvent`) spoils its
readings. To add a kind: a class, a row in `AnyEvent`, and a row in `docs/reference/plant.md`.

An event acts from the first interval that begins at or after `at`, until the first that begins at or after `until`. Its subject
may be `random`: one of `population`. `at = "random"` is a moment in the middle half of the run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from scipy import sparse
from scipy.sparse import csgraph

from tweeling.errors import InputError
from tweeling.live.config import Span, seconds_of
from tweeling.network.changes import BreakPipe, SetSetting
from tweeling.network.inp.read import setting_si
from tweeling.network.network import Bools, Curves, Floats, LinkKind, LinkStatus, Network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.physics.hydraulics.plan import power_function
from tweeling.units import dimension, si_per

RANDOM = "random"
ALL = "all"
SHORTEST = 10.0
"""m; a pipe that is shorter is not drawn."""
LOWEST_PRESSURE = 1.0
"""m; a leak that begins at less is sized as if it had this."""
PUMP_CURVES = "plant-pump"
PIECES = 400
"""Of a pump's head curve."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HOUR = 3600.0
Act = dict[str, Any]
"""What EPANET's process is to do: `what`, and numbers in EPANET's numbering and the file's units."""


def moment_of(when: object) -> object:
    """A span since the start (`8d12h`, or seconds) or an aware moment; the rest is left to be judged."""
    if isinstance(when, str) and _DATE.match(when):
        when = datetime.fromisoformat(when)
    if isinstance(when, datetime):
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    if when == RANDOM or isinstance(when, timedelta):
        return when
    seconds = seconds_of(when)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 1e10:
        raise ValueError(f"{when!r} is neither a span since the start such as 8d12h nor a time such as 2018-01-09T12:00:00Z")
    return timedelta(seconds=seconds)


Moment = Annotated[timedelta | datetime, BeforeValidator(moment_of)]
RandomMoment = Annotated[timedelta | datetime | Literal["random"], BeforeValidator(moment_of)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=1e3, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class Event(BaseModel):
    """What every event has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ONE_INTERVAL: ClassVar[bool] = False
    """Without `until`, it lasts one interval; others last until the end of the run."""

    kind: str
    at: RandomMoment
    until: Moment | None = None

    @property
    def subject(self) -> str | tuple[str, ...]:
        """Id of what it happens to, or `random`."""
        raise NotImplementedError(f"{type(self).__name__} has no subject")

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """What `random` is drawn from, each as likely."""
        raise NotImplementedError(f"{type(self).__name__} has no population")

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """Refuses what makes no sense for its subject.

        Raises:
            InputError: says why.
        """


class GroundEvent(Event):
    """What happens to a link.

    Args:
        element: id of a link.
    """

    element: str

    @property
    def subject(self) -> str:
        """Id of the link, or `random`."""
        return self.element

    def prepare(self, network: Network, subject: str) -> tuple[Network, str]:
        """The network with what the event needs to be there from the start, and the id of that."""
        return network, ""

    def act(self, network: Network, subject: str, prepared: str) -> Act:
        """What EPANET's process does from the start to the end of the event.

        Args:
            network: with all that events need.
            subject: id of the link.
            prepared: id that `prepare` gave.
        """
        raise NotImplementedError(f"{type(self).__name__} does nothing")


class Leak(GroundEvent):
    """Water runs out of the middle of a pipe, as from an orifice: its flow goes with the root of the pressure.

    Args:
        flow_m3h: flow at the pressure of the moment when it begins.
        grows: how long it grows to that; its opening grows steadily.
    """

    kind: Literal["leak"]
    flow_m3h: Positive
    grows: Annotated[Span, Field(le=1e10)] = 0.0

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """Open pipes of at least `SHORTEST` with water in them."""
        return wet_pipes(network)

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """Only a pipe leaks."""
        _refuse_unless(network, subject, (LinkKind.PIPE, LinkKind.CHECK_VALVE_PIPE), "a pipe")

    def prepare(self, network: Network, subject: str) -> tuple[Network, str]:
        """The pipe split in two, with a junction between."""
        broken = network.with_changes([BreakPipe(subject, coefficient=0.0)])
        return broken, broken.nodes.ids[broken.nodes.n_junctions - 1]

    def act(self, network: Network, subject: str, prepared: str) -> Act:
        """An emitter that opens."""
        flow = self.flow_m3h / _HOUR / network.units.flow_si
        return {
            "what": "leak",
            "node": network.node(prepared) + 1,
            "flow": flow,
            "grows": self.grows,
            "exponent": network.options.emitter_exponent,
            "lowest": LOWEST_PRESSURE / network.units.pressure_si,
        }


class _ByHand(GroundEvent):
    """A link is closed or opened by hand."""

    STATUS: ClassVar[float]

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """A check valve is neither closed nor opened by hand."""
        kinds = tuple(kind for kind in LinkKind if kind != LinkKind.CHECK_VALVE_PIPE)
        _refuse_unless(network, subject, kinds, "a pipe without check valve, a pump or a valve")

    def act(self, network: Network, subject: str, prepared: str) -> Act:
        """A status that is kept."""
        return {"what": "status", "link": network.link(subject) + 1, "value": self.STATUS, "usual": _usual(network, subject)}


class Close(_ByHand):
    """A link is closed by hand; controls do not undo it."""

    STATUS = 0.0
    kind: Literal["close"]

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """Open pipes of at least `SHORTEST` with water in them."""
        return wet_pipes(network)


class Open(_ByHand):
    """A link is opened by hand, a valve so that it does not regulate; controls do not undo it."""

    STATUS = 1.0
    kind: Literal["open"]

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """Links that are closed at the start, without those with a check valve."""
        links = network.links
        closed = (links.status == LinkStatus.CLOSED) & (links.kind != LinkKind.CHECK_VALVE_PIPE)
        return [links.ids[link] for link in np.flatnonzero(closed)]


class Setting(GroundEvent):
    """A valve (or a pump's drive) is set wrongly; controls do not undo it.

    Args:
        setting: m of PRV, PSV and PBV, m3/h of FCV, loss coefficient of TCV, % open of PCV, relative speed of a pump.
    """

    kind: Literal["setting"]
    setting: Number

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """Valves that regulate."""
        links = network.links
        valves = (links.kind >= LinkKind.PRV) & (links.kind != LinkKind.GPV) & np.isfinite(links.setting)
        return [links.ids[link] for link in np.flatnonzero(valves)]

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """As `SetSetting` would refuse it."""
        network.with_changes([SetSetting(subject, self._si(network, subject))])

    def _si(self, network: Network, subject: str) -> float:
        """The setting as `Links.setting` has it."""
        is_flow = network.links.kind[network.link(subject)] == LinkKind.FCV
        return self.setting / _HOUR if is_flow else self.setting

    def act(self, network: Network, subject: str, prepared: str) -> Act:
        """A setting that is kept."""
        link = network.link(subject)
        value = self._si(network, subject) / setting_si(LinkKind(network.links.kind[link]), network.units)
        return {"what": "setting", "link": link + 1, "value": value, "usual": _usual(network, subject)}


class Pump(GroundEvent):
    """A pump is worn: at every flow it adds less head.

    Args:
        factor: on the head that it adds.
    """

    kind: Literal["pump"]
    factor: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """Pumps with a head curve."""
        return [network.links.ids[link] for link in network.pumps.link if network.links.curve[link] >= 0]

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """Only a pump adds head, and EPANET changes no constant power while it runs."""
        _refuse_unless(network, subject, (LinkKind.PUMP,), "a pump")
        if network.links.curve[network.link(subject)] < 0:
            raise InputError(
                f"pump {subject!r} has no head curve, so EPANET cannot make it weaker while it runs; give it a curve"
            )

    def prepare(self, network: Network, subject: str) -> tuple[Network, str]:
        """Head curves of its own in straight pieces, new and worn: EPANET takes no other pump law while it runs."""
        link = network.link(subject)
        flow, head = _in_pieces(network.curves, int(network.links.curve[link]))
        new, worn = free_ids(f"{PUMP_CURVES}-", 2, network.curves.ids)
        curves = _with_curve(network.curves, new, flow, head)
        curves = _with_curve(curves, worn, flow, self.factor * head)
        of_links = network.links.curve.copy()
        of_links[link] = curves.ids.index(new)
        return replace(network, curves=curves, links=replace(network.links, curve=of_links)), worn

    def act(self, network: Network, subject: str, prepared: str) -> Act:
        """Another curve."""
        link = network.link(subject)
        usual = int(network.links.curve[link]) + 1
        return {"what": "curve", "link": link + 1, "value": network.curves.ids.index(prepared) + 1, "usual": usual}


class Demand(Event):
    """Consumption jumps.

    Args:
        element: id of a junction, a list of them, or `all`.
        factor: on their consumption.
    """

    kind: Literal["demand"]
    element: str | tuple[str, ...] = ALL
    factor: Factor

    @property
    def subject(self) -> str | tuple[str, ...]:
        """Ids of junctions, `all` or `random`."""
        return self.element

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """Junctions with a consumption."""
        consuming = np.unique(network.demands.junction[network.demands.base > 0])
        return [network.nodes.ids[junction] for junction in consuming]

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """Only junctions consume."""
        if subject != ALL and network.node(subject) >= network.nodes.n_junctions:
            raise InputError(f"node {subject!r} is a reservoir or tank, not a junction")

    def where(self, network: Network, subjects: Sequence[str]) -> Bools:
        """Whose consumption jumps; (junction,)."""
        if ALL in subjects:
            return np.ones(network.nodes.n_junctions, bool)
        mask = np.zeros(network.nodes.n_junctions, bool)
        mask[[network.node(name) for name in subjects]] = True
        return mask


class SensorEvent(Event):
    """What happens to an instrument.

    Args:
        sensor: id.
    """

    sensor: str

    @property
    def subject(self) -> str:
        """Id of the sensor, or `random`."""
        return self.sensor

    def population(self, network: Network, sensors: Sensors) -> Sequence[str]:
        """All sensors; of those whose size is in m, those in m, kPa or bar."""
        return [row.id for row in sensors.rows if self._fits(row)]

    def check(self, network: Network, sensors: Sensors, subject: str) -> None:
        """A size in m is for pressures, heads and levels."""
        if subject not in sensors.index:
            raise InputError(f"there is no sensor {subject!r}; the sensor file names {', '.join(sensors.ids[:5])}, ...")
        row = sensors.rows[sensors.index[subject]]
        if not self._fits(row):
            raise InputError(f"sensor {subject!r} measures {row.quantity} in {row.unit}: give its size in that unit, not in m")

    def _fits(self, row: Sensor) -> bool:
        return True

    def spoil(self, readings: Floats, days: Floats, held: float, sensor: Sensor) -> Floats:
        """Readings while it lasts.

        Args:
            readings: as they would be, in the sensor's unit; (step,).
            days: since the event began; (step,).
            held: the last reading before it began.
            sensor: its row.
        """
        raise NotImplementedError(f"{type(self).__name__} spoils nothing")


class _Sized(SensorEvent):
    """Adds a size in metres (of pressures, heads and levels) or in the sensor's own unit."""

    @property
    def _metres(self) -> float | None:
        raise NotImplementedError(f"{type(self).__name__} has no size")

    @property
    def _own(self) -> float | None:
        raise NotImplementedError(f"{type(self).__name__} has no size")

    @model_validator(mode="after")
    def _one_size(self) -> _Sized:
        if (self._metres is None) == (self._own is None):
            raise ValueError("give its size once: in m, or in the sensor's own unit")
        return self

    def _fits(self, row: Sensor) -> bool:
        return self._metres is None or dimension(row.unit) == "length"

    def _in_unit(self, sensor: Sensor) -> float:
        return float(self._own if self._metres is None else self._metres / si_per(sensor.unit))  # type: ignore[arg-type]


class Drift(_Sized):
    """Readings wander off steadily, and are right again when it ends.

    Args:
        m_per_day: of pressures, heads and levels.
        per_day: in the sensor's unit, instead.
    """

    kind: Literal["drift"]
    m_per_day: Number | None = None
    per_day: Number | None = None

    @property
    def _metres(self) -> float | None:
        return self.m_per_day

    @property
    def _own(self) -> float | None:
        return self.per_day

    def spoil(self, readings: Floats, days: Floats, held: float, sensor: Sensor) -> Floats:
        """Further off every day."""
        return readings + self._in_unit(sensor) * days


class _Added(_Sized):
    """Readings are off by as much.

    Args:
        m: of pressures, heads and levels.
        size: in the sensor's unit, instead.
    """

    m: Number | None = None
    size: Number | None = None

    @property
    def _metres(self) -> float | None:
        return self.m

    @property
    def _own(self) -> float | None:
        return self.size

    def spoil(self, readings: Floats, days: Floats, held: float, sensor: Sensor) -> Floats:
        """Off by as much."""
        return readings + self._in_unit(sensor)


class Offset(_Added):
    """Readings are off by as much from one moment on."""

    kind: Literal["offset"]


class Spike(_Added):
    """One reading is off by as much; with `until`, all of them until then."""

    ONE_INTERVAL = True
    kind: Literal["spike"]


class Stuck(SensorEvent):
    """The last reading before it comes again and again."""

    kind: Literal["stuck"]

    def spoil(self, readings: Floats, days: Floats, held: float, sensor: Sensor) -> Floats:
        """The same."""
        return np.full_like(readings, held)


class Gap(SensorEvent):
    """No readings come."""

    kind: Literal["gap"]

    def spoil(self, readings: Floats, days: Floats, held: float, sensor: Sensor) -> Floats:
        """None."""
        return np.full_like(readings, np.nan)


AnyEvent = Annotated[
    Leak | Close | Open | Setting | Pump | Demand | Drift | Offset | Spike | Stuck | Gap, Field(discriminator="kind")
]
EVENTS: dict[str, type[Event]] = {
    get_args(event.model_fields["kind"].annotation)[0]: event for event in get_args(get_args(AnyEvent)[0])
}
"""Events by the word that a file calls them."""


def wet_pipes(network: Network) -> list[str]:
    """Open pipes of at least `SHORTEST`, no check valve, that open links join to a reservoir or tank; in the file's order."""
    links, n_nodes = network.links, len(network.nodes)
    passes = links.status != LinkStatus.CLOSED
    graph = sparse.coo_array((np.ones(passes.sum()), (links.start[passes], links.end[passes])), (n_nodes, n_nodes))
    _, part = csgraph.connected_components(graph, directed=False)
    supplied = np.isin(part, part[network.nodes.n_junctions :])
    wet = passes & (links.kind == LinkKind.PIPE) & (links.length >= SHORTEST) & supplied[links.start]
    return [links.ids[link] for link in np.flatnonzero(wet)]


def _in_pieces(curves: Curves, curve: int) -> tuple[Floats, Floats]:
    """A head curve as EPANET reads it, in straight pieces from no flow to no head; file units."""
    flow, head = np.asarray(curves.x[curve], float), np.asarray(curves.y[curve], float)
    law = power_function(flow, head)
    if law is None:
        return flow, head
    h0, r, n = law
    flow = np.linspace(0.0, (h0 / r) ** (1 / n), PIECES + 1)
    return flow, h0 - r * flow**n


def _with_curve(curves: Curves, name: str, x: Floats, y: Floats) -> Curves:
    return replace(curves, ids=(*curves.ids, name), kind=(*curves.kind, "PUMP"), x=(*curves.x, x), y=(*curves.y, y))


def free_ids(beginning: str, count: int, taken: Sequence[str]) -> list[str]:
    """As many ids that are not taken yet."""
    while any(name.startswith(beginning) for name in taken):
        beginning = f"{beginning}-"
    return [f"{beginning}{number}" for number in range(count)]


def _refuse_unless(network: Network, subject: str, kinds: tuple[LinkKind, ...], what: str) -> None:
    kind = LinkKind(network.links.kind[network.link(subject)])
    if kind not in kinds:
        raise InputError(f"link {subject!r} is a {kind.name}, not {what}")


def _usual(network: Network, subject: str) -> float | None:
    """The setting to which a valve returns, in file units; None for what has none."""
    link = network.link(subject)
    kind, setting = LinkKind(network.links.kind[link]), float(network.links.setting[link])
    if kind <= LinkKind.PUMP or kind == LinkKind.GPV or np.isnan(setting):
        return None
    return setting / setting_si(kind, network.units)

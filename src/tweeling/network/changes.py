"""What-if changes of a network, as data: what a plant hides, a diagnosis supposes and a scenario tries.

A change names elements by id and its `apply` gives another network; nothing is changed in place. Controls and rules of the
network stay as they are and may undo a change while time runs. To add a kind: a frozen dataclass and a row in `CHANGES`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tweeling.errors import InputError
from tweeling.network.network import Demands, Floats, LinkKind, Links, LinkStatus, Network, Nodes, Premise

_REGULATING = (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV)
_SIGNED_SETTING = (LinkKind.PRV, LinkKind.PSV)
_MAX_ID = 31


class Change(Protocol):
    """A change of a network; fields are ids, numbers in SI and nothing else, so that a file can hold it."""

    def apply(self, network: Network) -> Network:
        """The network after the change.

        Raises:
            UnknownElementError: it names an element that the network has not.
            InputError: it makes no sense for its element.
        """
        ...


@dataclass(frozen=True)
class CloseLink:
    """Closes a pipe or valve, or stops a pump. A pipe with a check valve becomes a closed pipe: nothing passes either way."""

    link: str

    def apply(self, network: Network) -> Network:
        """The network with the link closed."""
        link = network.link(self.link)
        kind = LinkKind(network.links.kind[link])
        if kind == LinkKind.CHECK_VALVE_PIPE:
            network = _with_links(network, link, kind=LinkKind.PIPE)
        setting = 0.0 if kind == LinkKind.PUMP else np.nan
        return _with_links(network, link, status=LinkStatus.CLOSED, setting=setting)


@dataclass(frozen=True)
class OpenLink:
    """Opens a pipe, fixes a valve fully open so that it does not regulate, or starts a pump (at speed 1 if it had none)."""

    link: str

    def apply(self, network: Network) -> Network:
        """The network with the link open."""
        link = network.link(self.link)
        setting = np.nan
        if network.links.kind[link] == LinkKind.PUMP:
            setting = network.links.setting[link] if network.links.setting[link] > 0 else 1.0
        return _with_links(network, link, status=LinkStatus.OPEN, setting=setting)


@dataclass(frozen=True)
class StopPump:
    """Stops a pump.

    Args:
        pump: id.
    """

    pump: str

    def apply(self, network: Network) -> Network:
        """The network with the pump at rest."""
        _link_of_kind(network, self.pump, (LinkKind.PUMP,), "a pump")
        return CloseLink(self.pump).apply(network)


@dataclass(frozen=True)
class SetSetting:
    """Sets a pump's speed or what a valve is to hold, and puts it to work.

    Args:
        link: id of a pump or a valve, not a GPV (its curve is its setting).
        setting: as `Links.setting`: speed; m of PRV, PSV, PBV; m3/s of FCV; loss coefficient of TCV; % open of PCV.
    """

    link: str
    setting: float

    def apply(self, network: Network) -> Network:
        """The network with the setting in force."""
        link = network.link(self.link)
        kind = LinkKind(network.links.kind[link])
        if kind <= LinkKind.PIPE or kind == LinkKind.GPV:
            raise InputError(f"link {self.link!r} is a {kind.name} and has no setting; close_link and open_link work on it")
        _check(self.setting, f"the setting of {self.link!r}", low=-math.inf if kind in _SIGNED_SETTING else 0.0)
        if kind == LinkKind.PCV and self.setting > 100:
            raise InputError(f"the setting of {self.link!r} is {self.setting}; a PCV opens by 0 to 100 %")
        status = LinkStatus.ACTIVE if kind in _REGULATING else LinkStatus.OPEN
        if kind == LinkKind.PUMP and self.setting == 0:
            status = LinkStatus.CLOSED
        return _with_links(network, link, status=status, setting=self.setting)


@dataclass(frozen=True)
class SetRoughness:
    """Sets the roughness of a pipe.

    Args:
        pipe: id.
        roughness: as `Links.roughness`: Hazen-Williams C, Manning n, or m for Darcy-Weisbach.
    """

    pipe: str
    roughness: float

    def apply(self, network: Network) -> Network:
        """The network with the other pipe wall."""
        link = _pipe(network, self.pipe)
        _check(self.roughness, f"the roughness of {self.pipe!r}", above=0.0)
        return _with_links(network, link, roughness=self.roughness)


@dataclass(frozen=True)
class SetLeak:
    """Sets the leakage along a pipe (EPANET's [LEAKAGE], after FAVAD), spread over its length.

    Args:
        pipe: id.
        area: as `Links.leak_area`: mm2 per 100 units of length of the file.
        expansion: as `Links.leak_expansion`: mm2 per m of pressure and 100 units of length of the file.
    """

    pipe: str
    area: float
    expansion: float = 0.0

    def apply(self, network: Network) -> Network:
        """The network with the pipe leaking so."""
        link = _pipe(network, self.pipe)
        for what, value in (("leak area", self.area), ("leak expansion", self.expansion)):
            _check(value, f"the {what} of {self.pipe!r}", low=0.0)
        return _with_links(network, link, leak_area=self.area, leak_expansion=self.expansion)


@dataclass(frozen=True)
class SetEmitter:
    """Sets the emitter of a junction: an outflow that grows with pressure, such as a leak, a hydrant or a sprinkler.

    Args:
        junction: id.
        coefficient: m3/s per m^exponent (`Options.emitter_exponent`); 0 is none.
    """

    junction: str
    coefficient: float

    def apply(self, network: Network) -> Network:
        """The network with the emitter."""
        junction = _junction(network, self.junction)
        _check(self.coefficient, f"the emitter of {self.junction!r}", low=0.0)
        nodes = dataclasses.replace(network.nodes, emitter=_put(network.nodes.emitter, junction, self.coefficient))
        return dataclasses.replace(network, nodes=nodes)


@dataclass(frozen=True)
class SetDemand:
    """Replaces all demand categories of a junction by one.

    Args:
        junction: id.
        demand: base demand, m3/s; negative is an inflow.
        pattern: id of its pattern; None keeps the pattern of the first category that was there.
    """

    junction: str
    demand: float
    pattern: str | None = None

    def apply(self, network: Network) -> Network:
        """The network with the other demand."""
        junction = _junction(network, self.junction)
        _check(self.demand, f"the demand of {self.junction!r}")
        old = network.demands
        first, after = np.searchsorted(old.junction, (junction, junction + 1))
        pattern = int(old.pattern[first]) if after > first else -1
        if self.pattern is not None:
            pattern = _pattern(network, self.pattern)
        shift = 1 - int(after - first)
        demands = Demands(
            junction=_splice(old.junction, first, after, junction),
            base=_splice(old.base, first, after, self.demand),
            pattern=_splice(old.pattern, first, after, pattern),
            name={i if i < first else i + shift: name for i, name in old.name.items() if not first <= i < after},
        )
        return dataclasses.replace(network, demands=demands)


@dataclass(frozen=True)
class ScaleDemands:
    """Multiplies base demands.

    Args:
        factor: no unit, at least 0.
        junctions: ids; None is all.
    """

    factor: float
    junctions: tuple[str, ...] | None = None

    def apply(self, network: Network) -> Network:
        """The network with the demands scaled."""
        _check(self.factor, "the factor on demands", low=0.0)
        demands = network.demands
        scaled = np.ones(len(demands.base), bool)
        if self.junctions is not None:
            scaled = np.isin(demands.junction, [_junction(network, name) for name in self.junctions])
        base = np.where(scaled, demands.base * self.factor, demands.base)
        return dataclasses.replace(network, demands=dataclasses.replace(demands, base=base))


@dataclass(frozen=True)
class SetTankLevel:
    """Sets the level that a tank starts with.

    Args:
        tank: id.
        level: m above the tank's bottom, between its limits.
    """

    tank: str
    level: float

    def apply(self, network: Network) -> Network:
        """The network with the tank filled so."""
        row = _row_of(network.tanks.node, network.node(self.tank))
        if row is None:
            raise InputError(f"node {self.tank!r} is no tank")
        low, high = float(network.tanks.min_level[row]), float(network.tanks.max_level[row])
        _check(self.level, f"the level of {self.tank!r}")
        if not low <= self.level <= high:
            raise InputError(f"the level of {self.tank!r} is {self.level} m; the tank holds {low} to {high} m")
        tanks = dataclasses.replace(network.tanks, initial_level=_put(network.tanks.initial_level, row, self.level))
        return dataclasses.replace(network, tanks=tanks)


@dataclass(frozen=True)
class SetReservoirHead:
    """Sets the head of a reservoir; its pattern goes on multiplying it.

    Args:
        reservoir: id.
        head: m.
    """

    reservoir: str
    head: float

    def apply(self, network: Network) -> Network:
        """The network with the reservoir at that head."""
        node = network.node(self.reservoir)
        if _row_of(network.reservoirs.node, node) is None:
            raise InputError(f"node {self.reservoir!r} is no reservoir")
        _check(self.head, f"the head of {self.reservoir!r}")
        nodes = dataclasses.replace(network.nodes, elevation=_put(network.nodes.elevation, node, self.head))
        return dataclasses.replace(network, nodes=nodes)


@dataclass(frozen=True)
class BreakPipe:
    """Splits a pipe at a new junction with an emitter, where its water runs out.

    The part at the start keeps id, check valve and minor loss; the other part is the last link. Junctions and links keep their
    numbers; reservoirs and tanks move up behind the new junction.

    Args:
        pipe: id.
        coefficient: of the emitter, m3/s per m^exponent (`Options.emitter_exponent`); 0 only splits.
        fraction: how far from the pipe's start, above 0 and below 1.
        junction: id of the new junction, None for one made from the pipe's.
    """

    pipe: str
    coefficient: float
    fraction: float = 0.5
    junction: str | None = None

    def apply(self, network: Network) -> Network:
        """The network with the broken pipe."""
        link = _pipe(network, self.pipe)
        _check(self.coefficient, f"the emitter on {self.pipe!r}", low=0.0)
        if not 0 < self.fraction < 1:
            raise InputError(f"the place of the break in {self.pipe!r} is {self.fraction}; it lies between 0 and 1")
        name = self.junction or _free_id(f"{self.pipe}-break", network.nodes.index)
        if name in network.nodes.index:
            raise InputError(f"there is a node {name!r} already; give the new junction another id")
        place, before, behind = _cut(network, link, self.fraction)
        elevation = _elevation_between(network, link, self.fraction)
        split = _with_junction(network, name, elevation, self.coefficient, place)
        return _with_split(split, link, self.fraction, before, behind)


CHANGES: Mapping[str, type[Change]] = {
    "close_link": CloseLink,
    "open_link": OpenLink,
    "stop_pump": StopPump,
    "set_setting": SetSetting,
    "set_roughness": SetRoughness,
    "set_leak": SetLeak,
    "set_emitter": SetEmitter,
    "set_demand": SetDemand,
    "scale_demands": ScaleDemands,
    "set_tank_level": SetTankLevel,
    "set_reservoir_head": SetReservoirHead,
    "break_pipe": BreakPipe,
}
"""Kinds of change by the name that a file calls them; the keys beside it are the fields."""


def _with_links(network: Network, link: int, **values: float) -> Network:
    """The network with other entries of one link in the columns named."""
    columns: dict[str, Any] = {name: _put(getattr(network.links, name), link, value) for name, value in values.items()}
    return dataclasses.replace(network, links=dataclasses.replace(network.links, **columns))


def _with_junction(network: Network, name: str, elevation: float, emitter: float, place: Floats) -> Network:
    """The network with a junction whose only demand is 0 behind the other junctions."""
    new, nodes, demands = network.nodes.n_junctions, network.nodes, network.demands

    def moved(node: Any) -> Any:
        return node + (node >= new)

    def of_premise(premise: Premise) -> Premise:
        return dataclasses.replace(premise, index=moved(premise.index)) if premise.subject == "node" else premise

    return dataclasses.replace(
        network,
        nodes=Nodes(
            ids=(*nodes.ids[:new], name, *nodes.ids[new:]),
            n_junctions=new + 1,
            elevation=np.insert(nodes.elevation, new, elevation),
            emitter=np.append(nodes.emitter, emitter),
            x=np.insert(nodes.x, new, place[0]),
            y=np.insert(nodes.y, new, place[1]),
            initial_quality=np.insert(nodes.initial_quality, new, 0.0),
            tag={moved(i): text for i, text in nodes.tag.items()},
            comment={moved(i): text for i, text in nodes.comment.items()},
        ),
        demands=dataclasses.replace(
            demands,
            junction=np.append(demands.junction, new),
            base=np.append(demands.base, 0.0),
            pattern=np.append(demands.pattern, -1),
        ),
        links=dataclasses.replace(network.links, start=moved(network.links.start), end=moved(network.links.end)),
        reservoirs=dataclasses.replace(network.reservoirs, node=moved(network.reservoirs.node)),
        tanks=dataclasses.replace(network.tanks, node=moved(network.tanks.node)),
        options=dataclasses.replace(network.options, trace_node=moved(network.options.trace_node)),
        controls=tuple(dataclasses.replace(control, node=moved(control.node)) for control in network.controls),
        rules=tuple(dataclasses.replace(r, premises=tuple(of_premise(p) for p in r.premises)) for r in network.rules),
        sources=tuple(dataclasses.replace(source, node=moved(source.node)) for source in network.sources),
    )


def _with_split(network: Network, link: int, fraction: float, before: Floats, behind: Floats) -> Network:
    """The network with a pipe that ends at the last junction, and a copy of it from there to where it ended."""
    links, new = network.links, network.nodes.n_junctions - 1
    columns: dict[str, Any] = {
        entry.name: np.append(values, values[link])
        for entry in dataclasses.fields(Links)
        if isinstance(values := getattr(links, entry.name), np.ndarray)
    }
    columns["length"][[link, -1]] = links.length[link] * np.array((fraction, 1 - fraction))
    columns["start"][-1] = columns["end"][link] = new
    columns["minor_loss"][-1] = 0.0
    columns["kind"][-1] = LinkKind.PIPE
    bends = {**links.vertices, link: before, len(links): behind}
    return dataclasses.replace(
        network,
        links=dataclasses.replace(
            links,
            **columns,
            ids=(*links.ids, _free_id(f"{links.ids[link]}-end", links.index)),
            vertices={i: points for i, points in bends.items() if len(points)},
        ),
    )


def _cut(network: Network, link: int, fraction: float) -> tuple[Floats, Floats, Floats]:
    """Where a pipe's drawn line is cut: the place (2,), the bends before and behind it (bend, 2)."""
    nodes, links = network.nodes, network.links
    ends = [np.array((nodes.x[node], nodes.y[node])) for node in (links.start[link], links.end[link])]
    bends = np.asarray(links.vertices.get(link, np.zeros((0, 2))), float)
    line = np.vstack([ends[0], bends, ends[1]])
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    if not along[-1] > 0:
        return line[0], bends, bends[:0]
    cut = int(np.searchsorted(along, fraction * along[-1]))
    place = np.array([np.interp(fraction * along[-1], along, line[:, axis]) for axis in (0, 1)])
    return place, bends[: cut - 1], bends[cut - 1 :]


def _elevation_between(network: Network, link: int, fraction: float) -> float:
    """The ground in between; where an end is a reservoir, whose elevation is its head, that of the other end."""
    ends = [int(network.links.start[link]), int(network.links.end[link])]
    ground = [end for end in ends if _row_of(network.reservoirs.node, end) is None] or ends
    first, last = network.nodes.elevation[ground[0]], network.nodes.elevation[ground[-1]]
    return float(first + fraction * (last - first))


def _put(column: npt.NDArray[Any], row: int, value: float) -> npt.NDArray[Any]:
    changed = column.copy()
    changed[row] = value
    return changed


def _splice(column: npt.NDArray[Any], first: int, after: int, value: float) -> npt.NDArray[Any]:
    """A column with the rows from `first` until `after` replaced by one."""
    return np.concatenate([column[:first], np.array([value], column.dtype), column[after:]])


def _row_of(nodes: npt.NDArray[np.int64], node: int) -> int | None:
    rows = np.flatnonzero(nodes == node)
    return int(rows[0]) if len(rows) else None


def _link_of_kind(network: Network, name: str, kinds: tuple[LinkKind, ...], what: str) -> int:
    link = network.link(name)
    kind = LinkKind(network.links.kind[link])
    if kind not in kinds:
        raise InputError(f"link {name!r} is a {kind.name}, not {what}")
    return link


def _pipe(network: Network, name: str) -> int:
    return _link_of_kind(network, name, (LinkKind.PIPE, LinkKind.CHECK_VALVE_PIPE), "a pipe")


def _junction(network: Network, name: str) -> int:
    node = network.node(name)
    if node >= network.nodes.n_junctions:
        raise InputError(f"node {name!r} is a reservoir or tank, not a junction")
    return node


def _pattern(network: Network, name: str) -> int:
    if name not in network.patterns.ids:
        raise InputError(f"the network has no pattern {name!r}; it has {', '.join(network.patterns.ids[:10])}")
    return network.patterns.ids.index(name)


def _check(value: float, what: str, low: float = -math.inf, above: float = -math.inf) -> None:
    if not math.isfinite(value):
        raise InputError(f"{what} is {value}; it must be a number")
    if value < low or (value <= above):
        raise InputError(f"{what} is {value}; it must be {'above' if above > low else 'at least'} {max(low, above):g}")


def _free_id(wish: str, taken: Mapping[str, int]) -> str:
    """An id of at most EPANET's length that is not taken."""
    for number in range(len(taken) + 1):
        ending = f"-{number}" if number else ""
        name = wish.encode()[: _MAX_ID - len(ending)].decode(errors="ignore") + ending
        if name not in taken:
            return name
    raise AssertionError("more ids are taken than there are")

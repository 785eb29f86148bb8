"""What lies in the ground: a network as frozen arrays in SI, text ids at the edge and integer indices inside.

A network never holds a run. Nodes are numbered junctions first, then reservoirs and tanks, each in the file's order (so is
EPANET's numbering); links are numbered in the file's order. "None" is -1 in an index array and NaN in an array of numbers.

Curves and patterns keep the numbers of the file: the unit of a curve's points depends on who uses it, so they are converted
where they are used (`tweeling.physics.hydraulics.plan`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tweeling.errors import UnknownElementError
from tweeling.units import FileUnits

if TYPE_CHECKING:
    from tweeling.network.changes import Change

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = Mapping[int, str]
"""Sparse text by element index."""


class LinkKind(IntEnum):
    """Kinds of link, numbered as EPANET's toolkit does."""

    CHECK_VALVE_PIPE = 0
    PIPE = 1
    PUMP = 2
    PRV = 3
    PSV = 4
    PBV = 5
    FCV = 6
    TCV = 7
    GPV = 8
    PCV = 9


class LinkStatus(IntEnum):
    """What a file, a control or a person says of a link. `ACTIVE` lets a control valve regulate by its setting."""

    CLOSED = 0
    OPEN = 1
    ACTIVE = 2


def freeze(array: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A read-only copy-free view of an array of one type."""
    view = np.asarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


class _Table:
    """A dataclass whose arrays are read-only from the moment it exists."""

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, entry.name, freeze(value, value.dtype))


@dataclass(frozen=True, eq=False)
class Nodes(_Table):
    """Junctions, then reservoirs and tanks.

    Args:
        ids: (node,).
        n_junctions: the first so many nodes are junctions.
        elevation: m; (node,). Of a reservoir: its head; of a tank: its bottom.
        emitter: m3/s per m^exponent; (junction,). 0 is none. The exponent stands in `Options.emitter_exponent`.
        x, y: the file's map coordinates, NaN where absent; (node,).
        initial_quality: in the file's quality unit, 0 where absent; (node,).
        tag, comment: sparse texts by node.
    """

    ids: tuple[str, ...]
    n_junctions: int
    elevation: Floats
    emitter: Floats
    x: Floats
    y: Floats
    initial_quality: Floats
    tag: Texts = field(default_factory=dict)
    comment: Texts = field(default_factory=dict)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Index of a node by id."""
        return {name: i for i, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Demands(_Table):
    """Demand categories; a junction may have several, in the file's order, or none.

    Args:
        junction: index of the junction, ascending; (category,).
        base: m3/s; (category,).
        pattern: index into `Patterns`, -1 for the default pattern of `Options.pattern`; (category,).
        name: sparse texts by category.
    """

    junction: Ints
    base: Floats
    pattern: Ints
    name: Texts = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Reservoirs(_Table):
    """Nodes of fixed head.

    Args:
        node: index; (reservoir,). Its head is the node's elevation.
        pattern: index into `Patterns` that multiplies the head, -1 for none; (reservoir,).
    """

    node: Ints
    pattern: Ints


@dataclass(frozen=True, eq=False)
class Tanks(_Table):
    """Nodes whose head follows the volume they hold.

    Args:
        node: index; (tank,).
        initial_level, min_level, max_level: m above the node's elevation; (tank,).
        diameter: m; (tank,). 0 where a volume curve is used and the file gives none.
        min_volume: m3 at `min_level`; (tank,).
        volume_curve: index into `Curves`, -1 for a cylinder; (tank,).
        can_overflow: a full tank spills instead of closing its inflow; (tank,).
        mixing_model, mixing_fraction, bulk_coefficient: water quality, kept for later; EPANET's codes, no unit, 1/day; (tank,).
    """

    node: Ints
    initial_level: Floats
    min_level: Floats
    max_level: Floats
    diameter: Floats
    min_volume: Floats
    volume_curve: Ints
    can_overflow: Bools
    mixing_model: Ints
    mixing_fraction: Floats
    bulk_coefficient: Floats


@dataclass(frozen=True, eq=False)
class Links(_Table):
    """Pipes, pumps and valves.

    Args:
        ids: (link,).
        kind: `LinkKind`; (link,), int8.
        start, end: node indices; flow is positive from start to end; (link,).
        length, diameter: m; (link,). 0 where the kind has none.
        roughness: Hazen-Williams C, Manning n (no unit) or Darcy-Weisbach e in m; (link,). 0 for pumps and valves.
        minor_loss: loss coefficient K, no unit; (link,).
        status: `LinkStatus` at the start; (link,), int8. A regulating control valve is ACTIVE.
        setting: speed of a pump; pressure (m) of PRV, PSV, PBV; flow (m3/s) of FCV; loss coefficient of TCV; % open of PCV;
            NaN where there is none (pipes, GPVs, valves fixed open or closed); (link,).
        curve: index into `Curves` of the head curve of a pump, the loss curve of a GPV or PCV, -1 for none; (link,).
        leak_area: mm2 per 100 units of length of the file (EPANET's [LEAKAGE]); (link,).
        leak_expansion: mm2 per m of pressure and 100 units of length of the file, whatever its units; (link,).
        bulk_coefficient, wall_coefficient: water quality, kept for later, as in the file; NaN where the file's general
            coefficient holds; (link,).
        vertices: the file's map coordinates of the bends by link; arrays (bend, 2).
        tag, comment: sparse texts by link.
    """

    ids: tuple[str, ...]
    kind: npt.NDArray[np.int8]
    start: Ints
    end: Ints
    length: Floats
    diameter: Floats
    roughness: Floats
    minor_loss: Floats
    status: npt.NDArray[np.int8]
    setting: Floats
    curve: Ints
    leak_area: Floats
    leak_expansion: Floats
    bulk_coefficient: Floats
    wall_coefficient: Floats
    vertices: Mapping[int, Floats] = field(default_factory=dict)
    tag: Texts = field(default_factory=dict)
    comment: Texts = field(default_factory=dict)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Index of a link by id."""
        return {name: i for i, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Pumps(_Table):
    """What only pumps have; their head curve stands in `Links.curve`, their speed in `Links.setting`.

    Args:
        link: index; (pump,).
        power: W of a pump of constant power, 0 for one with a head curve; (pump,).
        speed_pattern: index into `Patterns`, -1 for none; (pump,).
        efficiency_curve: index into `Curves`, -1 for the general efficiency; (pump,).
        price: per kWh, 0 for the general price; (pump,).
        price_pattern: index into `Patterns`, -1 for the general pattern; (pump,).
    """

    link: Ints
    power: Floats
    speed_pattern: Ints
    efficiency_curve: Ints
    price: Floats
    price_pattern: Ints


@dataclass(frozen=True, eq=False)
class Patterns:
    """Time patterns: multipliers, one a pattern step, repeated for ever."""

    ids: tuple[str, ...] = ()
    values: tuple[Floats, ...] = ()
    comment: Texts = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves in the numbers of the file; `kind` is VOLUME, PUMP, EFFICIENCY, HEADLOSS, GENERIC or VALVE."""

    ids: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    x: tuple[Floats, ...] = ()
    y: tuple[Floats, ...] = ()
    comment: Texts = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """A simple control: one link, one condition.

    Args:
        link: index.
        status: `LinkStatus` that it sets (EPANET's rule: a pump with speed > 0 is OPEN).
        setting: speed or valve setting in SI that it sets, None for a pure status.
        kind: `below` or `above` (a node), `time` (seconds since the start), `clock` (seconds since midnight).
        node: index for `below` and `above`, else -1.
        value: level above a tank's bottom or pressure at a junction, m; or seconds.
        enabled: a disabled control is kept and does nothing.
    """

    link: int
    status: int
    setting: float | None
    kind: str
    node: int
    value: float
    enabled: bool = True


@dataclass(frozen=True)
class Premise:
    """One condition of a rule.

    Args:
        logic: `if`, `and` or `or`, as written before it (`or` and `and` have no precedence in EPANET).
        subject: `node`, `link` or `system`.
        index: of the node or link, -1 for the system.
        variable: `demand head grade level pressure flow status setting time clocktime filltime draintime`.
        relation: `= <> < <= > >=`.
        status: `LinkStatus` compared with, None for a number.
        value: in SI (m, m3/s, s, or a setting's unit), NaN with a status.
    """

    logic: str
    subject: str
    index: int
    variable: str
    relation: str
    status: int | None
    value: float


@dataclass(frozen=True)
class Action:
    """What a rule does to a link: a `LinkStatus`, or a setting in SI (then `status` is None)."""

    link: int
    status: int | None
    setting: float | None


@dataclass(frozen=True)
class Rule:
    """A rule-based control; of conflicting actions that of the highest priority wins, then that of the earliest rule."""

    id: str
    premises: tuple[Premise, ...]
    then: tuple[Action, ...]
    otherwise: tuple[Action, ...] = ()
    priority: float = 0.0
    enabled: bool = True


@dataclass(frozen=True)
class Source:
    """A water-quality source at a node, kept for later: EPANET's type name, strength in the file's unit, pattern or -1."""

    node: int
    kind: str
    strength: float
    pattern: int


@dataclass(frozen=True)
class Options:
    """The file's options that physics needs; accuracies are the file's wishes, used only on request.

    Args:
        headloss: `HW`, `DW` or `CM` (Hazen-Williams, Darcy-Weisbach, Chezy-Manning).
        demand_model: `DDA` or `PDA` (demand- or pressure-driven).
        min_pressure, required_pressure: m, for PDA.
        pressure_exponent: for PDA, no unit.
        emitter_exponent: q = C p^exponent, no unit (EPANET's EMITTER EXPONENT).
        emitter_backflow: whether an emitter draws water in at negative pressure.
        demand_multiplier: on all demands.
        pattern: index of the default pattern, -1 for none (constant 1).
        viscosity: relative to water at 20 C (1.1e-5 ft2/s in EPANET).
        specific_gravity: relative to water at 4 C.
        accuracy, head_error, flow_change, damp_limit: EPANET's convergence options; m and m3/s.
        trials, extra_trials, check_frequency, max_check: EPANET's counts; extra_trials -1 is "stop when unbalanced".
        diffusivity, tolerance: water quality, kept for later.
        quality: `NONE`, `CHEMICAL`, `AGE` or `TRACE`; chemical_name, chemical_unit, trace_node (-1 for none) with it.
    """

    headloss: str = "HW"
    demand_model: str = "DDA"
    min_pressure: float = 0.0
    required_pressure: float = 0.07
    pressure_exponent: float = 0.5
    emitter_exponent: float = 0.5
    emitter_backflow: bool = True
    demand_multiplier: float = 1.0
    pattern: int = -1
    viscosity: float = 1.0
    specific_gravity: float = 1.0
    accuracy: float = 1e-3
    head_error: float = 0.0
    flow_change: float = 0.0
    damp_limit: float = 0.0
    trials: int = 200
    extra_trials: int = -1
    check_frequency: int = 2
    max_check: int = 10
    diffusivity: float = 1.0
    tolerance: float = 0.01
    quality: str = "NONE"
    chemical_name: str = ""
    chemical_unit: str = ""
    trace_node: int = -1


@dataclass(frozen=True)
class Times:
    """Seconds, except `statistic` (EPANET's name)."""

    duration: int = 0
    hydraulic_step: int = 3600
    quality_step: int = 360
    rule_step: int = 360
    pattern_step: int = 3600
    pattern_start: int = 0
    report_step: int = 3600
    report_start: int = 0
    start_clock: int = 0
    statistic: str = "NONE"


@dataclass(frozen=True)
class Energy:
    """The file's general energy prices and efficiency.

    Args:
        efficiency: %, where a pump has no curve.
        price: per kWh.
        price_pattern: index, -1 for none.
        demand_charge: per kW of the peak.
    """

    efficiency: float = 75.0
    price: float = 0.0
    price_pattern: int = -1
    demand_charge: float = 0.0


@dataclass(frozen=True, eq=False)
class Network:
    """A drinking-water network; see the tables for their arrays. Never changed: `with_changes` gives another.

    Args:
        kept: sections that only travel with the file (REPORT, BACKDROP, LABELS, REACTIONS, ...): their lines by section name.
    """

    title: tuple[str, ...]
    units: FileUnits
    nodes: Nodes
    demands: Demands
    reservoirs: Reservoirs
    tanks: Tanks
    links: Links
    pumps: Pumps
    patterns: Patterns
    curves: Curves
    options: Options
    times: Times
    energy: Energy
    controls: tuple[Control, ...] = ()
    rules: tuple[Rule, ...] = ()
    sources: tuple[Source, ...] = ()
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        name = self.title[0] if self.title else "network"
        return (
            f"<Network {name!r}: {self.nodes.n_junctions} junctions, {len(self.reservoirs.node)} reservoirs, "
            f"{len(self.tanks.node)} tanks, {len(self.links)} links>"
        )

    def node(self, name: str) -> int:
        """Index of a node.

        Raises:
            UnknownElementError: the network has no node of that id.
        """
        return _find(self.nodes.index, name, "node")

    def link(self, name: str) -> int:
        """Index of a link.

        Raises:
            UnknownElementError: the network has no link of that id.
        """
        return _find(self.links.index, name, "link")

    def with_changes(self, changes: Sequence[Change]) -> Network:
        """This network with changes applied in order; a new link comes last, a new junction last of the junctions, and
        reservoirs and tanks move up behind it; nothing else is renumbered.

        Raises:
            UnknownElementError: a change names an element that the network has not.
            InputError: a change that makes no sense for its element.
        """
        network = self
        for change in changes:
            network = change.apply(network)
        return network

    def write(self, path: str | Path) -> None:
        """Writes an EPANET 2.3 INP file from which `read_network` makes the same network (numbers to 1e-12)."""
        from tweeling.network.inp.write import write_inp

        write_inp(self, path)


def _find(index: Mapping[str, int], name: str, what: str) -> int:
    try:
        return index[name]
    except KeyError:
        from difflib import get_close_matches

        close = get_close_matches(name, index, n=3)
        hint = f"; near it: {', '.join(close)}" if close else ""
        raise UnknownElementError(f"the network has no {what} {name!r}{hint}") from None

"""Reads an EPANET 2.3 INP file: EPANET itself says what it means, the text gives what its toolkit keeps to itself.

    text -> sections -> refuse what is no network file      `sections`, `trouble`
         -> EPANET's toolkit in a process of its own        `judge`, `child`
         -> tables in SI                                    here
         <- digits, bends, tags, comments from the text     `extras`

Which of the two gives what stands in docs/reference/inp.md.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from tweeling.network.inp import extras
from tweeling.network.inp.judge import Answer, ask, safe_copy
from tweeling.network.inp.sections import BLANK, Line, read_encoded, split_sections
from tweeling.network.inp.trouble import not_finite, refuse_left_out, refuse_unreadable, refused
from tweeling.network.network import (
    Action,
    Control,
    Curves,
    Demands,
    Energy,
    Floats,
    Ints,
    LinkKind,
    Links,
    LinkStatus,
    Network,
    Nodes,
    Options,
    Patterns,
    Premise,
    Pumps,
    Reservoirs,
    Rule,
    Source,
    Tanks,
    Times,
)
from tweeling.units import KW_PER_HP, FileUnits

# In the order of EPANET's codes.
FLOW_UNITS = "CFS GPM MGD IMGD AFD LPS LPM MLD CMH CMD CMS".split()
PRESSURE_UNITS = "PSI KPA METERS BAR FEET".split()
HEADLOSS = ("HW", "DW", "CM")
DEMAND_MODELS = ("DDA", "PDA")
CURVE_KINDS = ("VOLUME", "PUMP", "EFFICIENCY", "HEADLOSS", "GENERIC", "VALVE")
STATISTICS = ("NONE", "AVERAGED", "MINIMUM", "MAXIMUM", "RANGE")
SOURCE_KINDS = ("CONCEN", "MASS", "SETPOINT", "FLOWPACED")
MIXING = ("MIXED", "2COMP", "FIFO", "LIFO")
CONTROL_KINDS = ("below", "above", "time", "clock")
VARIABLES = "demand head grade level pressure flow status setting power time clocktime filltime draintime".split()
RELATIONS = ("=", "<>", "<=", ">=", "<", ">")
RULE_STATUS = {1: LinkStatus.OPEN, 2: LinkStatus.CLOSED, 3: LinkStatus.ACTIVE}

SECONDS_PER_HOUR = 3600.0
CONTROL_VALVES = (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV)
"""Valves that regulate; the others only lose head, and are open with a setting."""

_INSTANTS = ("time", "clocktime")
_TANK, _OR, _CONSTANT_POWER = 2, 3, 0
_SYSTEM, _LINK = 8, 7
_PUSH = 1e10
"""EPANET's setting of a control that opens (or with a minus sign closes)."""


def read_network(path: str | Path) -> Network:
    """The network in an EPANET INP file.

    Args:
        path: the file; UTF-8, else Latin-1.

    Raises:
        NetworkFileError: no such file, no INP file, or one that EPANET refuses; the message names section and line, and
            `problems` up to ten of them.
    """
    text, encoding = read_encoded(path)
    sections = split_sections(text)
    refuse_unreadable(path, sections, encoding)
    answer = ask(safe_copy(text, sections, encoding), encoding, str(path), "SOURCES" in sections)
    if answer.refusal is not None:
        raise refused(path, answer.refusal, answer.header["report"], text, sections)
    if not answer.sound:
        raise not_finite(path, sections)
    refuse_left_out(path, sections, answer.header["node_ids"], answer.header["link_ids"])
    return _network(answer, sections)


def _network(answer: Answer, sections: dict[str, list[Line]]) -> Network:
    numbers = {name: _plain(answer.header[name]) for name in ("options", "demand_model", "controls", "rules")}
    header = answer.header | numbers
    answer = Answer(header, {name: extras.without_noise(values) for name, values in answer.arrays.items()})
    units = FileUnits(FLOW_UNITS[header["flow_units"]], PRESSURE_UNITS[int(header["options"]["pressure_units"])])
    options = _options(header, units)
    links = _links(answer, sections, units, options)
    nodes = _nodes(answer, sections, units, options)
    control_lines = [line for line in sections.get("CONTROLS", ()) if line.tokens]
    return Network(
        title=tuple(line.text for line in sections.get("TITLE", ())),
        units=units,
        nodes=nodes,
        demands=_demands(answer, sections, units),
        reservoirs=_reservoirs(answer),
        tanks=_tanks(answer, sections, units),
        links=links,
        pumps=_pumps(answer, units),
        patterns=_patterns(header),
        curves=_curves(header),
        options=dataclasses.replace(options, **extras.quality_option(sections, nodes.index)),
        times=_times(header),
        energy=_energy(header),
        controls=tuple(
            _control(entry, line, units, links.kind, nodes.n_junctions)
            for entry, line in zip(header["controls"], control_lines, strict=True)
        ),
        rules=tuple(_rule(entry, units, links.kind) for entry in header["rules"]),
        sources=tuple(_source(entry) for entry in header["sources"]),
        kept=extras.kept(sections),
    )


def _nodes(answer: Answer, sections: dict[str, list[Line]], units: FileUnits, options: Options) -> Nodes:
    ids, arrays = tuple(answer.header["node_ids"]), answer.arrays
    index = {name: i for i, name in enumerate(ids)}
    n_junctions = int(np.count_nonzero(arrays["node_kind"] == 0))
    emitter_si = units.flow_si / units.pressure_si**options.emitter_exponent
    x, y = extras.coordinates(sections, index)
    return Nodes(
        ids=ids,
        n_junctions=n_junctions,
        elevation=arrays["elevation"] * units.length_si,
        emitter=arrays["emitter"][:n_junctions] * emitter_si,
        x=x,
        y=y,
        initial_quality=arrays["initial_quality"],
        tag=extras.tags(sections, "NODE", index),
        comment=extras.comments(sections, ("JUNCTIONS", "RESERVOIRS", "TANKS"), index),
    )


def _demands(answer: Answer, sections: dict[str, list[Line]], units: FileUnits) -> Demands:
    arrays = answer.arrays
    junction = _index(arrays["demand_junction"])
    return Demands(
        junction=junction,
        base=arrays["demand_base"] * units.flow_si,
        pattern=_index(arrays["demand_pattern"]),
        name=extras.demand_names(sections, junction, answer.header["node_ids"]),
    )


def _reservoirs(answer: Answer) -> Reservoirs:
    node = np.flatnonzero(answer.arrays["node_kind"] == 1)
    return Reservoirs(node=node, pattern=_index(answer.arrays["node_pattern"][node]))


def _tanks(answer: Answer, sections: dict[str, list[Line]], units: FileUnits) -> Tanks:
    arrays = answer.arrays
    node = np.flatnonzero(arrays["node_kind"] == _TANK)
    of = {name.removeprefix("tank_"): arrays[name][node] for name in arrays if name.startswith("tank_")}
    ids = [answer.header["node_ids"][i] for i in node]
    of |= extras.exact_tanks(of, sections, ids)
    return Tanks(
        node=node,
        initial_level=of["level"] * units.length_si,
        min_level=of["min_level"] * units.length_si,
        max_level=of["max_level"] * units.length_si,
        diameter=of["diameter"] * units.length_si,
        min_volume=of["min_volume"] * units.volume_si,
        volume_curve=_index(of["curve"]),
        can_overflow=of["overflow"] > 0,
        mixing_model=of["mixing"].astype(np.int64),
        mixing_fraction=of["mixing_fraction"],
        bulk_coefficient=extras.only_where_given(of["bulk"], sections, "TANK", ids),
    )


def _links(answer: Answer, sections: dict[str, list[Line]], units: FileUnits, options: Options) -> Links:
    ids, arrays = tuple(answer.header["link_ids"]), answer.arrays
    index = {name: i for i, name in enumerate(ids)}
    kind = arrays["link_kind"].astype(np.int8)
    regulated = (kind >= LinkKind.PRV) & (kind != LinkKind.GPV) & (arrays["status"] == LinkStatus.ACTIVE)
    pipe = kind <= LinkKind.PIPE
    scale = np.array([setting_si(LinkKind(k), units) for k in range(len(LinkKind))])[kind]
    rough = units.roughness_si if options.headloss == "DW" else 1.0
    return Links(
        ids=ids,
        kind=kind,
        start=_index(arrays["start"]),
        end=_index(arrays["end"]),
        length=np.where(pipe, arrays["length"], 0.0) * units.length_si,
        diameter=arrays["diameter"] * units.diameter_si,
        roughness=np.where(pipe, arrays["roughness"], 0.0) * rough,
        minor_loss=np.where(kind == LinkKind.PUMP, 0.0, arrays["minor_loss"]),
        status=np.where(regulated & ~np.isin(kind, CONTROL_VALVES), LinkStatus.OPEN, arrays["status"]).astype(np.int8),
        setting=np.where(regulated | (kind == LinkKind.PUMP), arrays["setting"] * scale, np.nan),
        curve=_index(arrays["curve"]),
        leak_area=arrays["leak_area"],
        leak_expansion=arrays["leak_expansion"],
        bulk_coefficient=extras.only_where_given(arrays["bulk"], sections, "BULK", ids),
        wall_coefficient=extras.only_where_given(arrays["wall"], sections, "WALL", ids),
        vertices=extras.vertices(sections, index),
        tag=extras.tags(sections, "LINK", index),
        comment=extras.comments(sections, ("PIPES", "PUMPS", "VALVES"), index),
    )


def setting_si(kind: LinkKind, units: FileUnits) -> float:
    """SI in one unit of a link's setting: metres of PRV, PSV, PBV; m3/s of FCV; 1 for speeds, loss coefficients, % open."""
    if kind in (LinkKind.PRV, LinkKind.PSV, LinkKind.PBV):
        return units.pressure_si
    return units.flow_si if kind == LinkKind.FCV else 1.0


def _pumps(answer: Answer, units: FileUnits) -> Pumps:
    arrays = answer.arrays
    constant = arrays["pump_type"] == _CONSTANT_POWER
    # The toolkit gives horsepower for a metric file too.
    power = extras.without_noise(arrays["pump_power"] * (KW_PER_HP if units.metric else 1.0))
    return Pumps(
        link=_index(arrays["pump_link"]),
        power=np.where(constant, power, 0.0) * units.power_si,
        speed_pattern=_index(arrays["pump_speed_pattern"]),
        efficiency_curve=_index(arrays["pump_efficiency_curve"]),
        price=arrays["pump_price"],
        price_pattern=_index(arrays["pump_price_pattern"]),
    )


def _patterns(header: dict[str, Any]) -> Patterns:
    entries = header["patterns"]
    return Patterns(
        ids=tuple(name for name, _, _ in entries),
        values=tuple(np.array(values, np.float64) for _, values, _ in entries),
        comment=_comments([comment for _, _, comment in entries]),
    )


def _curves(header: dict[str, Any]) -> Curves:
    entries = header["curves"]
    points = [np.array(entry[2], np.float64).reshape(-1, 2) for entry in entries]
    return Curves(
        ids=tuple(entry[0] for entry in entries),
        kind=tuple(CURVE_KINDS[entry[1]] for entry in entries),
        x=tuple(point[:, 0] for point in points),
        y=tuple(point[:, 1] for point in points),
        comment=_comments([entry[3] for entry in entries]),
    )


def _comments(texts: list[str]) -> dict[int, str]:
    return {i: text.strip(BLANK) for i, text in enumerate(texts) if text.strip(BLANK)}


def _options(header: dict[str, Any], units: FileUnits) -> Options:
    given = header["options"]
    model, min_pressure, required_pressure, pressure_exponent = header["demand_model"]
    return Options(
        headloss=HEADLOSS[int(given["headloss"])],
        demand_model=DEMAND_MODELS[model],
        min_pressure=min_pressure * units.pressure_si,
        required_pressure=required_pressure * units.pressure_si,
        pressure_exponent=pressure_exponent,
        emitter_exponent=given["emitter_exponent"],
        emitter_backflow=given["emitter_backflow"] > 0,
        demand_multiplier=given["demand_multiplier"],
        pattern=int(given["pattern"]) - 1,
        viscosity=given["viscosity"],
        specific_gravity=given["specific_gravity"],
        accuracy=given["accuracy"],
        head_error=given["head_error"] * units.length_si,
        flow_change=given["flow_change"] * units.flow_si,
        damp_limit=given["damp_limit"],
        trials=int(given["trials"]),
        extra_trials=int(given["extra_trials"]),
        check_frequency=int(given["check_frequency"]),
        max_check=int(given["max_check"]),
        diffusivity=given["diffusivity"],
        tolerance=given["tolerance"],
    )


def _times(header: dict[str, Any]) -> Times:
    seconds = {name: int(value) for name, value in header["times"].items() if name != "statistic"}
    return Times(**seconds, statistic=STATISTICS[header["times"]["statistic"]])


def _energy(header: dict[str, Any]) -> Energy:
    given = header["options"]
    return Energy(
        efficiency=given["efficiency"],
        price=given["price"],
        price_pattern=int(given["price_pattern"]) - 1,
        demand_charge=given["demand_charge"],
    )


def _control(entry: list[float], line: Line, units: FileUnits, kinds: Any, n_junctions: int) -> Control:
    code, link, setting, node, value, enabled = entry
    kind = LinkKind(kinds[int(link) - 1])
    if kind == LinkKind.GPV:
        # The toolkit gives the number of its curve, whatever the control does.
        status, wanted = (LinkStatus.OPEN if line.tokens[2].upper().startswith("OPEN") else LinkStatus.CLOSED), None
    elif abs(setting) == _PUSH:
        status, wanted = (LinkStatus.OPEN if setting > 0 else LinkStatus.CLOSED), None
    elif kind in (LinkKind.PUMP, LinkKind.PIPE):
        status = LinkStatus.OPEN if setting > 0 else LinkStatus.CLOSED
        wanted = setting if kind == LinkKind.PUMP else None
    else:
        status = LinkStatus.ACTIVE if kind in CONTROL_VALVES else LinkStatus.OPEN
        wanted = setting * setting_si(kind, units)
    if node > 0:
        # The toolkit gives a tank's level as the difference of two heights.
        value = extras.exact(value, line.tokens[7]) * (units.pressure_si if node <= n_junctions else units.length_si)
    return Control(
        link=int(link) - 1,
        status=status,
        setting=wanted,
        kind=CONTROL_KINDS[int(code)],
        node=int(node) - 1,
        value=value,
        enabled=bool(enabled),
    )


def _rule(entry: dict[str, Any], units: FileUnits, kinds: Any) -> Rule:
    premises = tuple(_premise(premise, units, kinds, first=i == 0) for i, premise in enumerate(entry["premises"]))
    return Rule(
        id=entry["id"],
        premises=premises,
        then=tuple(_action(action, units, kinds) for action in entry["then"]),
        otherwise=tuple(_action(action, units, kinds) for action in entry["otherwise"]),
        priority=entry["priority"],
        enabled=bool(entry["enabled"]),
    )


def _premise(entry: list[Any], units: FileUnits, kinds: Any, first: bool) -> Premise:
    logic, subject, index, variable, relation, status, value = entry
    name = VARIABLES[variable]
    link_kind = LinkKind(kinds[index - 1]) if subject == _LINK else None
    return Premise(
        logic="if" if first else "or" if logic == _OR else "and",
        subject="system" if subject == _SYSTEM else "link" if subject == _LINK else "node",
        index=index - 1,
        variable=name,
        relation=RELATIONS[relation],
        status=RULE_STATUS[status] if status else None,
        value=np.nan if status else _whole_seconds(value) if name in _INSTANTS else value * premise_si(name, link_kind, units),
    )


def premise_si(variable: str, kind: LinkKind | None, units: FileUnits) -> float:
    """SI in one unit of a premise's number, of a link of `kind`; times are seconds already."""
    if variable == "setting" and kind is not None:
        return setting_si(kind, units)
    return {
        "demand": units.flow_si,
        "flow": units.flow_si,
        "head": units.length_si,
        "grade": units.length_si,
        "level": units.length_si,
        "pressure": units.pressure_si,
    }.get(variable, 1.0)


def _whole_seconds(seconds: float) -> float:
    """A time that hours:minutes:seconds meant, where hours in floating point miss it."""
    return float(round(seconds)) if abs(seconds - round(seconds)) < 1e-6 else seconds


def _action(entry: list[Any], units: FileUnits, kinds: Any) -> Action:
    link, status, setting = entry
    if status in RULE_STATUS:
        return Action(link=link - 1, status=RULE_STATUS[status], setting=None)
    return Action(link=link - 1, status=None, setting=setting * setting_si(LinkKind(kinds[link - 1]), units))


def _source(entry: list[float]) -> Source:
    node, kind, strength, pattern = entry
    return Source(node=int(node) - 1, kind=SOURCE_KINDS[int(kind)], strength=strength, pattern=int(pattern) - 1)


def _plain(entry: Any) -> Any:
    """A part of the header without the toolkit's noise in its numbers."""
    if isinstance(entry, dict):
        return {key: _plain(value) for key, value in entry.items()}
    if isinstance(entry, list):
        return [_plain(value) for value in entry]
    return float(extras.without_noise(np.array(entry))) if isinstance(entry, float) else entry


def _index(codes: Floats) -> Ints:
    """Indices from EPANET's, which start at 1 and use 0 for none."""
    return codes.astype(np.int64) - 1

"""Writes an EPANET 2.3 INP file with the shortest digits that read back to the same numbers.

EPANET's own writer rounds elevations and multipliers to four decimals and regroups demand categories, so this is ours. One
function a section gives its lines; `_SECTIONS` says which and in which order. Nodes and links keep their order: where tanks and
reservoirs, or pipes, pumps and valves take turns, so do their sections.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from uuid import uuid4

import numpy as np

from tweeling.errors import InputError
from tweeling.network.inp.judge import MAX_LINE
from tweeling.network.inp.read import (
    HEADLOSS,
    MIXING,
    SECONDS_PER_HOUR,
    premise_si,
    setting_si,
)
from tweeling.network.inp.trouble import MAX_ID
from tweeling.network.network import Action, Control, LinkKind, LinkStatus, Network, Premise, Texts

Lines = Iterable[str]

_ID = re.compile(r'[^ \t\r\n;"\[][^ \t\r\n;"]*')
_PATTERN_COLUMNS = 8
_NO_PATTERN = "none"
_NONE = -1


def write_inp(network: Network, path: str | Path) -> None:
    """Writes a network; the file appears whole or not at all.

    Args:
        network: what to write.
        path: the file; one that exists is replaced.

    Raises:
        InputError: something that no INP file can say: an id with a blank, a text of several lines, a number that is none.
    """
    _refuse_unwritable(network)
    encoding = _encoding(network)
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.writelines(line.encode(encoding)[:MAX_LINE] + b"\n" for line in _lines(network))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def number(si: float, factor: float = 1.0) -> str:
    """The shortest number of a file that `factor` turns back into `si`."""
    value = float(si) / factor
    if not np.isfinite(value):
        raise InputError(f"{si} is no number that a file can hold")
    short = float(f"{value:.12g}")
    return repr(short if short * factor == si else value).removesuffix(".0")


def clock(seconds: float) -> str:
    """Seconds as EPANET's hours:minutes:seconds, as decimal hours where they are not whole."""
    if seconds != round(seconds):
        return number(seconds, SECONDS_PER_HOUR)
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _lines(network: Network) -> Iterator[str]:
    yield "[TITLE]"
    yield from network.title
    for name, section in _SECTIONS:
        lines = [*section(network), *network.kept.get(name, ())]
        if lines:
            yield ""
            if not lines[0].startswith("["):
                yield f"[{name}]"
            yield from lines
    yield ""
    yield "[END]"


def _row(*words: str, comment: str = "") -> str:
    body = " ".join(("", *words))
    return f"{body} ;{comment}" if comment else body


def _junctions(network: Network) -> Lines:
    nodes, length = network.nodes, network.units.length_si
    plain = _plain_demands(network)
    for i in range(nodes.n_junctions):
        demand = _demand_words(network, plain[i]) if i in plain else ()
        yield _row(nodes.ids[i], number(nodes.elevation[i], length), *demand, comment=nodes.comment.get(i, ""))


def _plain_demands(network: Network) -> dict[int, int]:
    """The category of each junction whose demand fits on its own line: it has one and that has no name."""
    junctions, counts = np.unique(network.demands.junction, return_counts=True)
    single = set(junctions[counts == 1].tolist())
    junction_of = network.demands.junction.tolist()
    return {j: c for c, j in enumerate(junction_of) if j in single and c not in network.demands.name}


def _demand_words(network: Network, category: int) -> tuple[str, ...]:
    demands = network.demands
    base, pattern = number(demands.base[category], network.units.flow_si), int(demands.pattern[category])
    return (base,) if pattern == _NONE else (base, network.patterns.ids[pattern])


def _demands(network: Network) -> Lines:
    plain = set(_plain_demands(network).values())
    for category, junction in enumerate(network.demands.junction.tolist()):
        if category not in plain:
            name = network.demands.name.get(category, "")
            yield _row(network.nodes.ids[junction], *_demand_words(network, category), comment=name)


def _sources_of_head(network: Network) -> Lines:
    """Reservoirs and tanks, in the order of the nodes."""
    reservoir = {int(node): i for i, node in enumerate(network.reservoirs.node)}
    tank = {int(node): i for i, node in enumerate(network.tanks.node)}
    nodes = range(network.nodes.n_junctions, len(network.nodes))
    for is_tank, group in groupby(nodes, key=tank.__contains__):
        yield "[TANKS]" if is_tank else "[RESERVOIRS]"
        for node in group:
            words = _tank_words(network, node, tank[node]) if is_tank else _reservoir_words(network, node, reservoir[node])
            yield _row(network.nodes.ids[node], *words, comment=network.nodes.comment.get(node, ""))


def _reservoir_words(network: Network, node: int, i: int) -> tuple[str, ...]:
    head, pattern = number(network.nodes.elevation[node], network.units.length_si), int(network.reservoirs.pattern[i])
    return (head,) if pattern == _NONE else (head, network.patterns.ids[pattern])


def _tank_words(network: Network, node: int, i: int) -> tuple[str, ...]:
    tanks, units = network.tanks, network.units
    if not tanks.diameter[i] > 0:
        raise InputError(f"tank {network.nodes.ids[node]!r} has no diameter; EPANET would take it for a reservoir, give it one")
    lengths = (network.nodes.elevation[node], *(c[i] for c in (tanks.initial_level, tanks.min_level, tanks.max_level)))
    words = [number(value, units.length_si) for value in (*lengths, tanks.diameter[i])]
    words.append(number(tanks.min_volume[i], units.volume_si))
    curve = int(tanks.volume_curve[i])
    if curve != _NONE or tanks.can_overflow[i]:
        words.append("*" if curve == _NONE else network.curves.ids[curve])
    return (*words, "YES") if tanks.can_overflow[i] else tuple(words)


def _links(network: Network) -> Lines:
    links = network.links
    pump = {int(link): i for i, link in enumerate(network.pumps.link)}
    for section, group in groupby(range(len(links)), key=lambda link: _link_section(int(links.kind[link]))):
        yield f"[{section}]"
        for link in group:
            ends = (network.nodes.ids[links.start[link]], network.nodes.ids[links.end[link]])
            if section == "PUMPS":
                words = _pump_words(network, link, pump[link])
            else:
                words = _pipe_words(network, link) if section == "PIPES" else _valve_words(network, link)
            yield _row(links.ids[link], *ends, *words, comment=links.comment.get(link, ""))


def _link_section(kind: int) -> str:
    if kind == LinkKind.PUMP:
        return "PUMPS"
    return "PIPES" if kind <= LinkKind.PIPE else "VALVES"


def _pipe_words(network: Network, link: int) -> tuple[str, ...]:
    links, units = network.links, network.units
    if links.kind[link] == LinkKind.CHECK_VALVE_PIPE:
        state = "CV"
    else:
        state = "Closed" if links.status[link] == LinkStatus.CLOSED else "Open"
    return (
        number(links.length[link], units.length_si),
        number(links.diameter[link], units.diameter_si),
        number(links.roughness[link], units.roughness_si if network.options.headloss == "DW" else 1.0),
        number(links.minor_loss[link]),
        state,
    )


def _pump_words(network: Network, link: int, i: int) -> tuple[str, ...]:
    links, pumps = network.links, network.pumps
    curve, pattern = int(links.curve[link]), int(pumps.speed_pattern[i])
    words = ["HEAD", network.curves.ids[curve]] if curve != _NONE else []
    if pumps.power[i] > 0:
        words = ["POWER", number(pumps.power[i], network.units.power_si)]
    if links.setting[link] != 1 and links.status[link] != LinkStatus.CLOSED:
        words += ["SPEED", number(links.setting[link])]
    return tuple(words) if pattern == _NONE else (*words, "PATTERN", network.patterns.ids[pattern])


def _valve_words(network: Network, link: int) -> tuple[str, ...]:
    links, kind, curve = network.links, LinkKind(network.links.kind[link]), int(network.links.curve[link])
    setting = links.setting[link]
    if kind == LinkKind.GPV:
        if curve == _NONE:
            raise InputError(f"valve {links.ids[link]!r} is a GPV without a curve")
        word = network.curves.ids[curve]
    elif np.isnan(setting) and links.status[link] == LinkStatus.ACTIVE:
        raise InputError(f"valve {links.ids[link]!r} is to regulate, but it has no setting")
    else:
        word = "0" if np.isnan(setting) else number(setting, setting_si(kind, network.units))
    words = (number(links.diameter[link], network.units.diameter_si), kind.name, word, number(links.minor_loss[link]))
    return (*words, network.curves.ids[curve]) if kind == LinkKind.PCV and curve != _NONE else words


def _status(network: Network) -> Lines:
    links = network.links
    for link, (kind, status) in enumerate(zip(links.kind.tolist(), links.status.tolist(), strict=True)):
        fixed = kind >= LinkKind.PRV and kind != LinkKind.GPV and np.isnan(links.setting[link])
        if kind >= LinkKind.PUMP and (fixed or status == LinkStatus.CLOSED):
            yield _row(links.ids[link], LinkStatus(status).name)


def _tags(network: Network) -> Lines:
    for word, table in (("NODE", network.nodes), ("LINK", network.links)):
        yield from (_row(word, table.ids[i], tag) for i, tag in table.tag.items())


def _patterns(network: Network) -> Lines:
    patterns = network.patterns
    for i, (name, values) in enumerate(zip(patterns.ids, patterns.values, strict=True)):
        if i in patterns.comment:
            yield f";{patterns.comment[i]}"
        for first in range(0, len(values), _PATTERN_COLUMNS):
            yield _row(name, *(number(value) for value in values[first : first + _PATTERN_COLUMNS]))


def _curves(network: Network) -> Lines:
    curves = network.curves
    for i, (name, kind) in enumerate(zip(curves.ids, curves.kind, strict=True)):
        if i in curves.comment:
            yield f";{curves.comment[i]}"
        for x, y in zip(curves.x[i], curves.y[i], strict=True):
            yield _row(name, number(x), number(y), kind)


def _controls(network: Network) -> Lines:
    for control in network.controls:
        words = ["LINK", network.links.ids[control.link], _wanted(network, control), *_condition(network, control)]
        yield _row(*words, *(() if control.enabled else ("DISABLED",)))


def _wanted(network: Network, control: Control) -> str:
    if control.setting is None or control.status == LinkStatus.CLOSED:
        return LinkStatus(control.status).name
    return number(control.setting, setting_si(LinkKind(network.links.kind[control.link]), network.units))


def _condition(network: Network, control: Control) -> tuple[str, ...]:
    if control.kind in ("time", "clock"):
        return "AT", "TIME" if control.kind == "time" else "CLOCKTIME", _instant(control.value)
    junction = control.node < network.nodes.n_junctions
    unit = network.units.pressure_si if junction else network.units.length_si
    return "IF", "NODE", network.nodes.ids[control.node], control.kind.upper(), number(control.value, unit)


def _instant(seconds: float) -> str:
    """The time of a control. EPANET cuts it to whole seconds after a detour through hours, which may lose one."""
    hours, minutes, rest = (int(part) for part in clock(round(seconds)).split(":"))
    kept = int(SECONDS_PER_HOUR * (hours + minutes / 60 + rest / SECONDS_PER_HOUR))
    return clock(round(seconds)) if kept == round(seconds) else number((round(seconds) + 0.25) / SECONDS_PER_HOUR)


def _rules(network: Network) -> Lines:
    for rule in network.rules:
        yield f"RULE {rule.id}"
        yield from (_premise(network, premise) for premise in rule.premises)
        for word, actions in (("THEN", rule.then), ("ELSE", rule.otherwise)):
            yield from (_action(network, "AND" if i else word, action) for i, action in enumerate(actions))
        if rule.priority:
            yield _row("PRIORITY", number(rule.priority))
        if not rule.enabled:
            yield _row("DISABLED")


def _premise(network: Network, premise: Premise) -> str:
    subject, kind = [premise.subject.upper()], None
    if premise.subject == "node":
        subject.append(network.nodes.ids[premise.index])
    elif premise.subject == "link":
        subject.append(network.links.ids[premise.index])
        kind = LinkKind(network.links.kind[premise.index])
    if premise.status is not None:
        value = LinkStatus(premise.status).name
    elif premise.variable in ("time", "clocktime"):
        value = clock(premise.value)
    elif premise.variable in ("filltime", "draintime"):
        value = number(premise.value, SECONDS_PER_HOUR)
    else:
        value = number(premise.value, premise_si(premise.variable, kind, network.units))
    return _row(premise.logic.upper(), *subject, premise.variable.upper(), premise.relation, value)


def _action(network: Network, word: str, action: Action) -> str:
    name, kind = network.links.ids[action.link], LinkKind(network.links.kind[action.link])
    if action.status is not None:
        return _row(word, "LINK", name, "STATUS", "=", LinkStatus(action.status).name)
    if action.setting is None:
        raise InputError(f"a rule's action on link {name!r} sets neither status nor setting")
    return _row(word, "LINK", name, "SETTING", "=", number(action.setting, setting_si(kind, network.units)))


def _energy(network: Network) -> Lines:
    energy, pumps, patterns = network.energy, network.pumps, network.patterns.ids
    yield _row("GLOBAL", "EFFICIENCY", number(energy.efficiency))
    yield _row("GLOBAL", "PRICE", number(energy.price))
    if energy.price_pattern != _NONE:
        yield _row("GLOBAL", "PATTERN", patterns[energy.price_pattern])
    yield _row("DEMAND", "CHARGE", number(energy.demand_charge))
    for i, link in enumerate(pumps.link):
        of_pump = ("PUMP", network.links.ids[link])
        if pumps.price[i]:
            yield _row(*of_pump, "PRICE", number(pumps.price[i]))
        if pumps.price_pattern[i] != _NONE:
            yield _row(*of_pump, "PATTERN", patterns[pumps.price_pattern[i]])
        if pumps.efficiency_curve[i] != _NONE:
            yield _row(*of_pump, "EFFICIENCY", network.curves.ids[pumps.efficiency_curve[i]])


def _emitters(network: Network) -> Lines:
    unit = network.units.flow_si / network.units.pressure_si**network.options.emitter_exponent
    for node in np.flatnonzero(network.nodes.emitter):
        yield _row(network.nodes.ids[node], number(network.nodes.emitter[node], unit))


def _leakage(network: Network) -> Lines:
    links = network.links
    for link in np.flatnonzero((links.leak_area != 0) | (links.leak_expansion != 0)):
        yield _row(links.ids[link], number(links.leak_area[link]), number(links.leak_expansion[link]))


def _quality(network: Network) -> Lines:
    nodes = network.nodes
    yield from (_row(nodes.ids[i], number(nodes.initial_quality[i])) for i in np.flatnonzero(nodes.initial_quality))


def _sources(network: Network) -> Lines:
    for source in network.sources:
        pattern = () if source.pattern == _NONE else (network.patterns.ids[source.pattern],)
        yield _row(network.nodes.ids[source.node], source.kind, number(source.strength), *pattern)


def _reactions(network: Network) -> Lines:
    links, tanks = network.links, network.tanks
    for word, coefficients in (("BULK", links.bulk_coefficient), ("WALL", links.wall_coefficient)):
        given = np.flatnonzero(~np.isnan(coefficients))
        yield from (_row(word, links.ids[link], number(coefficients[link])) for link in given)
    for i in np.flatnonzero(~np.isnan(tanks.bulk_coefficient)):
        yield _row("TANK", network.nodes.ids[tanks.node[i]], number(tanks.bulk_coefficient[i]))


def _mixing(network: Network) -> Lines:
    tanks = network.tanks
    for i in np.flatnonzero(tanks.mixing_model):
        model = MIXING[tanks.mixing_model[i]]
        fraction = (number(tanks.mixing_fraction[i]),) if model == "2COMP" else ()
        yield _row(network.nodes.ids[tanks.node[i]], model, *fraction)


def _times(network: Network) -> Lines:
    times = network.times
    words = {
        "DURATION": times.duration,
        "HYDRAULIC TIMESTEP": times.hydraulic_step,
        "QUALITY TIMESTEP": times.quality_step,
        "RULE TIMESTEP": times.rule_step,
        "PATTERN TIMESTEP": times.pattern_step,
        "PATTERN START": times.pattern_start,
        "REPORT TIMESTEP": times.report_step,
        "REPORT START": times.report_start,
        "START CLOCKTIME": times.start_clock,
    }
    yield from (_row(word, clock(seconds)) for word, seconds in words.items())
    yield _row("STATISTIC", times.statistic)


def _options(network: Network) -> Lines:
    options, units = network.options, network.units
    yield _row("UNITS", units.flow)
    yield _row("PRESSURE", str(units.pressure))
    yield _row("HEADLOSS", _HEADLOSS_WORDS[options.headloss])
    yield _row("DEMAND MODEL", options.demand_model)
    numbers = {
        "MINIMUM PRESSURE": (options.min_pressure, units.pressure_si),
        "REQUIRED PRESSURE": (options.required_pressure, units.pressure_si),
        "PRESSURE EXPONENT": (options.pressure_exponent, 1.0),
        "EMITTER EXPONENT": (options.emitter_exponent, 1.0),
        "DEMAND MULTIPLIER": (options.demand_multiplier, 1.0),
        "VISCOSITY": (options.viscosity, 1.0),
        "SPECIFIC GRAVITY": (options.specific_gravity, 1.0),
        "ACCURACY": (options.accuracy, 1.0),
        "HEADERROR": (options.head_error, units.length_si),
        "FLOWCHANGE": (options.flow_change, units.flow_si),
        "DAMPLIMIT": (options.damp_limit, 1.0),
        "TRIALS": (options.trials, 1.0),
        "CHECKFREQ": (options.check_frequency, 1.0),
        "MAXCHECK": (options.max_check, 1.0),
        "DIFFUSIVITY": (options.diffusivity, 1.0),
        "TOLERANCE": (options.tolerance, 1.0),
    }
    yield from (_row(word, number(value, factor)) for word, (value, factor) in numbers.items())
    yield _row("BACKFLOW ALLOWED", "YES" if options.emitter_backflow else "NO")
    yield _row("UNBALANCED", *(("STOP",) if options.extra_trials < 0 else ("CONTINUE", str(options.extra_trials))))
    yield _row("PATTERN", _default_pattern(network))
    yield _row("QUALITY", *_quality_words(network))


_HEADLOSS_WORDS = dict(zip(HEADLOSS, ("H-W", "D-W", "C-M"), strict=True))


def _default_pattern(network: Network) -> str:
    """The default pattern's id; for none a word that is no pattern, for without it EPANET takes pattern 1."""
    ids = network.patterns.ids
    if network.options.pattern != _NONE:
        return ids[network.options.pattern]
    return next(word for word in (_NO_PATTERN, *(f"{_NO_PATTERN}{i}" for i in range(len(ids)))) if word not in ids)


def _quality_words(network: Network) -> tuple[str, ...]:
    options = network.options
    if options.quality == "TRACE":
        return "TRACE", network.nodes.ids[options.trace_node]
    if options.quality == "CHEMICAL" and options.chemical_name:
        return options.chemical_name, options.chemical_unit
    return (options.quality,)


def _coordinates(network: Network) -> Lines:
    nodes = network.nodes
    for i in np.flatnonzero(~np.isnan(nodes.x)):
        yield _row(nodes.ids[i], number(nodes.x[i]), number(nodes.y[i]))


def _vertices(network: Network) -> Lines:
    for link, bends in network.links.vertices.items():
        yield from (_row(network.links.ids[link], number(x), number(y)) for x, y in bends)


def _nothing(network: Network) -> Lines:
    return ()


_SECTIONS: tuple[tuple[str, Callable[[Network], Lines]], ...] = (
    ("JUNCTIONS", _junctions),
    ("TANKS", _sources_of_head),
    ("PIPES", _links),
    ("TAGS", _tags),
    ("DEMANDS", _demands),
    ("STATUS", _status),
    ("PATTERNS", _patterns),
    ("CURVES", _curves),
    ("CONTROLS", _controls),
    ("RULES", _rules),
    ("ENERGY", _energy),
    ("EMITTERS", _emitters),
    ("LEAKAGE", _leakage),
    ("QUALITY", _quality),
    ("SOURCES", _sources),
    ("REACTIONS", _reactions),
    ("MIXING", _mixing),
    ("TIMES", _times),
    ("REPORT", _nothing),
    ("OPTIONS", _options),
    ("COORDINATES", _coordinates),
    ("VERTICES", _vertices),
    ("LABELS", _nothing),
    ("BACKDROP", _nothing),
    ("ROUGHNESS", _nothing),
)


def _refuse_unwritable(network: Network) -> None:
    tables: tuple[tuple[str, Sequence[str]], ...] = (
        ("node", network.nodes.ids),
        ("link", network.links.ids),
        ("pattern", network.patterns.ids),
        ("curve", network.curves.ids),
        ("rule", tuple(rule.id for rule in network.rules)),
    )
    for what, ids in tables:
        for name in ids:
            if not _ID.fullmatch(name) or len(name) > MAX_ID:
                raise InputError(f'{what} id {name!r} cannot stand in an INP file: 1 to {MAX_ID} characters, no blank ; " or [')
        if what != "rule" and len(set(ids)) != len(ids):
            raise InputError(f"two {what}s have the same id {next(name for name in ids if ids.count(name) > 1)!r}")
    sparse: tuple[Texts, ...] = (
        network.nodes.comment,
        network.links.comment,
        network.patterns.comment,
        network.curves.comment,
        network.demands.name,
    )
    for text in chain(network.title, *(texts.values() for texts in sparse)):
        if "\n" in text or "\r" in text:
            raise InputError(f"the text {text!r} has several lines; an INP file holds one")
    for text in network.title:
        if text.lstrip().startswith("["):
            raise InputError(f"the title {text!r} would start a section")
    for tag in (*network.nodes.tag.values(), *network.links.tag.values()):
        if tag.split() != [*tag.split(" ")] or any(mark in tag for mark in ';"'):
            raise InputError(f'the tag {tag!r} cannot stand in an INP file: words with single blanks, no ; or "')


def _encoding(network: Network) -> str:
    """UTF-8, but Latin-1 where ids written in it would be longer than EPANET keeps (and came from such a file)."""
    ids = (*network.nodes.ids, *network.links.ids, *network.patterns.ids, *network.curves.ids)
    return "latin-1" if any(len(name.encode()) > MAX_ID for name in ids) else "utf-8"

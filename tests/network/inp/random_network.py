"""Random networks in memory, for properties that hold for every network that an INP file can say."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tweeling.network.network import (
    Action,
    Control,
    Curves,
    Demands,
    Energy,
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
from tweeling.units import FLOW_UNITS, PRESSURE_UNITS, FileUnits

IDS = st.text("abcXYZ0189._-/#é", min_size=1, max_size=15)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=30).filter(
    lambda text: text.strip(" \t") == text
)
CURVE_KINDS = ("VOLUME", "PUMP", "EFFICIENCY", "HEADLOSS", "GENERIC", "VALVE")
_VOLUME, _ANY, _EFFICIENCY = range(3)
"""The curves of a random network."""
CONTROL_VALVES = (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers with all their digits, and short ones as people write them."""
    return st.floats(low, high, allow_subnormal=False) | st.floats(low, high, allow_subnormal=False).map(
        lambda value: min(max(float(f"{value:.3g}"), low), high)
    )


@st.composite
def networks(draw: Any) -> Network:
    """A network with every table filled now and then. A valve has two junctions of its own, for EPANET forbids neighbours."""
    kinds = draw(st.lists(st.sampled_from(list(LinkKind)), min_size=1, max_size=8))
    controllable = set(kinds) != {LinkKind.CHECK_VALVE_PIPE}
    n_free = draw(st.integers(2, 5))
    n_junctions = n_free + 2 * len(kinds)
    is_tank = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    n_nodes = n_junctions + len(is_tank)

    def array(low: float, high: float, size: int) -> Any:
        return np.array(draw(st.lists(numbers(low, high), min_size=size, max_size=size)), np.float64)

    def pick(size: int, count: int, none: bool = True) -> Any:
        return np.array(draw(st.lists(st.integers(-1 if none else 0, size - 1), min_size=count, max_size=count)), np.int64)

    def names(size: int) -> tuple[str, ...]:
        return tuple(draw(st.lists(IDS, min_size=size, max_size=size, unique=True)))

    def sparse(size: int, texts: st.SearchStrategy[str] = TEXTS) -> dict[int, str]:
        return draw(st.dictionaries(st.integers(0, size - 1), texts, max_size=2)) if size else {}

    n_patterns, n_tanks = draw(st.integers(0, 3)), sum(is_tank)
    pattern_ids = draw(st.lists(IDS | st.just("1"), min_size=n_patterns, max_size=n_patterns, unique=True))
    kind, status, setting, curve = _links(draw, kinds)
    pump = np.flatnonzero(kind == LinkKind.PUMP)
    lossy = np.array([k != LinkKind.PUMP for k in kinds])
    pipe = kind <= LinkKind.PIPE
    tank = n_junctions + np.flatnonzero(is_tank)
    level = np.sort(np.array([array(0, 50, 3) for _ in range(n_tanks)]).reshape(n_tanks, 3), axis=1)
    category = np.sort(np.concatenate([np.arange(n_junctions), pick(n_junctions, 3, none=False)]))
    end_of_valve = n_free + 2 * np.arange(len(kinds))
    ends = [_two(draw, n_nodes) for _ in kinds]
    valve = kind >= LinkKind.PRV
    options = draw(_options(n_patterns, n_nodes))
    times = draw(_times())
    units = FileUnits(draw(st.sampled_from(FLOW_UNITS)), draw(st.sampled_from(PRESSURE_UNITS)))
    mixing = pick(4, n_tanks, none=False)
    return Network(
        title=tuple(draw(st.lists(TEXTS.filter(lambda text: text[0] != "["), max_size=2))),
        units=units,
        nodes=Nodes(
            ids=names(n_nodes),
            n_junctions=n_junctions,
            elevation=array(-100, 3000, n_nodes),
            emitter=np.where(array(0, 1, n_junctions) > 0.5, array(1e-6, 0.1, n_junctions), 0.0),
            x=(x := np.where(array(0, 1, n_nodes) > 0.3, array(-1e6, 1e6, n_nodes), np.nan)),
            y=np.where(np.isnan(x), np.nan, array(-1e6, 1e6, n_nodes)),
            initial_quality=array(0, 10, n_nodes),
            tag=sparse(n_nodes, IDS),
            comment=sparse(n_nodes),
        ),
        demands=Demands(
            junction=category,
            base=array(-1, 1, len(category)),
            pattern=pick(n_patterns, len(category)),
            name=sparse(len(category)),
        ),
        reservoirs=Reservoirs(
            node=n_junctions + np.flatnonzero(~np.array(is_tank)), pattern=pick(n_patterns, len(is_tank) - n_tanks)
        ),
        tanks=Tanks(
            node=tank,
            initial_level=level[:, 1],
            min_level=level[:, 0],
            max_level=level[:, 2],
            diameter=array(0.1, 50, n_tanks),
            min_volume=array(0, 1000, n_tanks),
            volume_curve=np.full(n_tanks, draw(st.sampled_from((_VOLUME, -1)))),
            can_overflow=array(0, 1, n_tanks) > 0.5,
            mixing_model=mixing,
            mixing_fraction=np.where(mixing == 1, array(0.1, 1, n_tanks), 1.0),
            bulk_coefficient=np.where(array(0, 1, n_tanks) > 0.5, array(-1, 1, n_tanks), np.nan),
        ),
        links=Links(
            ids=names(len(kinds)),
            kind=kind,
            start=np.where(valve, end_of_valve, [start for start, _ in ends]),
            end=np.where(valve, end_of_valve + 1, [end for _, end in ends]),
            length=np.where(pipe, array(0.1, 5000, len(kinds)), 0.0),
            diameter=np.where(lossy, array(0.01, 3, len(kinds)), 0.0),
            roughness=np.where(pipe, array(1e-5, 200, len(kinds)), 0.0),
            minor_loss=np.where(lossy, array(0, 10, len(kinds)), 0.0),
            status=status,
            setting=setting,
            curve=curve,
            leak_area=np.where(pipe, array(0, 10, len(kinds)), 0.0),
            leak_expansion=np.where(pipe, array(0, 1, len(kinds)), 0.0),
            bulk_coefficient=np.where(pipe & (array(0, 1, len(kinds)) > 0.5), array(-1, 1, len(kinds)), np.nan),
            wall_coefficient=np.where(pipe & (array(0, 1, len(kinds)) > 0.5), array(-1, 1, len(kinds)), np.nan),
            vertices={link: array(-1e6, 1e6, 4).reshape(2, 2) for link in range(min(2, len(kinds)))},
            tag=sparse(len(kinds), IDS),
            comment=sparse(len(kinds)),
        ),
        pumps=Pumps(
            link=pump,
            power=np.where(curve[pump] == -1, array(1, 1e5, len(pump)), 0.0),
            speed_pattern=pick(n_patterns, len(pump)),
            efficiency_curve=np.full(len(pump), draw(st.sampled_from((_EFFICIENCY, -1)))),
            price=array(0, 1, len(pump)),
            price_pattern=pick(n_patterns, len(pump)),
        ),
        patterns=Patterns(
            ids=tuple(pattern_ids),
            values=tuple(array(-3, 3, draw(st.integers(1, 12))) for _ in pattern_ids),
            comment=sparse(n_patterns),
        ),
        curves=Curves(
            ids=names(3),
            kind=("VOLUME", draw(st.sampled_from(CURVE_KINDS)), "EFFICIENCY"),
            x=(np.array((0.0, 1e5)), np.array((0.0, 1.0, 7.5)), array(0, 9, 1)),
            y=(np.array((0.0, 1e9)), array(0, 100, 3), array(0, 100, 1)),
            comment=sparse(3),
        ),
        options=options,
        times=times,
        energy=Energy(
            efficiency=draw(numbers(1, 100)),
            price=draw(numbers(0, 1)),
            price_pattern=int(pick(n_patterns, 1)[0]),
            demand_charge=draw(numbers(0, 9)),
        ),
        controls=tuple(draw(st.lists(_control(kinds, n_nodes), max_size=3))) if controllable else (),
        rules=tuple(draw(st.lists(_rule(kinds, n_junctions, n_nodes), max_size=2))) if controllable else (),
        sources=tuple(_sources(draw, n_nodes, n_patterns)),
        kept={"REPORT": ("STATUS FULL",), "LABELS": (' 1 2 "a label"',), "REACTIONS": ("GLOBAL BULK -0.5",)},
    )


def _links(draw: Any, kinds: list[LinkKind]) -> tuple[Any, Any, Any, Any]:
    """Kind, status, setting and curve of links, as the tables want them together."""
    rows = []
    for kind in kinds:
        status, setting, curve = LinkStatus.OPEN, np.nan, -1
        if kind == LinkKind.PIPE:
            status = draw(st.sampled_from((LinkStatus.OPEN, LinkStatus.CLOSED)))
        elif kind == LinkKind.PUMP:
            curve = draw(st.sampled_from((_ANY, -1)))
            status = draw(st.sampled_from((LinkStatus.OPEN, LinkStatus.CLOSED)))
            setting = draw(numbers(0, 2)) if status == LinkStatus.OPEN else 0.0
        elif kind == LinkKind.GPV:
            curve, status = _ANY, draw(st.sampled_from((LinkStatus.OPEN, LinkStatus.CLOSED)))
        elif kind >= LinkKind.PRV:
            curve = draw(st.sampled_from((_ANY, -1))) if kind == LinkKind.PCV else -1
            status = draw(st.sampled_from(list(LinkStatus)))
            if status == LinkStatus.ACTIVE:
                setting = draw(numbers(0, 1 if kind == LinkKind.FCV else 99))
                status = LinkStatus.ACTIVE if kind in CONTROL_VALVES else LinkStatus.OPEN
        rows.append((kind, status, setting, curve))
    kind, status, setting, curve = zip(*rows, strict=True)
    return np.array(kind, np.int8), np.array(status, np.int8), np.array(setting, np.float64), np.array(curve, np.int64)


def _two(draw: Any, size: int) -> tuple[int, int]:
    first = draw(st.integers(0, size - 1))
    return first, (first + draw(st.integers(1, size - 1))) % size


def _options(n_patterns: int, n_nodes: int) -> st.SearchStrategy[Options]:
    chemical = st.fixed_dictionaries({"quality": st.just("CHEMICAL"), "chemical_name": st.just("Chlorine")})
    trace = st.fixed_dictionaries({"quality": st.just("TRACE"), "trace_node": st.integers(0, n_nodes - 1)})
    plain = st.fixed_dictionaries({"quality": st.sampled_from(("NONE", "AGE", "CHEMICAL"))})
    rest = st.fixed_dictionaries(
        {
            "headloss": st.sampled_from(("HW", "DW", "CM")),
            "demand_model": st.sampled_from(("DDA", "PDA")),
            "min_pressure": numbers(0, 20),
            "required_pressure": numbers(30, 60),
            "pressure_exponent": numbers(0.3, 2),
            "emitter_exponent": numbers(0.3, 2),
            "emitter_backflow": st.booleans(),
            "demand_multiplier": numbers(0.1, 3),
            "pattern": st.integers(-1, n_patterns - 1),
            "viscosity": numbers(0.1, 3),
            "specific_gravity": numbers(0.5, 2),
            "accuracy": numbers(1e-5, 0.1),
            "head_error": numbers(0, 1),
            "flow_change": numbers(0, 1),
            "damp_limit": numbers(0, 1),
            "trials": st.integers(1, 500),
            "extra_trials": st.integers(-1, 20),
            "check_frequency": st.integers(1, 9),
            "max_check": st.integers(1, 20),
            "diffusivity": numbers(0.1, 3),
            "tolerance": numbers(0, 1),
        }
    )
    return st.builds(lambda quality, others: Options(**quality, **others), chemical | trace | plain, rest)


@st.composite
def _times(draw: Any) -> Times:
    """Times that EPANET leaves as they are: steps divide nothing, but none is longer than what it is within."""
    outer = st.integers(600, 90_000)
    pattern_step, report_step, duration = draw(outer), draw(outer), draw(st.integers(0, 10**6))
    hydraulic_step = draw(st.integers(10, min(pattern_step, report_step)))
    return Times(
        duration=duration,
        hydraulic_step=hydraulic_step,
        quality_step=draw(st.integers(1, hydraulic_step)),
        rule_step=draw(st.integers(1, hydraulic_step)),
        pattern_step=pattern_step,
        pattern_start=draw(st.integers(0, 90_000)),
        report_step=report_step,
        report_start=draw(st.integers(0, duration)),
        start_clock=draw(st.integers(0, 86_399)),
        statistic=draw(st.sampled_from(("NONE", "AVERAGED", "MINIMUM", "MAXIMUM", "RANGE"))),
    )


@st.composite
def _wanted(draw: Any, kinds: list[LinkKind]) -> tuple[int, LinkStatus, float | None]:
    """A link that can be controlled, and what is wanted of it; a check valve is none."""
    able = [link for link, kind in enumerate(kinds) if kind != LinkKind.CHECK_VALVE_PIPE]
    link = draw(st.sampled_from(able))
    status = draw(st.sampled_from((LinkStatus.OPEN, LinkStatus.CLOSED)))
    if kinds[link] == LinkKind.PUMP:
        return link, status, draw(numbers(0.1, 2)) if status == LinkStatus.OPEN else 0.0
    if kinds[link] in (LinkKind.PIPE, LinkKind.GPV) or draw(st.booleans()):
        return link, status, None
    status = LinkStatus.ACTIVE if kinds[link] in CONTROL_VALVES else LinkStatus.OPEN
    return link, status, draw(numbers(0, 50))


@st.composite
def _control(draw: Any, kinds: list[LinkKind], n_nodes: int) -> Control:
    link, status, setting = draw(_wanted(kinds))
    kind = draw(st.sampled_from(("below", "above", "time", "clock")))
    timed = kind in ("time", "clock")
    return Control(
        link=link,
        status=status,
        setting=setting,
        kind=kind,
        node=-1 if timed else draw(st.integers(0, n_nodes - 1)),
        value=float(draw(st.integers(0, 86_399 if kind == "clock" else 10**7))) if timed else draw(numbers(0, 100)),
        enabled=draw(st.booleans()),
    )


@st.composite
def _premise(draw: Any, kinds: list[LinkKind], n_junctions: int, n_nodes: int) -> Premise:
    subject = draw(st.sampled_from(("node", "tank", "link", "system")))
    status, value = None, draw(numbers(0, 50))
    if subject == "node":
        index, variable = draw(st.integers(0, n_nodes - 1)), draw(st.sampled_from("demand head grade level pressure".split()))
    elif subject == "tank":
        subject, index = "node", draw(st.integers(n_junctions, n_nodes - 1))
        variable = draw(st.sampled_from(("filltime", "draintime")))
    elif subject == "link":
        index, variable = draw(st.integers(0, len(kinds) - 1)), draw(st.sampled_from(("flow", "setting", "status")))
        if variable == "status":
            status, value = draw(st.sampled_from(list(LinkStatus))), np.nan
    else:
        index, variable = -1, draw(st.sampled_from(("demand", "time", "clocktime")))
        value = float(draw(st.integers(0, 86_399))) if variable != "demand" else value
    relations = ("=", "<>") if status is not None else ("=", "<>", "<=", ">=", "<", ">")
    return Premise(
        draw(st.sampled_from(("and", "or"))), subject, index, variable, draw(st.sampled_from(relations)), status, value
    )


@st.composite
def _action(draw: Any, kinds: list[LinkKind]) -> Action:
    link, status, setting = draw(_wanted(kinds))
    return Action(link, status, None) if setting is None else Action(link, None, setting)


@st.composite
def _rule(draw: Any, kinds: list[LinkKind], n_junctions: int, n_nodes: int) -> Rule:
    premises = draw(st.lists(_premise(kinds, n_junctions, n_nodes), min_size=1, max_size=3))
    return Rule(
        id=draw(IDS),
        premises=(dataclasses.replace(premises[0], logic="if"), *premises[1:]),
        then=tuple(draw(st.lists(_action(kinds), min_size=1, max_size=2))),
        otherwise=tuple(draw(st.lists(_action(kinds), max_size=2))),
        priority=draw(st.just(0.0) | numbers(0, 9)),
        enabled=draw(st.booleans()),
    )


def _sources(draw: Any, n_nodes: int, n_patterns: int) -> list[Source]:
    nodes = draw(st.sets(st.integers(0, n_nodes - 1), max_size=2))
    kinds = st.sampled_from(("CONCEN", "MASS", "SETPOINT", "FLOWPACED"))
    return [Source(node, draw(kinds), draw(numbers(0, 9)), draw(st.integers(-1, n_patterns - 1))) for node in sorted(nodes)]

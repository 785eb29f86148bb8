"""Checks on pumps and on curves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from tweeling.network.checks.controls import settings_given
from tweeling.network.checks.model import Curve, RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number

MOST_SPEED = 2.0
"""Relative to the speed of the curve; motors and bearings bear some 1.2."""


def _properties(row: Row) -> dict[str, str]:
    """The properties of a pump by keyword."""
    return {key.upper(): value for key, value in zip(row.tokens[3::2], row.tokens[4::2], strict=False)}


def _head_curve(model: RawModel, row: Row) -> Curve | None:
    return model.curves.get(_properties(row).get("HEAD", ""))


def shutoff_head(model: RawModel, row: Row) -> float:
    """The most that a pump adds to the head at full speed, m; infinite where it is not limited."""
    curve = _head_curve(model, row)
    if curve is None or not curve.y:
        return math.inf
    # EPANET gives a curve of one point a shutoff head of 4/3 of it.
    most = max(curve.y) * (4 / 3 if len(curve.y) == 1 else 1.0)
    speed = max(number(_properties(row).get("SPEED", "")) or 1.0, 1.0)
    return max(most, 0.0) * model.units.length_si * speed * speed


@check(
    Severity.ERROR,
    why="Without a head curve or a power nothing says what the pump does; EPANET refuses to compute.",
    advice="Give it HEAD and a curve, or POWER and a number.",
)
def pump_without_curve_or_power(model: RawModel) -> Iterator[Place]:
    """Pumps of which nothing is known."""
    for row in model.section("PUMPS"):
        if not {"HEAD", "POWER"} & _properties(row).keys():
            yield row.says(f"pump {row.id} has neither a head curve nor a power")


@check(
    Severity.ERROR,
    why="A pump does not work without power; EPANET refuses it.",
    advice="Correct the number; a pump that stands still is closed in [STATUS].",
)
def pump_power_not_positive(model: RawModel) -> Iterator[Place]:
    """Pumps with a power of zero or less."""
    for row in model.section("PUMPS"):
        power = number(_properties(row).get("POWER", ""))
        if power is not None and power <= 0:
            yield row.says(f"pump {row.id} has a power of {power:g}")


@check(
    Severity.ERROR,
    why="No link has a speed or a setting below zero; EPANET refuses it.",
    advice="Correct the sign; to stop a link, write CLOSED.",
)
def setting_negative(model: RawModel) -> Iterator[Place]:
    """Negative settings in [PUMPS], [STATUS] or [CONTROLS]."""
    for row, name, word in (*_own_speeds(model), *settings_given(model)):
        value = number(word)
        if value is not None and value < 0:
            yield Place(f"[{row.section}] gives link {name} a setting of {value:g}", (name,), row.section, row.line)


@check(
    Severity.WARNING,
    why="A speed is a ratio to that of the curve, and head grows with its square: per cent give 10,000 times the head.",
    advice="Write 1 for full speed, 0.75 for 75 %.",
)
def pump_speed_too_high(model: RawModel) -> Iterator[Place]:
    """Speeds that no pump turns at."""
    for row, name, speed in pump_speeds(model):
        if speed > MOST_SPEED:
            yield Place(f"[{row.section}] gives pump {name} a speed of {speed:g}", (name,), row.section, row.line)


def _own_speeds(model: RawModel) -> Iterator[tuple[Row, str, str]]:
    for row in model.section("PUMPS"):
        yield row, row.id, _properties(row).get("SPEED", "")


def pump_speeds(model: RawModel) -> Iterator[tuple[Row, str, float]]:
    """Where a pump is given a speed: row, pump, speed."""
    for row, name, word in (*_own_speeds(model), *settings_given(model)):
        speed = number(word)
        if speed is not None and name in model.links and model.links[name].section == "PUMPS":
            yield row, name, speed


@check(
    Severity.ERROR,
    why="A pump gives less head the more it delivers; from any other curve no single answer follows, and EPANET refuses it.",
    advice="Correct the point that the message names, or leave it out.",
)
def pump_curve_not_falling(model: RawModel) -> Iterator[Place]:
    """Head curves that rise, stay level, or fit no power law where three points ask for one."""
    judged = set()
    for row in model.section("PUMPS"):
        name = _properties(row).get("HEAD", "")
        curve = _head_curve(model, row)
        if curve is None or not curve.x or name in judged:
            continue
        judged.add(name)
        trouble = _head_trouble(curve)
        if trouble is not None:
            point, what = trouble
            yield Place(f"curve {name} of pump {row.id} {what}", (name, row.id), "CURVES", curve.line(point))


def _head_trouble(curve: Curve) -> tuple[int, str] | None:
    """The guilty point of a head curve and what is wrong with it, None for a good one."""
    flow, head = curve.x, curve.y
    if len(flow) == 1:
        return (0, "has a point without flow or head") if flow[0] <= 0 or head[0] <= 0 else None
    rising = [i for i in range(1, len(head)) if head[i] >= head[i - 1]]
    if rising:
        point = _odd_one(head, rising)
        return point, f"does not fall: head {head[point]:g} at flow {flow[point]:g} is out of line"
    if len(flow) == 3 and flow[0] == 0 and not _fits_power_law(flow, head):
        return 1, f"has three points, of which {head[1]:g} at flow {flow[1]:g} fits no curve h = a - b q^c with c up to 20"
    return None


def _odd_one(head: tuple[float, ...], rising: list[int]) -> int:
    """The one point without which the heads fall; where none is, the first that does not fall."""
    for point in [*rising, *(r - 1 for r in rising)] if len(rising) <= 2 else ():
        rest = head[:point] + head[point + 1 :]
        if all(b < a for a, b in pairwise(rest)):
            return point
    return rising[0]


def _fits_power_law(flow: tuple[float, ...], head: tuple[float, ...]) -> bool:
    """Whether h0 - b q^c with 0 < c <= 20 goes through three falling points, the first without flow."""
    first, last = head[0] - head[1], head[0] - head[2]
    if min(first, last, flow[1]) <= 0 or flow[2] <= flow[1]:
        return True  # another check speaks of it
    return 0 < math.log(last / first) <= 20 * math.log(flow[2] / flow[1])


@check(
    Severity.ERROR,
    why="EPANET looks up a curve by its first number and refuses one in which that does not grow.",
    advice="Sort the points; of two with the same first number keep one.",
)
def curve_not_ascending(model: RawModel) -> Iterator[Place]:
    """Curves whose x does not grow."""
    for name, curve in model.curves.items():
        for i in range(1, len(curve.x)):
            if curve.x[i] <= curve.x[i - 1]:
                what = f"curve {name} goes from {curve.x[i - 1]:g} to {curve.x[i]:g} in its first column"
                yield Place(what, (name,), "CURVES", curve.line(i))
                break


def _efficiency_curves(model: RawModel) -> Iterator[tuple[Row, str]]:
    for row in model.section("ENERGY"):
        if len(row.tokens) > 3 and row.tokens[2].upper().startswith("EFFI"):
            yield row, row.tokens[3]


@check(
    Severity.WARNING,
    why="No pump gives more energy than it takes, or nearly none; the energy computed with it is far off.",
    advice="Write efficiencies in per cent, from 1 to 100.",
)
def efficiency_out_of_range(model: RawModel) -> Iterator[Place]:
    """Efficiencies above 100 %, below 0, or written as fractions."""
    judged = set()
    for _, name in _efficiency_curves(model):
        values = model.curves[name].y if name in model.curves else ()
        if values and name not in judged:
            judged.add(name)
            point = max(range(len(values)), key=lambda i: values[i] if min(values) >= 0 else -values[i])
            if not 1 < max(values) <= 100 or min(values) < 0:
                what = f"efficiency curve {name} has {values[point]:g} %"
                yield Place(what, (name,), "CURVES", model.curves[name].line(point))
    for row in model.section("ENERGY"):
        value = number(row.tokens[-1])
        is_general = row.id.upper() == "GLOBAL" and len(row.tokens) > 2 and row.tokens[1].upper().startswith("EFFI")
        if is_general and value is not None and not 1 < value <= 100:
            yield Place(f"the general efficiency is {value:g} %", (), "ENERGY", row.line)

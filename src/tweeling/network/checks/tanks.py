"""Checks on tanks and their volume curves."""

from __future__ import annotations

from collections.abc import Iterator

from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row


def _levels(row: Row) -> tuple[float, float, float] | None:
    """Initial, lowest and highest level, None unless all are numbers."""
    values = [row.number(name) for name in ("initial_level", "min_level", "max_level")]
    known = [value for value in values if value is not None]
    return (known[0], known[1], known[2]) if len(known) == 3 else None


def _volume_curve(row: Row) -> str:
    name = row.word("volume_curve")
    return "" if name == "*" else name


@check(
    Severity.ERROR,
    why="A tank cannot stand outside its own walls; EPANET refuses to compute.",
    advice="Correct the initial, lowest or highest level.",
)
def tank_level_out_of_range(model: RawModel) -> Iterator[Place]:
    """Tanks whose levels are not in the order lowest, initial, highest."""
    for row in model.tanks.values():
        levels = _levels(row)
        if levels is not None and not levels[1] <= levels[0] <= levels[2]:
            initial, low, high = levels
            yield row.says(f"tank {row.id} starts at level {initial:g} with {low:g} as lowest and {high:g} as highest")


@check(
    Severity.WARNING,
    why="It can hold nothing: full and empty at once, it closes its links.",
    advice="Give it a lowest and a highest level, or make it a reservoir.",
)
def tank_without_range(model: RawModel) -> Iterator[Place]:
    """Tanks whose lowest level is their highest."""
    for row in model.tanks.values():
        levels = _levels(row)
        if levels is not None and levels[1] == levels[2]:
            yield row.says(f"tank {row.id} has {levels[1]:g} as lowest and highest level")


@check(
    Severity.ERROR,
    why="A tank without area has no volume, so its level cannot follow the flow.",
    advice="Give its diameter, or a volume curve.",
)
def tank_without_area(model: RawModel) -> Iterator[Place]:
    """Tanks with no diameter and no volume curve, or a negative diameter or volume."""
    for row in model.tanks.values():
        diameter, volume = row.number("diameter"), row.number("min_volume")
        if diameter is not None and (diameter < 0 or (diameter == 0 and not _volume_curve(row))):
            yield row.says(f"tank {row.id} has a diameter of {diameter:g}" + ("" if diameter else " and no volume curve"))
        elif volume is not None and volume < 0:
            yield row.says(f"tank {row.id} has a volume of {volume:g} at its lowest level")


@check(
    Severity.ERROR,
    why="Beyond the ends of its curve the volume of a tank is unknown; EPANET refuses to compute.",
    advice="Extend the curve to the lowest and the highest level.",
)
def volume_curve_too_short(model: RawModel) -> Iterator[Place]:
    """Volume curves that do not span the levels of their tank."""
    for row in model.tanks.values():
        levels, name = _levels(row), _volume_curve(row)
        heights = model.curves[name].x if name in model.curves else ()
        if levels is not None and heights and not min(heights) <= levels[1] <= levels[2] <= max(heights):
            what = (
                f"volume curve {name} spans {min(heights):g} to {max(heights):g}, tank {row.id} {levels[1]:g} to {levels[2]:g}"
            )
            yield row.says(what, name)


@check(
    Severity.ERROR,
    why="A tank holds more the higher it stands; from any other curve its level does not follow.",
    advice="Correct the points of the curve: level, volume.",
)
def volume_curve_not_rising(model: RawModel) -> Iterator[Place]:
    """Volume curves in which the volume does not grow with the level."""
    judged = set()
    for row in model.tanks.values():
        name = _volume_curve(row)
        volumes = model.curves[name].y if name in model.curves else ()
        for i in range(1, len(volumes) if name not in judged else 0):
            if volumes[i] <= volumes[i - 1]:
                what = f"volume curve {name} of tank {row.id} goes from {volumes[i - 1]:g} to {volumes[i]:g}"
                yield Place(what, (name, row.id), "CURVES", model.curves[name].line(i))
                break
        judged.add(name)

"""Times as EPANET writes them: `1.5`, `1:30`, `1:30:00`, `90 MIN`, `6 PM`."""

from __future__ import annotations

from tweeling.network.checks.rows import number

TIME_UNITS = ("SEC", "MIN", "HOURS", "DAYS", "AM", "PM")
_SECONDS = {"SEC": 1, "MIN": 60, "HOU": 3600, "DAY": 86400}
_HALF_DAY = 43200


def seconds(word: str, unit: str = "") -> float | None:
    """Seconds of a time and its unit (hours without one), None where it is no time."""
    value = _clock(word) if ":" in word else number(word)
    if value is None:
        return None
    unit = unit.upper()
    if unit[:2] in ("AM", "PM"):
        value = value if ":" in word else value * 3600
        if value >= _HALF_DAY + 3600:
            return None
        return value % _HALF_DAY + (_HALF_DAY if unit.startswith("PM") else 0)
    if unit and unit[:3] not in _SECONDS:
        return None
    return value if ":" in word else value * _SECONDS.get(unit[:3], 3600)


def _clock(word: str) -> float | None:
    parts = [number(part or "0") for part in word.split(":")]
    known = [part for part in parts if part is not None]
    return sum(part * 60**power for part, power in zip(known, (2, 1, 0), strict=False)) if len(known) == len(parts) else None

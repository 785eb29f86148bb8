"""What is true, written down beside the readings; a twin never opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

import numpy as np

from tweeling.network.fingerprint import network_hash
from tweeling.network.network import Floats, LinkKind
from tweeling.plant.truth import Happening, Hidden, leaks
from tweeling.reading import iso_time, microseconds

HOUR = 3600.0


@dataclass
class Record:
    """What is to be remembered of a run beside its readings.

    Args:
        per_hour: intervals in an hour, at least 1.
        leak, level: of every interval since the start, piece by piece; m3/s (step, leak), no unit (step,).
        unsettled: intervals in which EPANET did not settle.
    """

    per_hour: int
    leak: list[Floats] = field(default_factory=list)
    level: list[Floats] = field(default_factory=list)
    unsettled: int = 0

    @staticmethod
    def of(hidden: Hidden) -> Record:
        """An empty one."""
        return Record(max(int(HOUR / hidden.world.interval), 1))

    def add(self, leak: Floats, level: Floats, unsettled: Floats) -> None:
        """The next intervals."""
        self.unsettled += int((unsettled > 0).sum())
        self.leak.append(leak)
        self.level.append(level)


def truth_document(hidden: Hidden, record: Record) -> dict[str, Any]:
    """All that is true, as JSON holds it; times in ISO 8601, numbers with their unit in the name."""
    world, network, model = hidden.world, hidden.network, hidden.model
    leak = np.concatenate(record.leak) if record.leak else np.empty((0, len(leaks(hidden))))
    level = np.concatenate(record.level) if record.level else np.empty(0)
    flows = {id(happening): leak[:, i] for i, (_, happening) in enumerate(leaks(hidden))}
    pipes = np.flatnonzero(model.links.kind <= LinkKind.PIPE).tolist()
    junctions = np.unique(model.demands.junction[model.demands.base != 0]).tolist()
    return {
        "seed": world.seed,
        "start": iso_time(microseconds(world.start)),
        "pattern_zero": iso_time(microseconds(world.start - timedelta(seconds=world.offset))),
        "days": world.days,
        "interval_s": world.interval,
        "network": network_hash(model),
        "truth": world.truth.model_dump(),
        "events": [_event(hidden, happening, flows.get(id(happening)), record.per_hour) for happening in hidden.happenings],
        "sensor_offset_m": {row.id: float(hidden.offset[i]) for i, row in enumerate(hidden.sensors.rows) if hidden.offset[i]},
        "roughness_factor": {network.links.ids[i]: float(hidden.roughness_factor[i]) for i in pipes},
        "demand_factor": {network.nodes.ids[i]: float(hidden.demand_factor[i]) for i in junctions},
        "unsettled_intervals": record.unsettled,
        "demand_level": {"every_s": record.per_hour * world.interval, "means": means(level, record.per_hour, 6)},
    }


def _event(hidden: Hidden, happening: Happening, flow: Floats | None, per_hour: int) -> dict[str, Any]:
    """An event as it came: what was random is drawn, times are those from which it acted."""
    start, end = (_moment(hidden, interval) for interval in (happening.start, happening.end))
    asked = happening.event.model_dump(mode="json", exclude={"at", "until", "element", "sensor"})
    document = {key: value for key, value in asked.items() if value is not None}
    key = "sensor" if hasattr(happening.event, "sensor") else "element"
    document |= {key: happening.subject if len(happening.subjects) == 1 else list(happening.subjects)}
    document |= {"at": start, "until": end if happening.end < hidden.world.n_intervals else None}
    during = np.empty(0) if flow is None else flow[happening.start : happening.end]
    if len(during):  # else it is no leak, or the run that is recorded has not come to it
        document["flow"] = {
            "first_m3h": round(float(during[0]) * HOUR, 6),
            "mean_m3h": round(float(during.mean()) * HOUR, 6),
            "largest_m3h": round(float(during.max()) * HOUR, 6),
            "every_s": per_hour * hidden.world.interval,
            "means_m3h": means(during * HOUR, per_hour, 6),
        }
    return document


def means(values: Floats, length: int, decimals: int) -> list[float]:
    """Means of so many values each; the last of what is left; (value,)."""
    if not len(values):
        return []
    first = np.arange(0, len(values), length)
    sums = np.add.reduceat(values, first)
    return [round(mean, decimals) for mean in (sums / np.diff(np.append(first, len(values)))).tolist()]


def _moment(hidden: Hidden, interval: int) -> str:
    moment = hidden.world.start + timedelta(seconds=interval * hidden.world.interval)
    return iso_time(microseconds(moment.astimezone(UTC)))

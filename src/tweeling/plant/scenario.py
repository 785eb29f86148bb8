"""What happens in a demo: built-in tables, `scenarios/NAME.toml`, and files of one's own in the same form.

A scenario is a sentence `about` it and `events` as in `PLANT.toml`. Their spans count from the beginning of the demo, after its
healthy week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator

from tweeling.errors import InputError
from tweeling.live.config import checked, read_toml
from tweeling.plant.events import RANDOM, AnyEvent

FOLDER = Path(__file__).with_name("scenarios")
USUAL = "incidents"


class Scenario(BaseModel):
    """What happens in a demo.

    Args:
        about: a sentence that gives nothing away but the kinds of things.
        events: as in `PLANT.toml`, since the beginning of the demo.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str = ""
    events: tuple[AnyEvent, ...]

    @property
    def closes_any(self) -> bool:
        """Whether it closes a pipe that is to be drawn."""
        return any(event.kind == "close" and event.subject == RANDOM for event in self.events)

    @field_validator("events")
    @classmethod
    def _at_a_time(cls, events: tuple[AnyEvent, ...]) -> tuple[AnyEvent, ...]:
        for place, event in enumerate(events):
            if event.at == RANDOM:
                raise ValueError(f'events.{place} ({event.kind}): say when, such as at = "12h"; a demo has no middle')
        return events


def names() -> list[str]:
    """Of the built-in scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_scenario(name: str) -> Scenario:
    """A built-in scenario, or the file at a path.

    Raises:
        InputError: no such scenario, or a file that makes no sense; it says what there is.
    """
    path = FOLDER / f"{name}.toml" if name in names() else Path(name)
    if not path.is_file():
        raise InputError(f"there is no scenario {name!r}; take one of {', '.join(names())}, or the path of a file with events")
    return checked(Scenario, read_toml(path), path)


def scenario_id(name: str) -> str:
    """What tells scenarios apart: a built-in name, or the whole path of a file."""
    return name if name in names() else str(Path(name).resolve())


@dataclass(frozen=True)
class Chosen:
    """What `random` is to be drawn from in a demo, where that is less than a plant would draw from.

    Args:
        sensors: ids of the instruments that may fail: one that the twin is never told of would fail unseen.
        mains: ids of the pipes that may be closed: nobody would notice most of the others.
        seed: of the draws.
    """

    sensors: Sequence[str]
    mains: Sequence[str]
    seed: int


def as_plant_events(scenario: Scenario, healthy: timedelta, chosen: Chosen) -> list[dict[str, Any]]:
    """The events as `PLANT.toml` has them, for a plant that begins with a healthy time.

    Args:
        scenario: since the beginning of the demo.
        healthy: how long before that the plant begins.
        chosen: what is drawn from.
    """
    rng = np.random.default_rng(np.random.SeedSequence(chosen.seed, spawn_key=(1,)))
    sensors, links = rng.permutation(list(chosen.sensors)).tolist(), rng.permutation(list(chosen.mains)).tolist()
    documents = []
    for event in scenario.events:
        document = event.model_dump(mode="json", exclude_none=True)
        for key in ("at", "until"):
            moment = getattr(event, key)
            if isinstance(moment, timedelta):
                document[key] = (moment + healthy).total_seconds()
        if document.get("sensor") == RANDOM and sensors:
            document["sensor"] = sensors.pop()
        if event.kind == "close" and document["element"] == RANDOM and links:
            document["element"] = links.pop()
        documents.append(document)
    return documents

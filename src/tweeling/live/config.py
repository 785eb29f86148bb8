"""`TWIN.toml`: what a twin is of, what it believes, and where its readings come from and go.

Paths in the file are relative to it. Everything that is wrong is said at once, with the key that it is about.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from tweeling.errors import InputError
from tweeling.units import QUANTITIES

Model = TypeVar("Model", bound=BaseModel)

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d|w|y)")
_SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def seconds_of(span: object) -> object:
    """Seconds of `5min`, `1h30min`, `2y`; what is no text is left to be judged as it is."""
    if not isinstance(span, str):
        return span
    parts = _SPAN.findall(span)
    if not parts or _SPAN.sub("", span).strip():
        raise ValueError(f"{span!r} is no span of time; write it as 5min, 1h, 8d12h, 2y")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


Span = Annotated[float, BeforeValidator(seconds_of), Field(ge=0)]
"""Seconds; written as text such as `5min`."""
Sd = Annotated[float, Field(ge=0, le=10)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSection(_Section):
    """Where the model is, and which moment its pattern time 0 is."""

    file: Path
    pattern_zero: datetime = datetime(2018, 1, 1, tzinfo=UTC)
    zones: str = "derived"

    @field_validator("pattern_zero")
    @classmethod
    def _aware(cls, moment: datetime) -> datetime:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class SensorsSection(_Section):
    """Which sensors there are; those withheld are never assimilated and score the twin."""

    file: Path
    interval: Span = 300.0
    zone: str = "UTC"
    withhold: tuple[str, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone; write it as UTC or Europe/Amsterdam") from error
        return name


class TimeSection(_Section):
    """When a cycle closes and how far the twin goes back."""

    cycle: Annotated[Span, Field(gt=0)] = 300.0
    lateness: Span = 600.0
    revise: Span = 86400.0
    give_up: Span = 900.0
    clock: Literal["readings", "wall"] = "readings"


class EnsembleSection(_Section):
    """How many members, and the seed of all that is drawn."""

    members: Annotated[int, Field(ge=2, le=100_000)] = 100
    seed: Annotated[int, Field(ge=0)] = 1


class BeliefsSection(_Section):
    """Doubts before anything is measured: relative standard deviations, and metres where said."""

    zone_factor_sd: Sd = 0.2
    node_demand_sd: Sd = 0.3
    roughness_sd: Sd = 0.1
    sensor_offset_sd: Sd = 0.1
    """m; of pressures and heads."""
    demand_noise_sd: Sd = 0.5
    """Of one junction's demand from one interval to the next, relative."""
    setting_sd: Sd = 0.5
    """m; of what pressure valves hold."""


class InputSection(_Section):
    """A door that readings come through."""

    kind: Literal["http", "mqtt"]
    url: str = ""
    topic: str = ""


class StoreSection(_Section):
    """Where readings and snapshots are kept, and how long."""

    url: str = "sqlite:///twin.db"
    keep: Span = 2 * 365 * 86400.0


class OutputSection(_Section):
    """What `estimates.parquet` holds."""

    every: Annotated[Span, Field(gt=0)] = 3600.0
    quantities: tuple[str, ...] = ("pressure", "flow")
    elements: Literal["all"] | tuple[str, ...] = "all"

    @field_validator("quantities")
    @classmethod
    def _measurable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in QUANTITIES:
                raise ValueError(f"{name!r} is not one of {', '.join(QUANTITIES)}")
        return names


class ServiceSection(_Section):
    """Where the service listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    token: str = ""


class DemoSection(_Section):
    """Of a demo: where the service finds what is true, which the twin never opens, and how fast the town goes."""

    truth: Path
    speed: Annotated[float, Field(gt=0)] = 60.0
    """Simulated seconds in a second."""


class TwinConfig(_Section):
    """All of `TWIN.toml`; spans are in seconds."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = "twin"
    network: NetworkSection
    sensors: SensorsSection
    time: TimeSection = TimeSection()
    ensemble: EnsembleSection = EnsembleSection()
    beliefs: BeliefsSection = BeliefsSection()
    inputs: tuple[InputSection, ...] = (InputSection(kind="http"),)
    store: StoreSection = StoreSection()
    output: OutputSection = OutputSection()
    service: ServiceSection = ServiceSection()
    demo: DemoSection | None = None
    folder: Path = Path()
    """Of the file; not a key in it."""

    @model_validator(mode="after")
    def _whole_steps(self) -> TwinConfig:
        ratio = self.time.cycle / self.sensors.interval if self.sensors.interval else 0
        if ratio < 1 or abs(ratio - round(ratio)) > 1e-9:
            raise ValueError("time.cycle must be a whole number of sensors.interval, such as 1h of 5min")
        return self

    @property
    def steps(self) -> int:
        """Intervals of the sensors in a cycle."""
        return round(self.time.cycle / self.sensors.interval)

    def path(self, name: str | Path) -> Path:
        """A path of the file as one from here."""
        return self.folder / name


def read_config(path: str | Path) -> TwinConfig:
    """Reads `TWIN.toml`.

    Raises:
        InputError: a file that cannot be read, or keys that make no sense; it names each.
    """
    document = read_toml(path)
    return checked(TwinConfig, document | {"folder": Path(path).resolve().parent}, path)


def read_toml(path: str | Path) -> dict[str, Any]:
    """A TOML file as a document.

    Raises:
        InputError: a file that cannot be read; it names line and column where the text is wrong.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def checked(model: type[Model], document: dict[str, Any], path: str | Path) -> Model:
    """A document as what it should be.

    Raises:
        InputError: names every key that is wrong, and why.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = [f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}" for item in error.errors()]
        raise InputError(f"{path}: {'; '.join(wrong)}") from error

"""`TWIN.toml`: what a twin is of, what it believes, and where its readings come from and go.

Paths in the file are relative to it. Everything that is wrong is said at once, with the key that it is about.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from tweeling.errors import InputError
from tweeling.live.broker import check_topic, split_url
from tweeling.units import QUANTITIES

Model = TypeVar("Model", bound=BaseModel)
Names = TypeVar("Names", tuple[str, ...], Mapping[str, float])

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
    catch_up: Span = 0.0
    """Length of a cycle while the twin is that far behind; what is left out is `cycle`, so that all are of one length."""
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
    """A door that readings come through: HTTP, or a broker of MQTT."""

    kind: Literal["http", "mqtt"]
    url: str = ""
    topic: str = ""
    client: Annotated[str, Field(max_length=200)] = ""
    """Under which the broker keeps what was not taken; "" makes one of the twin's name and the topic."""
    password_file: Path | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _usable(self) -> InputSection:
        if self.kind == "http":
            if self.model_fields_set - {"kind"}:
                raise ValueError("an input over http has no other keys; [service] says where it listens")
            return self
        broker, path = split_url(self.url)
        if path:
            raise ValueError(f"write the topic as topic = {path!r}, not behind the address")
        if self.password_file is not None and not broker.user:
            raise ValueError("a password without a user: write url = 'mqtt://USER@HOST'")
        check_topic(self.topic, wildcards=True)
        return self


class StoreSection(_Section):
    """Where readings and snapshots are kept, and how long."""

    url: str = "sqlite:///twin.db"
    keep: Span = 2 * 365 * 86400.0


class OutputSection(_Section):
    """What `estimates.parquet` holds, and below which value a quantity breaks its limit."""

    every: Annotated[Span, Field(gt=0)] = 3600.0
    quantities: tuple[str, ...] = ("pressure", "flow")
    elements: Literal["all"] | tuple[str, ...] = "all"
    limits: Mapping[str, float] = {"pressure": 20.0}
    """SI, by quantity; of junctions and links."""

    @field_validator("quantities", "limits")
    @classmethod
    def _measurable(cls, names: Names) -> Names:
        for name in names:
            if name not in QUANTITIES:
                raise ValueError(f"{name!r} is not one of {', '.join(QUANTITIES)}")
        return names


class ForecastSection(_Section):
    """How far ahead the twin looks, in which steps, and how often anew; a horizon of 0 is none."""

    horizon: Annotated[Span, Field(le=7 * 86400)] = 86400.0
    step: Annotated[Span, Field(ge=60)] = 1800.0
    every: Annotated[Span, Field(gt=0)] = 3600.0


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
    forecast: ForecastSection = ForecastSection()
    service: ServiceSection = ServiceSection()
    demo: DemoSection | None = None
    folder: Path = Path()
    """Of the file; not a key in it."""

    @model_validator(mode="after")
    def _whole_steps(self) -> TwinConfig:
        ratio = self.time.cycle / self.sensors.interval if self.sensors.interval else 0
        if ratio < 1 or abs(ratio - round(ratio)) > 1e-9:
            raise ValueError("time.cycle must be a whole number of sensors.interval, such as 1h of 5min")
        longer = self.time.catch_up / self.time.cycle
        if self.time.catch_up and (longer < 1 or abs(longer - round(longer)) > 1e-9):
            raise ValueError("time.catch_up must be a whole number of time.cycle, such as 1h of 5min")
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

"""`PLANT.toml`: which town, which sensors, how far the hidden truth is from the model, and what happens to it.

The keys stand in `docs/reference/plant.md`. Paths in the file are relative to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tweeling.live.config import Sd, Span, checked, read_toml
from tweeling.plant.events import AnyEvent

DAY = 86400
LAST_YEAR = 9000
Lasting = Annotated[Span, Field(gt=0, le=1e10)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TruthSection(_Section):
    """How far reality is from the model; relative standard deviations, metres and spans where said."""

    roughness_sd: Sd = 0.1
    """Of each pipe's roughness."""
    node_demand_sd: Sd = 0.3
    """Of each junction's demand, all the time."""
    demand_noise_sd: Sd = 0.4
    """Of each junction's demand, from one interval to the next."""
    demand_noise_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Of the noise's variance that lasts; the rest is new in every interval."""
    demand_noise_lasts: Lasting = 2 * 3600.0
    """s; how long that part lasts."""
    zone_factor_sd: Sd = 0.05
    """Of the demand level of the whole town."""
    zone_factor_lasts: Lasting = 2.0 * DAY
    """s; how long a level lasts."""
    sensor_offset_sd: Sd = 0.1
    """m; of pressures and heads."""
    noise: bool = True
    """Whether instruments have noise and a resolution."""

    @staticmethod
    def none() -> TruthSection:
        """The model itself is true, and instruments are perfect."""
        sds = ("roughness_sd", "node_demand_sd", "demand_noise_sd", "zone_factor_sd", "sensor_offset_sd")
        return TruthSection(**dict.fromkeys(sds, 0.0), noise=False)


class PlantWorld(_Section):
    """A hidden truth for any network and sensors; spans are in seconds."""

    seed: Annotated[int, Field(ge=0)] = 1
    start: datetime = datetime(2018, 1, 1, tzinfo=UTC)
    days: Annotated[float, Field(gt=0, le=3660)] = 7
    interval: Annotated[Span, Field(ge=1, le=7 * DAY)] = 300.0
    pattern_zero: datetime | None = None
    truth: TruthSection = TruthSection()
    events: tuple[AnyEvent, ...] = ()

    @field_validator("start", "pattern_zero")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _whole(self) -> PlantWorld:
        if self.interval != round(self.interval):
            raise ValueError("interval must be whole seconds")
        if self.start.year > LAST_YEAR:
            raise ValueError(f"start is in the year {self.start.year}")
        if self.start.microsecond or (self.pattern_zero is not None and self.pattern_zero.microsecond):
            raise ValueError("start and pattern_zero must be whole seconds")
        if self.n_intervals < 1:
            raise ValueError(f"days = {self.days:g} holds no interval of {self.interval:g} s")
        return self

    @property
    def n_intervals(self) -> int:
        """How many readings of each sensor."""
        return int(self.days * DAY / self.interval + 1e-9)

    @property
    def duration(self) -> float:
        """Seconds from the first reading until one interval after the last."""
        return self.n_intervals * self.interval

    @property
    def offset(self) -> int:
        """Seconds of the patterns that have passed at the start; without `pattern_zero` since the Monday before, 00:00 UTC."""
        zero = self.pattern_zero
        if zero is None:
            start = self.start.astimezone(UTC)
            zero = datetime(start.year, start.month, start.day, tzinfo=UTC) - timedelta(days=start.weekday())
        return round((self.start - zero).total_seconds())


class PlantConfig(PlantWorld):
    """All of `PLANT.toml`."""

    network: Path
    sensors: Path
    folder: Path = Path()
    """Of the file; not a key in it."""

    def path(self, name: Path) -> Path:
        """A path of the file as one from here."""
        return self.folder / name


def read_plant(path: str | Path) -> PlantConfig:
    """Reads `PLANT.toml`.

    Raises:
        InputError: a file that cannot be read, or keys that make no sense; it names each.
    """
    document = read_toml(path)
    return checked(PlantConfig, document | {"folder": Path(path).resolve().parent}, path)


def plant_world(world: PlantWorld | Mapping[str, Any]) -> PlantWorld:
    """A world from itself or from the keys that its file would have.

    Raises:
        InputError: keys that make no sense; it names each.
    """
    return world if isinstance(world, PlantWorld) else checked(PlantWorld, dict(world), "the plant")

"""What the service answers, as types; `GET /api/openapi.json` is made from these.

An estimated number leaves as an `Estimate` and in no other way: `tests/service/test_schema.py` walks the whole schema and
refuses a bare number that is not in its list of measured values, probabilities, counts, times, scores and settings.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Time = str
"""ISO 8601, UTC."""


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(extra="forbid", title=None)


class Estimate(Answer):
    """An estimate of one number: median and central interval. All three are null where there is no number (no supply)."""

    median: float | None
    low: float | None
    high: float | None
    level: float = Field(description="Probability inside the interval.")
    unit: str


class Problem(Answer):
    """Why a request was refused, and what to try."""

    error: str


class Verdict(Answer):
    """What is not good about one reading of a request."""

    index: int = Field(description="Place in the request, from 0.")
    flag: str
    why: str


class Acknowledgement(Answer):
    """The readings are on disk: a power cut does not undo it."""

    stored: int = Field(description="How many were kept. Flagged ones are; duplicates were kept before.")
    verdicts: list[Verdict] = Field(description="Only of readings that are not good.")


class StateAnswer(Answer):
    """The twin's estimate of one quantity at one moment."""

    at: Time = Field(description="The time that was asked for.")
    cycle_end: Time = Field(description="End of the cycle that this is the state after.")
    quantity: str
    elements: dict[str, Estimate]


class Measured(Answer):
    """A reading, in SI."""

    time: Time
    sensor: str
    value: float | None
    flag: str


class Band(Answer):
    """An estimate at a time."""

    time: Time
    estimate: Estimate


class SeriesAnswer(Answer):
    """Measurements, and the bands of what was to be expected beside them."""

    quantity: str
    unit: str
    sensor: str | None
    element: str
    measured: list[Measured]
    bands: list[Band]
    forecast: list[Band] = Field(description="After the last cycle, as far as the newest outlook reaches.")
    forecast_made: Time | None = Field(description="End of the cycle that the outlook starts from.")


class CandidateAnswer(Answer):
    """An element where the cause may lie."""

    element: str
    probability: float


class EvidenceAnswer(Answer):
    """One thing that speaks for a finding."""

    code: str
    sensor: str
    value: dict[str, Any] = Field(description="Measured numbers, probabilities and counts; or estimates.")
    text: dict[str, str]


class FindingAnswer(Answer):
    """Something that the twin holds to be wrong."""

    id: str
    kind: str
    subject: str
    since: Time
    raised: Time
    closed: Time | None
    revision: int
    probability: float
    causes: dict[str, float]
    candidates: list[CandidateAnswer]
    size: Estimate | None
    evidence: list[EvidenceAnswer]
    action: str
    verdict: str
    notes: list[str]
    real_cause: str = Field(description="What it turned out to be; empty where nobody has said.")


class FindingsAnswer(Answer):
    """Findings in their last revision, in the order in which they were raised."""

    findings: list[FindingAnswer]


class Deed(BaseModel):
    """What a person says about a finding."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(default="", max_length=10_000)
    who: str = Field(default="", max_length=200)
    cause: Literal["", "leak", "valve", "sensor", "tampering", "demand", "model", "unknown", "nothing"] = Field(
        default="", description="What it turned out to be; nothing: a false alarm."
    )


class DeedAnswer(Answer):
    """The action is on disk; the twin takes it with its next cycle."""

    sequence: int
    finding: str
    kind: str


class SensorAnswer(Answer):
    """A sensor, and when it was last heard."""

    sensor: str
    quantity: str
    element: str
    unit: str
    std: float = Field(description="Of the instrument, in `unit`.")
    withheld: bool
    last_time: Time | None = Field(description="Time of its latest reading.")
    last_heard: Time | None = Field(description="When that came, by the wall clock.")
    behind_s: float | None = Field(description="How far its latest reading is behind that of half of the sensors.")
    stale: bool


class SensorsAnswer(Answer):
    """All sensors of the twin."""

    sensors: list[SensorAnswer]


class NetworkAbout(Answer):
    """The size of the network, and a hash that changes when it does."""

    hash: str
    nodes: int
    links: int
    placed: bool = Field(description="Whether its nodes have coordinates.")


class AboutAnswer(Answer):
    """What the twin is of, and what can be asked of it; none of it changes while the service runs."""

    name: str
    version: str
    demo: bool = Field(description="Whether the readings are simulated.")
    network: NetworkAbout
    members: int
    level: float = Field(description="Probability inside the intervals.")
    cycle_s: float
    interval_s: float
    quantities: list[str] = Field(description="Those that are kept of all elements.")
    units: dict[str, str]
    limits: dict[str, float] = Field(description="SI; a value below it breaks it.")


class TimelineAnswer(Answer):
    """From when to when there are estimates."""

    first: Time | None
    last: Time | None = Field(description="End of the last cycle.")
    forecast_made: Time | None
    forecast_until: Time | None
    cycle_s: float


class IdsAnswer(Answer):
    """Ids in the network's order, in which geometry and values come."""

    nodes: list[str]
    links: list[str]


class Residual(Answer):
    """How a sensor's readings lay in the twin's bands."""

    sensor: str
    quantity: str
    element: str
    unit: str
    withheld: bool = Field(description="Never assimilated: the honest measure.")
    n: int
    coverage: float | None = Field(description="Share of the readings inside the band.")
    bias: float | None = Field(description="Mean of reading minus median.")
    rmse: float | None
    half_width: float | None = Field(description="Mean half width of the band.")


class ResidualsAnswer(Answer):
    """How all sensors' readings lay in the twin's bands."""

    start: Time = Field(alias="from")
    end: Time = Field(alias="to")
    sensors: list[Residual]


class SessionRequest(BaseModel):
    """What a person types to sign in."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=1000)


class SessionAnswer(Answer):
    """A cookie came with it."""

    until: Time


class Geometry(Answer):
    """GeoJSON, in the coordinates of the network's file."""

    type: Literal["Point", "LineString"]
    coordinates: list[Any]


class Properties(Answer):
    """Of a node or a link."""

    kind: str
    start: str | None = None
    end: str | None = None
    tag: str | None = None


class Feature(Answer):
    """A node or a link; its geometry is null where the file has no coordinates."""

    type: Literal["Feature"]
    id: str
    geometry: Geometry | None
    properties: Properties


class NetworkAnswer(Answer):
    """GeoJSON."""

    type: Literal["FeatureCollection"]
    features: list[Feature]


class ScorecardAnswer(Answer):
    """How well the twin does, by its own withheld sensors."""

    at: Time | None
    scores: dict[str, Any]


class TwinHealth(Answer):
    """Of the process that runs the cycles."""

    alive: bool
    cycles: int
    last_end: Time | None = Field(description="End of the last cycle, in the time of the readings.")
    saved: Time | None = Field(description="When it was saved, by the wall clock.")
    seconds_per_cycle: float | None
    figures: dict[str, Any] = Field(description="What the last cycle says of itself.")


class DoorsHealth(Answer):
    """Of the process that takes readings."""

    started: Time
    last_sequence: int
    by_flag: dict[str, int] = Field(description="Readings since the start, by flag.")


class SensorHealth(Answer):
    """Of all sensors."""

    count: int
    stale: list[str]
    last_time: Time | None = Field(description="Where half of the sensors are.")


class Backlog(Answer):
    """Hours of readings, in their own time, that the twin has taken, of those that are there."""

    done: float
    of: float


class InputHealth(Answer):
    """A door that connects to somewhere else, such as a broker; counts are since the doors were started."""

    kind: str
    url: str = Field(description="Without password.")
    topic: str
    client: str = Field(description="Under which the broker keeps what was not taken.")
    connected: bool
    since: Time = Field(description="When it was connected, or lost, by the wall clock.")
    why: str = Field(description="When it is not connected: the reason.")
    last_message: Time | None = Field(description="When the last one came, by the wall clock.")
    received: int = Field(description="Messages, those included that came again.")
    readings: int = Field(description="That were kept, without duplicates.")
    undecodable: int = Field(description="Messages that could not be made out: acknowledged and logged.")
    not_kept: int = Field(description="Readings without a sensor or a time, in messages that could be made out.")
    refused: int = Field(description="Messages that the store did not take; they come again.")
    waiting: int = Field(description="Messages that wait for the disk.")


class OpenGap(Answer):
    """A sensor that was heard and fell silent."""

    sensor: str
    begin: Time = Field(alias="from", description="Time of its last reading.")
    noticed: Time = Field(description="When it was noticed, by the wall clock.")


class ClosedGap(Answer):
    """A span of time without readings of a sensor."""

    sensor: str
    begin: Time = Field(alias="from", description="Time of the last reading before it.")
    end: Time = Field(alias="to", description="Time of the first reading after it.")
    noticed: Time = Field(description="When it was noticed, by the wall clock.")
    missing: int = Field(description="Readings that should have come in it; 0 when they only came late.")


class GapsHealth(Answer):
    """When sensors were silent, as far as the doors know since they were started."""

    count: int = Field(description="Of open gaps.")
    open: list[OpenGap] = Field(description="The first hundred, by sensor.")
    closed: list[ClosedGap] = Field(description="The last fifty, the latest first.")


class HealthAnswer(Answer):
    """Whether all is well, and if not why."""

    status: Literal["ok", "degraded"]
    why: list[str]
    name: str
    twin: TwinHealth
    doors: DoorsHealth
    inputs: list[InputHealth] = Field(description="Doors that connect to somewhere else; HTTP is not among them.")
    sensors: SensorHealth
    gaps: GapsHealth
    catching_up: Backlog | None = Field(description="How far the twin is; null while it keeps up with its sensors.")


class TrueSize(Answer):
    """How large an event was made; no estimate."""

    value: float
    unit: str = Field(description="Empty for a factor, or where it is the unit of what the event is about.")


class TrueEvent(Answer):
    """Something that happened to the hidden town of a demo."""

    kind: str
    cause: str = Field(description="What a finding about it should call it.")
    subject: str
    element: str | None
    sensor: str | None
    at: Time
    until: Time | None = Field(description="Null while it lasts.")
    size: TrueSize | None


class ComparedFinding(Answer):
    """A finding beside the truth; null is what cannot be told."""

    id: str
    event: int | None = Field(description="Place in `events` of the one that it is about.")
    cause_right: bool | None
    right: bool | None = Field(description="Cause and place.")
    metres: float | None = Field(description="Along pipes, from its likeliest element to the true one.")
    hours_late: float | None


class CalibrationBin(Answer):
    """Findings whose probability lay in [from, to), and how many of them were right."""

    lowest: float = Field(alias="from")
    highest: float = Field(alias="to")
    n: int
    right: int


class Calibration(Answer):
    """How often findings of some probability have been right, measured in many hidden towns."""

    made: str = Field(default="", description="By what, and when.")
    n: int
    bins: list[CalibrationBin]


class TruthAnswer(Answer):
    """What has really happened so far, and how the findings compare."""

    ended: bool = Field(description="Whether nothing new is to come.")
    events: list[TrueEvent]
    findings: list[ComparedFinding]
    calibration: Calibration | None = Field(description="Null while nothing was measured.")

"""What the twin has found: that something is wrong, since when, why (as probabilities) and where it may be.

A published finding is never erased. When later readings change what is known, its revision grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tweeling.estimate import Estimate
from tweeling.reading import iso_time

CAUSES = ("leak", "valve", "sensor", "tampering", "demand", "model", "unknown")
"""Why twin and reality may part. Every finding gives each a probability; they sum to 1."""
REAL_CAUSES = (*CAUSES, "nothing")
"""What a finding turned out to be: a cause, or nothing at all (a false alarm)."""


@dataclass(frozen=True)
class Candidate:
    """An element where the cause may lie: a pipe of a leak, a valve, a sensor.

    Args:
        element: id.
        probability: that it is this one, given the finding's kind.
    """

    element: str
    probability: float


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for a finding.

    Args:
        code: a stable word for programs: `surprise`, `pattern`, `inflow`.
        sensor: id, "" when it is about several.
        value: measured numbers, probabilities and counts, or estimates as documents.
        text: a sentence by language: `en`, `nl`.
    """

    code: str
    sensor: str
    value: Mapping[str, Any]
    text: Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """Something that the twin holds to be wrong.

    Args:
        id: `f-0007`.
        kind: the likeliest of `CAUSES` when it was raised; `causes` says what is thought by now.
        subject: what it is about: a zone (`zone-1`), a sensor or an element.
        since, raised, closed: microseconds since 1970 UTC; `closed` is None while it is open.
        revision: 1 when raised, one more each time it changed.
        probability: that something is wrong.
        causes: probability by cause; all of `CAUSES`, sum 1.
        candidates: likeliest first. Of a leak: pipes.
        size: of a leak: its flow; None where there is no size.
        evidence: strongest first.
        action: what to do next, a sentence in English.
        verdict: what a person said: "", `confirmed`, `rejected`.
        notes: what people wrote, oldest first.
        real_cause: what it was, as somebody found in the field; one of `REAL_CAUSES`, "" where nobody has said.
    """

    id: str
    kind: str
    subject: str
    since: int
    raised: int
    closed: int | None
    revision: int
    probability: float
    causes: Mapping[str, float]
    candidates: tuple[Candidate, ...]
    size: Estimate | None
    evidence: tuple[Evidence, ...]
    action: str
    verdict: str = ""
    notes: tuple[str, ...] = ()
    real_cause: str = ""

    def as_document(self) -> dict[str, Any]:
        """For `findings.json` and the service; times in ISO 8601."""
        document = asdict(self)
        for name in ("since", "raised", "closed"):
            document[name] = None if document[name] is None else iso_time(document[name])
        return document

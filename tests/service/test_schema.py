"""An estimated number leaves as an estimate: every bare number in the schema is one of a list, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_doors import open_house

MAY_BE_BARE = {
    "Acknowledgement.stored": "a count",
    "Verdict.index": "a place",
    "Estimate.median": "the form itself",
    "Estimate.low": "the form itself",
    "Estimate.high": "the form itself",
    "Estimate.level": "a probability",
    "Measured.value": "measured",
    "CandidateAnswer.probability": "a probability",
    "FindingAnswer.probability": "a probability",
    "FindingAnswer.causes": "probabilities",
    "FindingAnswer.revision": "a count",
    "EvidenceAnswer.value": "measured numbers, probabilities, counts, or estimates as documents",
    "DeedAnswer.sequence": "a place",
    "SensorAnswer.std": "a setting",
    "SensorAnswer.behind_s": "a time, of measured values",
    "Geometry.coordinates": "a place on the map, of the network's file",
    "ScorecardAnswer.scores": "scores",
    "TwinHealth.cycles": "a count",
    "TwinHealth.seconds_per_cycle": "a time",
    "TwinHealth.figures": "counts and times of the program itself",
    "DoorsHealth.last_sequence": "a count",
    "DoorsHealth.by_flag": "counts",
    "InputHealth.received": "a count",
    "InputHealth.readings": "a count",
    "InputHealth.undecodable": "a count",
    "InputHealth.not_kept": "a count",
    "InputHealth.refused": "a count",
    "InputHealth.waiting": "a count",
    "GapsHealth.count": "a count",
    "ClosedGap.missing": "a count",
    "SensorHealth.count": "a count",
    "Backlog.done": "hours of readings",
    "Backlog.of": "hours of readings",
    "TrueSize.value": "true, in a demo: it was chosen, not estimated",
    "ComparedFinding.event": "a place",
    "ComparedFinding.metres": "measured on the map, from the true place",
    "ComparedFinding.hours_late": "a time, from the true beginning",
    "Calibration.n": "a count",
    "CalibrationBin.from": "a probability",
    "CalibrationBin.to": "a probability",
    "CalibrationBin.n": "a count",
    "CalibrationBin.right": "a count",
    "POST /api/readings request.value": "measured",
    "NetworkAbout.nodes": "a count",
    "NetworkAbout.links": "a count",
    "AboutAnswer.members": "a count",
    "AboutAnswer.level": "a probability",
    "AboutAnswer.cycle_s": "a setting",
    "AboutAnswer.interval_s": "a setting",
    "AboutAnswer.limits": "settings",
    "TimelineAnswer.cycle_s": "a setting",
    "Residual.n": "a count",
    "Residual.coverage": "a score",
    "Residual.bias": "a score",
    "Residual.rmse": "a score",
    "Residual.half_width": "a score",
    "GET /api/residuals hours": "asked for",
}
"""What may leave (or enter) without a band, and why."""


def bare(schema: Any, where: str) -> Iterator[str]:
    """Places where a number, or anything at all, can stand."""
    if schema is True or schema == {} or (isinstance(schema, dict) and not set(schema) - {"title", "description", "default"}):
        yield where
        return
    if schema is False or "$ref" in schema or "const" in schema or "enum" in schema:
        return
    kinds = schema.get("type")
    if {"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds or ()):
        yield where
    for union in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(union, ()):
            yield from bare(part, where)
    if kinds == "array":
        yield from bare(schema.get("items", True), where)
    if kinds == "object" or "properties" in schema:
        for name, part in schema.get("properties", {}).items():
            yield from bare(part, f"{where}.{name}")
        rest = schema.get("additionalProperties", not schema.get("properties"))
        if rest is not False:
            yield from bare(rest, where)


def places(document: dict[str, Any]) -> Iterator[str]:
    """Every bare number of a whole OpenAPI document."""
    for name, schema in document["components"]["schemas"].items():
        yield from bare(schema, name)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                yield from bare(parameter["schema"], f"{where} {parameter['name']}")
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from bare(content["schema"], f"{where} request")
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    yield from bare(content["schema"], f"{where} {status}")


@pytest.fixture
def schema(tmp_path: Path) -> dict[str, Any]:
    house = open_house(tmp_path)
    found = house.client.get("/api/openapi.json").json()
    house.close()
    return dict(found)


def test_every_bare_number_of_the_schema_is_on_the_list_and_the_list_holds_no_other(schema: dict[str, Any]) -> None:
    assert set(places(schema)) == set(MAY_BE_BARE)


def test_every_estimate_is_the_same_five_words(schema: dict[str, Any]) -> None:
    estimate = schema["components"]["schemas"]["Estimate"]
    assert set(estimate["properties"]) == set(estimate["required"]) == {"median", "low", "high", "level", "unit"}
    assert estimate["additionalProperties"] is False


@pytest.mark.parametrize(
    "smuggled",
    [
        {"type": "number"},
        {"type": ["integer", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "number"}]},
        {"type": "array", "items": {"type": "number"}},
        {"type": "array"},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "number"}},
        {"type": "object", "properties": {"deep": {"type": "object", "properties": {"pressure": {"type": "number"}}}}},
        {"title": "Anything"},
        {},
    ],
)
def test_a_bare_number_is_found_wherever_it_hides(smuggled: dict[str, Any]) -> None:
    assert list(bare({"type": "object", "properties": {"x": smuggled}}, "Answer"))

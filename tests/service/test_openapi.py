"""The schema that the page's types are made from is the service's own."""

from __future__ import annotations

from pathlib import Path

from tweeling.service.openapi import schema_text

COMMITTED = Path(__file__).resolve().parents[2] / "web" / "openapi.json"


def test_the_committed_schema_is_what_the_service_says() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), "run `make types` and commit web/openapi.json and schema.ts"


def test_the_schema_names_the_routes_that_the_page_lives_on() -> None:
    for route in ("/api/stream", "/api/series", "/api/findings/{name}/{kind}", "/health"):
        assert f'"{route}"' in schema_text()

"""The page on plants names every key and every kind of event."""

from __future__ import annotations

from pathlib import Path

from tweeling.plant.config import PlantConfig, TruthSection
from tweeling.plant.events import EVENTS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "plant.md").read_text(encoding="utf-8")


def test_every_key_is_on_the_page() -> None:
    keys = {f"`{key}`" for key in PlantConfig.model_fields if key != "folder" and key != "truth"}
    keys |= {f"`truth.{key}`" for key in TruthSection.model_fields}
    assert {key for key in keys if key not in PAGE} == set()


def test_every_kind_of_event_and_its_keys_are_in_the_table() -> None:
    rows = {row.split("|")[1].strip(): row for row in PAGE.splitlines() if row.startswith("| `")}
    for kind, event in EVENTS.items():
        row = rows[f"`{kind}`"]
        keys = set(event.model_fields) - {"kind", "at", "until"}
        assert {key for key in keys if f"`{key}`" not in row and f"`{key} =" not in row} == set(), kind

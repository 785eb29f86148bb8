"""The stores that the battery runs against: a row here is all that a new store needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tweeling.live.store.open import Store, open_store
from tweeling.live.store.sqlite import SqliteReadingLog, SqliteTwinLog


@dataclass(frozen=True)
class Kind:
    """A kind of store.

    Args:
        url: of a store in a folder.
        unsafe: the settings by which a power cut could undo what this open store has acknowledged; empty is safe.
        set_unsafe: switches syncing off, for the negative control.
    """

    url: str
    unsafe: Callable[[Store], dict[str, object]]
    set_unsafe: Callable[[Store], None]

    def open(self, folder: Path) -> Store:
        """Both parts, to write."""
        return open_store(self.url, folder, write=("readings", "twin"))


SYNCED = {"journal_mode": "wal", "synchronous": 2}
"""SQLite's words for: a commit returns when it is on disk (2 is FULL)."""


def _sqlite_parts(store: Store) -> tuple[SqliteReadingLog, SqliteTwinLog]:
    assert isinstance(store.readings, SqliteReadingLog)
    assert isinstance(store.twin, SqliteTwinLog)
    return store.readings, store.twin


def _sqlite_unsafe(store: Store) -> dict[str, object]:
    found = {str(part.database.path): part.database.settings() for part in _sqlite_parts(store)}
    return {path: setting for path, setting in found.items() if setting != SYNCED}


def _sqlite_set_unsafe(store: Store) -> None:
    for part in _sqlite_parts(store):
        assert part.database._writer is not None
        part.database._writer.execute("PRAGMA synchronous=NORMAL")


KINDS = {"sqlite": Kind("sqlite:///twin.db", _sqlite_unsafe, _sqlite_set_unsafe)}

every_store = pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in KINDS.items()])
"""Runs a test once per kind of store, as its argument `kind`."""

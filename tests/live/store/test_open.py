"""What a store's URL means, and which files are refused."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from contracts.test_store import a_cycle, checked
from tweeling.errors import InputError, StoreError
from tweeling.live.store import sqlite as module
from tweeling.live.store.open import open_store
from tweeling.live.store.sqlite import READING_SCHEMA, SqliteReadingLog

URL = "sqlite:///twin.db"
BOTH = ("readings", "twin")


def test_a_path_in_the_url_is_relative_to_the_folder_or_whole(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    open_store("sqlite:///deep/a b.db", tmp_path, write=BOTH).close()
    open_store(f"sqlite:///{tmp_path / 'whole.db'}", tmp_path / "elsewhere", write=BOTH).close()
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.db"))
    assert names == ["deep/a b-state.db", "deep/a b.db", "whole-state.db", "whole.db"]


@pytest.mark.parametrize(
    "url", ["", "twin.db", "postgresql://host/twin", "sqlite://", "sqlite:///", "sqlite://twin.db", "sqlite:///a?b"]
)
def test_a_url_that_names_no_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"store\.url .* sqlite:///twin\.db"):
        open_store(url, tmp_path, write=BOTH)
    assert list(tmp_path.iterdir()) == []


def test_doors_and_twin_start_in_any_order_and_write_only_their_part(tmp_path: Path) -> None:
    twin = open_store(URL, tmp_path, write=("twin",))
    doors = open_store(URL, tmp_path, write=("readings",))
    doors.readings.append(checked([("a", 1, 1.0)]), received=1)
    twin.twin.save(a_cycle(0), snapshot=None, findings=[], estimates=None, health={})
    assert twin.readings.after(0).sensor.tolist() == ["a"]
    assert doors.twin.last_cycle() == a_cycle(0)
    with pytest.raises(StoreError, match="reading only"):
        twin.readings.append(checked([("a", 2, 1.0)]), received=1)
    with pytest.raises(StoreError, match="reading only"):
        doors.twin.note("x", {}, at=0)
    doors.readings.append(checked([("new", 3, 1.0)]), received=1)
    assert twin.readings.after(1).sensor.tolist() == ["new"]  # a name that another process has added meanwhile
    assert len(twin.readings.between(0, 9, sensor="new")) == 1
    twin.close()
    doors.close()


def test_a_connection_to_read_with_cannot_write(tmp_path: Path) -> None:
    log = SqliteReadingLog(tmp_path / "twin.db", write=True)
    with pytest.raises(StoreError, match="readonly"), log.database.reading() as connection:
        connection.execute("DELETE FROM readings")
    log.close()


def test_one_who_only_reads_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"twin\.db is not there"):
        open_store(URL, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    SqliteReadingLog(path, write=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = path.read_bytes()
    for write in (True, False):
        with pytest.raises(StoreError, match=r"schema 99 .* up to 2; update Tweeling"):
            SqliteReadingLog(path, write=write)
    assert path.read_bytes() == before


def test_an_older_schema_moves_forward_and_keeps_its_readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "twin.db"
    old = SqliteReadingLog(path, write=True)
    old.append(checked([("a", 1, 1.0)]), received=1)
    old.close()
    more = (*READING_SCHEMA.migrations, ("CREATE TABLE doors (name TEXT)", "INSERT INTO doors VALUES ('http')"))
    monkeypatch.setattr(module, "READING_SCHEMA", dataclasses.replace(READING_SCHEMA, migrations=more))
    with pytest.raises(StoreError, match="has schema 2, this program's is 3"):
        SqliteReadingLog(path)
    for _ in range(2):  # and once only
        new = SqliteReadingLog(path, write=True)
        with new.database.reading() as connection:
            assert connection.execute("SELECT * FROM doors").fetchall() == [("http",)]
        assert len(new.after(0)) == 1
        new.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "twin.db"
    SqliteReadingLog(path, write=True).close()
    broken = (*READING_SCHEMA.migrations, ("CREATE TABLE doors (name TEXT)", "no SQL"))
    with monkeypatch.context() as patched:
        patched.setattr(module, "READING_SCHEMA", dataclasses.replace(READING_SCHEMA, migrations=broken))
        with pytest.raises(StoreError, match="cannot be opened"):
            SqliteReadingLog(path, write=True)
    log = SqliteReadingLog(path, write=True)
    with log.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'doors'").fetchone() == (0,)
    log.close()


def test_another_kind_of_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    stranger, text = tmp_path / "other.db", tmp_path / "text.db"
    with sqlite3.connect(stranger) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    text.write_text("not a database at all, but a letter to a friend, long enough to hold a header of a hundred bytes. Yours.")
    open_store(URL, tmp_path, write=BOTH).close()
    before = stranger.read_bytes(), text.read_bytes()
    with pytest.raises(StoreError, match="no log of readings"):
        SqliteReadingLog(stranger, write=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteReadingLog(text, write=True)
    with pytest.raises(StoreError, match="no log of readings"):
        SqliteReadingLog(tmp_path / "twin-state.db", write=True)
    assert (stranger.read_bytes(), text.read_bytes()) == before

"""The store in SQLite: the reading log in one file, the twin log in a second one beside it, so that two writers never meet.

The sequence is the row's number, so rows are written at the end; the one index starts with time, so that it too grows at its
end (one that starts with the sensor halves the rate). It holds (time, sensor, value) once, which is what makes a duplicate; a
value that was missing stands in it as a word, for to SQLite two NULLs are not equal. Sensor ids, units and the senders' words
are stored once and referred to by number.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tweeling.errors import StoreError
from tweeling.finding import Finding
from tweeling.live.store.contract import Action, Cycle, StoredReadings
from tweeling.live.store.database import Database, Schema
from tweeling.reading import HOUR, CheckedReadings, Flag

Row = tuple[Any, ...]

CHUNK = 50_000
"""Rows that are turned into columns at a time."""
DROP_CHUNK = 20_000
"""Rows forgotten in a transaction; between two, readings can be appended."""

READING_SCHEMA = Schema(
    name="log of readings",
    application_id=0x7EE11106,
    migrations=(
        (
            "CREATE TABLE sensors (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
            "CREATE TABLE words (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
            "INSERT INTO words VALUES (0, '')",
            """CREATE TABLE readings (
                sequence INTEGER PRIMARY KEY,
                sensor   INTEGER NOT NULL REFERENCES sensors,
                time     INTEGER NOT NULL, -- microseconds since 1970 UTC
                value    REAL,             -- as it came, in unit
                unit     INTEGER NOT NULL REFERENCES words,
                quality  INTEGER NOT NULL REFERENCES words,
                flag     INTEGER NOT NULL,
                clean    REAL,             -- SI
                received INTEGER NOT NULL)""",
            "CREATE UNIQUE INDEX once ON readings (time, sensor, coalesce(value, 'none'))",
            """CREATE TABLE actions (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL,
                finding TEXT NOT NULL, text TEXT NOT NULL)""",
            "CREATE TABLE dropped (upto_sequence INTEGER NOT NULL)",
            "INSERT INTO dropped VALUES (0)",
        ),
        ("ALTER TABLE actions ADD COLUMN cause TEXT NOT NULL DEFAULT ''",),
    ),
)
TWIN_SCHEMA = Schema(
    name="log of a twin",
    application_id=0x7EE11107,
    migrations=(
        (
            """CREATE TABLE cycles (
                "end" INTEGER PRIMARY KEY, cycle INTEGER NOT NULL UNIQUE, upto_sequence INTEGER NOT NULL,
                upto_action INTEGER NOT NULL, reason TEXT NOT NULL, health TEXT NOT NULL)""",
            'CREATE TABLE snapshots ("end" INTEGER PRIMARY KEY, state BLOB NOT NULL)',
            'CREATE TABLE estimates ("end" INTEGER PRIMARY KEY, bands BLOB NOT NULL)',
            """CREATE TABLE findings (
                place INTEGER PRIMARY KEY, id TEXT NOT NULL, revision INTEGER NOT NULL, raised INTEGER NOT NULL,
                document TEXT NOT NULL, UNIQUE (id, revision))""",
            """CREATE TABLE audit (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, what TEXT NOT NULL, details TEXT NOT NULL)""",
        ),
        ("CREATE TABLE outlook (made INTEGER NOT NULL, bands BLOB NOT NULL)",),
    ),
)

_INSERT = """INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (time, sensor, coalesce(value, 'none')) DO NOTHING"""
_COLUMNS = "sequence, sensor, time, value, unit, quality, flag, clean, received"


class SqliteReadingLog:
    """`contract.ReadingLog` in a SQLite file.

    Args:
        path: of the file.
        write: whether readings will be appended.
        create: whether a missing file is made.

    Raises:
        StoreError: what is wrong with the file.
    """

    def __init__(self, path: Path, *, write: bool = False, create: bool = False) -> None:
        self.database = Database(path, READING_SCHEMA, write=write, create=create or write)
        self._sensors, self._words = _Names(self.database, "sensors"), _Names(self.database, "words")

    def append(self, readings: CheckedReadings, received: int | npt.NDArray[np.int64]) -> tuple[int, npt.NDArray[np.int8]]:
        """Keeps readings; see the contract."""
        came, n = readings.readings, len(readings)
        flags = readings.flag.astype(np.int8, copy=True)
        if n == 0:
            return 0, flags
        sensor = self._sensors.numbers(came.sensor)
        unit, quality = self._words.numbers(came.unit), self._words.numbers(came.quality)
        columns = (sensor, came.time.tolist(), came.value.tolist(), unit, quality, flags.tolist(), readings.clean.tolist())
        when = np.broadcast_to(received, n).tolist()
        with self.database.writing() as connection:
            first = _last_sequence(connection) + 1
            rows = list(zip(range(first, first + n), *columns, when, strict=True))
            connection.execute("SAVEPOINT batch")
            kept = connection.executemany(_INSERT, rows).rowcount
            if kept < n:  # some are there already: once more, one by one, so that sequences have no holes
                connection.execute("ROLLBACK TO batch")
                new = _insert_one_by_one(connection, rows)
                flags[~new] = Flag.DUPLICATE
                kept = int(new.sum())
        return kept, flags

    def after(self, sequence: int, *, upto: int | None = None, limit: int = 100_000) -> StoredReadings:
        """Readings with a larger sequence; see the contract."""
        return self._select("sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?", (sequence, _top(upto), limit))

    def between(self, start: int, end: int, *, sensor: str | None = None, upto: int | None = None) -> StoredReadings:
        """Readings with time in (start, end]; see the contract."""
        where, values = "time > ? AND time <= ? AND sequence <= ?", [start, end, _top(upto)]
        if sensor is not None:
            number = self._sensors.known(sensor)
            where, values = f"{where} AND sensor = ?", [*values, -1 if number is None else number]
        found = self._select(where, values)
        order = np.argsort(found.sequence, kind="stable")
        return StoredReadings(**{name: column[order] for name, column in _columns_of(found).items()})

    def last_sequence(self) -> int:
        """The last sequence that was given; 0 before the first."""
        with self.database.reading() as connection:
            return _last_sequence(connection)

    def act(self, kind: str, finding: str, text: str, who: str, received: int, cause: str = "") -> int:
        """Keeps a person's action; see the contract."""
        with self.database.writing() as connection:
            statement = "INSERT INTO actions (received, who, kind, finding, text, cause) VALUES (?, ?, ?, ?, ?, ?)"
            return int(connection.execute(statement, (received, who, kind, finding, text, cause)).lastrowid or 0)

    def actions_after(self, sequence: int) -> Sequence[Action]:
        """Actions with a larger sequence, oldest first."""
        columns = "sequence, received, who, kind, finding, text, cause"
        statement = f"SELECT {columns} FROM actions WHERE sequence > ? ORDER BY sequence"
        with self.database.reading() as connection:
            return [Action(*row) for row in connection.execute(statement, (sequence,))]

    def drop_before(self, time: int) -> int:
        """Forgets readings older than `time`; one whose clock was wrong goes by when it was received."""
        old = f"time < :time AND (flag != {int(Flag.BAD_CLOCK)} OR received < :time)"
        chunk = f"SELECT sequence FROM readings WHERE {old} LIMIT {DROP_CHUNK}"
        dropped, last = 0, DROP_CHUNK
        while last == DROP_CHUNK:
            with self.database.writing() as connection:
                connection.execute("UPDATE dropped SET upto_sequence = ?", (_last_sequence(connection),))
                last = connection.execute(f"DELETE FROM readings WHERE sequence IN ({chunk})", {"time": time}).rowcount
            dropped += last
        return dropped

    def export(self, path: Path, start: int, end: int) -> int:
        """Writes readings with time in (start, end] as Parquet, by time, sensor and sequence; see the contract."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        words = pa.array([flag.word for flag in Flag])
        text = pa.dictionary(pa.int32(), pa.string())
        types = {"time": pa.timestamp("us", "UTC"), "sensor": text, "value": pa.float64(), "unit": text, "quality": text}
        schema = pa.schema(types | {"flag": text, "clean": pa.float64()})
        rows, beside = 0, path.with_name(f"{path.name}.part")
        try:
            with pq.ParquetWriter(beside, schema) as writer:
                for part in self._chunks("time > ? AND time <= ? ORDER BY time, sensor, sequence", (start, end)):
                    columns = _columns_of(part) | {"flag": words.take(pa.array(part.flag))}
                    writer.write_table(
                        pa.table(
                            [pa.array(columns[name]).cast(schema.field(name).type) for name in schema.names], schema=schema
                        )
                    )
                    rows += len(part)
            os.replace(beside, path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error}") from error
        finally:
            beside.unlink(missing_ok=True)
        return rows

    def close(self) -> None:
        """Lets go of the file."""
        self.database.close()

    def _select(self, where: str, values: Sequence[int]) -> StoredReadings:
        parts = [_columns_of(part) for part in self._chunks(where, values)]
        return StoredReadings(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    def _chunks(self, where: str, values: Sequence[int]) -> Iterator[StoredReadings]:
        """Readings in parts of `CHUNK`, so that rows as objects never fill the memory; at least one part."""
        with self.database.reading() as connection:
            cursor = connection.execute(f"SELECT {_COLUMNS} FROM readings WHERE {where}", values)
            rows = cursor.fetchmany(CHUNK)
            while True:
                yield self._stored(rows)
                if len(rows) < CHUNK or not (rows := cursor.fetchmany(CHUNK)):
                    return

    def _stored(self, rows: list[Row]) -> StoredReadings:
        sequence, sensor, time, value, unit, quality, flag, clean, received = zip(*rows, strict=True) if rows else ((),) * 9
        return StoredReadings(
            sequence=np.array(sequence, dtype=np.int64),
            sensor=self._sensors.texts(sensor),
            time=np.array(time, dtype=np.int64),
            value=np.array(value, dtype=np.float64),
            unit=self._words.texts(unit),
            quality=self._words.texts(quality),
            flag=np.array(flag, dtype=np.int8),
            clean=np.array(clean, dtype=np.float64),
            received=np.array(received, dtype=np.int64),
        )


class _Names:
    """Texts that a table stores once, and the numbers by which rows refer to them."""

    def __init__(self, database: Database, table: str) -> None:
        self._database, self._table = database, table
        self._number: dict[str, int] = {}
        self._text: npt.NDArray[np.object_] = np.array([""], dtype=object)

    def numbers(self, texts: Iterable[str]) -> list[int]:
        """The numbers of texts. New ones are kept in a transaction of their own: a failing batch cannot take them back."""
        texts = list(texts)
        new = set(texts).difference(self._number)
        if new:
            with self._database.writing() as connection:
                rows = [(text,) for text in sorted(new)]
                connection.executemany(f"INSERT OR IGNORE INTO {self._table} (text) VALUES (?)", rows)
            self._load()
        known = self._number
        return [known[text] for text in texts]

    def known(self, text: str) -> int | None:
        """The number of one text, or None when it was never met."""
        if text not in self._number:
            self._load()
        return self._number.get(text)

    def texts(self, numbers: Sequence[int]) -> npt.NDArray[np.object_]:
        """The texts of numbers."""
        places = np.array(numbers, dtype=np.int64)
        if len(places) and places.max() >= len(self._text):
            self._load()
        return self._text[places]

    def _load(self) -> None:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT text, number FROM {self._table}").fetchall()
        texts = np.full(1 + max((number for _, number in rows), default=0), "", dtype=object)
        for text, number in rows:
            texts[number] = text
        self._number, self._text = dict(rows), texts


def _insert_one_by_one(connection: sqlite3.Connection, rows: list[Row]) -> npt.NDArray[np.bool_]:
    """Inserts rows that are not there yet, with sequences that follow on each other; gives which were new."""
    new, sequence = np.zeros(len(rows), dtype=bool), rows[0][0]
    for place, row in enumerate(rows):
        if connection.execute(_INSERT, (sequence, *row[1:])).rowcount:
            new[place] = True
            sequence += 1
    return new


def _last_sequence(connection: sqlite3.Connection) -> int:
    statement = "SELECT max((SELECT upto_sequence FROM dropped), coalesce((SELECT max(sequence) FROM readings), 0))"
    return int(connection.execute(statement).fetchone()[0])


def _columns_of(readings: StoredReadings) -> dict[str, Any]:
    return {field.name: getattr(readings, field.name) for field in dataclasses.fields(readings)}


def _top(upto: int | None) -> int:
    return 2**63 - 1 if upto is None else upto


class SqliteTwinLog:
    """`contract.TwinLog` in a SQLite file.

    Args:
        path: of the file.
        write: whether cycles will be saved.
        create: whether a missing file is made.

    Raises:
        StoreError: what is wrong with the file.
    """

    def __init__(self, path: Path, *, write: bool = False, create: bool = False) -> None:
        self.database = Database(path, TWIN_SCHEMA, write=write, create=create or write)

    def save(
        self,
        cycle: Cycle,
        *,
        snapshot: bytes | None,
        findings: Sequence[Finding],
        estimates: bytes | None,
        health: dict[str, Any],
    ) -> None:
        """Keeps a cycle and all that came of it, in one transaction; see the contract."""
        row = (cycle.end, cycle.cycle, cycle.upto_sequence, cycle.upto_action, cycle.reason, _as_text(health))
        documents = [(finding.id, finding.revision, finding.raised, _as_text(finding)) for finding in findings]
        with self.database.writing() as connection:
            for table in ("cycles", "snapshots", "estimates"):
                connection.execute(f'DELETE FROM {table} WHERE "end" = ?', (cycle.end,))
            connection.execute("INSERT INTO cycles VALUES (?, ?, ?, ?, ?, ?)", row)
            if snapshot is not None:
                connection.execute("INSERT INTO snapshots VALUES (?, ?)", (cycle.end, snapshot))
            if estimates is not None:
                connection.execute("INSERT INTO estimates VALUES (?, ?)", (cycle.end, estimates))
            connection.executemany(
                """INSERT INTO findings (id, revision, raised, document) VALUES (?, ?, ?, ?)
                ON CONFLICT (id, revision) DO UPDATE SET raised = excluded.raised, document = excluded.document""",
                documents,
            )

    def cycles(self, after: int = -1) -> Iterator[Cycle]:
        """Cycles with a larger number, in order."""
        yield from self._cycles("WHERE cycle > ? ORDER BY cycle", after)

    def first_cycle(self) -> Cycle | None:
        """The oldest one that is kept, or None before the first."""
        return next(iter(self._cycles('ORDER BY "end" LIMIT 1')), None)

    def last_cycle(self) -> Cycle | None:
        """The last one, or None before the first."""
        return next(iter(self._cycles('ORDER BY "end" DESC LIMIT 1')), None)

    def snapshot(self, at_or_before: int | None = None) -> tuple[Cycle, bytes] | None:
        """The latest snapshot, or the latest one whose cycle ended at or before a time."""
        statement = f"""SELECT {_CYCLE}, state FROM snapshots JOIN cycles USING ("end")
            WHERE "end" <= ? ORDER BY "end" DESC LIMIT 1"""
        with self.database.reading() as connection:
            row = connection.execute(statement, (_top(at_or_before),)).fetchone()
        return (Cycle(*row[:-1]), row[-1]) if row else None

    def thin_snapshots(self, keep_all_after: int, spacing: int = HOUR) -> int:
        """Of snapshots older than that keeps the first of each `spacing` (microseconds); gives how many went."""
        statement = """DELETE FROM snapshots WHERE "end" < :time AND "end" NOT IN
            (SELECT min("end") FROM snapshots WHERE "end" < :time GROUP BY "end" / :spacing)"""
        with self.database.writing() as connection:
            return connection.execute(statement, {"time": keep_all_after, "spacing": spacing}).rowcount

    def findings(self) -> Sequence[Finding]:
        """Every finding in its last revision, in the order in which they were raised."""
        statement = """SELECT document FROM findings AS one
            WHERE revision = (SELECT max(revision) FROM findings WHERE id = one.id)
            ORDER BY raised, (SELECT min(place) FROM findings WHERE id = one.id)"""
        with self.database.reading() as connection:
            return [msgspec.convert(json.loads(text), Finding) for (text,) in connection.execute(statement)]

    def estimates(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """End of cycle and bands, for cycles that ended in (start, end], in order."""
        statement = 'SELECT "end", bands FROM estimates WHERE "end" > ? AND "end" <= ? ORDER BY "end"'
        with self.database.reading() as connection:
            yield from connection.execute(statement, (start, end))

    def keep_outlook(self, made: int, bands: bytes) -> None:
        """Keeps the outlook from the end of a cycle instead of the one before."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM outlook")
            connection.execute("INSERT INTO outlook VALUES (?, ?)", (made, bands))

    def outlook(self) -> tuple[int, bytes] | None:
        """End of the cycle that the newest outlook starts from, and its bands; None where there is none."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT made, bands FROM outlook").fetchone()
        return (row[0], row[1]) if row else None

    def health(self) -> dict[str, Any]:
        """The figures of the last cycle; empty before the first."""
        with self.database.reading() as connection:
            row = connection.execute('SELECT health FROM cycles ORDER BY "end" DESC LIMIT 1').fetchone()
        return dict(json.loads(row[0])) if row else {}

    def note(self, what: str, details: dict[str, Any], at: int) -> None:
        """Adds a line to the audit."""
        with self.database.writing() as connection:
            connection.execute("INSERT INTO audit (at, what, details) VALUES (?, ?, ?)", (at, what, _as_text(details)))

    def audit(self, limit: int = 1000) -> Sequence[dict[str, Any]]:
        """The last lines of the audit, newest first: `at`, `what`, `details`."""
        statement = "SELECT at, what, details FROM audit ORDER BY sequence DESC LIMIT ?"
        with self.database.reading() as connection:
            rows = connection.execute(statement, (limit,)).fetchall()
        return [{"at": at, "what": what, "details": json.loads(details)} for at, what, details in rows]

    def drop_before(self, time: int) -> int:
        """Forgets cycles, estimates and snapshots that ended before a time; gives how many cycles. Findings stay."""
        with self.database.writing() as connection:
            for table in ("snapshots", "estimates"):
                connection.execute(f'DELETE FROM {table} WHERE "end" < ?', (time,))
            return connection.execute('DELETE FROM cycles WHERE "end" < ?', (time,)).rowcount

    def close(self) -> None:
        """Lets go of the file."""
        self.database.close()

    def _cycles(self, clause: str, *values: int) -> list[Cycle]:
        with self.database.reading() as connection:
            return [Cycle(*row) for row in connection.execute(f"SELECT {_CYCLE} FROM cycles {clause}", values)]


_CYCLE = 'cycle, "end", upto_sequence, upto_action, reason'


def _as_text(value: Any) -> str:
    """JSON that reads back the same; NaN stays NaN."""
    return json.dumps(dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value, ensure_ascii=False)  # type: ignore[arg-type]

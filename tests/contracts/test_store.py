"""What every store promises (`live/store/contract.py`): one battery, run against each of `stores.KINDS`."""

from __future__ import annotations

import dataclasses
import math
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.stores import Kind, every_store
from tweeling.errors import StoreError
from tweeling.estimate import Estimate
from tweeling.finding import CAUSES, Candidate, Evidence, Finding
from tweeling.live.store.contract import Cycle, ReadingLog, StoredReadings
from tweeling.reading import SECOND, CheckedReadings, Flag, Readings

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
One = tuple[str, int, float]


def checked(rows: Sequence[One], unit: str = "", quality: str = "", flag: Flag = Flag.GOOD) -> CheckedReadings:
    """Readings that the door has looked at; half of the number is its SI."""
    n = len(rows)

    def texts(word: str) -> np.ndarray:
        return np.array([word] * n, dtype=object)

    value = np.array([row[2] for row in rows], dtype=float)
    readings = Readings(
        sensor=np.array([row[0] for row in rows], dtype=object),
        time=np.array([row[1] for row in rows], dtype=np.int64),
        value=value,
        unit=texts(unit),
        quality=texts(quality),
    )
    return CheckedReadings(readings=readings, flag=np.full(n, flag, dtype=np.int8), clean=value / 2, why=texts(""))


def rows_of(stored: StoredReadings) -> list[One]:
    return list(zip(stored.sensor.tolist(), stored.time.tolist(), stored.value.tolist(), strict=True))


def key(row: One) -> tuple[str, int, float | None]:
    return row[0], row[1], None if math.isnan(row[2]) else row[2]


def a_finding(number: int, raised: int, revision: int = 1) -> Finding:
    return Finding(
        id=f"f-{number:04d}",
        kind="leak",
        subject="zone-1",
        since=raised - HOUR,
        raised=raised,
        closed=None,
        revision=revision,
        probability=1 / 3,
        causes=dict.fromkeys(CAUSES, 1 / 7),
        candidates=(Candidate("p232", 0.21), Candidate("p233", 0.1)),
        size=Estimate(0.0051, 0.003, 0.008, 0.9, "m3/s") if number % 2 else None,
        evidence=(Evidence("surprise", "pressure:n54", {"m": 0.1, "n": 3, "none": math.nan}, {"en": "low", "nl": "laag"}),),
        action="look at p232",
        notes=("first", "second"),
    )


# --- the reading log ---


@every_store
def test_a_reading_comes_back_as_it_was(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    rows = [
        ("pressure:n54", 5 * MINUTE, 36.84),
        ("strömung · 1", -(10**15), math.nan),
        ("", 0, math.inf),
        ("x" * 200, 1, 1e-300),
    ]
    kept, flags = store.readings.append(checked(rows, unit="kPa", quality="estimated", flag=Flag.OUT_OF_RANGE), received=7)
    assert kept == len(rows)
    assert flags.tolist() == [Flag.OUT_OF_RANGE] * len(rows)
    found = store.readings.after(0)
    assert [key(row) for row in rows_of(found)] == [key(row) for row in rows]
    assert found.sequence.tolist() == [1, 2, 3, 4]
    assert set(found.unit) == {"kPa"}
    assert set(found.quality) == {"estimated"}
    assert set(found.received.tolist()) == {7}
    assert found.flag.tolist() == [Flag.OUT_OF_RANGE] * len(rows)
    np.testing.assert_array_equal(found.clean, np.array([row[2] for row in rows]) / 2)
    for column in dataclasses.fields(found):
        assert len(getattr(found, column.name)) == len(rows)
    store.close()


@every_store
def test_an_empty_log_answers_with_nothing(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    kept, flags = store.readings.append(checked([]), received=0)
    assert (kept, len(flags)) == (0, 0)
    assert len(store.readings.after(0)) == len(store.readings.between(-HOUR, HOUR)) == 0
    assert store.readings.last_sequence() == 0
    assert len(store.readings.between(-HOUR, HOUR, sensor="never heard")) == 0
    store.close()


sensors = st.sampled_from(["a", "b", "pressure:n54", "é"])
values = st.sampled_from([1.0, 1.5, -0.0, 0.0, math.nan, math.inf, 36.84])
batches = st.lists(st.lists(st.tuples(sensors, st.integers(0, 4), values), max_size=8), max_size=8)


@every_store
@given(batches=batches)
@settings(max_examples=60, deadline=None)
def test_any_batches_are_kept_once_in_order_and_found_again_after_opening_anew(kind: Kind, batches: list[list[One]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = kind.open(Path(folder))
        expected: list[tuple[str, int, float | None]] = []
        for batch in batches:
            kept, flags = store.readings.append(checked(batch), received=1)
            new = []
            for row in batch:
                new.append(key(row) not in expected)
                if new[-1]:
                    expected.append(key(row))
            assert kept == sum(new)
            assert flags.tolist() == [Flag.GOOD if fresh else Flag.DUPLICATE for fresh in new]
        store.close()
        store = kind.open(Path(folder))
        found = store.readings.after(0)
        assert [key(row) for row in rows_of(found)] == expected
        assert found.sequence.tolist() == list(range(1, len(expected) + 1))
        assert store.readings.last_sequence() == len(expected)
        between = store.readings.between(0, 3)
        assert [key(row) for row in rows_of(between)] == [row for row in expected if 0 < row[1] <= 3]
        of_one = store.readings.between(0, 3, sensor="a", upto=4)
        assert [key(row) for row in rows_of(of_one)] == [row for row in expected[:4] if row[0] == "a" and 0 < row[1] <= 3]
        store.close()


@every_store
def test_another_value_for_the_same_time_is_a_second_version(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.readings.append(checked([("a", 1, 1.0)]), received=1)
    kept, flags = store.readings.append(checked([("a", 1, 2.0)], quality="corrected"), received=2)
    assert (kept, flags.tolist()) == (1, [Flag.GOOD])
    found = store.readings.between(0, 1)
    assert (found.value.tolist(), found.quality.tolist()) == ([1.0, 2.0], ["", "corrected"])
    store.close()


@every_store
def test_after_reads_in_pages_up_to_a_sequence(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.readings.append(checked([("a", time, 1.0) for time in range(10)][::-1]), received=1)
    assert store.readings.after(0, limit=3).sequence.tolist() == [1, 2, 3]
    assert store.readings.after(3, limit=100, upto=5).time.tolist() == [6, 5]
    assert store.readings.between(3, 8).time.tolist() == [8, 7, 6, 5, 4]  # in order of sequence, start not in it, end in it
    store.close()


@every_store
def test_a_failed_append_leaves_nothing_and_takes_no_sequence(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    good = checked([("a", 1, 1.0)])
    broken = dataclasses.replace(good, clean=np.array([object()], dtype=object))
    with pytest.raises(StoreError):
        store.readings.append(broken, received=1)
    assert store.readings.append(good, received=1)[0] == 1
    assert store.readings.after(0).sequence.tolist() == [1]
    store.close()


@every_store
def test_dropped_readings_are_gone_and_their_sequences_never_return(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.readings.append(checked([("a", time, 1.0) for time in range(6)]), received=1)
    assert store.readings.drop_before(4) == 4
    assert store.readings.after(0).time.tolist() == [4, 5]
    assert store.readings.drop_before(100) == 2
    store.close()
    store = kind.open(tmp_path)
    assert store.readings.last_sequence() == 6
    store.readings.append(checked([("a", 7, 1.0)]), received=1)
    assert store.readings.after(0).sequence.tolist() == [7]
    store.close()


@every_store
def test_a_reading_with_a_wrong_clock_is_dropped_by_when_it_came(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.readings.append(checked([("a", 0, 1.0)], flag=Flag.BAD_CLOCK), received=10 * HOUR)
    assert store.readings.drop_before(9 * HOUR) == 0
    assert store.readings.drop_before(11 * HOUR) == 1
    store.close()


@every_store
def test_actions_come_back_in_order(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    first = store.readings.act("note", "f-0001", "seen on site", "jan", received=5)
    second = store.readings.act("confirm", "f-0001", "", "", received=6)
    assert 0 < first < second
    store.close()
    store = kind.open(tmp_path)
    notes = store.readings.actions_after(0)
    assert [(note.sequence, note.kind, note.text, note.who) for note in notes] == [
        (first, "note", "seen on site", "jan"),
        (second, "confirm", "", ""),
    ]
    assert [note.kind for note in store.readings.actions_after(first)] == ["confirm"]
    store.readings.act("close", "f-0001", "a broken joint", "jan", received=7, cause="leak")
    assert [note.cause for note in store.readings.actions_after(0)] == ["", "", "leak"]
    store.close()


@every_store
def test_an_export_holds_what_is_stored(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.readings.append(checked([("b", 2, 1.0), ("a", 2, math.nan), ("a", 1, 3.0)], unit="kPa"), received=1)
    store.readings.append(checked([("a", 2, 5.0)], quality="corrected", flag=Flag.SPIKE), received=1)
    path = tmp_path / "out.parquet"
    assert store.readings.export(path, 0, 2) == 4
    table = pq.read_table(path)
    assert table.column_names == ["time", "sensor", "value", "unit", "quality", "flag", "clean"]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert table["sensor"].to_pylist() == ["a", "a", "a", "b"]
    assert table["flag"].to_pylist() == ["good", "good", "spike", "good"]
    np.testing.assert_array_equal(table["value"].to_numpy(), [3.0, math.nan, 5.0, 1.0])
    np.testing.assert_array_equal(table["clean"].to_numpy(), [1.5, math.nan, 2.5, 0.5])
    assert sorted(file.name for file in tmp_path.glob("out*")) == ["out.parquet"]
    store.close()


@every_store
def test_what_is_being_written_is_read_whole_or_not_at_all(kind: Kind, tmp_path: Path) -> None:
    store, size, rounds = kind.open(tmp_path), 100, 40
    seen: list[int] = []
    done = threading.Event()

    def read(log: ReadingLog) -> None:
        finished = False
        while not finished:
            finished = done.is_set()
            seen.append(len(log.between(-1, 10**6)))

    reader = threading.Thread(target=read, args=(store.readings,))
    reader.start()
    for number in range(rounds):
        store.readings.append(checked([("a", number * size + i, 1.0) for i in range(size)]), received=1)
    done.set()
    reader.join()
    store.close()
    assert seen == sorted(seen)
    assert seen[-1] == size * rounds
    assert not [count for count in seen if count % size]


@every_store
def test_threads_that_append_at_once_lose_nothing(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)

    def write(name: str) -> None:
        for time in range(30):
            store.readings.append(checked([(name, time, 1.0), ("shared", time, 1.0)]), received=1)

    writers = [threading.Thread(target=write, args=(f"s{number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = store.readings.after(0)
    store.close()
    assert found.sequence.tolist() == list(range(1, 151))
    assert len(set(rows_of(found))) == 150


# --- durability ---

CHILD = """
import sys
from pathlib import Path
from contracts.stores import KINDS
from contracts.test_store import checked
store = KINDS[sys.argv[1]].open(Path(sys.argv[2]))
for batch in range(int(sys.argv[3]), 1_000_000):
    store.readings.append(checked([(f"s{i}", batch, float(i)) for i in range(50)]), received=batch)
    print(batch, flush=True)
"""


@every_store
def test_nothing_that_was_acknowledged_is_lost_when_the_writer_is_killed(kind: Kind, tmp_path: Path) -> None:
    """Shows that batches are whole and in the file; that they are synced is the next test's to show."""
    name = next(name for name, other in {"sqlite": kind}.items() if other is kind)
    chance, acknowledged = random.Random(3), -1
    for _ in range(4):
        asked = [sys.executable, "-c", CHILD, name, str(tmp_path), str(acknowledged + 1)]
        with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, env=_environment()) as child:
            assert child.stdout is not None
            for _ in range(chance.randint(1, 60)):
                acknowledged = int(child.stdout.readline())
            child.kill()
            acknowledged = max([acknowledged, *(int(line) for line in child.stdout.read().split("\n")[:-1])])
        store = kind.open(tmp_path)
        found = store.readings.after(0)
        assert found.sequence.tolist() == list(range(1, len(found) + 1))
        times, counts = np.unique(found.time, return_counts=True)
        assert times.tolist() == list(range(len(times)))
        assert set(counts.tolist()) == {50}
        assert len(times) > acknowledged
        acknowledged = len(times) - 1  # one that was written and not acknowledged would only be a duplicate
        store.close()


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@every_store
def test_an_acknowledged_batch_is_synced(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    assert kind.unsafe(store) == {}
    store.close()


@every_store
def test_a_store_that_does_not_sync_is_noticed(kind: Kind, tmp_path: Path) -> None:
    """The negative control of the test above."""
    store = kind.open(tmp_path)
    kind.set_unsafe(store)
    assert kind.unsafe(store) != {}
    store.close()


# --- the twin log ---


def a_cycle(number: int, reason: str = "watermark") -> Cycle:
    return Cycle(cycle=number, end=(number + 1) * HOUR, upto_sequence=10 * number, upto_action=number, reason=reason)


@every_store
def test_cycles_and_what_came_of_them_come_back(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    twin = store.twin
    assert twin.first_cycle() is None
    assert (twin.last_cycle(), twin.snapshot(), twin.health(), list(twin.findings())) == (None, None, {}, [])
    for number in range(4):
        twin.save(
            a_cycle(number),
            snapshot=bytes([number]) if number != 3 else None,
            findings=[a_finding(number, number * HOUR)] if number < 2 else [],
            estimates=b"bands%d" % number,
            health={"cycle": number, "seconds": 0.1, "what": None},
        )
    store.close()
    store = kind.open(tmp_path)
    twin = store.twin
    assert list(twin.cycles()) == [a_cycle(number) for number in range(4)]
    assert list(twin.cycles(after=1)) == [a_cycle(2), a_cycle(3)]
    assert twin.last_cycle() == a_cycle(3)
    assert twin.first_cycle() == next(iter(twin.cycles()))
    assert twin.snapshot() == (a_cycle(2), b"\x02")
    assert twin.snapshot(at_or_before=2 * HOUR) == (a_cycle(1), b"\x01")
    assert twin.snapshot(at_or_before=HOUR - 1) is None
    assert list(twin.estimates(HOUR, 3 * HOUR)) == [(2 * HOUR, b"bands1"), (3 * HOUR, b"bands2")]
    assert twin.health() == {"cycle": 3, "seconds": 0.1, "what": None}
    found = twin.findings()
    assert [repr(finding) for finding in found] == [repr(a_finding(number, number * HOUR)) for number in range(2)]
    store.close()


@every_store
def test_a_cycle_that_runs_again_replaces_what_it_left(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    for number in range(3):
        store.twin.save(a_cycle(number), snapshot=b"old", findings=[], estimates=b"old", health={})
    store.twin.save(a_cycle(1, "revised"), snapshot=None, findings=[], estimates=b"new", health={"again": True})
    assert [cycle.reason for cycle in store.twin.cycles()] == ["watermark", "revised", "watermark"]
    assert store.twin.snapshot(at_or_before=2 * HOUR) == (a_cycle(0), b"old")
    assert [bands for _, bands in store.twin.estimates(0, 4 * HOUR)] == [b"old", b"new", b"old"]
    assert store.twin.health() == {}  # of the last cycle, not of the last one saved
    store.close()


@every_store
def test_a_finding_shows_its_last_revision_in_the_order_of_raising(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)

    def save(number: int, *findings: Finding) -> None:
        store.twin.save(a_cycle(number), snapshot=None, findings=findings, estimates=None, health={})

    save(0, a_finding(2, 2 * HOUR), a_finding(1, 2 * HOUR))
    save(1, a_finding(3, HOUR), a_finding(2, 2 * HOUR, revision=2))
    save(1, a_finding(3, HOUR), dataclasses.replace(a_finding(2, 2 * HOUR, revision=2), closed=5))  # the cycle ran again
    found = store.twin.findings()
    assert [(finding.id, finding.revision) for finding in found] == [("f-0003", 1), ("f-0002", 2), ("f-0001", 1)]
    assert found[1].closed == 5
    store.close()


@every_store
def test_a_save_that_fails_leaves_the_cycle_as_it_was(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.twin.save(a_cycle(0), snapshot=b"old", findings=[], estimates=b"old", health={})
    store.twin.save(a_cycle(1), snapshot=b"old", findings=[], estimates=None, health={})
    clash = dataclasses.replace(a_cycle(1), end=HOUR)  # the number of another cycle
    with pytest.raises(StoreError):
        store.twin.save(clash, snapshot=b"new", findings=[a_finding(1, 0)], estimates=b"new", health={})
    assert store.twin.snapshot(at_or_before=HOUR) == (a_cycle(0), b"old")
    assert list(store.twin.findings()) == []
    store.close()


@every_store
def test_of_old_snapshots_the_first_of_each_hour_stays(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    ends = [minute * MINUTE for minute in range(0, 240, 20)]
    for number, end in enumerate(ends):
        store.twin.save(Cycle(number, end, 0, 0, "file"), snapshot=b"%d" % number, findings=[], estimates=None, health={})
    assert store.twin.thin_snapshots(keep_all_after=2 * HOUR) == 4
    left = {end for end in ends if (found := store.twin.snapshot(at_or_before=end)) and found[0].end == end}
    assert left == {0, HOUR, *(end for end in ends if end >= 2 * HOUR)}
    assert store.twin.thin_snapshots(keep_all_after=2 * HOUR) == 0
    assert store.twin.thin_snapshots(keep_all_after=2 * HOUR, spacing=24 * HOUR) == 1
    store.close()


@every_store
def test_dropping_old_cycles_leaves_findings(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    for number in range(3):
        findings = [a_finding(number, number)]
        store.twin.save(a_cycle(number), snapshot=b"s", findings=findings, estimates=b"e", health={})
    assert store.twin.drop_before(3 * HOUR) == 2
    assert list(store.twin.cycles()) == [a_cycle(2)]
    assert store.twin.snapshot(at_or_before=3 * HOUR - 1) is None
    assert [end for end, _ in store.twin.estimates(0, 9 * HOUR)] == [3 * HOUR]
    assert len(store.twin.findings()) == 3
    store.close()


@every_store
def test_the_audit_shows_the_newest_first(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    for number in range(3):
        store.twin.note("rebuilt", {"why": "another network", "number": number}, at=number)
    assert [line["details"]["number"] for line in store.twin.audit(limit=2)] == [2, 1]
    assert store.twin.audit()[-1] == {"at": 0, "what": "rebuilt", "details": {"why": "another network", "number": 0}}
    store.close()


@every_store
def test_a_closed_store_says_so(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.readings.append(checked([("a", 1, 1.0)]), received=1)
    with pytest.raises(StoreError, match="closed"):
        store.twin.last_cycle()


@every_store
def test_of_outlooks_only_the_newest_is_kept(kind: Kind, tmp_path: Path) -> None:
    store = kind.open(tmp_path)
    assert store.twin.outlook() is None
    store.twin.keep_outlook(HOUR, b"first")
    store.twin.keep_outlook(2 * HOUR, b"second")
    store.close()
    store = kind.open(tmp_path)
    assert store.twin.outlook() == (2 * HOUR, b"second")
    store.close()

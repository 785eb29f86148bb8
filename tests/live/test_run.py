"""The loop: a replay of its store is the run itself, late readings end as if in order, and a kill changes nothing."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_twin import MINUTE, START, FakeState, fake_config, fake_steps, readings_of
from tweeling.live.bands import READING, read_bands
from tweeling.live.run import WITHDRAWN, Loop, Position, replay_store
from tweeling.live.store.open import Store, open_store
from tweeling.reading import CheckedReadings, Flag

SENSORS = ("p0", "p1", "p2", "q0", "d1")
Rows = list[tuple[str, int, float]]


class Clock:
    """A wall clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class Town:
    """A store, a loop over it, and readings that come in."""

    def __init__(self, folder: Path, identity: str = "one", **time: object) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.time = folder, time
        self.clock = Clock()
        self.store: Store = open_store("sqlite:///twin.db", folder, write=("readings", "twin"))
        self.loop = self.made(identity)
        self.position: Position[FakeState] = self.loop.resume()

    def made(self, identity: str = "one", **time: object) -> Loop[FakeState]:
        steps = fake_steps(fake_config(**(self.time | time)), identity)
        return Loop(steps, self.store.readings, self.store.twin, self.clock)

    def send(self, rows: Rows, quality: str = "", flag: Flag = Flag.GOOD) -> None:
        readings = readings_of(rows, quality)
        flags = np.full(len(readings), flag, dtype=np.int8)
        why = np.full(len(readings), "", dtype=object)
        self.store.readings.append(CheckedReadings(readings, flags, readings.value, why), self.clock())

    def settle(self) -> FakeState | None:
        self.position = self.loop.settle(self.position)
        return self.position.state

    def silence(self) -> FakeState:
        """Nothing comes for long enough that every cycle closes."""
        self.clock.now += 16 * MINUTE
        state = self.settle()
        assert state is not None
        return state

    def killed(self, identity: str = "one", **time: object) -> None:
        """The loop forgets all that is not on disk."""
        self.loop = self.made(identity, **time)
        self.position = self.loop.resume()

    def open_findings(self) -> list[tuple[str, int, str]]:
        found = self.store.twin.findings()
        # Sorted: of findings raised at one moment the log gives first what was published first.
        return sorted((one.id, one.since, one.verdict) for one in found if one.closed is None)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path / "town")
    yield made
    made.store.close()


def ordinary(minutes: Sequence[int], seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    return [(sensor, minute, float(rng.normal(30, 1))) for minute in minutes for sensor in SENSORS]


def in_steps(town: Town, rows: Rows) -> None:
    """Sends readings minute by minute, and lets the loop settle after each."""
    for minute in sorted({row[1] for row in rows}):
        town.send([row for row in rows if row[1] == minute])
        town.settle()


def cycles(town: Town) -> list[tuple[float, str]]:
    return [((row.end - START) / MINUTE, row.reason) for row in town.store.twin.cycles()]


def test_cycles_close_behind_the_readings_and_silence_closes_the_rest(town: Town) -> None:
    in_steps(town, ordinary(range(5, 65, 5)))
    assert cycles(town) == [(10.0 * k, "watermark") for k in range(1, 6)]
    town.silence()
    assert cycles(town)[5:] == [(60.0, "give_up")]
    assert town.settle() is not None
    assert town.position.last is not None
    assert town.position.last.upto_sequence == 12 * len(SENSORS)


def test_a_backlog_is_heard_whole_before_a_cycle_closes(town: Town) -> None:
    rows = ordinary(range(5, 605, 5))
    town.send(sorted(rows))  # sensor by sensor
    state = town.silence()
    other = Town(town.folder / "ordered")
    in_steps(other, rows)
    assert other.silence() == state
    assert {reason for _, reason in cycles(town)} == {"watermark", "give_up"}


def test_a_replay_of_a_store_is_the_live_run_bit_for_bit(town: Town) -> None:
    rows = ordinary(range(5, 305, 5))
    rows[60] = (*rows[60][:2], 500.0)
    late = [row for place, row in enumerate(rows) if place % 17 == 3]
    in_steps(town, [row for row in rows if row not in late])
    town.store.readings.act("note", town.store.twin.findings()[0].id, "seen", "me", town.clock())
    town.send(late)
    town.settle()
    in_steps(town, ordinary(range(305, 405, 5), seed=1))
    live = town.silence()
    assert "revised" in {reason for _, reason in cycles(town)}
    steps, store = town.loop.steps, town.store
    replayed = list(replay_store(steps, store.readings, store.twin))
    assert steps.pack(replayed[-1][1]) == steps.pack(live)
    for row, state, _info, _batch in replayed:
        kept = store.twin.snapshot(row.end)
        assert kept is not None
        assert kept == (row, steps.pack(state))
    assert live.findings[0].notes == ("seen",)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 199), max_size=4, unique=True))
def test_shuffled_arrival_within_revise_ends_as_if_in_order(tmp_path: Path, random, loud: list[int]) -> None:  # type: ignore[no-untyped-def]
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    begin, rows = ordinary(range(5, 35, 5)), ordinary(range(35, 235, 5))
    for place in loud:
        rows[place] = (*rows[place][:2], 500.0 if place % 3 else -500.0)
    ordered, shuffled = Town(folder / "ordered"), Town(folder / "shuffled")
    in_steps(ordered, begin + rows)
    in_steps(shuffled, begin)
    random.shuffle(rows)
    while rows:
        part = [rows.pop() for _ in range(min(len(rows), random.randint(1, 60)))]
        shuffled.send(part)
        shuffled.settle()
        if random.random() < 0.2:
            shuffled.killed()
    assert shuffled.silence() == ordered.silence()
    assert shuffled.open_findings() == ordered.open_findings()
    for store in (ordered.store, shuffled.store):
        store.close()


def test_readings_older_than_revise_are_kept_and_not_assimilated(tmp_path: Path) -> None:
    town = Town(tmp_path / "short", revise="1h")
    in_steps(town, ordinary(range(5, 205, 5)))
    state = town.silence()
    town.send([("p0", 100, 77.0)], quality="corrected")
    assert town.silence() == state
    assert len(town.store.readings.after(0)) == 40 * len(SENSORS) + 1
    town.send([("p0", 195, 77.0)], quality="corrected")
    assert town.silence() != state
    town.store.close()


def test_a_kill_at_any_moment_changes_nothing(town: Town) -> None:
    rows = ordinary(range(5, 205, 5))
    rows[33] = (*rows[33][:2], 500.0)
    late = rows[40:43]
    rest = [row for row in rows if row not in late]
    killed = Town(town.folder / "killed")
    for minute in range(5, 205, 5):
        part = [row for row in rest if row[1] == minute] + (late if minute == 150 else [])
        town.send(part)
        town.settle()
        killed.send(part)
        for _turn in range(minute % 4):
            killed.position = killed.loop.turn(killed.position)
        killed.killed()
    assert killed.silence() == town.silence()
    assert killed.store.twin.findings() == town.store.twin.findings()
    killed.store.close()


class Killed(Exception):  # noqa: N818
    """Stands for kill -9."""


@pytest.mark.parametrize("saves", range(8))
def test_a_kill_while_the_twin_goes_back_changes_nothing(town: Town, monkeypatch: pytest.MonkeyPatch, saves: int) -> None:
    in_steps(town, ordinary(range(5, 105, 5)))
    town.silence()
    town.send([("p0", 22, 500.0)])
    save, left = town.store.twin.save, saves

    def dying(*arguments: object, **named: object) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        save(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(town.store.twin, "save", dying)
    with pytest.raises(Killed):
        town.silence()
    monkeypatch.undo()
    town.killed()
    state = town.silence()
    ordered = Town(town.folder / "ordered")
    in_steps(ordered, sorted([*ordinary(range(5, 105, 5)), ("p0", 22, 500.0)], key=lambda row: row[1]))
    assert ordered.silence() == state
    assert [one.id for one in town.store.twin.findings()] == [one.id for one in ordered.store.twin.findings()]
    ordered.store.close()


def test_a_finding_that_late_readings_change_is_revised_and_one_they_explain_is_withdrawn(town: Town) -> None:
    rows = [row for row in ordinary(range(5, 105, 5)) if row[:2] != ("p1", 50)]
    town.clock.now = START
    in_steps(town, [*rows, ("p1", 50, 500.0)])
    town.silence()
    (raised,) = town.store.twin.findings()
    assert raised.revision == 1
    town.send([("p1", 50, 31.0)], quality="corrected")
    town.silence()
    (withdrawn,) = town.store.twin.findings()
    assert withdrawn.id == raised.id
    assert withdrawn.revision == 2
    assert withdrawn.closed is not None
    assert (withdrawn.probability, withdrawn.action) == (0.0, WITHDRAWN)
    town.send([("p1", 50, 400.0)], quality="corrected")
    town.silence()
    (again,) = town.store.twin.findings()
    assert dataclasses.replace(again, revision=1) == raised
    assert again.revision == 3


def test_what_people_did_is_done_once_and_again_when_the_twin_goes_back(town: Town) -> None:
    rows = [row for row in ordinary(range(5, 55, 5)) if row[:2] != ("p1", 35)]
    in_steps(town, [*rows, ("p1", 35, 500.0)])
    town.silence()
    (finding,) = town.store.twin.findings()
    town.store.readings.act("confirm", finding.id, "", "me", town.clock())
    in_steps(town, ordinary(range(55, 105, 5), seed=2))
    town.silence()
    assert town.store.twin.findings()[0].verdict == "confirmed"
    town.send([("p0", 22, 32.0)])
    town.silence()
    assert town.store.twin.findings()[0].verdict == "confirmed"


def test_another_network_or_configuration_is_rebuilt_from_the_readings_and_said(town: Town) -> None:
    in_steps(town, ordinary(range(5, 105, 5)))
    state = town.silence()
    rows = list(town.store.twin.cycles())
    town.killed(identity="two")
    assert town.settle() == state
    assert list(town.store.twin.cycles()) == rows
    assert [line["what"] for line in town.store.twin.audit()] == ["rebuilt", "rebuild"]
    assert "of 'one'" in town.store.twin.audit()[1]["details"]["why"]
    assert "rebuilding" in town.store.twin.health()
    in_steps(town, ordinary(range(105, 125, 5)))
    town.silence()
    assert "rebuilt" in town.store.twin.health() or "rebuilt" in str(town.store.twin.audit())
    kept = town.store.twin.snapshot()
    assert kept is not None
    assert b'"two"' in kept[1]


def test_another_length_of_cycle_closes_new_cycles_from_the_same_readings(town: Town) -> None:
    in_steps(town, ordinary(range(5, 125, 5)))
    town.silence()
    town.killed(identity="two", cycle="30min")
    town.silence()
    assert [end for end, _ in cycles(town)] == [30.0, 60.0, 90.0, 120.0]
    assert town.store.twin.audit()[0]["details"]["rows"] == "made anew"


def backlog_and_life(town: Town, late: Rows = []) -> FakeState:  # noqa: B006
    """Ten hours at once, an hour as it comes, two hours at once again, and an hour; some readings come late."""
    rows = ordinary(range(5, 845, 5))
    rows[33] = (*rows[33][:2], 500.0)
    kept = [row for row in rows if row not in late]
    town.send([row for row in kept if row[1] <= 600])
    town.settle()
    in_steps(town, [row for row in kept if 600 < row[1] <= 660])
    town.send(late)
    town.send([row for row in kept if 660 < row[1] <= 780])
    town.settle()
    in_steps(town, [row for row in kept if row[1] > 780])
    return town.silence()


def lengths(town: Town) -> list[float]:
    return np.diff([0.0, *(end for end, _ in cycles(town))]).tolist()


def replays_bit_for_bit(town: Town) -> bool:
    steps, store = town.loop.steps, town.store
    kept = [store.twin.snapshot(row.end) for row in store.twin.cycles()]
    replayed = replay_store(steps, store.readings, store.twin)
    return [(row, steps.pack(state)) for row, state, _info, _batch in replayed] == kept


def test_a_backlog_is_taken_in_long_cycles_and_life_in_short_ones(tmp_path: Path) -> None:
    town = Town(tmp_path, catch_up="1h")
    backlog_and_life(town)
    assert lengths(town) == [*[10.0] * 6, *[60.0] * 8, *[10.0] * 12, 60.0, *[10.0] * 12]
    assert replays_bit_for_bit(town)
    table = read_bands(next(iter(town.store.twin.estimates(START + 60 * MINUTE, START + 120 * MINUTE)))[1]).to_pandas()
    assert table[table.quantity == READING].time.nunique() == 12  # a row for each interval of the long cycle
    town.store.close()


@pytest.mark.parametrize("minute", [22, 118, 181, 240, 603])
def test_going_back_keeps_the_lengths_of_cycles_and_a_replay_is_still_the_run(tmp_path: Path, minute: int) -> None:
    town, other = Town(tmp_path / "late", catch_up="1h"), Town(tmp_path / "in order", catch_up="1h")
    late = [row for row in ordinary(range(5, 845, 5)) if row[0] == "p1" and minute < row[1] <= minute + 20]
    state, wanted = backlog_and_life(town, late), backlog_and_life(other)
    assert "revised" in {reason for _, reason in cycles(town)}
    assert lengths(town) == lengths(other)
    assert state == wanted
    assert replays_bit_for_bit(town)
    for one in (town, other):
        one.store.close()


def test_a_kill_at_any_moment_keeps_the_lengths_of_cycles(tmp_path: Path) -> None:
    town, other = Town(tmp_path / "killed", catch_up="1h"), Town(tmp_path / "not", catch_up="1h")
    wanted = backlog_and_life(other)
    settle = town.settle

    def killed_often() -> FakeState | None:
        for _turn in range(5):
            town.position = town.loop.turn(town.position)
            town.killed()
        return settle()

    town.settle = killed_often  # type: ignore[method-assign]
    assert backlog_and_life(town) == wanted
    assert cycles(town) == cycles(other)
    assert replays_bit_for_bit(town)
    for one in (town, other):
        one.store.close()


def test_rows_of_two_lengths_are_followed_when_the_twin_is_rebuilt(tmp_path: Path) -> None:
    town = Town(tmp_path, catch_up="1h")
    state = backlog_and_life(town)
    rows = list(town.store.twin.cycles())
    town.killed(identity="two")
    assert town.settle() == state
    assert list(town.store.twin.cycles()) == rows
    assert town.store.twin.audit()[1]["details"]["rows"] == "followed"
    town.killed(identity="three", catch_up="30min")
    town.silence()
    assert set(np.diff([end for end, _ in cycles(town)]).tolist()) == {10.0, 30.0}
    town.store.close()


def test_a_store_that_forgot_its_beginning_is_replayed_from_the_oldest_state_it_has(tmp_path: Path) -> None:
    town = Town(tmp_path, catch_up="1h")
    backlog_and_life(town)
    town.store.twin.drop_before(START + 200 * MINUTE)
    steps, store = town.loop.steps, town.store
    kept = [store.twin.snapshot(row.end) for row in store.twin.cycles()]
    replayed = list(replay_store(steps, store.readings, store.twin))
    assert [(row, steps.pack(state)) for row, state, _info, _batch in replayed] == kept[1:]
    assert replayed[0][0].end == START + 300 * MINUTE
    town.store.close()


def test_bands_of_every_cycle_are_kept_for_sensors_and_elements(town: Town) -> None:
    in_steps(town, ordinary(range(5, 35, 5)))
    state = town.silence()
    kept = list(town.store.twin.estimates(START, START + 40 * MINUTE))
    assert [end for end, _ in kept] == [START + minute * MINUTE for minute in (10, 20, 30)]
    table = read_bands(kept[-1][1]).to_pandas()
    sensors, nodes = table[table.quantity == READING], table[table.quantity == "pressure"]
    assert list(sensors.element) == list(SENSORS) * 2
    assert list(nodes.element) == ["J0", "J1", "J2", "R0"]
    assert table["median"].to_numpy() == pytest.approx(state.memory)
    assert {float(level) for level in table.level} == {float(np.float32(0.9))}


def test_old_snapshots_are_thinned_and_going_back_still_ends_the_same(tmp_path: Path) -> None:
    rows = ordinary(range(5, 60 * 60, 5))
    late = [("p0", 60 * 58 + 2, 33.0)]
    town, ordered = Town(tmp_path / "one"), Town(tmp_path / "other")
    for place in range(0, len(rows), 300):
        town.send(rows[place : place + 300])
        town.settle()
    town.silence()
    town.send(late)
    ordered.send(sorted(rows + late, key=lambda row: row[1]))
    assert ordered.silence() == town.silence()
    snapshots = {kept[0].end for row in town.store.twin.cycles() if (kept := town.store.twin.snapshot(row.end))}
    old = [end for end in snapshots if end < START + 10 * 60 * MINUTE]
    assert 9 <= len(old) <= 11
    for one in (town, ordered):
        one.store.close()


def test_the_outlook_is_made_when_all_else_is_done_and_again_when_it_is_old(tmp_path: Path) -> None:
    town = Town(tmp_path)
    looked: list[int] = []

    def look_ahead(state: FakeState) -> bytes:
        looked.append((state.end - START) // MINUTE)
        return str(state.end).encode()

    def looking() -> Loop[FakeState]:
        loop = town.made()
        return dataclasses.replace(loop, steps=dataclasses.replace(loop.steps, look_ahead=look_ahead))

    town.loop = looking()
    rows = ordinary(range(5, 185, 5))
    town.send([row for row in rows if row[1] <= 65])
    town.settle()
    assert looked == [50]  # not once for each cycle of the backlog
    in_steps(town, [row for row in rows if row[1] > 65])
    assert looked == [50, 110, 170]
    town.loop = looking()
    town.position = town.loop.resume()
    town.settle()
    assert looked == [50, 110, 170]  # a new start does not make anew what is there
    assert town.store.twin.outlook() == (START + 170 * MINUTE, str(START + 170 * MINUTE).encode())
    town.store.close()

"""The pure step of the twin: the same in gives the same out, and whatever is missing breaks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.test_snapshot import bits
from tweeling.errors import InputError
from tweeling.estimate import Estimate
from tweeling.finding import CAUSES, Finding
from tweeling.live.advance import Twin, TwinState, advance, first_state, make_twin
from tweeling.live.batch import Batch
from tweeling.live.snapshot import identity_of, pack, unpack
from tweeling.live.store.contract import Action
from tweeling.observation.sensors import Sensor
from tweeling.reading import SECOND
from twins import MILD, NET3, batches_of, before, hidden_town, make_folder, taken, twin_of, without

HIDDEN = ("pressure:141", "flow:335", "level:3")
HALF_HOURS = {"sensors": {"interval": "30min", "withhold": list(HIDDEN)}, "time": {"cycle": "1h"}, "ensemble": {"members": 6}}
N_CYCLES = 8
GOING_ON = ("cycle", "end", "track", "belief", "diagnosis", "hour", "findings")
"""What of a state moves the next cycle, but for what is known of each sensor's habits."""


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return twin_of(tmp_path_factory.mktemp("net3"), "Net3", NET3, **HALF_HOURS)


@pytest.fixture(scope="module")
def cycles(twin: Twin) -> list[Batch]:
    return batches_of(twin, hidden_town(twin.network, twin, N_CYCLES, **MILD))


@pytest.fixture(scope="module")
def middle(twin: Twin, cycles: list[Batch]) -> TwinState:
    """The state after half of the cycles."""
    return taken(twin, before(twin, cycles), cycles[: N_CYCLES // 2])[0]


def is_finite(state: TwinState) -> bool:
    belief = state.belief
    arrays = (belief.mean, belief.covariance, belief.profile, belief.scale, belief.wander, state.track.period.volume)
    return all(np.isfinite(array).all() for array in arrays)


def test_the_same_cycle_from_the_same_state_gives_the_same_bit_for_bit(
    twin: Twin, middle: TwinState, cycles: list[Batch]
) -> None:
    batch = cycles[N_CYCLES // 2]
    before_it = (bits(middle), bits(batch))
    one, other = (advance(twin, middle, batch) for _ in range(2))
    assert bits(one) == bits(other)
    assert (bits(middle), bits(batch)) == before_it  # what went in is as it was


def test_a_state_that_was_packed_goes_on_as_if_it_had_never_stopped(twin: Twin, middle: TwinState, cycles: list[Batch]) -> None:
    identity = identity_of(twin.network, twin.sensors, twin.config)
    rest = cycles[N_CYCLES // 2 :]
    woken = unpack(pack(middle, identity=identity), TwinState, identity=identity)
    went_on, infos = taken(twin, middle, rest)
    woke, others = taken(twin, woken, rest)
    assert bits(woke) == bits(went_on)
    assert [bits(info) for info in others] == [bits(info) for info in infos]


def test_two_twins_of_one_configuration_are_the_same(
    tmp_path: Path, twin: Twin, cycles: list[Batch], middle: TwinState
) -> None:
    again = twin_of(tmp_path, "Net3", NET3, **HALF_HOURS)
    state, _ = taken(again, before(again, cycles), cycles[: N_CYCLES // 2])
    assert bits(state) == bits(middle)


def test_another_seed_gives_other_members_and_the_same_belief(tmp_path: Path, cycles: list[Batch], middle: TwinState) -> None:
    other = twin_of(tmp_path, "Net3", NET3, **(HALF_HOURS | {"ensemble": {"members": 6, "seed": 2}}))
    state, _ = taken(other, before(other, cycles), cycles[: N_CYCLES // 2])
    # Surprises are taken from the central run, which nothing is drawn for.
    np.testing.assert_allclose(state.belief.mean, middle.belief.mean, rtol=1e-9, atol=1e-12)
    assert not np.array_equal(state.track.period.volume[2:], middle.track.period.volume[2:])


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_change_nothing(
    twin: Twin, middle: TwinState, cycles: list[Batch], threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = cycles[N_CYCLES // 2]
    usual = advance(twin, middle, batch)
    monkeypatch.setenv("TWEELING_THREADS", threads)
    assert bits(advance(twin, middle, batch)) == bits(usual)


def test_sensors_that_are_withheld_move_nothing_but_the_score(twin: Twin, cycles: list[Batch]) -> None:
    def lied_to(batch: Batch, lie: Any) -> Batch:
        value, seen = batch.value.copy(), batch.seen.copy()
        value[:, twin.withheld], seen[:, twin.withheld] = lie(value[:, twin.withheld]), lie(seen[:, twin.withheld])
        return replace(batch, value=value, seen=seen)

    state, infos = taken(twin, before(twin, cycles), cycles)
    for lie in (lambda true: 3 * true + 7, lambda true: np.full_like(true, np.nan)):
        other, told = taken(twin, before(twin, cycles), [lied_to(batch, lie) for batch in cycles])
        for name in GOING_ON:
            assert bits(getattr(other, name)) == bits(getattr(state, name)), name
        for name in ("expected", "members", "open_loop", "estimates"):
            assert [bits(getattr(info, name)) for info in told] == [bits(getattr(info, name)) for info in infos], name
        assert bits(other.score) != bits(state.score)


def test_bands_hold_their_median_and_have_the_shape_of_what_they_are_of(
    twin: Twin, middle: TwinState, cycles: list[Batch]
) -> None:
    _, info = advance(twin, middle, cycles[N_CYCLES // 2])
    nodes, links = len(twin.network.nodes), len(twin.network.links)
    assert {name: table.shape for name, table in info.estimates.items()} == {"pressure": (4, nodes), "flow": (3, links)}
    assert info.expected.shape == (2, 3, len(NET3))
    for table in (*info.estimates.values(), *info.expected):
        median, low, high = table[:3]
        assert np.isfinite(table[:3]).all()
        assert (low <= median).all()
        assert (median <= high).all()
    assert info.members.shape == (6, 2, len(NET3))
    np.testing.assert_allclose(info.expected[:, 0], np.median(info.members, axis=0), rtol=1e-12)


def test_a_batch_of_another_time_is_refused(twin: Twin, middle: TwinState, cycles: list[Batch]) -> None:
    with pytest.raises(ValueError, match="is due"):
        advance(twin, middle, cycles[N_CYCLES // 2 + 1])
    with pytest.raises(ValueError, match="is due"):
        advance(twin, middle, cycles[N_CYCLES // 2 - 1])


def test_a_gap_of_all_readings_breaks_nothing_and_makes_the_twin_less_sure(
    twin: Twin, middle: TwinState, cycles: list[Batch]
) -> None:
    state, infos = taken(twin, middle, [without(batch, np.s_[:]) for batch in cycles[4:7]])
    assert is_finite(state)
    assert all(np.isfinite(table[:3]).all() for info in infos for table in info.estimates.values())
    assert [info.health["rows_compared"] for info in infos] == [0, 0, 0]
    assert (np.diag(state.belief.covariance) >= np.diag(middle.belief.covariance) - 1e-15).all()
    after, (info,) = taken(twin, state, cycles[7:8])
    assert is_finite(after)
    assert info.health["rows_compared"] > 0
    assert after.findings == ()


def test_a_twin_that_never_hears_anything_goes_on(twin: Twin, cycles: list[Batch]) -> None:
    silent = [without(batch, np.s_[:]) for batch in cycles[:4]]
    state, infos = taken(twin, before(twin, silent), silent)
    assert is_finite(state)
    assert all(np.isfinite(table[:3]).all() for info in infos for table in info.estimates.values())
    assert state.findings == ()
    np.testing.assert_array_equal(state.belief.mean, 0.0)  # there is nothing to learn from


def test_each_sensor_may_be_missing_alone(twin: Twin, middle: TwinState, cycles: list[Batch]) -> None:
    for sensor in range(len(NET3)):
        state, _ = taken(twin, middle, [without(cycles[4], np.s_[:, sensor]), cycles[5]])
        assert is_finite(state)
    one, _ = taken(twin, middle, [without(cycles[4], np.s_[0])])
    assert is_finite(one)


KINDS = {
    "pressures": NET3[:6],
    "flows": NET3[6:8],
    "levels": NET3[8:],
    "a meter": (Sensor("demand:157", "demand", "157", "m3/h", 0.1),),
    "a head": (Sensor("head:105", "head", "105", "m", 0.1),),
    "a reservoir's head": (Sensor("head:River", "head", "River", "m", 0.1),),
    "one pressure": NET3[:1],
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_sensor_may_be_the_only_one(tmp_path: Path, kind: str) -> None:
    alone = twin_of(tmp_path, "Net3", KINDS[kind], ensemble={"members": 3})
    cycles = batches_of(alone, hidden_town(alone.network, alone, 4))
    state, infos = taken(alone, before(alone, cycles), [*cycles[:2], without(cycles[2], np.s_[:]), *cycles[3:]])
    assert is_finite(state)
    assert all(np.isfinite(table[:3]).all() for info in infos for table in info.estimates.values())


def test_all_sensors_may_be_withheld(tmp_path: Path) -> None:
    ids = [sensor.id for sensor in NET3]
    watching = twin_of(tmp_path, "Net3", NET3, sensors={"withhold": ids}, ensemble={"members": 3})
    cycles = batches_of(watching, hidden_town(watching.network, watching, 3))
    state, _ = taken(watching, before(watching, cycles), cycles)
    assert is_finite(state)
    np.testing.assert_array_equal(state.belief.mean, 0.0)
    assert state.score.sums[:, 0].sum() == sum(np.isfinite(batch.seen).sum() for batch in cycles)


def test_a_withheld_sensor_that_is_not_there_is_refused(tmp_path: Path) -> None:
    from networks import package_network

    config = make_folder(tmp_path, package_network("epyt", "Net3"), NET3, sensors={"withhold": ["pressure:nowhere"]})
    with pytest.raises(InputError, match=r"withhold names 'pressure:nowhere', which is not in sensors\.csv"):
        make_twin(config)


# What people do. A pressure that is suddenly metres off is a finding within hours; the state is one that has learnt enough.


@pytest.fixture(scope="module")
def accused(twin: Twin, middle: TwinState, cycles: list[Batch]) -> TwinState:
    """A state in which a sensor is held to be faulty, and a cycle is left to come."""
    state = replace(middle, belief=replace(middle.belief, age=1000.0))
    state, infos = taken(twin, state, [off(batch) for batch in cycles[4:7]])
    assert [finding.kind for info in infos for finding in info.changed][:1] == ["sensor"]
    return state


def off(batch: Batch) -> Batch:
    """A batch in which one pressure reads five metres too high."""
    value, seen = batch.value.copy(), batch.seen.copy()
    value[:, 0] += 5.0
    seen[:, 0] += 5.0
    return replace(batch, value=value, seen=seen)


def an_hour_later(batch: Batch) -> Batch:
    return replace(batch, end=batch.end + 3600 * SECOND, times=batch.times + 3600 * SECOND)


def act(twin: Twin, state: TwinState, batch: Batch, *kinds: str, text: str = "") -> tuple[TwinState, Sequence[Finding]]:
    name = state.findings[0].id
    actions = [Action(i, 0, "", kind, name, text) for i, kind in enumerate(kinds, start=1)]
    after, info = advance(twin, state, batch, actions)
    return after, info.changed


def test_a_faulty_sensor_is_found_and_not_assimilated(twin: Twin, accused: TwinState, cycles: list[Batch]) -> None:
    (finding,) = accused.findings
    assert (finding.kind, finding.subject, finding.closed) == ("sensor", NET3[0].id, None)
    assert finding.candidates[0].element == NET3[0].id
    assert finding.causes["sensor"] > 0.9
    assert finding.since < finding.raised <= accused.end
    # From now on it may read what it wants.
    wild = replace(off(cycles[7]), value=off(cycles[7]).value + np.eye(len(NET3))[0])
    quiet = without(cycles[7], np.s_[:, 0])
    states = [advance(twin, accused, batch)[0] for batch in (wild, quiet)]
    for name in ("track", "belief"):
        assert bits(getattr(states[0], name)) == bits(getattr(states[1], name))


def test_a_person_confirms_and_notes_and_the_case_goes_on(twin: Twin, accused: TwinState, cycles: list[Batch]) -> None:
    after, changed = act(twin, accused, off(cycles[7]), "confirm", "note", text="seen by Jan")
    (finding,) = after.findings
    assert (finding.verdict, finding.notes, finding.closed) == ("confirmed", ("seen by Jan",) * 2, None)
    assert finding.revision > accused.findings[0].revision
    assert finding in changed
    assert len(after.diagnosis.cases) == 1
    later, _ = advance(
        twin, after, replace(off(cycles[7]), end=after.end + 3600 * SECOND, times=cycles[7].times + 3600 * SECOND)
    )
    assert (later.findings[0].verdict, later.findings[0].notes) == (finding.verdict, finding.notes)


@pytest.mark.parametrize("kind", ["reject", "close"])
def test_a_person_ends_a_case(twin: Twin, accused: TwinState, cycles: list[Batch], kind: str) -> None:
    after, changed = act(twin, accused, cycles[7], kind)
    (finding,) = after.findings
    assert finding.closed == after.end
    assert finding.verdict == ("rejected" if kind == "reject" else "")
    assert finding in changed
    assert after.diagnosis.cases == ()
    assert any(piece.code == "closed" and piece.value == {"why": "person"} for piece in finding.evidence)
    assert is_finite(after)


def test_what_a_person_says_of_what_is_closed_or_unknown_does_no_harm(
    twin: Twin, accused: TwinState, cycles: list[Batch]
) -> None:
    actions = [Action(i, 0, "", kind, "f-0042", "") for i, kind in enumerate(("confirm", "reject", "note", "close"))]
    plain, _ = advance(twin, accused, cycles[7])
    assert bits(advance(twin, accused, cycles[7], actions)[0]) == bits(plain)
    after, _ = act(twin, accused, cycles[7], "close", "close", "reject", "note", text="twice")
    assert after.findings[0].closed == after.end
    assert after.findings[0].notes
    again, _ = act(twin, after, an_hour_later(cycles[7]), "reject")
    assert again.findings[0].closed == after.end  # it was over then
    assert again.findings[0].verdict == "rejected"


# Cycles that are shorter than an hour look at it together.


@pytest.fixture(scope="module")
def often(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    """The same twin, which looks twice an hour."""
    sections = HALF_HOURS | {"time": {"cycle": "30min"}}
    return twin_of(tmp_path_factory.mktemp("often"), "Net3", NET3, **sections)


def halves(cycles: Sequence[Batch]) -> list[Batch]:
    """The same readings in cycles of half an hour."""
    return [
        replace(
            batch,
            end=int(batch.times[row]),
            times=batch.times[row : row + 1],
            value=batch.value[row : row + 1],
            seen=batch.seen[row : row + 1],
            flag=batch.flag[row : row + 1],
        )
        for batch in cycles
        for row in range(len(batch))
    ]


def test_short_cycles_leave_what_the_long_cycle_of_their_hour_leaves(
    twin: Twin, often: Twin, middle: TwinState, cycles: list[Batch]
) -> None:
    state, infos = taken(often, before(twin, cycles), halves(cycles[: N_CYCLES // 2]))
    assert (state.end, state.hour) == (middle.end, None)
    assert [info.health["hours_learnt"] for info in infos] == [0.5 * number for number in range(1, N_CYCLES + 1)]
    # They linearise at another moment of the hour; what is believed differs by far less than it is doubted.
    sd = np.sqrt(np.diag(middle.belief.covariance))
    assert np.abs((state.belief.mean - middle.belief.mean) / sd).max() < 0.1
    np.testing.assert_allclose(np.sqrt(np.diag(state.belief.covariance)), sd, rtol=0.02)
    np.testing.assert_array_equal(state.diagnosis.watch.onset, middle.diagnosis.watch.onset)
    np.testing.assert_allclose(state.diagnosis.watch.square, middle.diagnosis.watch.square, rtol=0.1, atol=0.1)


def test_a_second_look_at_an_hour_starts_where_the_first_did(often: Twin, middle: TwinState, cycles: list[Batch]) -> None:
    first, second = halves(cycles[4:5])
    half, _ = advance(often, middle, first)
    assert half.hour is not None
    assert half.hour.start == middle.end
    for name in ("belief", "diagnosis"):
        assert bits(getattr(half.hour, name)) == bits(getattr(middle, name))
    # What the first look made of its half hour is gone: only its surprises are kept.
    other = replace(half, belief=middle.belief, diagnosis=middle.diagnosis)
    assert bits(advance(often, half, second)[0]) == bits(advance(often, other, second)[0])
    whole, _ = advance(often, half, second)
    assert whole.hour is None


def test_what_is_found_within_an_hour_ends_it(often: Twin, middle: TwinState, cycles: list[Batch]) -> None:
    state = replace(middle, belief=replace(middle.belief, age=1000.0))
    for batch in halves([off(batch) for batch in cycles[4:7]]):
        state, _ = advance(often, state, batch)
        if state.findings:
            break
    (finding,) = state.findings
    assert (finding.kind, finding.raised, finding.since) == ("sensor", state.end, middle.end)
    assert state.hour is None
    assert state.diagnosis.cases[0].opened == state.end


def test_what_a_person_ends_within_an_hour_stays_ended(often: Twin, accused: TwinState, cycles: list[Batch]) -> None:
    first, second = halves(cycles[7:8])
    half, _ = advance(often, accused, first)
    assert half.hour is not None
    after, changed = act(often, half, second, "close")
    assert [finding.closed for finding in changed] == [after.end]
    assert after.diagnosis.cases == ()
    assert is_finite(after)


def test_findings_have_all_causes_with_probabilities_that_sum_to_one(accused: TwinState) -> None:
    for finding in accused.findings:
        assert tuple(finding.causes) == CAUSES
        np.testing.assert_allclose(sum(finding.causes.values()), 1.0, atol=1e-9)
        assert all(0 <= chance <= 1 for chance in finding.causes.values())
        assert finding.size is None or isinstance(finding.size, Estimate)


def test_the_first_state_begins_one_interval_before_its_first_readings(twin: Twin, cycles: list[Batch]) -> None:
    state = before(twin, cycles)
    assert state.end == cycles[0].end - 3600 * SECOND
    assert state.end + 1800 * SECOND == cycles[0].times[0]
    first = (cycles[0].times[0] - twin.model.epoch) // SECOND
    assert set(state.track.period.time.tolist()) == {first}
    assert bits(first_state(twin, state.end)) == bits(state)

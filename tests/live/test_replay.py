"""A recording replayed: three files of the promised form, the same from every format, and nothing half there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from live.test_snapshot import bits
from networks import package_network
from tweeling.errors import InputError, TweelingError
from tweeling.finding import CAUSES
from tweeling.live import replay as module
from tweeling.live.advance import CycleInfo, Twin, TwinState, advance, first_state, make_twin
from tweeling.live.batch import Batch
from tweeling.live.ingest.files import Grid
from tweeling.live.replay import Replayed, batches, replay, replay_file
from tweeling.plant.output import write_readings
from tweeling.plant.run import PlantRun
from tweeling.reading import SECOND, Flag
from twins import MILD, NET3, batches_of, before, hidden_town, make_folder, taken

HIDDEN = ("pressure:141", "flow:335")
MINUTE = 60 * SECOND
COLUMNS = ("time", "quantity", "element", "median", "low", "high", "level", "broken")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    sections: Mapping[str, Any] = {
        "sensors": {"interval": "30min", "withhold": list(HIDDEN)},
        "ensemble": {"members": 4},
        "output": {"every": "2h", "quantities": ["pressure", "flow", "demand"]},
    }
    return make_twin(make_folder(tmp_path_factory.mktemp("net3"), package_network("epyt", "Net3"), NET3, **sections))


@pytest.fixture(scope="module")
def run(twin: Twin) -> PlantRun:
    return hidden_town(twin.network, twin, 8, **MILD)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, twin: Twin, run: PlantRun) -> Path:
    return written(tmp_path_factory.mktemp("readings") / "wide.csv", twin, run)


def written(path: Path, twin: Twin, run: PlantRun, *, long: bool = False) -> Path:
    write_readings(path, twin.sensors.ids, run.times, run.readings, long=long)
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, twin: Twin, wide: Path) -> Path:
    folder = tmp_path_factory.mktemp("found") / "new" / "folder"
    replay_file(twin, wide, folder)
    return folder


def contents(folder: Path) -> dict[str, Any]:
    """All that was written, but for what the wall clock says."""
    card = json.loads((folder / "scorecard.json").read_text())
    card.pop("seconds_per_cycle")
    findings = json.loads((folder / "findings.json").read_text())
    return {"card": card, "findings": findings, "estimates": pq.read_table(folder / "estimates.parquet").to_pydict()}


def test_the_three_files_are_there_and_nothing_else(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == ["estimates.parquet", "findings.json", "scorecard.json"]


def test_estimates_have_the_promised_columns_units_and_times(out: Path, twin: Twin, run: PlantRun) -> None:
    table = pq.read_table(out / "estimates.parquet")
    assert tuple(table.schema.names) == COLUMNS
    assert {key: value for key, value in table.schema.metadata.items() if key.startswith(b"unit.")} == {
        b"unit.pressure": b"m",
        b"unit.head": b"m",
        b"unit.flow": b"m3/s",
        b"unit.demand": b"m3/s",
    }
    frame = table.to_pandas()
    # 00:00 to 07:30 are the cycles that end at 00:00, 01:00, ... 08:00; every second hour is written.
    wanted = pd.date_range("2018-01-01", periods=5, freq="2h", tz="UTC")
    assert frame["time"].drop_duplicates().tolist() == wanted.tolist()
    network = twin.network
    ids = {"pressure": network.nodes.ids, "flow": network.links.ids, "demand": network.nodes.ids[: network.nodes.n_junctions]}
    for quantity, names in ids.items():
        rows = frame[(frame["quantity"] == quantity) & (frame["time"] == wanted[1])]
        assert tuple(rows["element"]) == tuple(names)
    assert len(frame) == 5 * sum(map(len, ids.values()))
    assert (frame["low"] <= frame["median"]).all()
    assert (frame["median"] <= frame["high"]).all()
    assert np.allclose(frame["level"], 0.9)
    assert np.isfinite(frame[["median", "low", "high"]]).all().all()


def test_only_the_elements_that_are_asked_for_are_written(tmp_path: Path, twin: Twin, wide: Path, out: Path) -> None:
    output = twin.config.output.model_copy(update={"elements": ("105", "20", "nowhere"), "quantities": ("pressure", "flow")})
    some = replace(twin, config=twin.config.model_copy(update={"output": output}))
    replay_file(some, wide, tmp_path)
    frame = pq.read_table(tmp_path / "estimates.parquet").to_pandas()
    whole = pq.read_table(out / "estimates.parquet").to_pandas()
    assert set(frame["element"]) <= {"105", "20"}
    picked = whole[whole["element"].isin(["105", "20"]) & (whole["quantity"] != "demand")].reset_index(drop=True)
    assert len(frame) == len(picked) > 0
    np.testing.assert_array_equal(frame["median"], picked["median"])


def test_the_scorecard_has_the_promised_keys_and_counts(out: Path, run: PlantRun) -> None:
    card = json.loads((out / "scorecard.json").read_text())
    assert list(card) == ["withheld", "alarms_per_day", "seconds_per_cycle", "from", "to"]
    assert set(card["withheld"]) == {"pressure", "flow"}
    for scores in card["withheld"].values():
        assert list(scores) == ["n", "rmse", "rmse_open_loop", "crps", "coverage90", "coverage50"]
        assert scores["n"] == len(run.times)
        assert 0 <= scores["coverage50"] <= scores["coverage90"] <= 1
        assert scores["crps"] <= scores["rmse"] * 1.5
    assert set(card["seconds_per_cycle"]) == {"median", "p95"}
    assert (card["from"], card["to"]) == ("2017-12-31T23:00:00Z", "2018-01-01T08:00:00Z")


@pytest.mark.parametrize("name", ["wide.parquet", "long.csv", "long.parquet"])
def test_every_format_of_the_same_readings_gives_the_same(
    tmp_path: Path, twin: Twin, run: PlantRun, out: Path, name: str
) -> None:
    path = written(tmp_path / name, twin, run, long=name.startswith("long"))
    replay_file(twin, path, tmp_path / "found")
    assert contents(tmp_path / "found") == contents(out)


def test_a_replay_is_the_same_step_over_and_over(twin: Twin, run: PlantRun) -> None:
    heard: list[tuple[int, CycleInfo, TwinState]] = []
    progress: list[tuple[int, int]] = []
    done = replay(
        twin,
        Grid(run.times, run.values),
        lambda batch, info, state: heard.append((batch.end, info, state)),
        lambda *count: progress.append(count),
    )
    cycles = batches_of(twin, run)
    state, infos = taken(twin, before(twin, cycles), cycles)
    assert bits(done.state) == bits(state)
    assert [end for end, _, _ in heard] == [batch.end for batch in cycles]
    assert [bits(info) for _, info, _ in heard] == [bits(info) for info in infos]
    assert progress == [(i + 1, len(cycles)) for i in range(len(cycles))]
    assert done.cycles == len(cycles) == len(done.seconds)


def moved(run: PlantRun, shift: int) -> Grid:
    return Grid(run.times + shift, run.values)


def test_a_time_between_two_grid_times_belongs_to_the_later_one(twin: Twin, run: PlantRun) -> None:
    on_grid = batches(twin, moved(run, 0))
    for shift in (-1, -7 * MINUTE, -30 * MINUTE + 1):
        off_grid = batches(twin, moved(run, shift))
        assert bits(off_grid) == bits(on_grid)
    later = batches(twin, moved(run, 1))
    np.testing.assert_array_equal(np.concatenate([b.value for b in later])[0], run.values[0])
    assert later[0].times[0] == run.times[0] + 30 * MINUTE


def test_of_several_readings_in_an_interval_the_last_counts_and_flows_are_averaged(twin: Twin, run: PlantRun) -> None:
    times = np.sort(np.concatenate((run.times, run.times - 10 * MINUTE)))
    values = np.repeat(run.values, 2, axis=0)
    values[::2] += 0.01  # ten minutes earlier
    values[4] = np.nan  # a gap is no reading, so the one that came counts alone
    flows = twin.sensors.of("flow")
    seen = np.concatenate([batch.seen for batch in batches(twin, Grid(times, values))])
    seen = seen[np.isfinite(seen).any(axis=1)]
    wanted = run.values.copy()
    wanted[:, flows] += 0.005
    wanted[2, flows] -= 0.005
    np.testing.assert_allclose(seen, wanted, rtol=1e-12)


def test_cycles_without_readings_are_there_and_empty(twin: Twin, run: PlantRun) -> None:
    kept = np.r_[0:4, 12:16]
    cycles = batches(twin, Grid(run.times[kept], run.values[kept]))
    whole = batches(twin, moved(run, 0))
    assert [batch.end for batch in cycles] == [batch.end for batch in whole]
    empty = cycles[4]
    assert np.isnan(empty.value).all()
    assert (empty.flag == Flag.MISSING_VALUE).all()
    assert len(empty) == 2


def test_what_cannot_be_is_seen_and_not_used(twin: Twin, run: PlantRun) -> None:
    values = run.values.copy()
    values[3, 0] = 5000.0  # m of pressure
    batch = batches(twin, Grid(run.times, values))[2]
    row = int(np.flatnonzero(batch.times == run.times[3])[0])
    assert np.isnan(batch.value[row, 0])
    assert batch.seen[row, 0] == 5000.0
    assert batch.flag[row, 0] == Flag.OUT_OF_RANGE


def test_a_finding_is_written_as_promised(tmp_path: Path, twin: Twin, run: PlantRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def learnt_already(twin: Twin, start: int) -> TwinState:
        state = first_state(twin, start)
        return replace(state, belief=replace(state.belief, age=1000.0))

    monkeypatch.setattr(module, "first_state", learnt_already)
    readings = run.readings.copy()
    readings[9:, 0] += 4.0
    write_readings(tmp_path / "off.csv", twin.sensors.ids, run.times, readings)
    replay_file(twin, tmp_path / "off.csv", tmp_path)
    (finding, *_rest) = json.loads((tmp_path / "findings.json").read_text())
    promised = "id kind subject since raised closed revision probability causes candidates size evidence action"
    assert set(promised.split()) <= set(finding)
    assert (finding["id"], finding["kind"], finding["subject"]) == ("f-0001", "sensor", NET3[0].id)
    assert list(finding["causes"]) == list(CAUSES)
    assert sum(finding["causes"].values()) == pytest.approx(1.0, abs=1e-9)
    assert finding["candidates"][0].keys() == {"element", "probability"}
    for piece in finding["evidence"]:
        assert piece.keys() == {"code", "sensor", "value", "text"}
        assert piece["text"].keys() == {"en", "nl"}
        assert all(piece["text"].values())
    since, raised = (datetime.fromisoformat(finding[name]) for name in ("since", "raised"))
    assert since == datetime(2018, 1, 1, 4, tzinfo=UTC)  # 04:30 is in the cycle that takes what comes after 04:00
    assert since < raised <= datetime(2018, 1, 1, 8, tzinfo=UTC)
    card = json.loads((tmp_path / "scorecard.json").read_text())
    n_findings = 1 + len(_rest)
    assert card["alarms_per_day"] == pytest.approx(n_findings / (9 / 24))


BROKEN = {
    "nothing": b"",
    "no_readings": b"time,pressure:105\n",
    "strangers": b"time,somebody,else\n2018-01-01T00:00:00Z,1,2\n",
    "no_time": b"pressure:105,pressure:119\n1,2\n",
    "no_parquet": b"PAR1 and then nothing",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_recording_is_refused_and_leaves_no_file(tmp_path: Path, twin: Twin, what: str) -> None:
    path = tmp_path / ("readings.parquet" if what == "no_parquet" else "readings.csv")
    path.write_bytes(BROKEN[what])
    with pytest.raises(TweelingError, match="readings"):
        replay_file(twin, path, tmp_path / "found")
    assert not (tmp_path / "found").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, twin: Twin, wide: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made a folder"):
        replay_file(twin, wide, tmp_path / "file" / "found")


def test_what_breaks_off_leaves_the_last_results_as_they_were(
    tmp_path: Path, twin: Twin, wide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay_file(twin, wide, tmp_path)
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def stops(twin: Twin, state: TwinState, batch: Batch) -> Any:
        if state.cycle == 5:
            raise KeyboardInterrupt
        return advance(twin, state, batch)

    monkeypatch.setattr(module, "advance", stops)
    with pytest.raises(KeyboardInterrupt):
        replay_file(twin, wide, tmp_path)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith(".part")}
    assert left == whole


def test_replayed_counts_what_it_did(twin: Twin, wide: Path, tmp_path: Path) -> None:
    done = replay_file(twin, wide, tmp_path)
    assert isinstance(done, Replayed)
    assert done.cycles == 9
    assert (done.seconds > 0).all()

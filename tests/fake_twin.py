"""A small twin for tests of what lies around it: its state depends on every reading, every action and their order."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from networks import make_network
from tweeling.errors import SnapshotMismatch
from tweeling.finding import CAUSES, Candidate, Finding
from tweeling.live.advance import CycleInfo
from tweeling.live.batch import Batch
from tweeling.live.config import TwinConfig, checked
from tweeling.live.run import Steps
from tweeling.live.store.contract import Action
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.reading import SECOND, Readings

MINUTE = 60 * SECOND
START = 1_514_764_800 * SECOND
"""2018-01-01."""
SURPRISE = 100.0
"""A reading above this raises a finding; one below its negative closes it."""


@dataclass(frozen=True)
class FakeState:
    """A number that remembers everything, and findings."""

    cycle: int
    end: int
    memory: float
    findings: tuple[Finding, ...]


def fake_config(folder: Path = Path(), **time: object) -> TwinConfig:
    rules = {"cycle": "10min", "lateness": "10min", "revise": "24h", "give_up": "15min"} | time
    document = {
        "network": {"file": "network.inp"},
        "sensors": {"file": "sensors.csv", "interval": "5min"},
        "time": rules,
        "folder": folder,
    }
    return checked(TwinConfig, document, "the test")


def fake_network() -> Network:
    from networks import Link

    return make_network(demand=(0.001, 0.002, 0.001), heads=(50.0,), links=(Link(3, 0), Link(0, 1), Link(1, 2)))


def fake_sensors(network: Network) -> Sensors:
    rows = [Sensor(f"p{node}", "pressure", f"J{node}", "m", 0.01) for node in range(3)]
    rows += [Sensor("q0", "flow", "L0", "m3/h", 0.1), Sensor("d1", "demand", "J1", "L/h", 1.0)]
    return Sensors.of_rows(rows, network)


def fake_steps(config: TwinConfig, identity: str = "one") -> Steps[FakeState]:
    network = fake_network()
    sensors = fake_sensors(network)

    def advance(state: FakeState, batch: Batch, actions: Sequence[Action]) -> tuple[FakeState, CycleInfo]:
        return fake_advance(state, batch, actions, network)

    return Steps(
        config=config,
        network=network,
        sensors=sensors,
        first=lambda start: FakeState(0, start, 1.0, ()),
        advance=advance,
        pack=lambda state: pack(state, identity),
        unpack=lambda packed: unpack(packed, identity),
    )


def fake_advance(state: FakeState, batch: Batch, actions: Sequence[Action], network: Network) -> tuple[FakeState, CycleInfo]:
    assert batch.end > state.end
    memory = state.memory
    for row in batch.value:  # a sum in which order matters
        memory = 0.97 * memory + float(np.nansum(row * np.arange(1, len(row) + 1))) + 1e-3 * np.isfinite(row).sum()
    before = {finding.id: finding for finding in state.findings}
    found = dict(before)
    for action in actions:
        if action.finding in found:
            old = found[action.finding]
            verdict = {"confirm": "confirmed", "reject": "rejected"}.get(action.kind, old.verdict)
            notes = (*old.notes, action.text) if action.kind == "note" else old.notes
            closed = batch.end if action.kind == "close" and old.closed is None else old.closed
            found[old.id] = dataclasses.replace(old, verdict=verdict, notes=notes, closed=closed)
    for place in np.flatnonzero((np.nan_to_num(batch.value) > SURPRISE).any(axis=0)):
        name = f"f-{place}-{batch.end // MINUTE}"
        found[name] = fake_finding(name, int(batch.end), int(place))
    if (np.nan_to_num(batch.value) < -SURPRISE).any():
        found = {name: dataclasses.replace(finding, closed=finding.closed or batch.end) for name, finding in found.items()}
    revised = {
        name: dataclasses.replace(finding, revision=before[name].revision + 1)
        if name in before and finding != before[name]
        else finding
        for name, finding in found.items()
    }
    changed = tuple(finding for name, finding in revised.items() if before.get(name) != finding)
    state = FakeState(state.cycle + 1, batch.end, memory, tuple(revised.values()))
    return state, fake_info(memory, batch, changed, network)


def fake_finding(name: str, at: int, place: int) -> Finding:
    causes = {cause: float(cause == "leak") for cause in CAUSES}
    candidates = (Candidate(f"L{place % 3}", 0.75), Candidate("L1", 0.25))
    return Finding(name, "leak", "zone-1", at, at, None, 1, 0.9, causes, candidates, None, (), "Look there.")


def fake_info(memory: float, batch: Batch, changed: tuple[Finding, ...], network: Network) -> CycleInfo:
    bands = np.array([memory, memory - 1, memory + 1])
    shape = batch.value.shape
    return CycleInfo(
        members=np.full((2, *shape), memory),
        open_loop=np.full(shape, memory),
        expected=np.broadcast_to(bands[:, None], (shape[0], 3, shape[1])).copy(),
        estimates={
            "pressure": np.repeat(bands[:, None], len(network.nodes.ids), axis=1),
            "flow": np.repeat(bands[:, None], len(network.links.ids), axis=1),
        },
        changed=changed,
        health={"readings": int(np.isfinite(batch.value).sum())},
    )


def pack(state: FakeState, identity: str) -> bytes:
    return json.dumps([identity, dataclasses.asdict(state)]).encode()


def unpack(packed: bytes, identity: str) -> FakeState:
    import msgspec

    found, document = json.loads(packed)
    if found != identity:
        raise SnapshotMismatch(f"the snapshot is of {found!r}, not of {identity!r}")
    return msgspec.convert(document, FakeState)


def readings_of(rows: Sequence[tuple[str, int, float]], quality: str = "") -> Readings:
    """Readings of (sensor, minutes since the start, value)."""
    return Readings(
        sensor=np.array([row[0] for row in rows], dtype=object),
        time=np.array([START + row[1] * MINUTE for row in rows], dtype=np.int64),
        value=np.array([row[2] for row in rows], dtype=float),
        unit=np.full(len(rows), "", dtype=object),
        quality=np.full(len(rows), quality, dtype=object),
    )

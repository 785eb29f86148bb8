"""What happens between steady states, against NumPy and plain Python."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.kernels import events

RESTING, PER_FLOW, START_CLOCK, DAY = 1e-6, 0.99998, 3000, 86400
CLOSED, OPEN, ACTIVE = (int(status) for status in (Status.CLOSED, Status.OPEN, Status.ACTIVE))
N_MEMBERS, N_TANKS, N_LINKS, N_CONTROLS = 200, 3, 6, 9

TANKS = events.Tanks(
    fixed=np.array([2, 0, 3]),
    bottom=np.array([10.0, 20.0, 30.0]),
    min_head=np.array([11.0, 21.0, 31.0]),
    area=np.array([100.0, 50.0, 0.0]),
    min_volume=np.array([100.0, 50.0, 40.0]),
    max_volume=np.array([600.0, 300.0, 400.0]),
    curve_first=np.array([0, 0, 0, 4]),
    curve_level=np.array([0.0, 1.0, 2.0, 5.0]),
    curve_volume=np.array([0.0, 40.0, 100.0, 400.0]),
)
"""Two cylinders and a tank with a curve; a reservoir stands among the fixed nodes."""
RESERVOIRS = events.Reservoirs(np.array([1]), np.array([50.0]), np.array([-1]))


@dataclass(frozen=True)
class Scene:
    """Made-up members at a time, and the controls that they have; shapes as in `PeriodState`."""

    happenings: events.Happenings
    time: np.ndarray
    volume: np.ndarray
    net_inflow: np.ndarray
    fixed_head: np.ndarray
    status: np.ndarray
    setting: np.ndarray
    flow: np.ndarray

    @property
    def now(self) -> tuple[events.Happenings, np.ndarray, np.ndarray, np.ndarray]:
        """What controls look at."""
        return self.happenings, self.time, self.volume, self.net_inflow

    def filling(self, member: int, tank: int) -> float:
        """m3 per second."""
        return float(self.net_inflow[member, TANKS.fixed[tank]] * PER_FLOW)


def some_scene(seed: int) -> Scene:
    """Controls of all kinds on links of all kinds, members near and at the levels, times and limits that count."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 5, N_CONTROLS)
    tank = np.where(kind <= events.ABOVE, rng.integers(0, N_TANKS, N_CONTROLS), 0)
    level = rng.uniform(100, 300, N_CONTROLS)
    status = rng.choice([CLOSED, OPEN, ACTIVE], N_CONTROLS).astype(np.int8)
    controls = events.Controls(
        kind=kind,
        link=rng.integers(0, N_LINKS, N_CONTROLS),
        tank=tank,
        seconds=rng.choice([0, 3600, 5000, 90000], N_CONTROLS),
        head=TANKS.bottom[tank] + level / 100,
        volume=level,
        status=status,
        has_setting=rng.random(N_CONTROLS) < 0.5,
        setting=rng.choice([1.0, 0.0, np.nan], N_CONTROLS),
        first_flow=np.where((rng.random(N_CONTROLS) < 0.5) & (status > CLOSED), 0.05, np.nan),
    )
    volume = rng.uniform(TANKS.min_volume, TANKS.max_volume, (N_MEMBERS, N_TANKS))
    near = rng.choice(level, N_MEMBERS) + rng.choice([-0.5, 0.0, 0.5], N_MEMBERS)
    volume[np.arange(N_MEMBERS), rng.integers(0, N_TANKS, N_MEMBERS)] = near
    head = np.zeros((N_MEMBERS, 4))
    head[:, TANKS.fixed] = TANKS.bottom + volume / 100
    return Scene(
        happenings=events.Happenings(controls, TANKS, RESERVOIRS, START_CLOCK, PER_FLOW, RESTING),
        time=rng.choice([0, 600, 3600, 5000, 83400, 90000], N_MEMBERS),
        volume=volume,
        net_inflow=rng.choice([-0.4, -1e-9, 0.0, 0.02, 0.7], (N_MEMBERS, 4)),
        fixed_head=head,
        status=rng.choice([0, 1, CLOSED, OPEN, ACTIVE, 5], (N_MEMBERS, N_LINKS)).astype(np.int8),
        setting=rng.choice([1.0, 0.0, np.nan], (N_MEMBERS, N_LINKS)),
        flow=rng.normal(size=(N_MEMBERS, N_LINKS)),
    )


def fires(scene: Scene, member: int, control: int) -> bool:
    """Whether a control acts (EPANET's `controls`)."""
    table, time = scene.happenings.controls, int(scene.time[member])
    match table.kind[control]:
        case events.AT_TIME:
            return time == table.seconds[control]
        case events.AT_CLOCK:
            return (time + START_CLOCK) % DAY == table.seconds[control] % DAY
        case events.ALWAYS:
            return True
    tank = table.tank[control]
    margin, held, level = abs(scene.filling(member, tank)), scene.volume[member, tank], table.volume[control]
    return bool(held <= level + margin if table.kind[control] == events.BELOW else held >= level - margin)


def alike(a: float, b: float) -> bool:
    """Whether settings are equal."""
    return a == b or (np.isnan(a) and np.isnan(b))


def acted(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Statuses, settings and flows after all controls, one after another."""
    table = scene.happenings.controls
    status, setting, flow = scene.status.copy(), scene.setting.copy(), scene.flow.copy()
    for member in range(N_MEMBERS):
        for control, link in enumerate(table.link):
            if not fires(scene, member, control):
                continue
            wanted, here = table.status[control], (member, link)
            starts = status[here] <= CLOSED < wanted
            other = table.has_setting[control] and not alike(setting[here], table.setting[control])
            if not ((status[here] <= CLOSED) != (wanted <= CLOSED) or wanted == ACTIVE or other):
                continue
            if starts and not np.isnan(table.first_flow[control]):
                flow[here] = table.first_flow[control]
            status[here] = wanted
            if table.has_setting[control]:
                setting[here] = table.setting[control]
    return status, setting, flow


def rounded(seconds: float) -> int:
    """Half up, 0 for what lies behind."""
    return int(np.floor(seconds + 0.5)) if seconds > 0 else 0


def next_event(scene: Scene, member: int, step: int) -> int:
    """Seconds to the next event (EPANET's `tanktimestep` and `controltimestep`)."""
    table = scene.happenings.controls
    for tank in range(N_TANKS):
        rate = scene.filling(member, tank)
        limit = TANKS.max_volume[tank] if rate > 0 else TANKS.min_volume[tank]
        if abs(rate) > RESTING and 0 < (until := rounded((limit - scene.volume[member, tank]) / rate)) < step:
            step = until
    time = int(scene.time[member])
    for control, link in enumerate(table.link):
        kind, tank, until = table.kind[control], table.tank[control], 0
        if kind in (events.BELOW, events.ABOVE):
            rate, head = scene.filling(member, tank), scene.fixed_head[member, TANKS.fixed[tank]]
            rises, falls = head < table.head[control] and rate > RESTING, head > table.head[control] and rate < -RESTING
            if rises if kind == events.ABOVE else falls:
                until = rounded((table.volume[control] - scene.volume[member, tank]) / rate)
        elif kind == events.AT_TIME:
            until = int(table.seconds[control]) - time
        elif kind == events.AT_CLOCK:
            until = (int(table.seconds[control]) - (time + START_CLOCK) % DAY) % DAY
        setting = scene.setting[member, link]
        other = table.has_setting[control] and not alike(setting, table.setting[control])
        if 0 < until < step and (scene.status[member, link] != table.status[control] or other):
            step = until
    return step


@pytest.mark.parametrize("seed", range(6))
def test_controls_act_in_their_order(seed: int) -> None:
    scene = some_scene(seed)
    expected = acted(scene)
    differs = any((mine != yours).any() for mine, yours in zip(expected[::2], (scene.status, scene.flow), strict=True))
    assert differs
    assert events.controls_change(*scene.now, scene.status, scene.setting)
    found = (scene.status.copy(), scene.setting.copy(), scene.flow.copy())
    events.act_controls(*scene.now, *found)
    for mine, yours in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_a_control_changes_nothing_where_all_is_as_it_says() -> None:
    scene = some_scene(0)
    for member in range(N_MEMBERS):
        one = slice(member, member + 1)
        now = (scene.happenings, scene.time[one], scene.volume[one], scene.net_inflow[one])
        table, here = scene.happenings.controls, (scene.status[one], scene.setting[one])
        says = [c for c in range(N_CONTROLS) if fires(scene, member, c)]
        same = [
            (here[0][0, table.link[c]] <= CLOSED) == (table.status[c] <= CLOSED)
            and table.status[c] != ACTIVE
            and (not table.has_setting[c] or alike(here[1][0, table.link[c]], table.setting[c]))
            for c in says
        ]
        assert events.controls_change(*now, *here) == (not all(same))


@pytest.mark.parametrize("seed", range(6))
def test_a_step_ends_where_the_first_thing_happens(seed: int) -> None:
    scene = some_scene(seed)
    regular = np.random.default_rng(seed).integers(1, 7200, N_MEMBERS)
    expected = np.array([next_event(scene, member, int(step)) for member, step in enumerate(regular)])
    assert (expected != regular).sum() > 20
    here = (scene.happenings, scene.time, scene.fixed_head, scene.volume, scene.net_inflow, scene.status, scene.setting)
    for latest in (10**9, 6000):
        found = regular.copy()
        events.cut_steps(*here, latest, found)
        np.testing.assert_array_equal(found, np.minimum(expected, np.maximum(latest - scene.time, 0)))


def test_a_tank_within_a_second_of_full_or_empty_is_full_or_empty() -> None:
    scene = some_scene(1)
    filling = scene.net_inflow[:, TANKS.fixed] * PER_FLOW
    seconds = np.random.default_rng(1).integers(0, 2000, N_MEMBERS)
    seconds[::2] = 0
    scene.volume[::4] = (TANKS.max_volume - 0.5 * np.abs(filling))[::4]
    scene.volume[2::4] = (TANKS.min_volume + 0.5 * np.abs(filling))[2::4]
    held = scene.volume + filling * seconds[:, None]
    full, empty = held + filling >= TANKS.max_volume, held - filling <= TANKS.min_volume
    expected = np.where(full, TANKS.max_volume, np.where(empty, TANKS.min_volume, held))
    found, gain = np.empty_like(held), np.empty_like(held)
    events.fill_tanks(scene.happenings, scene.volume, scene.net_inflow, seconds, found, gain)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(gain, expected - held)
    assert (full & (held < TANKS.max_volume)).any()
    assert (empty & (held > TANKS.min_volume)).any()


def test_heads_follow_patterns_cylinders_and_curves() -> None:
    volume = np.random.default_rng(2).uniform(-50, 700, (N_MEMBERS, N_TANKS))
    volume[0, 2], volume[1, 2], volume[2, 2] = 40.0, 400.0, np.nan
    head, multiplier, row = np.empty((N_MEMBERS, 4)), np.array([[3.0, 1.0], [3.0, 0.5]]), np.arange(N_MEMBERS) % 2
    events.write_fixed_heads(some_scene(0).happenings, multiplier, row, volume, head)
    for tank in (0, 1):
        level = (volume[:, tank] - TANKS.min_volume[tank]) / TANKS.area[tank]
        np.testing.assert_allclose(head[:, TANKS.fixed[tank]], TANKS.min_head[tank] + level, rtol=1e-15)
    curve = TANKS.bottom[2] + np.interp(volume[:, 2], TANKS.curve_volume, TANKS.curve_level)
    np.testing.assert_allclose(head[:, TANKS.fixed[2]], curve, rtol=1e-15)
    np.testing.assert_array_equal(head[:, 1], 50 * multiplier[row, -1])

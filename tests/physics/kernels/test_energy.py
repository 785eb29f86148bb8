"""The kernel of pump energy against NumPy: power, efficiency and price in a steady state, and what adds up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.hydraulics.drivers import Multipliers
from tweeling.physics.hydraulics.energy import PumpEnergy, used
from tweeling.physics.kernels.energy import PumpTariff

TARIFF = PumpTariff(
    link=np.array([0, 2]),
    start=np.array([0, 1]),
    end=np.array([1, 2]),
    price=np.array([0.2, 0.3]),
    pattern=np.array([1, 0]),
    curve_first=np.array([0, 0, 3]),
    curve_flow=np.array([0.1, 0.2, 0.4]),
    curve_percent=np.array([50.0, 80.0, 60.0]),
    percent=75.0,
    cfs_per_si=35.3147,
    specific_gravity=0.98,
)
"""A pump without an efficiency curve and one with."""


def some_state(rng: np.random.Generator, n_members: int) -> Any:
    """A steady state of three nodes and three links, made up: pumps that stand still or have no supply are among them."""
    head = rng.uniform(10, 60, (n_members, 3))
    head[::5, 1] = np.nan
    return SimpleNamespace(
        status=rng.choice([Status.XHEAD, Status.CLOSED, Status.OPEN, Status.XFLOW], (n_members, 3)).astype(np.int8),
        setting=rng.choice([0.0, 0.5, 1.0, 1.2], (n_members, 3)),
        head=head,
        flows=SimpleNamespace(link=rng.uniform(-0.5, 0.5, (n_members, 3))),
    )


def test_power_efficiency_and_price_are_those_of_the_manual() -> None:
    rng = np.random.default_rng(4)
    state, table, row = some_state(rng, 60), rng.uniform(0.5, 2, (2, 2)), rng.integers(0, 2, 60)
    power, _ = used(TARIFF, PumpEnergy.none(60, 2), state, Multipliers(table, row), np.full(60, 100))
    link = TARIFF.link
    runs = state.status[:, link] > Status.CLOSED
    flow = np.where(runs, np.abs(state.flows.link[:, link]), 0.0)
    speed = np.where(state.setting[:, 2] > 0, state.setting[:, 2], 1.0)
    best = np.interp(flow[:, 1] / speed, TARIFF.curve_flow, TARIFF.curve_percent)
    percent = np.stack([np.full(60, 75.0), 100 - (100 - best) * (1 / speed) ** 0.1], axis=1)
    efficiency = np.where(runs, np.clip(percent, 1, 100) / 100, 0.0)
    lift = np.abs(state.head[:, TARIFF.start] - state.head[:, TARIFF.end]) / 0.3048
    with np.errstate(invalid="ignore"):
        kilowatts = lift * flow * 35.3147 * 0.98 / (8.814 * efficiency) * 0.7457
    watts = np.where(runs & ~np.isnan(lift), kilowatts * 1e3, 0.0)
    np.testing.assert_array_equal(power.running, runs)
    np.testing.assert_array_equal(power.flow, flow)
    np.testing.assert_allclose(power.efficiency, efficiency, rtol=1e-12)
    np.testing.assert_allclose(power.power, watts, rtol=1e-12)
    np.testing.assert_allclose(power.price, np.array([0.2, 0.3]) * table[row][:, [1, 0]], rtol=1e-14)
    assert runs.any()
    assert (runs & np.isnan(lift)).any()


def test_steps_add_up_and_one_of_no_time_counts_for_nothing() -> None:
    rng = np.random.default_rng(5)
    sums, parts = PumpEnergy.none(20, 2), []
    for step in range(6):
        seconds = rng.integers(1, 4000, 20) * (step != 3)
        multiplier = Multipliers(rng.uniform(0.5, 2, (1, 2)), np.zeros(20, dtype=np.int64))
        power, sums = used(TARIFF, sums, some_state(rng, 20), multiplier, seconds)
        parts.append((power, seconds[:, None]))
    counted = [power for power, seconds in parts if seconds.any()]
    for mine, yours in (
        (sums.online, sum(power.running * seconds for power, seconds in parts)),
        (sums.volume, sum(power.flow * seconds for power, seconds in parts)),
        (sums.energy, sum(power.power * seconds for power, seconds in parts)),
        (np.nan_to_num(sums.efficiency) * sums.online, sum(power.efficiency * seconds for power, seconds in parts)),
        (sums.cost, sum(power.price * power.power * seconds for power, seconds in parts) / 3.6e6),
        (sums.peak, np.max([power.power for power in counted], axis=0)),
        (sums.total_peak, np.max([power.power.sum(1) for power in counted], axis=0)),
    ):
        np.testing.assert_allclose(mine, yours, rtol=1e-12)
    assert (parts[3][0].power > sums.peak).any(), "the step of no time should have had the highest power"

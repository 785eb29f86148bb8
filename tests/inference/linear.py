"""A small linear world for tests of filter and evidence: two zones, three directions, two offsets, five rows."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from tweeling.inference.assimilation.extended_filter import (
    Belief,
    Linearisation,
    Update,
    assimilate,
    first_belief,
    noise,
    predict,
)
from tweeling.inference.model import Doubts
from tweeling.network.network import Floats

ZONES, DIRECTIONS, OFFSETS, JUNCTIONS, ROWS = 2, 3, 2, 4, 5
KNOWN = ZONES + DIRECTIONS + OFFSETS
STEPS = 3


def make_model() -> Any:
    """What the filter looks at of a `Model`: three heads, of which two may be off, a flow, and the balance of a tank."""
    compared = SimpleNamespace(
        offset=np.array([True, True, False, False, False]),
        balance=np.array([-1, -1, -1, -1, 0]),
        std=np.array([0.02, 0.03, 0.02, 0.001, 0.01]),
        area=np.array([0.0, 0.0, 0.0, 0.0, 5.0]),
    )

    class _Compared(SimpleNamespace):
        def __len__(self) -> int:
            return ROWS

    return SimpleNamespace(
        zones=range(ZONES),
        directions=np.zeros((DIRECTIONS, 9)),
        compared=_Compared(**vars(compared)),
        doubts=Doubts(),
        interval=300,
    )


def make_linearisation(rng: np.random.Generator, n_leaks: int = 0) -> Linearisation:
    """Derivatives drawn at random; the offsets' are what they must be."""
    unknown = rng.normal(0.0, 0.3, (ROWS, KNOWN + n_leaks))
    unknown[:, ZONES + DIRECTIONS : KNOWN] = 0.0
    unknown[[0, 1], [KNOWN - 2, KNOWN - 1]] = 1.0
    return Linearisation(
        unknown=unknown,
        demand=rng.normal(0.0, 20.0, (ROWS, JUNCTIONS)),
        expected=np.full(JUNCTIONS, 2e-3),
        blur=np.zeros((ROWS, ROWS)),
    )


def prior_belief(model: Any, rng: np.random.Generator) -> Belief:
    """A belief with a mean, a full covariance and a profile."""
    belief = first_belief(model)
    root = np.diag(np.sqrt(np.diag(belief.covariance))) @ (np.eye(KNOWN) + rng.normal(0, 0.2, (KNOWN, KNOWN)))
    return replace(
        belief,
        mean=rng.normal(0.0, 0.1, KNOWN),
        covariance=root @ root.T,
        profile=rng.normal(0.0, 0.05, (ZONES, 24)),
        scale=rng.uniform(0.5, 2.0, ROWS),
    )


def run(
    model: Any, belief: Belief, linears: list[Linearisation], readings: Floats, fixed: frozenset[int] = frozenset()
) -> tuple[Belief, list[Update]]:
    """The filter over some hours: a reading is `H x` and something; what it says beyond the mean is the surprise."""
    updates = []
    for hour, linear in enumerate(linears):
        belief, carry = predict(model, belief, 1.0, hour, hour + 1)
        surprise = readings[hour] - linear.unknown @ belief.mean
        belief, update = assimilate(model, belief, linear, surprise, carry, STEPS, hour in fixed)
        updates.append(update)
    return belief, updates


def drawn_readings(
    model: Any, belief: Belief, linears: list[Linearisation], rng: np.random.Generator, missing: float = 0.2
) -> Floats:
    """Readings as this world could give them, but milder, so that nothing counts as wild; some are missing."""
    readings = np.empty((len(linears), ROWS))
    for hour, linear in enumerate(linears):
        sd = np.sqrt(np.diag(noise(model, belief, linear, STEPS)))
        readings[hour] = linear.unknown @ belief.mean[: linear.unknown.shape[1]] + 0.3 * sd * rng.standard_normal(ROWS)
    readings[rng.random(readings.shape) < missing] = np.nan
    return readings

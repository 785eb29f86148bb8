"""One cycle of the twin: forecast -> observe -> diagnose the surprise -> assimilate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tweeling.finding import Finding
from tweeling.live.batch import Batch
from tweeling.live.config import TwinConfig
from tweeling.live.store.contract import Action
from tweeling.network.network import Floats, Network
from tweeling.observation.sensors import Sensors


@dataclass(frozen=True, eq=False)
class Twin:
    """What does not change while a twin runs."""

    config: TwinConfig
    network: Network
    sensors: Sensors


@dataclass(frozen=True, eq=False)
class TwinState:
    """What the next cycle needs, and nothing else.

    Args:
        cycle: how many cycles have closed.
        end: T of the last one, microseconds since 1970 UTC.
        findings: all that were raised, in the order of raising.
    """

    cycle: int
    end: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class CycleInfo:
    """What a person may want to see of a cycle.

    Args:
        expected: median, low and high of what each sensor should read at each step, SI; (step, 3, sensor).
        estimates: median, low and high by quantity at the end of the cycle, SI; (3, element).
        changed: findings that this cycle raised or revised.
        health: figures for the service, JSON.
    """

    expected: Floats
    estimates: Mapping[str, Floats]
    changed: tuple[Finding, ...]
    health: Mapping[str, Any]


def make_twin(config: TwinConfig) -> Twin:
    """Reads what `TWIN.toml` names and compiles it.

    Raises:
        InputError: what cannot be used, and where.
    """
    raise NotImplementedError


def first_state(twin: Twin, start: int) -> TwinState:
    """The state before the first cycle, which begins at `start` (microseconds since 1970 UTC)."""
    raise NotImplementedError


def advance(twin: Twin, state: TwinState, batch: Batch, actions: Sequence[Action] = ()) -> tuple[TwinState, CycleInfo]:
    """Takes a cycle's readings and what people did meanwhile."""
    raise NotImplementedError

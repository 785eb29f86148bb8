"""The twin of a configuration, as the loop takes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tweeling.live.advance import Twin, TwinState, advance, first_state, make_twin
from tweeling.live.config import TwinConfig
from tweeling.live.outlook import look_ahead, pack_outlook
from tweeling.live.run import Steps
from tweeling.live.scorecard import as_document
from tweeling.live.snapshot import identity_of, pack, unpack


def scores(twin: Twin, state: TwinState) -> Mapping[str, Any]:
    """The scorecard so far; seconds per cycle stand in the health of each."""
    document = as_document(state.score, twin.sensors, twin.withheld.tolist(), state.findings, [])
    return {name: value for name, value in document.items() if name != "seconds_per_cycle"}


def make_steps(config: TwinConfig) -> Steps[TwinState]:
    """Reads what `TWIN.toml` names and binds the steps of the twin to it.

    Raises:
        InputError: what cannot be used, and where.
    """
    twin = make_twin(config)
    identity = identity_of(twin.network, twin.sensors, config, twin.library.causes)
    return Steps(
        config=config,
        network=twin.network,
        sensors=twin.sensors,
        first=partial(first_state, twin),
        advance=partial(advance, twin),
        pack=partial(pack, identity=identity),
        unpack=lambda packed: unpack(packed, TwinState, identity=identity),
        scores=partial(scores, twin),
        look_ahead=(lambda state: pack_outlook(twin, look_ahead(twin, state))) if config.forecast.horizon else None,
    )

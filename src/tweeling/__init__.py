"""Tweeling: a live, probabilistic digital twin for drinking-water networks.

    import tweeling as tw

The public surface is the table `_SURFACE`. A name is imported when it is first used, so that `tweeling --help` need not wait
for numpy. To add one: a line in the table, and one under TYPE_CHECKING for editors and type checkers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tweeling.errors import TweelingError as TweelingError
    from tweeling.network.inp.read import read_network as read_network
    from tweeling.network.network import Network as Network
    from tweeling.network.priors import Beliefs as Beliefs
    from tweeling.physics.hydraulics.run import Run as Run
    from tweeling.physics.hydraulics.run import simulate as simulate
    from tweeling.physics.hydraulics.sensitivity import Sensitivities as Sensitivities
    from tweeling.physics.hydraulics.sensitivity import sensitivities as sensitivities
    from tweeling.physics.hydraulics.sensitivity_in_time import SensitivitiesInTime as SensitivitiesInTime
    from tweeling.physics.hydraulics.sensitivity_in_time import sensitivities_in_time as sensitivities_in_time
    from tweeling.physics.hydraulics.steady import State as State
    from tweeling.physics.hydraulics.steady import solve as solve

_SURFACE = {
    "Beliefs": "tweeling.network.priors",
    "Network": "tweeling.network.network",
    "Run": "tweeling.physics.hydraulics.run",
    "Sensitivities": "tweeling.physics.hydraulics.sensitivity",
    "SensitivitiesInTime": "tweeling.physics.hydraulics.sensitivity_in_time",
    "State": "tweeling.physics.hydraulics.steady",
    "TweelingError": "tweeling.errors",
    "read_network": "tweeling.network.inp.read",
    "sensitivities": "tweeling.physics.hydraulics.sensitivity",
    "sensitivities_in_time": "tweeling.physics.hydraulics.sensitivity_in_time",
    "simulate": "tweeling.physics.hydraulics.run",
    "solve": "tweeling.physics.hydraulics.steady",
}


def __getattr__(name: str) -> Any:
    if name not in _SURFACE:
        raise AttributeError(f"module 'tweeling' has no attribute {name!r}; it has {', '.join(sorted(_SURFACE))}")
    value = getattr(import_module(_SURFACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_SURFACE})

"""What is believed of a network before anything is measured: how far demands and roughnesses may be from the file's.

Factors are lognormal with mean 1 and the standard deviation that the belief names, so that an ensemble's mean demand is the
file's. Members are drawn in blocks from seeds of their own: member 17 is the same whether 20 or 20,000 are drawn, and in
whatever pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from tweeling.errors import InputError
from tweeling.network.network import Floats, LinkKind, Network

BLOCK = 64
"""Members that share a seed."""


@dataclass(frozen=True)
class Beliefs:
    """Relative standard deviations; the names are those of `TWIN.toml`.

    Args:
        zone_factor_sd: of the demand of a whole zone; as yet the network is one zone.
        node_demand_sd: of the base demand of a junction, beside that of its zone.
        roughness_sd: of the roughness of a pipe.
    """

    zone_factor_sd: float = 0.2
    node_demand_sd: float = 0.3
    roughness_sd: float = 0.1

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not (np.isfinite(value) and value >= 0):
                raise InputError(f"belief {entry.name} is {value!r}; it must be a number of at least 0")

    @staticmethod
    def of(beliefs: Beliefs | Mapping[str, float]) -> Beliefs:
        """Beliefs from themselves or from a mapping, where a name that is absent counts as 0 (nothing is uncertain).

        Raises:
            InputError: a name that no belief has.
        """
        if isinstance(beliefs, Beliefs):
            return beliefs
        names = [entry.name for entry in fields(Beliefs)]
        for name in beliefs:
            if name not in names:
                raise InputError(f"there is no belief {name!r}; there are {', '.join(names)}")
        return Beliefs(**{name: beliefs.get(name, 0.0) for name in names})


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors on what the file says.

    Args:
        demand: (member, junction).
        roughness: 1 for pumps and valves; (member, link). Either has one row where the beliefs name no deviation.
    """

    demand: Floats
    roughness: Floats


def draw(network: Network, beliefs: Beliefs, seed: int, members: range) -> Factors:
    """Draws some members' factors.

    Args:
        network: what is uncertain.
        beliefs: how uncertain.
        seed: of all members together.
        members: which ones.
    """
    blocks = range(members.start // BLOCK, -(-members.stop // BLOCK))
    drawn = [_draw_block(network, beliefs, np.random.SeedSequence(seed, spawn_key=(block,))) for block in blocks]
    rows = slice(members.start - blocks.start * BLOCK, members.stop - blocks.start * BLOCK)
    demand, roughness = (parts[0] if len(parts[0]) == 1 else np.concatenate(parts)[rows] for parts in zip(*drawn, strict=True))
    return Factors(demand, roughness)


def _draw_block(network: Network, beliefs: Beliefs, seed: np.random.SeedSequence) -> tuple[Floats, Floats]:
    """Demand and roughness factors of one block; each belief has a stream of its own, so changing one leaves the others."""
    zone, node, pipe = seed.spawn(3)
    demand = _lognormal(zone, beliefs.zone_factor_sd, 1) * _lognormal(node, beliefs.node_demand_sd, network.nodes.n_junctions)
    roughness = _lognormal(pipe, beliefs.roughness_sd, len(network.links))
    return demand, np.where(network.links.kind <= LinkKind.PIPE, roughness, 1.0)


def _lognormal(seed: np.random.SeedSequence, sd: float, count: int) -> Floats:
    """Factors of mean 1 and standard deviation `sd`; (BLOCK, count), one row where all are 1."""
    if sd == 0:
        return np.ones((1, count))
    variance = np.log1p(sd**2)
    return np.asarray(np.exp(np.sqrt(variance) * np.random.default_rng(seed).standard_normal((BLOCK, count)) - variance / 2))

"""Which pipes a demo may close: those whose closing shows, and cuts nobody off.

Most pipes could be closed without any gauge noticing. In L-Town, of the widest tenth the third that carries the most moves
some gauge by 0.8 m and more; the others often by some centimetres.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tweeling.network.network import LinkStatus, Network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.plant.config import PlantWorld, TruthSection
from tweeling.plant.events import wet_pipes
from tweeling.plant.run import run_plant
from tweeling.plant.truth import hide

WIDE = 0.9
"""Quantile of the diameters."""
BUSY = 2 / 3
"""Quantile of the flows."""
HALF_A_DAY = PlantWorld(days=0.5, interval=3600.0, truth=TruthSection.none())


def busy_mains(network: Network) -> list[str]:
    """The third of the mains that carries the most, by the model's own flows; in the file's order.

    Raises:
        InputError: EPANET cannot run the network.
    """
    names = mains(network)
    if not names:
        return []
    sensors = Sensors.of_rows([Sensor(name, "flow", name, "m3/s", 1e-6) for name in names], network)
    with closing(run_plant(hide(network, sensors, HALF_A_DAY))) as pieces:  # type: ignore[type-var]
        flow = np.abs(next(pieces).exact).max(axis=0)
    return [name for name, busy in zip(names, flow >= np.quantile(flow, BUSY), strict=True) if busy]


def mains(network: Network) -> list[str]:
    """The widest tenth of the pipes, without those whose closing would cut a part of the town off; in the file's order."""
    pipes = np.array([network.link(name) for name in wet_pipes(network)], dtype=np.int64)
    if not len(pipes):
        return []
    wide = pipes[network.links.diameter[pipes] >= np.quantile(network.links.diameter[pipes], WIDE)]
    joined = _parts(network, -1)
    return [network.links.ids[link] for link in wide.tolist() if _parts(network, link) == joined]


def _parts(network: Network, without: int) -> int:
    """How many parts a network has without a link (-1: with all); closed links join nothing."""
    links, n_nodes = network.links, len(network.nodes)
    passes = (links.status != LinkStatus.CLOSED) & (np.arange(len(links)) != without)
    graph = sparse.coo_array((np.ones(passes.sum()), (links.start[passes], links.end[passes])), (n_nodes, n_nodes))
    return int(csgraph.connected_components(graph, directed=False)[0])

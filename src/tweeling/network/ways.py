"""Distances along pipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from tweeling.network.network import Network

HAIR = 1e-3
"""m; the length of a valve or a pump on a way along pipes."""


@dataclass(frozen=True, eq=False)
class Ways:
    """Distances along pipes, from the middle of one to the middle of another; valves and pumps have no length."""

    network: Network

    @cached_property
    def _graph(self) -> Any:
        links, n = self.network.links, len(self.network.nodes)
        length = np.maximum(np.nan_to_num(links.length), HAIR)
        order = np.argsort(length, kind="stable")  # of parallel links the shortest counts
        low, high = np.minimum(links.start, links.end)[order], np.maximum(links.start, links.end)[order]
        _, first = np.unique(low * n + high, return_index=True)
        return coo_matrix((length[order][first], (low[first], high[first])), shape=(n, n)).tocsr()

    def metres(self, link: str, others: Sequence[str]) -> list[float]:
        """From one link to each of some; infinite where there is no way, or no such link."""
        links = self.network.links
        length = np.nan_to_num(links.length)
        here = links.index[link]
        ends = dijkstra(self._graph, directed=False, indices=[links.start[here], links.end[here]]).min(axis=0)
        found = []
        for other in others:
            there = links.index.get(other, -1)
            if there < 0:
                found.append(np.inf)
            elif there == here:
                found.append(0.0)
            else:
                middle = float(length[here] + length[there]) / 2
                found.append(float(min(ends[links.start[there]], ends[links.end[there]]) + middle))
        return found

"""The raw model as a graph: which links join which nodes, and which way water can go at the start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tweeling.network.checks.rows import Row, number

if TYPE_CHECKING:
    from tweeling.network.checks.model import RawModel

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ONE_WAY_VALVES = ("PRV", "PSV")


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and links in the file's order.

    Args:
        nodes: ids; (node,).
        index: of a node by id.
        links: rows of the links whose ends both exist and differ; (link,).
        start, end: node indices; (link,).
        source: whether a node is a reservoir or a tank; (node,).
        closed: whether a link is closed at the start; (link,).
        one_way: whether water can only go from start to end; (link,).
    """

    nodes: tuple[str, ...]
    index: dict[str, int]
    links: tuple[Row, ...]
    start: Ints
    end: Ints
    source: Bools
    closed: Bools
    one_way: Bools

    @classmethod
    def of(cls, model: RawModel) -> Graph:
        """The graph of a model; links to nowhere are left out (a check of their own names them)."""
        index = {name: i for i, name in enumerate(model.nodes)}
        links = [r for r in model.links.values() if len(r.tokens) > 2 and _joins_two(r, index)]
        return cls(
            nodes=tuple(model.nodes),
            index=index,
            links=tuple(links),
            start=np.array([index[row.tokens[1]] for row in links], dtype=np.int64),
            end=np.array([index[row.tokens[2]] for row in links], dtype=np.int64),
            source=np.array([row.section != "JUNCTIONS" for row in model.nodes.values()], dtype=np.bool_),
            closed=np.array([_is_closed(model, row) for row in links], dtype=np.bool_),
            one_way=np.array([_is_one_way(row) for row in links], dtype=np.bool_),
        )

    @cached_property
    def degree(self) -> Ints:
        """Number of links at each node; (node,)."""
        return np.bincount(np.concatenate([self.start, self.end]), minlength=len(self.nodes))

    def parts(self, links: Bools | None = None) -> Ints:
        """The number of the connected part that each node lies in, over the given links (all without); (node,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        chosen = np.ones(len(self.links), dtype=np.bool_) if links is None else links
        start, end = self.start[chosen], self.end[chosen]
        shape = (len(self.nodes), len(self.nodes))
        _, part = connected_components(coo_array((np.ones(len(start)), (start, end)), shape=shape), directed=False)
        return np.asarray(part, dtype=np.int64)

    def reached(self) -> Bools:
        """Which nodes water from a source can reach at the start: through open links, one-way links forwards; (node,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import breadth_first_order

        hub = len(self.nodes)
        forward, backward = ~self.closed, ~self.closed & ~self.one_way
        sources = np.flatnonzero(self.source)
        start = np.concatenate([self.start[forward], self.end[backward], np.full(len(sources), hub)])
        end = np.concatenate([self.end[forward], self.start[backward], sources])
        matrix = coo_array((np.ones(len(start)), (start, end)), shape=(hub + 1, hub + 1)).tocsr()
        order = breadth_first_order(matrix, hub, return_predecessors=False)
        reached = np.zeros(hub + 1, dtype=np.bool_)
        reached[order] = True
        return reached[:hub]


def _joins_two(row: Row, index: dict[str, int]) -> bool:
    return row.tokens[1] in index and row.tokens[2] in index and row.tokens[1] != row.tokens[2]


def _is_closed(model: RawModel, row: Row) -> bool:
    status = model.statuses[row.id].word("status") if row.id in model.statuses else ""
    if not status and row.section == "PIPES":
        status = row.tokens[-1] if len(row.tokens) > 6 else ""
    return status.upper() == "CLOSED" or (row.section == "PUMPS" and number(status) == 0)


def _is_one_way(row: Row) -> bool:
    if row.section == "PIPES":
        return is_check_valve(row)
    return row.section == "PUMPS" or row.word("type").upper() in ONE_WAY_VALVES


def is_check_valve(row: Row) -> bool:
    """Whether a link is a pipe with a check valve."""
    return row.section == "PIPES" and any(token.upper() == "CV" for token in row.tokens[6:8])

"""`tweeling.sensitivities`: what small changes do to heads and flows, exactly, by the adjoint of the last Newton equations.

    plan, conditions, solution -> what inputs do to flows at unchanged heads      `influence`
                               -> what that does to the outputs                   `kernels/adjoint.py`, as `adjoint.py` says

Members are taken in chunks of a size that a cache likes, in threads; the numbers of a member depend on neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tweeling.errors import InputError
from tweeling.network.network import Floats, Network
from tweeling.physics.hydraulics.adjoint import TABLES, Place
from tweeling.physics.hydraulics.contract import Conditions, Solution
from tweeling.physics.hydraulics.crew import thread_count
from tweeling.physics.hydraulics.influence import influence
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.hydraulics.steady import State, compiled_period

CHUNK_MEMBERS = 16
"""Members whose laws are looked at together: enough to spread the cost of Python, few enough for a cache."""


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """Derivatives of outputs; an output is the head of a node (m) or the flow of a link (m3/s). (member, output, element).

    NaN where there is no supply, and where nothing determines a head. A law with pieces gives the derivative of the piece that
    the state lies on; at a leak area, emitter or (with pressure-driven demand) demand of 0 it is the one to the right.

    Args:
        outputs: ids or places, as asked for.
        tables: what was asked for, by name; see the properties.
    """

    outputs: tuple[str | Place, ...]
    tables: Mapping[str, Floats]

    @property
    def demand(self) -> Floats:
        """Per m3/s of required demand at a junction; (member, output, junction)."""
        return self._table("demand")

    @property
    def log_roughness(self) -> Floats:
        """Per unit of the logarithm of a pipe's roughness, 0 for other links; (member, output, link)."""
        return self._table("log_roughness")

    @property
    def leak_area(self) -> Floats:
        """Per m2 of a leak at a junction, as `leak_area` of `solve`; (member, output, junction)."""
        return self._table("leak_area")

    @property
    def emitter(self) -> Floats:
        """Per m3/s per m^exponent of a junction's emitter; (member, output, junction)."""
        return self._table("emitter")

    @property
    def setting(self) -> Floats:
        """Per unit of a valve's setting (m, m3/s, coefficient or %), 0 where it has no influence; (member, output, link)."""
        return self._table("setting")

    @property
    def speed(self) -> Floats:
        """Per unit of a pump's relative speed, in the order of `Network.pumps`; (member, output, pump)."""
        return self._table("speed")

    @property
    def fixed_head(self) -> Floats:
        """Per m of head of a reservoir, or of head or level of a tank, in node order; (member, output, fixed)."""
        return self._table("fixed_head")

    def _table(self, name: str) -> Floats:
        if name not in self.tables:
            raise InputError(f"derivatives to {name} were not asked for, but to {', '.join(self.tables)}; see `wanted`")
        return self.tables[name]


def sensitivities(
    network: Network, state: State, outputs: Sequence[str | Place], wanted: Sequence[str] = TABLES
) -> Sensitivities:
    """Derivatives of heads and flows to everything that a network is driven by.

    Args:
        network: that the state is of.
        state: from `solve`, all members.
        outputs: ids of nodes (their head) and links (their flow); an id that both have is the node's. Or `("link", index)`.
        wanted: which tables of `Sensitivities` to make; each costs time and memory.

    Raises:
        UnknownElementError: an id that the network has not.
        InputError: a state of another network, or a table that there is none of.
    """
    if state.node_ids != network.nodes.ids or state.link_ids != network.links.ids:
        raise InputError("the state is of another network; solve this one first")
    return sensitivities_of(compiled_period(network).plan, state.conditions, state.solution, outputs, wanted)


def sensitivities_of(
    plan: Plan, conditions: Conditions, solution: Solution, outputs: Sequence[str | Place], wanted: Sequence[str] = TABLES
) -> Sensitivities:
    """As `sensitivities`, from what an engine was given and gave.

    Raises:
        UnknownElementError: an id that the network has not.
        InputError: a table that there is none of.
    """
    for name in wanted:
        if name not in TABLES:
            raise InputError(f"there are no derivatives to {name!r}; there are {', '.join(TABLES)}")
    places = [place_of(plan.network, name) for name in outputs]
    tables = fast_tables(plan, conditions, solution, places, tuple(wanted))
    return Sensitivities(tuple(outputs), tables)


def fast_tables(
    plan: Plan, conditions: Conditions, solution: Solution, places: Sequence[Place], wanted: Sequence[str]
) -> dict[str, Floats]:
    """As `adjoint.adjoint_tables`, by the compiled adjoint, in chunks and threads."""
    from tweeling.physics.kernels.adjoint import empty_tables, write_tables

    n_members = len(solution.head)
    tables = empty_tables(plan, n_members, len(places), wanted)

    def work(first: int) -> None:
        members = slice(first, first + CHUNK_MEMBERS)
        write_tables(plan, influence(plan, rows_of(conditions, members), rows_of(solution, members)), places, tables, first)

    chunks = range(0, n_members, CHUNK_MEMBERS)
    threads = min(thread_count(), len(chunks))
    if threads <= 1:
        for first in chunks:
            work(first)
    else:
        with ThreadPoolExecutor(threads, thread_name_prefix="tweeling") as pool:
            list(pool.map(work, chunks))
    return {name: getattr(tables, name) for name in wanted}


def rows_of(table: Any, members: slice) -> Any:
    """Some members of conditions or of a solution; arrays of one row are everybody's."""
    changes = {}
    for entry in fields(table):
        value = getattr(table, entry.name)
        if not isinstance(value, np.ndarray):
            changes[entry.name] = rows_of(value, members)
        else:
            changes[entry.name] = value if len(value) == 1 else value[members]
    return replace(table, **changes)


def place_of(network: Network, name: str | Place) -> Place:
    """Kind and index of an output."""
    if isinstance(name, tuple):
        kind, index = name
        count = {"node": len(network.nodes), "link": len(network.links)}.get(kind)
        if count is None or not 0 <= index < count:
            raise InputError(f"there is no output {name!r}; give an id, ('node', index) or ('link', index)")
        return kind, index
    if name in network.nodes.index:
        return "node", network.nodes.index[name]
    if name in network.links.index:
        return "link", network.links.index[name]
    return "node", network.node(name)

"""`tweeling.sensitivities`: what small changes do to heads and flows, exactly, by the adjoint of the last Newton equations.

    plan, conditions, solution -> what inputs do to flows at unchanged heads      `influence`
                               -> what that does to the outputs                   `kernels/adjoint.py`, as `adjoint.py` says

Members are taken in chunks of a size that a cache likes, in threads; the numbers of a member depend on neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        return table_of(self.tables, name)


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
    places = places_of(plan.network, outputs)
    tables = fast_tables(plan, conditions, solution, places, names_of(wanted, TABLES))
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


def table_of(tables: Mapping[str, Floats], name: str) -> Floats:
    """One of the tables that were asked for."""
    if name not in tables:
        raise InputError(f"derivatives to {name} were not asked for, but to {', '.join(tables)}; see `wanted`")
    return tables[name]


def names_of(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Names of tables, all of them known."""
    if isinstance(wanted, str):
        raise InputError(f"wanted is the text {wanted!r}; give a list of names, out of {', '.join(known)}")
    for name in wanted:
        if name not in known:
            raise InputError(f"there are no derivatives to {name!r}; there are {', '.join(known)}")
    return tuple(wanted)


def places_of(network: Network, outputs: Sequence[str | Place]) -> list[Place]:
    """Kinds and indices of outputs.

    Raises:
        UnknownElementError: an id that the network has not.
        InputError: no list of ids and places.
    """
    if isinstance(outputs, str) or not isinstance(outputs, Iterable):
        raise InputError(f"outputs is {outputs!r}; give a list of ids, ('node', index) or ('link', index)")
    return [_place(network, output) for output in outputs]


def _place(network: Network, output: str | Place) -> Place:
    if isinstance(output, str):
        if output in network.links.index and output not in network.nodes.index:
            return "link", network.links.index[output]
        return "node", network.node(output)
    counts = {"node": len(network.nodes), "link": len(network.links)}
    match output:
        case (str(kind), int() | np.integer() as index) if kind in counts and 0 <= index < counts[kind]:
            return kind, int(index)
    raise InputError(f"there is no output {output!r}; give an id, ('node', index) or ('link', index)")

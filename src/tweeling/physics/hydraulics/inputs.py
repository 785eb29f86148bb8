"""What a user gives for the members of a run, checked before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.errors import InputError
from tweeling.network.network import Floats, LinkKind, LinkStatus, Network
from tweeling.physics.hydraulics.contract import Codes, Status
from tweeling.physics.hydraulics.leaks import leaks_at_junctions
from tweeling.physics.hydraulics.plan import CONTROL_VALVES


@dataclass(frozen=True, eq=False)
class Inputs:
    """What members are given, checked; arrays have one row for all or one a member, None stands for the file's.

    Args:
        n_members: how many.
        demand: base demands, m3/s; (member, junction).
        roughness: as `Links.roughness`; (member, link).
        setting, status: at the start; `status` in the engine's `Status`; (member, link).
        leak_area: m2; leak_growth: m2 per m of pressure; (member, junction). Leaks along pipes are among them.
        level: at the start, m above the bottom; (member, tank).
    """

    n_members: int
    demand: Floats | None
    roughness: Floats | None
    setting: Floats | None
    status: Codes | None
    leak_area: Floats | None
    leak_growth: Floats | None
    level: Floats | None

    @staticmethod
    def of(network: Network, members: int, *, status: npt.ArrayLike | None, **arrays: npt.ArrayLike | None) -> Inputs:
        """Checks inputs, finds how many members there are, and gives leaks along pipes to junctions."""
        if members < 1:
            raise InputError(f"members is {members}; there must be at least one")
        n_junctions, n_links = network.nodes.n_junctions, len(network.links)
        sizes = {**dict.fromkeys(("demand", "leak_area", "leak_growth"), n_junctions), "level": len(network.tanks.node)}
        tables = {name: _table(name, array, sizes.get(name, n_links)) for name, array in arrays.items()}
        codes = _table("status", status, n_links)
        rows = {
            name: len(table) for name, table in (*tables.items(), ("status", codes)) if table is not None and len(table) > 1
        }
        n_members = max([members, *rows.values()])
        for name, count in rows.items():
            if count != n_members:
                raise InputError(f"{name} has {count} rows, but there are {n_members} members")
        for name in ("leak_area", "leak_growth", "pipe_leak_area", "pipe_leak_growth", "level", "roughness"):
            table = tables[name]
            if table is not None and (table < 0).any():
                row, element = np.argwhere(table < 0)[0]
                raise InputError(f"{name} holds negative numbers, first {table[row, element]:g} in row {row}, place {element}")
        for name in ("leak_area", "leak_growth"):
            tables[name] = leaks_at_junctions(network, f"pipe_{name}", tables[name], tables.pop(f"pipe_{name}"))
        setting = tables.pop("setting")
        start = None
        if codes is not None:
            start, setting = _start(network, codes, setting)
        return Inputs(n_members=n_members, setting=setting, status=start, **tables)

    @property
    def given(self) -> bool:
        """Whether anything differs from the file."""
        return any(value is not None for name, value in vars(self).items() if name != "n_members")

    def rows(self, name: str, members: range) -> Any:
        """An input of some members; None where it is not given."""
        table = getattr(self, name)
        return table if table is None or len(table) == 1 else table[members.start : members.stop]


def _table(name: str, array: npt.ArrayLike | None, n_elements: int) -> Floats | None:
    """An input as (member or 1, element)."""
    if array is None:
        return None
    try:
        numbers = np.asarray(array, dtype=float)
    except (TypeError, ValueError) as error:
        wanted = f"numbers in rows of one length, (member, {n_elements}) or ({n_elements},)"
        raise InputError(f"{name} is no table of numbers ({error}); it must hold {wanted}") from error
    # A view, for engines know arrays again, and the caller may write other numbers into his own.
    table = np.atleast_2d(numbers).view()
    if table.ndim != 2 or table.shape[1] != n_elements or not len(table):
        raise InputError(f"{name} has shape {np.shape(array)}; it must be (member, {n_elements}) or ({n_elements},)")
    if name != "setting" and not np.isfinite(table).all():
        raise InputError(f"{name} holds numbers that are not finite")
    return table


def _start(network: Network, codes: Floats, setting: Floats | None) -> tuple[Codes, Floats]:
    """`Status` and settings at the start from 0 closed, 1 open, 2 regulating; (member, link)."""
    if not np.isin(codes, list(LinkStatus)).all():
        raise InputError("status holds other numbers than 0 (closed), 1 (open) and 2 (regulating)")
    kind = network.links.kind
    given = np.array(np.broadcast_to(network.links.setting if setting is None else setting, codes.shape))
    valve = (kind > LinkKind.PUMP) & (codes != LinkStatus.ACTIVE)
    pump_off, pump_on = (kind == LinkKind.PUMP) & (codes == 0), (kind == LinkKind.PUMP) & (codes > 0) & ~(given > 0)
    given[valve] = np.nan
    given[pump_off] = 0.0
    given[pump_on] = 1.0
    regulating = (codes == LinkStatus.ACTIVE) & np.isin(kind, CONTROL_VALVES) & ~np.isnan(given)
    start = np.where(codes == LinkStatus.CLOSED, Status.CLOSED, np.where(regulating, Status.ACTIVE, Status.OPEN))
    return start.astype(np.int8), given

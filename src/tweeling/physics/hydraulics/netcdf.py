"""A run as a netCDF file: float32, SI, with names and origin, as `xarray.open_dataset` likes it.

Dimensions are (member, time, node), (member, time, junction) or (member, time, link). The file takes its name only when it
is complete.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np

from tweeling.network.fingerprint import network_hash
from tweeling.network.network import Ints, Network
from tweeling.physics.hydraulics.keep import WINDOW, Arrays, Selection
from tweeling.physics.hydraulics.quantities import QUANTITIES


class NetCdf:
    """Writes results as they come.

    Args:
        file: open for writing.
        selection: what is kept.
        n_members, n_times: sizes of the file.
        chunk: members that come at once at most.
    """

    together = False

    def __init__(self, file: h5netcdf.File, selection: Selection, n_members: int, n_times: int, chunk: int) -> None:
        self._file, self.selection = file, selection
        self._lock = threading.Lock()
        length = max(1, WINDOW // max(selection.size(4) * min(chunk, n_members), 1))
        self.windows: Sequence[range] = [range(first, min(first + length, n_times)) for first in range(0, n_times, length)]

    def arrays(self, members: range, window: range) -> Arrays:
        """New arrays."""
        return self.selection.empty(len(members), len(window), np.float32)

    def filled(self, members: range, window: range, arrays: Arrays) -> None:
        """Writes them."""
        with self._lock:
            for name, array in arrays.items():
                self._file.variables[name][members.start : members.stop, window.start : window.stop] = array

    def passed(self, window: range, position: int) -> None:
        """Members do not go together."""


@contextlib.contextmanager
def netcdf_file(
    path: Path, network: Network, selection: Selection, times: Ints, n_members: int, origin: Mapping[str, Any]
) -> Iterator[h5netcdf.File]:
    """A file with its dimensions, names and empty variables; it appears under `path` when the block ends well.

    Args:
        path: where to.
        network: of the run.
        selection: what is kept.
        times: s; (time,).
        n_members: how many.
        origin: attributes that say where the run comes from.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with h5netcdf.File(partial, "w") as file:
            _describe(file, network, selection, times, n_members)
            file.attrs.update({"Conventions": "CF-1.11", "source": f"tweeling {version('tweeling')}", **origin})
            file.attrs["network_hash"] = network_hash(network)
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _describe(file: h5netcdf.File, network: Network, selection: Selection, times: Ints, n_members: int) -> None:
    nodes, links = network.nodes, network.links
    node = np.arange(len(nodes)) if selection.nodes is None else selection.nodes
    link = np.arange(len(links)) if selection.links is None else selection.links
    names = {
        "node": [nodes.ids[i] for i in node],
        "junction": [nodes.ids[i] for i in node[: selection.n_junctions]],
        "link": [links.ids[i] for i in link],
    }
    file.dimensions = {"member": n_members, "time": len(times), **{name: len(ids) for name, ids in names.items()}}
    _variable(file, "member", ("member",), np.arange(n_members), long_name="member of the ensemble")
    _variable(file, "time", ("time",), times, long_name="time since the start of the run", units="seconds", axis="T")
    for name, ids in names.items():
        _variable(file, name, (name,), np.array(ids, dtype=object), long_name=f"id of the {name}")
    _variable(file, "elevation", ("node",), nodes.elevation[node], long_name="elevation", units="m")
    for name in selection.quantities:
        quantity = QUANTITIES[name]
        kind = np.dtype(np.int8) if quantity.is_code else np.dtype(np.float32)
        axes = ("member", "time", quantity.axis)
        variable = file.create_variable(name, axes, kind, fillvalue=None if quantity.is_code else np.float32(np.nan))
        variable.attrs.update({"long_name": quantity.meaning, "units": quantity.unit})


def _variable(file: h5netcdf.File, name: str, axes: tuple[str, ...], values: np.ndarray, **attributes: str) -> None:
    kind = h5py.string_dtype() if values.dtype == object else values.dtype
    variable = file.create_variable(name, axes, kind, data=values)
    variable.attrs.update(attributes)

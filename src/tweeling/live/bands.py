"""The bands of a cycle as a table: what every sensor should have read at every step, and the elements at the end.

Columns as in `estimates.parquet`: `time,quantity,element,median,low,high,level,broken`, times in microseconds UTC, numbers in
SI, as float32 (seven digits). `broken` is the probability that the quantity's limit is broken, null where it has none. What a
sensor should read, its own offset included, stands as quantity `reading` and element sensor id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tweeling.estimate import LEVEL
from tweeling.live.batch import Batch
from tweeling.live.config import OutputSection
from tweeling.network.network import Floats, Ints, Network
from tweeling.observation.sensors import Sensors

READING = "reading"
"""Quantity of the rows that say what a sensor should read."""

_TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [("time", pa.timestamp("us", tz="UTC")), ("quantity", _TEXT), ("element", _TEXT)]
    + [(name, pa.float32()) for name in ("median", "low", "high", "level", "broken")]
)


def pack_bands(
    batch: Batch,
    expected: Floats,
    estimates: Mapping[str, Floats],
    sensors: Sensors,
    network: Network,
    output: OutputSection,
) -> bytes:
    """The bands of a cycle as an Arrow stream.

    Args:
        batch: of the cycle.
        expected: median, low and high of what each sensor should read; (step, 3, sensor).
        estimates: by quantity, as `CycleInfo` has them.
        sensors, network: their ids.
        output: which quantities and elements to keep.
    """
    return packed([sensor_rows(batch.times, expected, sensors), *all_rows(batch.end, estimates, network, output)])


def all_rows(end: int, estimates: Mapping[str, Floats], network: Network, output: OutputSection) -> list[pa.Table]:
    """The rows of a moment, of what `[output]` asks for."""
    wanted = [quantity for quantity in output.quantities if quantity in estimates]
    return [element_rows(end, quantity, estimates[quantity], network, output.elements) for quantity in wanted]


def packed(parts: Sequence[pa.Table]) -> bytes:
    """Tables of `SCHEMA`, one below the other, as an Arrow stream."""
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def read_bands(packed: bytes) -> pa.Table:
    """The table that `pack_bands` made; one that an earlier version made has no limits."""
    table = pa.ipc.open_stream(packed).read_all()
    if "broken" in table.column_names:
        return table
    return table.append_column("broken", pa.nulls(len(table), pa.float32()))


def element_ids(quantity: str, count: int, network: Network) -> Sequence[str]:
    """Ids of the elements that a quantity is estimated of."""
    if quantity == "flow":
        return network.links.ids
    if quantity == "level" and count == len(network.tanks.node):
        return [network.nodes.ids[node] for node in network.tanks.node]
    return network.nodes.ids[:count]  # junctions come first


def sensor_rows(times: Ints, expected: Floats, sensors: Sensors) -> pa.Table:
    """What sensors should read; times is (step,), expected (step, 3, sensor)."""
    n_steps, n_sensors = len(times), len(sensors)
    bands = np.moveaxis(expected, 1, 0).reshape(3, -1)
    element = pa.DictionaryArray.from_arrays(np.tile(np.arange(n_sensors, dtype=np.int32), n_steps), list(sensors.ids))
    return _table(np.repeat(times, n_sensors), READING, element, bands)


def element_rows(end: int, quantity: str, bands: Floats, network: Network, wanted: Any) -> pa.Table:
    """A quantity of the elements that are wanted; bands is (3 or 4, element): the fourth row is `broken`."""
    ids = element_ids(quantity, bands.shape[1], network)
    places = np.arange(bands.shape[1], dtype=np.int32)
    if wanted != "all":
        keep = frozenset(wanted)
        places = np.array([place for place, name in enumerate(ids) if name in keep], dtype=np.int32)
    element = pa.DictionaryArray.from_arrays(places, list(ids))
    return _table(np.full(len(places), end), quantity, element, bands[:, places])


def _table(times: npt.NDArray[np.int64], quantity: str, element: pa.Array, bands: Floats) -> pa.Table:
    columns = [
        pa.array(times, pa.int64()).cast(SCHEMA.field("time").type),
        pa.DictionaryArray.from_arrays(np.zeros(len(times), dtype=np.int32), [quantity]),
        element,
        *(pa.array(band.astype(np.float32)) for band in bands[:3]),
        pa.array(np.full(len(times), LEVEL, dtype=np.float32)),
        pa.array(bands[3].astype(np.float32), from_pandas=True) if len(bands) > 3 else pa.nulls(len(times), pa.float32()),
    ]
    return pa.table(columns, schema=SCHEMA)

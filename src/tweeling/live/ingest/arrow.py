"""Readings as an Arrow IPC stream of the long columns."""

from __future__ import annotations

import pyarrow as pa

from tweeling.errors import DecodeError
from tweeling.live.ingest.columns import decode_table, refuse_too_many, require
from tweeling.live.ingest.decoded import Decoded
from tweeling.live.ingest.times import LocalClock


def decode(body: bytes, zone: str = "UTC") -> Decoded:
    """Makes readings of a body.

    Args:
        body: an Arrow IPC stream; columns `sensor, time, value` and perhaps `unit` and `quality`.
        zone: of times without a zone.

    Raises:
        DecodeError: no Arrow stream, a damaged one, or other columns.
    """
    try:
        with pa.ipc.open_stream(body) as stream:
            batches, rows = [], 0
            for batch in stream:
                rows += batch.num_rows
                refuse_too_many(rows)
                batch.validate(full=True)  # a stranger's offsets may point anywhere
                batches.append(batch)
            table = pa.Table.from_batches(batches, stream.schema)
        require(table, ())
        return decode_table(table, LocalClock(zone))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DecodeError(f"the body is no Arrow stream that can be read: {error}") from error

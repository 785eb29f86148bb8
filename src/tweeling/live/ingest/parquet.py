"""Readings as a Parquet body of the long columns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from tweeling.errors import DecodeError
from tweeling.live.ingest.columns import NEEDED, decode_table, refuse_too_many
from tweeling.live.ingest.decoded import Decoded
from tweeling.live.ingest.times import LocalClock

COLUMNS = (*NEEDED, "unit", "quality")


def decode(body: bytes, zone: str = "UTC") -> Decoded:
    """Makes readings of a body.

    Args:
        body: a Parquet file; columns `sensor, time, value` and perhaps `unit` and `quality`.
        zone: of times without a zone.

    Raises:
        DecodeError: no Parquet, a damaged one, or other columns.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        refuse_too_many(file.metadata.num_rows)
        known = [name for name in file.schema_arrow.names if name in COLUMNS]
        table = file.read(columns=known)
        table.validate(full=True)
        refuse_too_many(table.num_rows)
        return decode_table(table, LocalClock(zone))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DecodeError(f"the body is no Parquet that can be read: {error}") from error

#!/usr/bin/env python3
"""DuckDB on the lake: SQL over the Parquet files listed in the Delta log, without the server.

    BASALT_DATA_DIR=data/basalt python examples/duckdb_lake.py

Prints the highest value of each stream and its time. The package deltalake reads the file names from the Delta log, so DuckDB
downloads nothing. With DuckDB's own extension, use `INSTALL delta; LOAD delta;` and `delta_scan('…/readings')` instead.
"""

import os

import duckdb
from deltalake import DeltaTable

lake = os.path.join(os.environ.get("BASALT_DATA_DIR", "data/basalt"), "lake", "readings")
files = [path.removeprefix("file://") for path in DeltaTable(lake).file_uris()]

# An overwritten value is in the files twice until its day is compacted: the row with the highest seq is valid.
peaks = duckdb.execute(
    """
    WITH readings AS (
        SELECT stream_id, ts, value FROM read_parquet($files)
        QUALIFY seq = max(seq) OVER (PARTITION BY stream_id, ts)
    )
    SELECT stream_id, count(value) AS n, max(value) AS peak, arg_max(epoch_ms(ts), value) AS at_ms
    FROM readings GROUP BY stream_id ORDER BY stream_id
    """,
    {"files": files},
)
print("stream  readings  peak  at (ms since 1970)")
for stream, count, peak, at_ms in peaks.fetchall():
    print(f"{stream:6}  {count:8}  {peak}  {at_ms}")

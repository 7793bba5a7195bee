#!/usr/bin/env python3
"""DuckDB on the lake: SQL over the Parquet files that the Delta log names, without asking the server.

    BASALT_DATA_DIR=data/basalt python examples/duckdb_lake.py

Prints the highest value of each stream, and when that was. The files come from the Delta log by the package deltalake, so
nothing has to be downloaded; with DuckDB's own extension it is `INSTALL delta; LOAD delta;` and `delta_scan('…/readings')`.
"""

import os

import duckdb
from deltalake import DeltaTable

lake = os.path.join(os.environ.get("BASALT_DATA_DIR", "data/basalt"), "lake", "readings")
files = [path.removeprefix("file://") for path in DeltaTable(lake).file_uris()]

# A value that was written again is there twice until its day is compacted: the highest seq counts.
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

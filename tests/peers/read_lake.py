#!/usr/bin/env python3
"""The readings of a lake as other people's readers see them, while the server may be running.

    read_lake.py LAKE

Reads the Delta table with polars and with DuckDB, takes max(seq) per (stream_id, ts), and prints
{"polars": rows, "duckdb": rows, "files": paths}, each row [stream_id, epoch microseconds, value, text, quality, seq],
sorted. DuckDB takes its own delta extension where it can be had; without a network it reads exactly the files that
the Delta log names.
"""

import json
import sys

import duckdb
import polars as pl
from deltalake import DeltaTable

WINNERS = """
    SELECT stream_id, epoch_us(ts), value, text, quality, seq FROM {source}
    QUALIFY seq = max(seq) OVER (PARTITION BY stream_id, ts) ORDER BY stream_id, ts
"""


def by_polars(lake):
    frame = pl.scan_delta(lake).sort("seq").unique(subset=["stream_id", "ts"], keep="last", maintain_order=True)
    columns = ["stream_id", pl.col("ts").dt.epoch("us"), "value", "text", "quality", "seq"]
    return [list(row) for row in frame.sort("stream_id", "ts").select(columns).collect().rows()]


def by_duckdb(lake, files):
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL delta; LOAD delta")
        rows = connection.execute(WINNERS.format(source=f"delta_scan('{lake}')")).fetchall()
    except (duckdb.IOException, duckdb.HTTPException, duckdb.CatalogException):
        names = ", ".join(f"'{path}'" for path in files)
        rows = connection.execute(WINNERS.format(source=f"read_parquet([{names}])")).fetchall()
    return [list(row) for row in rows]


def main():
    lake = sys.argv[1]
    files = [path.removeprefix("file://") for path in DeltaTable(lake).file_uris()]
    print(json.dumps({"polars": by_polars(lake), "duckdb": by_duckdb(lake, files), "files": files}))


if __name__ == "__main__":
    main()

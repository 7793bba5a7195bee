#!/usr/bin/env python3
"""polars on the lake: the Delta table of the data directory, without asking the server.

    BASALT_DATA_DIR=data/basalt python examples/polars_lake.py

Prints mean and count of each stream by hour. Readings that were acknowledged in the last minute may not be in the lake yet.
"""

import os

import polars as pl

lake = os.path.join(os.environ.get("BASALT_DATA_DIR", "data/basalt"), "lake", "readings")

# A value that was written again is there twice until its day is compacted: the highest seq counts.
readings = (
    pl.scan_delta(lake)
    .sort("seq")
    .unique(subset=["stream_id", "ts"], keep="last", maintain_order=True)
    .filter(pl.col("quality") != "bad")
)
hours = (
    readings.group_by("stream_id", pl.col("ts").dt.truncate("1h").alias("hour"))
    .agg(pl.col("value").mean().alias("mean"), pl.len().alias("n"))
    .sort("stream_id", "hour")
    .collect()
)
with pl.Config(tbl_rows=20):
    print(hours)

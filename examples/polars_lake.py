#!/usr/bin/env python3
"""polars on the lake: reads the Delta table in the data directory without the server.

    BASALT_DATA_DIR=data/basalt python examples/polars_lake.py

Prints the hourly mean and count of each stream. Readings acknowledged within the last minute may not be in the lake yet.
"""

import os

import polars as pl

lake = os.path.join(os.environ.get("BASALT_DATA_DIR", "data/basalt"), "lake", "readings")

# An overwritten value is in the files twice until its day is compacted: the row with the highest seq is valid.
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

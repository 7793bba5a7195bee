#!/usr/bin/env python3
"""The same readings in every form /ingest takes, written by polars.

    make_forms.py STREAM_ID ROWS FOLDER

Writes FOLDER/readings.{arrow,parquet,ndjson,csv} and prints the list of the rows as [epoch microseconds, value].
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl


def main():
    stream, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    start = datetime(2026, 4, 28, tzinfo=UTC)
    times = [start + timedelta(seconds=i, microseconds=i) for i in range(count)]
    values = [i / 3 - 5 for i in range(count)]
    frame = pl.DataFrame({"stream_id": [stream] * count, "ts": times, "value": values}).with_columns(
        pl.col("ts").dt.cast_time_unit("us")
    )
    frame.write_ipc_stream(folder / "readings.arrow")
    frame.write_parquet(folder / "readings.parquet")
    text = frame.with_columns(pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    text.write_ndjson(folder / "readings.ndjson")
    text.write_csv(folder / "readings.csv")
    micros = frame["ts"].dt.epoch("us").to_list()
    print(json.dumps([list(row) for row in zip(micros, values)]))


if __name__ == "__main__":
    main()

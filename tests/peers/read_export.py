#!/usr/bin/env python3
"""An export as other people's readers see it.

    read_export.py ZIP [--count]

Opens the ZIP file, compares the SHA-256 of each file with the manifest, reads the Parquet files with polars and with DuckDB,
and prints {"manifest", "names", "hashes": whether all are as the manifest says, "polars": tables, "duckdb": tables}. A table
is the list of its rows, sorted by sensor or id and time, each an object; times are epoch microseconds. With --count it is
the number of rows, in constant memory.
"""

import hashlib
import json
import os
import sys
import tempfile
import zipfile

import duckdb
import polars as pl

ORDER = {"readings": ["sensor_id", "timestamp"], "annotations": ["id"]}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def by_polars(path, order, only_count):
    frame = pl.scan_parquet(path)
    if only_count:
        return frame.select(pl.len()).collect().item()
    times = [name for name, kind in frame.collect_schema().items() if isinstance(kind, pl.Datetime)]
    frame = frame.sort(order).with_columns(pl.col(name).dt.epoch("us") for name in times)
    return frame.collect().to_dicts()


def by_duckdb(path, order, only_count):
    connection = duckdb.connect()
    if only_count:
        return connection.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchone()[0]
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    columns = [
        f'epoch_us("{name}") AS "{name}"' if kind.startswith("TIMESTAMP") else f'"{name}"' for name, kind, *_ in described
    ]
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM read_parquet('{path}') ORDER BY {', '.join(order)}")
    names = [name for name, *_ in described]
    return [dict(zip(names, row)) for row in rows.fetchall()]


def main():
    only_count = "--count" in sys.argv[2:]
    with tempfile.TemporaryDirectory() as dir, zipfile.ZipFile(sys.argv[1]) as archive:
        broken = archive.testzip()
        if broken:
            sys.exit(f"the checksum of {broken} is wrong")
        archive.extractall(dir)
        names = archive.namelist()
        with open(os.path.join(dir, "manifest.json")) as file:
            manifest = json.load(file)
        hashes = {name: sha256(os.path.join(dir, name)) for name in names if name != "manifest.json"}
        told = {file["name"]: file["sha256"] for file in manifest["files"]}
        tables = {"polars": {}, "duckdb": {}}
        for name in hashes:
            table, path = name.removesuffix(".parquet"), os.path.join(dir, name)
            tables["polars"][table] = by_polars(path, ORDER[table], only_count)
            tables["duckdb"][table] = by_duckdb(path, ORDER[table], only_count)
    print(json.dumps({"manifest": manifest, "names": names, "hashes": hashes == told, **tables}))


if __name__ == "__main__":
    main()

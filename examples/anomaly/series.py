"""Reads time series and cuts them into windows as the server does. Used by train.py and score.py."""

import csv
import json
import urllib.request
from datetime import datetime, timezone

import numpy as np

HELD_INTERVALS = 3  # how many intervals a value stays valid when no newer one arrives
# Score functions. The errors have the shape (window, point, stream) and are in scaled units.
SCORES = {
    "mse": lambda errors: np.mean(errors**2, axis=(1, 2)),
    "mae": lambda errors: np.mean(np.abs(errors), axis=(1, 2)),
    "rmse": lambda errors: np.sqrt(np.mean(errors**2, axis=(1, 2))),
}


def seconds(text):
    """Converts a timestamp to seconds since the epoch. It is UTC unless it has another zone."""
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()


def utc(time):
    return datetime.fromtimestamp(time, timezone.utc).isoformat().replace("+00:00", "Z")


def load(args):
    """Returns (times, values) of each stream, from the file or the server given in the arguments."""
    if args.csv:
        return read_csv(args.csv)
    return [read_stream(args.url, args.key, int(stream)) for stream in args.streams.split(",")]


def read_csv(path):
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    columns = [[(seconds(row[0]), float(row[i])) for row in rows if row[i]] for i in range(1, len(header))]
    return [np.array(sorted(column)).T for column in columns]


def read_stream(url, key, stream):
    query = "SELECT ts, value FROM readings WHERE stream_id = $stream AND value IS NOT NULL ORDER BY ts"
    body = json.dumps({"query": query, "params": {"stream": stream}}).encode()
    headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/json", "Accept": "text/csv"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/sql", body, headers)) as response:
        _, *rows = csv.reader(response.read().decode().splitlines())
    return np.array([(seconds(ts), float(value)) for ts, value in rows]).T


def resample(columns, interval):
    """Returns (grid, values). The grid consists of the multiples of the interval since the epoch. The values are the last value of
    each stream at these times, or NaN where that value is older than HELD_INTERVALS intervals."""
    begin = min(times[0] for times, _ in columns)
    end = max(times[-1] for times, _ in columns) + HELD_INTERVALS * interval
    grid = np.arange(np.ceil(begin / interval), np.floor(end / interval) + 1) * interval
    values = np.full((len(grid), len(columns)), np.nan)
    for i, (times, column) in enumerate(columns):
        last = np.searchsorted(times, grid, side="right") - 1
        is_known = (last >= 0) & (grid - times[last] <= HELD_INTERVALS * interval)
        values[is_known, i] = column[last[is_known]]
    return grid, values


def windows(values, size):
    """Returns (ends, windows): every window of `size` points without a gap, and the grid index of its last point."""
    found = np.lib.stride_tricks.sliding_window_view(values, size, axis=0).transpose(0, 2, 1)
    is_whole = ~np.isnan(found).any(axis=(1, 2))
    return np.flatnonzero(is_whole) + size - 1, found[is_whole]


def scale(scaler, found):
    return scaler.transform(found.reshape(-1, found.shape[2])).reshape(found.shape).astype(np.float32)

#!/usr/bin/env python3
"""Measures single requests on the rows that `basalt bench --only load --data-dir DIR` has left: what a plant of many streams answers
at once, and what the formats of an answer cost.

    python3 benches/requests --data-dir DIR --basalt target/release/basalt

Formats take turns, so that both have the same machine. Times are those of a Python client that keeps its connection, from sending a request
until all bytes of the answer are there; nothing is decoded. A run fails when an answer is an error or empty, never because something
was slow.
"""

import argparse
import atexit
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ARROW, JSON = "application/vnd.apache.arrow.stream", "application/json"
NDJSON, CSV = "application/x-ndjson", "text/csv"
HOUR_S, DAY_S = 3600, 86_400
# Streams of which means are asked at once.
MANY = 1000
RAW = "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts"
MEANS = """SELECT stream_id, time_bucket('1 hour', ts) AS hour, avg(value) AS mean FROM readings
    WHERE stream_id IN (STREAMS) AND ts >= $from AND ts < $to GROUP BY stream_id, hour"""
# As the web application asks (web/src/shell/queries.ts, web/src/pages/data/queries.ts).
FIND = """query Find($text: String!) {
  devices(search: $text, first: 10, orderBy: NAME) { nodes { rowId name } }
  streams(search: $text, first: 20, orderBy: NAME) { nodes { rowId name unit type device { rowId name } } }
}"""
LIST = """query DataStreams($after: String) {
  streams(first: 1000, after: $after, orderBy: NAME) {
    nodes { rowId name type device { rowId name } }
    pageInfo { hasNextPage endCursor }
  }
}"""


def main():
    options = arguments()
    folder = options.data_dir.resolve()
    plant = Plant(json.loads((folder / "bench.json").read_text()))
    with tempfile.TemporaryDirectory() as scratch:
        server = Server(options.basalt.resolve(), folder, Path(scratch) / "log")
        try:
            print(f"start to listening: {server.start_s:.2f} s, {server.memory_mib()} MiB resident then")
            print_table(plant, server, options.runs)
            print(f"{server.memory_mib()} MiB resident at the end, {server.memory_mib('VmHWM')} at most")
        finally:
            server.stop()


class Plant:
    """The streams that were loaded, and times within them."""

    def __init__(self, record):
        plant = record["plant"]
        self.streams = record["streams"]
        self.seconds = plant["seconds"]
        self.end = datetime.fromtimestamp((plant["start"] + plant["seconds"] * 1_000_000) / 1e6, timezone.utc)

    def stream(self, number):
        return self.streams[number * 37 % len(self.streams)]

    def range(self, seconds, number):
        """A range of so many seconds, or of all there are, that ends within a minute."""
        room = max(self.seconds - seconds, 0)
        to = self.end - timedelta(seconds=number * 97 % (room + 1))
        return {"from": iso(to - timedelta(seconds=seconds)), "to": iso(to)}


def iso(at):
    return at.isoformat().replace("+00:00", "Z")


class Server:
    """A server on the directory, with a key of its own."""

    def __init__(self, program, folder, log):
        began = time.monotonic()
        with log.open("w") as out:
            command = [program, "serve", "--data-dir", folder, "--listen", "127.0.0.1:0"]
            self.process = subprocess.Popen(command, env=os.environ, stdout=out, stderr=out)
        atexit.register(self.process.kill)
        while not (found := re.search(r"listening on http://(\S+)", log.read_text())):
            if self.process.poll() is not None:
                sys.exit(f"benches/requests: the server ended: {log.read_text()}")
            time.sleep(0.01)
        self.start_s = time.monotonic() - began
        create = [program, "key", "create", "--name", f"requests {time.time()}", "--data-dir", folder]
        self.key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
        self.connection = http.client.HTTPConnection(found[1], timeout=300)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, method, path, body=None, accept=JSON):
        """Sends a request; returns its milliseconds and the answer."""
        headers = {"X-API-Key": self.key, "Content-Type": JSON, "Accept": accept, "Accept-Encoding": "identity"}
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200 or content[:2] in (b"", b"[]") or b'"errors":[' in content[:200] + content[-2000:]:
            raise RuntimeError(f"{method} {path}: {answer.status}: {content[:500]!r}")
        return took, content

    def sql(self, query, params, accept=ARROW):
        return self.send("POST", "/sql", json.dumps({"query": query, "params": params}), accept)

    def graph(self, query, variables):
        return self.send("POST", "/graphql", json.dumps({"query": query, "variables": variables}))

    def memory_mib(self, field="VmRSS"):
        status = Path(f"/proc/{self.process.pid}/status")
        found = re.search(rf"{field}:\s+(\d+)", status.read_text()) if status.exists() else None
        return int(found[1]) // 1024 if found else "unknown"

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            sys.exit(f"benches/requests: the server ended with {self.process.returncode}")


def requests(plant, server):
    """Name and function of each request; the function takes the number of the round."""
    query = MEANS.replace("STREAMS", ", ".join(map(str, plant.streams[:MANY])))

    def raw(seconds, accept):
        return lambda number: server.sql(RAW, {"stream": plant.stream(number), **plant.range(seconds, number)}, accept)

    def means(number):
        return server.sql(query, plant.range(DAY_S, number))

    yield "latest value of one stream", lambda n: server.send("GET", f"/api/data/{plant.stream(n)}/value/?limit=1")
    for name, accept in [("Arrow", ARROW), ("JSON", JSON), ("NDJSON", NDJSON), ("CSV", CSV)]:
        yield f"an hour raw of one stream, {name}", raw(HOUR_S, accept)
    yield "a day raw of one stream, Arrow", raw(DAY_S, ARROW)
    yield "a day raw of one stream, JSON", raw(DAY_S, JSON)
    yield f"hourly means of {min(MANY, len(plant.streams))} streams, a day", means
    yield "first page of the list of streams, by name", lambda _: server.graph(LIST, {})
    yield "search of the web application", lambda n: server.graph(FIND, {"text": f"signal {n * 37 % len(plant.streams)}"})


def print_table(plant, server, runs):
    """Sends each request once, then all in turns."""
    chosen = list(requests(plant, server))
    first = [send(0)[0] for _, send in chosen]
    hot = [[] for _ in chosen]
    bytes_of = [0] * len(chosen)
    for number in range(runs):
        for place, (_, send) in enumerate(chosen):
            took, content = send(number)
            hot[place].append(took)
            bytes_of[place] = len(content)
    print(f"\n| {len(plant.streams)} streams of {plant.seconds} s | first, ms | p50, ms | p99 | bytes |\n|---|---|---|---|---|")
    for (name, _), once, times, size in zip(chosen, first, hot, bytes_of):
        times.sort()
        p99 = times[min(len(times) * 99 // 100, len(times) - 1)]
        print(f"| {name} | {once:.3g} | {statistics.median(times):.3g} | {p99:.3g} | {size} |")
    print()


def arguments():
    parser = argparse.ArgumentParser(prog="benches/requests", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="directory that `basalt bench` loaded")
    program = ROOT / "target/release/basalt"
    parser.add_argument("--basalt", type=Path, default=program, help="the program [default: %(default)s]")
    parser.add_argument("--runs", type=int, default=50, help="times each request is sent [default: %(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    main()

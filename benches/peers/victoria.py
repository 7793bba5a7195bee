"""VictoriaMetrics over HTTP, from Debian's package: milliseconds, and about twelve digits of a value.

Its windows are open at the start and closed at the end. Times are in milliseconds, so a window that ends a millisecond
before a bucket's end has just the rows of that bucket. The first and the last bucket may reach past the asked range,
so they are left out of the comparison.
"""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from environment import fail, free_port, note

PACKAGE = "victoria-metrics"
# Samples of a line of the import.
LINE = 10_000
STEPS = {"q5": 3_600_000, "q6": 300_000, "q7": 3_600_000, "q10": 60_000}
ROLLUPS = '("avg_over_time", "min_over_time", "max_over_time")'
MEAN = (
    'union(label_set(sum(count_over_time(v[2y])), "of", "rows"), label_set(sum({}(v[2y])), "of", "total"))'
)
QUESTIONS = {
    "q1": 'v{{s="{stream}"}}',
    "q2": "v",
    "q5": f'aggr_over_time({ROLLUPS}, v{{{{s="{{stream}}"}}}}[1h])',
    "q6": 'max_over_time(v{{s=~"{s1}|{s2}|{s3}|{s4}|{s5}|{s6}|{s7}|{s8}"}}[5m])',
    "q7": "avg_over_time(v[1h])",
    "q8": "topk(10, max_over_time(v[{length}ms]))",
    "q10": 'keep_last_value(avg_over_time(v{{s="{stream}"}}[1m]))',
    "scan": MEAN.format("sum_over_time"),
    "squares": MEAN.format("sum2_over_time"),
}
EXPORTED = ("q3", "q4", "month")


class Peer:
    name, note = "VictoriaMetrics", "over HTTP; lossy, milliseconds"

    def __init__(self, plant):
        self.program, self.path = find(plant.venv), plant.scratch / "victoria"
        self.end = plant.end
        self.server = None
        self.fresh()
        started = time.perf_counter()
        client = Client(**self.setup())
        for file in plant.files:
            load(client, pq.read_table(file, columns=["stream_id", "ts", "value"], partitioning=None))
        merge(client)
        self.fresh()
        self.load_s = time.perf_counter() - started
        self.bytes = sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def fresh(self):
        """Restarts it: nothing of what was asked before is in its memory."""
        self.stop()
        self.port = free_port()
        where = [f"-storageDataPath={self.path}", f"-httpListenAddr=127.0.0.1:{self.port}"]
        keep = ["-retentionPeriod=20y", "-search.latencyOffset=0s", "-search.disableCache"]
        limits = [
            "-search.maxSamplesPerQuery=2000000000",
            # A year at 1 Hz is more than the default of 30 million.
            "-search.maxSamplesPerSeries=100000000",
            "-search.maxQueryDuration=300s",
            "-loggerLevel=ERROR",
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.server = subprocess.Popen([self.program, *where, *keep, *limits], **quiet)
        for _ in range(600):
            try:
                return Client(**self.setup()).send("GET", "/health")
            except OSError:
                time.sleep(0.05)
        fail("VictoriaMetrics does not start")

    def setup(self):
        return {"address": f"127.0.0.1:{self.port}", "end": self.end}

    def stop(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait()
            self.server = None

    def close(self):
        self.stop()
        shutil.rmtree(self.path)


def find(venv):
    """The program on PATH, or out of Debian's package, which is unpacked and not installed: no service is started."""
    on_path = shutil.which(PACKAGE)
    if on_path:
        return on_path
    place = venv / PACKAGE
    program = place / "usr/bin" / PACKAGE
    if not program.exists():
        note(f"fetching Debian's {PACKAGE}")
        place.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "download", PACKAGE], cwd=place, check=True, capture_output=True)
        package = next(Path(place).glob("*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, place], check=True)
    return program


def load(client, table):
    streams = table.column("stream_id").to_numpy()
    # Sorted by stream: each is one run.
    edges = [0, *(np.flatnonzero(np.diff(streams)) + 1), len(streams)]
    times = table.column("ts").cast("int64").to_numpy() // 1000
    values = table.column("value").to_numpy()
    lines = []
    for start, end in zip(edges, edges[1:]):
        for first in range(start, end, LINE):
            part = slice(first, min(first + LINE, end))
            metric = {"__name__": "v", "s": str(streams[start])}
            line = {"metric": metric, "values": values[part].tolist(), "timestamps": times[part].tolist()}
            lines.append(json.dumps(line))
            if len(lines) == 100:
                client.send("POST", "/api/v1/import", "\n".join(lines).encode())
                lines = []
    client.send("POST", "/api/v1/import", "\n".join(lines).encode())


def merge(client):
    """Everything into as few parts as there can be; a server stopped before that is done loses rows."""
    client.send("GET", "/internal/force_flush")
    client.send("GET", "/internal/force_merge")
    time.sleep(1)
    while b"vm_active_force_merges 0" not in client.send("GET", "/metrics"):
        time.sleep(0.1)


class Client:
    def __init__(self, address, end):
        self.end = end
        self.connection = http.client.HTTPConnection(address, timeout=300)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, method, path, body=None):
        self.connection.request(method, path, body)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 204):
            raise RuntimeError(f"{path}: {answer.status}: {content[:500]!r}")
        return content

    def can(self, question):
        return question in QUESTIONS or question in EXPORTED

    def ask(self, question, params):
        start, end = (millis(params[name]) if name in params else self.end for name in ("from", "to"))
        if question in EXPORTED:
            match = {"match[]": 'v{s="%s"}' % params["stream"], "start": start / 1000, "end": (end - 1) / 1000}
            return json.loads(self.send("GET", "/api/v1/export?" + urllib.parse.urlencode(match)))
        asked = {"query": QUESTIONS[question].format(**params, length=end - start), "nocache": 1}
        step = STEPS.get(question)
        if step is None:
            path, asked["time"] = "query", (end - 1) / 1000
        else:
            path = "query_range"
            first, last = start // step * step + step - 1, -(-end // step) * step - 1
            asked |= {"start": first / 1000, "end": last / 1000, "step": f"{step}ms"}
        answer = json.loads(self.send("GET", f"/api/v1/{path}?" + urllib.parse.urlencode(asked)))
        return answer["data"]["result"]

    def columns(self, question, answer):
        """As Basalt has them; None for what it does not tell."""
        if question in EXPORTED:
            order = np.argsort(np.array(answer["timestamps"]), kind="stable")
            return [np.array(answer["timestamps"])[order], np.array(answer["values"], dtype=float)[order]]
        if question == "q1":
            return [None, np.array([float(answer[0]["value"][1])])]
        if question in ("q2", "q8"):
            found = [(int(one["metric"]["s"]), float(one["value"][1])) for one in answer]
            found.sort(key=lambda one: one[0] if question == "q2" else (-one[1], one[0]))
            stream, value = np.array([one[0] for one in found]), np.array([one[1] for one in found])
            return [stream, None, value] if question == "q2" else [stream, value]
        if question in ("scan", "squares"):
            told = {one["metric"]["of"]: float(one["value"][1]) for one in answer}
            return [np.array([int(told["rows"])]), np.array([told["total"] / told["rows"]])]
        step = STEPS[question]
        if question in ("q6", "q7"):
            rows = [(int(one["metric"]["s"]), start(at, step), float(v)) for one in answer for at, v in one["values"]]
            rows.sort()
            return [np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), values(rows, 2)]
        if question == "q10":
            rows = [(start(at, step), float(v)) for at, v in answer[0]["values"]]
            return [np.array([row[0] for row in rows]), values(rows, 1)]
        by_rollup = {one["metric"]["rollup"]: one["values"] for one in answer}
        series = [by_rollup[name] for name in ("avg_over_time", "min_over_time", "max_over_time")]
        starts = np.array([start(at, step) for at, _ in series[0]])
        return [starts, *(np.array([float(v) for _, v in one]) for one in series)]


def values(rows, column):
    return np.array([row[column] for row in rows])


def start(at, step):
    """The start of the bucket in microseconds, of the time its window ends in seconds."""
    return (round(at * 1000) + 1 - step) * 1000


def millis(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def comparable(question, ours):
    """Basalt's columns as far as this peer can have them, and which rows."""
    if question in EXPORTED:
        return [ours[0] // 1000, ours[1]]
    return ours


def inner(columns, question):
    """Without the first and the last bucket of each stream."""
    key = 1 if question in ("q6", "q7") else 0
    starts = columns[key]
    keep = (starts > starts.min()) & (starts < starts.max())
    return [column[keep] for column in columns]

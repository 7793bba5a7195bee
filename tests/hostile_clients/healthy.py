"""Healthy clients: writers that remember what was acknowledged, and readers."""

import collections
import http.client
import json
import threading
import time
import urllib.parse

WRITERS = 8
READERS = 4
# Of the writers, these send batches of so many rows.
BATCHING = 4
BATCH_ROWS = 100
PAUSE = 0.05
# A connection is used for so many requests: who has one already would not notice that there are no more.
KEPT = 20
# An answer that takes longer is none.
PATIENCE = 60
START_MS = 1_767_225_600_000


class Client:
    """One kept connection, opened again when it was closed."""

    def __init__(self, url, key):
        self.place = urllib.parse.urlsplit(url).netloc
        self.headers = {"Authorization": f"ApiKey {key}"}
        self.connection, self.asked = None, 0

    def ask(self, method, path, body=None, media="application/json"):
        self.asked += 1
        if self.connection and self.asked % KEPT == 0:
            self.connection.close()
            self.connection = None
        headers = {**self.headers, "Content-Type": media} if body is not None else self.headers
        for attempt in (0, 1):
            fresh = self.connection is None
            try:
                if fresh:
                    self.connection = http.client.HTTPConnection(self.place, timeout=PATIENCE)
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.connection = None
                # An idle connection may be closed by the server: that is no failure. A row sent twice replaces itself.
                if fresh or attempt or not isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)):
                    return type(error).__name__, b""
        return "closed", b""


class Tally:
    def __init__(self):
        self.took, self.failed, self.lock = collections.defaultdict(list), collections.Counter(), threading.Lock()

    def time(self, what, expected, ask):
        began = time.monotonic()
        status, body = ask()
        took = (time.monotonic() - began) * 1e3
        with self.lock:
            if status in expected:
                self.took[what].append(took)
            else:
                self.failed[f"{what}: {status} after {took / 1e3:.0f} s"] += 1
        return status, body

    def told(self, **more):
        return {"took": dict(self.took), "failed": dict(self.failed), **more}


def run(count, work):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def stamp(number):
    ms = START_MS + number
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"


def write(url, plant, end, results, _limit):
    """Each writer numbers its rows; of each number it knows whether it was acknowledged."""
    key, streams = plant
    tally, acknowledged = Tally(), {stream: [] for stream in streams}

    def work(i):
        stream, client, number = streams[i], Client(url, key), 0
        while time.time() < end:
            if i < BATCHING:
                rows = range(number, number + BATCH_ROWS)
                body = "\n".join(f"{stream},{stamp(n)},{n}" for n in rows)
                ask = lambda: client.ask("POST", "/ingest", f"stream_id,ts,value\n{body}\n", "text/csv")
                status, _ = tally.time("batch", (200,), ask)
                done = status == 200
            else:
                rows = range(number, number + 1)
                body = json.dumps({"value": number, "timestamp": stamp(number)})
                status, _ = tally.time("single value", (200, 201), lambda: client.ask("POST", f"/api/data/{stream}/value/", body))
                done = status in (200, 201)
            if done:
                acknowledged[stream].append((rows.start, rows.stop))
            number = rows.stop
            time.sleep(PAUSE)

    run(WRITERS, work)
    results.put(("writers", tally.told(rows=acknowledged)))


def read(url, plant, end, results, _limit):
    key, streams = plant
    tally = Tally()

    def work(i):
        client, stream = Client(url, key), streams[i]
        statement = urllib.parse.quote(f"SELECT count(*) AS n, max(value) AS m FROM readings WHERE stream_id = {stream}")
        newest = json.dumps({"query": "{ streams(first: 5) { nodes { name latest { ts value } } } }"})
        while time.time() < end:
            tally.time("newest value", (200,), lambda: client.ask("GET", f"/api/data/{stream}/value/"))
            tally.time("query", (200,), lambda: client.ask("GET", f"/sql?q={statement}"))
            tally.time("graph", (200,), lambda: client.ask("POST", "/graphql", newest))
            time.sleep(PAUSE)

    run(READERS, work)
    results.put(("readers", tally.told()))


def lost_rows(server, plant, acknowledged):
    """Acknowledged rows that are not there, or not once. What was not acknowledged may be there or not."""
    problems, count = [], 0
    for stream in plant[1]:
        wanted = set()
        for start, stop in acknowledged[stream]:
            wanted.update(range(start, stop))
        rows = server.ask("/sql", {"query": f"SELECT CAST(value AS BIGINT) AS n FROM readings WHERE stream_id = {stream}"})
        found = [row["n"] for row in rows]
        missing = wanted.difference(found)
        count += len(wanted)
        if missing:
            problems.append(f"stream {stream}: {len(missing)} acknowledged rows are lost, such as {min(missing)}")
        if len(found) != len(set(found)):
            problems.append(f"stream {stream}: {len(found) - len(set(found))} rows are there twice")
    print(f"{count} acknowledged rows, {len(problems)} streams with losses")
    return problems

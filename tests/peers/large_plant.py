"""A plant of thousands of streams, made through the API: devices, readings, events, a model, rules and boards.

The same numbers make the same plant. Devices are `virtual`; some make values at 1 Hz, the others hold one reading of each stream.
"""

import datetime
import json
import math
from pathlib import Path

import requests

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures/ai"
SIGNALS = ("temperature", "pressure", "speed", "power", "vibration", "torque", "flow", "level", "current", "voltage")
UNITS = ("°C", "bar", "rpm", "kW", "mm/s", "Nm", "l/min", "%", "A", "V")
LEVELS = ("info", "warning", "error", "critical")
# A day that is over: 2026-04-28T00:00:00Z.
DAY = 1_777_334_400
DAY_SECONDS = 86_400
# Lines of one request.
CHUNK = 20_000
# Rules and boards; more than a page of them has on a screen.
RULES = 60
BOARDS = 30


class Api:
    """The server without a browser."""

    def __init__(self, url, key):
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"ApiKey {key}"

    def post(self, path, **body):
        answer = self.session.post(f"{self.url}{path}", **body)
        if not answer.ok:
            raise SystemExit(f"POST {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def sql(self, query):
        return self.post("/sql", json={"query": query})

    def ingest(self, rows):
        """Stores rows of stream, time and value."""
        lines = [json.dumps({"stream_id": stream, "ts": ts, "value": value}) for stream, ts, value in rows]
        for first in range(0, len(lines), CHUNK):
            body = "\n".join(lines[first : first + CHUNK]).encode()
            self.post("/ingest", data=body, headers={"Content-Type": "application/x-ndjson"})


def make(api, streams, devices, events, running=1):
    """Makes the plant; what its pages are addressed by. `running` devices make a value of each stream a second."""
    file = json.dumps(inventory(streams // devices, devices, running))
    api.post("/api/inventory/", data=file, headers={"Content-Type": "application/json"})
    ids = [row["id"] for row in api.sql("SELECT id FROM streams ORDER BY id")]
    api.ingest((stream, DAY + DAY_SECONDS, stream % 1000 / 10) for stream in ids)
    make_events(api, ids, events)
    make_model(api, ids[-1])
    make_rules(api, ids)
    make_boards(api)
    return found(api)


def found(api):
    """What the pages of a plant are addressed by; None if there is no plant yet."""
    streams = api.sql("SELECT id, device_id FROM streams ORDER BY id LIMIT 9")
    if not streams:
        return None
    query = "{ models(first: 1) { nodes { rowId } } dashboards(first: 1) { nodes { uuid } } }"
    nodes = api.post("/graphql", json={"query": query})["data"]
    return {
        "stream": streams[0]["id"], "device": streams[0]["device_id"],
        "streams": [row["id"] for row in streams[1:]],
        "event": api.sql("SELECT max(id) AS id FROM events WHERE kind = 'alarm'")[0]["id"],
        "model": nodes["models"]["nodes"][0]["rowId"], "board": nodes["dashboards"]["nodes"][0]["uuid"],
    }


def inventory(each, devices, running):
    """The devices in the form of an inventory file."""
    made = []
    for number in range(devices):
        names = [f"press_{number:04}.{signal_name(n)}" for n in range(each)]
        streams = [{"name": name, "type": "fp64", "unit": UNITS[n % len(UNITS)]} for n, name in enumerate(names)]
        device = {"name": f"Press {number:04}", "protocol": "virtual", "poll_interval": 1, "streams": streams}
        if number < running:
            device["metadata"] = {"generator": "sine", "mean": 20, "amplitude": 5, "frequency": 60 + number}
        made.append(device)
    return {"devices": made}


def signal_name(number):
    name, round_number = SIGNALS[number % len(SIGNALS)], number // len(SIGNALS)
    return name if round_number == 0 else f"{name}_{round_number}"


def write_day(api, streams, step):
    """A day of readings, one each `step` seconds; a wave of its own for each stream."""
    api.ingest(
        (stream, DAY + second, round(20 + 5 * math.sin(second / 3000 + stream), 3))
        for stream in streams
        for second in range(0, DAY_SECONDS, step)
    )


def make_events(api, streams, count):
    """Events over a day, of every level, none acknowledged."""
    for number in range(count):
        body = {"kind": "alarm", "level": LEVELS[number % len(LEVELS)], "message": f"event {number}: out of range",
                "data": streams[number % len(streams)], "timestamp": DAY + number * DAY_SECONDS // count}
        api.post("/api/event-log/", json=body)


def make_model(api, source):
    """A model over one stream, of a real converter's files."""
    texts = {"model_type": "cnn_ae", "source": source, "interval": 1, "threshold": 1000, "name": "Watch"}
    files = {"model": (FIXTURES / "models/cnn_ae_dense_default.tflite").open("rb"),
             "scaler": (FIXTURES / "scalers/minmax_sk1_9_1.joblib").open("rb")}
    api.post("/api/ai/upload/", data=texts, files=files)


def make_rules(api, streams):
    for number in range(min(RULES, len(streams))):
        api.post("/api/rule/", json={"name": f"rule {number}", "stream": streams[number], "operator": "GT", "threshold": 1000,
                                     "severity": "WARNING", "cooldown_seconds": 60})


def make_boards(api):
    """Boards of lines, values and events."""
    rows = api.sql("SELECT uuid FROM streams ORDER BY id LIMIT 8")
    ids = [row["uuid"] for row in rows]
    layout = [
        {"id": "w1", "type": "LINE", "x": 0, "y": 0, "w": 12, "h": 6, "config": {"sensorIds": ids}},
        {"id": "w2", "type": "TABLE", "x": 12, "y": 0, "w": 12, "h": 6, "config": {"view": "events"}},
    ]
    layout += [{"id": f"w{n + 3}", "type": "STAT", "x": n % 4 * 6, "y": 6 + n // 4 * 3, "w": 6, "h": 3, "config": {"sensorIds": [uuid]}}
               for n, uuid in enumerate(ids)]
    for number in range(BOARDS):
        api.post("/api/dashboard/", json={"name": f"Hall {number}", "layout": layout})


def iso(second):
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")

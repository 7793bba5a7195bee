"""Rules without number over readings without number, and places that are held (security review 8, 10, 16)."""

import json
import time
import uuid

from .wire import ask, connect, head, place, together

# Rules that the organization may have, about.
RULES = 200


def rules_times_readings(site, turn):
    """Averages of an hour over one stream, and a long body of its readings: each is evaluated by every rule."""
    outcomes = []
    if turn < RULES // 20:
        for _ in range(20):
            rule = {
                "name": str(uuid.uuid4()), "stream": site.stream, "evaluation": "AVG", "window_seconds": 3600,
                "operator": "GT", "threshold": 1e9, "severity": "WARNING",
            }
            outcomes.append("rule " + ask(site, "POST", "/api/rule/", json.dumps(rule), site.operator))
    now = int(time.time())
    rows = "".join(f"{site.stream},{now - i % 3000},{i}\n" for i in range(20_000))
    return [*outcomes, "rows " + ask(site, "POST", "/ingest", f"stream_id,ts,value\n{rows}", site.writer, "text/csv")]


def comings_and_goings(site, turn):
    """A condition that comes and goes with each reading: an hour has so many alerts and no more."""
    rule = {
        "name": f"flap{turn}", "stream": site.stream, "evaluation": "VALUE", "operator": "GT", "threshold": 0,
        "severity": "CRITICAL", "cooldown_seconds": 0, "auto_resolve": True,
    }
    made = ask(site, "POST", "/api/rule/", json.dumps(rule), site.operator) if turn < 20 else "none"
    now = int(time.time() * 1e6) - 10_000_000
    rows = "".join(f'{{"stream_id":{site.stream},"ts":{now + i},"value":{1 - i % 2 * 2}}}\n' for i in range(5_000))
    return [f"rule {made}", "rows " + ask(site, "POST", "/ingest", rows, site.writer, "application/x-ndjson")]


def groups_of_others(site, turn):
    """A key of one device changes groups, which belong to the whole organization (16)."""
    body = json.dumps({"name": f"g{turn}"})
    return [ask(site, method, path, body, site.writer) for method, path in (("POST", "/api/group/"), ("PATCH", "/api/group/1/"))]


def slow_uploads(site, _turn):
    """Uploads of models that go on by a byte a second: they hold places that others want (10)."""

    def one(_):
        made = connect(place(site.url), timeout=20)
        with made:
            made.sendall(head("POST", "/api/ai/upload/", 5_000_000, site.operator, "multipart/form-data; boundary=b"))
            for _ in range(15):
                made.sendall(b"x")
                time.sleep(1)
            return "held"

    return together(64, one)

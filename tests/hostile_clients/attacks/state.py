"""What is kept for everybody: keys of requests, and the devices of an organization."""

import http.client
import json
import uuid

from .wire import ask, place


def idempotency_keys(site, _turn):
    """Many writes, each with a key of its own."""
    connection = http.client.HTTPConnection(*place(site.url), timeout=60)
    outcomes = []
    body = f"stream_id,ts,value\n{site.stream},2026-04-28T12:00:00Z,1\n"
    for _ in range(500):
        headers = {"Authorization": f"ApiKey {site.writer}", "Content-Type": "text/csv", "Idempotency-Key": str(uuid.uuid4())}
        try:
            connection.request("POST", "/ingest", body, headers)
            answer = connection.getresponse()
            answer.read()
            outcomes.append(str(answer.status))
        except http.client.HTTPException as error:
            return [*outcomes, type(error).__name__]
    return outcomes


def metadata(site, turn):
    """Devices with as much metadata as a body may have, and all of them listed."""
    device = {"name": f"m{turn}-{uuid.uuid4()}", "protocol": "virtual", "metadata": {"a": "x" * (9 << 20)}}
    event = {"device": site.device, "kind": "note", "message": "m", "payload": {"a": "x" * (9 << 20)}}
    return [
        "device " + ask(site, "POST", "/api/device/", json.dumps(device), site.operator),
        "event " + ask(site, "POST", "/api/event-log/", json.dumps(event), site.operator),
        "list " + ask(site, "GET", "/api/device/?limit=1000", None, site.operator),
    ]

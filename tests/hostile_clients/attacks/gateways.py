"""What gateways report, what devices send before they have a certificate, and files with mistakes."""

import json
import time

from .connections import is_closed
from .wire import ask, connect, head, place, together

PROVISION = "/api/v1/devices/provision"


def line(text):
    return {"timestamp": 1777377600000, "type": "LOG", "message": text}


def container_logs(site, turn):
    """Many containers of one line, some of none, and reports that push the lines of the others out."""
    path = f"/api/device/{site.device}/log/"
    report = lambda name, lines: ask(site, "POST", path, json.dumps({"container": name, "lines": lines}), site.operator)
    outcomes = [report(f"c{turn}-{i}", [line("x")] if i % 4 else []) for i in range(400)]
    return outcomes + [report(f"long{turn}-{i}", [line("y" * 9_000)] * 1_000) for i in range(3)]


def reports(site, _turn):
    """Sessions with as much as a report may have, and with more than is kept of one."""
    path = f"/api/device/{site.device}/session/"
    report = lambda members: ask(site, "POST", path, json.dumps({"event": "connected", **members}), site.operator)
    kept = {"notes": "x" * 60_000, "status": {"values": [0] * 2_000}}
    return [report(kept) for _ in range(200)] + [report({"status": {"text": "x" * 60_000}}) for _ in range(20)]


def provisioning(site, _turn):
    """Bodies of devices that nobody knows, kept as long as they are listened to."""

    def one(_):
        made = connect(place(site.url), timeout=20)
        with made:
            made.sendall(head("POST", PROVISION, 60_000) + b"x" * 59_000)
            time.sleep(5)
            return "closed" if is_closed(made, 1) else "held"

    return together(300, one)


def inventory_mistakes(site, _turn):
    """A file of 1.9 MB of which each line is a mistake."""
    fields = "".join(f"    f{i}: 1\n" for i in range(140_000))
    text = "devices:\n  - name: a\n    protocol: virtual\n" + fields
    streams = "devices:\n  - name: a\n    protocol: virtual\n    streams:\n" + "      - 1\n" * 180_000
    send = lambda body: ask(site, "POST", "/api/inventory/?dry_run=true", body, site.operator, "application/yaml")
    return [send(text), send(streams)]

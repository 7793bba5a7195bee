#!/usr/bin/env python3
"""What somebody sets up in the web application beside simulated devices and a receiver of notifications, in a real browser.

    browse_setup.py URL USER PASSWORD KEY MODBUS_PORT SILENT_PORT OPCUA_URL SECURE_URL MODEL SCALER

There are streams called `a` and `b`, as browse_ui.py describes them. MODBUS_PORT is that of a simulated plant, and nothing listens at
SILENT_PORT. OPCUA_URL is a simulated plant without security; SECURE_URL is tests/peers/opcua_server.py, whose certificate is not trusted
yet and which trusts its clients. MODEL and SCALER are the files of a model of two sources. Prints what was seen as JSON. Every wait is
for something to be there.
"""

import hashlib
import hmac
import json
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browse_journeys import eventually
from browse_large import enter
from browse_pages import Visit
from browse_ui import HOST
from large_plant import Api, iso
from playwright.sync_api import sync_playwright

# Two days after the readings that are there.
SCORED = 1_777_550_400
# Readings of each source: their scores take many times as long as a person who cancels.
SCORED_SECONDS = 30_000
# Seconds between two samples, which hold a reading three times as long.
INTERVAL = 0.35
NODES = 20
SECRET = "a long secret of the plant"


class Receiver:
    """A receiver of webhooks, which takes everything."""

    def __init__(self):
        self.hooks = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.hooks.put((self.path, dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/alerts"

    def next(self):
        """The next request, and whether its signature is that of its body."""
        path, headers, body = self.hooks.get(timeout=120)
        headers = {name.lower(): value for name, value in headers.items()}
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        is_signed = hmac.compare_digest(headers["x-signature"], f"sha256={mac}")
        return {"path": path, "delivery": headers["x-delivery-id"], "signed": is_signed, "body": json.loads(body)}


def test(page):
    """Has the server try the device; what it says of it."""
    page.get_by_role("button", name="Test", exact=True).click()
    page.locator(".outcome").wait_for()
    return page.locator(".outcome").inner_text()


def modbus(page, base, silent, port):
    """A wrong port is told of in words, and the order of the words is chosen by what the test reads."""
    seen = {}
    page.goto(f"{base}/ui/devices/new")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").fill("Press 2")
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill(silent)
    seen["wrong port"] = test(page)
    page.get_by_label("Port").fill(port)
    page.locator(".outcome").wait_for(state="detached")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name, row 1").fill("running time")
    page.get_by_label("Address, row 1").fill("ir:5")
    seen["right port"] = test(page)
    readings = page.locator(".tested button", has_text="uint32")
    readings.first.wait_for()
    told = [text.split() for text in readings.all_inner_texts()]
    seen["orders"] = {order: int(value) for _, order, value in told}
    # One is taken that cannot be true, then the one that can.
    order, kind = page.get_by_label("Word order, row 1"), page.get_by_label("Type, row 1")
    seen["taken"] = []
    for wanted in ("abcd", "cdab"):
        page.locator(".tested button", has_text=f"uint32 {wanted}").click()
        seen["taken"].append([kind.input_value(), order.input_value()])
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Press 2").wait_for()
    page.goto(f"{base}/ui/live?q=running+time")
    value = page.locator("tbody tr", has=page.get_by_role("link", name="running time")).locator(".value")
    value.filter(has_text="15,55").wait_for()
    seen["shown"] = int(value.inner_text().replace(",", ""))
    return seen


def browse(page, base, api, url):
    """Twenty nodes are ticked and become streams together, which all get values."""
    device = {"name": "Plant", "protocol": "opcua", "host": url, "poll_interval": 1}
    device = api.post("/api/device/", json=device)["id"]
    page.goto(f"{base}/ui/devices/{device}/browse")
    for folder in ("Plant", "motor", "tank", "furnace"):
        page.get_by_role("button", name=f"Below {folder}", exact=True).click()
    boxes = page.locator(".nodes input[type=checkbox]")
    boxes.nth(NODES - 1).wait_for()
    for number in range(NODES):
        boxes.nth(number).check()
    page.get_by_role("button", name=f"Make streams ({NODES})").click()
    page.get_by_text(f"Streams made: {NODES}.").wait_for()
    page.locator(".nodes li", has_text="is a stream").nth(NODES - 1).wait_for()
    query = f"SELECT count(DISTINCT r.stream_id) AS n FROM readings r JOIN streams s ON s.id = r.stream_id WHERE s.device_id = {device}"
    have_values = eventually(lambda: api.sql(query)[0]["n"] == NODES)
    page.goto(f"{base}/ui/devices/{device}")
    page.locator("h1", has_text="online").wait_for()
    return {"device": device, "values": have_values}


def trust(page, base, url):
    """A server whose certificate nobody has decided on is told of with its fingerprint, and trusted by a button."""
    page.goto(f"{base}/ui/devices/new")
    page.get_by_label("OPC UA").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").first.fill("Kiln")
    page.get_by_label("Host").fill(url)
    page.get_by_text("Settings of the protocol").click()
    page.get_by_label("security_policy").select_option("Basic256Sha256")
    seen = {"test": test(page)}
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name, row 1").fill("double")
    page.get_by_label("Address, row 1").fill("ns=2;s=Line.Double")
    page.get_by_role("button", name="Save").click()
    page.locator("h1", has_text="offline").wait_for()
    seen["error"] = page.locator(".error-box").inner_text()
    certificate = page.locator(".certificate")
    certificate.wait_for()
    seen["certificate"] = certificate.locator("p").all_inner_texts()[:2]
    page.get_by_role("button", name="Trust", exact=True).click()
    page.locator("h1", has_text="online").wait_for()
    certificate.get_by_text("Trusted:").wait_for()
    page.locator("tbody tr", has_text="double").get_by_text("-1,234.57").wait_for()
    seen["errors"] = page.locator(".error-box").count()
    return seen


def cancel(page, base, api, files):
    """Scores of a long range begin as a job, which is stopped before it is done."""
    sources = [row["id"] for row in api.sql("SELECT id FROM streams WHERE name IN ('a', 'b') ORDER BY name")]
    api.ingest((source, SCORED + second, 20 + second % 7) for source in sources for second in range(SCORED_SECONDS))
    fields = {"name": "Press watch", "model_type": "cnn_ae", "source": ",".join(map(str, sources)), "interval": INTERVAL}
    model, scaler = (Path(file).open("rb") for file in files)
    model = api.post("/api/ai/upload/", data=fields, files={"model": model, "scaler": scaler})["id"]
    page.goto(f"{base}/ui/models/{model}")
    history = page.get_by_role("region", name="Score history")
    history.get_by_label("From").fill(iso(SCORED))
    history.get_by_label("To").fill(iso(SCORED + SCORED_SECONDS))
    history.get_by_role("button", name="Start").click()
    job = history.locator(".job")
    job.locator("progress:not([value='0'])").wait_for()
    job.get_by_role("button", name="Stop the job").click()
    job.get_by_text("stopped", exact=True).wait_for()
    return {"model": model, "shown": job.count(), "goes on": job.get_by_role("progressbar").count()}


def rule(page, base, api, stream, receiver):
    """A rule tells a channel when it fires and when that is over, with a signature; the overview tells of it until then."""
    seen = {}
    page.goto(f"{base}/ui/rules")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="New channel").click()
    dialog.get_by_label("Name").fill("shift")
    dialog.get_by_label("How it tells").select_option("WEBHOOK")
    dialog.get_by_label("Web address").fill(receiver.url)
    dialog.get_by_label("Key of the signatures").fill(SECRET)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Test channel shift").click()
    page.get_by_text("The receiver took it.").wait_for()
    seen["hooks"] = [receiver.next()]

    page.get_by_role("button", name="New rule").click()
    dialog.get_by_label("Name").fill("overheated")
    dialog.get_by_label("Stream").select_option(label="b (b device)")
    dialog.get_by_label("Threshold").fill("9000")
    dialog.get_by_label("Severity").select_option("CRITICAL")
    dialog.get_by_label("Between two alerts at least, seconds").fill("0")
    dialog.get_by_label("Resolve the alert when the condition ends").check()
    dialog.get_by_label("shift").check()
    dialog.get_by_role("button", name="Create").click()
    page.locator("tbody tr", has_text="overheated").wait_for()

    page.goto(f"{base}/ui/")
    page.locator(".cards li").first.wait_for()
    entry = page.locator(".attention li", has_text="overheated")
    now = int(time.time())
    # Twice, so that what comes second shows that nothing else was sent between the two.
    for at, value in ((now, 9001), (now + 2, 9002)):
        api.ingest([(stream, at, value)])
        entry.wait_for()
        seen["hooks"].append(receiver.next())
        api.ingest([(stream, at + 1, 10)])
        entry.wait_for(state="detached")
        seen["hooks"].append(receiver.next())
    page.goto(f"{base}/ui/events?kind=alert")
    page.locator("tbody tr", has_text="its condition has ended").nth(1).wait_for()
    return seen | {"more": receiver.hooks.qsize()}


def main():
    url, user, password, key, port, silent, opcua, secure, *files = sys.argv[1:]
    api, base = Api(url, key), url.replace("127.0.0.1", HOST)
    other = api.sql("SELECT id FROM streams WHERE name = 'b'")[0]["id"]
    with sync_playwright() as playwright:
        visit = Visit(playwright, base, HOST)
        page = visit.page
        enter(page, base, user, password)
        seen = {
            "modbus": modbus(page, base, silent, port),
            "browse": browse(page, base, api, opcua),
            "trust": trust(page, base, secure),
            "job": cancel(page, base, api, files),
            "rule": rule(page, base, api, other, Receiver()),
        }
        seen.update(requests=visit.requests, complaints=visit.complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

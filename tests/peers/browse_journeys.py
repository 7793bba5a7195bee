#!/usr/bin/env python3
"""What two people do with the web application while a plant changes, in a real browser.

    browse_journeys.py URL USER PASSWORD KEY STREAM BASALT PORT

STREAM is the id of a stream called `a` as browse_ui.py describes it; there is another called `b`. BASALT is the program, which simulates a
plant at PORT that is stopped and started. Prints what was seen as JSON. Every wait is for something to be there.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import requests
from browse_large import enter
from browse_pages import Visit
from browse_ui import HOST
from large_plant import Api, iso
from playwright.sync_api import sync_playwright

# Two hours, three hours after the readings that are there.
BEGIN = 1_777_388_400
HOUR = 3600
VIEWER, PASSWORD = "bea", "another long password"
# The table of the trend has this many rows.
ROWS = "n => Number(document.querySelector('.trend table')?.getAttribute('aria-rowcount')) === n"
EXACT = "cells => cells.map((cell) => Number(cell.dataset.exact))"
# Whether a device is shown online and, at the same moment, nothing that needs attention names it.
IS_QUIET = """
    (name) => {
        const texts = (place) => [...document.querySelectorAll(place)].map((item) => item.textContent).filter((text) => text.includes(name));
        return texts(".cards li").some((text) => text.includes("online")) && texts(".attention li").length === 0;
    }
"""


class Simulator:
    """A simulated plant on a port, stopped as by a power cut and started again."""

    def __init__(self, program, port):
        self.command = [program, "simulate", "modbus", "--listen", f"127.0.0.1:{port}"]
        self.home = tempfile.TemporaryDirectory()
        self.start()

    def start(self):
        # Told by its first line.
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": self.home.name})
        self.process.stdout.readline()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Cut:
    """The connection of a page for live values, which is cut and healed."""

    def __init__(self, page):
        self.page, self.sockets, self.is_cut = page, [], False
        page.route_web_socket("**/graphql/ws", self.connect)

    def open(self, address):
        """Opens a page and waits for its connection; that of the page before is of no interest any more."""
        self.sockets.clear()
        self.page.goto(address)
        if not eventually(self.is_connected):
            raise SystemExit(f"{address} follows nothing")

    def is_connected(self):
        # Playwright hands sockets over while it waits for something.
        self.page.wait_for_timeout(50)
        return len(self.sockets) > 0

    def connect(self, socket):
        if self.is_cut:
            socket.close(code=1012)
            return
        socket.connect_to_server()
        self.sockets.append(socket)

    def cut(self):
        self.is_cut = True
        for socket in self.sockets:
            socket.close(code=1012)
        self.sockets.clear()

    def heal(self):
        self.is_cut = False


def stopped_device(page, base, api, simulator, port):
    """A device whose plant loses power is told of on the overview, with its error, and no longer once it is back."""
    device = {"name": "Press", "protocol": "modbus", "host": "127.0.0.1", "port": int(port), "poll_interval": 0.5, "timeout": 10}
    device = api.post("/api/device/", json=device)["id"]
    api.post("/api/data/", json={"name": "speed", "device": device, "path": "hr:0", "type": "uint16"})
    page.goto(f"{base}/ui/")
    card = page.locator(".cards li", has_text="Press")
    card.get_by_text("online").first.wait_for()
    entry = page.locator(".attention li", has_text="Press")
    is_quiet = eventually(lambda: page.evaluate(IS_QUIET, "Press"))
    simulator.stop()
    entry.get_by_text("offline").first.wait_for()
    query = f"{{ device(rowId: {device}) {{ status {{ state lastError }} }} }}"
    # The words may change from the first failure to the next.
    def told():
        status = api.post("/graphql", json={"query": query})["data"]["device"]["status"]
        return status["state"] == "offline" and status["lastError"] in entry.inner_text()
    is_told = eventually(told)
    simulator.start()
    entry.wait_for(state="detached")
    card.get_by_text("online").first.wait_for()
    return {"quiet": is_quiet, "told": is_told}


def eventually(probe, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if probe():
            return True
        time.sleep(0.2)
    return False


def lost_connection(page, base, api, stream, other):
    """What is written while the connection is cut is there once it is back: values, events, and readings of a trend."""
    link, now = Cut(page), int(time.time())
    api.ingest([(stream, now - 600 + n, n) for n in range(30)])
    link.open(f"{base}/ui/live")
    row = page.locator("tbody tr", has=page.get_by_role("link", name="a", exact=True))
    row.locator(".value", has_text="29").wait_for()
    # It is followed once its value changes by itself.
    api.ingest([(stream, now - 500, 1111)])
    row.locator(".value", has_text="1,111").wait_for()
    link.cut()
    page.locator(".offline").wait_for()
    # The other stream has readings of a moment ago, from the rule.
    api.ingest([(stream, now - 400, 2222), (other, now, 3333)])
    link.heal()
    row.locator(".value", has_text="2,222").wait_for()
    page.locator("tbody tr", has=page.get_by_role("link", name="b", exact=True)).locator(".value", has_text="3,333").wait_for()
    page.locator(".offline").wait_for(state="detached")

    link.open(f"{base}/ui/events")
    page.locator("h1").wait_for()
    link.cut()
    page.locator(".offline").wait_for()
    api.post("/api/event-log/", json={"kind": "alarm", "level": "error", "message": "door is open", "data": stream})
    link.heal()
    page.locator("tbody tr", has_text="door is open").wait_for()

    link.open(f"{base}/ui/trend?s={stream}&from=now-30m&to=now&table=1")
    # Tiles come one by one: all readings and the head of the table.
    query = f"SELECT count(*) AS n FROM readings WHERE stream_id = {stream} AND ts >= now() - INTERVAL '30 minutes'"
    before = api.sql(query)[0]["n"] + 1
    page.wait_for_function(ROWS, arg=before)
    link.cut()
    page.locator(".offline").wait_for()
    # Older than what is there, and nothing is written afterwards.
    api.ingest([(stream, now - 1200 + n, 4444 + n) for n in range(5)])
    link.heal()
    page.wait_for_function(ROWS, arg=before + 5)
    return {"before": before}


def statistics(page, stream):
    """What the table says of a stream: exact numbers, how many readings, how many without a value, and the difference if it is there."""
    row = page.locator(f'.statistics tr[data-stream="{stream}"]')
    row.locator("td[data-exact]").first.wait_for()
    cells = row.locator("td.number").all_inner_texts()
    return {"exact": row.locator("td[data-exact]").evaluate_all(EXACT), "counts": cells[4:]}


def measured(page, base, api, stream):
    """Readings that are bad, uncertain, late and written again, with a gap, at three levels of detail."""
    qualities = {7: "bad", 11: "uncertain"}
    def line(second, value):
        quality = qualities.get(second % 60, "good")
        # A bad reading has no value.
        return {"stream_id": stream, "ts": BEGIN + second, "value": None if quality == "bad" else value, "quality": quality}
    def lines(seconds, value):
        return [line(second, value(second)) for second in seconds]
    wave = lines([*range(0, HOUR), *range(2 * HOUR - 600, 2 * HOUR)], lambda s: s % 300)
    late, again = lines(range(HOUR - 60, HOUR + 60), lambda s: 1000), lines(range(100, 130), lambda s: -50)
    for rows in (wave, late, again):
        body = "\n".join(map(json.dumps, rows)).encode()
        api.post("/ingest", data=body, headers={"Content-Type": "application/x-ndjson"})
    seen = []
    for begin, end in ((BEGIN, BEGIN + 2 * HOUR), (BEGIN + 60, BEGIN + 180), (BEGIN - 30 * 24 * HOUR, BEGIN + 30 * 24 * HOUR)):
        page.goto(f"{base}/ui/trend?s={stream}&from={iso(begin)}&to={iso(end)}")
        seen.append({"from": iso(begin), "to": iso(end), "address": page.url} | statistics(page, stream))
    page.goto(f"{base}/ui/trend?s={stream}&from={iso(BEGIN + 1800)}&to={iso(BEGIN + HOUR)}&cmp=-30m")
    page.locator(".statistics th", has_text="Difference").or_(page.locator(".statistics th", has_text="difference")).wait_for()
    difference = page.locator(f'.statistics tr[data-stream="{stream}"] td.number').last
    eventually(lambda: difference.inner_text() not in ("", "–"))
    return {"ranges": seen, "middle": iso(BEGIN + 1800), "difference": difference.inner_text()}


def somebody_else(browser, base, address, stream):
    """Another person, who may only read, opens a link."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(120_000)
    enter(page, base, VIEWER, PASSWORD)
    page.goto(address)
    return context, page, statistics(page, stream)


def two_people(page, other, base, api, stream):
    """An anomaly is a band and a row; one acknowledges it with a note, the other sees it without asking."""
    event = {"kind": "anomaly", "level": "warning", "message": "unlike before", "data": stream, "timestamp": BEGIN + 60}
    event = api.post("/api/event-log/", json=event)["id"]
    page.goto(f"{base}/ui/trend?s={stream}&from={iso(BEGIN)}&to={iso(BEGIN + 600)}")
    page.locator(".chips a").first.wait_for()
    chips = page.locator(".chips a").first.get_attribute("aria-label")
    other.goto(f"{base}/ui/events?kind=anomaly")
    row = other.locator("tbody tr", has_text="unlike before")
    row.wait_for()
    buttons = row.get_by_role("button").count()
    page.goto(f"{base}/ui/events/{event}")
    page.get_by_label("Note").fill("seen by ann")
    page.get_by_role("button", name="Acknowledge").click()
    row.get_by_text("seen by ann").wait_for()
    return {"chips": chips, "buttons": buttons, "event": event}


def rule(page, base, api, stream):
    """A rule fires and clears: the list of events tells of both by itself."""
    api.post("/api/rule/", json={"name": "too fast", "stream": stream, "operator": "GT", "threshold": 9000, "severity": "CRITICAL",
                                 "cooldown_seconds": 0, "auto_resolve": True})
    page.goto(f"{base}/ui/events?level=critical")
    page.locator("h1").wait_for()
    now = int(time.time())
    api.ingest([(stream, now, 9001)])
    row = page.locator("tbody tr", has_text="too fast")
    row.wait_for()
    api.ingest([(stream, now + 1, 10)])
    query = "SELECT count(*) AS n FROM events WHERE level = 'critical' AND status = 'RESOLVED'"
    resolved = eventually(lambda: api.sql(query)[0]["n"] == 1)
    return {"row": row.inner_text(), "resolved": resolved}


def limited_key(browser, base, superuser, stream):
    """A key of one stream sees that stream, and the pages that its scopes are for."""
    mutation = 'mutation($input: CreateKeyInput!) { createKey(input: $input) { secret errors { message } } }'
    asked = {"name": "board", "scopes": ["value:read", "data:read", "device:read"], "allowedData": [str(stream)]}
    secret = superuser.post("/graphql", {"query": mutation, "variables": {"input": asked}})["data"]["createKey"]["secret"]
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{base}/ui/")
    page.locator("input[name=key]").fill(secret)
    page.keyboard.press("Enter")
    navigation = page.get_by_role("navigation", name="Pages")
    navigation.get_by_role("link").first.wait_for()
    pages = navigation.get_by_role("link").all_inner_texts()
    page.goto(f"{base}/ui/live")
    page.locator("tbody th a").first.wait_for()
    rows = page.locator("tbody th a").all_inner_texts()
    page.goto(f"{base}/ui/admin/keys")
    page.locator(".empty, .error-box").first.wait_for()
    refused = page.locator("main").inner_text()
    context.close()
    return {"pages": pages, "rows": rows, "refused": refused}


class Superuser:
    """A session of the person who makes other people and keys."""

    def __init__(self, url, user, password):
        self.url, self.session = url, requests.Session()
        self.post("/api/session/", {"username": user, "password": password})
        self.session.headers["X-CSRFToken"] = self.session.cookies["csrftoken"]

    def post(self, path, body):
        answer = self.session.post(self.url + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()


def main():
    url, user, password, key, stream, program, port = sys.argv[1:]
    api, stream, base = Api(url, key), int(stream), url.replace("127.0.0.1", HOST)
    other = api.sql("SELECT id FROM streams WHERE name = 'b'")[0]["id"]
    superuser = Superuser(url, user, password)
    superuser.post("/api/user/", {"username": VIEWER, "password": PASSWORD, "role": "viewer"})
    simulator = Simulator(program, port)
    with sync_playwright() as playwright:
        visit = Visit(playwright, base, HOST)
        page, seen = visit.page, {}
        enter(page, base, user, password)
        seen["stopped"] = stopped_device(page, base, api, simulator, port)
        simulator.stop()
        seen["measured"] = measured(page, base, api, stream)
        context, second, found = somebody_else(visit.browser, base, seen["measured"]["ranges"][0]["address"], stream)
        seen["link"] = found
        seen["people"] = two_people(page, second, base, api, stream)
        context.close()
        seen["rule"] = rule(page, base, api, other)
        seen["key"] = limited_key(visit.browser, base, superuser, stream)
        seen["lost"] = lost_connection(page, base, api, stream, other)
        seen.update(requests=visit.requests, complaints=visit.complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

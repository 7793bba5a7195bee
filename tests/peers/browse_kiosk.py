#!/usr/bin/env python3
"""A board on a panel, opened by a kiosk link in a browser of its own, while a person makes the link and ends it.

    browse_kiosk.py URL USER PASSWORD KEY STREAM AXE

USER is a superuser, STREAM the id of a stream called `a`; KEY makes the board and writes the readings. Prints what was seen as JSON.
Every wait is for something to be there.
"""

import json
import sys
import urllib.request
from pathlib import Path

from browse_pages import Visit
from browse_ui import HOST, Person, log_in
from playwright.sync_api import sync_playwright


class Api:
    """What others do meanwhile."""

    def __init__(self, url, key):
        self.url, self.headers = url, {"Authorization": f"ApiKey {key}"}

    def send(self, path, body, media="application/json"):
        request = urllib.request.Request(f"{self.url}{path}", body.encode(), self.headers | {"Content-Type": media})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def write(self, stream, value):
        row = {"stream_id": stream, "ts": f"2026-04-29T00:00:{int(value) % 60:02}Z", "value": value}
        self.send("/ingest", json.dumps(row), "application/x-ndjson")

    def board(self, stream):
        """A board with a value, a table over all streams, events, and a button that would write."""
        uuid = self.send("/graphql", json.dumps({"query": f"{{ stream(rowId: {stream}) {{ uuid }} }}"}))["data"]["stream"]["uuid"]
        place = {"w": 8, "h": 5, "x": 0}
        layout = [
            {"id": "w1", "type": "STAT", "y": 0, "config": {"sensorIds": [uuid]}, **place},
            {"id": "w2", "type": "TABLE", "y": 5, "config": {"view": "sql", "query": "SELECT count(*) AS n FROM streams"}, **place},
            {"id": "w3", "type": "TABLE", "y": 10, "config": {"view": "events"}, **place},
            {"id": "w4", "type": "STAT", "y": 15, "config": {"view": "write", "value": 1, "sensorIds": [uuid]}, **place},
        ]
        return self.send("/api/dashboard/", json.dumps({"name": "Hall 3", "layout": layout}))["uuid"]


def make_link(person, board):
    page = person.page
    person.open(f"/ui/boards/{board}", '[data-widget="w2"] td')
    both = page.locator('[data-widget="w2"] td').inner_text()
    page.get_by_role("button", name="Kiosk link").click()
    dialog = page.get_by_role("dialog", name="Kiosk link")
    name = dialog.get_by_label("Name of the key").input_value()
    dialog.get_by_label("Last day").fill("")
    dialog.get_by_role("button", name="Make the link").click()
    dialog.get_by_text("Choose the day after which the link ends.").wait_for()
    person.judge("a kiosk link")
    dialog.get_by_label("Last day").fill("2199-12-31")
    dialog.get_by_role("button", name="Make the link").click()
    link = dialog.locator(".secret code")
    link.wait_for()
    person.judge("a kiosk link is shown")
    address = link.inner_text()
    dialog.get_by_role("button", name="Close").click()
    return {"link": address, "name": name, "streams": both, "left": page.locator(".secret").count()}


def show(panel, api, link, stream):
    page, seen = panel.page, {}
    page.goto(link)
    big = page.locator('[data-widget="w1"] .big')
    big.wait_for()
    page.locator('[data-widget="w2"] td').first.wait_for()
    page.locator('[data-widget="w3"] li', has_text="too hot").wait_for()
    panel.judge("panel")
    seen["address"] = page.url
    seen["streams"] = page.locator('[data-widget="w2"] td').inner_text()
    seen["links"] = page.get_by_role("link").count()
    seen["buttons"] = page.get_by_role("button").count()
    api.write(stream, 41)
    big.filter(has_text="41").wait_for()
    # The server is away: what is known stays, and it goes on by itself.
    page.context.set_offline(True)
    page.locator(".offline").wait_for()
    seen["kept"] = big.inner_text()
    panel.judge("panel without a server")
    page.context.set_offline(False)
    page.locator(".offline").wait_for(state="detached")
    api.write(stream, 42)
    big.filter(has_text="42").wait_for()
    # Its screen is switched off and on: the key is that of the tab.
    page.reload()
    big.filter(has_text="42").wait_for()
    return seen


def end(person, panel, name):
    page = person.page
    person.open("/ui/admin/keys", "tbody tr")
    page.get_by_role("button", name=f"Revoke key {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.locator("tr", has_text=name).get_by_text("revoked").first.wait_for()
    heading = panel.page.get_by_role("heading", name="This screen is no longer connected")
    heading.wait_for()
    panel.judge("panel that has ended")
    panel.page.reload()
    heading.wait_for()
    return {"widgets": panel.page.locator("[data-widget]").count(), "saved": panel.page.evaluate("sessionStorage.getItem('basalt.key')")}


def main():
    url, user, password, key, stream, axe = sys.argv[1:]
    api, base = Api(url, key), url.replace("127.0.0.1", HOST)
    board = api.board(stream)
    with sync_playwright() as playwright:
        script = Path(axe).read_text()
        visits = [Visit(playwright, base, HOST) for _ in range(2)]
        person, panel = [Person(visit, script) for visit in visits]
        log_in(person, user, password)
        made = make_link(person, board)
        shown = show(panel, api, made["link"], int(stream))
        ended = end(person, panel, made["name"])
        # Refused requests, and those without a network, are told in the console: they were meant.
        meant = ("status of 401", "ERR_INTERNET_DISCONNECTED")
        complaints = [text for visit in visits for text in visit.complaints if not any(part in text for part in meant)]
        seen = {"made": made, "shown": shown, "ended": ended, "keys": sorted({text or "" for text in visits[1].keys})}
        seen.update(
            findings=person.findings + panel.findings,
            wide=person.wide + panel.wide,
            requests=visits[1].requests,
            complaints=complaints,
        )
        for visit in visits:
            visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

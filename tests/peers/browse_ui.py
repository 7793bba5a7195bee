#!/usr/bin/env python3
"""The web application in a real browser, used as a person would, over plain HTTP under a host name.

    browse_ui.py URL USER PASSWORD KEY STREAM AXE

STREAM is the id of a stream called `a` with one reading a second from 2026-04-28T12:00:00Z to 12:00:24Z, and an event about it;
AXE the path of axe-core's script. Prints what was seen as JSON. Every wait is for something to be there.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

import browse_tools
from browse_pages import Visit
from playwright.sync_api import TimeoutError, sync_playwright

HOST = "plant.test"
NOON = 1_777_377_600
RANGE = "from=2026-04-28T11:59:50.000Z&to=2026-04-28T12:00:40.000Z"

# Share of the plot's width at which a colour is seen first and last.
INK = """
    ([colour]) => {
        const canvas = document.querySelector(".chart canvas");
        const over = document.querySelector(".chart .u-over").getBoundingClientRect();
        const scale = canvas.width / canvas.getBoundingClientRect().width;
        const left = Math.round((over.left - canvas.getBoundingClientRect().left) * scale);
        const width = Math.round(over.width * scale);
        const { data } = canvas.getContext("2d").getImageData(left, 0, width, canvas.height);
        const columns = [];
        for (let i = 0; i < data.length; i += 4) {
            const isThere = [0, 1, 2].every((part) => Math.abs(data[i + part] - colour[part]) < 3) && data[i + 3] === 255;
            if (isThere) columns.push((i / 4) % width);
        }
        return columns.length ? [Math.min(...columns) / width, Math.max(...columns) / width] : null;
    }
"""


# Until the page has been laid out and drawn as it is now.
TWO_FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"

# Colours and width of a window.
IN_UPPER_HALF = "place => document.querySelector(place)?.getBoundingClientRect().top <= 400"
LOOKS = (("dark", 360), ("dark", 1280), ("light", 360), ("light", 1280))


def looks(all_looks):
    """How a page is judged: in every look when the pages have changed or whole cases run (tests/support/case_size.rs), else in one that
    is another with every change."""
    if "pages" in os.environ.get("BASALT_WHOLE_ROOMS", "").split() or os.environ.get("BASALT_WHOLE_CASES"):
        return all_looks
    return [all_looks[int(os.environ.get("BASALT_TEST_SEED") or 0) % len(all_looks)]]


class Person:
    """Somebody with a browser, who has every page judged by axe on the way."""

    def __init__(self, visit, axe):
        self.visit, self.page, self.axe = visit, visit.page, axe
        self.findings, self.wide = [], []

    def open(self, path, ready):
        self.page.goto(f"{self.visit.base}{path}")
        self.page.locator(ready).first.wait_for()
        self.judge(path)

    def judge(self, path):
        """Notes what axe finds, and whether the page is wider than its window: light and dark, on a screen and on a phone."""
        for scheme, width in looks(LOOKS):
            self.judge_as(path, scheme, width)
            self.note_width(path, width)
        # What follows is done on a screen, in the light.
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.emulate_media(color_scheme="light")
        self.page.evaluate(TWO_FRAMES)

    def judge_as(self, path, scheme, width):
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate(self.axe)
        found = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        for violation in found["violations"]:
            where = [node["html"][:160] for node in violation["nodes"][:2]]
            self.findings.append([path, scheme, width, violation["id"], where])

    def note_start(self, path, place):
        """Notes whether a page begins with this on a phone: it is in the upper half of the window, once lists have folded."""
        self.page.set_viewport_size({"width": 360, "height": 800})
        try:
            self.page.wait_for_function(IN_UPPER_HALF, arg=place, timeout=10_000)
        except TimeoutError:
            self.findings.append([path, "begins late", place, self.page.locator(place).first.bounding_box()])
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.evaluate(TWO_FRAMES)
        self.page.locator(place).first.wait_for()

    def note_width(self, path, width):
        if self.page.evaluate("document.documentElement.scrollWidth") > width:
            self.wide.append([path, width])


def log_in(person, user, password):
    page = person.page
    page.goto(f"{person.visit.base}/")
    page.get_by_label("User").fill(user)
    person.judge("login")
    page.get_by_label("Password").fill(password + "!")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    refused = page.get_by_role("alert").inner_text()
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    return {"address": page.url, "refused": refused}


def overview(person):
    page = person.page
    person.open("/ui/", ".cards li")
    page.locator(".attention li", has_text="too hot").wait_for()
    # Without a board it has the values of the first streams.
    page.locator(".board-grid .kind-value .big").first.wait_for()
    person.judge("overview")
    return {"pages": page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()}


def trend(person, stream):
    page, seen = person.page, {}
    person.open(f"/ui/trend?s={stream}&{RANGE}", ".statistics tbody tr")
    row = page.locator(f'.statistics tr[data-stream="{stream}"]')
    row.locator("td", has_text="25").first.wait_for()
    seen["statistics"] = row.locator("td[data-exact]").evaluate_all("cells => cells.map((cell) => Number(cell.dataset.exact))")
    page.locator(".level-words", has_text="Every reading").wait_for()
    # What is done to the range is one line beside the name of the page.
    height = page.locator(".page-head").bounding_box()["height"]
    if height > 48:
        person.findings.append(["trend", "tools of several lines", height])
    person.note_start("trend", ".chart")
    page.wait_for_function(INK, arg=[[0x58, 0x5A, 0xA0]])
    seen["ink"] = page.evaluate(INK, [[0x58, 0x5A, 0xA0]])
    person.judge("trend with a stream")
    # Other colours and another width have drawn it anew.
    page.wait_for_function(INK, arg=[[0x58, 0x5A, 0xA0]])

    chart = page.locator(".chart .u-over").first.bounding_box()
    middle = [chart["x"] + chart["width"] / 2, chart["y"] + chart["height"] / 2]
    before = page.url
    page.mouse.move(*middle)
    page.locator(".readout").wait_for()
    page.mouse.down()
    page.mouse.move(middle[0] + 100, middle[1], steps=4)
    page.mouse.up()
    page.wait_for_function("before => location.href !== before", arg=before)
    seen["panned"] = page.url
    page.go_back()
    page.wait_for_function("before => location.href === before", arg=before)
    page.mouse.move(*middle)
    page.mouse.wheel(0, 400)
    page.wait_for_function("before => location.href !== before", arg=before)
    seen["zoomed"] = page.url
    page.go_back()
    page.wait_for_function("before => location.href === before", arg=before)

    # By keyboard alone: as a table, and back.
    page.get_by_role("application").focus()
    page.keyboard.press("t")
    page.get_by_role("region", name="Trend").wait_for()
    seen["table"] = page.get_by_role("region", name="Trend").locator("table").get_attribute("aria-rowcount")
    person.judge("trend as a table")
    page.get_by_role("button", name="As chart").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV").click()
    seen["csv"] = Path(started.value.path()).read_text().splitlines()
    page.get_by_role("link", name="As SQL").click()
    page.get_by_role("button", name="Run").click()
    page.locator("#status", has_text="rows in").wait_for()
    seen["sql_rows"] = page.locator(".grid tbody tr").count()
    return seen


def events(person):
    page, seen = person.page, {}
    person.open("/ui/events?level=critical", "tbody tr")
    person.note_start("events", "tbody tr")
    page.get_by_label("Select all").check()
    page.get_by_label("Note").fill("fan replaced")
    person.judge("events")
    page.get_by_role("button", name="Acknowledge 1").click()
    page.locator("tbody tr", has_text="fan replaced").wait_for()
    page.locator("tbody tr a").first.click()
    page.get_by_role("heading", name="too hot").wait_for()
    person.judge("event")
    seen["address"] = page.url
    # A note to the time of the event, which the strip then shows.
    page.goto(f"{person.visit.base}/ui/events?from=2026-04-28T12:00:00Z&to=2026-04-28T12:10:00Z")
    page.get_by_role("button", name="Add a note").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note for everybody").fill("the door was open")
    local = "new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19)"
    dialog.get_by_label("About this time").fill(page.evaluate(f"time => {local}", (NOON + 300) * 1000))
    person.judge("a note")
    dialog.get_by_role("button", name="Save").click()
    page.locator("tbody tr", has_text="the door was open").wait_for()
    person.judge("events with a strip")
    page.locator(".density .part").first.click()
    page.locator("tbody tr", has_text="the door was open").wait_for(state="detached")
    seen["part"] = page.locator("tbody tr", has_text="too hot").count()
    return seen


def live(person, key, stream):
    page = person.page
    person.open("/ui/live", "tbody tr th a")
    person.note_start("live", "tbody tr th a")
    row = page.locator("tbody tr", has=page.get_by_role("link", name="a", exact=True))
    before = row.locator(".value").inner_text()
    body = json.dumps({"stream_id": stream, "ts": "2026-04-29T00:00:00Z", "value": 4711}).encode()
    headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/x-ndjson"}
    address = person.visit.base.replace(HOST, "127.0.0.1")
    urllib.request.urlopen(urllib.request.Request(f"{address}/ingest", body, headers)).read()
    # Until the subscription begins the value may come with the next reading of the page.
    row.locator(".value", has_text="4,711").or_(row.locator(".value", has_text="4711")).wait_for()
    return {"before": before, "after": row.locator(".value").inner_text()}


def devices(person):
    page = person.page
    person.open("/ui/devices", "tbody tr th a")
    person.note_start("devices", "tbody tr th a")
    names = page.locator("tbody tr th a").all_inner_texts()
    # Arrow keys go from row to row.
    page.locator("tbody tr th a").first.focus()
    page.keyboard.press("ArrowDown")
    if page.evaluate("document.activeElement.textContent") != names[1]:
        person.findings.append(["devices", "an arrow key does not go to the next row"])
    page.locator("tbody tr th a").first.click()
    page.get_by_role("heading", name=names[0]).wait_for()
    page.locator("tbody tr th").first.wait_for()
    person.judge("device")
    return {"names": names}


def find(person):
    page = person.page
    person.open("/ui/", ".cards li")
    page.keyboard.press("/")
    page.locator("dialog.find input:focus").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog.find input").wait_for(state="hidden")
    page.keyboard.press("Control+k")
    # It has the focus as soon as it is there.
    page.locator("dialog.find input:focus").wait_for()
    page.keyboard.type("a")
    option = page.locator("#found li").first
    option.wait_for()
    person.judge("find")
    name = option.inner_text()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1).wait_for()
    return {"option": name, "address": page.url}


def leave(person):
    page = person.page
    person.open("/ui/nowhere", ".empty")
    page.locator(".account summary").click()
    page.get_by_label("Language").select_option("de")
    page.get_by_text("Diese Seite gibt es nicht.").wait_for()
    person.judge("German")
    page.get_by_role("button", name="Abmelden").click()
    page.get_by_role("button", name="Anmelden").wait_for()
    return {"cookies": [cookie["name"] for cookie in page.context.cookies()], "rows": page.locator("tbody tr").count()}


def main():
    base, user, password, key, stream, axe = sys.argv[1:]
    base = base.replace("127.0.0.1", HOST)
    with sync_playwright() as playwright:
        visit = Visit(playwright, base, HOST)
        person = Person(visit, Path(axe).read_text())
        seen = {
            "login": log_in(person, user, password),
            "overview": overview(person),
            "trend": trend(person, stream),
            "events": events(person),
            "live": live(person, key, int(stream)),
            "devices": devices(person),
            "find": find(person),
            "sql": browse_tools.sql(person, stream),
            "boards": browse_tools.boards(person, key),
            "rules": browse_tools.rules(person),
            "transfer": browse_tools.transfer(person),
            "system": browse_tools.system(person),
            "backup": browse_tools.backup(person),
            "admin": browse_tools.admin(person),
            "leave": leave(person),
        }
        # The browser tells of every refused request in its console: the wrong password was meant.
        complaints = [text for text in visit.complaints if "status of 401" not in text]
        seen.update(findings=person.findings, wide=person.wide, requests=visit.requests, complaints=complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

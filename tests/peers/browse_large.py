#!/usr/bin/env python3
"""Every page of the web application over a plant of thousands of streams, in a real browser.

    browse_large.py URL USER PASSWORD KEY STREAMS DEVICES EVENTS AXE

Makes the plant first (large_plant.py). Each page is opened by its address and judged in German, as browse_ui.py and browse_plant.py judge them
in English. Prints for each page its size as JSON: rows and elements of the document, requests, bytes that came, and what is wrong with it.
Every wait is for something to be there.
"""

import json
import sys
from pathlib import Path

import large_plant
from browse_pages import Visit
from browse_ui import HOST, Person, looks
from playwright.sync_api import sync_playwright

# Whether what has the keyboard shows it: an outline, a shadow, or a mark of the browser's own.
SHOWS_FOCUS = """
    () => {
        const element = document.activeElement;
        if (!element || element === document.body) return null;
        const { outlineStyle, boxShadow } = getComputedStyle(element);
        return outlineStyle !== "none" || boxShadow !== "none" ? null : element.outerHTML.slice(0, 160);
    }
"""
# Places that Tab goes to on each page.
TABS = 25
# A language changes neither colours nor structure: both schemes and both widths once each. 640 pixels are a window of 1280 at 200 %.
JUDGED = (("light", 1280), ("dark", 360))
WIDTHS = (360, 640, 1280)


def pages(plant):
    """Address and what is there when the page shows its content, which `{}` of the address is part of."""
    begin, end = large_plant.iso(large_plant.DAY), large_plant.iso(large_plant.DAY + large_plant.DAY_SECONDS)
    eight = ",".join(map(str, plant["streams"]))
    return {
        "overview": ("/ui/", ".cards li"),
        "live": ("/ui/live", ".table-scroll tbody th a"),
        "trend": ("/ui/trend", ".picker-list .choice"),
        "trend of a day, 8 streams": (f"/ui/trend?s={eight}&from={begin}&to={end}", ".statistics td[data-exact]"),
        "events": ("/ui/events", "tbody tr"),
        "event": (f"/ui/events/{plant['event']}", "dl.facts"),
        "devices": ("/ui/devices", ".table-scroll tbody th a"),
        "device": (f"/ui/devices/{plant['device']}", ".table-scroll tbody th"),
        "new device": ("/ui/devices/new", "form"),
        "settings of a device": (f"/ui/devices/{plant['device']}/edit", "form"),
        "tag list of a device": (f"/ui/devices/{plant['device']}/tag-list", "form textarea"),
        "stream": (f"/ui/streams/{plant['stream']}?days=1", "svg.day-bars"),
        "models": ("/ui/models", "tbody tr"),
        "model": (f"/ui/models/{plant['model']}", "dl.facts"),
        "new model": ("/ui/models/new", "form input[type=file]"),
        "boards": ("/ui/boards", ".cards li"),
        "board": (f"/ui/boards/{plant['board']}", '[data-widget="w3"] .big'),
        "a board is edited": (f"/ui/boards/{plant['board']}?edit", '[data-widget="w3"] .handle'),
        "rules": ("/ui/rules", "tbody tr"),
        "import": ("/ui/data/import", ".drop"),
        "export": ("/ui/data/export", "form fieldset"),
        "SQL": ("/ui/sql", ".editor[data-schema]"),
        "system": ("/ui/system", ".checks li"),
        "keys": ("/ui/admin/keys", "tbody tr"),
        "users": ("/ui/admin/users", "tbody tr"),
        "audit": ("/ui/admin/audit", ".timeline li"),
        "retention": ("/ui/admin/retention", "form"),
    }


class Meter:
    """Counts what a page asks for, and the bytes that come."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)
        self.requests, self.bytes = [], 0
        self.session.send("Network.enable")
        self.session.on("Network.requestWillBeSent", lambda event: self.requests.append(event["request"]["url"]))
        self.session.on("Network.dataReceived", self.add)

    def add(self, event):
        # What the browser has to read, however well it was compressed on the way.
        self.bytes += event["dataLength"]

    def reset(self):
        self.requests, self.bytes = [], 0


def enter(page, base, user, password):
    page.goto(f"{base}/ui/")
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.locator("nav a[href^='/ui/']").first.wait_for()


def sizes(page, meter):
    # What is asked for after the first answer, such as small lines, counts too.
    page.wait_for_load_state("networkidle")
    count = "document.querySelectorAll"
    return {
        "rows": page.evaluate(f"{count}('tr').length"),
        "elements": page.evaluate(f"{count}('*').length"),
        "requests": len(meter.requests),
        "kilobytes": round(meter.bytes / 1000),
        "error": [text[:300] for text in page.locator(".error-box").all_inner_texts()],
    }


def unseen_focus(page):
    """Elements that the keyboard comes to and that do not show it."""
    page.locator("body").focus()
    found = []
    for _ in range(TABS):
        page.keyboard.press("Tab")
        hidden = page.evaluate(SHOWS_FOCUS)
        if hidden:
            found.append(hidden)
    return found


def moves(page):
    """Whether something moves although the person asked for less of it."""
    page.emulate_media(reduced_motion="reduce")
    running = page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length")
    page.emulate_media(reduced_motion="no-preference")
    return running


def judge(person, path):
    for scheme, width in looks(JUDGED):
        person.judge_as(path, scheme, width)
    for width in WIDTHS:
        person.page.set_viewport_size({"width": width, "height": 800})
        person.note_width(path, width)


def main():
    base, user, password, key, streams, devices, events, axe = sys.argv[1:]
    api = large_plant.Api(base, key)
    plant = large_plant.make(api, int(streams), int(devices), int(events))
    large_plant.write_day(api, plant["streams"], 10)
    base = base.replace("127.0.0.1", HOST)
    with sync_playwright() as playwright:
        visit = Visit(playwright, base, HOST)
        person = Person(visit, Path(axe).read_text())
        page, seen = visit.page, {}
        enter(page, base, user, password)
        page.evaluate("localStorage.setItem('basalt.language', 'de')")
        meter = Meter(page)
        for name, (path, ready) in pages(plant).items():
            page.set_viewport_size({"width": 1280, "height": 800})
            meter.reset()
            page.goto(f"{base}{path}")
            page.locator(ready).first.wait_for()
            seen[name] = sizes(page, meter) | {"focus": unseen_focus(page), "moves": moves(page)}
            seen[name]["language"] = page.evaluate("document.documentElement.lang")
            judge(person, path)
        print(json.dumps({"pages": seen, "findings": person.findings, "wide": person.wide,
                          "requests": visit.requests, "complaints": visit.complaints}))
        visit.browser.close()


if __name__ == "__main__":
    main()

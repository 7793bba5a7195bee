#!/usr/bin/env python3
"""The web application without a mouse, in forced colours, with less motion, at 200 %, and for as long as values come, in a real browser.

    browse_access.py URL USER PASSWORD KEY STREAM AXE

STREAM is the id of a stream called `a` as browse_ui.py describes it; AXE the path of axe-core's script. Prints what was seen as JSON.
Every wait is for something to be there.
"""

import json
import sys
import time
from pathlib import Path

from browse_large import enter
from browse_pages import Visit
from browse_ui import HOST, NOON, Person, looks
from large_plant import Api, iso
from playwright.sync_api import sync_playwright

# More than there are places between any two that a person goes to.
MOST_TABS = 80
# Places that Tab goes to first on each page: to the content, the name, search, account, and the pages.
FIRST_TABS = 16
# Values of the stream that changes, and how many come in a second.
VALUES, RATE = 400, 20
# Values after which the heap is measured: after 5 and after 20 seconds.
MEASURED = (100, 400)

# What a mouse or a finger does is counted, and so is what begins to move.
WATCH = """
    window.mouse = 0;
    for (const kind of ["pointerdown", "pointermove", "mousedown", "mousemove", "wheel", "touchstart"])
        addEventListener(kind, () => { window.mouse += 1; }, { capture: true });
    window.moves = 0;
    for (const kind of ["animationstart", "transitionrun"]) addEventListener(kind, () => { window.moves += 1; }, { capture: true });
"""
FOCUSED = """
    (wanted) => document.activeElement.matches(wanted) || (document.activeElement.closest("label")?.matches(wanted) ?? false)
"""
# What has the focus and does not show it, "" if it is seen; null after the last place of the page.
UNSEEN_FOCUS = """
    () => {
        const element = document.activeElement;
        if (element === document.body) return null;
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
        const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && outlineColor !== "rgba(0, 0, 0, 0)";
        return isSeen ? "" : element.outerHTML.slice(0, 160);
    }
"""
# Backgrounds of a button that is pressed and of one that is not.
PRESSED = """
    () => ["true", "false"].map((is) => getComputedStyle(document.querySelector(`button[aria-pressed="${is}"]`)).backgroundColor)
"""


class Keys:
    """A person with a keyboard alone."""

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def go_to(self, selector):
        """Goes on with Tab until an element has the focus."""
        for _ in range(MOST_TABS):
            if self.page.evaluate(FOCUSED, selector):
                return
            self.press("Tab")
        raise SystemExit(f"Tab does not come to {selector}")

    def addressed(self, *keys):
        """Presses keys, which change the address; the new one."""
        before = self.page.evaluate("location.href")
        self.press(*keys)
        self.page.wait_for_function("before => location.href !== before", arg=before)
        return self.page.evaluate("location.href")


def trend(page, base):
    """A stream is found, chosen, panned, zoomed, read, and shown as a table, and Back leads back, all of it by keys."""
    keys, seen = Keys(page), {}
    page.goto(f"{base}/ui/trend?from={iso(NOON - 10)}&to={iso(NOON + 30)}")
    page.locator(".picker-list .choice").first.wait_for()
    addresses = [page.evaluate("location.href")]
    keys.go_to("input[type=search]")
    page.keyboard.type("a")
    page.locator(".picker-list .choice", has_text="b").wait_for(state="detached")
    keys.go_to(".picker-list .choice")
    addresses.append(keys.addressed("Space"))
    page.locator(".level-words", has_text="Every reading").wait_for()
    keys.go_to("figure.charts")
    addresses.append(keys.addressed("Shift+ArrowRight"))
    addresses.append(keys.addressed("+"))
    page.locator(".level-words", has_text="Every reading").wait_for()
    keys.press("ArrowRight", "ArrowRight", "ArrowLeft")
    readout = page.locator(".readout")
    readout.get_by_role("row").wait_for()
    # The seconds, which are the same in every zone of time.
    seen["read"] = [readout.locator("p").inner_text().split(":")[-1], readout.locator("strong").inner_text().strip()]
    addresses.append(keys.addressed("t"))
    table = page.get_by_role("region", name="Trend")
    table.wait_for()
    seen["rows"] = table.locator("tbody tr").count()
    # The table has the keyboard now, and then the chart has it again.
    addresses.append(keys.addressed("t"))
    page.locator("figure.charts:focus").wait_for()
    seen["addresses"], back = [address.removeprefix(base) for address in addresses], []
    for before in addresses[2::-1]:
        page.go_back()
        page.wait_for_function("before => location.href === before", arg=before)
        back.append(before.removeprefix(base))
    page.locator(".empty").wait_for()
    return seen | {"back": back, "mouse": page.evaluate("mouse")}


def pages(page, base):
    """Addresses of the pages of the navigation."""
    page.goto(f"{base}/ui/")
    links = page.get_by_role("navigation", name="Pages").locator("a[href^='/ui/']")
    links.first.wait_for()
    return list(dict.fromkeys(links.evaluate_all("links => links.map((link) => link.getAttribute('href'))")))


def open_page(page, base, path):
    page.goto(f"{base}{path}")
    page.locator("main h1").wait_for()
    page.wait_for_load_state("networkidle")


def focus(page):
    """What the places that Tab goes to first do not show of it; fewer than asked for where the page has no more."""
    found = []
    while len(found) < FIRST_TABS:
        page.keyboard.press("Tab")
        unseen = page.evaluate(UNSEEN_FOCUS)
        if unseen is None:
            break
        found.append(unseen)
    return found


def modes(person, base, paths):
    """Every page in forced colours, light and dark, with less motion, and at 200 % in a window of 1280 by 800 pixels."""
    page, places, moved = person.page, [], {"free": 0, "reduced": 0, "running": 0}
    for path in paths:
        page.emulate_media(forced_colors="active", color_scheme="light")
        open_page(page, base, path)
        places.append(focus(page))
        if path == "/ui/trend":
            pressed = page.evaluate(PRESSED)
        moved["free"] += page.evaluate("moves")
        for scheme in looks(("light", "dark")):
            person.judge_as(f"{path} in forced colours", scheme, 1280)
        person.note_width(f"{path} in forced colours", 1280)

        page.emulate_media(forced_colors="none", reduced_motion="reduce", color_scheme="light")
        page.set_viewport_size({"width": 640, "height": 400})
        open_page(page, base, path)
        moved["reduced"] += page.evaluate("moves")
        moved["running"] += page.evaluate("document.getAnimations().length")
        places.append(focus(page))
        person.note_width(f"{path} at 200 %", 640)
        page.evaluate(person.axe)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        person.findings += [[path, "at 200 %", violation["id"]] for violation in found["violations"]]
        page.emulate_media(reduced_motion="no-preference")
        page.set_viewport_size({"width": 1280, "height": 800})
    unseen = [one for page in places for one in page if one]
    return {"unseen": unseen, "fewest": min(map(len, places)), "moved": moved, "pressed": pressed[0] != pressed[1]}


def heap(page, base, api, stream):
    """Bytes that scripts hold after each part of a time in which a value comes all the while."""
    session = page.context.new_cdp_session(page)
    page.goto(f"{base}/ui/live")
    row = page.locator("tbody tr", has=page.get_by_role("link", name="a", exact=True))
    row.locator(".value").wait_for()
    begin, held = time.time(), []
    page.evaluate("""
        () => {
            window.changes = 0;
            const count = (all) => { window.changes += all.length; };
            new MutationObserver(count).observe(document.querySelector("tbody"), { subtree: true, characterData: true, childList: true });
        }
    """)
    for number in range(1, VALUES + 1):
        api.ingest([(stream, begin + number / RATE, number)])
        # Not before its time.
        time.sleep(max(0, begin + number / RATE - time.time()))
        if number in MEASURED:
            row.locator(".value").get_by_text(str(number), exact=True).wait_for()
            session.send("HeapProfiler.collectGarbage")
            held.append(session.send("Runtime.getHeapUsage")["usedSize"])
    return {"bytes": held, "changes": page.evaluate("changes"), "seconds": time.time() - begin}


def main():
    url, user, password, key, stream, axe = sys.argv[1:]
    api, stream, base = Api(url, key), int(stream), url.replace("127.0.0.1", HOST)
    with sync_playwright() as playwright:
        visit = Visit(playwright, base, HOST)
        person = Person(visit, Path(axe).read_text())
        page = visit.page
        page.add_init_script(WATCH)
        enter(page, base, user, password)
        paths = pages(page, base)
        seen = {
            "trend": trend(page, base),
            "paths": paths,
            "modes": modes(person, base, paths),
            "heap": heap(page, base, api, stream),
        }
        seen.update(findings=person.findings, wide=person.wide, requests=visit.requests, complaints=visit.complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The one-time link of `basalt demo` in a real browser.

    follow_link.py LINK AXE

Opens it, looks at the overview with its board, and opens it once more after the cookies are gone. AXE is the path of axe-core's script. Prints what was seen as JSON. Every wait is for something to be there.
"""

import json
import sys
from pathlib import Path

from browse_pages import Visit
from browse_ui import Person
from playwright.sync_api import sync_playwright


def board(person):
    """Each kind of widget shows something of the plant."""
    page = person.page
    page.get_by_role("heading", name="Plant").get_by_role("link").wait_for()
    for shown in (".kind-gauge", ".kind-value .big", ".kind-states figcaption span", ".kind-line figcaption span", ".kind-table tbody tr"):
        page.locator(f".board-grid {shown}").first.wait_for()
    page.get_by_role("button", name="Write 1,200 rpm").wait_for()
    person.judge("the demo's board")
    return {"findings": person.findings, "wide": person.wide}


def main():
    link, axe = sys.argv[1:]
    with sync_playwright() as playwright:
        visit = Visit(playwright, link.split("/ui/")[0])
        page, referers = visit.page, []
        page.on("request", lambda request: referers.append(request.headers.get("referer", "")))
        page.goto(link)
        page.get_by_role("heading", name="Overview").wait_for()
        seen = {"address": page.url, "referers": sorted(set(referers))}
        seen.update(board(Person(visit, Path(axe).read_text())))
        page.context.clear_cookies()
        page.goto("about:blank")
        page.goto(link)
        seen["refused"] = page.get_by_role("alert").inner_text()
        seen["left"] = page.url
        visit.browser.close()
    print(json.dumps(seen))


main()

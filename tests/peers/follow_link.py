#!/usr/bin/env python3
"""The one-time link of `basalt demo` in a real browser.

    follow_link.py LINK

Opens it, and once more after the cookies are gone. Prints what was seen as JSON. Every wait is for something to be there.
"""

import json
import sys

from browse_pages import Visit
from playwright.sync_api import sync_playwright


def main():
    link = sys.argv[1]
    with sync_playwright() as playwright:
        visit = Visit(playwright, link.split("/ui/")[0])
        page, referers = visit.page, []
        page.on("request", lambda request: referers.append(request.headers.get("referer", "")))
        page.goto(link)
        page.get_by_role("heading", name="Overview").wait_for()
        seen = {"address": page.url, "referers": sorted(set(referers))}
        page.context.clear_cookies()
        page.goto("about:blank")
        page.goto(link)
        seen["refused"] = page.get_by_role("alert").inner_text()
        seen["left"] = page.url
        visit.browser.close()
    print(json.dumps(seen))


main()

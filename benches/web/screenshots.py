#!/usr/bin/env python3
"""Pictures of every page of the web application over the demo, to be looked at: light and dark, on a screen and on a phone.

    python3 benches/web/screenshots.py --basalt target/release/basalt --out DIR [--after 60]

Chromium is the one in BASALT_TEST_CHROMIUM, and Python that of the tests (`.venv`). A demo is started on a directory of its own; the pictures are
taken `--after` so many seconds, when its first alert and anomaly are there. DIR gets NAME-light-1280.png and so on; the names are printed, with
the pages that did not show their content.
"""

import argparse
import atexit
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/peers"))

import large_plant
from browse_large import pages
from playwright.sync_api import TimeoutError, sync_playwright

SCHEMES = ("light", "dark")
SIZES = ((1280, 900), (390, 844))
# Milliseconds until a page is taken as it is.
PATIENCE = 20_000
# Until the page has been laid out and drawn as it is now.
TWO_FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


class Demo:
    """A demo on a directory of its own, with what its first start prints."""

    def __init__(self, program, folder):
        command = [program, "demo", "--data-dir", f"{folder}/demo", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)
        said = ""
        for line in self.process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        self.link = re.search(r"^\s+open\s+(\S+)", said, re.M)[1]
        self.key = re.search(r"^\s+key\s+(\S+)", said, re.M)[1]
        self.url = self.link.split("/ui/")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def demo_pages(api):
    """Addresses of all pages by name, with what is there when they show their content."""
    furnace = api.sql("SELECT id, device_id FROM streams WHERE name = 'furnace.temperature'")[0]
    numbers = "SELECT id FROM streams WHERE name LIKE 'motor.%' OR name LIKE 'furnace.%' ORDER BY id LIMIT 8"
    query = "{ models(first: 1) { nodes { rowId } } dashboards(first: 1) { nodes { uuid } } }"
    nodes = api.post("/graphql", json={"query": query})["data"]
    known = pages({
        "stream": furnace["id"], "device": furnace["device_id"], "streams": [row["id"] for row in api.sql(numbers)],
        "event": api.sql("SELECT max(id) AS id FROM events")[0]["id"],
        "model": nodes["models"]["nodes"][0]["rowId"], "board": nodes["dashboards"]["nodes"][0]["uuid"],
    })
    name = "trend of a day, 8 streams"
    path, ready = known[name]
    known[name] = (f"{path.split('&from=')[0]}&from=now-24h&to=now", ready)
    known["trend with comparison"] = (f"/ui/trend?s={furnace['id']}&from=now-24h&to=now&cmp=-7d", ready)
    return known


def take(page, url, known, out):
    """Takes every page in every look; the names of those that did not show their content."""
    missing = []
    for name, (path, ready) in known.items():
        # On a phone lists are folded until somebody opens them.
        page.emulate_media(color_scheme=SCHEMES[0])
        page.set_viewport_size(dict(zip(("width", "height"), SIZES[0])))
        page.goto(f"{url}{path}")
        try:
            page.locator(ready).first.wait_for(timeout=PATIENCE)
        except TimeoutError:
            missing.append(name)
        file = re.sub(r"\W+", "-", name.lower())
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate(TWO_FRAMES)
                # What is asked for once there is more room.
                page.wait_for_timeout(500)
                target = out / f"{file}-{scheme}-{width}.png"
                page.screenshot(path=target, full_page=True)
                print(target, flush=True)
    return missing


def main():
    parser = argparse.ArgumentParser(prog="benches/web/screenshots.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--basalt", type=Path, default=ROOT / "target/release/basalt", help="the program [default: %(default)s]")
    parser.add_argument("--out", type=Path, required=True, help="where the pictures are put")
    parser.add_argument("--after", type=float, default=60, help="seconds after the start of the demo [default: %(default)s]")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Demo(options.basalt.resolve(), folder) as demo, sync_playwright() as playwright:
        time.sleep(options.after)
        browser = playwright.chromium.launch(executable_path=os.environ["BASALT_TEST_CHROMIUM"], args=["--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
        page.goto(f"{demo.url}/ui/")
        page.locator("input[name=username]").wait_for()
        page.screenshot(path=options.out / "login-light-1280.png")
        page.goto("about:blank")
        page.goto(demo.link)
        page.locator("nav a[href^='/ui/']").first.wait_for()
        missing = take(page, demo.url, demo_pages(large_plant.Api(demo.url, demo.key)), options.out)
        browser.close()
    if missing:
        print(f"without their content: {', '.join(missing)}")


if __name__ == "__main__":
    main()

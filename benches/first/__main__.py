#!/usr/bin/env python3
"""Measures the first contact with a program: its size, its start on an empty directory, its first answers, its memory at rest, and the demo.

    python3 benches/first --basalt target/dist/basalt [--rounds 7] [--idle 10]

Prints tables in Markdown. With BASALT_TEST_CHROMIUM, and in the Python environment of the tests (`.venv`), a browser follows the link of the
demo until its board is drawn. No time and no size fails a run; an answer that does not come does.
"""

import argparse
import gzip
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benches"))

from markdown import row, table

KEY = "bslt_first_0123456789abcdef0123456789abcdef"
# What is drawn on the overview when the board of the demo is there.
DRAWN = (".kind-gauge", ".kind-value .big", ".kind-line figcaption span", ".kind-table tbody tr")
# Seconds within which a server or a demo answers, or the run fails.
PATIENCE = 120
MEGA = 1_000_000


def spread(values, form="{:.0f}"):
    """Median and largest of values."""
    return f"{form.format(statistics.median(values))}, {form.format(max(values))}"


class Process:
    """A program whose lines are kept, with the time of each since it was started, in milliseconds."""

    def __init__(self, command, environment):
        self.began = time.perf_counter()
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def since(self):
        return (time.perf_counter() - self.began) * 1000

    def read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append((self.since(), line))
                self.news.notify_all()

    def wait_for(self, pattern):
        """When the first line came that has this, and what its group matched."""
        def found():
            matches = ((at, re.search(pattern, line)) for at, line in self.lines)
            return next(((at, match[1]) for at, match in matches if match), None)

        with self.news:
            seen = self.news.wait_for(found, PATIENCE)
        if not seen:
            self.stop()
            sys.exit(f"benches/first: no line like {pattern}: {''.join(line for _, line in self.lines)}")
        return seen

    def memory(self, field):
        """A size of the process in MB, by Linux."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M)[1]) * 1024 / MEGA

    def stop(self):
        self.process.terminate()
        self.process.wait()


def ask(connection, method, path, body=None):
    """Asks on a connection; milliseconds until the whole answer has come."""
    began = time.perf_counter()
    connection.request(method, path, body, {"Authorization": f"ApiKey {KEY}"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        sys.exit(f"benches/first: {method} {path}: {answer.status} {content.decode()}")
    return (time.perf_counter() - began) * 1000


def measure_size(program):
    size = program.stat().st_size
    with program.open("rb") as file:
        packed = len(gzip.compress(file.read(), 9))
    table("the program", "MB", "target")
    row("installed", f"{size / MEGA:.1f}", 110)
    row("packed by gzip -9", f"{packed / MEGA:.1f}", 35)


def start_once(program, idle):
    """A server on an empty directory: its times in milliseconds, and its memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "serve", "--data-dir", f"{folder}/data", "--listen", "127.0.0.1:0"]
        server = Process(command, {"BASALT_BOOTSTRAP_KEY": KEY})
        try:
            listening, address = server.wait_for(r"listening on http://(\S+)")
            connection = http.client.HTTPConnection(address, timeout=PATIENCE)
            ask(connection, "GET", "/healthz/")
            seen = {"listening": listening, "health": server.since()}
            seen["sql"] = ask(connection, "POST", "/sql", "SELECT count(*) AS n FROM readings")
            seen["sql again"] = ask(connection, "POST", "/sql", "SELECT count(*) AS n FROM readings")
            seen["devices"] = ask(connection, "GET", "/api/device/")
            connection.close()
            time.sleep(idle)
            return seen | {"rss": server.memory("VmRSS"), "peak": server.memory("VmHWM")}
        finally:
            server.stop()


def measure_start(options):
    seen = [start_once(options.basalt, options.idle) for _ in range(options.rounds)]
    of = {name: [one[name] for one in seen] for name in seen[0]}
    table("`serve` on an empty directory", f"median, largest of {options.rounds}", "target")
    row("from the start to `listening on`, ms", spread(of["listening"]), "")
    row("from the start to the first answer (`/healthz/`), ms", spread(of["health"]), 100)
    row("the first statement of SQL, ms", spread(of["sql"], "{:.1f}"), 100)
    row("the same once more, ms", spread(of["sql again"], "{:.1f}"), "")
    row("the first list of devices over REST, ms", spread(of["devices"], "{:.1f}"), 100)
    row(f"resident after {options.idle:g} s of rest, MB", spread(of["rss"], "{:.1f}"), 80)
    row("resident at most, MB", spread(of["peak"], "{:.1f}"), "")


def follow(link):
    """Milliseconds from opening a link until the board of the demo is drawn, in a new browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["BASALT_TEST_CHROMIUM"], args=["--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE * 1000)
        began = time.perf_counter()
        page.goto(link)
        for place in DRAWN:
            page.locator(f".board-grid {place}").first.wait_for()
        took = (time.perf_counter() - began) * 1000
        browser.close()
    return took


def demo_once(program):
    """A first start of the demo: milliseconds until its link is printed, and from the link to its board."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Process([program, "demo", "--data-dir", f"{folder}/demo", "--listen", "127.0.0.1:0"], {})
        try:
            printed, link = demo.wait_for(r"^\s+open\s+(\S+)")
            return printed, follow(link) if "BASALT_TEST_CHROMIUM" in os.environ else None
        finally:
            demo.stop()


def measure_demo(options):
    seen = [demo_once(options.basalt) for _ in range(options.rounds)]
    table("`demo` on an empty directory", f"median, largest of {options.rounds}", "target")
    row("from the start to its link, with a week of history, ms", spread([printed for printed, _ in seen]), "")
    boards = [board for _, board in seen if board is not None]
    row("from the link to its board, ms", spread(boards) if boards else "not measured: no BASALT_TEST_CHROMIUM", 3000)


def arguments():
    parser = argparse.ArgumentParser(prog="benches/first", description=__doc__.split("\n\n")[0])
    parser.add_argument("--basalt", type=Path, default=ROOT / "target/release/basalt", help="the program [default: %(default)s]")
    parser.add_argument("--rounds", type=int, default=7, help="starts on directories of their own [default: %(default)s]")
    parser.add_argument("--idle", type=float, default=10, help="seconds of rest before memory is read [default: %(default)s]")
    options = parser.parse_args()
    options.basalt = options.basalt.resolve()
    return options


def main():
    options = arguments()
    measure_size(options.basalt)
    measure_start(options)
    measure_demo(options)


if __name__ == "__main__":
    main()

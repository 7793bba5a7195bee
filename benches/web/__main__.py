#!/usr/bin/env python3
"""Measures the web application in a real Chromium without a GPU: tables in Markdown.

    python3 benches/web --basalt target/release/basalt --data-dir DIR [--minutes 60] [--only pictures|live|pages]

Chromium is the one in BASALT_TEST_CHROMIUM; server, load and browser share the machine. DIR keeps the plants, and a second run with it uses
them again. No time fails a run. It fails when the live page has more than 60 rows in the document, when the heap has grown by more than
10 MB after the minutes of live use, or when a page complains of an error.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/peers"), str(ROOT / "benches")]

import large_plant
from browse_large import enter, pages
from markdown import row, table
from playwright.sync_api import sync_playwright

import live
import pictures
from server import KEY, PASSWORD, USER, Server, load_plant
from watch import Tab, median

MOST_ROWS = 60
MOST_GROWTH_MB = 10


def ms(value):
    return f"{value:.0f}"


def tabs(browser, server, problems):
    """What opens a tab of its own of somebody who has logged in."""
    context = browser.new_context()
    enter(context.new_page(), server.url, USER, PASSWORD)
    session = context.storage_state()
    context.close()
    return lambda: Tab(browser, server.url, session, problems)


def measure_pictures(options, browser, problems):
    folder = options.data_dir / "plant"
    load_plant(options.basalt, folder, options.days, True)
    with Server(options.basalt, folder) as server:
        tab_of, plant = tabs(browser, server, problems), pictures.Plant(server)
        own = [plant.trend([plant.year], plant.end - pictures.YEAR, plant.end)]
        dragged = {
            "a year of one stream": (own[0], 1),
            "30 days of one stream": (plant.trend([plant.year], plant.end - 40 * pictures.DAY, plant.end - 10 * pictures.DAY), 1),
            "a day of 8 streams": (plant.day(plant.days // 2, pictures.EIGHT), pictures.EIGHT),
        }
        table("dragged", "rows of the server", "frame p50, ms", "p95, ms", "frames", "tasks over 50 ms", "target of p95, ms")
        rows = plant.rows()
        for name, (path, streams) in dragged.items():
            seen = pictures.panning(tab_of, path, streams)
            row(name, f"{rows:,}", f"{seen['p50']:.1f}", f"{seen['p95']:.1f}", seen["frames"], len(seen["tasks"]), 33)

        years = plant.years(pictures.EIGHT, options.year_step)
        days = [plant.day(number, pictures.EIGHT) for number in range(options.runs)]
        wanted = [
            ("a day of 8 streams", days, pictures.EIGHT, "150"),
            ("a year of one stream", own * options.runs, 1, "200"),
            ("a year of 8 streams", [plant.trend(years, plant.end - pictures.YEAR, plant.end)] * options.runs, pictures.EIGHT, "500 (200)"),
        ]
        rows = plant.rows()
        order = "ms (first, median, slowest)"
        table("first picture of", "rows of the server", f"in the application, {order}", f"by its address, {order}", "target, ms")
        for name, paths, streams, target in wanted:
            seen = pictures.first_pictures(tab_of, paths, streams)
            times = [f"{ms(way[0])}, {ms(median(way))}, {ms(max(way))}" for way in (seen["inside"], seen["cold"])]
            row(name, f"{rows:,}", *times, target)


def measure_live(options, browser, problems):
    folder = options.data_dir / f"live-{options.live_streams}"
    with Server(options.basalt, folder) as server:
        api = large_plant.Api(server.url, KEY)
        devices = max(1, options.live_streams // 10)
        if api.sql("SELECT count(*) AS n FROM streams")[0]["n"] == 0:
            large_plant.make(api, options.live_streams, devices, 20, running=devices)
        streams = [found["id"] for found in api.sql("SELECT id FROM streams ORDER BY id LIMIT 8")]
        seen = live.live(browser, tabs(browser, server, problems), streams, options.minutes)
    growth = seen["after"] - seen["before"]
    table("live page", "value", "target")
    row("streams at 1 Hz", f"{options.live_streams:,}", "")
    row("renderer, of a core", f"{seen['renderer']:.1f} %", "20 %")
    row("all processes of the browser, of a core", f"{seen['browser']:.1f} %", "")
    row("rows in the document", seen["rows"], MOST_ROWS)
    heap = f"heap before and after {options.minutes:g} minutes of use ({seen['rounds']} rounds)"
    row(heap, f"{seen['before']:.1f}, {seen['after']:.1f} MB", f"within {MOST_GROWTH_MB} MB")
    row("elements and texts before and after", f"{seen['nodes'][0]:,}, {seen['nodes'][1]:,}", "")
    if seen["rows"] > MOST_ROWS:
        problems.append(f"the live page has {seen['rows']} rows in the document")
    if growth > MOST_GROWTH_MB:
        problems.append(f"the heap has grown by {growth:.1f} MB")


def measure_pages(options, browser, problems):
    folder = options.data_dir / f"pages-{options.streams}-{options.devices}-{options.events}"
    with Server(options.basalt, folder) as server:
        api = large_plant.Api(server.url, KEY)
        found = large_plant.found(api) or large_plant.make(api, options.streams, options.devices, options.events)
        if not api.sql(f"SELECT count(*) AS n FROM readings WHERE stream_id = {found['streams'][1]} AND ts < '2026-04-29'")[0]["n"]:
            large_plant.write_day(api, found["streams"], 10)
        tab_of = tabs(browser, server, problems)
        print(f"\n{options.streams:,} streams, {options.devices:,} devices, {options.events:,} events; medians of {options.runs} and the slowest:")
        table("page", "in the application, ms", "by its address, ms", "elements")
        for name, (path, ready) in pages(found).items():
            times = {"inside": [], "cold": []}
            for way, known in times.items():
                for _ in range(options.runs):
                    with tab_of() as tab:
                        known.append(getattr(tab, way)(path, content=ready))
                        elements = tab.page.evaluate("document.querySelectorAll('*').length")
            row(name, *(f"{ms(median(known))}, {ms(max(known))}" for known in times.values()), f"{elements:,}")


def arguments():
    parser = argparse.ArgumentParser(prog="benches/web", description=__doc__.split("\n\n")[0])
    parser.add_argument("--basalt", type=Path, default=ROOT / "target/release/basalt", help="the program [default: %(default)s]")
    parser.add_argument("--data-dir", type=Path, required=True, help="where the plants are, and stay")
    parser.add_argument("--only", choices=("pictures", "live", "pages"), help="one of the parts")
    parser.add_argument("--days", type=int, default=10, help="of the 100 streams of the plant [default: %(default)s]")
    parser.add_argument("--year-step", type=int, default=1, help="seconds between readings of the other streams of a year [default: %(default)s]")
    parser.add_argument("--runs", type=int, default=7, help="of each picture and page [default: %(default)s]")
    parser.add_argument("--minutes", type=float, default=60, help="of live use [default: %(default)s]")
    parser.add_argument("--live-streams", type=int, default=1000, help="at 1 Hz [default: %(default)s]")
    parser.add_argument("--streams", type=int, default=10_000, help="of the pages [default: %(default)s]")
    parser.add_argument("--devices", type=int, default=1000, help="of the pages [default: %(default)s]")
    parser.add_argument("--events", type=int, default=300, help="of the pages [default: %(default)s]")
    options = parser.parse_args()
    options.basalt = options.basalt.resolve()
    options.data_dir.mkdir(parents=True, exist_ok=True)
    return options


def main():
    options, problems = arguments(), []
    parts = {"pictures": measure_pictures, "live": measure_live, "pages": measure_pages}
    with sync_playwright() as playwright:
        executable = os.environ["BASALT_TEST_CHROMIUM"]
        browser = playwright.chromium.launch(executable_path=executable, args=["--disable-gpu"])
        for name, part in parts.items():
            if options.only in (None, name):
                part(options, browser, problems)
        browser.close()
    if problems:
        sys.exit("benches/web: " + "; ".join(problems[:20]))


if __name__ == "__main__":
    main()

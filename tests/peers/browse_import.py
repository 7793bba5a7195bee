#!/usr/bin/env python3
"""An import that is paused and goes on after the page was loaded anew, and an export of the same, in a real browser.

    browse_import.py URL USER PASSWORD KEY ROWS

There are streams `force` (fp64) and `pieces` (int64), each of a device called after it. The file has ROWS lines below its head, one for
each second; every 1,000th of them is wrong. Prints what was seen as JSON. Every wait is for something to be there, but for the one in
which nothing may happen.
"""

import csv
import itertools
import json
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from browse_large import enter
from browse_pages import Visit
from browse_ui import HOST
from large_plant import Api, iso
from playwright.sync_api import sync_playwright

# The time of the first line: 2026-04-01T00:00:00Z.
FIRST = 1_775_001_600
WRONG_EACH = 1000
# The names of the columns are not those of the streams, so that a person has to choose.
HEAD = "time,press force,good parts"
STREAMS = {"press force": "force", "good parts": "pieces"}
# Seconds of a pause, in which an import that went on would write millions of readings.
PAUSE = 3
# Differences that are told of.
MOST_DIFFERENCES = 5
# Milliseconds that a wait takes at most, and what each row adds to it.
PATIENCE, PATIENCE_EACH_ROW = 120_000, 2


def values(row):
    """The values of a line: of one that was moved, or given to the other stream, they would be others."""
    return row / 8, row * 7 % 9973


def is_wrong(row):
    return row % WRONG_EACH == WRONG_EACH - 1


def wrong_line(row, when, force, pieces):
    """A line that is wrong in one of four ways."""
    kinds = (f",{force},{pieces}", f"{when},broken,{pieces}", f"{when},{force},none", f"{when},{force}")
    return kinds[row // WRONG_EACH % len(kinds)]


def lines(rows):
    begin = datetime.fromtimestamp(FIRST, timezone.utc)
    for row in range(rows):
        when = (begin + timedelta(seconds=row)).strftime("%Y-%m-%dT%H:%M:%SZ")
        force, pieces = values(row)
        yield wrong_line(row, when, force, pieces) if is_wrong(row) else f"{when},{force},{pieces}"


def write_file(file, rows):
    """With a byte order mark, as spreadsheets write it."""
    with file.open("w", encoding="utf-8-sig") as out:
        out.write(f"{HEAD}\n")
        out.writelines(f"{line}\n" for line in lines(rows))


class Gate:
    """Counts the pieces that the page sends, and holds the second until it is opened: the server is quicker than a person."""

    def __init__(self, page):
        self.page, self.keys, self.held = page, [], None
        page.route("**/ingest", self.pass_or_hold)

    def pass_or_hold(self, route):
        self.keys.append(route.request.headers["idempotency-key"])
        if len(self.keys) == 2:
            self.held = route
        else:
            route.continue_()

    def wait(self):
        """Waits until the second piece is sent and the page tells of the first, which is done then."""
        deadline = time.monotonic() + PATIENCE / 1000
        while self.held is None:
            if time.monotonic() > deadline:
                raise SystemExit("no second piece was sent")
            self.page.wait_for_timeout(20)
        self.page.locator("progress:not([value='0'])").wait_for()

    def open(self):
        self.held.continue_()


def stored(api):
    """The jobs of imports as the server tells of them, and how many readings it has."""
    answer = api.session.get(f"{api.url}/api/job/", params={"kind": "import"})
    jobs = [[job["id"], job["state"], job["progress"]] for job in answer.json()]
    return {"jobs": jobs, "readings": api.sql("SELECT count(*) AS n FROM readings")[0]["n"]}


def choose(page, file):
    page.locator("input[type=file]").set_input_files(file)


def counts(page):
    """What the page says of readings and lines."""
    return page.get_by_role("status").filter(has_text="readings").inner_text().strip()


def finish(page, text, patience):
    """Waits for what the page says at the end; an error ends the script."""
    error = page.get_by_role("alert")
    page.get_by_text(text).or_(error).wait_for(timeout=patience)
    if error.count():
        raise SystemExit(f"the page says: {error.inner_text()}")


def begin(page, base, file):
    """The file is chosen and its columns are mapped."""
    page.goto(f"{base}/ui/data")
    choose(page, file)
    page.get_by_role("button", name="Begin the import").wait_for()
    seen = {"time": page.get_by_label("Column of times").locator("option:checked").inner_text()}
    for column, stream in STREAMS.items():
        page.get_by_label(f"Stream: {column}").select_option(label=f"{stream} ({stream} device)")
    page.get_by_role("button", name="Begin the import").click()
    return seen


def pause(page, api, gate):
    """Paused while the second piece is under way, which is still written; nothing is after it."""
    gate.wait()
    first = counts(page)
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused.").wait_for()
    gate.open()
    page.get_by_role("status").filter(has_text="readings", has_not_text=first).wait_for()
    seen = {"first": first, "said": counts(page), "before": stored(api)}
    page.wait_for_timeout(PAUSE * 1000)
    return seen | {"later": counts(page), "after": stored(api), "sent": len(gate.keys)}


def resume(page, api, file, gate, patience):
    """The page is loaded anew, refuses another file, and goes on with the same."""
    page.reload()
    note = page.get_by_text("is not finished")
    note.wait_for()
    seen = {"note": note.inner_text()}
    other = file.with_name("other.csv")
    other.write_text(f"{HEAD}\n")
    choose(page, other)
    seen["refused"] = page.get_by_role("alert").inner_text()
    seen["before"], seen["sent"] = stored(api), len(gate.keys)
    began = time.monotonic()
    choose(page, file)
    finish(page, "The import is finished.", patience)
    seen["seconds"] = round(time.monotonic() - began, 1)
    seen["said"] = counts(page)
    seen["percent"] = page.locator(".progress").inner_text().strip()
    seen["wrong"] = page.locator(".wrong-lines li").all_inner_texts()
    page.reload()
    page.locator(".drop").wait_for()
    return seen | {"left": note.count(), "keys": gate.keys, "after": stored(api)}


def export(page, rows, patience):
    """The same streams over the same range, as the page saves them."""
    page.get_by_role("link", name="Export").click()
    for stream in STREAMS.values():
        page.get_by_label(f"{stream} ({stream} device)").check()
    page.get_by_label("From").fill(iso(FIRST))
    page.get_by_label("To", exact=True).fill(iso(FIRST + rows))
    began = time.monotonic()
    with page.expect_download(timeout=patience) as started:
        page.get_by_role("button", name="Export").click()
        finish(page, "The file is saved.", patience)
    seen = {"seconds": round(time.monotonic() - began, 1), "name": started.value.suggested_filename}
    with Path(started.value.path()).open(newline="") as file:
        return seen | compare(csv.DictReader(file), rows)


def compare(exported, rows):
    """Counts the readings of an export, and finds those that are not what was sent, in its order."""
    begin = datetime.fromtimestamp(FIRST, timezone.utc)
    sent = (
        (begin + timedelta(seconds=row), stream, float(value))
        for row in range(rows)
        if not is_wrong(row)
        for stream, value in zip(STREAMS.values(), values(row))
    )
    found, differences = 0, []
    for reading, wanted in itertools.zip_longest(exported, sent):
        found += reading is not None
        if as_sent(reading) != wanted and len(differences) < MOST_DIFFERENCES:
            differences.append([reading, str(wanted)])
    return {"rows": found, "differences": differences}


def as_sent(reading):
    """A reading of an export, or None: also for one that is not good."""
    if reading is None or reading["quality"] != "good":
        return None
    return datetime.fromisoformat(reading["ts"].replace("Z", "+00:00")), reading["stream"], float(reading["value"])


def main():
    url, user, password, key, rows = sys.argv[1:]
    api, base, rows = Api(url, key), url.replace("127.0.0.1", HOST), int(rows)
    patience = PATIENCE + PATIENCE_EACH_ROW * rows
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "april.csv"
        write_file(file, rows)
        visit = Visit(playwright, base, HOST)
        page = visit.page
        enter(page, base, user, password)
        gate = Gate(page)
        seen = {
            "bytes": file.stat().st_size,
            "mapped": begin(page, base, file),
            "paused": pause(page, api, gate),
            "resumed": resume(page, api, file, gate, patience),
            "exported": export(page, rows, patience),
            "wrong": [line for row, line in enumerate(lines(rows)) if is_wrong(row)],
        }
        seen.update(requests=visit.requests, complaints=visit.complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

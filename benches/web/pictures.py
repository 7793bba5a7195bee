"""How long the first picture of a trend takes, and how long frames are while it is dragged."""

import json
import math
import time

import numpy as np
import pyarrow as pa
from large_plant import Api, iso

from server import KEY
from watch import COLOURS, median, quantile

DAY = 86_400
YEAR = 365 * DAY
# Rows of one request.
BATCH = 1_000_000
# Moves of a drag, each of so many pixels, a frame of 60 Hz apart.
MOVES, STEP = 180, 4
EIGHT = 8


class Plant:
    """The plant of `basalt bench`, and further streams of a year beside it."""

    def __init__(self, server):
        self.api = Api(server.url, KEY)
        recorded = json.loads((server.data / "bench.json").read_text())
        spec = recorded["plant"]
        self.streams, self.year = recorded["streams"], recorded["year_stream"]
        self.days = spec["seconds"] // DAY
        self.begin = spec["start"] // 1_000_000
        self.end = self.begin + spec["seconds"]

    def rows(self):
        return self.api.sql("SELECT count(*) AS n FROM readings")[0]["n"]

    def day(self, number, streams):
        """The address of a day of this many streams."""
        begin = self.begin + number % self.days * DAY
        return self.trend(self.streams[:streams], begin, begin + DAY)

    def trend(self, streams, begin, end):
        return f"/ui/trend?s={','.join(map(str, streams))}&from={iso(begin)}&to={iso(end)}"

    def years(self, count, step):
        """Streams of a year, the one of the plant and more with a reading each `step` seconds, which are written when they are missing."""
        name = f"year of {step} s"
        known = [row["id"] for row in self.api.sql(f"SELECT id FROM streams WHERE name LIKE '{name}, %' ORDER BY id")]
        if not known:
            device = self.api.post("/api/device/", json={"name": name, "protocol": "virtual"})["id"]
            for number in range(count - 1):
                stream = {"name": f"{name}, {number}", "device": device, "type": "fp64"}
                known.append(self.api.post("/api/data/", json=stream)["id"])
                self.write_year(known[-1], step)
        return [self.year, *known]

    def write_year(self, stream, step):
        """A daily and a weekly wave with noise at two decimals."""
        random = np.random.default_rng(stream)
        seconds = np.arange(self.end - YEAR, self.end, step, dtype=np.int64)
        for first in range(0, len(seconds), BATCH):
            at = seconds[first : first + BATCH]
            wave = 50 + 10 * np.sin(at / DAY * math.tau) + 5 * np.sin(at / DAY / 7 * math.tau + stream)
            value = np.round(wave + random.normal(size=len(at)), 2)
            table = pa.table({"stream_id": pa.array(np.full(len(at), stream, dtype=np.int32)),
                              "ts": pa.array(at * 1_000_000, pa.timestamp("us", "UTC")), "value": pa.array(value)})
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            self.api.post("/ingest", data=sink.getvalue().to_pybytes(), headers={"Content-Type": "application/vnd.apache.arrow.stream"})


def first_pictures(tab_of, paths, streams):
    """Times of both ways to a picture, over these addresses, in milliseconds."""
    colours = min(streams, COLOURS)
    measured = {}
    for way in ("inside", "cold"):
        times = []
        for path in paths:
            with tab_of() as tab:
                times.append(getattr(tab, way)(path, picture=colours))
        measured[way] = times
    return measured


def panning(tab_of, path, streams):
    """Times of frames while a mouse drags the picture to and fro, and tasks that were long."""
    with tab_of() as tab:
        tab.inside(path, picture=min(streams, COLOURS))
        page = tab.page
        page.wait_for_load_state("networkidle")
        box = page.locator(".chart .u-over").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate("Object.assign(budgets, { frames: [], tasks: [] }).look()")
        for move in range(MOVES):
            # There and back, so that it stays where there is data.
            x += STEP if move < MOVES / 2 else -STEP
            page.mouse.move(x, y)
            time.sleep(1 / 60)
        frames, tasks = page.evaluate("[budgets.frames, budgets.tasks]")
        page.mouse.up()
    lengths = [after - before for before, after in zip(frames, frames[1:])]
    return {"p50": median(lengths), "p95": quantile(lengths, 0.95), "frames": len(lengths), "tasks": tasks}

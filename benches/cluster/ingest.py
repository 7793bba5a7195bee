"""Whether readers disturb ingest: at the ingest node, and on query nodes; sharing its processors, and not."""

import argparse
import time
from dataclasses import dataclass
from typing import Any

from ..markdown import row, table
from . import pins
from .client import percentile
from .environment import fail, note
from .load import LoadProcess, batch, sleep_until
from .nodes import Cluster, QueryNode
from .plant import Plant, moment
from .processors import URGENT, Placement, halves, listed, may_be_urgent
from .report import ms, section
from .shaping import Limits

READERS = 4
# Numbers of query nodes that the readers are divided among.
NODES, QUICK_NODES = [1, 2, 3], [1]
REQUEST_ROWS = 1_000
# Rows of each line that are in the lake before it begins.
STORED_ROWS, QUICK_STORED_ROWS = 500_000, 50_000
STORED_BATCH_ROWS = 10_000
# A part of what is written is always in the lake, and a part in memory.
FLUSHED, QUICK_FLUSHED = {"BASALT_FLUSH__AGE": "5s"}, {"BASALT_FLUSH__AGE": "1s"}
# Seconds until stored rows are in the lake.
PATIENCE = 60
# Seconds until all clients run, and of load before it is measured; so long before that nodes have the connections they need.
START_SECONDS, WARM_UP_SECONDS, PLACING_SECONDS = 1.5, 2, 1
# Each line has an hour of its own, from a day after the rows of the table of pins on.
HOUR, DAY = 3600, 86_400


@dataclass
class Window:
    """The time that one line writes to and asks of."""

    start: int

    def query(self, columns: str) -> str:
        return f"SELECT {columns} FROM readings WHERE ts >= {moment(self.start)} AND ts < {moment(self.start + HOUR)}"


@dataclass(frozen=True)
class Line:
    """Where the readers are: nowhere, at the ingest node, or on a number of query nodes."""

    name: str
    readers: int
    nodes: int


@dataclass
class Load:
    """What the clients of a line find and whom they ask; `priority` is the writer's."""

    stored: int
    readers: int
    nodes: list[QueryNode]
    priority: int


def lines(is_quick: bool) -> list[Line]:
    counts = QUICK_NODES if is_quick else NODES
    on_nodes = [Line(f"{count} query node{'s' * (count > 1)}", READERS, count) for count in counts]
    return [Line("none", 0, 0), Line("ingest node", READERS, 0), *on_nodes]


def placements(wanted: list[str]) -> list[Placement]:
    """The ways to divide the processors that are wanted and possible."""
    found = {"shared": Placement(), "divided": halves()}
    if found["divided"] is None and "divided" in wanted:
        note("processors cannot be divided here: two are needed, and Linux")
    possible = [placement for name, placement in found.items() if name in wanted and placement is not None]
    return possible or fail("nothing is left of --cores")


def told(placement: Placement, priority: int) -> str:
    """What runs where, in words."""
    how = f"at priority {priority}" if priority else "at the usual priority, since a higher one is not permitted here"
    if not placement.is_divided:
        return f"*Shared*: everything may use the processors {listed(None)}, the writer {how}."
    return (
        f"*Divided*: the ingest node, PostgreSQL but for its processes of query nodes, and the store on {listed(placement.ingest)}; query nodes, their proxies, "
        f"PostgreSQL's processes for them, and all readers on {listed(placement.query)}; the writer on {listed(None)}, {how}."
    )


def measure(cluster: Cluster, options: argparse.Namespace) -> None:
    """Starts the ingest node again for each way to divide the processors, and stops it at the end."""
    section(
        "Ingest beside readers",
        f"One writer sends {options.rate:,} readings a second in requests of {REQUEST_ROWS:,}, NDJSON over one connection that is kept; {READERS} readers ask "
        f"in a loop, {options.seconds} s a line. Milliseconds: an acknowledgement since its request was sent, and since it was due, because a request waits for the one before it. "
        "A question counts and averages all that the line has written, in the lake and not yet in it. Where everything shares the processors, readers take "
        "from ingest what they compute with, wherever they ask. Divided, they take what the ingest node itself does for them: all of a question that it is asked, or the "
        "rows that are not in the lake yet, which it sends to query nodes. The writer may use every processor and goes first, so that its own waiting is not in the times.",
    )
    number, priority = 0, URGENT if may_be_urgent() else 0
    try:
        for placement in placements(options.cores):
            cluster.place(placement)
            cluster.start_ingest(**(QUICK_FLUSHED if options.quick else FLUSHED))
            print(f"\n{told(placement, priority)}", flush=True)
            table("readers at", "ack p50", "p99", "max", "p99 since due", "readings/s", "questions/s", "question p50", "p99")
            for line in lines(options.quick):
                note(f"ingest, processors {'divided' if placement.is_divided else 'shared'}, readers: {line.name}")
                measure_line(cluster, options, line, window_of(cluster.plant, number, options), priority)
                number += 1
    finally:
        cluster.place(Placement())


def window_of(plant: Plant, number: int, options: argparse.Namespace) -> Window:
    """The hour of a line, which has to be long enough for its rows and to have passed."""
    rows = stored_rows(options) + options.rate * (options.seconds + WARM_UP_SECONDS)
    start = plant.end + max(pins.TAILS) // len(plant.streams) + DAY + number * HOUR
    if rows / len(plant.streams) > HOUR * 1000:
        fail("a line has more rows than milliseconds in an hour of all streams: give a lower --rate or --seconds, or more --streams")
    if start + HOUR > time.time():
        fail("the plant ends too near to now for what is written after it: give fewer --rows")
    return Window(start)


def stored_rows(options: argparse.Namespace) -> int:
    return QUICK_STORED_ROWS if options.quick else STORED_ROWS


def measure_line(cluster: Cluster, options: argparse.Namespace, line: Line, window: Window, priority: int) -> None:
    with cluster.query_nodes(Limits(), *[{}] * line.nodes) as nodes:
        stored = store(cluster, window, stored_rows(options))
        results = run_load(cluster, options, window, Load(stored, line.readers, nodes, priority))
        writer = results[0]
        check(cluster, nodes, window, stored + writer["requests"] * REQUEST_ROWS)
    took = [time_taken for reader in results[1:] for time_taken in reader["took"]]
    acknowledged, late = writer["acknowledged"], writer["late"]
    if not acknowledged or (line.readers and not took):
        fail(f"nothing was acknowledged or answered within {options.seconds} s: give more --seconds or a lower --rate")
    cells = [ms(percentile(acknowledged, 50)), ms(percentile(acknowledged, 99)), ms(max(acknowledged)), ms(percentile(late, 99))]
    cells.append(f"{len(acknowledged) * REQUEST_ROWS / options.seconds:,.0f}")
    cells += [f"{len(took) / options.seconds:,.1f}", ms(percentile(took, 50)), ms(percentile(took, 99))] if took else ["–"] * 3
    row(line.name, *cells)


def store(cluster: Cluster, window: Window, rows: int) -> int:
    """Writes the rows that a line begins with, and waits until they are in the lake; their number."""
    client = cluster.ingest.client()
    for first in range(0, rows, STORED_BATCH_ROWS):
        client.ingest(batch(cluster.plant.streams, window.start, range(first, min(first + STORED_BATCH_ROWS, rows))))
    until = time.monotonic() + PATIENCE
    while (waiting := client.metric("basalt_memtable_readings")) != 0:
        if time.monotonic() > until:
            fail(f"{waiting:,} rows are not in the lake after {PATIENCE} s")
        time.sleep(0.1)
    client.close()
    return rows


def run_load(cluster: Cluster, options: argparse.Namespace, window: Window, load: Load) -> list[dict[str, Any]]:
    """Runs the writer, after the rows that are stored, and the readers, in turns at all nodes; what came of them, the writer's first."""
    begin = time.monotonic() + START_SECONDS
    since = begin + WARM_UP_SECONDS
    times = {"begin": begin, "since": since, "until": since + options.seconds}
    rows = {"rows": REQUEST_ROWS, "rate": options.rate, "first": load.stored, "start": window.start, "streams": cluster.plant.streams}
    query = window.query("count(*) AS n, avg(value + 0) AS mean, max(value + 0) AS most")
    addresses = [node.address for node in load.nodes] or [cluster.ingest.address]
    clients: list[LoadProcess] = []
    try:
        spec = {"address": cluster.ingest.address, **rows, **times}
        clients.append(LoadProcess("write", spec, cluster.scratch / "writer.log", priority=load.priority))
        for number in range(load.readers):
            spec = {"address": addresses[number % len(addresses)], "query": query, **times}
            clients.append(LoadProcess("read", spec, cluster.scratch / f"reader{number}.log", cluster.placement.query))
        sleep_until(since - PLACING_SECONDS)
        cluster.place_connections(load.nodes)
        return [client.result() for client in clients]
    finally:
        for client in clients:
            client.stop()


def check(cluster: Cluster, nodes: list, window: Window, expected: int) -> None:
    """Every node has every row that was acknowledged."""
    for node in [cluster.ingest, *nodes]:
        client = node.client()
        found = client.sql(window.query("count(*) AS n"))[0]["n"]
        client.close()
        if found != expected:
            fail(f"a node has {found:,} rows of {expected:,} that were acknowledged")

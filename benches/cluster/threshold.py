"""From how many rows on it pays to divide a query between two nodes."""

import argparse
import time
from typing import Iterator

from ..markdown import row, table
from .client import Client, Rows, are_equal, median
from .environment import fail, note
from .nodes import Cluster
from .plant import Plant, moment
from .report import ms, section, times
from .scans import ALWAYS_DIVIDED, SPREAD, THRESHOLD
from .shaping import Limits

# Rows of the first range, and how many times as many each further one has.
FIRST_ROWS, GROWTH = 50_000, 4
WARM_UP = 2
# A question is asked in turns for this long, at least `--repeat` times and at most so often.
SECONDS, MOST_RUNS = 2, 50
# A query node that does not divide, and does not work on parts of others either.
ALONE = {"BASALT_CLUSTER__SPREAD": "false", "BASALT_CLUSTER__LISTEN": ""}


def ranges(plant: Plant) -> Iterator[int]:
    """Seconds before the plant's end, up to all it has."""
    seconds = max(1, FIRST_ROWS // len(plant.streams))
    while seconds < plant.seconds:
        yield seconds
        seconds *= GROWTH
    yield plant.seconds


def question(plant: Plant, seconds: int) -> str:
    since = plant.end - seconds
    return f"SELECT count(*) AS n, sum(value) AS sum FROM readings WHERE ts >= {moment(since)} AND value + 0 > {THRESHOLD}"


def measure(cluster: Cluster, options: argparse.Namespace) -> None:
    far = Limits(options.latency_ms, options.connection_mbps, options.node_mbps)
    section(
        "Where dividing pays",
        "Milliseconds, medians; `SELECT count(*), sum(value) … WHERE ts >= … AND value + 0 > …` of all streams, footers in memory. One node has "
        "`cluster.spread = false`; of two nodes one is asked, with `cluster.spread_min_rows = 0`. They take turns. Without limits the proxy "
        "sends files as fast as it can.",
    )
    table("rows", "near store: one node", "two nodes", "gain", "far store: one node", "two nodes", "gain")
    ingest = cluster.ingest.client()
    with cluster.query_nodes(Limits(), ALONE, ALWAYS_DIVIDED, ALWAYS_DIVIDED) as nodes:
        clients = [nodes[0].client(), nodes[1].client()]
        for seconds in ranges(cluster.plant):
            rows = seconds * len(cluster.plant.streams)
            note(f"{rows:,} rows on one node and on two")
            query = question(cluster.plant, seconds)
            expected = ingest.sql(query)
            cells: list[str] = []
            for limits in (Limits(), far):
                for node in nodes:
                    node.way.set_limits(limits)
                alone, divided = take_turns(clients, query, expected, options.repeat)
                cells += [ms(alone), ms(divided), times(alone / divided)]
            row(f"{rows:,}", *cells)
        for client in clients:
            client.close()
    ingest.close()


def take_turns(clients: list[Client], query: str, expected: Rows, repeat: int) -> tuple[float, float]:
    """Medians of the node that does not divide, and of the one that does."""
    alone, divides = clients
    before = divides.metric(SPREAD)
    took: list[list[float]] = [[], []]
    for _ in range(WARM_UP):
        for client in clients:
            client.sql(query)
    until = time.monotonic() + SECONDS
    while len(took[0]) < repeat or (time.monotonic() < until and len(took[0]) < MOST_RUNS):
        for client, known in zip(clients, took):
            ms_taken, rows = client.timed(query)
            if not are_equal(rows, expected):
                fail(f"{query}: the ingest node answers {expected}, a query node {rows}")
            known.append(ms_taken)
    if divides.metric(SPREAD) - before != WARM_UP + len(took[1]):
        note(f"not every run of this was divided: {query}")
    return median(took[0]), median(took[1])

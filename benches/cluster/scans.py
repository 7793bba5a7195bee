"""Scans that the way to the object store limits, on one, two and four query nodes."""

import argparse
from dataclasses import dataclass, field

from .client import Client, Rows, are_equal, median
from .environment import fail, note
from .nodes import Cluster, QueryNode
from .plant import Plant, moment
from .report import megabytes, ms, section, table, times
from .report import row as print_row
from .shaping import Limits

DAY = 86_400
MONTH = 30 * DAY
# Streams of the second question.
EIGHT = 8
# About half of the values are above it. The sum with 0 keeps statistics from answering.
THRESHOLD = 30
ALWAYS_DIVIDED = {"BASALT_CLUSTER__SPREAD_MIN_ROWS": "0"}
SPREAD, REPEATED = "basalt_queries_spread_total", "basalt_queries_repeated_total"


@dataclass
class Seen:
    """What a number of nodes has done with a question, each run by itself."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    # Bytes from the store in the first cold run: of all nodes, and of the one with the most; and their requests.
    sent: int = 0
    most_sent: int = 0
    requests: int = 0
    spread: int = 0
    repeated: int = 0


def questions(plant: Plant) -> dict[str, str]:
    """The questions by what they are called in the table."""
    some = [plant.streams[at * len(plant.streams) // EIGHT] for at in range(EIGHT)] if len(plant.streams) > EIGHT else plant.streams
    # The middle of the time, so that the range ends within days.
    length = min(MONTH, plant.seconds // 2)
    since = plant.start + (plant.seconds - length) // 2
    time_range = f"ts >= {moment(since)} AND ts < {moment(since + length)}"
    days = f"{length / DAY:.1f} days"
    return {
        "everything: `count`, `sum`": f"SELECT count(*) AS n, sum(value) AS sum FROM readings WHERE value + 0 > {THRESHOLD}",
        f"{days} of {len(some)} streams: `count`, `sum`": "SELECT count(*) AS n, sum(value) AS sum FROM readings "
        f"WHERE stream_id IN ({', '.join(map(str, some))}) AND {time_range} AND value + 0 > {THRESHOLD}",
        "everything by stream: `min`, `max`, `avg`": "SELECT stream_id, min(value + 0) AS low, max(value + 0) AS high, "
        "avg(value + 0) AS mean FROM readings GROUP BY stream_id ORDER BY stream_id",
    }


def measure(cluster: Cluster, options: argparse.Namespace) -> None:
    limits = Limits(options.latency_ms, options.connection_mbps, options.node_mbps)
    about = (
        f"Milliseconds, median of {options.repeat}. The store is {limits.latency_ms:g} ms away, with {limits.connection_mbps:g} MB/s a connection and "
        f"{limits.node_mbps:g} MB/s a node. Before each cold run all query nodes are started again on empty directories, and read the log of "
        f"the lake; the warm run is the next one. Every query is divided (`cluster.spread_min_rows = 0`)."
    )
    ingest = cluster.ingest.client()
    seen: dict[str, dict[int, Seen]] = {}
    for name, query in questions(cluster.plant).items():
        expected = ingest.sql(query)
        seen[name] = {}
        for count in options.nodes:
            note(f"{name} on {count} query nodes")
            seen[name][count] = ask(cluster, limits, count, query, expected, options.repeat)
    ingest.close()
    section("Scans that the store limits", about)
    print_times(seen, options.nodes)
    print_traffic(seen)


def ask(cluster: Cluster, limits: Limits, count: int, query: str, expected: Rows, repeat: int) -> Seen:
    """Asks cold and warm, with a start of all nodes before each cold run."""
    seen = Seen()
    for number in range(repeat):
        with cluster.query_nodes(limits, *[ALWAYS_DIVIDED] * count) as nodes:
            client = nodes[0].client()
            before, spread = [node.way.counts() for node in nodes], client.metric(SPREAD)
            seen.cold.append(ask_once(client, query, expected))
            if number == 0:
                note_traffic(seen, nodes, before)
            seen.warm.append(ask_once(client, query, expected))
            seen.spread += client.metric(SPREAD) - spread
            seen.repeated += client.metric(REPEATED)
            client.close()
    return seen


def ask_once(client: Client, query: str, expected: Rows) -> float:
    took, rows = client.timed(query)
    if not are_equal(rows, expected):
        fail(f"{query}\n  the ingest node answers {str(expected)[:500]}\n  the query nodes {str(rows)[:500]}")
    return took


def note_traffic(seen: Seen, nodes: list[QueryNode], before: list[dict[str, int]]) -> None:
    after = [node.way.counts() for node in nodes]
    sent = [now["sent"] - then["sent"] for now, then in zip(after, before)]
    seen.sent, seen.most_sent = sum(sent), max(sent)
    seen.requests = sum(now["requests"] - then["requests"] for now, then in zip(after, before))


def print_times(seen: dict[str, dict[int, Seen]], counts: list[int]) -> None:
    head = [f"{count} node{'s' * (count > 1)}" for count in counts]
    table("question", "caches", *[cell for name in head for cell in ([name] if name == head[0] else [name, f"against {head[0]}"])])
    for name, by_count in seen.items():
        for caches in ("cold", "warm"):
            medians = [median(getattr(by_count[count], caches)) for count in counts]
            cells = [ms(medians[0])]
            for value in medians[1:]:
                cells += [ms(value), times(medians[0] / value)]
            print_row(name, caches, *cells)


def print_traffic(seen: dict[str, dict[int, Seen]]) -> None:
    """What the nodes read from the store: whether the line or something else was the limit."""
    table("question, cold", "nodes", "MB read", "MB of the node with the most", "requests", "MB/s of that node", "divided, of runs", "ran again")
    for name, by_count in seen.items():
        for count, one in by_count.items():
            rate = one.most_sent / 1e6 / (one.cold[0] / 1000)
            runs = len(one.cold) + len(one.warm)
            cells = [megabytes(one.sent), megabytes(one.most_sent), f"{one.requests:,}", f"{rate:.1f}", f"{one.spread} of {runs}", one.repeated]
            print_row(name, count, *cells)

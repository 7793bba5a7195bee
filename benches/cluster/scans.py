"""Scans that the way to the object store limits, on one, two and four query nodes."""

import argparse
from dataclasses import dataclass, field

from ..markdown import row as print_row, table
from .client import Client, Rows, are_equal, median
from .environment import fail, note
from .nodes import Cluster, QueryNode
from .plant import Plant, moment
from .report import megabytes, ms, section, times
from .shaping import Limits

DAY = 86_400
MONTH = 30 * DAY
# Streams of the second question.
EIGHT = 8
# About half of the values are above it. The sum with 0 keeps statistics from answering.
THRESHOLD = 30
ALWAYS_DIVIDED = {"BASALT_CLUSTER__SPREAD_MIN_ROWS": "0"}
SPREAD, REPEATED = "basalt_queries_spread_total", "basalt_queries_repeated_total"
# How much faster numbers of nodes have to be than one where the store is the limit, and from which part of a node's bandwidth on it is.
WANTED_GAINS = {2: 1.8, 4: 3.0}
FULL_LINE = 0.85


@dataclass
class Traffic:
    """What the nodes have read from the store in one cold run: bytes of each, their requests, and how long it took, milliseconds."""

    sent: list[int]
    requests: int
    took: float

    def rates(self) -> list[float]:
        """Megabytes a second of each node over the whole run."""
        return [size / 1e3 / self.took for size in self.sent]

    def share(self) -> float:
        """The part of all bytes that the busiest node has read."""
        return max(self.sent) / max(1, sum(self.sent))

    def possible_gain(self, alone: "Traffic") -> float:
        """How many times as fast as one node these can be at most, if the store is the limit: until the busiest has read its bytes."""
        return sum(alone.sent) / max(1, *self.sent)


@dataclass
class Seen:
    """What a number of nodes has done with a question, each run by itself."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    traffic: list[Traffic] = field(default_factory=list)
    spread: int = 0
    repeated: int = 0

    def middle_traffic(self) -> Traffic:
        """That of the cold run of which the time is reported."""
        return min(self.traffic, key=lambda traffic: abs(traffic.took - median(self.cold)))


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
        f"the lake; the warm run is the next one. Every query is divided (`cluster.spread_min_rows = 0`). The second table is of the cold run with the median. "
        f"*Possible* is how many times as fast as one node several can be by the bytes of the busiest. Where one node uses {FULL_LINE:.0%} of its bandwidth, the store is the "
        f"limit, and {' and '.join(f'{count} nodes should be {times(wanted)} as fast' for count, wanted in WANTED_GAINS.items())}."
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
    print_traffic(seen, limits)


def ask(cluster: Cluster, limits: Limits, count: int, query: str, expected: Rows, repeat: int) -> Seen:
    """Asks cold and warm, with a start of all nodes before each cold run."""
    seen = Seen()
    for _ in range(repeat):
        with cluster.query_nodes(limits, *[ALWAYS_DIVIDED] * count) as nodes:
            client = nodes[0].client()
            before, spread = [node.way.counts() for node in nodes], client.metric(SPREAD)
            seen.cold.append(ask_once(client, query, expected))
            seen.traffic.append(traffic_since(before, nodes, seen.cold[-1]))
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


def traffic_since(before: list[dict[str, int]], nodes: list[QueryNode], took: float) -> Traffic:
    after = [node.way.counts() for node in nodes]
    sent = [now["sent"] - then["sent"] for now, then in zip(after, before)]
    return Traffic(sent, sum(now["requests"] - then["requests"] for now, then in zip(after, before)), took)


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


def print_traffic(seen: dict[str, dict[int, Seen]], limits: Limits) -> None:
    """What the nodes read from the store in the cold run with the median: whether the line or something else was the limit."""
    head = ["question, cold", "nodes", "MB read", "of it by the busiest", "requests", "MB/s of each node", "bandwidth of the busiest in use"]
    table(*head, "possible", "against 1 node", "divided, of runs", "ran again")
    for name, by_count in seen.items():
        for count, one in by_count.items():
            traffic = one.middle_traffic()
            rates = sorted(traffic.rates(), reverse=True)
            cells = [megabytes(sum(traffic.sent)), percent(traffic.share()), f"{traffic.requests:,}"]
            cells += [" ".join(f"{rate:.1f}" for rate in rates), percent(rates[0] / limits.node_mbps)]
            cells += gains(by_count, count, limits)
            print_row(name, count, *cells, f"{one.spread} of {len(one.cold) + len(one.warm)}", one.repeated)


def gains(by_count: dict[int, Seen], count: int, limits: Limits) -> list[str]:
    """How many times as fast as one node so many can be, and are when they are cold; beside it what is wanted, if the store is the limit."""
    if count == 1 or 1 not in by_count:
        return ["–"] * 2
    alone, several = by_count[1], by_count[count]
    possible = several.middle_traffic().possible_gain(alone.middle_traffic())
    value, wanted = median(alone.cold) / median(several.cold), WANTED_GAINS.get(count)
    is_limited = max(alone.middle_traffic().rates()) >= FULL_LINE * limits.node_mbps
    if wanted is None or not is_limited:
        return [times(possible), times(value)]
    return [times(possible), f"{times(value)}, {'at least' if value >= wanted else 'not'} {times(wanted)}"]


def percent(share: float) -> str:
    return f"{share:.0%}"

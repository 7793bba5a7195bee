"""What it costs a query node to ask the ingest node for unflushed rows before each query."""

import argparse
from pathlib import Path

from ..markdown import row, table
from .client import Client, percentile
from .environment import fail, note
from .nodes import Cluster
from .plant import Plant, moment
from .proxies import ProxyProcess
from .report import ms, section
from .shaping import Limits

TAILS = [0, 10_000, 1_000_000]
RUNS, WARM_UP = 200, 10
# Runs of which the bytes between the nodes are counted.
COUNTED_RUNS = 20
BATCH_ROWS = 10_000
HOUR = 3600
# Rows stay in memory: neither their age nor their size has them flushed.
UNFLUSHED = {"BASALT_FLUSH__AGE": "1h", "BASALT_FLUSH__BYTES": "1GB", "BASALT_MEMTABLE__CAP": "2GB"}


def questions(plant: Plant) -> dict[str, str]:
    stream, recent = plant.streams[0], plant.end - HOUR
    return {
        "latest value of a stream": f"SELECT value FROM readings WHERE stream_id = {stream} ORDER BY ts DESC LIMIT 1",
        "recent rows of a stream, counted": "SELECT count(*) AS n FROM readings "
        f"WHERE stream_id = {stream} AND ts > {moment(recent)}",
    }


def measure(cluster: Cluster, options: argparse.Namespace) -> None:
    """Starts the ingest node again, with settings that keep rows in memory, and stops it at the end."""
    cluster.start_ingest(**UNFLUSHED)
    relay = ProxyProcess(cluster.listen, cluster.scratch / "relay.log", "--plain")
    try:
        # The second node asks the ingest node through something that counts, and takes time itself.
        counted = {"BASALT_CLUSTER__OWNER": f"http://{relay.address}"}
        with cluster.query_nodes(Limits(), {}, counted) as (node, counted_node):
            section(
                "Cost of a pin",
                f"Milliseconds of {RUNS} runs over one connection that is kept, the two nodes in turns. All readings that are in no tail are in the lake, "
                "which is near: no delay, no limit. Bytes are what the query node sends to the ingest node's `cluster.listen` and gets from there.",
            )
            table("question", "unflushed rows", "ingest node p50", "p99", "query node p50", "p99", "p50 more", "bytes sent a query", "bytes got a query")
            clients = [cluster.ingest.client(), node.client(), counted_node.client()]
            written = 0
            for tail in TAILS:
                note(f"a tail of {tail:,} rows")
                write(clients[0], cluster.plant, written, tail)
                written = tail
                for name, query in questions(cluster.plant).items():
                    measure_question(clients, relay, name, query, tail)
            for client in clients:
                client.close()
    finally:
        relay.stop()
        cluster.stop_ingest()


def measure_question(clients: list[Client], relay: ProxyProcess, name: str, query: str, tail: int) -> None:
    ingest, node, counted = clients
    expected = ingest.sql(query)
    took: dict[Client, list[float]] = {ingest: [], node: []}
    for number in range(WARM_UP + RUNS):
        for client, known in took.items():
            time, rows = client.timed(query)
            if rows != expected:
                fail(f"{query}: the ingest node answers {expected}, then {rows}")
            if number >= WARM_UP:
                known.append(time)
    for _ in range(WARM_UP):
        counted.sql(query)
    before = relay.counts()
    for _ in range(COUNTED_RUNS):
        counted.sql(query)
    after = relay.counts()
    sent, got = ((after[way] - before[way]) / COUNTED_RUNS for way in ("received", "sent"))
    middle = [percentile(known, 50) for known in took.values()]
    late = [percentile(known, 99) for known in took.values()]
    row(name, f"{tail:,}", ms(middle[0]), ms(late[0]), ms(middle[1]), ms(late[1]), ms(middle[1] - middle[0]), f"{sent:,.0f}", f"{got:,.0f}")


def write(ingest: Client, plant: Plant, since: int, until: int) -> None:
    """Writes rows after the plant's end, from one number of rows to another, and sees that they are in memory."""
    for first in range(since, until, BATCH_ROWS):
        ingest.ingest(batch(plant, range(first, min(first + BATCH_ROWS, until))))
    waiting = ingest.metric("basalt_memtable_readings")
    if waiting != until:
        fail(f"{waiting:,} rows wait for a flush, not {until:,}")


def batch(plant: Plant, numbers: range) -> bytes:
    """Rows of all streams in turns, a second later each turn, as NDJSON."""
    count = len(plant.streams)
    lines = []
    for number in numbers:
        stream, ts = plant.streams[number % count], plant.end + number // count
        # Spread evenly and with a full mantissa.
        value = number * 2_654_435_761 % 4_294_967_296 / 7
        lines.append(f'{{"stream_id":{stream},"ts":{ts},"value":{value!r}}}\n')
    return "".join(lines).encode()

"""What changes of the catalog take with query nodes beside the ingest node, and the first question after one."""

import argparse
import http.client
import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

from ..markdown import row, table
from .client import Client, percentile
from .environment import clean_environment, fail, note
from .nodes import Cluster, Node
from .plant import Plant
from .report import ms, section
from .shaping import Limits

# Numbers of query nodes, and changes of each kind.
COUNTS, QUICK_COUNTS = [0, 1, 4, 16], [0, 1, 2]
RUNS, QUICK_RUNS = 200, 20
WARM_UP = 5
USER, PASSWORD = "bench", "correct horse battery"
CREATE_KEY, REVOKE_KEY, CREATE_STREAM, NOTHING = "create a key", "revoke a key", "create a stream", "nothing"
CHANGES = [CREATE_KEY, REVOKE_KEY, CREATE_STREAM]
# Streams of a large catalog, in devices of so many, and how many streams are created beside them with so many query nodes.
LARGE, QUICK_LARGE = 100_000, 2_000
STREAMS_OF_DEVICE = 1_000
LARGE_RUNS, QUICK_LARGE_RUNS = 50, 5
LARGE_NODES = 2


@dataclass
class Seen:
    """What a number of query nodes has done."""

    # Milliseconds by kind of change: of the change itself, and of the first question to a query node after it.
    changes: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in CHANGES})
    firsts: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in [NOTHING, *CHANGES]})
    # First requests with a revoked key, and how many of them were refused.
    tried: int = 0
    refused: int = 0


def question(plant: Plant) -> str:
    return f"SELECT value FROM readings WHERE stream_id = {plant.streams[0]} ORDER BY ts DESC LIMIT 1"


def measure(cluster: Cluster, options: argparse.Namespace) -> None:
    runs = QUICK_RUNS if options.quick else RUNS
    section(
        "Changes of the catalog",
        f"Milliseconds, {runs} of each kind, made at the ingest node over one connection that is kept. A node looks at the catalog's version at each request, so that "
        "a change waits for no node. *First question*: the latest value of a stream, asked at one query node right after the change was answered; without a change, the question "
        "before it was the same; after a revocation it is asked in every other run. *Refused*: each revoked key had been used on every node, and is tried on each when its revocation was answered: in every other run, and on all nodes but one in "
        "every run, before anything else is asked there.",
    )
    table("query nodes", "change", "p50", "p99", "first question p50", "p99", "without a change p50", "p99", "revoked keys refused")
    make_user(cluster)
    admin = log_in(cluster.ingest)
    for count in QUICK_COUNTS if options.quick else COUNTS:
        note(f"changes of the catalog with {count} query nodes")
        with cluster.query_nodes(Limits(), *[{}] * count) as nodes:
            print_lines(count, Bench(cluster, admin, nodes).run(runs))
    measure_large(cluster, admin, options)
    admin.close()


def measure_large(cluster: Cluster, admin: Client, options: argparse.Namespace) -> None:
    streams, runs = (QUICK_LARGE, QUICK_LARGE_RUNS) if options.quick else (LARGE, LARGE_RUNS)
    section(
        "A new stream in a large catalog",
        f"Milliseconds, {runs} streams, each created beside those of the column *streams*. *First question*: as above, asked at every query node.",
    )
    table("query nodes", "streams", "p50", "p99", "first question p50", "p99", "without a change p50", "p99")
    note(f"making a catalog of {streams:,} streams")
    make_streams(admin, streams)
    with cluster.query_nodes(Limits(), *[{}] * LARGE_NODES) as nodes:
        seen = Bench(cluster, admin, nodes).run_streams(runs)
    times = (seen.changes[CREATE_STREAM], seen.firsts[CREATE_STREAM], seen.firsts[NOTHING])
    row(LARGE_NODES, f"{streams:,}", *[ms(percentile(some, at)) for some in times for at in (50, 99)])
    # The next tables are measured with the catalog of before.
    reader = cluster.ingest.client()
    for device in reader.sql("SELECT id FROM devices WHERE name LIKE 'large %'"):
        expect(admin, "DELETE", f"/api/device/{device['id']}/", None, 204)
    reader.close()


def make_streams(admin: Client, count: int) -> None:
    """Makes so many streams of virtual devices that make no values."""
    for first in range(0, count, STREAMS_OF_DEVICE):
        streams = [{"name": f"s{number}", "type": "fp64"} for number in range(first, min(count, first + STREAMS_OF_DEVICE))]
        device = {"name": f"large {first}", "protocol": "virtual", "streams": streams}
        expect(admin, "POST", "/api/inventory/", {"devices": [device]}, 200)


def print_lines(count: int, seen: Seen) -> None:
    without = [ms(percentile(seen.firsts[NOTHING], at)) for at in (50, 99)] if count else ["–"] * 2
    for kind in CHANGES:
        took, first = seen.changes[kind], seen.firsts[kind]
        after = [ms(percentile(first, at)) for at in (50, 99)] if count else ["–"] * 2
        refused = f"{seen.refused:,} of {seen.tried:,}" if kind == REVOKE_KEY else ""
        row(count, kind, ms(percentile(took, 50)), ms(percentile(took, 99)), *after, *without, refused)


class Bench:
    """The changes with some query nodes; without any, only the ingest node is asked."""

    def __init__(self, cluster: Cluster, admin: Client, nodes: list):
        self.admin, self.nodes = admin, nodes
        self.query = question(cluster.plant)
        self.asked = nodes[0].client() if nodes else None
        self.seen = Seen()
        name = f"changes beside {len(nodes)} nodes"
        self.device = expect(admin, "POST", "/api/device/", {"name": name, "protocol": "virtual"}, 201)[1]["id"]
        # A client for each node, whose key changes from run to run.
        self.tried = [node.client() for node in nodes or [cluster.ingest]]

    def run(self, runs: int) -> Seen:
        for number in range(WARM_UP + runs):
            if number == WARM_UP:
                self.seen = Seen()
            self.run_once(number)
        self.finish()
        return self.seen

    def run_streams(self, runs: int) -> Seen:
        """Creates streams alone, and asks every node after each."""
        for number in range(WARM_UP + runs):
            if number == WARM_UP:
                self.seen = Seen()
            for client in self.tried:
                client.sql(self.query)
                self.ask(NOTHING, client)
            self.create_stream(number)
            for client in self.tried:
                self.ask(CREATE_STREAM, client)
        self.finish()
        return self.seen

    def finish(self) -> None:
        # A later number of nodes has as many streams to load.
        expect(self.admin, "DELETE", f"/api/device/{self.device}/", None, 204)
        for client in self.tried + [self.asked] * (self.asked is not None):
            client.close()

    def run_once(self, number: int) -> None:
        if self.asked is not None:
            self.asked.sql(self.query)
            self.ask(NOTHING, self.asked)
        key = self.change(CREATE_KEY, "POST", "/api/key/", {"name": f"bench {number}", "scopes": ["value:read"]}, 201)
        self.ask(CREATE_KEY, self.asked)
        for client in self.tried:
            if (status := self.try_key(client, key["key"])) != 200:
                fail(f"a node answers {status} to a key that was created before")
        self.change(REVOKE_KEY, "DELETE", f"/api/key/{key['id']}/", None, 204)
        is_asked_first = number % 2 == 1
        if is_asked_first:
            self.ask(REVOKE_KEY, self.asked)
        for client in self.tried:
            status = self.try_key(client, key["key"])
            self.seen.tried += 1
            self.seen.refused += status == 401
            if status != 401:
                fail(f"a node answers {status} to a key whose revocation was answered before")
        self.create_stream(number)
        self.ask(CREATE_STREAM, self.asked)

    def create_stream(self, number: int) -> None:
        self.change(CREATE_STREAM, "POST", "/api/data/", {"name": f"bench {number}", "device": self.device, "type": "fp64"}, 201)

    def change(self, kind: str, method: str, path: str, content: Any, expected: int) -> Any:
        took, answer = expect(self.admin, method, path, content, expected)
        self.seen.changes[kind].append(took)
        return answer

    def ask(self, kind: str, client: Client | None) -> None:
        if client is not None:
            self.seen.firsts[kind].append(client.timed(self.query)[0])

    def try_key(self, client: Client, key: str) -> int:
        client.use_key(key)
        return client.timed_json("POST", "/sql", {"query": self.query})[1]


def expect(client: Client, method: str, path: str, content: Any, expected: int) -> tuple[float, Any]:
    """Milliseconds of a request that has to be answered with this status, and the answer."""
    took, status, answer = client.timed_json(method, path, content)
    if status != expected:
        fail(f"{method} {path}: {status}: {answer[:500]!r}")
    return took, json.loads(answer) if answer else None


def make_user(cluster: Cluster) -> None:
    """Makes the superuser who creates and revokes keys: keys may not."""
    command = [cluster.program, "user", "create", USER, "--superuser", "--password-stdin", "--data-dir", cluster.scratch / "ingest"]
    made = subprocess.run(command, input=f"{PASSWORD}\n", text=True, capture_output=True, env=clean_environment(), cwd=cluster.scratch)
    if made.returncode != 0:
        fail(f"a user cannot be made: {made.stderr}")


def log_in(node: Node) -> Client:
    """A client with the session of that user."""
    connection = http.client.HTTPConnection(node.address, timeout=60)
    body = json.dumps({"username": USER, "password": PASSWORD})
    connection.request("POST", "/api/session/", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        fail(f"the user cannot log in: {answer.status}: {content[:500]!r}")
    pairs = [cookie.split(";", 1)[0] for cookie in answer.headers.get_all("Set-Cookie", [])]
    connection.close()
    token = dict(pair.split("=", 1) for pair in pairs).get("csrftoken", "")
    return Client(node.address, {"Cookie": "; ".join(pairs), "X-CSRFToken": token})

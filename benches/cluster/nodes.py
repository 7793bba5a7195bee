"""The ingest node and the query nodes, each query node with a way of its own to the store."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from . import processors
from .client import KEY, Client, by_key
from .environment import Cores, Program, clean_environment, fail, free_port
from .plant import Plant, copy_ingest
from .processors import Placement
from .proxies import ProxyProcess
from .shaping import Limits
from .storage import BUCKET, LAKE_URL, Catalog, Store, store_environment

SECRET = "a-secret-of-benchmarks-0123456789abcdef0123456789"
# Seconds until nodes know each other; they look for each other every three.
PATIENCE = 60
# A statement that reads the log of the lake and no file.
READ_LOG = "SELECT count(*) AS n FROM readings WHERE ts < '1971-01-01' AND value + 0 > 0"
# Nothing changes the files while questions are measured, and no query is too long.
SETTINGS = {
    "BASALT_LIMITS__QUERY_TIMEOUT": "30m",
    "BASALT_LAKE__KEEP_REMOVED": "1d",
    "BASALT_COMPACTION__INTERVAL": "1d",
    "BASALT_RETENTION__INTERVAL": "1d",
    "BASALT_CLUSTER__SECRET": SECRET,
    "BASALT_LAKE_URL": LAKE_URL,
}
# How long a node is listed before others give it parts of their queries (src/query/spread/workers.rs), and a second.
JOIN_SECONDS = 7


class Node:
    """A running `basalt serve`."""

    def __init__(self, program: Path, folder: Path, env: dict[str, str], cores: Cores):
        folder.mkdir(parents=True, exist_ok=True)
        command = [program, "serve", "--data-dir", folder, "--listen", "127.0.0.1:0"]
        env = clean_environment(BASALT_BOOTSTRAP_KEY=KEY, **env)
        self.program = Program(command, folder.with_name(f"{folder.name}.log"), env, cwd=folder, cores=cores)
        self.address = ""

    def wait(self) -> None:
        """Waits until it answers."""
        self.address = self.program.wait_for("listening on http://")
        client = self.client()
        until = time.monotonic() + PATIENCE
        while not client.is_ready("db,poller"):
            if time.monotonic() > until:
                fail(f"a node is not ready: {self.program.tail()}")
            time.sleep(0.1)
        client.close()

    def client(self, key: str = KEY) -> Client:
        return Client(self.address, by_key(key))

    def stop(self) -> None:
        self.program.stop()


class QueryNode(Node):
    """A query node, and the proxy between it and the store."""

    def __init__(self, program: Path, folder: Path, env: dict[str, str], way: ProxyProcess, cores: Cores):
        # Its caches are in its memory, and what it spills in its directory: both are empty after a start.
        shutil.rmtree(folder, ignore_errors=True)
        super().__init__(program, folder, env, cores)
        self.way = way

    def wait_for_nodes(self, count: int) -> None:
        """Waits until it knows of this many query nodes."""
        client = self.client()
        until = time.monotonic() + PATIENCE
        while (known := client.metric('basalt_cluster_nodes{role="query"}')) != count:
            if time.monotonic() > until:
                fail(f"a query node knows {known} query nodes of {count}: {self.program.tail()}")
            time.sleep(0.1)
        client.close()

    def read_log(self) -> None:
        """Has it read the log of the lake, which a node that runs for a while has in memory."""
        client = self.client()
        client.sql(READ_LOG)
        client.close()


class Cluster:
    """One ingest node, which talks to the store directly, and query nodes as they are wanted."""

    def __init__(self, program: Path, scratch: Path, plant: Plant, catalog: Catalog, store: Store):
        self.program, self.scratch, self.plant, self.catalog, self.store = program, scratch, plant, catalog, store
        self.listen = f"127.0.0.1:{free_port()}"
        self.ways: list[ProxyProcess] = []
        self.ports: list[int] = []
        self.ingest: Node | None = None
        self.placement = Placement()
        copy_ingest(plant, scratch / "ingest")

    def start_ingest(self, **settings: str) -> Node:
        """Starts the ingest node with these settings, for the second time if it runs."""
        self.stop_ingest()
        env = {**self.shared(self.store.address), "BASALT_CLUSTER__LISTEN": self.listen, **settings}
        self.ingest = Node(self.program, self.scratch / "ingest", env, self.placement.ingest)
        self.ingest.wait()
        return self.ingest

    def stop_ingest(self) -> None:
        if self.ingest is not None:
            self.ingest.stop()
            self.ingest = None

    def place(self, placement: Placement) -> None:
        """Stops all nodes. Those that are started from now on run where this says, and PostgreSQL and the store are there at once."""
        self.stop()
        self.ways.clear()
        if self.placement.is_divided or placement.is_divided:
            self.catalog.bind(placement.ingest)
            self.store.bind(placement.ingest)
        self.placement = placement

    def place_connections(self, nodes: list[QueryNode]) -> None:
        """Moves what PostgreSQL does for these query nodes to their processors. It starts a process for each connection, on its own."""
        if self.placement.is_divided:
            for node in nodes:
                self.catalog.bind_clients(processors.client_ports(node.program.process.pid, self.catalog.port), self.placement.query)

    def shared(self, store_address: str) -> dict[str, str]:
        return {**SETTINGS, "BASALT_CATALOG_URL": self.plant.catalog_url, **store_environment(store_address)}

    @contextmanager
    def query_nodes(self, limits: Limits, *settings: dict[str, str]) -> Iterator[list[QueryNode]]:
        """Starts a query node with each of these settings, on empty directories; they know each other and the log of the lake.

        A node whose settings have an empty `BASALT_CLUSTER__LISTEN` does not listen, and works on no question of others.
        """
        nodes: list[QueryNode] = []
        try:
            for number, own in enumerate(settings):
                nodes.append(self.start_query_node(number, limits, own))
            for node in nodes:
                node.wait()
            for node in nodes:
                node.wait_for_nodes(len(nodes))
            if len(nodes) > 1:
                time.sleep(JOIN_SECONDS)
            for node in nodes:
                node.read_log()
            yield nodes
        finally:
            for node in nodes:
                node.stop()

    def start_query_node(self, number: int, limits: Limits, settings: dict[str, str]) -> QueryNode:
        way = self.way(number)
        way.set_limits(limits)
        env = {
            **self.shared(way.address),
            "BASALT_CLUSTER__ROLE": "query",
            # The same at every start: files have their nodes by the URLs.
            "BASALT_CLUSTER__LISTEN": f"127.0.0.1:{self.ports[number]}",
            "BASALT_CLUSTER__OWNER": f"http://{self.listen}",
            "BASALT_CLUSTER__OWNER_HTTP": f"http://{self.ingest.address}",
            **settings,
        }
        env = {name: value for name, value in env.items() if value}
        return QueryNode(self.program, self.scratch / f"query{number}", env, way, self.placement.query)

    def way(self, number: int) -> ProxyProcess:
        """The proxy between a query node and the store."""
        while len(self.ways) <= number:
            log = self.scratch / f"proxy{len(self.ways)}.log"
            flags = ["--objects", self.plant.objects, "--bucket", BUCKET]
            self.ways.append(ProxyProcess(self.store.address, log, *flags, cores=self.placement.query))
        while len(self.ports) <= number:
            self.ports.append(free_port())
        return self.ways[number]

    def stop(self) -> None:
        for way in self.ways:
            way.stop()
        self.stop_ingest()

"""A client over one connection that is kept."""

import http.client
import json
import math
import socket
import time
from typing import Any

KEY = "bslt_cluster_0123456789abcdef0123456789abcdef"
# Seconds for an answer: more than a scan of everything takes on one node.
PATIENCE = 1800
# Of a number, relative: sums of the same values in another order differ by less.
TOLERANCE = 1e-9
# Seconds before a batch is sent again that the server had no room for.
RETRY_DELAY = 0.2

Rows = list[dict[str, Any]]


def by_key(key: str) -> dict[str, str]:
    """The headers of who has a key."""
    return {"Authorization": f"ApiKey {key}"}


class Client:
    def __init__(self, address: str, credentials: dict[str, str] | None = None):
        self.credentials = by_key(KEY) if credentials is None else credentials
        self.connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        self.connect()

    def use_key(self, key: str) -> None:
        self.credentials = by_key(key)

    def connect(self) -> None:
        self.connection.close()
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def sql(self, query: str) -> Rows:
        return self.timed(query)[1]

    def timed(self, query: str) -> tuple[float, Rows]:
        """Milliseconds from sending a question until its rows are here, not counting that they are read as JSON, and the rows."""
        took, status, content = self.timed_json("POST", "/sql", {"query": query})
        if status != 200:
            raise RuntimeError(f"{query}: {status}: {content[:500]!r}")
        return took, json.loads(content)

    def timed_json(self, method: str, path: str, content: Any = None) -> tuple[float, int, bytes]:
        """Milliseconds from sending a request until its answer is here, the status, and the body."""
        body = None if content is None else json.dumps(content).encode()
        began = time.perf_counter()
        status, answer = self.send(method, path, body, "application/json")
        return (time.perf_counter() - began) * 1000, status, answer

    def ingest(self, lines: bytes) -> None:
        """Writes readings of NDJSON, when the server has room for them."""
        while (answer := self.send("POST", "/ingest", lines, "application/x-ndjson"))[0] == 503:
            time.sleep(RETRY_DELAY)
        if answer[0] != 200:
            raise RuntimeError(f"readings were refused: {answer[0]}: {answer[1][:500]!r}")

    def metric(self, name: str) -> int:
        """A number of /metrics by its name, with its labels if it has some; -1 where it is not told."""
        page = self.send("GET", "/metrics")[1].decode()
        found = [line.rsplit(" ", 1)[1] for line in page.splitlines() if line.startswith(f"{name} ")]
        return int(float(found[0])) if found else -1

    def is_ready(self, checks: str) -> bool:
        return self.send("GET", f"/readyz/?checks={checks}")[0] == 200

    def send(self, method: str, path: str, body: bytes | None = None, media_type: str = "text/plain") -> tuple[int, bytes]:
        """Sends a request, on another connection if the server has closed the last one, as it does when nothing is asked."""
        headers = {"Content-Type": media_type, **self.credentials}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            self.connect()
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self.connection.close()


def are_equal(ours: Rows, theirs: Rows) -> bool:
    """Whether two answers say the same, up to the order of additions."""
    if len(ours) != len(theirs):
        return False
    return all(one.keys() == other.keys() and all(is_near(one[name], other[name]) for name in one) for one, other in zip(ours, theirs))


def is_near(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=TOLERANCE)
    return one == other


def percentile(times: list[float], percent: float) -> float:
    """The time that so many percent of the runs take at most."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * percent / 100) - 1))]


def median(times: list[float]) -> float:
    return percentile(times, 50)

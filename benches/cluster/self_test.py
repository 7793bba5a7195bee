"""Whether the proxy delays and limits as it is told: before a trivial HTTP server, and from files."""

import http.client
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .proxies import ProxyProcess
from .shaping import Limits

SMALL, LARGE = 100, 4_000_000
CONNECTIONS = 4
LIMITS = Limits(latency_ms=30, connection_mbps=40, node_mbps=100)
# A time may be this much shorter than it should be, because timers are not exact, and longer, because the machine may be busy.
LEAST, MOST = 0.97, 1.25
MOST_LATE_S = 0.02


class Upstream(BaseHTTPRequestHandler):
    """Answers `/N` with N bytes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b"x" * size)

    def log_message(self, *_: object) -> None:
        pass


def fetch(address: str, path: str, headers: dict[str, str] = {}) -> tuple[float, float, bytes]:
    """Seconds to the first byte of the response and to its last, and its body."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    first = time.perf_counter() - began
    body = answer.read()
    took = time.perf_counter() - began
    connection.close()
    return first, took, body


class Findings:
    """What was measured beside what it should be."""

    def __init__(self) -> None:
        self.failures = 0

    def check(self, what: str, is_right: bool, told: str) -> None:
        self.failures += not is_right
        print(f"{'ok  ' if is_right else 'FAIL'} {what}: {told}", flush=True)

    def check_time(self, what: str, seconds: float, wanted: float) -> None:
        is_right = wanted * LEAST <= seconds <= wanted * MOST + MOST_LATE_S
        self.check(what, is_right, f"{seconds * 1000:.1f} ms, wanted {wanted * 1000:.1f} ms")


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def check_line(findings: Findings, kind: str, address: str, small: str, large: str) -> None:
    """Latency, the bandwidth of one connection, and that of several together."""
    latency = LIMITS.latency_ms / 1000
    firsts = [fetch(address, small)[0] for _ in range(10)]
    findings.check_time(f"{kind}: first byte, median of 10", median(firsts), latency)
    findings.check(f"{kind}: no first byte is early", min(firsts) >= latency, f"earliest after {min(firsts) * 1000:.1f} ms")
    alone = median([fetch(address, large)[1] for _ in range(3)])
    findings.check_time(f"{kind}: {LARGE / 1e6:.0f} MB on one connection", alone, latency + LARGE / 1e6 / LIMITS.connection_mbps)
    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda _: fetch(address, large), range(CONNECTIONS)))
    together = latency + CONNECTIONS * LARGE / 1e6 / LIMITS.node_mbps
    findings.check_time(f"{kind}: the same on {CONNECTIONS} at once", time.perf_counter() - began, together)


def check_object(findings: Findings, address: str, path: str, content: bytes) -> None:
    """Ranges, as an object store is asked for them, on one connection that is kept."""
    connection = http.client.HTTPConnection(address, timeout=60)
    size = len(content)
    ranges = {"bytes=100-299": content[100:300], f"bytes={size - 5}-": content[-5:], "bytes=-7": content[-7:], "bytes=0-": content}
    for asked, expected in ranges.items():
        connection.request("GET", path, headers={"Range": asked})
        answer = connection.getresponse()
        body = answer.read()
        is_right = answer.status == 206 and body == expected and answer.headers["Content-Range"].endswith(f"/{size}")
        findings.check(f"file: {asked}", is_right, f"{answer.status}, {len(body)} bytes")
    connection.request("HEAD", path)
    answer = connection.getresponse()
    findings.check("file: HEAD", answer.read() == b"" and answer.headers["Content-Length"] == str(size), f"{answer.status}")
    connection.close()


def check_counts(findings: Findings, proxy: ProxyProcess) -> None:
    before = proxy.counts()
    fetch(proxy.address, f"/{LARGE}")
    after = proxy.counts()
    grown = {name: after[name] - before[name] for name in after}
    is_right = LARGE <= grown["sent"] < LARGE + 1000 and 0 < grown["received"] < 1000 and grown["requests"] <= 1
    findings.check("counts of one request", is_right and grown["connections"] == 1, str(grown))


def run() -> int:
    """Measures; the exit code."""
    findings = Findings()
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    behind = f"127.0.0.1:{upstream.server_port}"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.callback(upstream.shutdown)
        content = os.urandom(LARGE)
        for name, bytes_of_it in (("large.parquet", content), ("small.parquet", content[:SMALL])):
            (Path(folder) / name).write_bytes(bytes_of_it)
        proxy = ProxyProcess(behind, Path(folder) / "log", "--objects", folder, "--bucket", "b", limits=LIMITS)
        stack.callback(proxy.stop)
        plain = ProxyProcess(behind, Path(folder) / "plain.log", "--plain")
        stack.callback(plain.stop)
        check_line(findings, "passed on", proxy.address, f"/{SMALL}", f"/{LARGE}")
        check_line(findings, "file", proxy.address, "/b/small.parquet", "/b/large.parquet")
        check_object(findings, proxy.address, "/b/large.parquet", content)
        check_counts(findings, proxy)
        check_counts(findings, plain)
        proxy.set_limits(Limits())
        free = median([fetch(proxy.address, "/b/large.parquet")[1] for _ in range(3)])
        findings.check("file: without limits", free < 0.1, f"{free * 1000:.1f} ms, {LARGE / 1e6 / free:.0f} MB/s")
    print(f"{findings.failures} of the checks failed" if findings.failures else "the proxy does what it is told")
    return 1 if findings.failures else 0

"""A proxy before the object store, which makes it as far away as one of a cloud.

    python3 -m benches.cluster.proxy --to HOST:PORT [--objects DIR --bucket NAME] [--latency-ms 30 --connection-mbps 40 --node-mbps 100]
    python3 -m benches.cluster.proxy --to HOST:PORT --plain        passes bytes on and counts them
    python3 -m benches.cluster.proxy --self-test

It prints its port. Each line on standard input is JSON: limits to set from now on, or `{}`; the answer is a line with the counts. It ends
with its standard input.

Parquet files that are in DIR are sent from there, because moto takes several milliseconds of one processor for each request, whatever its
size: it would be the bottleneck instead of the line. They never change. Everything else is passed on to moto.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import urllib.parse
from asyncio import StreamReader, StreamWriter
from email.utils import formatdate
from pathlib import Path

from .shaping import PIECE_BYTES, ConnectionLine, Limits, NodeLine

MOST_HEAD_BYTES = 64 << 10
RANGE = re.compile(rb"\r\nrange: *bytes=(\d*)-(\d*) *\r\n", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
BROKEN = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


class Proxy:
    def __init__(self, options: argparse.Namespace):
        host, port = options.to.rsplit(":", 1)
        self.upstream = (host, int(port))
        self.objects, self.bucket = options.objects, options.bucket
        self.is_plain = options.plain
        self.node = NodeLine(Limits(options.latency_ms, options.connection_mbps, options.node_mbps))

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serves one connection to its end."""
        line = ConnectionLine(self.node, writer)
        try:
            if self.is_plain:
                await self.pass_all(reader, line)
            else:
                while await self.serve_request(reader, line):
                    pass
        except BROKEN:
            pass
        finally:
            writer.close()

    async def serve_request(self, reader: StreamReader, line: ConnectionLine) -> bool:
        """Serves one request; whether the connection has another."""
        head = await reader.readuntil(b"\r\n\r\n")
        asked_at = asyncio.get_running_loop().time()
        self.node.received += len(head)
        self.node.requests += 1
        if (path := self.object_of(head)) is not None:
            await send_object(path, head, line, asked_at)
            return True
        await self.pass_request(head, reader, line)
        return False

    def object_of(self, head: bytes) -> Path | None:
        """The file of the object that a request reads, when it is one that never changes and we have it."""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        key = urllib.parse.unquote(target).removeprefix(f"/{self.bucket}/")
        is_file = method in ("GET", "HEAD") and key.endswith(".parquet") and "_delta_log" not in key and ".." not in key
        path = self.objects / key if self.objects and is_file else None
        return path if path and path.is_file() else None

    async def pass_request(self, head: bytes, reader: StreamReader, line: ConnectionLine) -> None:
        """Passes a request on, over a connection of its own that ends with the response."""
        from_store, to_store = await asyncio.open_connection(*self.upstream)
        try:
            to_store.write(CONNECTION.sub(b"", head)[:-2] + b"connection: close\r\n\r\n")
            length = LENGTH.search(head)
            left = int(length[1]) if length else 0
            while left and (piece := await reader.read(min(left, PIECE_BYTES))):
                left -= len(piece)
                self.node.received += len(piece)
                to_store.write(piece)
                await to_store.drain()
            await send_response(from_store, line, asyncio.get_running_loop().time())
        finally:
            to_store.close()

    async def pass_all(self, reader: StreamReader, line: ConnectionLine) -> None:
        """Passes everything on in both directions."""
        from_owner, to_owner = await asyncio.open_connection(*self.upstream)

        async def ask() -> None:
            while piece := await reader.read(PIECE_BYTES):
                self.node.received += len(piece)
                to_owner.write(piece)
                await to_owner.drain()
            to_owner.write_eof()

        asking = asyncio.create_task(ask())
        try:
            await send_response(from_owner, line, asyncio.get_running_loop().time())
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            to_owner.close()


async def send_response(source: StreamReader, line: ConnectionLine, asked_at: float) -> None:
    """Sends what comes from `source` until its end."""
    piece = await source.read(PIECE_BYTES)
    await line.begin(asked_at)
    while piece:
        await line.send(piece)
        piece = await source.read(PIECE_BYTES)


async def send_object(path: Path, head: bytes, line: ConnectionLine, asked_at: float) -> None:
    """Answers a request for an object, or for a range of it, as S3 does."""
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        at, end = wanted_range(head, about.st_size)
        is_part = RANGE.search(head) is not None
        fields = [
            "HTTP/1.1 206 Partial Content" if is_part else "HTTP/1.1 200 OK",
            f"Content-Length: {end - at}",
            *([f"Content-Range: bytes {at}-{end - 1}/{about.st_size}"] if is_part else []),
            f'ETag: "{about.st_size:x}-{about.st_mtime_ns:x}"',
            f"Last-Modified: {formatdate(about.st_mtime, usegmt=True)}",
            "Accept-Ranges: bytes",
            "Content-Type: binary/octet-stream",
        ]
        await line.begin(asked_at)
        await line.send("\r\n".join([*fields, "", ""]).encode())
        while at < end and not head.startswith(b"HEAD"):
            piece = os.pread(file.fileno(), min(PIECE_BYTES, end - at), at)
            at += len(piece)
            await line.send(piece)


def wanted_range(head: bytes, size: int) -> tuple[int, int]:
    """The first byte that is wanted, and the one after the last."""
    found = RANGE.search(head)
    if found is None:
        return 0, size
    first, last = found[1], found[2]
    if not first:
        return max(0, size - int(last)), size
    return min(int(first), size), min(int(last) + 1, size) if last else size


async def obey(proxy: Proxy) -> None:
    """Follows what standard input says until it ends."""
    orders = StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := await orders.readline():
        if limits := json.loads(order):
            proxy.node.set_limits(Limits(**limits))
        print(json.dumps(proxy.node.counts()), flush=True)


async def run(options: argparse.Namespace) -> None:
    proxy = Proxy(options)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=MOST_HEAD_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    await obey(proxy)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches.cluster.proxy", description=__doc__.split("\n\n")[0])
    parser.add_argument("--to", metavar="HOST:PORT", help="the server behind it")
    parser.add_argument("--plain", action="store_true", help="pass bytes on and count them, whatever they are")
    parser.add_argument("--objects", type=Path, metavar="DIR", help="send Parquet files of the bucket from here")
    parser.add_argument("--bucket", default="plant", help="name of the bucket [default: %(default)s]")
    parser.add_argument("--latency-ms", type=float, default=0, help="until the first byte of a response [default: none]")
    parser.add_argument("--connection-mbps", type=float, help="megabytes a second of each connection [default: unlimited]")
    parser.add_argument("--node-mbps", type=float, help="megabytes a second of all connections together [default: unlimited]")
    parser.add_argument("--self-test", action="store_true", help="measure latency and bandwidth of such proxies, and end")
    options = parser.parse_args()
    if not options.self_test and not options.to:
        parser.error("--to is missing")
    return options


def main() -> None:
    options = arguments()
    if options.self_test:
        from . import self_test

        sys.exit(self_test.run())
    asyncio.run(run(options))


if __name__ == "__main__":
    main()

"""Delay and bandwidth of a distant object store: how long each piece of a response waits."""

import asyncio
from asyncio import StreamWriter
from dataclasses import dataclass

# Bytes that are sent at once: a fraction of a millisecond of a fast line.
PIECE_BYTES = 64 << 10
# Time for which bytes may be sent late and yet at the right rate on the whole: timers fire up to a millisecond late.
NODE_CREDIT_S = 0.001
CONNECTION_CREDIT_S = 0.003


@dataclass
class Limits:
    """What a node's way to the store is like; `None` is unlimited."""

    latency_ms: float = 0
    connection_mbps: float | None = None
    node_mbps: float | None = None


class Bucket:
    """Tokens for bytes, which come at a rate. It keeps the time from which the next byte may be sent, instead of a number of tokens."""

    def __init__(self, mbps: float | None, credit: float):
        self.set_rate(mbps)
        self.credit = credit
        self.free_at = 0.0

    def set_rate(self, mbps: float | None) -> None:
        self.seconds_a_byte = 1 / (mbps * 1e6) if mbps else 0.0

    def begin(self, now: float) -> None:
        """Time without bytes is not saved: a response begins with an empty bucket."""
        self.free_at = max(self.free_at, now)

    def reserve(self, size: int, now: float) -> float:
        """The time at which the last of these bytes has crossed the line."""
        self.free_at = max(self.free_at, now - self.credit) + size * self.seconds_a_byte
        return self.free_at


class NodeLine:
    """The way of one node to the store, which its connections share, and what went over it."""

    def __init__(self, limits: Limits):
        self.bucket = Bucket(limits.node_mbps, NODE_CREDIT_S)
        self.limits = limits
        self.sent = self.received = self.requests = self.connections = 0

    def set_limits(self, limits: Limits) -> None:
        """Changes the limits of connections that exist as well."""
        self.limits = limits
        self.bucket.set_rate(limits.node_mbps)

    def counts(self) -> dict[str, int]:
        """Bytes of responses, bytes of requests, and how many requests and connections there were."""
        return {"sent": self.sent, "received": self.received, "requests": self.requests, "connections": self.connections}


class ConnectionLine:
    """One connection of a node."""

    def __init__(self, node: NodeLine, writer: StreamWriter):
        self.node, self.writer = node, writer
        self.bucket = Bucket(None, CONNECTION_CREDIT_S)
        node.connections += 1

    async def begin(self, asked_at: float) -> None:
        """Begins a response: its first byte comes the latency after the request, or as soon as it is there."""
        loop = asyncio.get_running_loop()
        self.bucket.set_rate(self.node.limits.connection_mbps)
        await sleep_until(asked_at + self.node.limits.latency_ms / 1000)
        self.bucket.begin(loop.time())

    async def send(self, piece: bytes) -> None:
        """Sends a piece when both the connection and the node may."""
        now = asyncio.get_running_loop().time()
        ready = max(self.bucket.reserve(len(piece), now), self.node.bucket.reserve(len(piece), now))
        await sleep_until(ready)
        self.node.sent += len(piece)
        self.writer.write(piece)
        await self.writer.drain()


async def sleep_until(time: float) -> None:
    wait = time - asyncio.get_running_loop().time()
    if wait > 0:
        await asyncio.sleep(wait)

#!/usr/bin/env python3
"""A sender of Prometheus remote write 2.0, written after its specification: messages and Snappy are encoded here.

    remote_write.py URL KEY

Sends good and wrong requests. Prints for each of them {"status", "written"}: the samples, histograms and exemplars that the
answer counts, null where a header is missing.
"""

import json
import struct
import sys
import urllib.error
import urllib.request

TIME_MS = 1_700_000_000_000
STALE = struct.pack("<Q", 0x7FF0_0000_0000_0002)
HEADERS = [f"X-Prometheus-Remote-Write-{kind}-Written" for kind in ("Samples", "Histograms", "Exemplars")]


def varint(number):
    encoded = b""
    while number >= 0x80:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def integer(field, number):
    return varint(field << 3) + varint(number)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def double(field, number):
    return varint(field << 3 | 1) + (number if isinstance(number, bytes) else struct.pack("<d", number))


class Request:
    """`io.prometheus.write.v2.Request` with its table of symbols."""

    def __init__(self, first=""):
        self.symbols = [first]
        self.series = b""

    def reference(self, text):
        if text not in self.symbols:
            self.symbols.append(text)
        return self.symbols.index(text)

    def add(self, labels, samples=(), histograms=(), more=b""):
        references = b"".join(varint(self.reference(text)) for pair in labels.items() for text in pair)
        content = message(1, references + more)
        for value, time_ms in samples:
            content += message(2, double(1, value) + integer(2, time_ms) + integer(3, TIME_MS - 1000))
        for count, total, time_ms in histograms:
            # Schema, a bucket and the hint of a reset follow the sum, as senders have them.
            content += message(3, integer(1, count) + double(3, total) + integer(4, 6) + integer(14, 2) + integer(15, time_ms))
        content += message(5, integer(1, 2) + integer(3, self.reference("Help.")))
        self.series += message(5, content)
        return self

    def encode(self):
        return b"".join(message(4, symbol.encode()) for symbol in self.symbols) + self.series


def snappy(content):
    """A block of literals alone."""
    block = varint(len(content))
    for start in range(0, len(content), 60):
        chunk = content[start : start + 60]
        block += bytes([len(chunk) - 1 << 2]) + chunk
    return block


def send(url, key, body, proto="io.prometheus.write.v2.Request"):
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Encoding": "snappy",
        "Content-Type": f"application/x-protobuf;proto={proto}",
        "X-Prometheus-Remote-Write-Version": "2.0.0",
    }
    request = urllib.request.Request(f"{url}/api/v1/write", snappy(body), headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    written = [answer.headers.get(name) for name in HEADERS]
    return {"status": answer.status, "written": [None if count is None else int(count) for count in written]}


def main(url, key):
    up = {"__name__": "up", "instance": "node:9100", "job": "node"}
    temp = {"__name__": "temp", "site": "Zürich", "instance": "node:9100"}
    latency = {"__name__": "latency", "instance": "node:9100"}
    good = Request()
    good.add(up, [(1.0, TIME_MS), (STALE, TIME_MS + 1)])
    good.add(temp, [(21.5, TIME_MS)])
    good.add(latency, histograms=[(7, 12.5, TIME_MS)])
    partial = Request().add(up, [(float("nan"), TIME_MS + 2), (0.0, TIME_MS + 3)])
    outcomes = {
        "good": send(url, key, good.encode()),
        "again": send(url, key, good.encode()),
        "partial": send(url, key, partial.encode()),
        "nothing": send(url, key, Request().encode()),
        "reference": send(url, key, Request().add(up, [(1.0, TIME_MS)], more=varint(1) + varint(99)).encode()),
        "odd": send(url, key, Request().add(up, [(1.0, TIME_MS)], more=varint(0)).encode()),
        "symbol": send(url, key, Request("first").add(up, [(1.0, TIME_MS)]).encode()),
        "version": send(url, key, good.encode(), proto="io.prometheus.write.v3.Request"),
    }
    print(json.dumps(outcomes))


main(*sys.argv[1:])

"""Bodies that say more than they have, or have far more than they show."""

import functools
import struct
import time
import zlib

from .wire import ask, together


def gzipped(pieces):
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return b"".join(packer.compress(piece) for piece in pieces) + packer.flush()


def arrow_lengths(site, turn):
    """Metadata of two gigabytes, and the end of a stream right behind it."""
    lengths = [0x7FFFFFFF, 0x7FFFFFF8, 0xFFFFFFF0, 0x40000000]
    body = b"\xff\xff\xff\xff" + struct.pack("<I", lengths[turn % 4]) + b"\0" * 1_000 + b"\xff\xff\xff\xff\0\0\0\0"
    media = "application/vnd.apache.arrow.stream"
    return together(4, lambda _: ask(site, "POST", "/ingest", body, site.writer, media))


@functools.cache
def csv_of(stream, mebibytes):
    line = b"%d,2026-04-28T12:00:00Z,1\n" % stream
    piece = line * ((1 << 20) // len(line))
    return gzipped([b"stream_id,ts,value\n", *[piece] * mebibytes])


def inflated(site, turn):
    """One line over and over; and nothing but zeros, past the limit."""
    packed = csv_of(site.stream, 250) if turn % 2 else gzipped([b"\0" * (1 << 20)] * 300)
    return together(2, lambda _: ask(site, "POST", "/ingest", packed, site.writer, "text/csv", {"Content-Encoding": "gzip"}))


def staggered(site, _turn):
    """One after the other, so that each is between two accounts when the next comes."""
    packed = csv_of(site.stream, 250)

    def one(i):
        time.sleep(i * 0.5)
        return ask(site, "POST", "/ingest", packed, site.writer, "text/csv", {"Content-Encoding": "gzip"})

    return together(10, one)


# Rounds in which texts are planted; later ones only ask.
PLANTED = 120


def long_texts(site, turn):
    """Texts of 250 kB, equal and different, then the rows of their stream."""
    outcomes = []
    if turn < PLANTED:
        text = lambda i: (str(turn * 40 + i) if turn % 2 else "same") + "x" * 250_000
        lines = [f'{{"stream_id":{site.texts},"ts":{1_700_000_000 + turn * 40 + i},"text":"{text(i)}"}}\n'.encode() for i in range(40)]
        headers = {"Content-Encoding": "gzip"}
        outcomes.append("planted " + ask(site, "POST", "/ingest", gzipped(lines), site.writer, "application/x-ndjson", headers))
    return [*outcomes, "read " + ask(site, "GET", f"/api/data/{site.texts}/value/?limit=3", None, site.operator)]

"""Parquet files by hand, whose footers and pages lie; thrift's compact protocol, as far as they need it."""

import struct
import zlib

from .wire import ask, together

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def value(kind, given):
    if kind in (I32, I64):
        return varint((given << 1) ^ (given >> 63))
    if kind == BINARY:
        return varint(len(given)) + given
    return given


def fields(*given):
    """A struct of (number, kind, value), in order."""
    out, last = b"", 0
    for number, kind, inner in given:
        out += bytes([(number - last) << 4 | kind]) + value(kind, inner)
        last = number
    return out + b"\0"


def listed(kind, items, count=None):
    count = len(items) if count is None else count
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return head + b"".join(items)


def file(footer, before=b""):
    return b"PAR1" + before + footer + struct.pack("<I", len(footer)) + b"PAR1"


def send(site, body):
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = packer.compress(body) + packer.flush()
    return ask(site, "POST", "/ingest", packed, site.writer, "application/vnd.apache.parquet", {"Content-Encoding": "gzip"})


def footer(schema, rows, groups, schema_count=None):
    return fields((1, I32, 2), (2, LIST, listed(STRUCT, schema, schema_count)), (3, I64, rows), (4, LIST, groups))


def column(name, kind):
    return fields((1, I32, kind), (3, I32, 0), (4, BINARY, name))


def nested(site, turn):
    """Groups within groups."""
    depth = (1_000, 10_000, 100_000, 400_000)[turn % 4]
    root = fields((4, BINARY, b"r"), (5, I32, 1))
    group = fields((3, I32, 1), (4, BINARY, b"g"), (5, I32, 1))
    schema = [root, *[group] * depth, column(b"ts", 2)]
    return [send(site, file(footer(schema, 1, listed(STRUCT, []))))]


def groups(site, turn):
    """Counts that nothing follows."""
    schema = [fields((4, BINARY, b"r"), (5, I32, 1)), column(b"ts", 2)]
    count = 2**31 - 1 - turn % 3
    bodies = [
        file(footer(schema, 1, listed(STRUCT, [], count))),
        file(footer(schema, 1, listed(STRUCT, []), schema_count=count)),
        file(footer([fields((4, BINARY, b"r"), (5, I32, count)), column(b"ts", 2)], 2**62, listed(STRUCT, []))),
    ]
    return [send(site, bodies[turn % 3])]


def pages(site, turn):
    """Pages that say that they unpack to two gigabytes."""
    claimed = (2**31 - 1, 2**30, 300 << 20)[turn % 3]
    names = [b"stream_id", b"ts", b"value"]
    kinds = [1, 2, 5]
    # A frame of zstd: a run of bytes, as long as its blocks can say, over and over.
    run = b"\x28\xb5\x2f\xfd\x00\x58" + struct.pack("<I", (128 << 10) << 3 | 1 << 1)[:3] + b"\0"
    packed = run[:6] + (run[6:] * (claimed // (128 << 10)))[:64_000 // 4 * 4] + struct.pack("<I", 1)[:3]
    head = fields((1, I32, 0), (2, I32, claimed), (3, I32, len(packed)),
                  (5, STRUCT, fields((1, I32, 1), (2, I32, 0), (3, I32, 3), (4, I32, 3))))
    before, chunks = b"", []
    for name, kind in zip(names, kinds):
        at = 4 + len(before)
        before += head + packed
        meta = fields((1, I32, kind), (2, LIST, listed(I32, [value(I32, 0)])), (3, LIST, listed(BINARY, [value(BINARY, name)])),
                      (4, I32, 6), (5, I64, 1), (6, I64, 100), (7, I64, len(head) + len(packed)), (9, I64, at))
        chunks.append(fields((2, I64, at), (3, STRUCT, meta)))
    group = fields((1, LIST, listed(STRUCT, chunks)), (2, I64, 100), (3, I64, 1))
    schema = [fields((4, BINARY, b"r"), (5, I32, 3)), *[column(name, kind) for name, kind in zip(names, kinds)]]
    body = file(footer(schema, 1, listed(STRUCT, [group])), before)
    return together(2, lambda _: send(site, body))

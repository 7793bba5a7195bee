#!/usr/bin/env python3
"""An S7 CPU that is not our code: the server of python-snap7, holding one value of each type.

    s7_server.py --port 5102

Prints `ready` once it listens, then one line of JSON: the list of its points, each {"path", "type", "value"}. Block 1 has 200
bytes, block 2 has 40; everything else does not exist (return code 0A), and what reaches past the end is refused (05).
"""

import argparse
import json
import logging
import struct
import time

from snap7.server import Server
from snap7.type import SrvArea

# Type, big-endian struct format, first byte, value; odd addresses too, which bytes of an S7 CPU may have.
VALUES = [
    (0, "uint16", ">H", 4660),
    (2, "int16", ">h", -2),
    (5, "uint16", ">H", 43981),
    (7, "byte", ">B", 165),
    (8, "uint32", ">I", 305419896),
    (12, "int32", ">i", -123456789),
    (17, "fp32", ">f", struct.unpack(">f", struct.pack(">f", 123.456))[0]),
    (60, "uint64", ">Q", 81985529216486895),
    (68, "int64", ">q", -1234567890123456789),
    (120, "fp64", ">d", -1234.5678),
    (198, "uint16", ">H", 99),
]
LETTERS = {1: "B", 2: "W", 4: "D", 8: "D"}
BITS = (30, 0b1010_0101)
TIMERS = [0x1234, 0x0999]


def points_of(block):
    """Fills a block; its points."""
    points = []
    for at, kind, layout, value in VALUES:
        packed = struct.pack(layout, value)
        block[at : at + len(packed)] = packed
        points.append({"path": f"DB1.DB{LETTERS[len(packed)]}{at}", "type": kind, "value": value})
    at, block[at] = BITS[0], BITS[1]
    points += [{"path": f"DB1.DBX{at}.{bit}", "type": "bit", "value": BITS[1] >> bit & 1 == 1} for bit in range(8)]
    return points


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    logging.disable(logging.CRITICAL)
    block, memory, outputs = bytearray(200), bytearray(100), bytearray(16)
    points = points_of(block)
    memory[10:14] = struct.pack(">f", 0.5)
    outputs[3] = 0x80
    points += [
        {"path": "MD10", "type": "fp32", "value": 0.5},
        {"path": "Q3.7", "type": "bit", "value": True},
        {"path": "T1", "type": "uint16", "value": TIMERS[1]},
        {"path": "I0.0", "type": "bit", "value": False},
    ]
    server = Server(log=False)
    server.register_area(SrvArea.DB, 1, block)
    server.register_area(SrvArea.DB, 2, bytearray(40))
    server.register_area(SrvArea.MK, 0, memory)
    server.register_area(SrvArea.PA, 0, outputs)
    server.register_area(SrvArea.PE, 0, bytearray(16))
    server.register_area(SrvArea.TM, 0, bytearray(struct.pack(">2H", *TIMERS)))
    server.start(tcp_port=port)
    print("ready", flush=True)
    print(json.dumps(points), flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()

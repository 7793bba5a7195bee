#!/usr/bin/env python3
"""A Modbus device that is not our code: pymodbus, serving one set of values in all four word orders.

    modbus_server.py --port 5020 --framer socket|rtu [--unit 1]

Prints `ready` once it listens, then one line of JSON: the list of its points, each
{"path", "type", "wordorder", "value"}. Everything else in its address spaces is illegal (exception 02).
"""

import argparse
import asyncio
import json
import struct

from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

ORDERS = ["abcd", "cdab", "badc", "dcba"]

# Type, big-endian struct format, value. Each stands at its own offset within the table of an order, with holes
# between some of them, so that a client which joins reads meets illegal registers.
VALUES = [
    (0, "uint16", ">H", 4660),
    (1, "int16", ">h", -2),
    (2, "fp16", ">e", 1.5),
    (3, "fp16", ">e", -2.0),
    (4, "uint32", ">I", 305419896),
    (6, "int32", ">i", -123456789),
    (10, "fp32", ">f", struct.unpack(">f", struct.pack(">f", 123.456))[0]),
    (12, "uint64", ">Q", 81985529216486895),
    (16, "int64", ">q", -1234567890123456789),
    (24, "fp64", ">d", -1234.5678),
    (28, "int64", ">q", 42),
]
TABLE_SIZE = 100
BITS = 0xA005
BIT_WORD = 400


def words(layout, value, order):
    """The registers of a value, first address first."""
    packed = struct.pack(layout, value)
    registers = [packed[i : i + 2] for i in range(0, len(packed), 2)]
    if order in ("cdab", "dcba"):
        registers.reverse()
    if order in ("badc", "dcba"):
        registers = [register[::-1] for register in registers]
    return [int.from_bytes(register, "big") for register in registers]


def register_table(space):
    """Blocks for pymodbus and the points they hold."""
    blocks, points = [], []
    for number, order in enumerate(ORDERS):
        for offset, kind, layout, value in VALUES:
            address = number * TABLE_SIZE + offset
            blocks.append(SimData(address, values=words(layout, value, order), datatype=DataType.REGISTERS))
            points.append({"path": f"{space}:{address}", "type": kind, "wordorder": order, "value": value})
    blocks.append(SimData(BIT_WORD, values=[BITS], datatype=DataType.REGISTERS))
    for bit in range(16):
        points.append(point_of_bit(f"{space}:{BIT_WORD}.{bit}", BITS >> bit & 1))
    return blocks, points


def bit_table(space, bits):
    states = [bool(bits >> bit & 1) for bit in range(16)]
    blocks = [SimData(0, values=states, datatype=DataType.BITS)]
    return blocks, [point_of_bit(f"{space}:{bit}", state) for bit, state in enumerate(states)]


def point_of_bit(path, state):
    return {"path": path, "type": "bit", "wordorder": "abcd", "value": bool(state)}


async def serve(port, framer, unit):
    spaces = [bit_table("co", BITS), bit_table("di", ~BITS), register_table("hr"), register_table("ir")]
    device = SimDevice(unit, simdata=tuple(blocks for blocks, _ in spaces))
    server = ModbusTcpServer(device, framer=FramerType(framer), address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    print("ready", flush=True)
    print(json.dumps([point for _, points in spaces for point in points]), flush=True)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--framer", choices=["socket", "rtu"], default="socket")
    parser.add_argument("--unit", type=int, default=1)
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.port, arguments.framer, arguments.unit))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

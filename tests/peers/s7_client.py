"""Reads and writes an S7 CPU with the client of python-snap7, and prints as JSON what it saw. What it writes is left in the
CPU. With `dump`, prints block 2 of a CPU as it is."""

import json
import logging
import struct
import sys

from snap7 import Client
from snap7.type import Area, WordLen

logging.disable(logging.CRITICAL)
HOST, PORT = "127.0.0.1", int(sys.argv[1])


def refusal(ask):
    """What the client says of a request that is refused."""
    try:
        return str(ask())
    except Exception as refused:
        return str(refused)


def item(area, start, size, block=0):
    return {"area": area, "db_number": block, "start": start, "size": size}


def use(client):
    """What the client reads back after writing to block 2."""
    client.db_write(2, 0, bytearray(struct.pack(">hIf", -2, 70000, 1.5)))
    client.db_write(2, 21, bytearray([1, 2, 3]))
    client.write_area(Area.DB, 2, 30 * 8 + 6, bytearray([1]), WordLen.Bit)
    client.write_area(Area.DB, 2, 30 * 8 + 1, bytearray([1]), WordLen.Bit)
    client.mb_write(20, 2, bytearray([0xAB, 0xCD]))
    items = [item(Area.DB, 0, 2, 1), item(Area.MK, 20, 3), item(Area.PE, 0, 1), item(Area.DB, 21, 3, 2)]
    return {
        "pdu": client.get_pdu_length(),
        "setpoint": struct.unpack(">H", client.db_read(1, 0, 2))[0],
        "level": struct.unpack(">d", client.db_read(1, 240, 8))[0] > 1,
        "numbers": struct.unpack(">hIf", client.db_read(2, 0, 10)),
        "bits": client.db_read(2, 30, 1)[0],
        "items": [bytes(data).hex() for data in client.read_multi_vars(items)[1]],
        "timer": bytes(client.tm_read(0, 1)).hex(),
        "long": len(client.db_read(2, 1000, 1000)),
        "beyond": refusal(lambda: client.db_read(2, 39_999, 2)),
        "no block": refusal(lambda: client.db_read(3, 0, 2)),
    }


client = Client()
client.connect(HOST, 0, 1, PORT)
print(json.dumps(bytes(client.db_read(2, 0, 40)).hex() if sys.argv[2:] == ["dump"] else use(client)))
client.disconnect()

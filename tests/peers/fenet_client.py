"""Reads and writes an XGT device with pyXGTClient, which is not our code, and prints as JSON what it saw. What it writes
is left in the device."""

import json
import sys

from pyXGTClient.client import XGTClient

client = XGTClient(host="127.0.0.1", port=int(sys.argv[1]), timeout=5)
assert client.open()
written = [
    client.writeData(["%DW1500", "%DW1501"], [77, 65535]),
    client.writeData(["%DD1000"], [0x12345678]),
    client.writeData(["%DL1000"], [0x0123456789ABCDEF]),
    client.writeData(["%MX4100", "%MX4102"], [1, 1]),
    client.writeData(["%DB3011"], [0xAB]),
    client.writeContinuousData("%DB3020", [1, 2, 3, 4]),
]
seen = {
    "written": written,
    "setpoint": client.readData(["%DW0"]),
    "words": client.readData(["%DW1500", "%DW1501"]),
    "double": client.readData(["%DD1000"]),
    "long": client.readData(["%DL1000"]),
    "bits": client.readData(["%MX4100", "%MX4101", "%MX4102"]),
    "byte": client.readData(["%DB3011"]),
    "bytes": client.readContinuousData("%DB3020", 4),
    "inputs": client.readData(["%PX0", "%PX1"]),
}
try:
    client.readData(["%DW20000"])
except ValueError as refused:
    seen["beyond"] = str(refused)
client.close()
print(json.dumps(seen))

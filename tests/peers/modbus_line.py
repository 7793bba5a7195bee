#!/usr/bin/env python3
"""A serial line with Modbus RTU devices that are not our code: pymodbus at one pseudo terminal, which stands for a port.

    modbus_line.py --units 1,2,3 --baud 9600

Prints `ready` once the devices listen, then one line of JSON: the path of the port at which a client reaches them. Holding
register 0 of each unit is the unit times 100; the rest is illegal.
"""

import argparse
import asyncio
import json
import os
import tty

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice


def open_end():
    """The master of a pseudo terminal in raw mode, and the path of its port."""
    master, port = os.openpty()
    tty.setraw(port)
    # The port stays open here, so that the pair outlives those who open and close it.
    return master, os.ttyname(port)


def connect(loop, one, other):
    """Passes bytes on between two masters: the wire."""
    for source, target in ((one, other), (other, one)):
        loop.add_reader(source, lambda source=source, target=target: os.write(target, os.read(source, 4096)))


async def serve(units, baud):
    (client_end, client_port), (device_end, device_port) = open_end(), open_end()
    connect(asyncio.get_running_loop(), client_end, device_end)
    devices = [
        SimDevice(unit, simdata=[SimData(0, values=[unit * 100], datatype=DataType.REGISTERS)])
        for unit in units
    ]
    server = ModbusSerialServer(devices, framer=FramerType.RTU, port=device_port, baudrate=baud, parity="N")
    await server.serve_forever(background=True)
    print("ready", flush=True)
    print(json.dumps(client_port), flush=True)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", default="1,2,3")
    parser.add_argument("--baud", type=int, default=9600)
    arguments = parser.parse_args()
    try:
        asyncio.run(serve([int(unit) for unit in arguments.units.split(",")], arguments.baud))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

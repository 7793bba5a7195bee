"""Browses, reads, writes and subscribes to an OPC UA server of ours with asyncua, and prints as JSON what it saw.

    opcua_client.py PORT
"""

import asyncio
import json
import logging
import sys

from asyncua import Client, ua

NAMESPACE = "urn:basalt:simulator"
SECONDS = 3


def another(kind, value):
    """A value of the same type that is not the same."""
    if kind == ua.VariantType.Boolean:
        return not value
    if kind == ua.VariantType.String:
        return value + "!"
    if kind == ua.VariantType.UInt64:
        return value - 2
    if kind in (ua.VariantType.Float, ua.VariantType.Double):
        return -0.25
    return value // 3


async def refusal(work):
    try:
        await work
    except ua.UaStatusCodeError as refused:
        return type(refused).__name__
    return None


class Told:
    """What a subscription brings: per node, second of the source and value."""

    def __init__(self):
        self.of = {}

    def datachange_notification(self, node, value, data):
        second = data.monitored_item.Value.SourceTimestamp.timestamp()
        self.of.setdefault(node.nodeid.Identifier, []).append([int(second), value])


async def values_of(client, folder):
    seen = {}
    for node in await folder.get_children():
        kind = await node.read_data_type_as_variant_type()
        if kind in (ua.VariantType.DateTime, ua.VariantType.Guid):
            continue
        initial = await node.read_value()
        written = another(kind, initial)
        await node.write_value(ua.DataValue(ua.Variant(written, kind)))
        held = await client.get_node(node.nodeid).read_value()
        name = (await node.read_browse_name()).Name
        seen[name] = {"type": kind.name, "initial": initial, "written": written, "held": held}
    return seen


async def main(port):
    async with Client(f"opc.tcp://127.0.0.1:{port}/") as client:
        space = await client.get_namespace_index(NAMESPACE)

        def node(name):
            return client.get_node(ua.NodeId(name, space))

        def write(name, value, kind):
            return node(name).write_value(ua.Variant(value, kind))

        folders = {}
        for folder in await client.nodes.objects.get_children():
            if folder.nodeid.NamespaceIndex == space:
                folders[(await folder.read_browse_name()).Name] = len(await folder.get_children())
        seen = {
            "namespace": space,
            "folders": folders,
            "motor": [(await one.read_browse_name()).Name for one in await node("motor").get_children()],
            "values": await values_of(client, node("Values")),
            "refused": {
                "wrong type": await refusal(write("motor.setpoint", 5, ua.VariantType.Int32)),
                "half a type": await refusal(write("values.Double", 5.0, ua.VariantType.Float)),
                "read only": await refusal(write("motor.speed", 5.0, ua.VariantType.Double)),
                "too much": await refusal(write("motor.setpoint", 3001, ua.VariantType.UInt16)),
                "no such node": await refusal(node("nothing").read_value()),
            },
        }
        told = Told()
        subscription = await client.create_subscription(100, told)
        await subscription.subscribe_data_change([node("motor.setpoint"), node("signals.3")])
        while "motor.setpoint" not in told.of:
            await asyncio.sleep(0.02)
        await write("motor.setpoint", 1250, ua.VariantType.UInt16)
        while len(told.of.get("motor.setpoint", [])) < 2 or len(told.of.get("signals.3", [])) < SECONDS:
            await asyncio.sleep(0.02)
        await subscription.delete()
        seen["told"] = [value for _, value in told.of["motor.setpoint"]]
        seen["signals"] = told.of["signals.3"]
        print(json.dumps(seen))


logging.disable(logging.CRITICAL)
asyncio.run(asyncio.wait_for(main(int(sys.argv[1])), 60))

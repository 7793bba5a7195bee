#!/usr/bin/env python3
"""A Sparkplug B edge node that is not our code: pysparkplug, with the device `press` behind it.

    sparkplug_node.py --port 18830 --bd-seq 3

It connects as `plant/edge1` to the broker and prints `ready` once its births are sent. Each line of JSON on stdin is done, and the
line `done` follows: {"speed": 1.5} and {"count": 3} publish a value of the node and of the device, {"past": 1.5, "ts": ms} a
historical one of the node, {"skip": true} loses a message, {"die": true} is the death of the device, {"leave": true} an orderly
end. Commands are printed as lines of JSON: {"command": metric, "alias", "value"}. A rebirth command is obeyed.

When the process is killed the broker publishes the death of the node.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.join(sys.prefix, "sparkplug"))

import pysparkplug as sparkplug  # noqa: E402
from pysparkplug import DataType, MessageType, Metric, QoS  # noqa: E402

GROUP, NODE, DEVICE = "plant", "edge1", "press"
ALIASES = {"speed": 1, "state": 2, "Motor/count": 3, "Node Control/Rebirth": 4}


def metric(name, datatype, value, **more):
    more.setdefault("timestamp", sparkplug.get_current_timestamp())
    return Metric(name=name, datatype=datatype, value=value, alias=ALIASES[name], **more)


def say(line):
    print(line if isinstance(line, str) else json.dumps(line), flush=True)


def publish(node, kind, payload, device=None):
    topic = sparkplug.Topic(message_type=kind, group_id=GROUP, edge_node_id=NODE, device_id=device)
    message = sparkplug.Message(topic=topic, payload=payload, qos=QoS.AT_MOST_ONCE, retain=False)
    node._client.publish(message, include_dtypes=True)


def give_birth(node):
    """The births of a rebirth: the library has them for new connections only. `_bd_seq_metric` is that of the next one."""
    now = sparkplug.get_current_timestamp()
    born = Metric(timestamp=now, name="bdSeq", datatype=DataType.INT64, value=node._bd_seq_metric.value - 1)
    metrics = (*node.metrics.values(), born)
    publish(node, MessageType.NBIRTH, sparkplug.NBirth(timestamp=now, seq=node._seq, metrics=metrics))
    for name, device in node.devices.items():
        metrics = tuple(device.metrics.values())
        publish(node, MessageType.DBIRTH, sparkplug.DBirth(timestamp=now, seq=node._seq, metrics=metrics), name)


def obey(node, message):
    names = {alias: name for name, alias in ALIASES.items()}
    for command in message.payload.metrics:
        # Commands to what was born with an alias have no name.
        name = command.name or names[command.alias]
        if name == "Node Control/Rebirth":
            give_birth(node)
        say({"command": name, "alias": command.alias, "value": command.value})


def act(node, order):
    if "speed" in order:
        node.update([metric("speed", DataType.DOUBLE, order["speed"])])
    if "count" in order:
        node.update_device(DEVICE, [metric("Motor/count", DataType.INT32, order["count"])])
    if "past" in order:
        past = metric("speed", DataType.DOUBLE, order["past"], timestamp=order["ts"], is_historical=True)
        data = sparkplug.NData(timestamp=sparkplug.get_current_timestamp(), seq=node._seq, metrics=(past,))
        publish(node, MessageType.NDATA, data)
    if "skip" in order:
        node._seq
    if "die" in order:
        node.deregister(DEVICE)
    if "leave" in order:
        node.disconnect()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bd-seq", type=int, default=0)
    parser.add_argument("--password")
    args = parser.parse_args()
    metrics = [
        metric("speed", DataType.DOUBLE, 21.5),
        metric("state", DataType.STRING, "run"),
        metric("Node Control/Rebirth", DataType.BOOLEAN, False),
    ]
    client = sparkplug.Client(username=args.password and "edge1", password=args.password)
    node = sparkplug.EdgeNode(GROUP, NODE, metrics, client=client, cmd_callback=obey)
    for _ in range(args.bd_seq):
        node._bd_seq
    node.register(sparkplug.Device(DEVICE, [metric("Motor/count", DataType.INT32, -1)], cmd_callback=obey))
    node.connect("127.0.0.1", port=args.port)
    say("ready")
    for line in sys.stdin:
        act(node, json.loads(line))
        say("done")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""An MQTT broker that is not our code: amqtt, with a client of the same library to publish through it.

    mqtt_broker.py --port 18830

Prints `ready` once it listens. Each line of JSON on stdin, {"topic", "payload", "qos", "retain"}, is published; once the broker
has it, the line `published` follows. Messages to topics below `set/` are printed as lines of JSON: {"topic", "payload"}.
"""

import argparse
import asyncio
import json
import logging
import sys

from amqtt.broker import Broker
from amqtt.client import MQTTClient
from amqtt.mqtt.constants import QOS_1

logging.disable(logging.CRITICAL)


async def follow(client):
    """Prints what others publish."""
    await client.subscribe([("set/#", QOS_1)])
    while True:
        message = await client.deliver_message()
        payload = bytes(message.publish_packet.payload.data).decode()
        print(json.dumps({"topic": message.topic, "payload": payload}), flush=True)


async def serve(port):
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = Broker(settings)
    await broker.start()
    client = MQTTClient(client_id="publisher", config={"auto_reconnect": False})
    await client.connect(f"mqtt://127.0.0.1:{port}/")
    follower = MQTTClient(client_id="follower", config={"auto_reconnect": False})
    await follower.connect(f"mqtt://127.0.0.1:{port}/")
    following = asyncio.create_task(follow(follower))
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        await client.publish(
            order["topic"], order["payload"].encode(), qos=order.get("qos", 1), retain=order.get("retain", False)
        )
        print("published", flush=True)
    following.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

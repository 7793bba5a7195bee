#!/usr/bin/env python3
"""Eclipse paho (https://github.com/eclipse-paho/paho.mqtt.python) at a broker: publishing, subscribing, retained messages,
wills, sessions.

    mqtt_client.py '{"host", "port", "version": "3.1.1"|"5", "id", "topic", "user"?, "password"?, "ca"?, "cert"?, "key"?}'

`topic` is that of a device, such as `basalt/press`; its streams `temp` and `state` take numbers. Client ids begin with `id`.
With `ca` the connection has TLS, and with `cert` and `key` the client shows a certificate. Prints JSON: what was acknowledged
and received.
"""

import json
import queue
import socket
import sys

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 60


class Peer:
    """A client whose messages and answers are waited for."""

    def __init__(self, told, name, clean=True, will=None):
        self.told = told
        self.is_v5 = told["version"] == "5"
        self.connected, self.messages, self.granted = queue.Queue(), queue.Queue(), queue.Queue()
        protocol = paho.MQTTv5 if self.is_v5 else paho.MQTTv311
        options = {} if self.is_v5 else {"clean_session": clean}
        client_id = f"{told['id']}:{name}"
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol, reconnect_on_failure=False, **options
        )
        if "password" in told:
            self.client.username_pw_set(told.get("user", "key"), told["password"])
        if "ca" in told:
            self.client.tls_set(ca_certs=told["ca"], certfile=told.get("cert"), keyfile=told.get("key"))
        if will:
            self.client.will_set(*will, qos=1)
        self.client.on_connect = lambda _c, _u, flags, reason, _p: self.connected.put((flags.session_present, reason))
        self.client.on_message = lambda _c, _u, message: self.messages.put(message)
        self.client.on_subscribe = lambda _c, _u, _m, reasons, _p: self.granted.put([reason.value for reason in reasons])
        properties = None
        if self.is_v5 and not clean:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
        start = {"clean_start": clean, "properties": properties} if self.is_v5 else {}
        self.client.connect(told["host"], told["port"], keepalive=60, **start)
        self.client.loop_start()
        self.is_present, reason = self.connected.get(timeout=PATIENCE)
        if reason.is_failure:
            raise SystemExit(f"{client_id} is refused: {reason}")

    def subscribe(self, name, qos):
        """Subscribes to a stream; the code that was granted."""
        self.client.subscribe(f"{self.told['topic']}/{name}", qos)
        return self.granted.get(timeout=PATIENCE)[0]

    def publish(self, name, payload, qos, retain=False):
        """Publishes and waits until it is acknowledged."""
        info = self.client.publish(f"{self.told['topic']}/{name}", payload, qos, retain)
        info.wait_for_publish(PATIENCE)
        return info.is_published()

    def take(self):
        """The next message: stream, number, QoS, retained."""
        message = self.messages.get(timeout=PATIENCE)
        payload = json.loads(message.payload)
        value = payload["value"] if isinstance(payload, dict) else payload
        return [message.topic.rsplit("/", 1)[1], value, message.qos, message.retain]

    def leave(self):
        """Says farewell."""
        self.client.disconnect()
        self.client.loop_stop()

    def disappear(self):
        """Cuts the connection without a word."""
        self.client.loop_stop()
        self.client.socket().shutdown(socket.SHUT_RDWR)
        self.client.socket().close()


def main(told):
    answers = {}
    reader, writer = Peer(told, "reader"), Peer(told, "writer")
    answers["granted"] = [reader.subscribe("temp", 2), reader.subscribe("state", 1)]
    answers["published"] = [writer.publish("temp", str(1.5 + qos), qos) for qos in range(3)]
    answers["received"] = sorted(reader.take() for _ in range(3))

    writer.publish("state", "7", 1, retain=True)
    answers["told"] = reader.take()
    late = Peer(told, "late")
    late.subscribe("state", 1)
    answers["retained"] = late.take()
    late.leave()
    writer.publish("state", "", 1, retain=True)
    later = Peer(told, "later")
    later.subscribe("state", 1)
    writer.publish("state", "8", 1)
    answers["removed"] = later.take()
    later.leave()

    # What a broker passes on of the removal is no value.
    while not reader.messages.empty():
        reader.messages.get()
    heir = Peer(told, "heir")
    heir.subscribe("state", 1)
    Peer(told, "mortal", will=(f"{told['topic']}/state", "0")).disappear()
    answers["will"] = heir.take()
    heir.leave()

    sleeper = Peer(told, "sleeper", clean=False)
    answers["new"] = sleeper.is_present
    sleeper.subscribe("temp", 1)
    sleeper.leave()
    for value in ("4.5", "5.5", "6.5"):
        writer.publish("temp", value, 1)
    sleeper = Peer(told, "sleeper", clean=False)
    answers["present"] = sleeper.is_present
    answers["queued"] = [sleeper.take() for _ in range(3)]
    for peer in (sleeper, reader, writer):
        peer.leave()
    return answers


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)

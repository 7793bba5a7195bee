"""Follows one device with python-socketio 4 (https://github.com/miguelgrinberg/python-socketio).

    socket_io.py http://HOST:PORT DEVICE TRANSPORT[,TRANSPORT]

Prints each thing that happens as a line of JSON: ["connect", TRANSPORT], [EVENT, ARGUMENT]. It goes on until it is killed; a
connection that ends is the line ["disconnect"]. The client runs its handlers side by side, so the lines have no order.
"""

import json
import sys
import threading

import socketio

URL, DEVICE, TRANSPORTS = sys.argv[1:4]
PRINTING = threading.Lock()


def show(*line):
    """Prints one line at once."""
    with PRINTING:
        print(json.dumps(line), flush=True)


def main():
    client = socketio.Client(reconnection=False)
    for event in ["data", "status", DEVICE, f"data_{DEVICE}", f"status_{DEVICE}"]:
        client.on(event, lambda argument, event=event: show(event, argument))
    client.on("disconnect", lambda: show("disconnect"))
    client.connect(URL, transports=TRANSPORTS.split(","))
    show("connect", client.transport())
    client.emit("hello", {"from": "client"})
    client.wait()


if __name__ == "__main__":
    main()

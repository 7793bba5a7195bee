#!/usr/bin/env python3
"""An EtherNet/IP controller that is not our code: cpppo, with tags of every type that it has.

    eip_server.py --port 44818

Prints `ready` once it listens and holds its values, then one line of JSON: the list of its tags, each {"path", "type", "value"}.
It answers with and without a route, and says of an unknown tag that is asked for alone that the message is refused (encapsulation
status 0008), as no controller does.
"""

import argparse
import json
import threading
import time

from cpppo.server.enip import client
from cpppo.server.enip.main import main

TAGS = [
    "v_bool=BOOL", "v_sint=SINT", "v_int=INT", "v_dint=DINT", "v_lint=LINT", "v_usint=USINT", "v_uint=UINT", "v_udint=UDINT",
    "v_ulint=ULINT", "v_real=REAL", "v_lreal=LREAL", "v_short=SSTRING", "v_string=STRING", "words=INT[400]", "flags=BOOL[64]",
]  # fmt: skip

# Path, type of a stream, what cpppo's own client writes, value.
VALUES = [
    ("v_bool", "bit", "v_bool=(BOOL)1", True),
    ("v_sint", "int16", "v_sint=(SINT)-128", -128),
    ("v_int", "int16", "v_int=(INT)-2", -2),
    ("v_dint", "int32", "v_dint=(DINT)-123456789", -123456789),
    ("v_lint", "int64", "v_lint=(LINT)-9007199254740993", -9007199254740993),
    ("v_usint", "byte", "v_usint=(USINT)165", 165),
    ("v_uint", "uint16", "v_uint=(UINT)65535", 65535),
    ("v_udint", "uint32", "v_udint=(UDINT)4294967295", 4294967295),
    ("v_ulint", "uint64", "v_ulint=(ULINT)18446744073709551615", 18446744073709551615),
    ("v_real", "fp32", "v_real=(REAL)23.5", 23.5),
    ("v_lreal", "fp64", "v_lreal=(LREAL)-1234.5678", -1234.5678),
    ("v_short", "text", 'v_short=(SSTRING)"Hi"', "Hi"),
    ("v_string", "text", 'v_string=(STRING)"Hello"', "Hello"),
    ("words[0]", "int16", "words[0]=(INT)1", 1),
    ("words[300]", "int16", "words[300]=(INT)-300", -300),
    ("flags[33]", "bit", "flags[33]=(BOOL)1", True),
    ("v_dint.31", "bit", None, True),
    ("v_dint.1", "bit", None, True),
    ("v_dint.2", "bit", None, False),
]


def write(port):
    deadline = time.monotonic() + 20
    while True:
        try:
            connection = client.connector(host="127.0.0.1", port=port, timeout=5)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with connection:
        operations = client.parse_operations([written for _, _, written, _ in VALUES if written])
        for *_, status, _ in connection.synchronous(operations=operations):
            assert status == 0, status


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
args = parser.parse_args()
argv = ["--no-config", "--no-udp", "--address", f"127.0.0.1:{args.port}", *TAGS]
server = threading.Thread(target=main, kwargs={"argv": argv}, daemon=True)
server.start()
write(args.port)
print("ready", flush=True)
print(json.dumps([{"path": path, "type": kind, "value": value} for path, kind, _, value in VALUES]), flush=True)
server.join()

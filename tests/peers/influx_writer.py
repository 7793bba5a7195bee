#!/usr/bin/env python3
"""InfluxDB's own client for Python, which serializes line protocol and reads the answers.

    influx_writer.py URL KEY

Writes points whose names need escapes, then one line that is wrong. Prints {"ping", "version", "status", "message"}: of the
wrong line the status and the message that the client found in the answer.
"""

import json
import sys

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException


def points():
    yield (
        Point("wea ther,1")
        .tag("host", "edge 1")
        .tag("lo,c=at", "a=b,c d")
        .field("temp", 21.5)
        .field("count", 9007199254740993)
        .field("ok", True)
        .field("no te", 'say "hi" \\ there, = all')
        .time(1_700_000_000_000_000_000)
    )
    yield {"measurement": "plain", "fields": {"value": -1.5e-3}, "time": "2023-11-14T22:13:21Z"}


def main(url, key):
    with InfluxDBClient(url=url, token=key, org="default", enable_gzip=True) as client:
        write = client.write_api(write_options=SYNCHRONOUS)
        write.write(bucket="plant", record=list(points()))
        try:
            write.write(bucket="plant", record="m v=1\nm v=oops")
            refused = {"status": 204, "message": ""}
        except ApiException as error:
            refused = {"status": error.status, "message": json.loads(error.body)["message"]}
        print(json.dumps({"ping": client.ping(), "version": client.version(), **refused}))


main(*sys.argv[1:])

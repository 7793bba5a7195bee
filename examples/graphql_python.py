#!/usr/bin/env python3
"""GraphQL from Python, using only the standard library.

    BASALT_URL=http://127.0.0.1:8000 BASALT_KEY=… python examples/graphql_python.py

Prints every device with its streams and their newest values.
"""

import json
import os
import sys
import urllib.request

URL = os.environ.get("BASALT_URL", "http://127.0.0.1:8000")
KEY = os.environ["BASALT_KEY"]

DEVICES = """
query Devices($after: String) {
  devices(first: 100, after: $after) {
    nodes {
      name
      status { state }
      streams(first: 100) { nodes { name unit latest { ts value text quality } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def ask(query, **variables):
    """Returns the data of a query. Errors in the response end the program."""
    request = urllib.request.Request(
        f"{URL}/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Authorization": f"ApiKey {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    if answer.get("errors"):
        sys.exit("\n".join(error["message"] for error in answer["errors"]))
    return answer["data"]


def devices():
    """Yields all devices, page by page."""
    after = None
    while True:
        page = ask(DEVICES, after=after)["devices"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


for device in devices():
    print(f"{device['name']} ({device['status']['state']})")
    for stream in device["streams"]["nodes"]:
        latest = stream["latest"]
        if latest is None:
            print(f"  {stream['name']}: nothing yet")
            continue
        value = latest["text"] if latest["value"] is None else latest["value"]
        print(f"  {stream['name']}: {value} {stream['unit']} ({latest['quality']}, {latest['ts']})")

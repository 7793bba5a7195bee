#!/usr/bin/env python3
"""SQL over HTTP to Arrow: the response contains typed columns and becomes a data frame without parsing.

    BASALT_URL=http://127.0.0.1:8000 BASALT_KEY=… python examples/sql_arrow.py

Prints the newest value of every stream.
"""

import json
import os
import urllib.request

import pyarrow as pa

URL = os.environ.get("BASALT_URL", "http://127.0.0.1:8000")
KEY = os.environ["BASALT_KEY"]


def ask(query, **params):
    """Returns the result of a query as an Arrow table, read as a stream. `$name` in the query is the parameter of that name."""
    request = urllib.request.Request(
        f"{URL}/sql",
        data=json.dumps({"query": query, "params": params}).encode(),
        headers={
            "Authorization": f"ApiKey {KEY}",
            "Content-Type": "application/json",
            "Accept": "application/vnd.apache.arrow.stream",
        },
    )
    with urllib.request.urlopen(request) as response, pa.ipc.open_stream(response) as batches:
        return batches.read_all()


latest = ask(
    """
    SELECT s.name, l.ts, l.value, s.unit FROM latest l JOIN streams s ON s.id = l.stream_id
    WHERE l.ts >= $since ORDER BY s.name
    """,
    since="1970-01-01T00:00:00Z",
)
print(latest.schema.to_string(show_schema_metadata=False))
print(latest.to_pandas().to_string(index=False))

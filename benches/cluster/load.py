"""Clients in processes of their own, so that none waits for another's Python: a writer at a fixed rate, and readers.

    python3 -m benches.cluster.load        reads what to do as a line of JSON, and prints what came of it as another

Times are those of `time.monotonic`, which is the same in all processes of a machine.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from .client import Client
from .environment import ROOT, Cores, Program, clean_environment, fail

MS = 1000


class LoadProcess:
    """A running client; `spec` is what `write` or `read` takes."""

    def __init__(self, kind: str, spec: dict[str, Any], log: Path, cores: Cores = None, priority: int = 0):
        command = [sys.executable, "-m", "benches.cluster.load"]
        self.program = Program(command, log, clean_environment(), has_pipes=True, cwd=ROOT, cores=cores, priority=priority)
        self.program.process.stdin.write(json.dumps({"kind": kind, **spec}) + "\n")
        self.program.process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """Waits until it has done its work."""
        line = self.program.process.stdout.readline()
        return json.loads(line) if line.strip() else fail(f"a client has failed: {self.program.tail()}")

    def stop(self) -> None:
        self.program.stop()


def write(spec: dict[str, Any]) -> dict[str, Any]:
    """Sends `rows` readings a request, `rate` a second, from `begin` to `until`; what is sent from `since` on is measured.

    Milliseconds of each acknowledgement from sending the request, and from the time at which it was due: a request that waits for
    the one before it is late. All requests are counted.
    """
    client = Client(spec["address"])
    acknowledged: list[float] = []
    late: list[float] = []
    number = 0
    while True:
        due = spec["begin"] + number * spec["rows"] / spec["rate"]
        first = spec["first"] + number * spec["rows"]
        body = batch(spec["streams"], spec["start"], range(first, first + spec["rows"]))
        sleep_until(due)
        sent = time.monotonic()
        if sent >= spec["until"]:
            client.close()
            return {"acknowledged": acknowledged, "late": late, "requests": number}
        client.ingest(body)
        done = time.monotonic()
        number += 1
        if sent >= spec["since"]:
            acknowledged.append((done - sent) * MS)
            late.append((done - due) * MS)


def read(spec: dict[str, Any]) -> dict[str, Any]:
    """Asks `query` in a loop from `begin` to `until`, milliseconds of each answer from `since` on. The number `n` in its row may not fall: no row
    that was there is gone."""
    client = Client(spec["address"])
    took: list[float] = []
    seen = 0
    sleep_until(spec["begin"])
    while (asked_at := time.monotonic()) < spec["until"]:
        ms, rows = client.timed(spec["query"])
        if rows[0]["n"] < seen:
            raise RuntimeError(f"{spec['query']}: {rows[0]['n']} rows after {seen}")
        seen = rows[0]["n"]
        if asked_at >= spec["since"]:
            took.append(ms)
    client.close()
    return {"took": took}


def batch(streams: list[int], start: int, numbers: range) -> bytes:
    """Rows of all streams in turns as NDJSON, a millisecond later each turn, from a second since 1970 on."""
    count = len(streams)
    lines = []
    for number in numbers:
        turn = number // count
        # Spread evenly and with a full mantissa.
        value = number * 2_654_435_761 % 4_294_967_296 / 7
        lines.append(f'{{"stream_id":{streams[number % count]},"ts":{start + turn // MS}.{turn % MS:03},"value":{value!r}}}\n')
    return "".join(lines).encode()


def sleep_until(moment: float) -> None:
    wait = moment - time.monotonic()
    if wait > 0:
        time.sleep(wait)


if __name__ == "__main__":
    order = json.loads(sys.stdin.readline())
    work = {"write": write, "read": read}[order.pop("kind")]
    print(json.dumps(work(order)), flush=True)

"""The alerts of healthy clients: how long after the acknowledgement of a reading its alert is to be seen."""

import json
import time

from healthy import PATIENCE, Client, Tally

# Seconds between two readings that cross their threshold, and between two looks at the alerts.
CROSSING = 3
LOOK = 0.1
THRESHOLD = 50
# A rule raises 60 alerts in an hour and no more, so it has a turn every two minutes at most.
TURN = 120
MOST_RULES = 24


def rules_for(seconds):
    return min(MOST_RULES, 1 + seconds // TURN)


def watch(url, watched, end, results, _limit):
    """Crosses the threshold of one stream after the other, and looks at the alerts until the new one is there."""
    key, streams = watched
    tally, client, turn, seen = Tally(), Client(url, key), 0, 0

    def write(stream, value):
        status, _ = client.ask("POST", f"/api/data/{stream}/value/", json.dumps({"value": value}))
        if status not in (200, 201):
            tally.failed[f"reading: {status}"] += 1
        return status in (200, 201)

    while time.time() < end:
        stream = streams[turn % len(streams)]
        turn += 1
        if write(stream, THRESHOLD * 2):
            acknowledged = time.monotonic()
            found = wait(client, stream, seen, acknowledged + PATIENCE)
            if found is None:
                tally.failed[f"no alert within {PATIENCE} s"] += 1
            else:
                tally.took["alert"].append((time.monotonic() - acknowledged) * 1e3)
                seen = found
        # The condition ends, so that the next reading above the threshold is another alert.
        write(stream, 0)
        time.sleep(CROSSING)
    results.put(("alerts", tally.told()))


def wait(client, stream, seen, deadline):
    """The id of the newest alert, once it is one of the stream and newer than the last one seen."""
    while time.monotonic() < deadline:
        status, body = client.ask("GET", "/api/event-log/?kind=alert&limit=1")
        newest = json.loads(body) if status == 200 else []
        if newest and newest[0]["data"] == stream and newest[0]["id"] > seen:
            return newest[0]["id"]
        time.sleep(LOOK)
    return None

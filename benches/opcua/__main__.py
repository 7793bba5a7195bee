#!/usr/bin/env python3
"""Measures 2,000 OPC UA items at 1 Hz, subscribed to and polled, and what restarts of the server cost.

    python3 benches/opcua --basalt target/release/basalt

The server is `basalt simulate opcua`, whose signals all change at every full second: of every reading it is known what it
must be and since when. Everything is on this machine. A run fails when a value is wrong or, subscribed to, one is
missing; never because something was slow.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from plant import Basalt, Follower, Simulator, wrong

ROOT = Path(__file__).resolve().parent.parent.parent
WAYS = ["subscribed", "polled"]


def main():
    options = arguments()
    program, simulating = options.basalt.resolve(), (options.simulator or options.basalt).resolve()
    with tempfile.TemporaryDirectory() as folder:
        simulator = Simulator(simulating)
        basalt = Basalt(program, Path(folder))
        try:
            measure(options, basalt, simulator)
        finally:
            basalt.stop()
            simulator.stop()


def measure(options, basalt, simulator):
    device = basalt.device(simulator.url)
    numbers = {basalt.stream(device, number): number for number in range(options.items)}
    for subscribes in (how == "subscribed" for how in (options.only or WAYS)):
        print(f"== {options.items} items, {'subscribed to' if subscribes else 'polled'}", flush=True)
        basalt.collect(device, subscribes, len(numbers))
        cpu, memory = basalt.usage(options.seconds)
        print(f"{cpu:.1f} % of a core, {memory} MiB resident ({options.seconds} s)")
        follower = Follower(basalt, numbers)
        time.sleep(options.seconds)
        rows = follower.end()
        report(rows, options.items, must_be_whole=subscribes)
        if subscribes and options.restarts:
            restart(options, basalt, simulator, numbers)


def report(rows, items, must_be_whole):
    late = sorted(arrived - ts for arrived, _, ts, _ in rows)
    p50, p99 = percentile(late, 50), percentile(late, 99)
    print(f"lateness of {len(rows)} readings, from the source to a live reader, each fsynced before: ", end="")
    print(f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {late[-1] * 1e3:.0f} ms; jitter p99 - p50 {p99 - p50:.0f} ms")
    by_second = {}
    for _, number, ts, _ in rows:
        by_second.setdefault(int(ts), set()).add(number)
    # The first and the last second were cut by looking.
    whole = sorted(by_second)[1:-1]
    missing = sum(items - len(by_second[second]) for second in whole)
    missing += items * (whole[-1] - whole[0] + 1 - len(whole))
    print(f"{missing} of {items * len(whole)} values missing")
    bad = [row for row in rows if wrong(*row[1:])]
    if bad:
        sys.exit(f"benches/opcua: {len(bad)} readings are wrong, such as {bad[0]}")
    if missing and must_be_whole:
        sys.exit("benches/opcua: values of a subscription are missing")


def restart(options, basalt, simulator, numbers):
    gaps, memory = [], []
    for _ in range(options.restarts):
        simulator.kill()
        follower = Follower(basalt, numbers)
        listening = simulator.start()
        rows = follower.until(listening, options.items)
        gaps.append(rows[0][0] - listening)
        # Each second once: what is subscribed to twice would come twice.
        seen = [(number, ts) for _, number, ts, _ in rows]
        if len(seen) != len(set(seen)) or any(wrong(*row[1:]) for row in rows):
            sys.exit("benches/opcua: after a restart values are wrong or come twice")
        memory.append(basalt.memory())
    gaps.sort()
    print(f"{len(gaps)} restarts: first value {gaps[0]:.1f} to {gaps[-1]:.1f} s after the server listens again")
    print(f"resident after each, MiB: {', '.join(map(str, memory))}")


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1e3


def arguments():
    parser = argparse.ArgumentParser(prog="benches/opcua", description=__doc__.split("\n\n")[0])
    program = ROOT / "target/release/basalt"
    parser.add_argument("--basalt", type=Path, default=program, help="the program [default: %(default)s]")
    parser.add_argument("--simulator", type=Path, help="the program that simulates, if another")
    parser.add_argument("--items", type=int, default=2000, help="at most 2000 [default: %(default)s]")
    parser.add_argument("--only", action="append", choices=WAYS, help="one of the two")
    parser.add_argument("--seconds", type=int, default=60, help="of each of four parts [default: %(default)s]")
    parser.add_argument("--restarts", type=int, default=0, help="of the server, while it is subscribed to")
    return parser.parse_args()


if __name__ == "__main__":
    main()

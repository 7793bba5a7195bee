#!/usr/bin/env python3
"""All hostile clients at once, for as long as it takes, and healthy ones beside them.

    python3 tests/hostile_clients --basalt target/release/basalt --seconds 1800

The server runs with default settings under a limited address space. Strangers, and keys of an organization of their own,
send what `attacks/` has; eight writers, four readers and somebody who waits for alerts of another organization go on. The
run fails when the server ends, panics, holds too much memory, loses a row it acknowledged, or lets a healthy client or an alert
wait too long.
"""

import argparse
import collections
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from alerts import THRESHOLD, rules_for, watch
from attacks import ATTACKS
from healthy import READERS, WRITERS, lost_rows, read, write
from server import Server

ROOT = Path(__file__).resolve().parent.parent.parent
# Between two rounds of one hostile client, seconds.
PAUSE = 0.2


def main():
    options = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with tempfile.TemporaryDirectory(prefix="basalt-hostile-") as folder:
        # Its own limits are the usual ones, so it starts before ours are raised.
        server = Server(options.basalt.resolve(), Path(folder), options.address_space_mib)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
        try:
            problems = measure(options, server)
        finally:
            server.stop()
    if problems:
        sys.exit("hostile_clients: " + "\n  ".join(["failed", *problems]))


def measure(options, server):
    plant, watched = server.plant(), server.watched(rules_for(options.seconds), THRESHOLD)
    names = options.only or list(ATTACKS)
    end = time.time() + options.seconds
    results = multiprocessing.Queue()
    # A process each, so that Python's one lock does not make a healthy client wait for a hostile one.
    writers = start(write, server.url, plant, end, results, options.writer_ms)
    readers = start(read, server.url, plant, end, results, options.reader_ms)
    watcher = start(watch, server.url, watched, end, results, options.alert_ms)
    hostile = [start(attack, name, server.site(), end, results) for name in names]
    told = collect(server, end + options.grace, results, 3 + len(names))
    for process in [writers, readers, watcher, *hostile]:
        process.kill()
    problems = server.problems()
    if problems:
        return problems
    print_attacks(told, names)
    problems += judge(told["writers"], options.writer_ms, "writers")
    problems += judge(told["readers"], options.reader_ms, "readers")
    problems += judge_alerts(told["alerts"], options.alert_ms)
    peak, space = server.memory.peak, server.memory.space
    print(f"memory: {server.memory.typical()} MiB resident in the middle, {peak} at most, {space} of address space at most")
    if peak > options.memory_mib:
        problems.append(f"{peak} MiB resident; {options.memory_mib} are the most")
    problems += lost_rows(server, plant, told["writers"]["rows"])
    return problems + server.problems()


def start(work, *given):
    process = multiprocessing.Process(target=work, args=given, daemon=True)
    process.start()
    return process


def collect(server, deadline, results, count):
    """What every process has to say; those that still sit in a request when time is up say nothing."""
    told = {}
    while len(told) < count and time.time() < deadline and server.is_running():
        while not results.empty():
            name, result = results.get()
            told[name] = result
        time.sleep(0.2)
    for name in ("writers", "readers", "alerts"):
        if name not in told and server.is_running():
            sys.exit(f"hostile_clients: the {name} were still waiting for an answer long after the end")
    return told


def attack(name, site, end, results):
    """One kind of hostile client, until the end; how its rounds went."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    # They share the machine with the server: what it lacks must be what they take from it, not what they use themselves. At the
    # lowest priority all kinds together weigh less than one thread of the server; at 10 they would weigh as much as five.
    os.nice(19)
    outcomes = collections.Counter()
    for round_number in range(1 << 30):
        if time.time() > end:
            break
        try:
            said = ATTACKS[name](site, round_number)
        except OSError as error:
            said = [type(error).__name__]
        outcomes.update(said or [])
        outcomes["rounds"] += 1
        time.sleep(PAUSE)
    results.put((name, dict(outcomes)))
    # Threads that wait for answers end with the process.
    if threading.active_count() > 1:
        results.close()
        results.join_thread()
        os._exit(0)


def print_attacks(told, names):
    print(f"{'hostile client':<28} {'rounds':>7}  outcomes")
    for name in names:
        outcomes = dict(told.get(name) or {"still in its last round": 1})
        rounds = outcomes.pop("rounds", 0)
        shown = ", ".join(f"{what} {count}" for what, count in sorted(outcomes.items(), key=lambda of: -of[1])[:6])
        print(f"{name:<28} {rounds:>7}  {shown}")


def judge(told, limit_ms, name):
    """Healthy requests that failed, or were late by their 99th percentile. The slowest is shown: on two processors that all
    clients and the server share, one in ten thousand waits for several attacks that meet."""
    problems = []
    for what, took in told["took"].items():
        ordered = sorted(took)
        p50, p99 = (ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 99))
        print(f"{name}: {what:<16} {len(ordered):>8}  p50 {p50:>7.1f} ms  p99 {p99:>7.1f} ms  most {ordered[-1]:>8.1f} ms")
        if p99 > limit_ms:
            problems.append(f"{name}: p99 of {what} is {p99:.0f} ms; {limit_ms} are the most")
    failed = told["failed"]
    print(f"{name}: {sum(failed.values())} requests failed {dict(failed) if failed else ''}")
    if failed:
        problems.append(f"{name}: requests failed: {dict(failed)}")
    return problems


def judge_alerts(told, limit_ms):
    """Alerts that did not come, or too late: here the slowest counts. None at all is a failure too."""
    problems = judge(told, limit_ms, "alerts")
    slowest = max(told["took"].get("alert", []), default=None)
    if slowest is None:
        problems.append("alerts: none was seen")
    elif slowest > limit_ms:
        problems.append(f"alerts: one came {slowest:.0f} ms after its reading was acknowledged; {limit_ms} are the most")
    return problems


def arguments():
    parser = argparse.ArgumentParser(prog="tests/hostile_clients", description=__doc__.split("\n\n")[0])
    program = ROOT / "target/release/basalt"
    number = {"type": int, "help": "[default: %(default)s]"}
    parser.add_argument("--basalt", type=Path, default=program, help="the program [default: %(default)s]")
    parser.add_argument("--seconds", default=1800, **number)
    parser.add_argument("--only", action="append", choices=list(ATTACKS), metavar="NAME", help=f"one of {', '.join(ATTACKS)}")
    parser.add_argument("--third", type=int, choices=[0, 1, 2], help="every third kind of hostile client, from the first, second or third")
    parser.add_argument("--address-space-mib", default=4096, **number)
    parser.add_argument("--memory-mib", default=1536, **number)
    parser.add_argument("--writer-ms", default=250, **number)
    parser.add_argument("--reader-ms", default=1000, **number)
    # Two seconds, and the time between two looks.
    parser.add_argument("--alert-ms", default=2100, **number)
    parser.add_argument("--grace", default=90, type=int, help="seconds for last answers [default: %(default)s]")
    options = parser.parse_args()
    if options.third is not None:
        options.only = list(ATTACKS)[options.third :: 3]
    print(f"{options.seconds} s, {WRITERS} writers, {READERS} readers, {len(options.only or ATTACKS)} kinds of hostile clients")
    return options


if __name__ == "__main__":
    main()

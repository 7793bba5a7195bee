#!/usr/bin/env python3
"""Prints what processor time the cases took, and holds them to their budget.

    check.py --calibration FACTOR --times DIR --allowed FILE [--whole | --dear]

DIR holds a file for each run of a case, as measure_case.sh writes it, and one for each script that tests/peers/fork_server.py ran
for it, whose name begins with that of the run. A case may take CASE_SECONDS, or what FILE allows it, and all of them together
SUM_SECONDS, each with its tolerance, times how slow the machine is now: FACTOR, which is that of a loop (calibrate.py), and more where the cases of FILE say
so (machine_factor). Time on the clock is never judged. It fails with --whole, which stands for a run of all cases, when that is exceeded.
With --dear it only prints the names of the cases that exceed it.

A case that was run again counts with the less of its times: a single one may have met a neighbour.
"""

import argparse
import collections
import pathlib
import re
import statistics
import sys

CASE_SECONDS = 6.0
# What a case that is not in the list may exceed that by: one of 4.5 seconds took 6.1 beside neighbours. Such a case is printed.
CASE_TOLERANCE = 1.5
# What all cases may take on a quiet machine. They took 1,354 when this was set.
SUM_SECONDS = 1500.0
# What all cases together may exceed that by: neighbours cost the cases more than the loop. Nearly the same cases took 1,354 and 1,726 seconds on
# two machines whose loops were faster than the reference.
SUM_TOLERANCE = 1.4
# Cases that took less are not printed.
SHOWN_SECONDS = 3.0
# What a case allowed more may exceed its figure by: processor time varies with what runs beside, and random worlds with their seed.
TOLERANCE = 2.0
# What the cases may be slower by than the loop of calibrate.py, which needs no memory: with neighbours on its processor a run took 2.1
# times its seconds while the loop took 1.45 times.
BEYOND_LOOP = 1.7


def seconds(text):
    """The seconds of a duration as bash prints it: 1m2.345s."""
    minutes, rest = re.fullmatch(r"(\d+)m([\d.]+)s", text).groups()
    return 60 * int(minutes) + float(rest)


def read_times(directory):
    """Processor seconds by case."""
    paths = [*pathlib.Path(directory).iterdir()]
    of_scripts = collections.Counter()
    for path in paths:
        if path.suffix:
            of_scripts[path.stem] += sum(map(float, path.read_text().split()))
    times = {}
    for path in paths:
        if not path.suffix:
            name, _, children = path.read_text().splitlines()
            spent = sum(map(seconds, children.split())) + of_scripts[path.name]
            times[name] = min(spent, times.get(name, spent))
    return times


def read_allowed(path):
    """Seconds that a case may take, by its name: lines of a name, a number and the reason."""
    allowed = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            name, number, reason = line.split(None, 2)
            assert reason, line
            allowed[name] = float(number)
    return allowed


def machine_factor(times, allowed, loop):
    """How slow the machine was for the cases: what the median of those in the list took over its figure. A single case cannot move that; a
    change that slows all of them can, by no more than BEYOND_LOOP."""
    # A machine that is faster for a moment tightens nothing: the loop takes a second, the cases twenty minutes.
    loop = max(loop, 1.0)
    ratios = [times[name] / figure for name, figure in allowed.items() if name in times]
    median = statistics.median(ratios) if len(ratios) > len(allowed) / 2 else 1.0
    return min(max(median, loop), loop * BEYOND_LOOP)


def dear_cases(times, allowed, factor):
    """Name, seconds and limit of each case that exceeds its limit."""
    for name, spent in sorted(times.items()):
        limit = (allowed[name] * TOLERANCE if name in allowed else CASE_SECONDS * CASE_TOLERANCE) * factor
        if spent > limit:
            yield name, spent, limit


def complaints(times, allowed, factor):
    dear = [*dear_cases(times, allowed, factor)]
    total, limit = sum(times.values()), SUM_SECONDS * SUM_TOLERANCE * factor
    if total > limit:
        dear.append(("all cases together", total, limit))
    return [f"{name}: {spent:.1f} processor seconds; {most:.1f} are allowed on this machine now" for name, spent, most in dear]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--dear", action="store_true")
    parser.add_argument("--calibration", type=float, required=True)
    parser.add_argument("--times", required=True)
    parser.add_argument("--allowed", required=True)
    arguments = parser.parse_args()
    times, allowed = read_times(arguments.times), read_allowed(arguments.allowed)
    factor = machine_factor(times, allowed, arguments.calibration)
    if arguments.dear:
        for name, _, _ in dear_cases(times, allowed, factor):
            print(name)
        return
    print(f"{len(times)} cases, {sum(times.values()):.0f} processor seconds; this machine is {factor:.2f} times slow ({arguments.calibration:.2f} by the loop)")
    for name, spent in sorted(times.items(), key=lambda item: -item[1]):
        if spent >= SHOWN_SECONDS:
            note = "" if name in allowed or spent <= CASE_SECONDS * factor else "  (not in the list of cases above 6 s)"
            print(f"{spent:8.1f} s  {name}{note}")
    if not arguments.whole:
        return
    for name in sorted(allowed.keys() - times.keys()):
        sys.exit(f"{arguments.allowed} allows a case that there is not: {name}")
    found = complaints(times, allowed, factor)
    if found:
        found.append(f"Make them cheaper, move repetitions to tests/long.sh, or allow them in {arguments.allowed} with the reason.")
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Prints which bodies of the library cost the compiler most to check, and fails when one of them takes more than its share.

    body_cost.py PROFILE.mm_profdata…

A PROFILE is what rustc writes of a member with -Zself-profile -Zself-profile-events=default,query-keys (tests/long.sh compile). The format is that of
the crate measureme, version 9. A body's time is that of the checks below it and of all they needed first, less other bodies' checks.
A body that is dear is mostly an async method that proves its future `Send` through the whole application: src/domain/type_erased.rs.
"""

import collections
import struct
import sys

CHECKS = {"typeck", "mir_borrowck", "check_coroutine_obligations"}
# Of the whole time. The dearest body took a hundredth when this was set, and eight hundredths in the month before.
SHARE = 0.02
SHOWN = 20
EVENT = struct.Struct("<QQIIII")
EVENTS, STRINGS, INDEX = 0, 1, 2
HEADER = 8
FIRST_ADDRESS = 100_000_003
END_OF_STRING, REFERENCE = 0xFF, 0xFE
MAX_TIME = (1 << 48) - 256


class Profile:
    def __init__(self, path):
        self.parts = {EVENTS: bytearray(), STRINGS: bytearray(), INDEX: bytearray()}
        with open(path, "rb") as file:
            magic, version = struct.unpack("<4sI", file.read(HEADER))
            assert (magic, version) == (b"MMPD", 9), f"{path} is no profile of version 9"
            while len(head := file.read(5)) == 5:
                part, length = struct.unpack("<BI", head)
                self.parts[part] += file.read(length)
        self.addresses = dict(struct.iter_unpack("<QQ", self.parts[INDEX][HEADER:]))

    def text(self, string):
        """The text of a string, whose parts may be other strings."""
        at = string - FIRST_ADDRESS if string >= FIRST_ADDRESS else self.addresses.get(string)
        data, found = self.parts[STRINGS], bytearray()
        while at is not None and data[at] != END_OF_STRING:
            if data[at] == REFERENCE:
                found += self.text(struct.unpack_from("<Q", data, at + 1)[0]).encode()
                at += 9
            else:
                found.append(data[at])
                at += 1
        return found.decode(errors="replace")

    def checks(self):
        """Start, end, in nanoseconds, and name of each check of a body, and the whole time."""
        names, found, whole = {}, [], 0
        for _, name, _, start, end, upper in EVENT.iter_unpack(self.parts[EVENTS][HEADER:]):
            start, end = start | (upper >> 16) << 32, end | (upper & 0xFFFF) << 32
            if end >= MAX_TIME or end < start:
                continue
            whole = max(whole, end)
            if name not in names:
                text = self.text(name)
                names[name] = text if text.split("\x1e")[0] in CHECKS else None
            if names[name]:
                found.append((start, -end, names[name]))
        return sorted(found), whole


def add_costs(costs, checks):
    open_checks = []
    for start, end, name in checks:
        end, body = -end, name.split("\x1e")[-1]
        while open_checks and open_checks[-1][0] <= start:
            open_checks.pop()
        costs[body] += end - start
        if open_checks:
            costs[open_checks[-1][1]] -= end - start
        open_checks.append((end, body))


def main():
    costs, whole = collections.Counter(), 0
    for path in sys.argv[1:]:
        checks, took = Profile(path).checks()
        whole += took
        add_costs(costs, checks)
    for body, nanoseconds in costs.most_common(SHOWN):
        print(f"{nanoseconds / 1e9:8.2f} s {nanoseconds / whole:6.1%}  {body}")
    dear = [body for body, nanoseconds in costs.items() if nanoseconds > SHARE * whole]
    if dear:
        sys.exit(f"more than {SHARE:.0%} of the whole time, {whole / 1e9:.0f} s: {', '.join(dear)}")


main()

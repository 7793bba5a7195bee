#!/usr/bin/env python3
"""Prints how slow this machine is now: processor seconds of a fixed loop on every core at once, over those of a quiet machine of two
cores at 2.1 GHz, for which the limits of check.py were set."""

import os
import time

# Processor seconds of LOOP rounds there.
QUIET_SECONDS = 0.84
LOOP = 10_000_000


def spend():
    began, total = time.process_time(), 0
    for i in range(LOOP):
        total += i * i % 7
    return time.process_time() - began


def measure():
    """The mean over as many processes as there are cores, so that none measures an idle machine."""
    readers = []
    for _ in range(os.cpu_count() or 1):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, repr(spend()).encode())
            os._exit(0)
        os.close(writer)
        readers.append(reader)
    seconds = [float(os.read(reader, 100)) for reader in readers]
    for _ in readers:
        os.wait()
    return sum(seconds) / len(seconds) / QUIET_SECONDS


if __name__ == "__main__":
    print(f"{measure():.3f}")

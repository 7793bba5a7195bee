#!/usr/bin/env python3
"""Measures what could be picked instead of Basalt, on the same machine with the same rows; ../README.md says how.

    python3 benches/peers questions --data-dir DIR     DIR as `basalt bench --only load --data-dir DIR` left it
    python3 benches/peers ingest
    python3 benches/peers builds --before PROGRAM DIR --now PROGRAM DIR
"""

import argparse
import signal
import sys
from pathlib import Path

from environment import enter

ROOT = Path(__file__).resolve().parent.parent.parent


def main():
    options = arguments()
    enter(options.venv.resolve())
    # An ended run still stops its servers and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("peers: ended"))
    # Outside the environment their packages are missing.
    if options.what == "ingest":
        import ingest

        ingest.measure(options)
    elif options.what == "builds":
        import builds

        builds.measure(options)
    else:
        import questions

        questions.measure(options)


def arguments():
    parser = argparse.ArgumentParser(prog="benches/peers", description=__doc__.split("\n\n")[0])
    venv = ROOT / ".venv-bench"
    parser.add_argument("--venv", type=Path, default=venv, help="Python environment [default: %(default)s]")
    parts = parser.add_subparsers(dest="what", required=True)

    asked = parts.add_parser("questions", help="the questions of `basalt bench`, cold and hot, answers compared first")
    asked.add_argument("--data-dir", type=Path, required=True, help="directory that `basalt bench` loaded")
    program = ROOT / "target/release/basalt"
    asked.add_argument("--basalt", type=Path, default=program, help="the program [default: %(default)s]")
    asked.add_argument("--runs", type=positive, default=20, help="times each is asked hot [default: %(default)s]")
    asked.add_argument("--only", action="append", metavar="PEER", help="measure this peer; repeatable")
    asked.add_argument("--ask", action="append", metavar="ID", help="ask this question, such as q5; repeatable")
    text = "ask each question from so many clients at once too, for 3 s: answers a second"
    asked.add_argument("--clients", type=positive, help=text)
    asked.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")

    written = parts.add_parser("ingest", help="the bulk and single writes of `basalt bench ingest`")
    written.add_argument("--rows", type=positive, default=8_640_000, help="rows of bulk ingest [default: %(default)s]")
    written.add_argument("--seconds", type=positive, default=10, help="time of single inserts [default: %(default)s]")
    written.add_argument("--only", choices=["postgres", "duckdb"], help="measure one of them")

    compared = parts.add_parser("builds", help="two builds of Basalt, taking turns question by question")
    for name in ("--before", "--now"):
        text = "a program, and the directory its `bench --only load` made"
        compared.add_argument(name, type=Path, nargs=2, required=True, metavar=("PROGRAM", "DIR"), help=text)
    compared.add_argument("--runs", type=positive, default=50, help="times each question is asked [default: %(default)s]")
    compared.add_argument("--ask", action="append", metavar="ID", help="ask this question, such as q5; repeatable")
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    main()

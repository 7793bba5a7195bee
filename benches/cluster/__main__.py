"""Measures one ingest node and several query nodes over a store that is as far away as one of a cloud: tables in Markdown.

    BASALT=target/release/basalt python3 -m benches.cluster [--rows 24_000_000] [--nodes 1,2,4] [--only scans] [--keep DIR] [--quick]
    BASALT=target/release/basalt python3 -m benches.cluster --only questions --base OTHER_PROGRAM

PostgreSQL, the object store (moto), a proxy before it for each query node and all servers are on this machine and are gone afterwards. No
time fails a run; an answer of a query node that is not the ingest node's does.
"""

import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .environment import enter, fail, note

# In this order: the last two write.
CLUSTER_TABLES = ("scans", "threshold", "changes", "pins", "ingest")
TABLES = (*CLUSTER_TABLES, "questions")
# Ways to divide the processors, in the order of their tables.
CORES = ("shared", "divided")
# What is measured unless it is said, and for a trial of less than a minute a table.
SIZE: dict[str, Any] = {"rows": 24_000_000, "nodes": [1, 2, 4], "repeat": 5, "seconds": 30}
QUICK_SIZE: dict[str, Any] = {"rows": 1_000_000, "nodes": [1, 2], "repeat": 1, "seconds": 3}


def numbers(text: str) -> list[int]:
    return [positive(part) for part in text.split(",")]


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def rate(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise ValueError(text)
    return number


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches.cluster", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows and runs: whether it works, not how long things take")
    parser.add_argument("--rows", type=positive, help=f"readings at 1 Hz, of all streams together [default: {SIZE['rows']:_}]")
    parser.add_argument("--streams", type=positive, default=20, help="their number [default: %(default)s]")
    parser.add_argument("--nodes", type=numbers, help="numbers of query nodes of the table of scans, separated by commas [default: 1,2,4]")
    parser.add_argument("--latency-ms", type=float, default=30, help="of the store, until the first byte of a response [default: %(default)s]")
    parser.add_argument("--connection-mbps", type=rate, default=40, help="megabytes a second of each connection [default: %(default)s]")
    parser.add_argument("--node-mbps", type=rate, default=100, help="megabytes a second of each query node [default: %(default)s]")
    parser.add_argument("--repeat", type=positive, help=f"runs of each scan [default: {SIZE['repeat']}]")
    parser.add_argument("--rate", type=positive, default=20_000, help="readings a second beside readers [default: %(default)s]")
    parser.add_argument("--seconds", type=positive, help=f"of each line of ingest beside readers [default: {SIZE['seconds']}]")
    parser.add_argument(
        "--cores", nargs="+", choices=CORES, default=list(CORES),
        help="for the table of ingest: everything shares the processors, or the ingest node and the readers with their nodes have a half each, on Linux [default: both]",
    )
    parser.add_argument("--base", type=Path, metavar="PROGRAM", help="the program to compare BASALT with, for the table of questions")
    parser.add_argument("--only", nargs="+", choices=TABLES, metavar="TABLE", help=f"some of {', '.join(TABLES)} [default: all; questions need --base]")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the loaded data here, or use what an earlier run has kept")
    options = parser.parse_args()
    for name, value in (QUICK_SIZE if options.quick else SIZE).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.only is None:
        options.only = TABLES if options.base else CLUSTER_TABLES
    if "questions" in options.only and not (options.base and options.base.is_file()):
        parser.error("the table of questions needs --base, the program to compare with")
    return options


def main() -> None:
    options = arguments()
    enter()
    program = Path(os.environ.get("BASALT") or fail("BASALT has to name the program to measure")).resolve()
    # A run that is ended still stops what it has started, and is not interrupted in that.
    for sent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sent, end)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="basalt-cluster-", ignore_cleanup_errors=True)))
        if "questions" in options.only:
            from . import questions

            questions.measure(options, program, scratch)
        if any(name in CLUSTER_TABLES for name in options.only):
            run(options, program, scratch, stack)


def end(*_: object) -> None:
    for sent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sent, signal.SIG_IGN)
    fail("ended; stopping what runs")


def run(options: argparse.Namespace, program: Path, scratch: Path, stack: ExitStack) -> None:
    # Outside of the environment of the tests their packages are missing.
    from . import changes, ingest, pins, plant, report, scans, threshold
    from .nodes import Cluster
    from .storage import Catalog, Store

    catalog = stack.enter_context(Catalog())
    store = Store(scratch)
    stack.callback(store.stop)
    folder = (options.keep or scratch / "plant").resolve()
    wanted = {"rows": options.rows, "streams": options.streams}
    loaded = plant.prepare(program, folder, scratch, wanted, catalog, store)
    cluster = Cluster(program, scratch, loaded, catalog, store)
    stack.callback(cluster.stop)
    client = cluster.start_ingest().client()
    found = client.sql("SELECT count(*) AS n FROM readings")[0]["n"]
    client.close()
    if found != loaded.rows:
        fail(f"the ingest node holds {found:,} rows of {loaded.rows:,}")
    files = sum(path.stat().st_size for path in loaded.objects.rglob("*.parquet"))
    print(f"# {plant.version(program)}: one ingest node and query nodes\n\n{report.machine()}", flush=True)
    print(f"\n{found:,} rows of {len(loaded.streams)} streams, {loaded.seconds / 86_400:.1f} days at 1 Hz; ", end="")
    print(f"{report.megabytes(files)} MB of Parquet in the store, files that were merged away included. ", end="")
    print(f"Clients, all nodes, proxies, moto and PostgreSQL share the machine. `{' '.join(sys.argv[1:])}`", flush=True)
    modules = {"scans": scans, "threshold": threshold, "changes": changes, "pins": pins, "ingest": ingest}
    for name in CLUSTER_TABLES:
        if name in options.only:
            note(f"table {name}")
            modules[name].measure(cluster, options)


if __name__ == "__main__":
    main()

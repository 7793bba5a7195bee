#!/usr/bin/env python3
"""Measures what a user would pick instead of Basalt: PostgreSQL and DuckDB, with the ingest of `basalt bench`.

The plant, the batches, the writers and the form of the printed lines are those of src/cli/bench; README.md beside this
file says what is compared and what is not. Runs in a virtual environment of its own, which it makes at the first run.
"""

import argparse
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# numpy, pyarrow, psycopg and duckdb are imported where they are used: outside the environment they may be missing.
PINS = ["duckdb==2.0.0", "numpy==2.4.6", "psycopg[binary]==3.3.9", "pyarrow==26.0.1"]

STREAMS = 100
WRITERS = 4
CONNECTIONS = 64
# 100 streams at 1 Hz make 10,000 rows in so many seconds.
BATCH_SECONDS = 100
# 2026-01-05T00:00:00Z in microseconds since 1970, and where PostgreSQL's binary timestamps begin (2000-01-01).
START = 1_767_571_200_000_000
POSTGRES_EPOCH = 946_684_800_000_000
LATE_SECONDS = 7200


def main():
    options = arguments()
    enter_environment(options.venv.resolve())
    # What the caller's environment says about other servers must not change this one's connections.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    # An ended run still stops its server and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("peers.py: ended"))
    seconds = -(-options.rows // STREAMS)
    if options.only != "duckdb":
        measure_postgres(seconds, options.seconds)
    if options.only != "postgres":
        measure_duckdb(seconds)


def arguments():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Measures PostgreSQL and DuckDB as `basalt bench` measures Basalt.")
    parser.add_argument("--rows", type=positive, default=8_640_000, help="rows of bulk ingest [default: %(default)s]")
    parser.add_argument("--seconds", type=positive, default=10, help="time of single inserts [default: %(default)s]")
    parser.add_argument("--only", choices=["postgres", "duckdb"], help="measure one of them")
    venv = root / ".venv-bench"
    parser.add_argument("--venv", type=Path, default=venv, help="Python environment [default: %(default)s]")
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def fail(message):
    sys.exit(f"peers.py: {message}")


def enter_environment(venv):
    """Continues in the virtual environment `venv`, made with the pinned packages when it is not there."""
    if Path(sys.prefix).resolve() == venv:
        return
    marker, wanted = venv / "basalt-peers.txt", "\n".join(PINS)
    if not marker.exists() or marker.read_text() != wanted:
        if venv.exists() and any(venv.iterdir()) and not marker.exists():
            fail(f"{venv} was not made by this program: give another --venv")
        venv.mkdir(parents=True, exist_ok=True)
        marker.write_text("")
        run([sys.executable, "-m", "venv", venv])
        run([venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS])
        (venv / ".gitignore").write_text("*\n")
        marker.write_text(wanted)
    python = venv / "bin/python"
    os.execv(python, [python, Path(__file__).resolve(), *sys.argv[1:]])


def run(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        fail(f"{Path(command[0]).name} ended with {done.returncode}" + (f": {done.stderr}" if done.stderr else ""))
    return done


# The plant: src/cli/bench/signals.rs in numpy, the same rows in the same order.


def mix(n):
    """splitmix64 of an array of uint64."""
    import numpy as np

    z = n + np.uint64(0x9E37_79B9_7F4A_7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))


def plant(seconds):
    """Yields batches (stream ids, microseconds since 1970, values) in the order of arrival."""
    import numpy as np

    stream = np.tile(np.arange(STREAMS, dtype=np.uint64), BATCH_SECONDS)
    for first in range(0, seconds, BATCH_SECONDS):
        count = min(BATCH_SECONDS, seconds - first)
        second = np.repeat(np.arange(first, first + count, dtype=np.uint64), STREAMS)
        streams = stream[: second.size]
        dice = mix(streams << np.uint64(40) | second)
        late = np.where(dice % np.uint64(100) == 0, (dice >> np.uint64(8)) % np.uint64(LATE_SECONDS), np.uint64(0))
        at = second - np.minimum(late, second)
        # Between the whole seconds, so that a late row replaces nothing.
        beside = np.where(late > 0, np.uint64(500_000) + (dice >> np.uint64(40)) % np.uint64(400_000), np.uint64(0))
        times = START + at.astype(np.int64) * 1_000_000 + beside.astype(np.int64)
        yield streams.astype(np.int32) + 1, times, values(streams, at)


def values(stream, second):
    import numpy as np

    noise = mix(stream << np.uint64(32) | second).astype(np.float64) / float(2**64 - 1)
    t, number = second.astype(np.float64), stream.astype(np.float64)
    shapes = [
        cents(20 + np.sin(t / 9000 + number) * 5),
        cents(50 + np.sin(t / 60) * 10 + noise),
        noise * 1000 / 3,
        (second // (stream + np.uint64(300)) % np.uint64(2) == 0).astype(np.float64),
        (second % (stream * np.uint64(100) + np.uint64(40_000))).astype(np.float64),
        (second // np.uint64(3600)).astype(np.float64) + number,
    ]
    return np.choose((stream % np.uint64(6)).astype(np.int64), shapes)


def cents(value):
    import numpy as np

    return np.floor(value * 100 + 0.5) / 100


# What both are measured with.


def write_all(writers, batches):
    """Hands the batches in order to whichever writer is free, a thread each; returns the seconds it took."""
    todo = iter(batches)

    def work(write):
        for batch in todo:
            write(batch)

    started = time.perf_counter()
    with ThreadPoolExecutor(len(writers)) as pool:
        for done in [pool.submit(work, write) for write in writers]:
            done.result()
    return time.perf_counter() - started


def print_ingest(name, rows, took):
    rate = f"{rows / took:.0f} rows/s ({rows} rows in {took:.2f} s)"
    print(f"{name}, 10 k-row batches, {WRITERS} writers: {rate}", flush=True)


def print_disk(name, size, rows):
    print(f"{name} on disk: {size / rows:.2f} B/row ({size} bytes for {rows} rows)", flush=True)


def check_count(name, found, rows):
    if found != rows:
        fail(f"{name} holds {found} rows of {rows}")


# PostgreSQL


class Postgres:
    """A server with the settings initdb gives it, on a free port and a temporary directory; gone at the end."""

    def __init__(self):
        self.bin = find_postgres()
        self.dir = Path(tempfile.mkdtemp(prefix="basalt-peers-"))
        self.data, self.log = self.dir / "pg/data", self.dir / "pg/log"
        self.identity = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        (self.dir / "pg").mkdir()
        if os.geteuid() == 0:
            # PostgreSQL refuses to be root.
            user = find_user("postgres") or find_user("nobody") or fail("no user `postgres` or `nobody`")
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            self.dir.chmod(0o755)
            os.chown(self.dir / "pg", user.pw_uid, user.pw_gid)
        access = ["--auth=trust", "--username=basalt"]
        self.run("initdb", *access, "--encoding=UTF8", "--locale=C", "-D", self.data)
        for _ in range(3):
            self.port = free_port()
            options = f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories="
            command = ["start", "--silent", "-w", "-t", "60", "-D", self.data, "-l", self.log, "-o", options]
            if self.run("pg_ctl", *command, may_fail=True):
                return
        fail(f"PostgreSQL ({self.bin}) does not start: {self.log.read_text() if self.log.exists() else 'no log'}")

    def run(self, program, *args, may_fail=False):
        command = [self.bin / program, *args]
        # No pipe: the server would inherit and hold it.
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": "/", **self.identity}
        if may_fail:
            return subprocess.run(command, stderr=subprocess.DEVNULL, **quiet).returncode == 0
        return subprocess.run(command, **quiet).returncode == 0 or fail(f"{program} failed")

    def __exit__(self, *_):
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "stop", "--silent", "-m", "immediate", "-D", self.data, may_fail=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self):
        """A connection on which every statement is a transaction."""
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="basalt", dbname="postgres", autocommit=True)


def find_postgres():
    """The directory of the newest server, as tests/run.sh finds it, but past links: pgbench lies there too."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    usual = ["usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin"]
    found = [place for pattern in usual for place in Path("/").glob(pattern)]
    places += sorted(found, key=lambda place: [int(n) for n in re.findall(r"\d+", str(place))], reverse=True)
    for place in places:
        if all((place / program).exists() for program in ["initdb", "pg_ctl", "postgres"]):
            return place
    fail("no PostgreSQL server found: install one, put its bin directory on PATH, or measure --only duckdb")


def find_user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


COLUMNS = "stream_id integer NOT NULL, ts timestamptz NOT NULL, value double precision NOT NULL"


def measure_postgres(seconds, single_seconds):
    with Postgres() as server, server.connect() as control:
        setting = "SELECT concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'))"
        if control.execute(setting).fetchone() != ("on on",):
            fail("PostgreSQL would not be durable: fsync or synchronous_commit is off")
        # Late rows repeat instants that are already there, which COPY cannot replace: the index is not unique.
        control.execute(f"CREATE TABLE readings ({COLUMNS})")
        control.execute("CREATE INDEX ON readings (stream_id, ts)")
        bodies = [copy_body(*batch) for batch in plant(seconds)]
        connections = [server.connect() for _ in range(WRITERS)]
        took = write_all([copier(connection) for connection in connections], bodies)
        for connection in connections:
            connection.close()
        rows = seconds * STREAMS
        check_count("PostgreSQL", control.execute("SELECT count(*) FROM readings").fetchone()[0], rows)
        print_ingest("PostgreSQL COPY", rows, took)

        control.execute("CHECKPOINT")
        size = control.execute("SELECT pg_total_relation_size('readings')").fetchone()[0]
        control.execute(f"CREATE TABLE single ({COLUMNS}, PRIMARY KEY (stream_id, ts))")
        has_pgbench = (server.bin / "pgbench").exists()
        measure = single_by_pgbench if has_pgbench else single_by_threads
        rate, latencies = measure(server, single_seconds)
        latencies.sort()
        p50, p99 = (latencies[min(int(len(latencies) * q), len(latencies) - 1)] for q in (0.5, 0.99))
        client = "pgbench" if has_pgbench else "Python threads"
        figures = f"{rate:.0f} inserts/s (p50 {p50:.2f} ms, p99 {p99:.2f} ms)"
        print(f"PostgreSQL single inserts, {CONNECTIONS} connections of {client}: {figures}", flush=True)
        print_disk("PostgreSQL", size, rows)


def copy_body(stream, ts, value):
    """A batch in the format of COPY … (FORMAT binary): each row a field count, and each field after its length."""
    import numpy as np

    fields = [("fields", ">i2"), ("a", ">i4"), ("stream", ">i4"), ("b", ">i4"), ("ts", ">i8"), ("c", ">i4")]
    rows = np.empty(stream.size, dtype=[*fields, ("value", ">f8")])
    rows["fields"], rows["a"], rows["b"], rows["c"] = 3, 4, 8, 8
    rows["stream"], rows["ts"], rows["value"] = stream, ts - POSTGRES_EPOCH, value
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def copier(connection):
    def write(body):
        with connection.cursor().copy("COPY readings (stream_id, ts, value) FROM STDIN (FORMAT binary)") as copy:
            copy.write(body)

    return write


# Single inserts as in src/cli/bench/single.rs: each client has microseconds of its own.
INSERT = """INSERT INTO single (stream_id, ts, value)
 VALUES ({stream}, timestamptz '2026-03-06T00:00:00Z' + {micros} * interval '1 microsecond', {sent} / 4.0)
 ON CONFLICT (stream_id, ts) DO UPDATE SET value = excluded.value""".replace("\n", "")


def single_by_pgbench(server, seconds):
    """Returns the inserts per second and each one's milliseconds."""
    script = server.dir / "single.sql"
    insert = INSERT.format(stream=":stream", micros=":micros", sent=":sent")
    micros = f"\\set micros :sent * {CONNECTIONS} + :client_id"
    lines = ["\\set stream :client_id + 1", micros, f"{insert};", "\\set sent :sent + 1"]
    script.write_text("\n".join(lines) + "\n")
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "basalt"]
    load = ["-c", str(CONNECTIONS), "-j", str(min(os.cpu_count() or 1, CONNECTIONS)), "-T", str(seconds)]
    log = ["-l", f"--log-prefix={server.dir}/single-log"]
    how = ["-n", "-M", "prepared", "-D", "sent=0", "-f", script]
    done = run([server.bin / "pgbench", *where, *load, *log, *how, "postgres"], capture_output=True, text=True)
    # A line of the log: client, transaction number, microseconds it took, …
    logged = (line for part in server.dir.glob("single-log.*") for line in part.read_text().splitlines())
    latencies = [int(line.split()[2]) / 1000 for line in logged]
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if rate is None or not latencies:
        fail(f"pgbench measured nothing: {done.stdout}{done.stderr}")
    return float(rate[1]), latencies


def single_by_threads(server, seconds):
    """As single_by_pgbench, where there is no pgbench; Python itself is a part of what it measures."""
    insert = INSERT.format(stream="%s", micros="%s::float8", sent="%s::float8")

    def client(number, until):
        latencies = []
        with server.connect() as connection:
            while (sent := time.perf_counter()) < until:
                row = (number + 1, len(latencies) * CONNECTIONS + number, len(latencies))
                connection.execute(insert, row, prepare=True)
                latencies.append((time.perf_counter() - sent) * 1000)
        return latencies

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        clients = [pool.submit(client, number, started + seconds) for number in range(CONNECTIONS)]
        latencies = [latency for done in clients for latency in done.result()]
    return len(latencies) / (time.perf_counter() - started), latencies


# DuckDB


def measure_duckdb(seconds):
    import duckdb

    batches = [arrow_table(*batch) for batch in plant(seconds)]
    with tempfile.TemporaryDirectory(prefix="basalt-peers-") as folder:
        path = Path(folder) / "peers.duckdb"
        with duckdb.connect(path) as control:
            control.execute(f"CREATE TABLE readings ({COLUMNS})")
            took = write_all([appender(control.cursor()) for _ in range(WRITERS)], batches)
            rows = seconds * STREAMS
            check_count("DuckDB", control.execute("SELECT count(*) FROM readings").fetchone()[0], rows)
            control.execute("CHECKPOINT")
        print_ingest("DuckDB INSERT in process", rows, took)
        print_disk("DuckDB", sum(file.stat().st_size for file in Path(folder).iterdir()), rows)


def arrow_table(stream, ts, value):
    import pyarrow as pa

    columns = [pa.array(stream), pa.array(ts).cast(pa.timestamp("us", "UTC")), pa.array(value)]
    return pa.table(columns, names=["stream_id", "ts", "value"])


def appender(cursor):
    def write(batch):
        cursor.register("batch", batch)
        cursor.execute("INSERT INTO readings SELECT stream_id, ts, value FROM batch")
        cursor.unregister("batch")

    return write


if __name__ == "__main__":
    main()

"""Ingest as `basalt bench ingest` measures it: PostgreSQL over a socket, DuckDB in process."""

import os
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from environment import fail, run
from plant import STREAMS, plant
from postgres import Postgres

WRITERS = 4
CONNECTIONS = 64
# Where PostgreSQL's binary timestamps begin (2000-01-01), in microseconds since 1970.
POSTGRES_EPOCH = 946_684_800_000_000
COLUMNS = "stream_id integer NOT NULL, ts timestamptz NOT NULL, value double precision NOT NULL"


def measure(options):
    # What the caller's environment says about other servers must not change this one's connections.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    seconds = -(-options.rows // STREAMS)
    if options.only != "duckdb":
        measure_postgres(seconds, options.seconds)
    if options.only != "postgres":
        measure_duckdb(seconds)


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


def measure_postgres(seconds, single_seconds):
    with Postgres() as server, server.connect() as control:
        setting = "SELECT concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'))"
        if control.execute(setting).fetchone() != ("on on",):
            fail("PostgreSQL would not be durable: fsync or synchronous_commit is off")
        # COPY cannot replace rows: the index is not unique.
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
    columns = [pa.array(stream), pa.array(ts).cast(pa.timestamp("us", "UTC")), pa.array(value)]
    return pa.table(columns, names=["stream_id", "ts", "value"])


def appender(cursor):
    def write(batch):
        cursor.register("batch", batch)
        cursor.execute("INSERT INTO readings SELECT stream_id, ts, value FROM batch")
        cursor.unregister("batch")

    return write

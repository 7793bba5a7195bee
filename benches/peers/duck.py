"""DuckDB in the client's process: over the Parquet files that Basalt wrote, and over a table of its own."""

import time
import warnings
from datetime import datetime
from pathlib import Path

import duckdb

import answers

# A bar on standard output is not part of an answer.
QUIET = "SET enable_progress_bar = false"
RAW = "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts"

QUESTIONS = {
    "q1": "SELECT ts, value FROM readings WHERE stream_id = $stream ORDER BY ts DESC LIMIT 1",
    "q2": "SELECT stream_id, max(ts) AS ts, arg_max(value, ts) AS value FROM readings GROUP BY stream_id "
    "ORDER BY stream_id",
    "q3": RAW,
    "q4": RAW,
    "q5": "SELECT time_bucket(INTERVAL '1 hour', ts) AS hour, avg(value), min(value), max(value) FROM readings "
    "WHERE stream_id = $stream AND ts >= $from AND ts < $to GROUP BY hour ORDER BY hour",
    "q6": "SELECT stream_id, time_bucket(INTERVAL '5 minutes', ts) AS bucket, max(value) FROM readings "
    "WHERE stream_id IN ($s1, $s2, $s3, $s4, $s5, $s6, $s7, $s8) AND ts >= $from AND ts < $to "
    "GROUP BY stream_id, bucket ORDER BY stream_id, bucket",
    "q7": "SELECT stream_id, time_bucket(INTERVAL '1 hour', ts) AS hour, avg(value) FROM readings "
    "WHERE ts >= $from AND ts < $to GROUP BY stream_id, hour ORDER BY stream_id, hour",
    "q8": "SELECT stream_id, max(value) AS most FROM readings WHERE ts >= $from AND ts < $to "
    "GROUP BY stream_id ORDER BY most DESC, stream_id LIMIT 10",
    "q9": "SELECT stream_id, ts, value FROM readings WHERE ts >= $from AND ts < $to AND value > $above "
    "ORDER BY stream_id, ts",
    "q10": "WITH means AS (SELECT time_bucket(INTERVAL '1 minute', ts) AS minute, avg(value) AS mean FROM readings "
    "WHERE stream_id = $stream AND ts >= $from AND ts < $to GROUP BY minute), "
    "minutes AS (SELECT unnest(generate_series(time_bucket(INTERVAL '1 minute', $from), "
    "$to - INTERVAL '1 microsecond', INTERVAL '1 minute')) AS minute) "
    "SELECT minute, last_value(mean IGNORE NULLS) OVER (ORDER BY minute) FROM minutes LEFT JOIN means USING (minute) "
    "ORDER BY minute",
    "month": RAW,
    "scan": "SELECT count(value), avg(value) FROM readings",
    "squares": "SELECT count(value), avg(value * value) FROM readings",
}


class OnParquet:
    """The same files: their creator's sort order, encodings and row groups."""

    name, note = "DuckDB, same Parquet", "in process"

    def __init__(self, plant):
        self.files = plant.files

    def fresh(self):
        """Every client is a process of its own: there is nothing to forget."""

    def setup(self):
        return {"path": ":memory:", "files": self.files}

    def close(self):
        pass


class OwnTable:
    """A table sorted by stream and time: what it is best at."""

    name, note = "DuckDB, own table", "in process, sorted by stream and time"

    def __init__(self, plant):
        self.path = plant.scratch / "peer.duckdb"
        started = time.perf_counter()
        with duckdb.connect(self.path) as control:
            control.execute(QUIET)
            control.execute(
                "CREATE TABLE readings AS SELECT stream_id, ts, value FROM read_parquet($files) ORDER BY stream_id, ts",
                {"files": plant.files},
            )
            control.execute("CHECKPOINT")
        self.load_s = time.perf_counter() - started
        self.bytes = self.path.stat().st_size

    def fresh(self):
        """Every client is a process of its own: there is nothing to forget."""

    def setup(self):
        return {"path": str(self.path), "files": []}

    def close(self):
        Path(self.path).unlink()


class Client:
    def __init__(self, path, files):
        # Measured beside `sql(…)`, which it recommends instead: no slower, and faster for short answers.
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API")
        self.connection = duckdb.connect(path, read_only=not files)
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(QUIET)
        if files:
            named = ", ".join(f"'{file}'" for file in files)
            self.connection.execute(f"CREATE VIEW readings AS SELECT * FROM read_parquet([{named}])")

    def can(self, question):
        return question in QUESTIONS

    def ask(self, question, params):
        times = {name: datetime.fromisoformat(params[name]) for name in ("from", "to") if name in params}
        return self.connection.execute(QUESTIONS[question], {**params, **times}).to_arrow_table()

    def columns(self, question, answer):
        return answers.columns(answer)

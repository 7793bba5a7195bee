"""ClickHouse's engine in the client's process, through chdb."""

import shutil
import time
from datetime import datetime

import pyarrow as pa
from chdb import session

import answers

RANGE = "ts >= fromUnixTimestamp64Micro({from}, 'UTC') AND ts < fromUnixTimestamp64Micro({to}, 'UTC')"
RAW = f"SELECT ts, value FROM readings WHERE stream_id = {{stream}} AND {RANGE} ORDER BY ts"

# Of the codecs tried the smallest that costs no speed; with the default ones the table takes four times the bytes.
COLUMNS = (
    "stream_id Int32 CODEC(Delta, ZSTD(1)), ts DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)), "
    "value Float64 CODEC(ZSTD(1))"
)
QUESTIONS = {
    "q1": "SELECT ts, value FROM readings WHERE stream_id = {stream} ORDER BY ts DESC LIMIT 1",
    "q2": "SELECT stream_id, max(ts), argMax(value, ts) FROM readings GROUP BY stream_id ORDER BY stream_id",
    "q3": RAW,
    "q4": RAW,
    "q5": "SELECT toStartOfHour(ts) AS hour, avg(value), min(value), max(value) FROM readings "
    f"WHERE stream_id = {{stream}} AND {RANGE} GROUP BY hour ORDER BY hour",
    "q6": "SELECT stream_id, toStartOfFiveMinutes(ts) AS bucket, max(value) FROM readings "
    f"WHERE stream_id IN ({{s1}}, {{s2}}, {{s3}}, {{s4}}, {{s5}}, {{s6}}, {{s7}}, {{s8}}) AND {RANGE} "
    "GROUP BY stream_id, bucket ORDER BY stream_id, bucket",
    "q7": "SELECT stream_id, toStartOfHour(ts) AS hour, avg(value) FROM readings "
    f"WHERE {RANGE} GROUP BY stream_id, hour ORDER BY stream_id, hour",
    "q8": f"SELECT stream_id, max(value) AS most FROM readings WHERE {RANGE} "
    "GROUP BY stream_id ORDER BY most DESC, stream_id LIMIT 10",
    "q9": f"SELECT stream_id, ts, value FROM readings WHERE {RANGE} AND value > {{above}} ORDER BY stream_id, ts",
    "q10": "SELECT toStartOfMinute(ts) AS minute, avg(value) AS mean FROM readings "
    f"WHERE stream_id = {{stream}} AND {RANGE} GROUP BY minute ORDER BY minute "
    "WITH FILL FROM toStartOfMinute(fromUnixTimestamp64Micro({from}, 'UTC')) "
    "TO toDateTime(fromUnixTimestamp64Micro({to}, 'UTC')) STEP INTERVAL 1 MINUTE INTERPOLATE (mean AS mean)",
    "month": RAW,
    "lttb": "SELECT arrayJoin(largestTriangleThreeBuckets({points})(ts, value)) AS point FROM readings "
    f"WHERE stream_id = {{stream}} AND {RANGE}",
    "scan": "SELECT count(value), avg(value) FROM readings",
    "squares": "SELECT count(value), avg(value * value) FROM readings",
}


class Peer:
    name, note = "ClickHouse engine (chdb)", "in process, MergeTree ordered by stream and time"

    def __init__(self, plant):
        self.path = plant.scratch / "clickhouse"
        started = time.perf_counter()
        with session.Session(str(self.path)) as control:
            control.query("CREATE DATABASE plant")
            control.query(f"CREATE TABLE plant.readings ({COLUMNS}) ENGINE = MergeTree ORDER BY (stream_id, ts)")
            for file in plant.files:
                control.query(
                    f"INSERT INTO plant.readings SELECT stream_id, ts, value FROM file('{file}', Parquet)"
                )
            control.query("OPTIMIZE TABLE plant.readings FINAL")
            size = "SELECT sum(bytes_on_disk) FROM system.parts WHERE table = 'readings' AND active"
            self.bytes = int(str(control.query(size, "CSV")).strip())
        self.load_s = time.perf_counter() - started

    def fresh(self):
        """Every client is a process of its own: there is nothing to forget."""

    def setup(self):
        return {"path": str(self.path)}

    def close(self):
        shutil.rmtree(self.path)


class Client:
    def __init__(self, path):
        self.session = session.Session(path)
        self.session.query("USE plant")

    def can(self, question):
        return question in QUESTIONS

    def ask(self, question, params):
        times = {name: micros(params[name]) for name in ("from", "to") if name in params}
        text = QUESTIONS[question].format(**{**params, **times})
        answer = self.session.query(text, "ArrowStream").bytes()
        return pa.ipc.open_stream(answer).read_all()

    def columns(self, question, answer):
        if question == "lttb":
            points = answer.column(0).combine_chunks()
            answer = pa.table(points.flatten(), names=["ts", "value"])
        # Starts of buckets are seconds without a fraction; Arrow has them as whole numbers.
        found = answers.columns(answer)
        for number, field in enumerate(answer.schema):
            if field.name in ("hour", "bucket", "minute") and pa.types.is_integer(field.type):
                found[number] = found[number] * 1_000_000
        return found


def micros(text):
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000 + 0.5)

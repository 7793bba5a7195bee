#!/usr/bin/env python3
"""A server asked by psql, by SQLAlchemy (psycopg) and by ADBC's Flight SQL driver, as POST /sql is asked.

    ask_tools.py questions|psql|reflection|values '{"url", "pg", "flight", "key", "psql"}'

Prints JSON: of `questions` the rows of each by every client, in one spelling (times as microseconds since 1970); of the
others what the clients said.
"""

import csv
import datetime
import io
import json
import os
import subprocess
import sys
import urllib.request

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import sqlalchemy as sa

QUESTIONS = [
    "SELECT count(*) AS n FROM readings",
    "SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts",
    "SELECT stream_id, min(value) AS low, max(value) AS high, avg(value) AS mean FROM readings "
    "WHERE value IS NOT NULL GROUP BY stream_id ORDER BY stream_id",
    "SELECT time_bucket(interval '15 minutes', ts) AS bucket, rms(value) AS rms FROM readings WHERE stream_id = 1 "
    "GROUP BY bucket ORDER BY bucket",
    "SELECT time_bucket_gapfill(interval '10 minutes', ts) AS bucket, locf(last(value, ts)) AS value FROM readings "
    "WHERE stream_id = 1 AND ts >= '2026-04-28T09:30:00Z' AND ts < '2026-04-28T12:30:00Z' GROUP BY bucket ORDER BY bucket",
    "SELECT s.name, s.unit, r.text FROM streams s LEFT JOIN readings r ON r.stream_id = s.id "
    "AND r.ts = '2026-04-28T10:01:00.25Z' ORDER BY s.id",
    "SELECT id, name, protocol, enabled, created_at = updated_at AS untouched FROM devices ORDER BY id",
    "SELECT table_name, column_name, ordinal_position, is_nullable FROM information_schema.columns "
    "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
    "WITH steps AS (SELECT ts, value, lag(value) OVER (ORDER BY ts) AS before FROM readings WHERE stream_id = 1) "
    "SELECT count(*) AS steps, sum(value - before) AS total FROM steps WHERE before IS NOT NULL",
    "SELECT data_id, timestamp, value FROM core_value WHERE value > 10 ORDER BY data_id, timestamp LIMIT 20",
]

COUNTED = "SELECT count(*) FROM readings WHERE stream_id = {} AND ts >= {}"
ANY_OF = "SELECT count(*) FROM readings WHERE stream_id = ANY(%s)"
ELEVEN = datetime.datetime(2026, 4, 28, 11, tzinfo=datetime.timezone.utc)


FETCHED = (
    "BEGIN; DECLARE c CURSOR FOR SELECT value FROM readings WHERE stream_id = 1 ORDER BY ts; FETCH 2 FROM c; "
    "MOVE 2 IN c; FETCH c; CLOSE c; COMMIT"
)
STREAMED = "SELECT value FROM readings WHERE stream_id = {} AND value > {} ORDER BY ts"


def spelled(value):
    """A value of any client in one spelling."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return round(value.timestamp() * 1_000_000)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def from_arrow(table):
    return [[spelled(value) for value in row.values()] for row in table.to_pylist()]


def by_http(told, query):
    request = urllib.request.Request(
        told["url"] + "/sql",
        data=json.dumps({"query": query}).encode(),
        headers={
            "authorization": "ApiKey " + told["key"],
            "content-type": "application/json",
            "accept": "application/vnd.apache.arrow.stream",
        },
    )
    with urllib.request.urlopen(request) as answer:
        return pa.ipc.open_stream(answer.read()).read_all()


def run_psql(told, *args, key=None):
    host, port = told["pg"].split(":")
    environment = {**os.environ, "PGPASSWORD": key or told["key"], "PGCONNECT_TIMEOUT": "30"}
    command = [told["psql"], "-X", "-h", host, "-p", port, "-U", "anybody", "-d", "plant", "-v", "VERBOSITY=verbose", *args]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def by_psql(told, query, schema):
    """psql knows texts only: they are read as the types that Arrow says."""

    def read(text, field):
        if text == "∅":
            return None
        kind = field.type
        if pa.types.is_timestamp(kind):
            return spelled(datetime.datetime.fromisoformat(text + ":00" if text.endswith(("+00", "-00")) else text))
        if pa.types.is_boolean(kind):
            return {"t": True, "f": False}[text]
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            return spelled(float(text))
        return text

    said = run_psql(told, "--csv", "-t", "-P", "null=∅", "-c", query)
    rows = csv.reader(io.StringIO(said))
    return [[read(text, field) for text, field in zip(row, schema, strict=True)] for row in rows]


def engine(told, **options):
    url = sa.URL.create(
        "postgresql+psycopg", "anybody", told["key"], *_host(told["pg"]), "plant"
    )
    return sa.create_engine(url, **options)


def _host(address):
    host, port = address.split(":")
    return host, int(port)


def adbc(told):
    # As the pages of ADBC say it: a user name and a password.
    options = {"username": "anybody", "password": told["key"]}
    return flightsql.connect("grpc://" + told["flight"], db_kwargs=options, autocommit=True)


def questions(told):
    answers = []
    with engine(told).connect() as alchemy, adbc(told) as arrow:
        for query in QUESTIONS:
            http = by_http(told, query)
            with arrow.cursor() as cursor:
                cursor.execute(query)
                flight = cursor.fetch_arrow_table()
            rows = alchemy.exec_driver_sql(query).fetchall()
            answers.append(
                {
                    "query": query,
                    "http": from_arrow(http),
                    "psql": by_psql(told, query, http.schema),
                    "sqlalchemy": [[spelled(value) for value in row] for row in rows],
                    "adbc": from_arrow(flight),
                }
            )
    return answers


def psql(told):
    prepared = "PREPARE part (int, timestamptz) AS " + COUNTED.format("$1", "$2") + "; "
    return {
        "dt": run_psql(told, "-c", r"\dt"),
        "d": run_psql(told, "-c", r"\d"),
        "d_readings": run_psql(told, "-c", r"\d readings"),
        "d_plus": run_psql(told, "-c", r"\d+ readings"),
        "d_plus_view": run_psql(told, "-c", r"\d+ core_value"),
        "d_plus_all": run_psql(told, "-c", r"\d+"),
        "du": run_psql(told, "-A", "-t", "-c", r"\du"),
        "df": run_psql(told, "-A", "-t", "-c", r"\df"),
        "df_one": run_psql(told, "-A", "-t", "-c", r"\df time_bucket"),
        "df_plus": run_psql(told, "-c", r"\df+ rms"),
        "copied": run_psql(
            told, "-c", r"\copy (SELECT ts, text FROM readings WHERE text LIKE 'it%' ORDER BY ts LIMIT 1) to stdout csv header"
        ),
        "declared": run_psql(told, "-c", "DECLARE c CURSOR FOR SELECT 1"),
        "fetched": run_psql(told, "-q", "-t", "-A", "-c", FETCHED),
        "prepared": run_psql(told, "-q", "-t", "-A", "-c", prepared + "EXECUTE part (1, '2026-04-28 11:00:00+00')"),
        "timestamp": run_psql(told, "-t", "-A", "-c", COUNTED.format("1", "timestamptz '2026-04-28 13:00:00+02'")),
        "error": run_psql(told, "-c", "SELECT temperature FROM readings"),
        "refused": run_psql(told, "-c", "DELETE FROM readings"),
        "wrong_key": run_psql(told, "-c", "SELECT 1", key="wrong"),
    }


def reflection(told):
    inspector = sa.inspect(engine(told))
    table = "readings" if inspector.has_table("readings") else "streams"
    columns = {column["name"]: str(column["type"]) for column in inspector.get_columns(table)}
    with adbc(told) as arrow:
        found = arrow.adbc_get_objects(depth="tables").read_all().to_pylist()
        names = [t["table_name"] for c in found for s in c["catalog_db_schemas"] for t in s["db_schema_tables"]]
        fields = arrow.adbc_get_table_schema(table, db_schema_filter="public").names
    return {
        "sqlalchemy": {
            "tables": sorted(inspector.get_table_names()),
            "views": sorted(inspector.get_view_names()),
            "columns": columns,
        },
        "adbc": {"tables": sorted(names), "columns": fields},
    }


def said(call):
    try:
        return f"no error: {call()}"
    except Exception as error:  # whatever a client makes of it
        return str(error)


def values(told):
    answers = {}
    counted = sa.text(COUNTED.format(":stream", ":start"))
    for name, binary in [("sqlalchemy", False), ("sqlalchemy_binary", True)]:
        with engine(told).connect() as connection:
            # psycopg prepares a statement that is asked often; values and rows go in binary when they can.
            for _ in range(7):
                if binary:
                    with connection.connection.driver_connection.cursor(binary=True) as cursor:
                        cursor.execute(COUNTED.format("%b", "%b"), (1, ELEVEN))
                        found = cursor.fetchone()[0]
                else:
                    found = connection.execute(counted, {"stream": 1, "start": ELEVEN}).scalar()
            asked = lambda text: lambda: connection.execute(sa.text(text)).fetchall()
            error = said(asked("SELECT temperature FROM readings"))
            connection.rollback()
            any_of = "SELECT count(*) FROM readings WHERE stream_id = ANY(%b)" if binary else ANY_OF
            with connection.connection.driver_connection.cursor(binary=binary) as cursor:
                listed = [cursor.execute(any_of, (ids,)).fetchone()[0] for ids in ([1, 3], [], [1, 70_000])]
            refused = said(asked("DELETE FROM readings"))
            connection.rollback()
            answers[name] = {"counted": found, "error": error, "refused": refused, "listed": listed}
            answers[name]["streamed"] = streamed(connection, binary)
    with adbc(told) as arrow, arrow.cursor() as cursor:
        cursor.execute(COUNTED.format("$1", "$2"), (1, ELEVEN))
        found = cursor.fetchone()[0]
        error = said(lambda: cursor.execute("SELECT temperature FROM readings"))
        refused = said(lambda: cursor.execute("DELETE FROM readings"))
        answers["adbc"] = {"counted": found, "error": error, "refused": refused}
        day = datetime.date(2026, 4, 28)
        query = "SELECT $1 AS run, $2 AS low, $3 AS fast, $4 AS day, count(*) FROM readings WHERE stream_id = 1"
        cursor.execute(query, (7, 1.5, True, day))
        answers["adbc"]["bound"] = [str(v) if v == day else v for v in cursor.fetchone()]
    return answers


def streamed(connection, binary):
    """How many rows come through a cursor of the server, which is the last, and the first after seven are passed over."""
    with connection.connection.driver_connection.cursor(name="part", binary=binary, scrollable=False) as cursor:
        cursor.itersize = 50
        cursor.execute(STREAMED.format("%s", "%s"), (1, 0.0))
        rows = cursor.fetchmany(20) + list(cursor)
    options = {"stream_results": True, "yield_per": 30}
    found = connection.execution_options(**options).execute(
        sa.text(STREAMED.format(":stream", ":low")), {"stream": 1, "low": 0.0}
    )
    assert [tuple(row) for row in found] == rows, "SQLAlchemy's own cursor has the same rows"
    with connection.connection.driver_connection.cursor(name="other") as cursor:
        cursor.execute(STREAMED.format("%s", "%s"), (1, 6.0))
        cursor.scroll(7)
        return [len(rows), rows[-1][0], int(cursor.fetchone()[0])]


if __name__ == "__main__":
    asked = {"questions": questions, "psql": psql, "reflection": reflection, "values": values}
    json.dump(asked[sys.argv[1]](json.loads(sys.argv[2])), sys.stdout)

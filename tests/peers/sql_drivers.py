#!/usr/bin/env python3
"""Drivers of Python ask a server and PostgreSQL the same: asyncpg, psycopg with its pool, SQLAlchemy, ADBC's drivers of PostgreSQL and of
Flight SQL, and pandas and polars through them.

    sql_drivers.py '{"pg", "flight", "key", "postgres"}'

Prints JSON: of each driver the number of its checks, and those of which the two answers differ.
"""

import asyncio
import datetime as dt
import decimal
import io
import json
import sys
import threading
import urllib.parse
import uuid
import warnings

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_postgresql.dbapi as adbc_postgresql
import asyncpg
import pandas as pd
import polars as pl
import psycopg
import psycopg_pool
import sqlalchemy as sa

UTC = dt.timezone.utc
ELEVEN = dt.datetime(2026, 4, 28, 11, tzinfo=UTC)
SPAN = dt.timedelta(days=3, seconds=4, microseconds=5)
ROWS = (
    "(SELECT n::int4 AS n, n::float8 / 8 AS value, timestamptz '2026-04-28 10:00:00.25Z' + n * interval '1 minute' AS ts, "
    "CASE WHEN mod(n, 2) = 0 THEN 'it''s even' END AS text FROM generate_series(1, 120) AS n) AS r"
)
FRAME = f"SELECT n, value, ts, text FROM {ROWS} ORDER BY n"
# It ends by itself in minutes, so that a lost request to cancel it fails the case and does not hold it up.
ENDLESS = "SELECT count(*) AS n FROM generate_series(1, 3000000) AS a, generate_series(1, 300) AS b"
LITERALS = [
    "SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8, 1.50::numeric(10, 2), 'x'::text, true, date '2026-04-28'",
    "SELECT time '01:02:03', timestamp '2026-04-28 11:00:00', timestamptz '2026-04-28 11:00:00Z', interval '3 days 00:00:04.000005'",
    "SELECT '\\x00ff'::bytea AS b, NULL AS n, ''::text AS e, 'ü€😀'::text AS u",
    "SELECT ARRAY[1, 2]::int[] AS a, ARRAY['a', NULL]::text[] AS b, ARRAY[true] AS c, ARRAY[timestamptz '2026-04-28 11:00:00Z'] AS d",
    "SELECT 'infinity'::float8 AS i, -0.0::float8 AS z, 1e300::float8 AS h, 1e-5::float8 AS s, 12345.6789::numeric(20, 4) AS n",
]
# An error and its SQLSTATE.
WRONG = [
    "SELEC",
    "SELECT nothing FROM generate_series(1, 2) AS n",
    "SELECT 1 FROM nothing",
    "SELECT nothing(1)",
    "SELECT 1 / 0",
    "SELECT 'x'::int",
    "SELECT 9223372036854775807::int8 + 1::int8",
    "SELECT (SELECT n FROM generate_series(1, 2) AS n)",
    "SELECT 1 LIMIT -1",
]
# Values by the names of their types.
VALUES = {
    "int2": 7,
    "int4": -70_000,
    "int8": 2**40,
    "float4": 1.5,
    "float8": 0.1,
    "text": "it's ä",
    "bool": True,
    "timestamptz": dt.datetime(2026, 4, 28, 11, 0, 0, 123_456, tzinfo=UTC),
    "timestamp": dt.datetime(2026, 4, 28, 11),
    "date": dt.date(2026, 4, 28),
    "time": dt.time(1, 2, 3),
    "uuid": uuid.UUID(int=5),
    "interval": SPAN,
    "bytea": b"\0\xff",
}
# A value, NULL, a list, one that is empty, and truth.
OF_TYPE = (
    "SELECT $1::{0}, $2::{0}, $3::{0}[], $4::{0}[], $1::{0} = ANY($3::{0}[]), coalesce($2::{0}, $6), "
    "CASE WHEN $5 THEN $1::{0} ELSE $7 END, $1::{0} IN ($2::{0}, $6)"
)
# Texts with `?` for parameters, and their values.
PARAMETERIZED = [
    (f"SELECT count(*) AS c FROM {ROWS} WHERE n > ? AND ts >= ? AND value < ?", [1, ELEVEN, 10.5]),
    (f"SELECT count(*) AS c FROM {ROWS} WHERE text = ?", ["it's even"]),
    (f"SELECT count(*) AS c FROM {ROWS} WHERE ts BETWEEN ? AND ?", [ELEVEN, ELEVEN + dt.timedelta(minutes=9)]),
    (f"SELECT value AS v FROM {ROWS} ORDER BY n LIMIT ? OFFSET ?", [2, 3]),
    (f"SELECT coalesce(?, value) AS v FROM {ROWS} WHERE n = 1", [2.5]),
    (f"SELECT count(*) AS c FROM {ROWS} WHERE n = ANY(?)", [[1, 3]]),
    (f"SELECT date_trunc(?, ts) AS d, count(*) AS c FROM {ROWS} GROUP BY 1 ORDER BY 1", ["hour"]),
]
# A parameter that is used twice: the first place decides its type.
REPEATED = f"SELECT count(*) AS c FROM {ROWS} WHERE n > $1 AND ts BETWEEN $2 AND $2 + interval '1 hour'"


def plain(value):
    """A value in a form that two clients show alike: a UUID is a text here, and times have no units."""
    if isinstance(value, (list, tuple, asyncpg.Record, sa.Row)):
        return [plain(one) for one in value]
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return f"{type(value).__name__} {value!r}" if not isinstance(value, (str, int, type(None))) else value


def code_of(error):
    error = getattr(error, "orig", None) or error
    return f"!{getattr(error, 'sqlstate', None) or getattr(error, 'adbc_status_code', None) or type(error).__name__}"


class Checks(dict):
    """What a driver says, by the names of the checks."""

    def add(self, name, call):
        try:
            self[name] = plain(call())
        except Exception as error:  # whatever a driver makes of it
            self[name] = code_of(error) + (f" {error}"[:300] if name not in WRONG else "")

    async def wait(self, name, call):
        try:
            self[name] = plain(await call)
        except Exception as error:
            self[name] = code_of(error) + (f" {error}"[:300] if name not in WRONG else "")


def numbered(text):
    parts = text.split("?")
    return parts[0] + "".join(f"${place}{part}" for place, part in enumerate(parts[1:], 1))


async def asyncpg_checks(target):
    found = Checks()
    address = {key: target[key] for key in ("host", "port", "user", "password")}
    async with asyncpg.create_pool(**address, database=target["dbname"], min_size=2, max_size=4) as pool:
        async with pool.acquire() as connection:
            await asyncpg_values(connection, found)
            await asyncpg_cursors(connection, found)
        counts = (pool.fetchval(f"SELECT $1::int + count(*) FROM {ROWS}", each) for each in range(12))
        await found.wait("pool", asyncio.gather(*counts))
    return found


async def asyncpg_values(connection, found):
    for text in LITERALS + WRONG:
        await found.wait(text, connection.fetch(text))
    for name, value in VALUES.items():
        if name == "bytea":  # coalesce does not take one beside a NULL: docs/connect.md
            continue
        # Beside a UUID, parameters without a cast are the texts that UUIDs are in the tables.
        other = str(value) if name == "uuid" else value
        bound = [value, None, [value, None], [], True, other, other]
        await found.wait(name, connection.fetch(OF_TYPE.format(name), *bound))
    for text, values in PARAMETERIZED:
        await found.wait(text, connection.fetch(numbered(text), *values))
    await found.wait("repeated", connection.fetch(REPEATED, 1, ELEVEN))


async def asyncpg_cursors(connection, found):
    text = f"SELECT value FROM {ROWS} WHERE n > $1 ORDER BY n"

    async def cursors():
        async with connection.transaction(readonly=True):
            rows = [row[0] async for row in connection.cursor(text, 20, prefetch=7)]
            cursor = await connection.cursor(text, 20)
            return [len(rows), rows[-1], await cursor.forward(5), await cursor.fetch(2), await cursor.fetchrow()]

    async def nested():
        async with connection.transaction():
            try:
                async with connection.transaction():
                    await connection.fetch("SELECT 1 / 0")
            except asyncpg.DivisionByZeroError:
                return await connection.fetchval("SELECT 5::int4")

    async def copied(form):
        sink = io.BytesIO()
        status = await connection.copy_from_query(text, 117, output=sink, format=form)
        return [status, sink.getvalue()]

    async def prepared():
        statement = await connection.prepare(f"SELECT ts, value, $1::int AS k FROM {ROWS} WHERE n = $1")
        attributes = [(each.name, each.type.name) for each in statement.get_attributes()]
        return [attributes, [each.name for each in statement.get_parameters()], await statement.fetch(3)]

    async def timed_out():
        # Prepared first: a request to cancel that comes before the statement runs is lost, and asyncpg sends one only.
        statement = await connection.prepare(ENDLESS)
        try:
            await statement.fetch(timeout=0.5)
        except TimeoutError:
            return await connection.fetchval("SELECT 'cancelled'")

    for call in (cursors, nested, prepared, timed_out):
        await found.wait(call.__name__, call())
    for form in ("text", "csv", "binary"):
        await found.wait(f"copy {form}", copied(form))


def psycopg_checks(target):
    found = Checks()
    info = psycopg.conninfo.make_conninfo(**target)
    with psycopg_pool.ConnectionPool(info, min_size=1, max_size=2) as pool, pool.connection() as connection:
        connection.prepare_threshold = 1
        connection.autocommit = True
        for text in LITERALS + WRONG:
            found.add(text, lambda text=text: connection.execute(text, binary=True).fetchall())
        for text, values in PARAMETERIZED:
            found.add(text, lambda text=text, values=values: connection.execute(text.replace("?", "%s"), values).fetchall())
        repeated = REPEATED.replace("$1", "%(least)s").replace("$2", "%(begin)s")
        found.add("repeated", lambda: connection.execute(repeated, {"least": 1, "begin": ELEVEN}).fetchall())
        for name, value in VALUES.items():
            found.add(name, lambda value=value: connection.execute("SELECT %s, %s", (value, [value])).fetchall())
        # A cursor that somebody else declared is closed only if `pg_cursors` has it.
        found.add("stolen", lambda: stolen(connection))
        found.add("cancelled", lambda: cancelled(connection))
    return found


def stolen(connection):
    with connection.transaction():
        connection.execute("DECLARE other CURSOR FOR SELECT n FROM generate_series(1, 5) AS n")
        with psycopg.ServerCursor(connection, "other") as cursor:
            return [int(row[0]) for row in cursor.fetchmany(2)]


def cancelled(connection):
    """A cancellation that comes before its statement cancels nothing, so it is sent until the statement has ended."""
    has_ended = threading.Event()

    def cancel():
        while not has_ended.wait(0.3):
            connection.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        connection.execute(ENDLESS)
        return None
    except psycopg.errors.QueryCanceled:
        pass
    finally:
        has_ended.set()
        canceller.join()
    return connection.execute("SELECT 'cancelled'").fetchone()


def sqlalchemy_checks(target):
    found = Checks()
    address = [target[key] for key in ("user", "password", "host", "port", "dbname")]
    engine = sa.create_engine(sa.URL.create("postgresql+psycopg", *address))
    with engine.connect() as connection:
        for text, values in PARAMETERIZED:
            named = "".join(part if at == 0 else f":p{at}{part}" for at, part in enumerate(text.split("?")))
            bound = {f"p{at}": value for at, value in enumerate(values, 1)}
            found.add(text, lambda named=named, bound=bound: connection.execute(sa.text(named), bound).all())
        found.add("expressions", lambda: connection.execute(expressions()).all())
        found.add("savepoints", lambda: savepoints(connection))
        connection.rollback()
        frames(found, connection)
    with engine.connect().execution_options(stream_results=True) as connection:
        found.add("chunks", lambda: [len(chunk) for chunk in pd.read_sql(FRAME, connection, chunksize=50)])
    inspector = sa.inspect(engine)
    for name in ("get_sequence_names", "get_enums", "get_materialized_view_names", "get_temp_table_names"):
        found.add(name, getattr(inspector, name))
    return found


def expressions():
    rows = sa.text(f"SELECT n, value, ts, text FROM {ROWS}")
    r = rows.columns(n=sa.Integer, value=sa.Float, ts=sa.DateTime(timezone=True), text=sa.Text).subquery("r")
    rank = sa.func.row_number().over(partition_by=r.c.text, order_by=r.c.ts.desc())
    kind = sa.case((r.c.value > 5, "high"), else_="low")
    chosen = sa.select(r.c.n, kind, sa.func.coalesce(r.c.text, sa.literal("none")), rank)
    recent = sa.and_(r.c.ts > ELEVEN - dt.timedelta(minutes=30), r.c.n.in_([1, 50, 51, 120]))
    return chosen.where(sa.or_(recent, r.c.text.icontains("nothing"))).order_by(r.c.n).limit(5)


def savepoints(connection):
    try:
        with connection.begin_nested():
            connection.execute(sa.text("SELECT 1 / 0"))
    except sa.exc.DBAPIError:
        return connection.execute(sa.text("SELECT 'goes on'")).scalar()


def frames(found, connection):
    """The same rows as a frame of pandas and of polars."""

    def pandas():
        frame = pd.read_sql(FRAME, connection)
        kinds = [str(kind).replace("[ns,", "[us,") for kind in frame.dtypes]
        return [list(frame.columns), kinds, frame.shape, frame.iloc[3].tolist()]

    def polars():
        frame = pl.read_database(FRAME, connection)
        return [str(frame.schema).replace("'ns'", "'us'").replace("Etc/UTC", "UTC"), frame.shape, frame.row(3)]

    found.add("pandas", pandas)
    found.add("polars", polars)


def adbc_checks(connection):
    found = Checks()
    with connection, connection.cursor() as cursor:

        def fetched(text, values=None):
            cursor.execute(text, values)
            return [list(row.values()) for row in cursor.fetch_arrow_table().to_pylist()]

        for text in LITERALS[3:]:
            found.add(text, lambda text=text: fetched(text))
        for text, values in PARAMETERIZED:
            found.add(text, lambda text=text, values=values: fetched(numbered(text), values))
        for name, value in VALUES.items():
            # Flight SQL gives back the very value, PostgreSQL one of the type that it takes it for.
            if name not in ("uuid", "interval"):
                found.add(name, lambda value=value: fetched("SELECT $1 AS v", [value]))
        frames(found, connection)
    return found


def own_checks(settings):
    """What PostgreSQL has no equal of: metadata of the tables of the server."""
    found = Checks()
    login = {"username": "anybody", "password": settings["key"]}
    uri = f"postgresql://anybody:{settings['key']}@{settings['pg']}/basalt"
    connections = {
        "adbc": adbc_postgresql.connect(uri, autocommit=True),
        "flight": flightsql.connect("grpc://" + settings["flight"], db_kwargs=login, autocommit=True),
    }
    for name, connection in connections.items():
        with connection:
            found.add(f"{name} columns", lambda: columns_of(connection))
            with connection.cursor() as cursor:
                found.add(f"{name} uuid", lambda: by_uuid(cursor))
    return found


def columns_of(connection):
    catalogs = connection.adbc_get_objects(depth="all", table_name_filter="readings").read_all().to_pylist()
    schemas = [schema for catalog in catalogs for schema in catalog["catalog_db_schemas"]]
    tables = [table for schema in schemas for table in schema["db_schema_tables"] or []]
    return [column["column_name"] for table in tables for column in table["table_columns"]]


def by_uuid(cursor):
    cursor.execute("SELECT uuid FROM streams WHERE id = 1")
    value = cursor.fetchone()[0]
    cursor.execute("SELECT count(*) AS c FROM streams WHERE uuid = $1::uuid", [uuid.UUID(value)])
    return cursor.fetchone()[0]


def main(settings):
    warnings.filterwarnings("ignore")  # pandas prefers SQLAlchemy
    host, port = settings["pg"].split(":")
    server = {"host": host, "port": int(port), "user": "anybody", "password": settings["key"], "dbname": "basalt"}
    url = urllib.parse.urlsplit(settings["postgres"])
    peer = {"host": url.hostname, "port": url.port, "user": url.username, "password": "", "dbname": url.path[1:]}

    def uri(target):
        return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**target)

    by_adbc = lambda target: adbc_checks(adbc_postgresql.connect(uri(target), autocommit=True))
    login = {"username": "anybody", "password": settings["key"]}
    by_flight = adbc_checks(flightsql.connect("grpc://" + settings["flight"], db_kwargs=login, autocommit=True))
    theirs = by_adbc(peer)
    answers = {
        "asyncpg": [asyncio.run(asyncpg_checks(target)) for target in (server, peer)],
        "psycopg": [psycopg_checks(target) for target in (server, peer)],
        "sqlalchemy": [sqlalchemy_checks(target) for target in (server, peer)],
        "adbc": [by_adbc(server), theirs],
        "flight": [by_flight, theirs],
    }
    report = {}
    for driver, (ours, others) in answers.items():
        # A driver that refuses something itself says the same of both: nothing would be compared.
        refused = [name for name in others if str(others[name]).startswith("!") and name not in WRONG]
        names = [name for name in others if str(ours.get(name)) != str(others[name]) or name in refused]
        report[driver] = {"checks": len(others), "differ": [[name, str(ours.get(name)), str(others[name])] for name in names]}
    return {**report, "own": own_checks(settings)}


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)

#!/usr/bin/env python3
"""What psqlodbc gets from a server, by way of pyodbc: a line for each check, `name<TAB>value`.

    psqlodbc.py HOST PORT DATABASE USER PASSWORD

The driver is that of Debian's package odbc-postgresql, whose entry in odbcinst.ini is `PostgreSQL Unicode`.
"""

import datetime as dt
import decimal
import sys

import pyodbc

ROWS = (
    "(SELECT n::int4 AS n, n::float8 / 8 AS value, timestamptz '2026-04-28 10:00:00.25Z' + n * interval '1 minute' AS ts "
    "FROM generate_series(1, 120) AS n) AS r"
)
STATEMENTS = [
    ("SELECT 1::int2, 3::int8, 1.5::float4, 0.1::float8, 1.50::numeric(10, 2), 'x'::text, true, '\\x00ff'::bytea, NULL", []),
    ("SELECT date '2026-04-28', time '01:02:03', timestamptz '2026-04-28 11:00Z', interval '3 days 00:00:04'", []),
    ("SELECT ARRAY[1, 2]::int[], ARRAY['a', NULL]::text[]", []),
    (f"SELECT count(*) FROM {ROWS} WHERE n > ? AND ts >= ? AND value < ?", [1, dt.datetime(2026, 4, 28, 11), 10.5]),
    (f"SELECT count(*) FROM {ROWS} WHERE ts > ? AND value <> ?", [dt.date(2026, 4, 28), decimal.Decimal("1.5")]),
    (f"SELECT value FROM {ROWS} ORDER BY n LIMIT ? OFFSET ?", [2, 3]),
    (f"SELECT coalesce(?, value) FROM {ROWS} WHERE n = 1", [2.5]),
    (f"SELECT value FROM {ROWS} ORDER BY n", []),
    ("SELEC", []),
    ("SELECT 1 FROM nothing", []),
    ("SELECT 1 / 0", []),
]


def main(host, port, database, user, password):
    login = f"Driver={{PostgreSQL Unicode}};Server={host};Port={port};Database={database};Uid={user};Pwd={password};"
    for options in ("", "UseDeclareFetch=1;Fetch=17;", "UseServerSidePrepare=0;"):
        cursor = pyodbc.connect(login + options, autocommit=False).cursor()
        for text, values in STATEMENTS:
            try:
                found = [tuple(row) for row in cursor.execute(text, values).fetchall()]
            except pyodbc.Error as error:
                found = f"!{error.args[0]}"
            cursor.connection.rollback()
            print(f"{options} {text}\t{found!r}")
        columns = [tuple(row)[3:6] for row in cursor.columns(table="readings", schema="public")]
        tables = [tuple(row)[1:4] for row in cursor.tables(table="readings", schema="public")]
        keys = [tuple(row) for row in cursor.primaryKeys("readings")]
        print(f"{options} metadata\t{(columns, tables, keys)!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])

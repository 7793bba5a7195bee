#!/usr/bin/env python3
"""pandas through Arrow Flight SQL, with Apache Arrow's ADBC driver and the API key as the password. Results are columnar.

    BASALT_FLIGHT_URL=grpc://127.0.0.1:32010 BASALT_KEY=… python examples/pandas_flight.py

Start the server with --flight-listen. Prints the hourly mean of each stream, one column per stream.
"""

import os

from adbc_driver_flightsql import dbapi

URL = os.environ.get("BASALT_FLIGHT_URL", "grpc://127.0.0.1:32010")
LOGIN = {"username": "me", "password": os.environ["BASALT_KEY"]}

HOURS = """
    SELECT s.name, time_bucket('1 hour', r.ts) AS hour, avg(r.value) AS mean
    FROM readings r JOIN streams s ON s.id = r.stream_id
    GROUP BY 1, 2 ORDER BY 1, 2
"""

with dbapi.connect(URL, db_kwargs=LOGIN, autocommit=True) as connection, connection.cursor() as cursor:
    cursor.execute(HOURS)
    hours = cursor.fetch_df()
print(hours.pivot(index="hour", columns="name", values="mean").to_string())

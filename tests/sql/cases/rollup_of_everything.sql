SELECT count(*) AS n, avg(value) AS mean, max(value) AS high FROM readings

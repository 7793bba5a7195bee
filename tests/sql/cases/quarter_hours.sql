-- Buckets of a quarter of an hour.
SELECT date_bin(INTERVAL '15 minutes', ts) AS bucket, count(*) AS n, min(value) AS least, max(value) AS most, avg(value) AS mean
FROM readings WHERE stream_id = 1 GROUP BY 1 ORDER BY 1

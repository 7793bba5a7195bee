-- Every half day of three days has a row, measured or not.
SELECT stream_id, time_bucket_gapfill('12 hours', ts) AS bucket, count(value) AS n, avg(value) AS mean,
       locf(avg(value)) AS carried, interpolate(avg(value)) AS line
FROM readings WHERE stream_id IN (1, 2) AND ts >= '2026-04-26T00:00:00Z' AND ts < '2026-04-29T00:00:00Z'
GROUP BY stream_id, bucket ORDER BY stream_id, bucket

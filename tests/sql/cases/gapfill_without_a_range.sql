-- A gap needs a range to be one of.
SELECT time_bucket_gapfill('1 hour', ts) AS bucket, count(*) AS n FROM readings WHERE stream_id = 1 GROUP BY bucket

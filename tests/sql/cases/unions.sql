-- Two ranges laid over each other.
SELECT count(*) AS n, count(DISTINCT ts) AS times FROM (
  SELECT ts FROM readings WHERE stream_id = 1 UNION ALL SELECT timestamp FROM core_value WHERE data_id IN (1, 2)
) t

-- Differences between neighbours.
WITH s AS (SELECT ts, value - lag(value) OVER (ORDER BY ts) AS step FROM readings WHERE stream_id = 2)
SELECT count(step) AS steps, min(step) AS least, max(step) AS most FROM s

-- First and last by time, and what a counter counted over its resets.
SELECT stream_id, first(value, ts) AS first, last(value, ts) AS last, first(text, ts) AS first_text,
       last(text, ts) FILTER (WHERE text <> '') AS last_text, delta(value, ts) AS delta, rate(value, ts) * 3600 AS an_hour
FROM readings GROUP BY stream_id ORDER BY stream_id

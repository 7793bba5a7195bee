-- A text has none, a lost reading is not in them.
SELECT stream_id, origin, count(*) AS windows, sum(count) AS "values", min(ts) AS first, max(ts) AS last, max(max) AS highest
FROM statistics GROUP BY stream_id, origin ORDER BY stream_id, origin

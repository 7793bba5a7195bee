-- Days are days of UTC.
SELECT date_trunc('day', ts) AS day, stream_id, count(*) AS n FROM readings GROUP BY 1, 2 ORDER BY 1, 2

-- name: readings-by-day
-- description: How many readings came each day, of how many streams, and how many of them were bad
-- param: from timestamp = 'now - 30 days'
-- param: to timestamp = 'now'
SELECT time_bucket('1 day', ts) AS day,
       count(*) AS readings,
       count(DISTINCT stream_id) AS streams,
       count(*) FILTER (WHERE quality = 'bad') AS bad
FROM readings
WHERE ts >= $from AND ts < $to
GROUP BY 1
ORDER BY 1

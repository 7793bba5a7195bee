-- name: readings-by-day
-- description: For each day, the number of readings, of streams with readings, and of bad readings
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

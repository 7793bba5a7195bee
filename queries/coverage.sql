-- name: coverage
-- description: The number of minutes of each day in which a stream has a value, and their share of the day
-- param: stream bigint
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT time_bucket('1 day', minute) AS day, count(*) AS minutes, count(*) / 1440.0 AS share
FROM (
    SELECT time_bucket('1 minute', ts) AS minute, count(value) AS n
    FROM readings
    WHERE stream_id = $stream AND ts >= $from AND ts < $to
    GROUP BY 1
)
WHERE n > 0
GROUP BY 1
ORDER BY 1

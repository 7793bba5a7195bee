-- name: hourly-mean
-- description: Count, mean, minimum and maximum of a stream by hour, or by any other step
-- param: stream bigint
-- param: step interval = '1 hour'
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT time_bucket($step, ts) AS ts,
       count(value) AS n,
       avg(value) AS mean,
       min(value) AS min,
       max(value) AS max
FROM readings
WHERE stream_id = $stream AND ts >= $from AND ts < $to
GROUP BY 1
ORDER BY 1

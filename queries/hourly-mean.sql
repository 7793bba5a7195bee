-- name: hourly-mean
-- description: Count, mean, minimum and maximum of one stream by hour
-- param: stream bigint
-- param: from timestamp = '1970-01-01T00:00:00Z'
-- param: to timestamp = '2262-01-01T00:00:00Z'
SELECT date_trunc('hour', ts) AS hour,
       count(value) AS n,
       avg(value) AS mean,
       min(value) AS min,
       max(value) AS max
FROM readings
WHERE stream_id = $stream AND ts >= $from AND ts < $to
GROUP BY 1
ORDER BY 1

-- name: daily-production
-- description: The increase of a counter on each local day, across resets; the increase between the last reading of a day and the first of the next is in neither day
-- param: stream bigint
-- param: timezone text = 'UTC'
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT time_bucket('1 day', ts, $timezone) AS day,
       delta(value, ts) AS produced,
       rate(value, ts) * 3600 AS per_hour,
       min(ts) AS first_reading,
       max(ts) AS last_reading
FROM readings
WHERE stream_id = $stream AND ts >= $from AND ts < $to
GROUP BY 1
ORDER BY 1

-- name: chart
-- description: A stream thinned to a number of points for a chart, with its peaks kept (largest triangle three buckets)
-- param: stream bigint
-- param: points bigint = 1000
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT p['ts'] AS ts, p['value'] AS value
FROM (
    SELECT unnest(lttb(ts, value, $points)) AS p
    FROM readings
    WHERE stream_id = $stream AND ts >= $from AND ts < $to
)
ORDER BY ts

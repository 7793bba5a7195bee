-- name: gaps
-- description: Gaps between the readings of a stream that are longer than a limit, the longest first
-- param: stream bigint
-- param: longer_than interval = '5 minutes'
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT last_seen, next_seen, (CAST(next_seen AS BIGINT) - CAST(last_seen AS BIGINT)) / 1e6 AS seconds
FROM (
    SELECT ts AS last_seen, lead(ts) OVER (ORDER BY ts) AS next_seen
    FROM readings
    WHERE stream_id = $stream AND ts >= $from AND ts < $to
)
WHERE next_seen - last_seen > CAST($longer_than AS INTERVAL)
ORDER BY seconds DESC, last_seen

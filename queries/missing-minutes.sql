-- name: missing-minutes
-- description: The minutes (or other steps) of a range in which a stream has no good or uncertain value
-- param: stream bigint
-- param: from timestamp = 'now - 1 day'
-- param: to timestamp = 'now'
-- param: step interval = '1 minute'
SELECT step AS ts
FROM (
    SELECT time_bucket_gapfill($step, ts) AS step, count(value) AS n
    FROM readings
    WHERE stream_id = $stream AND ts >= $from AND ts < $to
    GROUP BY 1
)
WHERE coalesce(n, 0) = 0
ORDER BY ts

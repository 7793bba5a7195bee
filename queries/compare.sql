-- name: compare
-- description: Two streams side by side on one time axis: their means by step and the difference
-- param: a bigint
-- param: b bigint
-- param: step interval = '1 minute'
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT ts, a, b, a - b AS difference
FROM (
    SELECT time_bucket($step, ts) AS ts,
           avg(value) FILTER (WHERE stream_id = $a) AS a,
           avg(value) FILTER (WHERE stream_id = $b) AS b
    FROM readings
    WHERE stream_id IN ($a, $b) AND ts >= $from AND ts < $to
    GROUP BY 1
)
ORDER BY ts

-- name: histogram
-- description: The distribution of a stream's values, in bins of equal width
-- param: stream bigint
-- param: bins bigint = 20
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
WITH chosen AS (
    SELECT value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to AND value IS NOT NULL
), ends AS (
    SELECT min(value) AS low, max(value) - min(value) AS span FROM chosen
)
SELECT low + bin * span / $bins AS from_value, low + (bin + 1) * span / $bins AS to_value, n
FROM (
    -- The highest value belongs to the last bin. If all values are equal, there is one bin.
    SELECT least(floor((value - low) / nullif(span, 0) * $bins), $bins - 1) AS bin, low, span, count(*) AS n
    FROM chosen CROSS JOIN ends
    GROUP BY 1, 2, 3
)
ORDER BY from_value

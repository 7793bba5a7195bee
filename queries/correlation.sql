-- name: correlation
-- description: The correlation of two streams: Pearson's r over their means by step, and the regression line
-- param: a bigint
-- param: b bigint
-- param: step interval = '1 minute'
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT count(*) AS steps, corr(a, b) AS r, regr_slope(b, a) AS slope, regr_intercept(b, a) AS intercept
FROM (
    SELECT time_bucket($step, ts) AS step,
           avg(value) FILTER (WHERE stream_id = $a) AS a,
           avg(value) FILTER (WHERE stream_id = $b) AS b
    FROM readings
    WHERE stream_id IN ($a, $b) AND ts >= $from AND ts < $to
    GROUP BY 1
)
WHERE a IS NOT NULL AND b IS NOT NULL

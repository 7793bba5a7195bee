-- name: time-above
-- description: The spans in which a stream was above a limit, with their peak, the latest first; a span ends at the first reading that is not above the limit, and has no end while it lasts
-- param: stream bigint
-- param: limit double
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT began, ended, peak, (CAST(ended AS BIGINT) - CAST(began AS BIGINT)) / 1e6 AS seconds
FROM (
    SELECT began, CASE WHEN count(next) = count(*) THEN max(next) END AS ended, max(value) AS peak
    FROM (
        SELECT max(CASE WHEN is_above AND was_above IS DISTINCT FROM true THEN ts END) OVER (ORDER BY ts) AS began,
               lead(ts) OVER (ORDER BY ts) AS next, value, is_above
        FROM (
            SELECT ts, value, value > $limit AS is_above, lag(value > $limit) OVER (ORDER BY ts) AS was_above
            FROM readings
            WHERE stream_id = $stream AND ts >= $from AND ts < $to AND value IS NOT NULL
        )
    )
    WHERE is_above
    GROUP BY began
)
ORDER BY began DESC

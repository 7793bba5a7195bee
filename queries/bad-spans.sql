-- name: bad-spans
-- description: The spans in which streams had no source (readings of bad quality), the latest first; a span that still lasts has no end
-- param: stream bigint = null
-- param: from timestamp = '1970-01-01'
-- param: to timestamp = '2261-12-31'
SELECT d.name AS device, s.name AS stream, e.lost, e.back,
       (CAST(e.back AS BIGINT) - CAST(e.lost AS BIGINT)) / 1e6 AS seconds
FROM (
    SELECT stream_id, is_bad, ts AS lost, lead(ts) OVER (PARTITION BY stream_id ORDER BY ts) AS back
    FROM (
        SELECT stream_id, ts, quality = 'bad' AS is_bad,
               lag(quality = 'bad') OVER (PARTITION BY stream_id ORDER BY ts) AS was_bad
        FROM readings
        WHERE ($stream IS NULL OR stream_id = $stream) AND ts >= $from AND ts < $to
    )
    WHERE is_bad IS DISTINCT FROM was_bad
) e
JOIN streams s ON s.id = e.stream_id
JOIN devices d ON d.id = s.device_id
WHERE e.is_bad
ORDER BY e.lost DESC, d.name, s.name

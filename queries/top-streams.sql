-- name: top-streams
-- description: The streams with the highest values in a range of time, with maximum, mean and count
-- param: from timestamp = 'now - 1 day'
-- param: to timestamp = 'now'
-- param: n bigint = 10
SELECT d.name AS device, s.name AS stream, v.stream_id, v.max, v.mean, v.n, s.unit
FROM (
    SELECT stream_id, max(value) AS max, avg(value) AS mean, count(value) AS n
    FROM readings
    WHERE ts >= $from AND ts < $to
    GROUP BY stream_id
) v
JOIN streams s ON s.id = v.stream_id
JOIN devices d ON d.id = s.device_id
WHERE v.max IS NOT NULL
ORDER BY v.max DESC, v.stream_id
LIMIT $n

-- name: latest
-- description: The newest reading of every stream within a time, with its device and unit
-- param: from timestamp = '1970-01-01T00:00:00Z'
SELECT d.name AS device, s.name AS stream, r.ts, r.value, r.text, s.unit, r.quality
FROM (
    SELECT *, row_number() OVER (PARTITION BY stream_id ORDER BY ts DESC) AS newest
    FROM readings
    WHERE ts >= $from
) r
JOIN streams s ON s.id = r.stream_id
JOIN devices d ON d.id = s.device_id
WHERE r.newest = 1
ORDER BY d.name, s.name

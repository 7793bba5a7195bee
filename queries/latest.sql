-- name: latest
-- description: The newest reading of every stream, with its device and unit
-- param: from timestamp = '1970-01-01'
SELECT d.name AS device, s.name AS stream, l.stream_id, l.ts, l.value, l.text, s.unit, l.quality
FROM latest l
JOIN streams s ON s.id = l.stream_id
JOIN devices d ON d.id = s.device_id
WHERE l.ts >= $from
ORDER BY d.name, s.name

-- name: silent-streams
-- description: Enabled streams without a reading since a given time; streams that never had one come first
-- param: since timestamp = 'now - 1 hour'
SELECT d.name AS device, d.state, s.name AS stream, s.id AS stream_id, l.ts AS last_reading, l.quality
FROM streams s
JOIN devices d ON d.id = s.device_id
LEFT JOIN latest l ON l.stream_id = s.id
WHERE s.enabled AND (l.ts IS NULL OR l.ts < $since)
ORDER BY l.ts NULLS FIRST, d.name, s.name

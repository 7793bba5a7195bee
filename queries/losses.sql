-- name: losses
-- description: When streams lost their source (readings of bad quality), newest first
-- param: from timestamp = '1970-01-01T00:00:00Z'
SELECT d.name AS device, s.name AS stream, r.ts
FROM readings r
JOIN streams s ON s.id = r.stream_id
JOIN devices d ON d.id = s.device_id
WHERE r.quality = 'bad' AND r.ts >= $from
ORDER BY r.ts DESC, d.name, s.name

-- name: recent-events
-- description: The newest entries of the event log, of one level or of all levels
-- param: level text = null
-- param: from timestamp = '1970-01-01'
-- param: n bigint = 100
SELECT id, ts, level, kind, message, device_id, stream_id
FROM events
WHERE ($level IS NULL OR level = $level) AND ts >= $from
ORDER BY ts DESC, id DESC
LIMIT $n

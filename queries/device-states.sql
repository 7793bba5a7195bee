-- name: device-states
-- description: Every device with its state, the time it was last seen, its last error and its number of streams
SELECT d.id, d.name, d.protocol, d.state, d.last_seen, d.last_error, coalesce(n.streams, 0) AS streams
FROM devices d
LEFT JOIN (SELECT device_id, count(*) AS streams FROM streams GROUP BY device_id) n ON n.device_id = d.id
ORDER BY d.name, d.id

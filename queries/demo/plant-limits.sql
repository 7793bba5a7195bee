-- name: plant-limits
-- description: Demo: how near the plant came to the limits of its alert rules in the last eight days, and how many readings were above them
-- param: from timestamp = 'now - 8 days'
-- param: to timestamp = 'now'
SELECT l.name AS stream, l.most AS threshold, max(r.value) AS highest, l.most - max(r.value) AS margin,
       count(*) FILTER (WHERE r.value > l.most) AS above, max(r.ts) FILTER (WHERE r.value > l.most) AS last_above
FROM (VALUES ('Furnace PLC', 'furnace.temperature', 665.0), ('Tank PLC', 'tank.level', 85.0)) AS l(device, name, most)
JOIN devices d ON d.name = l.device
JOIN streams s ON s.device_id = d.id AND s.name = l.name
JOIN readings r ON r.stream_id = s.id
WHERE r.ts >= $from AND r.ts < $to
GROUP BY 1, 2
ORDER BY 1

-- Readings with the names of their streams and devices.
SELECT d.name AS device, s.name AS stream, s.type, count(r.ts) AS n, max(r.value) AS most
FROM devices d JOIN streams s ON s.device_id = d.id LEFT JOIN readings r ON r.stream_id = s.id
GROUP BY 1, 2, 3 ORDER BY 1, 2

-- name: plant-energy-by-hour
-- description: Demo: energy that the furnace took in each hour of the last week, and its mean temperature
-- param: from timestamp = 'now - 7 days'
-- param: to timestamp = 'now'
SELECT time_bucket('1 hour', r.ts) AS ts,
       avg(r.value) FILTER (WHERE s.name = 'furnace.power') AS kwh,
       avg(r.value) FILTER (WHERE s.name = 'furnace.temperature') AS celsius
FROM readings r
JOIN streams s ON s.id = r.stream_id
JOIN devices d ON d.id = s.device_id
WHERE d.name = 'Furnace PLC' AND s.name IN ('furnace.power', 'furnace.temperature') AND r.ts >= $from AND r.ts < $to
GROUP BY 1
ORDER BY 1

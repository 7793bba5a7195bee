-- name: plant-energy-by-hour
-- description: Demo: energy that the furnace took in each hour of the last week, and its mean temperature; a reading counts until the next one, and for 120 s at most
-- param: from timestamp = 'now - 7 days'
-- param: to timestamp = 'now'
SELECT time_bucket('1 hour', ts) AS ts,
       sum(value * seconds) FILTER (WHERE name = 'furnace.power') / 3600 AS kwh,
       sum(value * seconds) FILTER (WHERE name = 'furnace.temperature')
           / sum(seconds) FILTER (WHERE name = 'furnace.temperature' AND value IS NOT NULL) AS celsius
FROM (
    SELECT s.name, r.ts, r.value,
           least((CAST(coalesce(lead(r.ts) OVER (PARTITION BY r.stream_id ORDER BY r.ts), $to) AS BIGINT) - CAST(r.ts AS BIGINT)) / 1e6, 120) AS seconds
    FROM readings r
    JOIN streams s ON s.id = r.stream_id
    JOIN devices d ON d.id = s.device_id
    WHERE d.name = 'Furnace PLC' AND s.name IN ('furnace.power', 'furnace.temperature') AND r.ts >= $from AND r.ts < $to
)
GROUP BY 1
ORDER BY 1

-- name: plant-motor-downtime
-- description: Demo: how long the motor stood still on each local day, in minutes, and how often it was stopped; gaps of 1000 s and more between readings are no downtime
-- param: timezone text = 'UTC'
-- param: from timestamp = 'now - 8 days'
-- param: to timestamp = 'now'
SELECT time_bucket('1 day', ts, $timezone) AS day,
       sum(CASE WHEN value = 0 AND seconds < 1000 THEN seconds ELSE 0 END) / 60 AS minutes,
       count(*) FILTER (WHERE value = 0 AND previous = 1) AS stops
FROM (
    SELECT r.ts, r.value, lag(r.value) OVER (ORDER BY r.ts) AS previous,
           (CAST(coalesce(lead(r.ts) OVER (ORDER BY r.ts), $to) AS BIGINT) - CAST(r.ts AS BIGINT)) / 1e6 AS seconds
    FROM readings r
    JOIN streams s ON s.id = r.stream_id
    JOIN devices d ON d.id = s.device_id
    WHERE d.name = 'Plant' AND s.name = 'motor.running' AND r.value IS NOT NULL AND r.ts >= $from AND r.ts < $to
)
GROUP BY 1
ORDER BY 1

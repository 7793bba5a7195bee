-- name: plant-today-and-yesterday
-- description: Demo: hourly means of the last 24 hours beside those of a day and of a week before; any stream of the device Plant
-- param: stream text = 'furnace.power'
-- param: to timestamp = 'now'
SELECT ts,
       avg(value) FILTER (WHERE days = 0) AS today,
       avg(value) FILTER (WHERE days = 1) AS yesterday,
       avg(value) FILTER (WHERE days = 7) AS week_before
FROM (
    SELECT days, value, time_bucket('1 hour', ts + days * INTERVAL '1 day') AS ts
    FROM (
        SELECT r.ts, r.value,
               CASE WHEN r.ts >= $to - INTERVAL '1 day' THEN 0
                    WHEN r.ts >= $to - INTERVAL '2 days' THEN 1
                    WHEN r.ts < $to - INTERVAL '7 days' THEN 7
               END AS days
        FROM readings r
        JOIN streams s ON s.id = r.stream_id
        JOIN devices d ON d.id = s.device_id
        WHERE d.name = 'Plant' AND s.name = $stream AND r.ts < $to AND r.ts >= $to - INTERVAL '8 days'
    )
    WHERE days IS NOT NULL
)
GROUP BY 1
ORDER BY 1

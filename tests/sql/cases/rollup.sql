SELECT stream_id, time_bucket('1 hour', ts) AS hour, count(*) AS n, count(value) AS c, avg(value) AS mean, sum(value) AS total, min(value) AS low, max(value) AS high, round(rms(value), 9) AS rms
FROM readings WHERE ts >= '2026-04-27T12:00:00Z' AND ts <= '2026-04-28T11:45:00Z' GROUP BY stream_id, hour ORDER BY stream_id, hour

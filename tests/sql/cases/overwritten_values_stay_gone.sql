-- 0.25 was overwritten by 100 at 10:01, 1 by 2 in the same request, and a value of yesterday by a bad reading.
SELECT ts, stream_id, value FROM readings
WHERE (ts = '2026-04-28T10:01:00Z' AND value < 50) OR (ts = '2026-04-28T11:00:00Z' AND value = 1)
   OR (ts = '2026-04-27T12:00:00Z' AND value IS NOT NULL)

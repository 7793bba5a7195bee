-- Times may be written in any zone.
SELECT ts, value FROM readings
WHERE stream_id = 1 AND ts BETWEEN '2026-04-28T12:00:00+02:00' AND '2026-04-28T12:02:00+02:00' ORDER BY ts

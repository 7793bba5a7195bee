-- A range is what it says; the late row and the overwritten one are in their places.
SELECT stream_id, ts, value FROM readings
WHERE stream_id = 1 AND ts >= '2026-04-28T10:00:00Z' AND ts < '2026-04-28T10:05:00Z' ORDER BY ts

SELECT * FROM statistics WHERE stream_id = 1 AND ts BETWEEN '2026-04-28T10:00:00Z' AND '2026-04-28T10:03:00Z' ORDER BY stream_id, ts, origin

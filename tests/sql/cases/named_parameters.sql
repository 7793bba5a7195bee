-- params: {"stream": 1, "from": "2026-04-28T10:10:00Z", "least": 2.75}
SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND value >= $least ORDER BY ts LIMIT 2

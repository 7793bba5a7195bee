-- A condition on the value, newest first, with a limit.
SELECT ts, value FROM readings WHERE value BETWEEN 1 AND 2 AND stream_id = 1 ORDER BY ts DESC LIMIT 3

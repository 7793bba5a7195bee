-- No rows are no lines.
SELECT stream_id, value FROM readings WHERE ts > '2100-01-01'

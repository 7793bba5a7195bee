-- Straight from memory, whatever the quality.
SELECT stream_id, ts, value, text, quality FROM latest ORDER BY stream_id

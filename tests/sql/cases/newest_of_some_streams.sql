-- Streams and times are looked up, the rest is filtered.
SELECT l.stream_id, s.name, l.ts, l.value
FROM latest l JOIN streams s ON s.id = l.stream_id
WHERE l.stream_id IN (1, 2, 99) AND l.ts > '2026-04-28T11:30:00Z' AND l.quality <> 'bad'

-- Texts with quotes, letters beyond ASCII, and an empty one.
SELECT ts, text, length(text) AS letters FROM readings WHERE stream_id = 3 ORDER BY ts

-- Rows of each stream by quality: an overwritten row counts once.
SELECT stream_id, quality, count(*) AS rows, count(value) AS numbers, count(text) AS texts
FROM readings GROUP BY stream_id, quality ORDER BY stream_id, quality

-- The newest row of each stream.
SELECT stream_id, ts, value, text, quality FROM (
  SELECT *, row_number() OVER (PARTITION BY stream_id ORDER BY ts DESC) AS place FROM readings
) r WHERE place = 1 ORDER BY stream_id

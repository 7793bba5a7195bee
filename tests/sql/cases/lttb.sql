-- Five points that look like sixty.
SELECT p['ts'] AS ts, p['value'] AS value
FROM (SELECT unnest(lttb(ts, value, 5)) AS p FROM readings WHERE stream_id = 1) ORDER BY ts

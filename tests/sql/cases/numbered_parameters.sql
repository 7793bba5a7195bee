-- params: [2, "good", 11, null]
SELECT ts, value, $4 IS NULL AS nothing FROM readings WHERE stream_id = $1 AND quality = $2 AND value < $3 ORDER BY ts

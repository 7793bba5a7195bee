SELECT stream_id, lttb(ts, value, 3) AS points FROM readings WHERE stream_id < 3 GROUP BY stream_id ORDER BY stream_id

SELECT time_bucket('1 day', ts, 'Asia/Kolkata') AS day, count(*) AS n, avg(value) AS mean FROM readings WHERE stream_id = 2 GROUP BY day ORDER BY day

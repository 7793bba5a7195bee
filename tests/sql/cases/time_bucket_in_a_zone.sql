-- Days as Seoul has them.
SELECT time_bucket('1 day', ts, 'Asia/Seoul') AS day, count(*) AS n, round(rms(value), 9) AS rms
FROM readings WHERE stream_id = 2 GROUP BY day ORDER BY day

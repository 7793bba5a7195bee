SELECT date_trunc('day', ts) AS day, count(*) AS n, max(length(payload)) AS longest FROM messages GROUP BY day ORDER BY day

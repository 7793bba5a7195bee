-- params: [2, 0.5]
SELECT quality, least($1, value::int) AS least, value::int / $2 > 3 AS high, count(*) AS n FROM readings WHERE stream_id = 1
GROUP BY GROUPING SETS ((quality, least($1, value::int)), (value::int / $2 > 3), (least($1, value::int)), ()) ORDER BY 1, 2, 3, 4

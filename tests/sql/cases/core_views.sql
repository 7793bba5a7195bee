-- DataStone's names; bad readings are not in its lists.
SELECT d.name, v.data_id, count(*) AS n, min(v.timestamp) AS first, sum(v.value) AS total
FROM core_value v JOIN core_data s ON s.id = v.data_id JOIN core_device d ON d.id = s.device_id
GROUP BY 1, 2 ORDER BY 1, 2

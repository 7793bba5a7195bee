-- params: {"from": "2026-04-28T09:00:00Z", "to": "2026-04-28T13:00:00Z"}
SELECT time_bucket_gapfill('1 hour', timestamp) AS hour, max(value) AS most
FROM core_value WHERE data_id = 1 AND timestamp >= $from AND timestamp < $to GROUP BY hour ORDER BY hour

-- One row a time: that written by hand first.
SELECT * FROM core_valuestatistics WHERE data_id = 1 AND timestamp BETWEEN '2026-04-28T10:01:00Z' AND '2026-04-28T10:02:00Z' ORDER BY timestamp

-- name: slow-queries
-- description: The queries that ran longest, of those the query log still has
-- param: n bigint = 20
SELECT started_at, principal, surface, run_ms, wait_ms, rows, outcome, text_hash
FROM query_log
ORDER BY run_ms DESC, started_at
LIMIT $n

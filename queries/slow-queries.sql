-- name: slow-queries
-- description: The longest-running queries in the query log
-- param: n bigint = 20
SELECT started_at, principal, surface, run_ms, wait_ms, rows, outcome, text_hash
FROM query_log
ORDER BY run_ms DESC, started_at
LIMIT $n

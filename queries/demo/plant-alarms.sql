-- name: plant-alarms
-- description: Demo: how often each alarm of the plant came in a range of time, the most frequent first, and when it came last
-- param: from timestamp = 'now - 8 days'
-- param: to timestamp = 'now'
SELECT coalesce(rule_name, split_part(message, ':', 1)) AS alarm, count(*) AS times, min(ts) AS first_at, max(ts) AS last_at
FROM events
WHERE level <> 'info' AND ts >= $from AND ts < $to
GROUP BY 1
ORDER BY times DESC, alarm

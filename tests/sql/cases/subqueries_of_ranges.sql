-- Subqueries over different ranges, each of which statistics answer: none has the answer of another.
SELECT (SELECT max(value) FROM readings WHERE stream_id = 1 AND ts >= TIMESTAMP '2026-04-28T10:00:00Z' AND ts < TIMESTAMP '2026-04-28T10:30:00Z') AS first_max,
       (SELECT max(value) FROM readings WHERE stream_id = 1 AND ts >= TIMESTAMP '2026-04-28T10:30:00Z' AND ts < TIMESTAMP '2026-04-28T11:00:00Z') AS second_max,
       (SELECT count(value) FROM readings WHERE stream_id = 1 AND ts >= TIMESTAMP '2026-04-28T10:00:00Z' AND ts < TIMESTAMP '2026-04-28T10:30:00Z') AS first_rows,
       (SELECT count(value) FROM readings WHERE stream_id = 1 AND ts >= TIMESTAMP '2026-04-28T10:30:00Z' AND ts < TIMESTAMP '2026-04-28T11:00:00Z') AS second_rows,
       (SELECT count(value) FROM readings WHERE stream_id = 2 AND ts >= TIMESTAMP '2026-04-28T10:30:00Z' AND ts < TIMESTAMP '2026-04-28T11:00:00Z') AS other_rows

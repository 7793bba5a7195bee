-- Subqueries over one function with different arguments: none has the answer of another.
SELECT (SELECT count(*) FROM generate_series(1, 3)) AS three, (SELECT count(*) FROM generate_series(1, 5)) AS five,
       (SELECT sum(n) FROM generate_series(1, 3) AS t(n)) AS six, (SELECT max(value) FROM generate_series(7, 8)) AS eight

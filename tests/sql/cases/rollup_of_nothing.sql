SELECT count(*) AS n, count(value) AS c, avg(value) AS mean, sum(value) AS total, rms(value) AS rms FROM readings WHERE ts < '2020-01-01'

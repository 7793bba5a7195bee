//! Statements over constants that DataFusion alone answers otherwise than PostgreSQL: the answers are those of PostgreSQL 15.

use crate::support::rows;

/// Statements that name no table, and their answers.
pub const OVER_CONSTANTS: &[(&str, &str)] = &rows![
    "SELECT extract(minute FROM t) / 60 AS a, date_part('year', t) / 10 AS b, extract(month FROM interval '14 months') / 4 AS c, round(7) / 2 AS d, div(7, 2) / 2 AS e, round(7, 0) / 2 AS f FROM (VALUES (timestamp '2024-01-01 00:45')) AS v(t)",
        r#"[{"a":0.75,"b":202.4,"c":0.5,"d":3.5,"e":1.5,"f":3.5}]"#;
    "SELECT count(*) AS n FROM (VALUES (timestamp '2024-05-01'), (timestamp '2023-12-31')) AS v(t) WHERE extract(year FROM t) = 2024 AND extract(year FROM t) > 2023.5 AND date_part('year', t) IN (2024, 2025)",
        r#"[{"n":1}]"#;
    "SELECT (interval '49 days' / 49)::text AS a, (interval '7 months' / 3)::text AS b, (interval '1 year 5 days 3 hours' * 0.7)::text AS c, (interval '1 year' / 7)::text AS d, (interval '-1 month' * 0.999)::text AS e",
        r#"[{"a":"1 day","b":"2 mons 10 days","c":"8 mons 15 days 14:06:00","d":"1 mon 21 days 10:17:08.5344","e":"-29 days -23:16:48"}]"#;
    "SELECT CASE WHEN x > 1 THEN '10' ELSE x END AS a, CASE WHEN x = 1 THEN 'Infinity' ELSE x::float8 END > 5 AS b, CASE WHEN x > 1 THEN '2024-01-01' ELSE date '2023-01-01' END AS c, CASE x WHEN 1 THEN 't' ELSE x > 5 END AS d FROM (VALUES (1), (2), (9)) AS v(x) ORDER BY a DESC, x LIMIT 2",
        r#"[{"a":10,"b":false,"c":"2024-01-01","d":false},{"a":10,"b":true,"c":"2024-01-01","d":true}]"#;
    "SELECT sum(CASE WHEN x > 1 THEN '0.5' ELSE x / 2.0 END) AS a, max(CASE WHEN x > 1 THEN 'b' ELSE CASE WHEN x = 1 THEN 'a' END END) AS b FROM (VALUES (1), (2)) AS v(x)",
        r#"[{"a":1.0,"b":"b"}]"#;
    r"SELECT encode('abcd'::bytea, 'base64') AS a, length(encode(repeat('a', 60)::bytea, 'base64')) AS b, encode(decode(E'YW\nI=', 'base64'), 'hex') AS c, encode(decode('61 62', 'hex'), 'hex') AS d",
        r#"[{"a":"YWJjZA==","b":81,"c":"6162","d":"6162"}]"#;
    "SELECT '-' ~ '[+--]' AS a, ',' ~ '[+--]' AS b, '.' ~ '[--/]' AS c, 'b' ~ '[^-a-]' AS d, '-' ~ '[^-a-]' AS e, '-' ~ '[a-]' AS f",
        r#"[{"a":true,"b":true,"c":true,"d":true,"e":false,"f":true}]"#;
    "SELECT date_trunc('milliseconds', timestamp '1960-01-01 00:00:00.001999') AS a, timestamp '1999-12-31 23:59:58.5'::timestamp(0) AS b, timestamp '2020-12-31 23:59:58.5'::timestamp(0) AS c",
        r#"[{"a":"1960-01-01T00:00:00.001","b":"1999-12-31T23:59:58","c":"2020-12-31T23:59:59"}]"#;
    "SELECT count(*) FILTER (WHERE (x, y) IS NULL) AS a, count(*) FILTER (WHERE ROW(x, y) IS NOT NULL) AS b, count(*) FILTER (WHERE NOT (x, y) IS NULL) AS c, count(*) FILTER (WHERE ROW(NULL, ROW(NULL, NULL)) IS NULL) AS d FROM (VALUES (NULL::int, NULL::text), (1, NULL), (2, 'b')) AS v(x, y)",
        r#"[{"a":1,"b":1,"c":2,"d":0}]"#;
    "SELECT x = ANY(a) AS e, x <> ALL(a) AS n FROM (VALUES (1, ARRAY[1::bigint, NULL]), (2, ARRAY[1, NULL]), (3, ARRAY[1, 2])) AS v(x, a) ORDER BY x",
        r#"[{"e":true,"n":false},{},{"e":false,"n":true}]"#;
    "SELECT cardinality('{}'::int[]) AS c, 2 = ANY('{}') AS a, 2 <> ALL('{}'::int[]) AS b, NULL::int = ANY('{}'::int[]) AS d, 0.0::float8 = ANY(array_append(ARRAY[x], 1.0::float8)) AS e, (interval '1 day 2 hours')::text AS i FROM (VALUES (-0.0::float8)) AS v(x)",
        r#"[{"a":false,"b":true,"c":0,"d":false,"e":true,"i":"1 day 02:00:00"}]"#;
    "SELECT 'abcdef'::varchar(3) AS a, CAST(12345 AS char(2)) AS b, 'äöü'::character varying(2) AS c, 'abc'::varchar AS d, 'abc'::char AS e, x::varchar(2) AS f FROM (VALUES (NULL::text)) v(x)",
        r#"[{"a":"abc","b":"12","c":"äö","d":"abc","e":"a"}]"#;
    "SELECT count(*) FILTER (WHERE x IN (0, 1, 2, 3, 4)) AS a, count(*) FILTER (WHERE x NOT IN (0, 1, 2, 3, 4)) AS b, count(*) FILTER (WHERE x = ANY('{0,7,8,9,10}')) AS c, count(*) FILTER (WHERE x <> ALL(ARRAY[0.0, 7, 8, 9])) AS d, count(*) FILTER (WHERE x IN (-0.0::float8, 7, 8, 9, 10)) AS e, count(*) FILTER (WHERE (x, y) = (0, 1)) AS f FROM (VALUES (0.0::float8, 1), (-0.0::float8, 1), (5.0, 1)) AS v(x, y)",
        r#"[{"a":2,"b":1,"c":2,"d":1,"e":2,"f":2}]"#;
    "SELECT (1, NULL) = (1, 2) AS a, (1, NULL) < (2, 1) AS b, (1, 2) NOT IN ((1, NULL)) AS c, (1, 2) NOT IN ((3, NULL)) AS d, 1 <> ALL(ARRAY[2, NULL]) AS e, 1 = ANY(ARRAY[2, NULL]) AS f, 3 > ALL(ARRAY[1, NULL]) AS g, ROW(1, 'a') >= ROW(1, 'a') AS h",
        r#"[{"b":true,"d":true,"h":true}]"#;
    "SELECT count(*) FILTER (WHERE (x, y) < (2, 3)) AS a, count(*) FILTER (WHERE (x, y) IN ((2, 2), (2, NULL))) AS b, count(*) FILTER (WHERE (x, y) NOT IN ((2, 2), (2, NULL))) AS c FROM (VALUES (1, 3.0), (2, NULL), (2, 2.0), (2, 3.0)) AS v(x, y)",
        r#"[{"a":2,"b":1,"c":1}]"#;
    "SELECT date_trunc('hour', t, 'Europe/Berlin') AS h, date_trunc('day', t, 'Europe/Berlin') AS d, date_trunc('HOUR', t - interval '204 days 9 hours 15 minutes', 'Australia/Lord_Howe') AS l FROM (VALUES (timestamptz '2024-10-27 00:30Z'), (timestamptz '2024-10-27 01:30Z')) AS v(t) ORDER BY 1",
        r#"[{"d":"2024-10-26T22:00:00Z","h":"2024-10-27T00:00:00Z","l":"2024-04-05T15:00:00Z"},{"d":"2024-10-26T22:00:00Z","h":"2024-10-27T01:00:00Z","l":"2024-04-05T16:00:00Z"}]"#;
    r"SELECT -2 ^ 2 AS a, -2 ^ -2 AS b, encode('\x00ff'::bytea, 'hex') AS c, encode('a\\b\001'::bytea, 'hex') AS d, encode(bytea '\xFF', 'hex') AS e, encode('abc'::bytea, 'hex') AS f",
        r#"[{"a":4.0,"b":0.25,"c":"00ff","d":"615c6201","e":"ff","f":"616263"}]"#;
    "SELECT '2024-10-27 02:30'::timestamp AT TIME ZONE 'Europe/Berlin' AS twice, '2024-03-31 02:30'::timestamp AT TIME ZONE 'Europe/Berlin' AS skipped",
        r#"[{"skipped":"2024-03-31T01:30:00Z","twice":"2024-10-27T01:30:00Z"}]"#;
    "SELECT count(DISTINCT x) AS n, count(nullif(x, 0.0)) AS m, sum(CASE x WHEN 0.0 THEN 1 ELSE 5 END) AS c FROM (VALUES (0.0::float8), (-0.0::float8)) AS v(x)",
        r#"[{"c":2,"m":0,"n":1}]"#;
    "SELECT 2 * interval '90 minutes' = interval '3 hours' AS a, interval '1 month' * 0.5 = interval '15 days' AS b, interval '1 day' / 4 = interval '6 hours' AS c, timestamp '2024-03-30' + 1.5 * interval '1 day' = timestamp '2024-03-31 12:00:00' AS d",
        r#"[{"a":true,"b":true,"c":true,"d":true}]"#;
    "SELECT mod(-7, 3) AS m, sign(-2.5) AS s, 2 = ANY('{1,2}') AS a, 3 = ANY('{1,2}') AS b, date_trunc('day', timestamptz '2024-03-30 23:30:00Z', 'Europe/Berlin') = timestamptz '2024-03-30 23:00:00Z' AS d, 12345678901234567890.123::numeric = '12345678901234567890.123'::numeric(30, 3) AS n",
        r#"[{"a":true,"b":false,"d":true,"m":-1,"n":true,"s":-1.0}]"#;
    "SELECT n, rank() OVER (ORDER BY t) AS r, sum(n) OVER (ORDER BY t) AS s FROM (VALUES (1, time '10:00:00'), (2, time '09:00:00'), (3, time '10:00:00')) AS v(n, t) ORDER BY n",
        r#"[{"n":1,"r":2,"s":6},{"n":2,"r":1,"s":2},{"n":3,"r":2,"s":6}]"#;
    "SELECT n, rank() OVER (ORDER BY d) AS r FROM (VALUES (1, interval '1 day'), (2, interval '25 hours'), (3, interval '24 hours')) AS v(n, d) ORDER BY n",
        r#"[{"n":1,"r":1},{"n":2,"r":3},{"n":3,"r":1}]"#;
    "SELECT interval '00:30:00' = interval '30 minutes' AS a, '1 day -02:30'::interval = interval '21 hours 30 minutes' AS b, interval 'P1DT1H' = interval '25 hours' AS c",
        r#"[{"a":true,"b":true,"c":true}]"#;
    "SELECT interval '25 hours' > interval '1 day' AS a, interval '1 month' = interval '30 days' AS b, interval '-1 hour' < interval '0 s' AS c, timestamptz '2024-04-01 10:00Z' - timestamptz '2024-03-31 09:00Z' > interval '1 day' AS d, interval '1 day' < timestamp '2024-04-01' - timestamp '2024-03-30' AS e",
        r#"[{"a":true,"b":true,"c":true,"d":true,"e":true}]"#;
    "SELECT n FROM (VALUES (1, interval '1 day'), (2, interval '25 hours'), (3, interval '3 hours')) AS v(n, d) ORDER BY d DESC",
        r#"[{"n":2},{"n":1},{"n":3}]"#;
    "SELECT extract(epoch FROM max(d)) AS s FROM (VALUES (interval '1 day'), (interval '25 hours')) AS v(d)",
        r#"[{"s":90000.0}]"#;
    "SELECT extract(epoch FROM timestamp '2024-01-01 00:00:59.999' - timestamp '2024-01-01') AS e, extract(second FROM timestamp '2024-01-01 00:00:09.75') AS s, date_part('milliseconds', timestamp '2024-01-01 00:00:09.75') AS m, extract(hour FROM timestamp '2024-01-01 13:00:09.75') AS h",
        r#"[{"e":59.999,"h":13.0,"m":9750.0,"s":9.75}]"#;
    r"SELECT x FROM (VALUES ('C:\dir'), ('C:dir')) AS v(x) WHERE x ~ 'C:\\dir'", r#"[{"x":"C:\\dir"}]"#;
    "SELECT x FROM (VALUES ('tag1'), ('a.c'), ('abc'), ('xtag')) AS v(x) WHERE x SIMILAR TO '(a.c|tag%)' ORDER BY 1",
        r#"[{"x":"a.c"},{"x":"tag1"}]"#;
    "SELECT to_char(time '15:04:09', 'HH12:MI pm') AS t, to_char(interval '1 day 30 hours -5 minutes', 'DD HH24:MI') AS i, to_char(timestamp '2024-03-02 01:00' - timestamp '2024-03-01 23:30', 'HH24:MI') AS d, to_char(NULL::interval, 'MI') AS n",
        r#"[{"d":"01:30","i":"01 29:55","t":"03:04 pm"}]"#;
    "SELECT to_char(timestamp '2024-03-05 15:04:09.075003', 'YYYY-MM-DD HH24:MI:SS.MS FMDay Mon IYYY-IW') AS t",
        r#"[{"t":"2024-03-05 15:04:09.075 Tuesday Mar 2024-10"}]"#;
    "SELECT timestamptz '2024-03-30 18:00:00Z' AT TIME ZONE 'Europe/Berlin' AS t, timestamp '2024-03-30 18:00:00' AT TIME ZONE 'Europe/Berlin' AS u",
        r#"[{"t":"2024-03-30T19:00:00","u":"2024-03-30T17:00:00Z"}]"#;
    "SELECT 1.5::int AS a, 2.5::int AS b, (-2.5)::int AS c, '2.5'::numeric::int AS d, timestamp '2024-01-01 00:00:09.75'::timestamp(0) AS t",
        r#"[{"a":2,"b":3,"c":-3,"d":3,"t":"2024-01-01T00:00:10"}]"#;
    "SELECT true IS DISTINCT FROM true OR true AS x", r#"[{"x":true}]"#;
    "SELECT '2024-03-31'::date + interval '1 hour' AS a, '2024-03-31'::date - interval '1 month' AS b, timestamp '2024-03-31 10:00' + '90 minutes' AS c",
        r#"[{"a":"2024-03-31T01:00:00","b":"2024-02-29T00:00:00","c":"2024-03-31T11:30:00"}]"#;
    "SELECT count(*) AS n FROM generate_series('2024-03-30 12:00'::timestamptz, '2024-03-30 14:00'::timestamptz, '30 minutes') AS n WHERE n > '2024-03-30 12:15Z'",
        r#"[{"n":4}]"#;
    "SELECT 2.0::float8::text AS a, timestamptz '2024-03-31 10:00:00.5Z'::text AS b, ('1 day'::interval - '90 minutes'::interval)::text AS c, 'x' || 1e20::float8 AS d, (timestamp '2024-03-31' - timestamp '2024-03-30 12:00')::text AS e, concat(0.5::float8, 1) AS f",
        r#"[{"a":"2","b":"2024-03-31 10:00:00.5+00","c":"1 day -01:30:00","d":"x1e+20","e":"12:00:00","f":"0.51"}]"#;
    "SELECT EXISTS (SELECT 1 FROM (VALUES (1)) v(x) WHERE x > 1) AS a, NOT EXISTS (SELECT 1 FROM (VALUES (1)) v(x) WHERE x > 1) AS b",
        r#"[{"a":false,"b":true}]"#;
    "SELECT lpad('7', 3, '0') AS a, rpad('ab', 4) AS b, repeat('ab', 2) AS c, div(-9007199254740993, 1) AS d, date(timestamp '2024-03-31 10:00') AS e, to_timestamp('31.03.2024 10:05', 'DD.MM.YYYY HH24:MI') AS f, to_date('2024-03-31', 'YYYY-MM-DD') AS g",
        r#"[{"a":"007","b":"ab  ","c":"abab","d":-9007199254740993,"e":"2024-03-31","f":"2024-03-31T10:05:00Z","g":"2024-03-31"}]"#;
    "SELECT (timestamp '2024-03-31' - timestamp '2024-03-30') / 2 = '12 hours' AS a, localtimestamp::timestamptz <= now() AS b, every(x > 0) AS c, variance(x) AS d, 1 = ANY('{1,3}'::int[]) AS e FROM (VALUES (1.0), (4.0)) v(x)",
        r#"[{"a":true,"b":true,"c":true,"d":4.5,"e":true}]"#;
    "SELECT x FROM (VALUES (1), (2), (3)) v(x) ORDER BY x DESC OFFSET 1 ROWS FETCH NEXT ROW ONLY", r#"[{"x":2}]"#;
    "SELECT width_bucket(5.35, 0.024, 10.06, 5) AS b, make_timestamp(2024, 2, 29, 8, 15, 23.5) AS t, extract(day FROM age('2024-03-31', '2024-02-29'::timestamp)) AS d",
        r#"[{"b":3,"d":2.0,"t":"2024-02-29T08:15:23.500"}]"#;
    "SELECT sum(x) AS s, sum(x) OVER () - 1 AS w FROM (VALUES (4611686018427387903), (4611686018427387903)) AS v(x) GROUP BY x",
        r#"[{"s":9223372036854775806,"w":4611686018427387902}]"#;
    "SELECT g, min(x)::text AS a, max(x)::text AS b FROM (VALUES (1, 'NaN'::float8), (1, 1), (2, '-Infinity'), (3, 'Infinity'), (4, 'NaN')) AS v(g, x) GROUP BY g ORDER BY g",
        r#"[{"a":"1","b":"NaN","g":1},{"a":"-Infinity","b":"-Infinity","g":2},{"a":"Infinity","b":"Infinity","g":3},{"a":"NaN","b":"NaN","g":4}]"#;
    "SELECT g, max(x)::text AS a, min(x)::text AS b FROM (VALUES (1, '-Infinity'::real), (2, 'NaN'::real), (2, 1)) AS v(g, x) GROUP BY g ORDER BY g",
        r#"[{"a":"-Infinity","b":"-Infinity","g":1},{"a":"NaN","b":"1","g":2}]"#;
    "SELECT g FROM (VALUES (1, 'Infinity'::float8), (1, '-Infinity'), (2, 1)) AS v(g, x) GROUP BY g HAVING sum(x) > 0 ORDER BY sum(x)",
        r#"[{"g":2},{"g":1}]"#;
    "SELECT abs(x) * 0 > 5 AS a, coalesce(x, 0) - coalesce(x, 0) > 5 AS b, x BETWEEN '-Infinity' AND 0 AS c FROM (VALUES ('-Infinity'::float8)) AS v(x) WHERE EXISTS (SELECT 1 FROM (VALUES (1)) AS w(y) WHERE v.x - v.x > w.y)",
        r#"[{"a":true,"b":true,"c":true}]"#;
    "WITH RECURSIVE r(n, x) AS (SELECT 1, 'Infinity'::float8 UNION ALL SELECT n + 1, x - x FROM r WHERE n < 2) SELECT x > 5 AS a FROM r WHERE n = 2",
        r#"[{"a":true}]"#;
    "SELECT x - x > 5 AS a, x - x = y AS b, -y < 1 AS c, greatest(x * 0, 1)::text AS d FROM (VALUES ('Infinity'::float8, 'NaN'::float8)) AS v(x, y)",
        r#"[{"a":true,"b":true,"c":false,"d":"NaN"}]"#;
    "SELECT count(*) AS n FROM (VALUES (true, true), (false, false), (null, true)) AS v(a, b) WHERE a IS DISTINCT FROM true OR b = true",
        r#"[{"n":3}]"#;
    "SELECT make_interval(1, 2, 3, 4, 5, 6, 7.5)::text AS a, make_interval(days => 3, secs => 1.5)::text AS b, make_interval()::text AS c, make_interval(2, months => 1)::text AS d, make_interval(hours => NULL)::text AS e, make_interval(days => '3')::text AS f",
        r#"[{"a":"1 year 2 mons 25 days 05:06:07.5","b":"3 days 00:00:01.5","c":"00:00:00","d":"2 years 1 mon","f":"3 days"}]"#;
    "SELECT justify_hours('50 hours')::text AS a, justify_days(interval '65 days')::text AS b, justify_interval(interval '1 mon -1 hour')::text AS c, justify_hours(timestamp '2024-03-31' - timestamp '2024-03-29 12:00')::text AS d",
        r#"[{"a":"2 days 02:00:00","b":"2 mons 5 days","c":"29 days 23:00:00","d":"1 day 12:00:00"}]"#;
    "SELECT extract(decade FROM d) AS a, date_part('century', d) AS b, extract(millennium FROM d) AS c, extract(isoyear FROM d) AS d, extract(julian FROM d) AS e, extract(century FROM interval '-250 years') AS f FROM (VALUES (timestamp '2000-12-31 18:00')) v(d)",
        r#"[{"a":200.0,"b":20.0,"c":2.0,"d":2000.0,"e":2451910.75,"f":-2.0}]"#;
    "SELECT date_trunc('decade', d) AS a, date_trunc('century', d) AS b, date_trunc('millennium', d) AS c, date_trunc('hours', d) AS d, date_trunc('century', timestamptz '2000-12-31 23:30Z', 'Europe/Berlin') AS e FROM (VALUES (timestamp '2000-12-31 18:30')) v(d)",
        r#"[{"a":"2000-01-01T00:00:00","b":"1901-01-01T00:00:00","c":"1001-01-01T00:00:00","d":"2000-12-31T18:00:00","e":"2000-12-31T23:00:00Z"}]"#;
    "SELECT date_trunc('month', '2024-03-31'::date) AS a, date_trunc('hour', interval '1 day 02:03:04')::text AS b, date_trunc('decade', interval '25 years 3 mons')::text AS c",
        r#"[{"a":"2024-03-01T00:00:00Z","b":"1 day 02:00:00","c":"20 years"}]"#;
    "SELECT to_char(1234.567, 'FM9,999.00') AS a, to_char(-0.1, '99.99') AS b, to_char(485, '999MI') AS c, to_char(-12, '999PR') AS d, to_char(12345, '999') AS e, to_char(0.125, 'FM0.00') AS f, to_char(0.125::float8, 'FM0.00') AS g, to_char(12345.678, '9.99EEEE') AS h, to_char(12.50::numeric, '99.9 %') AS i, to_char(NULL::int, '99') AS j",
        r#"[{"a":"1,234.57","b":"  -.10","c":"485 ","d":" <12>","e":" ###","f":"0.13","g":"0.12","h":" 1.23e+04","i":" 12.5 %"}]"#;
    "SELECT to_number('12,454.8-', '99G999D9S') = -12454.8 AS a, to_number('$1,500', '\"$\"9,999')::int AS b, to_number('12.4', '99.99') * 10 = 124 AS c, to_number(x, '999')::int AS d FROM (VALUES ('42 kg')) v(x)",
        r#"[{"a":true,"b":1500,"c":true,"d":42}]"#;
    r#"SELECT format('%s %I %L %%|%5s|%-4s|', 1.5::float8, 'Abc', 'it''s', true, '2024-03-31'::date) AS a, format('%2$s %1$s %s', 'a', 'b') AS b, format('%L%s', NULL, NULL) AS c, format('%*s', 4, x) AS d, format(NULL, 1) AS e FROM (VALUES ('y')) v(x)"#,
        r#"[{"a":"1.5 \"Abc\" 'it''s' %|    t|2024-03-31|","b":"b a b","c":"NULL","d":"   y"}]"#;
    "SELECT a[-1] AS x, a[0] AS y, a[2] AS z, a[n] AS u, a[-1:2] AS v, a[-2:-1] AS w, (SELECT (array_agg(i))[-1] FROM (VALUES (1)) s(i)) AS q FROM (VALUES (array[1, 2, 3], -1)) t(a, n)",
        r#"[{"v":[1,2],"w":[],"z":2}]"#;
    "SELECT x FROM (VALUES (1, 1), (2, 2), (3, NULL)) AS v(x, y) WHERE (x, y) NOT IN (SELECT 2, 1 + 1) OR x > 2 AND NOT (x, y) IN (SELECT 3, 4) ORDER BY x",
        r#"[{"x":1},{"x":3}]"#;
    "SELECT 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid AS a, uuid '{a0eebc999c0b4ef8bb6d6bb9bd380a11}' = x::uuid AS b, x::uuid = ANY('{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'::uuid[]) AS c, NULL::uuid IS NULL AS d FROM (VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')) AS v(x)",
        r#"[{"a":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","b":true,"c":true,"d":true}]"#;
    "SELECT timestamptz '2024-03-31 10:00' = '2024-03-31 12:00+02'::timestamptz AS a, '2024-03-31 10:00:00+02'::timestamp AS b, '2024-03-31 00:30:00+02'::date AS c, '2024-03-31 10:00:00.1234567'::timestamp AS d, 'epoch'::timestamptz AS e, 'today'::date = now()::date AS f, 'tomorrow'::timestamptz - 'yesterday'::timestamptz = interval '2 days' AS g, '2024-03-31 10:00 Europe/Berlin'::timestamptz AS h, TIMESTAMPTZ '2026-01-01Z' AS i, timestamp '2026-01-01Z' AS j",
        r#"[{"a":true,"b":"2024-03-31T10:00:00","c":"2024-03-31","d":"2024-03-31T10:00:00.123457","e":"1970-01-01T00:00:00Z","f":true,"g":true,"h":"2024-03-31T08:00:00Z","i":"2026-01-01T00:00:00Z","j":"2026-01-01T00:00:00"}]"#;
    "SELECT (x)::int AS x, count(*) AS n FROM (VALUES (1.0), (1.4)) AS v(x) GROUP BY GROUPING SETS (((x)::int), (x)::int, ()) ORDER BY 1 NULLS FIRST",
        r#"[{"n":2},{"n":2,"x":1},{"n":2,"x":1}]"#;
    "SELECT k, x, count(*) AS n, row_number() OVER (ORDER BY k NULLS FIRST, x NULLS FIRST) AS r FROM (SELECT 'k' AS k, x FROM (VALUES (1), (2)) AS v(x)) AS q GROUP BY GROUPING SETS ((k), (x), ()) ORDER BY 1 NULLS FIRST, 2 NULLS FIRST",
        r#"[{"n":2,"r":1},{"n":1,"r":2,"x":1},{"n":1,"r":3,"x":2},{"k":"k","n":2,"r":4}]"#;
    "SELECT a, b, count(*) AS n FROM (VALUES (1, 1), (2, 2)) AS v(a, b) WHERE a = b GROUP BY CUBE (a, b) ORDER BY 1 NULLS FIRST, 2 NULLS FIRST",
        r#"[{"n":2},{"b":1,"n":1},{"b":2,"n":1},{"a":1,"n":1},{"a":1,"b":1,"n":1},{"a":2,"n":1},{"a":2,"b":2,"n":1}]"#;
    "SELECT b.c, a.x, row_number() OVER (ORDER BY b.c NULLS FIRST, a.x DESC) AS r FROM (SELECT y, 'k' AS c FROM (VALUES (2)) AS w(y)) AS b RIGHT JOIN (VALUES (1), (2), (3)) AS a(x) ON b.y = a.x ORDER BY r",
        r#"[{"r":1,"x":3},{"r":2,"x":1},{"c":"k","r":3,"x":2}]"#;
    "SELECT a.x, b.c, b.d FROM (VALUES (1), (2), (3)) AS a(x) LEFT JOIN (SELECT y, 'k' AS c, 'k' || y AS d FROM (VALUES (2)) AS w(y)) AS b ON b.y = a.x ORDER BY b.c NULLS FIRST, a.x DESC",
        r#"[{"x":3},{"x":1},{"c":"k","d":"k2","x":2}]"#;
    "SELECT b.c, a.c AS e, a.x FROM (SELECT x, 1 AS c FROM (VALUES (1), (2)) AS v(x)) AS a FULL JOIN (SELECT x, 2 AS c FROM (VALUES (2), (3)) AS w(x)) AS b ON a.x = b.x ORDER BY a.c NULLS FIRST, b.c NULLS FIRST",
        r#"[{"c":2},{"e":1,"x":1},{"c":2,"e":1,"x":2}]"#;
    "SELECT DISTINCT ON (b.c) b.c, a.x FROM (VALUES (1), (2), (3)) AS a(x) LEFT JOIN (SELECT y, 'k' AS c FROM (VALUES (2)) AS w(y)) AS b ON b.y = a.x ORDER BY b.c NULLS FIRST, a.x DESC",
        r#"[{"x":3},{"c":"k","x":2}]"#;
    "SELECT array_agg(x ORDER BY x DESC) AS a, array_agg(DISTINCT x ORDER BY x) AS b FROM (VALUES (1), (2), (3)) AS v(x)",
        r#"[{"a":[3,2,1],"b":[1,2,3]}]"#;
    "SELECT string_agg(x, ',' ORDER BY x DESC) AS a, string_agg(DISTINCT x, ',' ORDER BY x) AS b FROM (VALUES ('a'), ('b'), ('c')) AS v(x)",
        r#"[{"a":"c,b,a","b":"a,b,c"}]"#;
    "SELECT row_number() OVER (ORDER BY y DESC) AS r, array_agg(x) OVER (ORDER BY y) AS a, string_agg(x::text, ',') OVER (ORDER BY y ROWS UNBOUNDED PRECEDING) AS b FROM (VALUES (1, 5), (2, 1), (3, 3)) AS v(x, y) ORDER BY 1",
        r#"[{"a":[2,3,1],"b":"2,3,1","r":1},{"a":[2,3],"b":"2,3","r":2},{"a":[2],"b":"2","r":3}]"#;
    "SELECT array_agg(n ORDER BY x, n) AS a, array_agg(DISTINCT x ORDER BY x) AS b FROM (VALUES (1, 0.0::float8), (2, '-0'::float8), (3, 0.0)) AS v(n, x)",
        r#"[{"a":[1,2,3],"b":[0.0]}]"#;
    "SELECT DISTINCT ON (k) k, n FROM (VALUES (1, 1, 0.0::float8), (1, 2, '-0'::float8)) AS v(k, n, x) ORDER BY k, x, n",
        r#"[{"k":1,"n":1}]"#;
    "SELECT DISTINCT ON (x) n FROM (VALUES (1, 0.0::float8), (2, '-0'::float8), (3, 1.0)) AS v(n, x) ORDER BY x, n",
        r#"[{"n":1},{"n":3}]"#;
    "SELECT n, (sum(x) OVER w)::text AS s, (avg(x) OVER w)::text AS a, (stddev(x) OVER w)::text AS d, (sum(y) OVER w)::text AS y FROM (VALUES (1, 'Infinity'::float8, 1e20::float8), (2, 1, 1), (3, 1, 1), (4, 'NaN', 1), (5, 3, NULL), (6, 1, 2)) AS v(n, x, y) WINDOW w AS (ORDER BY n ROWS 1 PRECEDING) ORDER BY n",
        r#"[{"a":"Infinity","n":1,"s":"Infinity","y":"1e+20"},{"a":"Infinity","d":"NaN","n":2,"s":"Infinity","y":"1e+20"},{"a":"1","d":"0","n":3,"s":"2","y":"2"},{"a":"NaN","d":"NaN","n":4,"s":"NaN","y":"2"},{"a":"NaN","d":"NaN","n":5,"s":"NaN","y":"1"},{"a":"2","d":"1.4142135623730951","n":6,"s":"4","y":"2"}]"#;
    "SELECT count(*) AS n, min(s - (x * 300 - 44850)) AS low, max(s - (x * 300 - 44850)) AS high FROM (SELECT x, sum(x::float8) OVER (ORDER BY x ROWS 299 PRECEDING) AS s FROM generate_series(1, 2000) AS g(x)) AS q WHERE x >= 300",
        r#"[{"high":0.0,"low":0.0,"n":1701}]"#;
    "SELECT sum(s) AS s, sum(c) AS c FROM (SELECT sum(x::float8) OVER (ORDER BY x ROWS BETWEEN 200 PRECEDING AND 250 FOLLOWING) AS s, sum(1.0::float8) OVER (ORDER BY x RANGE BETWEEN 700 PRECEDING AND 500 PRECEDING) AS c FROM generate_series(1, 2000) AS g(x)) AS q",
        r#"[{"c":281400.0,"s":860948800.0}]"#;
    "SELECT (-interval '1 day 2 hours')::text AS a, (-interval '-1 day 2 hours')::text AS b, (timestamp '2024-03-31 10:00' + (-interval '1 hour 30 minutes'))::text AS c, (- interval '1 mon 02:03:04')::text AS d",
        r#"[{"a":"-1 days -02:00:00","b":"1 day -02:00:00","c":"2024-03-31 08:30:00","d":"-1 mons -02:03:04"}]"#;
    "SELECT 123456789.125::float8::numeric = 123456789.125::numeric AS a, x::numeric(10,2) = 1.01::numeric AS b, x::numeric = 1.005::numeric AS c, 1e17::float8::numeric = 100000000000000000 AS d, x::real::numeric = 1.005::numeric AS e, round(y::numeric, 4)::text = '123456.7001' AS f FROM (VALUES (1.005::float8, 123456.70005::float8)) AS v(x, y)",
        r#"[{"a":true,"b":true,"c":true,"d":true,"e":true,"f":true}]"#;
    "SELECT count(*) AS n, min(round(x, 1 + 1)) > 2 AS a, max(nullif(round(x, 1), 2.6::numeric)) IS NULL AS b, min(least(round(x, 1), x)) < 2.6 AS c FROM (VALUES (2.56::numeric)) AS v(x) JOIN (VALUES (2.6::numeric)) AS w(y) ON round(x, 1) = y WHERE y IN (SELECT round(z, 1) FROM (VALUES (2.57::numeric)) AS u(z)) AND round(x, 1) > 2", r#"[{"a":true,"b":true,"c":true,"n":1}]"#;
    "SELECT 16777217::float = 16777217 AS a, (ARRAY[0.1]::float[])[1] = 0.1::float8 AS b, float '123456789.125' = 123456789.125 AS c, x ISNULL AS d, 1 / 30000::numeric > 0 AS e, 1.5::numeric * -x % (2 - 1) = 0.5 AS f, E'a' ISNULL AS g, 5000000000 / (1.5::numeric * 1.5::numeric) > 2222222222 AS h, @ x - 1 AS i, |/ 25 + 11 AS j, round(||/ 27) = 3 AS k, ~ x + 6 AS l FROM (VALUES (-1)) AS v(x)", r#"[{"a":true,"b":true,"c":true,"d":false,"e":true,"f":true,"g":false,"h":true,"i":2,"j":6.0,"k":true,"l":-6}]"#;
    "SELECT x, sum(x) OVER (w) AS a, sum(x) OVER (v ROWS 1 PRECEDING) AS b FROM (VALUES (1, 'a'), (2, 'b'), (3, 'a')) AS t(x, k) WINDOW w AS (PARTITION BY k), v AS (w ORDER BY x) ORDER BY rank() OVER v, x", r#"[{"a":4,"b":1,"x":1},{"a":2,"b":2,"x":2},{"a":4,"b":4,"x":3}]"#;
    "SELECT k, count(*) AS n FROM (VALUES ('a'), ('b'), ('a')) AS t(k) GROUP BY ROLLUP (1) ORDER BY 1", r#"[{"k":"a","n":2},{"k":"b","n":1},{"n":3}]"#;
    "SELECT generate_series(timestamp '2024-03-31 10:00', '2024-03-31 11:00'::timestamp, '1 hour')::time AS t", r#"[{"t":"10:00:00"},{"t":"11:00:00"}]"#;
    "SELECT to_timestamp(1711843200.25)::text AS a, to_timestamp(x) = timestamptz '2024-03-31 00:00:00.123457Z' AS b, to_timestamp(10000000000)::text AS c, to_timestamp('1711843200.25')::text AS d FROM (VALUES (1711843200.123457::float8)) AS v(x)",
        r#"[{"a":"2024-03-31 00:00:00.25+00","b":true,"c":"2286-11-20 17:46:40+00","d":"2024-03-31 00:00:00.25+00"}]"#;
    r"SELECT E'a\nb' ~ 'a.b' AS a, 'äpfel' ~ '^[[:alpha:]]+$' AS b, x ~ y AS c, 'foo bar' ~ '\mbar\M' AS d, 'ab' ~ '\bab' AS e, 'a[b' ~ 'a[[]b' AS f, E'a\nb' ~* 'A.B' AS g FROM (VALUES (E'x\ny', 'x.y')) AS v(x, y)",
        r#"[{"a":true,"b":true,"c":true,"d":true,"e":false,"f":true,"g":true}]"#;
    r"SELECT regexp_replace('abc', 'b', '[\&]') AS a, regexp_replace('abc', 'b', '\\') AS b, regexp_replace('abc', '(b)', '${1}\1') AS c, regexp_replace('aXb', x, y) AS d, regexp_replace(E'a\nb', 'a.', '') AS e FROM (VALUES ('.X', '\&\&')) AS v(x, y)",
        r#"[{"a":"a[b]c","b":"a\\c","c":"a${1}bc","d":"aXaXb","e":"b"}]"#;
    "SELECT regexp_match('abc', '(x)?b') AS a, regexp_match(x, '(a)(x)?(b)') AS b, regexp_match(x, 'C', 'i') AS c, regexp_match(x, 'q') AS d FROM (VALUES ('abc')) AS v(x)",
        r#"[{"a":[null],"b":["a",null,"b"],"c":["c"]}]"#;
    "SELECT concat(true, 1.5::float8, interval '1 day', NULL) AS a, concat_ws('-', false, x, date '2024-03-31') AS b, concat_ws(NULL, 1) AS c FROM (VALUES (true)) AS v(x)",
        r#"[{"a":"t1.51 day","b":"f-t-2024-03-31"}]"#;
    "SELECT array_remove(ARRAY[1, 2, 1], 1) AS a, array_replace(ARRAY[1, 2, 1], 1, 5) AS b, array_length(array_remove(ARRAY[1], 1), 1) AS c, array_length(ARRAY[1, 2], 1) AS d",
        r#"[{"a":[2],"b":[5,2,5],"d":2}]"#;
    "SELECT x, lag(x, NULL) OVER (ORDER BY x) AS a, lead(x, 1) OVER (ORDER BY x) AS b FROM (VALUES (1), (2)) AS v(x) ORDER BY x",
        r#"[{"b":2,"x":1},{"x":2}]"#;
    r"SELECT x LIKE 'a!%%' ESCAPE '!' AS a, 'a%' LIKE 'a%%' ESCAPE '%' AS b, 'a\c' LIKE 'a\c' ESCAPE '' AS c, x NOT ILIKE 'A!_' ESCAPE '!' AS d FROM (VALUES ('a%b')) AS v(x)",
        r#"[{"a":true,"b":true,"c":true,"d":true}]"#;
    "SELECT x BETWEEN SYMMETRIC 3 AND 1 AS a, x NOT BETWEEN SYMMETRIC 3 AND 1 AS b, x BETWEEN SYMMETRIC NULL AND 1 AS c, ceiling(1.2::float8) AS d, isfinite(now()) AS e, isfinite(NULL::timestamp) AS f, make_timestamptz(2024, 3, 31, 10, 0, 0.5, 'Europe/Berlin')::text AS g FROM (VALUES (2)) AS v(x)",
        r#"[{"a":true,"b":false,"d":2.0,"e":true,"g":"2024-03-31 08:00:00.5+00"}]"#;
    "SELECT 'a'\n'b' AS x, E'c' -- and\n  'd' AS y", r#"[{"x":"ab","y":"cd"}]"#;
    "SELECT a.x, q.y, (SELECT max(y) FROM (VALUES (1, 5), (1, 6), (2, 7)) AS b(k, y) WHERE k = a.x HAVING count(*) < 2) AS m FROM (VALUES (1), (2), (3)) AS a(x) CROSS JOIN LATERAL (SELECT c.y FROM (VALUES (1, 5), (1, 6), (2, 7)) AS c(k, y) WHERE c.k = a.x ORDER BY c.y DESC LIMIT 1) AS q ORDER BY 1", r#"[{"x":1,"y":6},{"m":7,"x":2,"y":7}]"#;
    "SELECT (SELECT x FROM (VALUES (1)) AS v(x) WHERE x > 5) AS a, coalesce((SELECT 1 WHERE false), 7) AS b, (SELECT 'a' WHERE false) IS NULL AS c, (SELECT stream_id FROM readings WHERE stream_id = 999) AS d, (SELECT stream_id FROM readings WHERE stream_id = 999) IS NULL AS e, (SELECT abs(-1) FROM readings HAVING true) AS f",
        r#"[{"b":7,"c":true,"e":true,"f":1}]"#;
    "SELECT extract(day FROM x + (t - u)) AS a, (t - u)::interval::text AS b, extract(day FROM coalesce(t - u, x)) AS c, (x - (t - u))::text AS d FROM (VALUES (interval '1 day', timestamp '2024-03-05 10:30', timestamp '2024-03-01')) AS v(x, t, u)",
        r#"[{"a":5.0,"b":"4 days 10:30:00","c":4.0,"d":"-3 days -10:30:00"}]"#;
    "SELECT lag(x, 1, 0.5) OVER (ORDER BY x) AS a, lead(x, 1, 9) OVER (ORDER BY x) AS b FROM (VALUES (1), (2)) AS v(x) ORDER BY x",
        r#"[{"a":0.5,"b":2},{"a":1.0,"b":9}]"#;
    r#"SELECT ARRAY[1.5, 2.5]::int[] AS a, ARRAY[1, NULL]::text AS b, ARRAY['a b', 'c']::text AS c, ARRAY[timestamp '2024-01-01']::text[] AS d, x::text AS e, ('{"a b","NULL"}'::text[])[2] AS f, 'a b' = ANY('{"a b",c}'::text[]) AS g FROM (VALUES (ARRAY[1.5::float8])) AS v(x)"#,
        r#"[{"a":[2,3],"b":"{1,NULL}","c":"{\"a b\",c}","d":["2024-01-01 00:00:00"],"e":"{1.5}","f":"NULL","g":true}]"#;
    "SELECT t::text AS a, i::text AS b FROM (VALUES (timestamp '2024-01-31', interval '1 day'), ('2024-02-29', '36:00:00'), (NULL, '1 mon')) AS v(t, i) ORDER BY t",
        r#"[{"a":"2024-01-31 00:00:00","b":"1 day"},{"a":"2024-02-29 00:00:00","b":"36:00:00"},{"b":"1 mon"}]"#;
    "SELECT (v).x AS a, (v.x) + 1 AS b, (v.y)[2] AS c, y[:1] AS d, y[2:] AS e FROM (VALUES (1, ARRAY[3, 4])) AS v(x, y)",
        r#"[{"a":1,"b":2,"c":4,"d":[3],"e":[4]}]"#;
    "SELECT substring(x FROM 'o(.)b') AS a, substring('foobar', 'o.b') AS b, substring(x FROM 'q') AS c, substring(x FROM 4) AS d FROM (VALUES ('foobar')) AS v(x)",
        r#"[{"a":"o","b":"oob","d":"bar"}]"#;
    "SELECT d AT TIME ZONE 'Europe/Berlin' AS a, timestamp(0) '2024-01-01 10:00:00.5' AS b, '2024-01-01 10:00:00.5'::timestamp(0) AS c, (interval '1.5 weeks')::text AS d FROM (VALUES (date '2024-03-31')) AS v(d)",
        r#"[{"a":"2024-03-31T01:00:00","b":"2024-01-01T10:00:01","c":"2024-01-01T10:00:01","d":"10 days 12:00:00"}]"#;
    "SELECT to_char(timestamp '2024-12-30', 'IYYY-IDDD W') AS a, to_char(timestamptz '2024-12-30 00:00Z', 'tz TZ') AS b",
        r#"[{"a":"2025-001 5","b":"utc UTC"}]"#;
    "SELECT '90'::interval::text AS a, '1 hour 30'::interval::text AS b", r#"[{"a":"00:01:30","b":"01:00:30"}]"#;
    "SELECT array_to_string(ARRAY[true, NULL, false], ',') AS a, array_to_string(x, ',', '-') AS b FROM (VALUES (ARRAY[1e20::float8, NULL])) AS v(x)",
        r#"[{"a":"t,f","b":"1e+20,-"}]"#;
    "WITH RECURSIVE t(n, p) AS (SELECT 1, 1 UNION ALL SELECT n + 1, n * p FROM t WHERE n < 6) SELECT max(p) AS m, max(q.b) AS b FROM t, (SELECT 2, 2) AS q(a, b)",
        r#"[{"b":2,"m":120}]"#;
    "SELECT x, bool_or(b) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS o, bool_and(b) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a, -row_number() OVER (ORDER BY x DESC) AS r, abs(ntile(2) OVER (ORDER BY x) - 3) AS n, 0 - k AS k FROM (SELECT x, b, rank() OVER (ORDER BY x / 2) AS k FROM (VALUES (1, true), (2, false), (3, NULL), (4, false), (5, NULL), (6, NULL)) AS v(x, b)) AS q ORDER BY x",
        r#"[{"a":true,"k":-1,"n":2,"o":true,"r":-6,"x":1},{"a":false,"k":-2,"n":2,"o":true,"r":-5,"x":2},{"a":false,"k":-2,"n":2,"o":false,"r":-4,"x":3},{"a":false,"k":-4,"n":1,"o":false,"r":-3,"x":4},{"a":false,"k":-4,"n":1,"o":false,"r":-2,"x":5},{"k":-6,"n":1,"r":-1,"x":6}]"#;
    "SELECT a, b, count(*) AS n FROM (VALUES (1, 1), (1, 2)) AS v(a, b) GROUP BY ROLLUP (a, b, a) ORDER BY 1, 2",
        r#"[{"a":1,"b":1,"n":1},{"a":1,"b":1,"n":1},{"a":1,"b":2,"n":1},{"a":1,"b":2,"n":1},{"a":1,"n":2},{"n":2}]"#;
    "SELECT sum(sign(x)) AS s, sum(sign(y)) AS z, count(sign(x)) AS n FROM (VALUES ('NaN'::float8, 3), (-2.5, -7), (NULL, 4), (-0.0, 0)) AS v(x, y)",
        r#"[{"n":3,"s":-1.0,"z":1.0}]"#;
    "SELECT sum(x + '1') AS a, sum('5' - y) AS b, max(t - '2024-03-30')::text AS c, max('2024-04-01' - d) AS d, max(y * '3' % '4') AS e FROM (VALUES (1.5::float8, 2, timestamptz '2024-03-31 06:00Z', date '2024-03-30')) AS v(x, y, t, d)",
        r#"[{"a":2.5,"b":3,"c":"1 day 06:00:00","d":2,"e":2}]"#;
    "SELECT min(a) AS a, max(b) AS b, count(*) AS n FROM generate_series('2024-03-30'::timestamptz, '2024-03-30 12:00Z', '6 hours') AS a, generate_series('2024-03-30', timestamp '2024-03-31', '1 day') AS b",
        r#"[{"a":"2024-03-30T00:00:00Z","b":"2024-03-31T00:00:00","n":6}]"#;
    "SELECT x, rank() OVER (ORDER BY sum(y) DESC) FROM (VALUES (1, 2), (1, 3), (2, 9)) AS v(x, y) GROUP BY x ORDER BY 2, 1",
        r#"[{"rank":1,"x":2},{"rank":2,"x":1}]"#;
    "SELECT x, percentile_cont(1) WITHIN GROUP (ORDER BY y) = '-Infinity' AS a, percentile_cont(0) WITHIN GROUP (ORDER BY -y) = 'Infinity' AS b FROM (VALUES (1, '-Infinity'::float8), (1, '-Infinity')) AS v(x, y) GROUP BY x",
        r#"[{"a":true,"b":true,"x":1}]"#;
    "SELECT count(*) AS n FROM (SELECT DISTINCT x FROM (VALUES ('NaN'::float8), ('-NaN')) AS v(x)) AS q", r#"[{"n":1}]"#;
    "SELECT x, CASE WHEN x = 0 THEN false ELSE 10 / x > 1 END AS c FROM (VALUES (0), (5)) AS v(x) WHERE CASE WHEN x = 0 THEN true ELSE 10 / x > 1 END ORDER BY x",
        r#"[{"c":false,"x":0},{"c":true,"x":5}]"#;
    "SELECT x FROM (VALUES (1), (2), (3)) AS v(x) WHERE x = ANY (SELECT 2) OR x <> ALL (SELECT y FROM (VALUES (1), (2)) AS w(y)) ORDER BY x",
        r#"[{"x":2},{"x":3}]"#;
    "SELECT max(x) OVER (ORDER BY x DESC ROWS 1 PRECEDING) AS m FROM (VALUES (1), (2), (9)) AS v(x) ORDER BY m LIMIT 1", r#"[{"m":2}]"#;
    "SELECT k / 2 AS q, -k AS n, lag(k, 1, -1) OVER (ORDER BY k) AS l FROM (SELECT rank() OVER (ORDER BY x) AS k FROM (VALUES (1), (2), (5)) AS v(x)) AS q ORDER BY k",
        r#"[{"l":-1,"n":-1,"q":0},{"l":1,"n":-2,"q":1},{"l":2,"n":-3,"q":1}]"#;
    "SELECT avg(coalesce(k, x)) AS a FROM (SELECT ntile(2) OVER (ORDER BY x) AS k, x FROM (VALUES (1), (2), (5)) AS v(x)) AS q", r#"[{"a":1.3333333333333333}]"#;
    "SELECT -cardinality(a) AS c, -array_position(a, 6) AS p, coalesce(array_length(a, 1), -1) / 2 AS l FROM (VALUES (ARRAY[5, 6, 5]), (ARRAY[6])) AS v(a) ORDER BY 1",
        r#"[{"c":-3,"l":1,"p":-2},{"c":-1,"l":0,"p":-1}]"#;
    "SELECT regr_count(x, y) / 2 AS r, -regr_count(x, y) AS n FROM (VALUES (1.5::float8, 2.5::float8), (2.5, 1.5), (0.5, NULL), (0.5, 0.5)) AS v(x, y)",
        r#"[{"n":-3,"r":1}]"#;
    "SELECT count(*) AS n FROM (VALUES (3), (4)) AS v(x) WHERE x = 3 AND abs(-3)::int = x", r#"[{"n":1}]"#;
    "SELECT x FROM (VALUES (3), (4)) AS v(x) WHERE x <= 4 AND abs(-4)::int > x", r#"[{"x":3}]"#;
    "SELECT x FROM (VALUES (3), (4)) AS v(x) WHERE x >= 3 AND abs(-3)::int < x", r#"[{"x":4}]"#;
    "SELECT count(*) AS n FROM (VALUES (0::float8), (1)) AS v(x) WHERE x = 0.0 AND x = '-0'::float8", r#"[{"n":1}]"#;
    "SELECT a.x FROM (VALUES (3), (4)) AS a(x) JOIN (SELECT y FROM (VALUES (3), (4)) AS v(y) GROUP BY y) AS b ON a.x = b.y WHERE a.x = 3 AND '3'::int = b.y",
        r#"[{"x":3}]"#;
    r"SELECT x LIKE p || '%' ESCAPE '#' AS a, x NOT ILIKE p ESCAPE '' AS b FROM (VALUES ('a_b', 'A#_'), ('a_b', 'a#_'), ('a#b', 'a##'), ('a\b', 'a\'), ('x', NULL)) AS v(x, p)",
        r#"[{"a":false,"b":true},{"a":true,"b":true},{"a":true,"b":true},{"a":true,"b":true},{}]"#;
    "SELECT count(*) AS n FROM (SELECT x::float4 AS y FROM (VALUES (0), (1)) AS v(x)) AS q WHERE y = 0::float4 AND y = '-0'::float4", r#"[{"n":1}]"#;
];

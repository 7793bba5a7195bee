//! Statements that DataFusion alone answers otherwise than PostgreSQL: the answers are those of PostgreSQL 15 over the same rows.

use basalt::domain::reading::Reading;
use basalt::domain::{Micros, StreamId};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::postgres_constants::OVER_CONSTANTS;
use crate::in_process::{MINUTE, TestDb, TestEnv};
use crate::support::{Server, rows};

/// 2024-03-30T00:00:00Z in microseconds.
const START: i64 = 1_711_756_800_000_000;
/// A reading a minute over three days.
const ROWS: i64 = 3 * 1440;

/// Over readings of which stream 1 has the minutes modulo 40, stream 2 the minutes.
const OVER_READINGS: &[(&str, &str)] = &rows![
    "SELECT DISTINCT a FROM (SELECT stream_id::float8 / 2 AS a FROM readings UNION SELECT stream_id::float8 / 4 FROM readings) AS u ORDER BY a",
        r#"[{"a":0.25},{"a":0.5},{"a":1.0}]"#;
    "SELECT stream_id % 5 AS a, text AS b FROM readings WHERE false UNION SELECT stream_id + stream_id, substr(stream_id::text, 1) FROM readings ORDER BY 1 DESC LIMIT 1",
        r#"[{"a":4,"b":"2"}]"#;
    "SELECT s.id, EXISTS (SELECT 1 FROM readings r WHERE r.stream_id = s.id AND value > 40) AS e FROM (VALUES (1), (2)) AS s(id) ORDER BY 1",
        r#"[{"e":false,"id":1},{"e":true,"id":2}]"#;
    "SELECT d::date AS d, count(r.ts) AS n FROM generate_series('2024-03-29'::timestamptz, '2024-03-30 00:00'::timestamptz, '1 day') d LEFT JOIN readings r ON r.ts::date = d::date AND r.stream_id = 1 GROUP BY 1 ORDER BY 1",
        r#"[{"d":"2024-03-29","n":0},{"d":"2024-03-30","n":1440}]"#;
    "SELECT (extract(epoch FROM ts) / 2)::bigint % 10 AS a, extract(epoch FROM ts + interval '500 milliseconds')::bigint % 10 AS b, date_part('epoch', ts + interval '500 milliseconds')::bigint % 10 AS c FROM readings WHERE stream_id = 1 ORDER BY ts LIMIT 1",
        r#"[{"a":0,"b":1,"c":0}]"#;
    "SELECT s.id, (SELECT r.value FROM readings r WHERE r.stream_id = s.id AND r.value < 9 ORDER BY r.ts DESC LIMIT 1) AS v, x.value AS w FROM (VALUES (1), (2), (7)) AS s(id) LEFT JOIN LATERAL (SELECT value FROM readings r WHERE r.stream_id = s.id ORDER BY ts LIMIT 1) x ON true ORDER BY 1",
        r#"[{"id":1,"v":8.0,"w":0.0},{"id":2,"v":8.0,"w":0.0},{"id":7}]"#;
    "SELECT stream_id, value FROM readings WHERE (stream_id, ts) IN (SELECT stream_id, max(ts) FROM readings GROUP BY stream_id) AND value > 0 ORDER BY 1",
        r#"[{"stream_id":1,"value":39.0},{"stream_id":2,"value":4319.0}]"#;
    "SELECT count(*) AS n FROM readings WHERE stream_id = 1 AND ts >= '2024-03-31'::date + interval '1 hour' AND ts < '2024-04-01'::date",
        r#"[{"n":1380}]"#;
    "SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY value * 1e9) AS p, percentile_cont(0.3) WITHIN GROUP (ORDER BY value DESC) AS down, percentile_disc(0.3) WITHIN GROUP (ORDER BY ts::date) AS d, mode() WITHIN GROUP (ORDER BY value DESC) AS m FROM readings WHERE stream_id = 2 AND value < 8",
        r#"[{"d":"2024-03-30","down":4.9,"m":7.0,"p":2100000000.0}]"#;
    "SELECT stream_id, mode() WITHIN GROUP (ORDER BY (value / 2)::int) FILTER (WHERE value > 0) AS m FROM readings WHERE value < 5 GROUP BY stream_id ORDER BY 1",
        r#"[{"m":2,"stream_id":1},{"m":2,"stream_id":2}]"#;
    "SELECT DISTINCT row_number() OVER (ORDER BY ts) - 2 * row_number() OVER (ORDER BY ts DESC) AS x FROM readings WHERE stream_id = 2 AND value < 2 ORDER BY 1",
        r#"[{"x":-3},{"x":0}]"#;
    "SELECT sum(ts::date - '2024-03-29'::date) AS days FROM readings WHERE stream_id = 1", r#"[{"days":8640}]"#;
    "SELECT count(*) AS n FROM (SELECT DISTINCT ON (stream_id) stream_id, value FROM readings ORDER BY stream_id, ts DESC, stream_id)",
        r#"[{"n":2}]"#;
    "SELECT ts::date AS d, count(*) AS n FROM readings GROUP BY ROLLUP (ts::date) ORDER BY 1 LIMIT 1",
        r#"[{"d":"2024-03-30","n":2880}]"#;
    "SELECT d, n FROM (SELECT ts::date AS d, ts::time AS t, count(*) AS n FROM readings WHERE stream_id = 1 GROUP BY 1, 2) WHERE t = '00:00' ORDER BY 1",
        r#"[{"d":"2024-03-30","n":1},{"d":"2024-03-31","n":1},{"d":"2024-04-01","n":1}]"#;
    "SELECT sum(value::int) AS a, sum(value) AS b FROM readings WHERE stream_id = 1 AND value < 2", r#"[{"a":108,"b":108.0}]"#;
    "SELECT count(*) AS n FROM readings WHERE stream_id = 1 AND ts >= '2024-03-31 06:30' AND ts < '2024-03-31 10:00Z'::timestamptz",
        r#"[{"n":210}]"#;
    "SELECT value FROM readings WHERE stream_id = 2 AND ts::date = '2024-03-31' ORDER BY ts DESC LIMIT 1", r#"[{"value":2879.0}]"#;
    "SELECT value FROM readings WHERE stream_id = 2 AND ts::date BETWEEN '2024-03-31' AND '2024-03-31' ORDER BY ts DESC LIMIT 1",
        r#"[{"value":2879.0}]"#;
    "SELECT max(s) AS s FROM (SELECT sum(value) OVER (ORDER BY ts) AS s FROM readings WHERE stream_id = 2 AND ts::date = '2024-03-30')",
        r#"[{"s":1036080.0}]"#;
    "SELECT count(*) AS n FROM readings WHERE ts::date <> '2024-03-31'", r#"[{"n":5760}]"#;
    "SELECT count(*) AS n FROM readings WHERE ts::date > '2024-03-31'", r#"[{"n":2880}]"#;
    "SELECT value, value::bigint AS v FROM readings WHERE stream_id = 2 AND (value / 2)::bigint = 20 ORDER BY value DESC LIMIT 1",
        r#"[{"v":41,"value":41.0}]"#;
    "SELECT count(*) AS n FROM (SELECT ts, count(*) OVER (PARTITION BY ts::date ORDER BY ts) AS w1, row_number() OVER (ORDER BY ts) AS w2 FROM readings WHERE stream_id = 1 ORDER BY ts, w1 LIMIT 20)",
        r#"[{"n":20}]"#;
    "SELECT ts::time = '00:00' AS t FROM readings WHERE stream_id = 1 ORDER BY ts::time, ts DESC LIMIT 1", r#"[{"t":true}]"#;
    "SELECT date_trunc('day', ts) AS d, count(*) AS n FROM (SELECT ts + INTERVAL '23 hours' AS ts, value FROM readings WHERE stream_id = 1) GROUP BY 1 ORDER BY 1 LIMIT 1",
        r#"[{"d":"2024-03-30T00:00:00Z","n":60}]"#;
    "SELECT stream_id, count(*) AS n FROM (SELECT stream_id + 1000 AS stream_id FROM readings) GROUP BY stream_id ORDER BY 1",
        r#"[{"n":4320,"stream_id":1001},{"n":4320,"stream_id":1002}]"#;
    "SELECT stream_id, date_trunc('day', ts) AS d, count(*) AS n FROM (SELECT CAST(0 AS INT) AS stream_id, ts, value FROM readings) AS q GROUP BY 1, 2 ORDER BY 2 LIMIT 1",
        r#"[{"d":"2024-03-30T00:00:00Z","n":2880,"stream_id":0}]"#;
    "SELECT stream_id, count(*) AS n, max(value) AS m FROM (SELECT -stream_id AS stream_id, value FROM readings) AS q GROUP BY 1 ORDER BY 1",
        r#"[{"m":4319.0,"n":4320,"stream_id":-2},{"m":39.0,"n":4320,"stream_id":-1}]"#;
    "SELECT count(*) AS n FROM readings WHERE stream_id = 1 AND timestamptz '2024-04-02 00:00Z' - ts > interval '1 day' AND now() - ts > interval '365 days'",
        r#"[{"n":2880}]"#;
    "WITH rollup AS (SELECT ts + INTERVAL '30 minutes' AS ts, value FROM readings WHERE stream_id = 2) SELECT date_trunc('hour', ts) AS h, avg(value) AS a FROM rollup GROUP BY 1 ORDER BY 1 LIMIT 2",
        r#"[{"a":14.5,"h":"2024-03-30T00:00:00Z"},{"a":59.5,"h":"2024-03-30T01:00:00Z"}]"#;
    "SELECT b.value AS b, count(*) AS n FROM readings a LEFT JOIN readings b ON a.ts = b.ts AND b.stream_id = 1 AND b.value = 7 WHERE a.stream_id = 2 GROUP BY 1 ORDER BY 1",
        r#"[{"b":7.0,"n":108},{"n":4212}]"#;
    "SELECT date_trunc('day', ts AT TIME ZONE 'Europe/Berlin') AS d, count(*) AS n FROM readings WHERE stream_id = 1 GROUP BY 1 ORDER BY 1",
        r#"[{"d":"2024-03-30T00:00:00","n":1380},{"d":"2024-03-31T00:00:00","n":1380},{"d":"2024-04-01T00:00:00","n":1440},{"d":"2024-04-02T00:00:00","n":120}]"#;
    "SELECT stream_id, count(*) AS n FROM readings WHERE (stream_id, value) NOT IN (SELECT * FROM (VALUES (1, 7.0), (NULL, 8.0), (2, NULL)) AS v(s, x)) GROUP BY 1 ORDER BY 1",
        r#"[{"n":4104,"stream_id":1}]"#;
    "SELECT count(*) AS n FROM readings WHERE stream_id = 2 AND value < 3 OR (stream_id, ts) IN (SELECT stream_id, min(ts) FROM readings GROUP BY 1) OR NOT ((stream_id, value) NOT IN (SELECT stream_id, max(value) FROM readings GROUP BY 1))",
        r#"[{"n":113}]"#;
    "SELECT to_char(value, 'FM0,000.0') AS t, format('%s at %s', value, ts::time) AS f FROM readings WHERE stream_id = 2 ORDER BY value DESC LIMIT 1",
        r#"[{"f":"4319 at 23:59:00","t":"4,319.0"}]"#;
    "SELECT date_trunc('decade', ts) AS d, extract(century FROM ts) AS c, (ts)::date AS x, count(*) AS n FROM readings WHERE stream_id = 1 GROUP BY 1, 2, ROLLUP ((ts)::date) ORDER BY 3 NULLS FIRST LIMIT 2",
        r#"[{"c":21.0,"d":"2020-01-01T00:00:00Z","n":4320},{"c":21.0,"d":"2020-01-01T00:00:00Z","n":1440,"x":"2024-03-30"}]"#;
];

/// Subqueries, joins by USING and names in ORDER BY.
const OF_SUBQUERIES_AND_NAMES: &[(&str, &str)] = &rows![
    "SELECT g.h::text AS h, (SELECT value FROM readings r WHERE r.stream_id = 2 AND r.ts < g.h ORDER BY r.ts DESC LIMIT 1) AS v, (SELECT count(*) FROM readings r WHERE r.stream_id = 1 AND r.ts BETWEEN g.h - interval '5 minutes' AND g.h) AS n FROM generate_series('2024-03-29'::timestamptz, '2024-03-31', '1 day') AS g(h) ORDER BY h",
        r#"[{"h":"2024-03-29 00:00:00+00","n":0},{"h":"2024-03-30 00:00:00+00","n":1},{"h":"2024-03-31 00:00:00+00","n":6,"v":1439.0}]"#;
    "SELECT x.v FROM (VALUES (timestamptz '2024-03-30 00:10:30Z')) AS a(t) JOIN LATERAL (SELECT r.value AS v FROM readings r WHERE r.stream_id = 2 AND r.ts <= a.t ORDER BY r.ts DESC LIMIT 1) AS x ON true",
        r#"[{"v":10.0}]"#;
    "SELECT v.x, (SELECT sum(w.y) FROM (VALUES (1), (2), (NULL)) AS w(y) WHERE w.y <= v.x) AS s, (SELECT count(*) FROM (VALUES (1), (2)) AS w(y) WHERE w.y <> v.x) AS n FROM (VALUES (0), (2), (2), (NULL)) AS v(x) ORDER BY v.x",
        r#"[{"n":2,"x":0},{"n":1,"s":3,"x":2},{"n":1,"s":3,"x":2},{"n":0}]"#;
    "SELECT x FROM (VALUES (1), (2)) AS v(x) WHERE x > 5 OR x NOT IN (SELECT NULL::int)", "[]";
    "SELECT x FROM (VALUES (1), (2), (NULL)) AS v(x) WHERE x = 2 OR NOT (x IN (SELECT 2) AND x < 9) ORDER BY 1",
        r#"[{"x":1},{"x":2}]"#;
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM (VALUES (1)) AS w(y) WHERE y = x) THEN 'a' ELSE 'b' END AS e FROM (VALUES (1), (2)) AS v(x) ORDER BY x",
        r#"[{"e":"a"},{"e":"b"}]"#;
    "SELECT x, count(*) AS n FROM (VALUES (1), (2)) AS a(x) FULL JOIN (VALUES (2), (3)) AS b(x) USING (x) WHERE x > 1 GROUP BY x ORDER BY x",
        r#"[{"n":1,"x":2},{"n":1,"x":3}]"#;
    "SELECT x FROM (VALUES (1)) AS a(x) RIGHT JOIN (VALUES (2)) AS b(x) USING (x) JOIN (VALUES (2)) AS c(x) USING (x)",
        r#"[{"x":2}]"#;
    "SELECT * FROM (VALUES (1, 10), (2, 20)) AS z(x, p) LEFT JOIN (VALUES (2, 200)) AS b(x, q) USING (x) WHERE p < 20",
        r#"[{"p":10,"x":1}]"#;
    "SELECT -x AS x FROM (VALUES (1), (2)) AS v(x) ORDER BY x + 0", r#"[{"x":-1},{"x":-2}]"#;
    "SELECT sum(z) AS z FROM (VALUES (1, 10), (1, 20), (3, 25)) AS w(y, z) GROUP BY y ORDER BY max(z), z",
        r#"[{"z":30},{"z":25}]"#;
    "SELECT * FROM (SELECT x FROM (VALUES (1), (3), (2)) AS v(x) ORDER BY x DESC) AS q LIMIT 2", r#"[{"x":3},{"x":2}]"#;
    "WITH a AS (SELECT x FROM (VALUES (1), (3), (2)) AS v(x) ORDER BY x DESC), b AS (SELECT x + 1 AS y FROM a) SELECT y FROM b LIMIT 1",
        r#"[{"y":4}]"#;
    "SELECT sum(v) AS s FROM (SELECT max(value) AS v FROM readings WHERE stream_id = 2 GROUP BY ts ORDER BY ts DESC OFFSET 4318) AS q",
        r#"[{"s":1.0}]"#;
    "SELECT count(*) AS x, x::text AS t FROM (VALUES (1), (1), (2)) AS v(x) GROUP BY x::text ORDER BY x",
        r#"[{"t":"2","x":1},{"t":"1","x":2}]"#;
    "SELECT v AS a, v::int AS n FROM (VALUES ('9'), ('10')) AS t(v) GROUP BY v, v::int ORDER BY v",
        r#"[{"a":"10","n":10},{"a":"9","n":9}]"#;
    "SELECT x, count(*) FROM (VALUES (1), (2), (2)) AS v(x) GROUP BY x ORDER BY count DESC",
        r#"[{"count(*)":2,"x":2},{"count(*)":1,"x":1}]"#;
    "SELECT a.x AS a, b.x AS b FROM (VALUES (1), (2)) AS a(x) RIGHT JOIN (VALUES (1), (3)) AS b(x) ON a.x = b.x WHERE a.x = a.x",
        r#"[{"a":1,"b":1}]"#;
    "SELECT q.a, q.c FROM (VALUES (1, 10, 'x'), (2, 20, 'y')) AS p(a, b, c) FULL JOIN (VALUES (1, 10, 'x'), (2, 30, 'y')) AS q(a, b, c) ON p.b = q.b WHERE (q.a > 0 AND q.c <= p.c) OR q.c <= 'rpm'",
        r#"[{"a":1,"c":"x"}]"#;
    "SELECT max(value) AS m FROM readings HAVING (SELECT count(*) FROM readings WHERE value > 1e9) = 2", "[]";
    "SELECT n, z.x FROM (SELECT count(*) AS n FROM readings) AS q LEFT JOIN (SELECT 1 AS x) AS z ON false WHERE z.x = 1",
        "[]";
];

/// Opens a store with the readings.
pub async fn filled() -> (TestEnv, TempDir, TestDb) {
    let (env, dir, db) = TestEnv::open_new(3).await;
    let row = |stream, at: i64, value: i64| {
        Reading::good(StreamId(stream), Micros(START + at * MINUTE), value as f64)
    };
    let rows = (0..ROWS).flat_map(|at| [row(1, at, at % 40), row(2, at, at)]);
    db.store.write(&env.owner, rows.collect()).await.unwrap();
    db.store.flush().await.unwrap();
    (env, dir, db)
}

/// Asks statements, each of which has the answer beside it.
pub async fn check(env: &TestEnv, db: &TestDb, cases: &[(&str, &str)]) {
    for (statement, expected) in cases {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(json!(db.sql(&env.owner, statement).await), expected, "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_answered_as_postgresql_answers_them() {
    let (env, _dir, db) = filled().await;
    for cases in [OVER_READINGS, OVER_CONSTANTS, OF_SUBQUERIES_AND_NAMES] {
        check(&env, &db, cases).await;
    }
    // What is constant in the rows is not so in the totals.
    let totals = db
        .sql(&env.owner, "SELECT quality, count(*) AS n FROM readings WHERE quality = 'good' GROUP BY GROUPING SETS ((quality), (ts), ())")
        .await;
    let whole = totals.iter().filter(|row| row["n"] == 2 * ROWS).count();
    assert_eq!((totals.len() as i64, whole), (ROWS + 2, 2), "one of the quality, one of all");
}

#[tokio::test]
async fn what_would_be_answered_wrongly_is_refused() {
    let (_server, client) = Server::with_client(&[]).await;
    for (statement, hint) in rows![
        "SELECT 3 NOT IN (SELECT y FROM (VALUES (1), (NULL)) AS v(y)) AS x", "NOT EXISTS";
        "SELECT s.id FROM streams s WHERE s.id NOT IN (SELECT r.stream_id FROM readings r WHERE r.stream_id > s.id)",
            "NOT EXISTS";
        "SELECT lead(x, 2) IGNORE NULLS OVER (ORDER BY x) AS n FROM (VALUES (1), (2)) AS v(x)", "IGNORE NULLS";
        "SELECT a.id, x.ts FROM streams a LEFT JOIN LATERAL (SELECT ts FROM readings b WHERE b.value < a.id OR b.value IS NULL ORDER BY b.ts DESC LIMIT 1) x ON true",
            "a subquery that refers to the outer query";
        "SELECT ARRAY(SELECT id FROM streams) AS a", "array_agg(x ORDER BY x)";
        "SELECT x FROM (VALUES (ARRAY[1])) AS v(a) CROSS JOIN LATERAL unnest(a) AS u(x)", "unnest of a column in FROM";
        "SELECT x FROM (VALUES (ARRAY[1])) AS v(a), unnest(v.a) AS u(x)", "unnest of a column in FROM";
        "SELECT string_agg(x, ',') OVER (ORDER BY x ROWS 1 PRECEDING) AS s FROM (VALUES ('a'), ('b')) AS v(x)",
            "`string_agg` over a frame that leaves rows behind; begin the frame with UNBOUNDED PRECEDING";
        "SELECT 1 AS id, 2 AS id", "id";
        "SELECT now() AT TIME ZONE '+05:30' AS t", "`+05:30` is an offset";
        "SELECT date_trunc('day', now(), '-03') AS t", "`-03` is an offset";
        "SELECT ROW(abs(id), 1) < ROW(1, 2) AS x FROM streams", "comparison of rows";
        "SELECT 'a' AS x, id, count(*) AS n FROM streams GROUP BY ROLLUP (1, id)", "is a constant";
        "SELECT 2147483647::int + 1::int AS x", "integer out of range: 2147483647 + 1";
        "SELECT x * x AS x FROM (VALUES (4611686018427387904)) AS v(x)", "integer out of range";
        "SELECT sum(x) AS s FROM (VALUES (9223372036854775807), (1)) AS v(x)", "sum them as numeric";
        "SELECT width_bucket(1, 2, 2, 5) AS b", "bounds";
        "SELECT id FROM streams WHERE id > ALL (SELECT stream_id FROM readings)", "SELECT max(";
        "SELECT repeat('x', 1001) AS x", "at most 1000 characters";
        "SELECT id FROM streams INTERSECT ALL SELECT id FROM streams", "GROUP BY";
        "SELECT s.id, d.id FROM streams s JOIN devices d ON true", "AS";
        "SELECT to_char(now(), 'YYYY-xx') AS t", "no field at `xx`";
        "SELECT count(*) AS n FROM readings WHERE to_timestamp(text) <= now()", "x::timestamptz";
        "SELECT to_char(1, 'L99') AS t", "L is not supported";
        "SELECT to_char(1, '99kg') AS t", "nothing is known at `kg`";
        "SELECT to_number('1', 'RN') AS n", "RN is not supported";
        "SELECT to_number('abc', '999') AS n", "no number in `abc`";
        "SELECT format('%d', 1) AS f", "`d` is no form";
        "SELECT format('%1001s', 1) AS f", "at most 1000 characters";
        "SELECT format('%s') AS f", "no argument 1";
        "SELECT make_interval(days => 2147483648) AS i", "interval out of range";
        "SELECT 'a0eebc99'::uuid AS u", "Invalid input syntax for type uuid";
        "SELECT 'infinity'::timestamptz AS t", "the time `infinity`";
        "SELECT date '-Infinity' AS d", "the time `infinity` or `-infinity`";
        "SELECT date_trunc('week', interval '8 days') AS i", "`week` is not supported for intervals";
        "SELECT x IN (SELECT 1) AS i FROM (VALUES (1)) AS v(x)", "EXISTS (SELECT 1";
        "SELECT count(*) FILTER (WHERE x IN (SELECT 1)) AS n FROM (VALUES (1)) AS v(x)", "as a value";
        "SELECT x FROM (VALUES (1)) AS v(x) WHERE (x IN (SELECT NULL::int)) IS NULL", "other than by AND, OR and NOT";
        "SELECT x FROM (VALUES (1)) AS v(x) WHERE EXISTS (SELECT count(*) FROM (VALUES (2)) AS w(y) WHERE y = x)",
            "has one row";
        "SELECT x FROM (VALUES (1)) AS v(x) WHERE 0 IN (SELECT count(*) FROM (VALUES (2)) AS w(y) WHERE y = x)",
            "has one row";
        "SELECT k, c FROM (VALUES (1)) AS v(x), LATERAL (SELECT 'rows' AS k, count(*) AS c FROM (VALUES (2)) AS w(y) WHERE y = x) AS q",
            "a constant beside an aggregate";
        "SELECT q.x FROM (SELECT -x AS x FROM (VALUES (1), (2)) AS v(x) ORDER BY x + 0 LIMIT 1) AS q",
            "another name with AS";
        "WITH c AS (SELECT 1 AS a) SELECT * FROM (WITH c AS (SELECT 2 AS a) SELECT * FROM c) AS q", "needs other names";
        "SELECT 'a' 'b' AS x", "two texts in a row";
        "SELECT '{{1,2}}'::text[] AS a", "none of one dimension";
        "SELECT x::int[] AS a FROM (VALUES ('{1,2}')) AS v(x)", "string_to_array(column, ',')";
        "SELECT count(*) OVER (ORDER BY x RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS n FROM (VALUES (time '10:00')) AS v(x)",
            "RANGE frame with an offset";
        "SELECT x FROM (VALUES (1)) AS a(x) NATURAL FULL JOIN (VALUES (2)) AS b(x)", "NATURAL JOIN";
        "SELECT count(*) AS n FROM readings TABLESAMPLE SYSTEM (10)", "WHERE random() < 0.1";
        "SELECT s.id, count(r.*) AS n FROM streams s LEFT JOIN readings r ON r.stream_id = s.id GROUP BY s.id", "count(r.ts)";
        "SELECT s.id FROM streams s LEFT JOIN latest l ON l.stream_id = s.id WHERE l.* IS NULL", "`*` as a value";
        "SELECT count(*) AS n FROM readings WHERE value BETWEEN date '2024-03-31' AND 20", "values of one type";
    ] {
        client.try_sql(statement).await.refused(400, hint);
    }
    client.try_sql("SELECT id FROM streams WHERE id NOT IN (SELECT stream_id FROM readings)").await.ok();
}

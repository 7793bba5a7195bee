//! Statements that DataFusion alone answers otherwise than PostgreSQL. Where one fails here, DataFusion has been mended, and the rule or
//! function that is named can go.

use arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};

/// Files of this folder, statements that they are for, and what PostgreSQL 15 answers.
const ANSWERED_WRONGLY: &[(&str, &str, &[&str])] = &[
    ("spans.rs", "SELECT interval '25 hours' > interval '1 day'", &["true"]),
    ("date_part.rs", "SELECT extract(second FROM timestamp '2024-01-01 00:00:09.75') = 9.75", &["true"]),
    ("narrowing_cast.rs (rounding)", "SELECT CAST(1.5 AS INT)", &["2"]),
    (
        "narrowing_cast.rs (order)",
        "SELECT extract(hour FROM t) FROM (VALUES (timestamp '2024-03-31 10:00:00'), (timestamp '2024-03-31 12:00:00')) AS v(t) \
         WHERE CAST(t AS DATE) = DATE '2024-03-31' ORDER BY t DESC LIMIT 1",
        &["12"],
    ),
    (
        "unknown_constants.rs (outer joins)",
        "SELECT b.c, a.x FROM (VALUES (1), (2), (3)) AS a(x) LEFT JOIN (VALUES (2, 'k'), (9, 'j')) AS b(y, c) \
         ON b.y = a.x AND b.c = 'k' ORDER BY b.c NULLS FIRST, a.x DESC",
        &[",3", ",1", "k,2"],
    ),
    (
        "filter_projections.rs",
        "SELECT CASE WHEN b.t > 0 THEN b.v ELSE abs(a.t) END, b.v FROM (VALUES (1, 10), (2, 0)) AS a(t, v) \
         RIGHT JOIN (VALUES (1, 5), (2, 7), (NULL, NULL)) AS b(t, v) ON a.t = b.t WHERE coalesce(a.v, 7) < 1",
        &["7,7"],
    ),
    (
        "subqueries.rs",
        "SELECT count(*) FROM (VALUES (1), (2)) AS v(x) WHERE 3 NOT IN (SELECT y FROM (VALUES (1), (NULL)) AS w(y))",
        &["0"],
    ),
    (
        "float_extremes.rs",
        "SELECT max(x) = CAST('-Infinity' AS DOUBLE) FROM (VALUES (1, CAST('-Infinity' AS DOUBLE))) AS v(g, x) GROUP BY g",
        &["true"],
    ),
    (
        "forward_aggregate.rs",
        "SELECT count(*) FROM (SELECT sum(x) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s \
         FROM (VALUES (1, CAST('Infinity' AS DOUBLE)), (2, 1.0), (3, 1.0)) AS v(n, x)) AS q WHERE s = 2",
        &["1"],
    ),
    (
        "sort_keys.rs",
        "SELECT max(r) FROM (SELECT rank() OVER (ORDER BY x) AS r \
         FROM (VALUES (CAST('-0' AS DOUBLE)), (CAST('0' AS DOUBLE))) AS v(x)) AS q",
        &["1"],
    ),
    (
        "joined_columns.rs",
        "SELECT x FROM (VALUES (1)) AS a(x) RIGHT JOIN (VALUES (2)) AS b(x) USING (x)",
        &["2"],
    ),
    (
        "refusals.rs (INTERSECT ALL)",
        "SELECT count(*) FROM (SELECT x FROM (VALUES (1), (1)) AS a(x) INTERSECT ALL SELECT y FROM (VALUES (1)) AS b(y)) AS q",
        &["1"],
    ),
    (
        "regex_functions.rs",
        r"SELECT x FROM (VALUES ('C:\dir'), ('C:dir')) AS v(x) WHERE x ~ 'C:\\dir'",
        &[r"C:\dir"],
    ),
    ("remainder.rs", "SELECT x % 1 = 0.5 FROM (VALUES (CAST(1.5 AS DECIMAL(38, 10)))) AS v(x)", &["true"]),
    (
        "round.rs",
        "SELECT count(*) FROM (VALUES (CAST(2.6 AS DECIMAL(38, 10)))) AS v(x) \
         WHERE x IN (SELECT round(y, 1) FROM (VALUES (CAST(2.56 AS DECIMAL(38, 10)))) AS w(y))",
        &["1"],
    ),
    (
        "sort_keys.rs (in_terms)",
        "SELECT count(*) FROM (VALUES (1), (2)) AS v(x) WHERE abs(x) IN (4, CASE x WHEN 1 THEN x WHEN 2 THEN 5 END)",
        &["1"],
    ),
    (
        "one_row.rs",
        "SELECT count(*) FROM (SELECT m FROM (SELECT min(x) AS m, 1 AS one FROM (VALUES (1)) AS v(x)) AS q \
         WHERE one = (SELECT 2)) AS w",
        &["0"],
    ),
    (
        "unique_keys.rs",
        "SELECT count(*) FROM (SELECT s, v FROM (SELECT DISTINCT k.s, a.v FROM (VALUES (1, 10), (1, 20)) AS a(s, v) \
         JOIN (SELECT x AS s FROM (VALUES (1), (1)) AS w(x) GROUP BY 1) AS k ON a.s = k.s) AS q GROUP BY s, v) AS z",
        &["2"],
    ),
    ("to_char.rs", "SELECT to_char(timestamp '2024-03-05 10:00:00', 'YYYY-MM')", &["2024-03"]),
    ("calls.rs (cut_text)", "SELECT CAST('abcdef' AS VARCHAR(3))", &["abc"]),
    (
        "exact_sum.rs",
        "SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) AS v(x)",
        &["9223372036854775808"],
    ),
    (
        "literals_right.rs",
        "SELECT count(*) FROM (VALUES (3), (4)) AS v(x) WHERE x = 3 AND CAST(abs(-3) AS BIGINT) = x",
        &["1"],
    ),
    (
        "signed_counts.rs",
        "SELECT k / 2 FROM (SELECT rank() OVER (ORDER BY x DESC) AS k, x FROM (VALUES (1)) AS v(x)) AS q",
        &["0"],
    ),
];

/// Statements that PostgreSQL refuses because an integer is out of range, and that plain DataFusion answers.
const NOT_REFUSED: &[(&str, &str)] =
    &[("checked_arithmetic.rs", "SELECT CAST(2147483647 AS INT) + CAST(1 AS INT)")];

/// The rows, cells joined by commas.
async fn answer(session: &SessionContext, statement: &str) -> Result<Vec<String>> {
    let batches = session.sql(statement).await?.collect().await?;
    let table = pretty_format_batches(&batches)?.to_string();
    let cells = |line: &str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",");
    Ok(table.lines().skip(3).filter(|line| line.starts_with('|')).map(cells).collect())
}

#[tokio::test]
async fn datafusion_alone_still_answers_otherwise_than_postgresql() {
    // Plans differ with the number of partitions, which is that of the machine's processors unless it is set.
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    for (file, statement, right) in ANSWERED_WRONGLY {
        let found = answer(&session, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_ne!(found, *right, "DataFusion answers rightly now: remove {file}\n{statement}");
    }
    for (file, statement) in NOT_REFUSED {
        let found = answer(&session, statement).await;
        assert!(found.is_ok(), "DataFusion answers rightly now: remove {file}\n{statement}: {found:?}");
    }
}

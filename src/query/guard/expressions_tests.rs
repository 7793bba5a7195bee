//! Tests that bounded expressions have the results and names of unbounded ones, and fail where they would grow.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::config::Dialect;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

const TABLE: &str =
    "(VALUES (1, 'abc', 'b'), (2, NULL, 'x'), (3, 'aabbcc', '.'), (4, '', 'a')) AS t(n, s, p)";

async fn answer(context: &SessionContext, plan: LogicalPlan) -> Result<Vec<RecordBatch>> {
    context.execute_logical_plan(plan).await?.collect().await
}

async fn run_bounded(statement: &str) -> Result<Vec<RecordBatch>> {
    let context = context();
    let plan = context.state().create_logical_plan(statement).await?;
    answer(&context, bound_plan(plan)?.0).await
}

fn context() -> SessionContext {
    let mut config = SessionConfig::new();
    config.options_mut().sql_parser.dialect = Dialect::PostgreSQL;
    SessionContext::new_with_config(config)
}

#[tokio::test]
async fn they_answer_as_the_others_do() {
    let expressions = [
        "s || p",
        "s || 'x' || n",
        "n::text || s",
        "replace(s, 'a', 'xyz')",
        "replace(s, p, 'xyz')",
        "replace(s, '', '-')",
        "regexp_replace(s, 'b+', '[\\0]', 'g')",
        "regexp_replace(s, p, '-', 'g')",
        "concat(s, p, n)",
        "concat_ws('-', s, p)",
        "upper(s)",
        "translate(s, 'ab', 'xy')",
        "string_to_array(s, 'b')",
        "array_to_string([n, n + 1], s)",
        "[s, p]",
        "array_replace([s, p], 'b', 'long')",
        "s ~ p",
        "s ~* p",
        "s !~ p",
        "s !~* upper(p)",
        "s ~ '^a'",
        "regexp_like(s, p)",
        "regexp_match(s, 'b+')",
        "split_part(s, 'b', 1)",
        "levenshtein(s, p)",
        "coalesce(s, p)",
        "named_struct('a', s)",
        "left(s, 2)",
        "substr(s, 2)",
        "'a' || 'b'",
        "to_hex(n)",
        "nullif(s, p)",
        "reverse(s)",
        "arrow_cast(n, 'Utf8')",
        "CASE WHEN s ~ p THEN s || p ELSE upper(p) END",
        "max(s || p)",
        "string_agg(s || p, ',' ORDER BY n)",
    ];
    let context = context();
    for expression in expressions {
        let order =
            if expression.contains("max(") || expression.contains("agg(") { "" } else { " ORDER BY n" };
        let statement = format!("SELECT {expression} FROM {TABLE}{order}");
        let plan = context.state().create_logical_plan(&statement).await.expect(expression);
        let (bounded, _) = bound_plan(plan.clone()).expect(expression);
        assert_eq!(bounded.schema(), plan.schema(), "{expression}");
        let (expected, found) = (answer(&context, plan).await, answer(&context, bounded).await);
        let (expected, found) = (expected.expect(expression), found.expect(expression));
        let shown =
            |batches: &[RecordBatch]| pretty_format_batches(batches).expect("it is shown").to_string();
        assert_eq!(shown(&expected), shown(&found), "{expression}");
    }
}

#[tokio::test]
async fn what_grows_is_refused_before_it_is_made() {
    let ones = "1".repeat(5_000);
    let doubling: String =
        (1..30).map(|n| format!(", t{n} AS (SELECT x || x AS x FROM t{})", n - 1)).collect();
    let wide: Vec<_> = (0..100).map(|n| format!("replace(s, 'a', '{ones}') AS c{n}")).collect();
    let long = format!("(SELECT replace('{ones}', '1', 'aa') AS s FROM generate_series(1, 2000))");
    let cases = [
        (format!("SELECT replace(replace('{ones}', '1', '{ones}'), '1', '{ones}')"), "replace"),
        (
            format!("SELECT regexp_replace(regexp_replace('{ones}', '1', '{ones}', 'g'), '', '{ones}', 'g')"),
            "regexp_replace",
        ),
        (
            format!("SELECT array_to_string(string_to_array('{ones}{ones}', NULL), '{ones}')"),
            "array_to_string",
        ),
        (format!("WITH t0 AS (SELECT s AS x FROM {TABLE}){doubling} SELECT max(length(x)) FROM t29"), "||"),
        (format!("SELECT {} FROM {long}", wide.join(", ")), "replace"),
        ("SELECT CAST(NULL AS INT[2000000000])".to_owned(), "fixed length"),
        ("SELECT arrow_cast(NULL, 'FixedSizeBinary(2147483647)')".to_owned(), "fixed length"),
        (format!("SELECT arrow_cast(NULL, '{}Int8{}')", "List(".repeat(60), ")".repeat(60)), "levels deep"),
        (format!("SELECT levenshtein(s, s) FROM (SELECT replace('{ones}', '1', 'aaa') AS s)"), "levenshtein"),
    ];
    for (statement, says) in cases {
        let error = run_bounded(&statement).await.expect_err(says);
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

/// Planning copies a constant at every step, so that it is shorter than the value of a row may be.
#[tokio::test]
async fn a_constant_is_bounded_more_than_the_value_of_a_row() {
    let (text, long) = ("1".repeat(3_000), "2".repeat(1_000));
    let error = run_bounded(&format!("SELECT length(replace('{text}', '1', '{long}'))")).await;
    let error = error.expect_err("three million bytes").to_string();
    assert!(error.contains("a constant of more than 2097152 bytes"), "{error}");
    let rows =
        format!("SELECT max(length(replace(v, '1', '{long}'))) FROM (VALUES ('{text}'), ('1')) AS t(v)");
    let batches = run_bounded(&rows).await.expect("an answer");
    let shown = pretty_format_batches(&batches).expect("it is shown").to_string();
    assert!(shown.contains("3000000"), "{shown}");
}

/// A batch is computed in slices where its result may be large, with an equal result.
#[tokio::test]
async fn slices_are_put_together_again() {
    let statement = "SELECT count(*), count(DISTINCT t), sum(length(t)) FROM \
                     (SELECT regexp_replace(concat('a', x), '[0-9]', concat('b', x), 'g') AS t FROM generate_series(1, 9999) AS g(x))";
    let plain = context().sql(statement).await.expect("a plan").collect().await.expect("an answer");
    let bounded = run_bounded(statement).await.expect("an answer");
    assert_eq!(plain, bounded);
}

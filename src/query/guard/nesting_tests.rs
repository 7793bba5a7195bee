//! Tests the nesting depth of ordinary and of hostile statements.

use super::*;

fn depth_of(text: &str) -> usize {
    depth(&Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().expect("tokens"))
}

#[test]
fn whatever_repeats_is_as_deep_as_it_is_long() {
    const N: usize = 300;
    let shapes = [
        format!("SELECT 1{}", "+1".repeat(N)),
        format!("SELECT {}1", "- ".repeat(N)),
        format!("SELECT true{}", " AND true".repeat(N)),
        format!("SELECT {}true", "NOT ".repeat(N)),
        format!("SELECT (true AND true){}", " OR (true AND true)".repeat(N)),
        format!("SELECT 1{}", "::int".repeat(N)),
        format!("SELECT 1{}", " IS NULL".repeat(N)),
        format!("SELECT 1{}", " BETWEEN 1 AND 2".repeat(N)),
        format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(N)),
        format!("SELECT 'a'{}", " || 'a'".repeat(N)),
        format!("SELECT NULL::INT{}", "[]".repeat(N)),
        format!("SELECT x{}", "[1]".repeat(N)),
        format!("SELECT {}1{}", "(".repeat(N), ")".repeat(N)),
        format!("SELECT {}1{}", "[".repeat(N), "]".repeat(N)),
        format!("SELECT {}1{}", "abs(".repeat(N), ")".repeat(N)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(N)),
        format!("SELECT 1, 2{}", " UNION ALL SELECT 1, 2".repeat(N)),
        format!("SELECT 1 FROM t{}", " JOIN t ON true".repeat(N)),
        format!("SELECT 1 FROM t{}", " CROSS JOIN t".repeat(N)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(N)),
        format!("WITH c0 AS (SELECT 1 x){} SELECT 1", ", c AS (SELECT x FROM c0)".repeat(N)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(N), " END".repeat(N)),
        format!("SELECT 1 LIKE 'a'{}", " LIKE 'a'".repeat(N)),
        format!("SELECT {}1{}", "(SELECT ".repeat(N), ")".repeat(N)),
        format!("SELECT {}", "EXISTS (SELECT ".repeat(N)),
        format!("SELECT arrow_cast(NULL, '{}Int8{}')", "List(".repeat(N), ")".repeat(N)),
        format!("SELECT arrow_cast(NULL, $${}Int8{}$$)", "List(".repeat(N), ")".repeat(N)),
    ];
    for shape in shapes {
        assert!(depth_of(&shape) >= N, "{} of {}", depth_of(&shape), &shape[..60]);
    }
}

#[test]
fn queries_within_queries_add_up() {
    let long = format!("x{}", "+1".repeat(400));
    let nested = format!("SELECT {long} FROM (SELECT {long} AS x FROM (SELECT {long} AS x FROM t))");
    assert!(depth_of(&nested) >= 1200);
    let beside = format!("WITH a AS (SELECT {long}), b AS (SELECT {long} FROM a) SELECT {long} FROM b");
    assert!(depth_of(&beside) >= 1200);
}

#[test]
fn long_lists_are_not_deep() {
    let many = "(1, 'a', -2.5), ".repeat(10_000);
    let cases = [
        format!("SELECT * FROM t WHERE id IN ({}0)", "1, ".repeat(20_000)),
        format!("SELECT * FROM (VALUES {many}(0, '', 0)) AS v(a, b, c)"),
        format!("SELECT {}1", "avg(value) AS mean, ".repeat(1_000)),
        "SELECT '[[[[[[[[[[[[[[[[[[[[[[[[' || '+1+1+1+1+1+1'".to_owned(),
    ];
    for case in cases {
        assert!(depth_of(&case) < 20, "{} of {}", depth_of(&case), &case[..40]);
    }
}

#[test]
fn the_parser_tells_what_is_no_sql() {
    for text in ["SELECT 'open", "SELECT )))", "((((", "]", "SELECT \"", "/*", "$$"] {
        assert!(check(text).is_ok(), "{text}");
    }
}

#[test]
fn length_and_depth_are_refused_with_their_bounds() {
    let long = check(&format!("SELECT '{}'", "x".repeat(MAX_TEXT_BYTES))).expect_err("too long");
    assert!(long.message.contains("262144"), "{}", long.message);
    let deep = check(&format!("SELECT 1{}", "+1".repeat(MAX_NESTING_DEPTH + 1))).expect_err("too deep");
    assert_eq!(deep.fields[0].field, "query");
}

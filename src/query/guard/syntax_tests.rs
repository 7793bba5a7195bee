//! Tests statements that grow when they are planned.

use datafusion::sql::parser::DFParser;

use super::*;

fn check_text(text: &str) -> Result<()> {
    let statements = DFParser::parse_sql(text).expect("it parses");
    statements.iter().try_for_each(check)
}

fn doubling(levels: usize) -> String {
    let ctes: Vec<_> = (1..=levels)
        .map(|n| format!("c{n} AS (SELECT * FROM c{0} UNION ALL SELECT * FROM c{0})", n - 1))
        .collect();
    format!("WITH c0 AS (SELECT 1 x), {} SELECT count(*) FROM c{levels}", ctes.join(", "))
}

#[test]
fn with_queries_that_double_are_refused() {
    assert!(check_text(&doubling(3)).is_ok());
    for levels in [20, 40, 200] {
        let refused = check_text(&doubling(levels)).expect_err("it doubles at every level");
        assert!(refused.fields[0].message.contains("WITH"), "{refused:?}");
    }
    assert!(check_text(&format!("EXPLAIN {}", doubling(30))).is_err());
    assert!(check_text(&format!("SELECT * FROM ({}) t", doubling(30))).is_err());
}

#[test]
fn a_chain_of_with_queries_is_as_long_as_its_text() {
    let ctes: Vec<_> = (1..100).map(|n| format!("c{n} AS (SELECT x + {n} AS x FROM c{})", n - 1)).collect();
    assert!(check_text(&format!("WITH c0 AS (SELECT 1 x), {} SELECT * FROM c99", ctes.join(", "))).is_ok());
    let recursive =
        "WITH RECURSIVE t AS (SELECT 1 n UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT * FROM t";
    assert!(check_text(recursive).is_ok());
}

#[test]
fn grouping_sets_are_counted_before_they_are_made() {
    let columns: Vec<_> = (0..30).map(|n| format!("c{n}")).collect();
    let columns = columns.join(", ");
    let cases = [
        (format!("SELECT 1 FROM t GROUP BY CUBE({columns})"), false),
        (format!("SELECT 1 FROM t GROUP BY ROLLUP({columns})"), true),
        ("SELECT 1 FROM t GROUP BY CUBE(a, b), CUBE(c, d)".to_owned(), true),
        (format!("SELECT 1 FROM t GROUP BY ROLLUP({columns}), ROLLUP({columns}), ROLLUP({columns})"), false),
        ("SELECT 1 FROM t GROUP BY GROUPING SETS ((a), (b), ())".to_owned(), true),
        (format!("SELECT (SELECT 1 FROM t GROUP BY CUBE({columns}))"), false),
    ];
    for (text, is_fine) in cases {
        assert_eq!(check_text(&text).is_ok(), is_fine, "{text}");
    }
}

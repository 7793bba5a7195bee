//! Errors that people read when a query is wrong.

use std::fmt::Write;

use serde_json::{Value, json};

use super::answers;
use crate::in_process::TestEnv;

/// Name, statement, parameters.
fn table() -> Vec<(&'static str, &'static str, Value)> {
    let none = Value::Null;
    vec![
        ("empty", "   ", none.clone()),
        ("only a comment", "-- nothing", none.clone()),
        ("not SQL", "hello", none.clone()),
        ("half a statement", "SELECT * FROM", none.clone()),
        ("a word too many", "SELECT 1 FROM readings WHERE WHERE", none.clone()),
        ("a bracket left open", "SELECT (1 FROM readings", none.clone()),
        ("a string left open", "SELECT 'abc FROM readings", none.clone()),
        ("two statements", "SELECT 1; SELECT 2", none.clone()),
        ("no such table", "SELECT * FROM sensors", none.clone()),
        ("no such schema", "SELECT * FROM other.readings", none.clone()),
        ("no such column", "SELECT temperature FROM readings", none.clone()),
        ("no such column of an alias", "SELECT r.temperature FROM readings r", none.clone()),
        ("no such function", "SELECT frobnicate(value) FROM readings", none.clone()),
        ("too few arguments", "SELECT date_trunc('day') FROM readings", none.clone()),
        ("a function of the wrong type", "SELECT sum(text) FROM readings", none.clone()),
        ("not grouped", "SELECT stream_id, value FROM readings GROUP BY stream_id", none.clone()),
        ("an aggregate in where", "SELECT stream_id FROM readings WHERE max(value) > 1", none.clone()),
        ("ambiguous", "SELECT ts FROM readings a JOIN readings b ON a.ts = b.ts", none.clone()),
        ("a time that is none", "SELECT * FROM readings WHERE ts > 'yesterday'", none.clone()),
        ("a type that cannot be compared", "SELECT * FROM readings WHERE ts > 5.5", none.clone()),
        ("a type that is none", "SELECT CAST(value AS colour) FROM readings", none.clone()),
        ("division by zero", "SELECT 1 / (stream_id - stream_id) FROM readings", none.clone()),
        ("a cast that fails", "SELECT CAST(text AS INT) FROM readings WHERE text IS NOT NULL", none.clone()),
        ("a number too large", "SELECT CAST(99999999999 AS INT)", none.clone()),
        ("a wrong regular expression", "SELECT * FROM readings WHERE text ~ '('", none.clone()),
        (
            "a wrong regular expression, as SIMILAR TO",
            "SELECT * FROM readings WHERE text SIMILAR TO '['",
            none.clone(),
        ),
        ("a negative limit", "SELECT 1 LIMIT -1", none.clone()),
        ("a union of unequal width", "SELECT 1 UNION SELECT 1, 2", none.clone()),
        ("a subquery with many rows", "SELECT (SELECT value FROM readings)", none.clone()),
        ("a missing parameter", "SELECT * FROM readings WHERE stream_id = $stream", none.clone()),
        ("a misspelt parameter", "SELECT * FROM readings WHERE stream_id = $stream", json!({"streams": 1})),
        ("a parameter of the wrong type", "SELECT * FROM readings WHERE ts > $t", json!({"t": "soon"})),
        ("a list as parameter", "SELECT * FROM readings WHERE stream_id IN ($ids)", json!({"ids": [1, 2]})),
        ("too few numbered parameters", "SELECT $1, $2", json!([1])),
        ("parameters that are a text", "SELECT 1", json!("x")),
        ("writing", "DELETE FROM readings", none.clone()),
        ("creating", "CREATE TABLE t (a INT)", none.clone()),
        ("setting", "SET datafusion.execution.batch_size = 1", none.clone()),
        ("copying out", "COPY readings TO '/tmp/x.csv'", none.clone()),
        ("a file as a table", "SELECT * FROM '/etc/passwd'", none.clone()),
        ("a setting shown", "SHOW nothing_like_it", none),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_readable_and_4xx() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    answers::write(&env, &db, false).await;
    let client = answers::client(&env, &db).await;
    let mut text_of_all = String::new();
    for (name, query, params) in table() {
        let (status, answer) =
            client.post("/sql", &json!({"query": query, "params": params})).await.outcome();
        let text = answer["detail"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
        writeln!(text_of_all, "{name}\n  {query}\n  {status} {text}\n").unwrap();
    }
    for wrapper in
        ["DataFusion", "Error during planning", "Arrow error", "External error", "basalt.public", "backtrace"]
    {
        assert!(!text_of_all.contains(wrapper), "`{wrapper}` is in\n{text_of_all}");
    }
    let mut settings = insta::Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("bad_queries", text_of_all));
}

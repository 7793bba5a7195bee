//! Tests named query files: their syntax, errors and parameters.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::domain::named_query::ParamKind;

/// 2026-03-31T12:00:00Z: the previous month has fewer days.
const NOW: Micros = Micros(1_774_958_400_000_000);

const WHOLE: &str = "-- name: a\n-- description: b: c\n-- param: x bigint\n-- param: y text = 'it''s'\n\
                     -- Note: for people\n\n-- and this\nSELECT $x, $y, '$z' -- $z\n";

#[test]
fn every_file_of_the_folder_is_compiled_in() {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("queries");
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.filter(|name| name.ends_with(".sql")).collect();
    assert_eq!(BUILT_IN.map(|(file, _)| file.to_owned()).into_iter().collect::<BTreeSet<_>>(), files);
    let all = NamedQueries::load(None).unwrap();
    for query in all.iter() {
        assert!(
            files.contains(&format!("{}.sql", query.name)),
            "{} is in a file of another name",
            query.name
        );
    }
    assert_eq!(all.iter().count(), files.len());
}

#[test]
fn a_file_says_its_name_what_it_is_for_and_its_parameters() {
    let query = query_file::parse(WHOLE).unwrap();
    assert_eq!((query.name.as_str(), query.description.as_str(), query.text.as_str()), ("a", "b: c", WHOLE));
    let params: Vec<_> = query.params.iter().map(|p| (p.name.as_str(), p.kind, p.default.clone())).collect();
    assert_eq!(params, [("x", ParamKind::Bigint, None), ("y", ParamKind::Text, Some(json!("it's")))]);
}

/// The planner does not know parameter types, and adding an interval to a time needs them.
#[test]
fn times_and_intervals_have_their_types_in_what_runs() {
    let head = "-- name: a\n-- description: b\n-- param: at timestamp\n-- param: step interval\n";
    let body = "SELECT TIMESTAMP '2026-01-01' + $step, 'it''s $at' || E'\\n', $at -- $at\n";
    let query = query_file::parse(&format!("{head}{body}")).unwrap();
    let cast = "arrow_cast($at, 'Timestamp(Microsecond, Some(\"UTC\"))')";
    let expected = "SELECT TIMESTAMP '2026-01-01' + CAST($step AS INTERVAL), 'it''s $at' || E'\\n', ";
    assert_eq!(query.statement, format!("{head}{expected}{cast} -- $at\n"));
}

#[test]
fn a_wrong_file_is_refused_with_the_reason() {
    let head = |rest: &str| format!("-- name: a\n-- description: b\n{rest}");
    let param = |declared: &str| head(&format!("-- param: {declared}\nSELECT $x"));
    let rows = [
        ("no_name", "-- description: b\nSELECT 1".to_owned(), "lacks a line `-- name: …`"),
        ("no_description", "-- name: a\nSELECT 1".to_owned(), "lacks a line `-- description: …`"),
        ("a_name_in_capitals", "-- name: A b\nSELECT 1".to_owned(), "line 1: the name `A b`"),
        ("two_names", "-- name: a\n-- name: b\nSELECT 1".to_owned(), "line 2: there is a second name"),
        ("an_unknown_key", head("-- parm: x bigint\nSELECT 1"), "line 3: `parm` is not known"),
        ("no_statement", head(""), "one SELECT statement"),
        ("two_statements", head("SELECT 1; SELECT 2"), "one SELECT statement"),
        ("no_sql", head("SELEKT 1"), "SELEKT"),
        ("one_that_changes", head("DELETE FROM readings"), "is not read-only"),
        ("one_that_explains", head("EXPLAIN SELECT 1"), "one SELECT statement"),
        ("undeclared", head("SELECT $x"), "`$x`, which no"),
        ("numbered", head("SELECT $1"), "`$1`, which no"),
        ("unused", head("-- param: x bigint\nSELECT '$x'"), "declares `x` and does not use it"),
        (
            "declared_twice",
            head("-- param: x bigint\n-- param: x text\nSELECT $x"),
            "line 4: the parameter `x`",
        ),
        ("without_a_type", param("x"), "`x` is not `NAME TYPE`"),
        ("an_unknown_type", param("x integer"), "`integer` is not a type of a parameter: use bigint, double"),
        ("a_name_that_is_none", param("1x bigint"), "the parameter `1x`"),
        ("a_default_that_is_no_literal", param("x bigint = 1 + 1"), "the default of `x`: `1 + 1`"),
        ("a_default_of_another_type", param("x bigint = 'much'"), "the default of `x`: `much`"),
        ("a_default_that_is_no_time", param("x timestamp = 'yesterday'"), "`yesterday` is not valid"),
        ("a_default_that_is_no_interval", param("x interval = '5'"), "`5` is not valid"),
    ];
    for (name, text, expected) in rows {
        let why = query_file::parse(&text).expect_err(name);
        assert!(why.contains(expected), "{name}: {why}");
    }
}

#[test]
fn a_folder_adds_to_what_is_there_and_its_mistakes_are_named() {
    let load = |files: &[(&str, &str)]| {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        NamedQueries::load(Some(dir.path()))
    };
    let own = "-- name: own\n-- description: d\nSELECT 1";
    let all = load(&[("x.sql", own), ("README.md", "no query")]).unwrap();
    assert_eq!(all.get("own").unwrap().text, own);
    assert_eq!(all.iter().count(), BUILT_IN.len() + 1);
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let rows: [Row; 3] = [
        ("a_bad_file", &[("x.sql", "SELECT 1")], &["queries_dir", "x.sql", "-- name"]),
        ("a_name_twice", &[("x.sql", own), ("y.sql", own)], &["y.sql", "`own`", "x.sql"]),
        (
            "a_built_in_name",
            &[("z.sql", "-- name: latest\n-- description: d\nSELECT 1")],
            &["z.sql", "the built-in latest.sql"],
        ),
    ];
    for (name, files, words) in rows {
        let message = load(files).expect_err(name).message;
        assert!(words.iter().all(|word| message.contains(word)), "{name}: {message}");
    }
    let missing = NamedQueries::load(Some(Path::new("/nowhere/at/all"))).unwrap_err().message;
    assert!(missing.contains("queries_dir: /nowhere/at/all cannot be read"), "{missing}");
    let unknown = all.get("own ").unwrap_err();
    assert_eq!(unknown.kind, Kind::NotFound);
    assert!(unknown.message.contains("`own `") && unknown.message.contains("latest"), "{unknown}");
}

#[test]
fn values_are_taken_as_json_and_as_text() {
    use ParamKind::{Bigint, Boolean, Double, Interval, Text, Timestamp};
    let rows: [(ParamKind, Value, Option<Value>); 29] = [
        (Bigint, json!(7), Some(json!(7))),
        (Bigint, json!("-7"), Some(json!(-7))),
        (Bigint, json!(7.5), None),
        (Bigint, json!("9223372036854775808"), None),
        (Bigint, json!(null), None),
        (Double, json!(1), Some(json!(1.0))),
        (Double, json!("1e3"), Some(json!(1000.0))),
        (Double, json!("inf"), None),
        (Double, json!(""), None),
        (Boolean, json!(true), Some(json!(true))),
        (Boolean, json!("false"), Some(json!(false))),
        (Boolean, json!(1), None),
        (Text, json!("7"), Some(json!("7"))),
        (Text, json!(7), None),
        (Timestamp, json!("2026-04-28T14:00:00+02:00"), Some(json!("2026-04-28T12:00:00Z"))),
        (Timestamp, json!("2026-04-28"), Some(json!("2026-04-28T00:00:00Z"))),
        (Timestamp, json!(1_777_377_600), Some(json!("2026-04-28T12:00:00Z"))),
        (Timestamp, json!("now"), Some(json!("2026-03-31T12:00:00Z"))),
        (Timestamp, json!("now - 1 day"), Some(json!("2026-03-30T12:00:00Z"))),
        (Timestamp, json!("now-90m"), Some(json!("2026-03-31T10:30:00Z"))),
        (Timestamp, json!("now - 1 month"), Some(json!("2026-02-28T12:00:00Z"))),
        (Timestamp, json!("now + 1 day"), None),
        (Timestamp, json!("now - 100 years"), None),
        (Timestamp, json!("yesterday"), None),
        (Interval, json!(" 15 minutes "), Some(json!("0 months 0 days 900 seconds"))),
        (Interval, json!("P1MT0.5S"), Some(json!("1 months 0 days 500000000 nanoseconds"))),
        (Interval, json!("often"), None),
        (Interval, json!(15), None),
        (Text, json!(["a"]), None),
    ];
    for (kind, given, expected) in rows {
        let found = param_value::parse_value(kind, &given, NOW);
        assert_eq!(found.clone().ok(), expected, "{kind} {given}: {found:?}");
        if let Err(why) = found {
            assert!(why.contains(param_value::describe_kind(kind)), "{kind} {given}: {why}");
        }
    }
}

#[test]
fn what_is_not_given_is_the_default_and_every_mistake_is_told_at_once() {
    let text = "-- name: a\n-- description: b\n-- param: x bigint\n-- param: at timestamp = 'now - 1 hour'\n\
                -- param: word text = null\nSELECT $x, $at, $word";
    let query = query_file::parse(text).unwrap();
    let bound = |given: Value| bind(&query, given.as_object().unwrap(), NOW);
    let hour_ago = "2026-03-31T11:00:00Z";
    assert_eq!(bound(json!({"x": "1"})).unwrap(), json!({"x": 1, "at": hour_ago, "word": null}));
    assert_eq!(
        bound(json!({"x": 1, "at": "now", "word": "w"})).unwrap(),
        json!({"x": 1, "at": "2026-03-31T12:00:00Z", "word": "w"})
    );
    assert_eq!(bound(json!({"x": 1, "word": null})).unwrap()["word"], Value::Null);
    let error = bound(json!({"y": 1, "at": null})).unwrap_err();
    let fields: Vec<_> = error.fields.iter().map(|field| field.field.as_ref()).collect();
    assert_eq!((error.kind, &fields[..]), (Kind::Invalid, &["params.y", "params.x", "params.at"][..]));
    assert!(error.message.contains("is no parameter of `a`: `x`, `at`, `word`"), "{error}");
}

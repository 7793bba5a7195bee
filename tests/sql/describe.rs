//! Columns and parameters of a statement: told without running it, and true once it runs.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use basalt::domain::{Kind, Principal, Scopes};
use basalt::query::describe::DescribeRequest;
use basalt::query::engine::StatementRequest;
use basalt::query::log::Surface;
use basalt::query::params::Params;
use futures::TryStreamExt;
use serde_json::json;

use crate::in_process::{TestDb, TestEnv};
use crate::support::rows;

fn ts() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn sketch(text: &str, declared: &[Option<DataType>]) -> DescribeRequest {
    let (text, declared, bound) = (text.to_owned(), declared.to_vec(), Params::Typed(Vec::new()));
    DescribeRequest { text, declared, bound, surface: Surface::Flight }
}

async fn types(db: &TestDb, who: &Principal, request: StatementRequest) -> Vec<DataType> {
    let answer = db.engine.sql(who, request).await.unwrap();
    let found = answer.schema.fields().iter().map(|field| field.data_type().clone()).collect();
    answer.batches.try_collect::<Vec<_>>().await.unwrap();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_described_is_what_comes() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    use DataType::{Boolean, Float64, Int32, Int64, Utf8};
    type Row<'a> = (&'a str, &'a str, &'a [Option<DataType>], Vec<DataType>, Vec<DataType>);
    let rows: [Row; 14] = rows![
        "columns", "SELECT ts, value, text FROM readings", &[], vec![], vec![ts(), Float64, Utf8];
        "a_comparison", "SELECT value FROM readings WHERE stream_id = $1 AND ts > $2", &[], vec![Int32, ts()],
            vec![Float64];
        "declared_wins", "SELECT $1 AS x", &[Some(Int64)], vec![Int64], vec![Int64];
        "nothing_said_is_text", "SELECT $1 AS x", &[], vec![Utf8], vec![Utf8];
        "the_second_alone", "SELECT $2 AS x", &[None, Some(Float64)], vec![Utf8, Float64], vec![Float64];
        "a_cast", "SELECT CAST($1 AS BIGINT) AS x", &[], vec![Int64], vec![Int64];
        "a_limit", "SELECT value FROM readings LIMIT $1", &[], vec![Int64], vec![Float64];
        "a_span_beside_a_time", "SELECT ts + $1 AS x FROM readings", &[],
            vec![DataType::Interval(IntervalUnit::MonthDayNano)], vec![ts()];
        "arithmetic", "SELECT value * $1 AS x FROM readings", &[], vec![Float64], vec![Float64];
        "coalesced", "SELECT coalesce($1, ts) AS x FROM readings", &[], vec![ts()], vec![ts()];
        "coalesced_with_a_whole_number_first", "SELECT coalesce($1, 0, value) AS x FROM readings", &[],
            vec![Float64], vec![Float64];
        "the_values_of_a_case", "SELECT CASE WHEN $1 THEN value ELSE $2 END AS x FROM readings", &[],
            vec![Boolean, Float64], vec![Float64];
        "the_operand_of_a_case", "SELECT CASE stream_id WHEN $1 THEN 'a' ELSE $2 END AS x FROM readings", &[],
            vec![Int32, Utf8], vec![Utf8];
        "no_rows_at_all", "SELECT ts FROM readings WHERE false", &[], vec![], vec![ts()];
    ];
    for (name, text, declared, params, schema) in rows {
        let found = db.engine.describe(&env.owner, sketch(text, declared)).await.unwrap();
        let column_types: Vec<_> =
            found.schema.fields().iter().map(|field| field.data_type().clone()).collect();
        assert_eq!((&found.params, &column_types), (&params, &schema), "{name}");
        let nulls = params.iter().map(|known| arrow::array::new_null_array(known, 1)).collect();
        // A limit of null is none.
        let (text, params) = (text.to_owned(), Params::Typed(nulls));
        let request = StatementRequest { text, params, surface: Surface::Flight, settings: None };
        assert_eq!(types(&db, &env.owner, request).await, schema, "{name}, run");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_run_is_not_described_either() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let nobody = Principal { scopes: Scopes::NONE, ..env.owner.clone() };
    let rows = [
        ("a_scope", &nobody, "SELECT * FROM readings", Kind::Forbidden, "value:read"),
        ("writing", &env.owner, "DELETE FROM readings", Kind::Invalid, "only reading statements"),
        ("nonsense", &env.owner, "SELEC", Kind::Invalid, "Expected"),
        ("names", &env.owner, "SELECT $name", Kind::Invalid, "$1"),
        ("too_many", &env.owner, "SELECT $1001", Kind::Invalid, "$1000"),
        ("nothing", &env.owner, " ", Kind::Invalid, "empty"),
    ];
    for (name, who, text, kind, words) in rows {
        let error = db.engine.describe(who, sketch(text, &[])).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(words), "{name}: {error:?}");
    }
    let log = db.sql(&env.owner, "SELECT surface, outcome FROM query_log ORDER BY started_at").await;
    assert_eq!(log.len(), 6, "refusals are told: {log:?}");
    assert_eq!(log[0], json!({"surface": "flight", "outcome": "forbidden"}));
    db.engine.describe(&env.owner, sketch("SELECT 1", &[])).await.unwrap();
    let log = db.sql(&env.owner, "SELECT * FROM query_log WHERE surface = 'flight'").await;
    assert_eq!(log.len(), 6, "what is described is no query");
}

/// JSON is one way to say values, arrays are another; the engine sees the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_values_and_json_mean_the_same() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    super::answers::write(&env, &db, true).await;
    let text = "SELECT count(*) AS n FROM readings WHERE stream_id = $1 AND ts >= $2";
    let time = env.owner.clone();
    let first = db.sql(&time, "SELECT min(ts) AS ts FROM readings WHERE stream_id = 1").await;
    let first = first[0]["ts"].as_str().unwrap().to_owned();
    let as_json = db.try_sql(&env.owner, text, &json!([1, first])).await.unwrap();
    assert!(as_json[0]["n"].as_i64().unwrap() > 0, "{as_json:?}");
    let words: ArrayRef = Arc::new(StringArray::from(vec![first.clone()]));
    let time: ArrayRef = arrow::compute::cast(&words, &ts()).unwrap();
    for second in [words, time] {
        let values: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![1])), second];
        let request = StatementRequest {
            text: text.to_owned(),
            params: Params::Typed(values),
            surface: Surface::Flight,
            settings: None,
        };
        let answer = db.engine.sql(&env.owner, request).await.unwrap();
        let batches: Vec<_> = answer.batches.try_collect().await.unwrap();
        let n = arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
        assert_eq!(json!(n.parse::<i64>().unwrap()), as_json[0]["n"]);
    }
    let two: Vec<ArrayRef> = vec![Arc::new(TimestampMicrosecondArray::from(vec![1, 2]))];
    let request = StatementRequest {
        text: "SELECT $1".to_owned(),
        params: Params::Typed(two),
        surface: Surface::Flight,
        settings: None,
    };
    let error = db.engine.sql(&env.owner, request).await.err().unwrap();
    assert!(error.message.contains("2 values"), "{error}");
}

//! Every format carries the same rows, read back by other code than wrote them.

use std::io::Cursor;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, TimeUnit, TimestampMicrosecondType};
use arrow::ipc::reader::StreamReader;
use basalt::domain::Micros;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::answers;
use crate::in_process::TestEnv;
use crate::support::Client;

const QUERY: &str = "SELECT stream_id, ts, value, text, quality FROM readings ORDER BY stream_id, ts";

fn from_batches(batches: &[RecordBatch]) -> Vec<Value> {
    let mut rows = Vec::new();
    for batch in batches {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(batch.column(1).data_type(), &utc);
        for i in 0..batch.num_rows() {
            let text = |column: usize| {
                let texts = batch.column(column).as_string::<i32>();
                texts.is_valid(i).then(|| texts.value(i))
            };
            let values = batch.column(2).as_primitive::<Float64Type>();
            rows.push(json!({
                "stream_id": batch.column(0).as_primitive::<Int32Type>().value(i),
                "ts": Micros(batch.column(1).as_primitive::<TimestampMicrosecondType>().value(i)).to_iso(),
                "value": values.is_valid(i).then(|| values.value(i)),
                "text": text(3),
                "quality": text(4),
            }));
        }
    }
    rows
}

fn from_csv(bytes: &[u8]) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(bytes);
    assert_eq!(reader.headers().unwrap(), vec!["stream_id", "ts", "value", "text", "quality"]);
    let row = |record: csv::StringRecord| {
        let number: Option<f64> = record[2].parse().ok();
        // CSV has no null: an empty text is one of both.
        let text =
            Some(&record[3]).filter(|text| !text.is_empty() || (&record[0] == "3" && &record[4] == "good"));
        json!({
            "stream_id": record[0].parse::<i32>().unwrap(),
            "ts": iso(&record[1]),
            "value": number,
            "text": text,
            "quality": &record[4],
        })
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// Returns a time in our own spelling.
fn iso(text: &str) -> String {
    Micros::parse(text).unwrap_or_else(|| panic!("`{text}` is a time")).to_iso()
}

async fn ask(client: &Client, accept: &str) -> Vec<u8> {
    let headers = [("accept", accept), ("content-type", "text/plain")];
    let (status, headers, bytes) = client.send_bytes("POST", "/sql", &headers, QUERY).await.into_parts();
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, accept));
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_carries_the_same_rows() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    answers::write(&env, &db, false).await;
    db.store.flush().await.unwrap();
    let client = answers::client(&env, &db).await;

    let mut expected: Vec<Value> = serde_json::from_slice(&ask(&client, "application/json").await).unwrap();
    assert_eq!(expected.len(), 78);
    for row in &mut expected {
        row["ts"] = json!(iso(row["ts"].as_str().unwrap()));
    }
    let lines = ask(&client, "application/x-ndjson").await;
    let mut ndjson: Vec<Value> =
        String::from_utf8(lines).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    ndjson.iter_mut().for_each(|row| row["ts"] = json!(iso(row["ts"].as_str().unwrap())));
    let arrow = ask(&client, "application/vnd.apache.arrow.stream").await;
    let arrow: Vec<RecordBatch> =
        StreamReader::try_new(Cursor::new(arrow), None).unwrap().map(Result::unwrap).collect();
    let parquet = Bytes::from(ask(&client, "application/vnd.apache.parquet").await);
    let parquet = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().build().unwrap();
    let parquet: Vec<RecordBatch> = parquet.map(Result::unwrap).collect();
    for (name, found) in [
        ("ndjson", ndjson),
        ("csv", from_csv(&ask(&client, "text/csv").await)),
        ("arrow", from_batches(&arrow)),
        ("parquet", from_batches(&parquet)),
    ] {
        assert!(found == expected, "{name}\n  got      {found:?}\n  expected {expected:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_rows_is_whole_in_every_format() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let client = answers::client(&env, &db).await;
    assert_eq!(ask(&client, "application/json").await, b"[]");
    assert_eq!(ask(&client, "application/x-ndjson").await, b"");
    assert_eq!(ask(&client, "text/csv").await, b"stream_id,ts,value,text,quality\n");
    let arrow = ask(&client, "application/vnd.apache.arrow.stream").await;
    let arrow = StreamReader::try_new(Cursor::new(arrow), None).unwrap();
    assert_eq!(arrow.schema().fields().len(), 5);
    assert_eq!(arrow.count(), 0);
    let parquet = Bytes::from(ask(&client, "application/vnd.apache.parquet").await);
    let parquet = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    assert_eq!((parquet.schema().fields().len(), parquet.metadata().file_metadata().num_rows()), (5, 0));
}

/// Formats refuse what they cannot say instead of leaving it out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_that_formats_find_hard_are_carried_or_refused() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let client = answers::client(&env, &db).await;
    for (query, json_answer) in [
        ("SELECT INTERVAL '90 minutes' AS x", None),
        ("SELECT ARRAY[1, 2] AS x", Some(json!([{"x": [1, 2]}]))),
        ("SELECT named_struct('a', 1) AS x", Some(json!([{"x": {"a": 1}}]))),
        ("SELECT 9007199254740993 AS x", Some(json!([{"x": 9_007_199_254_740_993_i64}]))),
        ("SELECT 'NaN'::double AS x", Some(json!([{"x": null}]))),
        ("SELECT 1.5::decimal(10, 2) AS x", None),
        ("SELECT now() - now() AS x", None),
        ("SELECT NULL AS x", Some(json!([{"x": null}]))),
        ("SELECT DATE '2026-04-28' AS x", Some(json!([{"x": "2026-04-28"}]))),
        ("SELECT 1 AS x, 2 AS x2, true AS b", Some(json!([{"x": 1, "x2": 2, "b": true}]))),
    ] {
        for accept in [
            "application/json",
            "application/x-ndjson",
            "text/csv",
            "application/vnd.apache.arrow.stream",
            "application/vnd.apache.parquet",
        ] {
            let headers = [("accept", accept), ("content-type", "text/plain")];
            let answered = client.try_send_bytes("POST", "/sql", &headers, query).await;
            let answered = answered.unwrap_or_else(|e| panic!("{query} as {accept}: cut: {e}"));
            let (status, bytes) = answered.outcome();
            let text = String::from_utf8_lossy(&bytes);
            assert!(status == 200 || (400..500).contains(&status), "{query} as {accept}: {status} {text}");
            if let Some(expected) = json_answer.as_ref().filter(|_| accept == "application/json") {
                assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), *expected, "{query}");
            }
        }
    }
}

//! The forms: what they share, and what each can say.

use std::fs;

use serde_json::{Value, json};

use super::{ARROW, CSV, NDJSON, PARQUET};
use crate::rest::{stream_of, with_stream};
use crate::support::{DataDir, Server, rows, run_python};

#[tokio::test]
async fn all_four_forms_written_by_polars_say_the_same() {
    let (_server, client) = Server::with_client(&[]).await;
    for (media, ending) in [(ARROW, "arrow"), (PARQUET, "parquet"), (NDJSON, "ndjson"), (CSV, "csv")] {
        let (_, stream) = stream_of(&client, ending, "fp64").await;
        let folder = DataDir::new();
        let path = folder.path().display().to_string();
        let written = run_python("make_forms.py", &[&stream.to_string(), "1000", &path]).await;
        let body = fs::read(folder.path().join(format!("readings.{ending}"))).expect("polars wrote it");
        client.ingest(media, body).await.is(200, &json!({"rows": 1000}));

        let query = format!(
            "SELECT CAST(ts AS BIGINT) AS us, value FROM readings WHERE stream_id = {stream} ORDER BY ts"
        );
        let rows: Vec<_> =
            client.sql(&query).await.iter().map(|row| json!([row["us"], row["value"]])).collect();
        assert_eq!(json!(rows), written, "{media}");
    }
}

#[tokio::test]
async fn a_row_is_named_and_timed_in_many_ways_and_texts_and_wide_integers_stay_exact() {
    let (_server, client, _, stream) = with_stream("s", "fp64").await;
    let noon = "2026-04-28T12:00:00Z";
    let by_names = r#"{"device": "s device", "stream": "s", "ts": 1777377600, "value": 7}"#.to_owned();
    let rows = rows![
        "by_id", NDJSON, format!(r#"{{"stream_id": {stream}, "ts": "{noon}", "value": 1}}"#), json!(1.0);
        "by_names", NDJSON, by_names, json!(7.0);
        "an_alias_of_ts", NDJSON, format!(r#"{{"stream_id": {stream}, "timestamp": "{noon}", "value": 2.5}}"#), json!(2.5);
        "a_boolean", NDJSON, format!(r#"{{"stream_id": {stream}, "ts": 1777377600.0, "value": true}}"#), json!(1.0);
        "blank_lines", NDJSON, format!("\n\n{{\"stream_id\": {stream}, \"ts\": 1777377600, \"value\": 3}}\n\n"), json!(3.0);
        "ndjson_after_a_byte_order_mark", NDJSON, format!("\u{feff}{{\"stream_id\": {stream}, \"ts\": 1777377600, \"value\": 3.5}}"), json!(3.5);
        "csv_after_a_byte_order_mark", CSV, format!("\u{feff}value,ts,stream_id\n4.5,{noon},{stream}\n"), json!(4.5);
        "csv_in_any_order", CSV, format!("value,ts,stream_id\n4,{noon},{stream}\n"), json!(4.0);
        "csv_by_names", CSV, format!("device,stream,time,value\ns device,s,{noon},5\n"), json!(5.0);
        "csv_another_zone", CSV, format!("stream_id,ts,value\n{stream},2026-04-28T14:00:00+02:00,6\n"), json!(6.0);
        "the_later_row_wins", CSV, format!("stream_id,ts,value\n{stream},{noon},8\n{stream},{noon},9\n"), json!(9.0);
        "an_integer_beyond_2_to_the_53", NDJSON, format!(r#"{{"stream_id": {stream}, "ts": "{noon}", "value": 100000000000000000}}"#), json!(1e17);
        "an_integer_beyond_2_to_the_53_in_csv", CSV, format!("stream_id,ts,value\n{stream},{noon},-9007199254740993\n"), json!(-9_007_199_254_740_992.0);
        "bad_has_no_value", CSV, format!("stream_id,ts,value,quality\n{stream},{noon},,bad\n"), Value::Null;
    ];
    for (name, media, body, expected) in rows {
        client.ingest(media, body).await.about(&name).ok();
        let stored = client.sql("SELECT value, quality FROM readings").await;
        let quality = if expected.is_null() { "bad" } else { "good" };
        assert_eq!(stored, [json!({"value": expected, "quality": quality})], "{name}");
    }

    for (kind, body, expected) in [
        ("text", r#""text": "größer ☃""#, json!("größer ☃")),
        ("json", r#""text": "{\"a\": [1]}""#, json!({"a": [1]})),
        ("uint64", r#""value": 18446744073709551615"#, json!(18_446_744_073_709_551_615_u64)),
        ("int64", r#""value": -9007199254740993"#, json!(-9_007_199_254_740_993_i64)),
        ("fp64", r#""value": 0.1"#, json!(0.1)),
    ] {
        let (_, stream) = stream_of(&client, kind, kind).await;
        let line = format!(r#"{{"stream_id": {stream}, "ts": 1777377600, {body}}}"#);
        client.ingest(NDJSON, line).await.about(&kind).ok();
        assert_eq!(client.get(&format!("/api/data/{stream}/value/")).await[0]["value"], expected, "{kind}");
        if kind == "text" {
            let empty = format!("stream_id,ts,value,text,quality\n{stream},{noon},,,good\n");
            client.ingest(CSV, empty).await.about(&"an empty text").ok();
            assert_eq!(client.get(&format!("/api/data/{stream}/value/")).await[0]["value"], "");
        }
    }
}

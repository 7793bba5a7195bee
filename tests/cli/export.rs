//! Readings to files and back: nothing is lost, changed or invented on the way, wherever they are asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::rest::stream_of;
use crate::support::{Client, DataDir, Server, rows};

const ALL: &str = "SELECT stream_id, ts, value, text, quality FROM readings ORDER BY stream_id, ts";

/// A stream of each sort of value; the ids are 1, 2, 3 and 4 in a fresh directory.
async fn streams(client: &Client) {
    for (n, kind) in ["fp64", "text", "int64", "uint64"].into_iter().enumerate() {
        assert_eq!(stream_of(client, kind, kind).await.1, n as i64 + 1);
    }
}

/// Rows that are easily spoilt: fractions of a second, exact integers, words with marks and lines, losses.
async fn write(client: &Client) {
    let mut rows = vec![
        json!({"stream_id": 1, "ts": "2026-04-27T23:59:59.999999Z", "value": 0.1}),
        json!({"stream_id": 1, "ts": "2026-04-28T00:00:00Z", "value": 1e-300, "quality": "uncertain"}),
        json!({"stream_id": 1, "ts": "2026-04-28T00:00:00.000001Z", "value": null, "quality": "bad"}),
        json!({"stream_id": 2, "ts": "2026-04-28T00:00:00Z", "text": "a, \"b\"\nc;\tд 🦀"}),
        json!({"stream_id": 2, "ts": "2026-04-28T00:00:01Z", "text": " 007 "}),
        json!({"stream_id": 2, "ts": "2026-04-28T00:00:02Z", "text": null, "quality": "bad"}),
        json!({"stream_id": 2, "ts": "2026-04-28T00:00:03Z", "text": ""}),
        json!({"stream_id": 3, "ts": "2026-04-28T00:00:00Z", "value": -9_007_199_254_740_993_i64}),
        json!({"stream_id": 3, "ts": "2026-04-28T00:00:01Z", "value": i64::MAX}),
        json!({"stream_id": 3, "ts": "2026-04-28T00:00:02Z", "value": 12}),
        json!({"stream_id": 4, "ts": "2026-04-28T00:00:00Z", "value": u64::MAX}),
    ];
    rows.extend((0..500).map(|n| {
        let ts = format!("2026-05-{:02}T12:{:02}:00Z", 1 + n / 60, n % 60);
        json!({"stream_id": 1, "ts": ts, "value": f64::from(n) / 7.0})
    }));
    let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
    client.ingest("application/x-ndjson", body).await.ok();
}

async fn ask(home: &DataDir) -> Value {
    let output = home.basalt(&["sql", ALL, "--format", "json"]).await.expect_success();
    serde_json::from_str(&output).expect("JSON")
}

#[tokio::test]
async fn what_is_exported_in_any_form_is_imported_as_it_was() {
    let mut server = Server::start(&[]).await;
    streams(&server.client()).await;
    write(&server.client()).await;
    // Half of it in the lake, half of it late and in memory.
    server.basalt(&["compact"]).await.expect_success();
    write(&server.client()).await;
    let expected = ask(&server.data_dir).await;
    assert_eq!(expected.as_array().map(Vec::len), Some(511));
    let exact: Vec<&Value> =
        expected.as_array().into_iter().flatten().filter(|r| r["stream_id"] == 3).collect();
    assert_eq!(exact[0]["text"], "-9007199254740993", "the test is of exact integers");

    let out = DataDir::new();
    let path = |name: &str| out.path().join(name).display().to_string();
    let there = ["--url".to_owned(), server.url.clone(), "--key".to_owned(), server.key.clone()];
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    for form in ["parquet", "csv", "ndjson", "jsonl", "arrow"] {
        let output = server.basalt(&["export", &path(&format!("beside.{form}"))]).await.expect_success();
        assert!(output.contains("511 rows"), "{form}: {output}");
        let elsewhere = path(&format!("elsewhere.{form}"));
        out.basalt(&[&["export", &elsewhere], &there[..]].concat()).await.expect_success();
    }
    server.stop().await;
    for form in ["parquet", "csv", "ndjson", "jsonl", "arrow"] {
        let alone = path(&format!("alone.{form}"));
        server.basalt(&["export", &alone]).await.expect_success();
        let bytes = fs::read(&alone).expect("it is there");
        // The others are the same rows in batches of other lengths.
        let is_text = ["csv", "ndjson", "jsonl"].contains(&form);
        for other in ["beside", "elsewhere"].into_iter().filter(|_| is_text) {
            let same = fs::read(path(&format!("{other}.{form}"))).expect("it is there") == bytes;
            assert!(same, "{other}.{form} differs from alone.{form}");
        }
        let mode = fs::metadata(&alone).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{form}");

        let mut fresh = Server::start(&[]).await;
        streams(&fresh.client()).await;
        fresh.stop().await;
        fresh.basalt(&["import", &alone]).await.expect_success();
        assert_eq!(ask(&fresh.data_dir).await, expected, "{form}");
    }
}

#[tokio::test]
async fn standard_output_has_what_a_range_and_a_key_choose() {
    let server = Server::start(&[]).await;
    streams(&server.client()).await;
    write(&server.client()).await;
    let csv = ["export", "-", "--format", "csv", "--stream", "2"];
    let expected = "stream_id,ts,value,text,quality\n\
                    2,2026-04-28T00:00:00Z,,\"a, \"\"b\"\"\nc;\tд 🦀\",good\n\
                    2,2026-04-28T00:00:01Z,, 007 ,good\n2,2026-04-28T00:00:02Z,,,bad\n\
                    2,2026-04-28T00:00:03Z,,,good\n";
    assert_eq!(server.basalt(&csv).await.expect_success(), expected);
    let ndjson = ["export", "-", "--format", "ndjson", "--stream", "4"];
    let line = server.basalt(&ndjson).await.expect_success();
    assert_eq!(serde_json::from_str::<Value>(&line).expect("one line")["text"], u64::MAX.to_string());

    let rows: [(&str, &[&str], usize); 6] = [
        ("from", &["--from", "2026-04-28T00:00:00.000001Z", "--stream", "1"], 501),
        ("to", &["--to", "2026-04-28T00:00:00Z"], 1),
        ("both", &["--from", "2026-04-28", "--to", "2026-04-28T00:00:01Z"], 5),
        ("a_zone", &["--from", "2026-04-28T02:00:00+02:00", "--to", "2026-04-28T02:00:01+02:00"], 5),
        ("two_streams", &["--stream", "2,4"], 5),
        ("nothing", &["--from", "2030-01-01"], 0),
    ];
    for (name, args, expected) in rows {
        let export = [&["export", "-", "--format", "ndjson"], args].concat();
        assert_eq!(server.basalt(&export).await.expect_success().lines().count(), expected, "{name}");
    }

    let key = server.create_key(&["--scope", "value:read", "--data", "2"]).await;
    let there = ["--url", server.url.as_str(), "--key", key.as_str()];
    let home = DataDir::new();
    let export = async |more: &[&str]| {
        let all = [&["export", "-", "--format", "ndjson"], &there[..], more].concat();
        home.basalt(&all).await
    };
    assert_eq!(export(&[]).await.expect_success().lines().count(), 4);
    let exported = export(&["--stream", "1"]).await.expect_success();
    assert_eq!(exported, "", "a stream it does not see is empty to it");
    let none = server.create_key(&["--scope", "data:read"]).await;
    let there = ["--url", server.url.as_str(), "--key", none.as_str()];
    let refused =
        home.basalt(&[&["export", "-", "--format", "csv"], &there[..]].concat()).await.expect_failure();
    assert!(refused.contains("value:read"), "{refused}");
}

#[tokio::test]
async fn an_export_that_fails_leaves_nothing_that_looks_whole() {
    let server = Server::start(&[("BASALT_LIMITS__QUERY_ROWS", "100")]).await;
    streams(&server.client()).await;
    write(&server.client()).await;
    let out = DataDir::new();
    let before = out.path().join("a.csv");
    fs::write(&before, "as it was").expect("written");
    let path = |name: &str| out.path().join(name).display().to_string();
    let rows = rows![
        "more_rows_than_one_answer_may_have", vec!["export".to_owned(), path("a.csv")], "a.csv";
        "no_such_folder", vec!["export".into(), path("no/a.csv")], "no/a.csv";
        "a_folder", vec!["export".into(), path(""), "--format".into(), "csv".into()], "is a directory";
        "no_form", vec!["export".into(), path("a.txt")], ".parquet";
        "no_such_stream", vec!["export".into(), path("b.csv"), "--stream".into(), "99".into()], "no stream 99";
        "no_time", vec!["export".into(), path("b.csv"), "--from".into(), "soon".into()], "`soon`";
    ];
    for (name, args, word) in rows {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = server.basalt(&args).await.expect_failure();
        assert!(output.contains(word) && output.lines().count() == 1, "{name}: {output}");
        let left: Vec<_> =
            fs::read_dir(out.path()).expect("there").map(|e| e.expect("an entry").path()).collect();
        assert_eq!(left, std::slice::from_ref(&before), "{name}");
        assert_eq!(fs::read_to_string(&before).expect("there"), "as it was", "{name}");
    }
}

#[tokio::test]
async fn streams_larger_than_a_part_are_cut_and_small_ones_go_together() {
    let (server, client) = Server::with_client(&[]).await;
    streams(&client).await;
    for n in 0..6 {
        stream_of(&client, &format!("small {n}"), "fp64").await;
    }
    // Twelve MiB of text within a minute, so that days, hours and minutes are too large, beside a few numbers.
    let word = "x".repeat(100_000);
    for second in 0..120 {
        let ts = format!("2026-04-28T12:00:{:02}.{}Z", second / 2, if second % 2 == 0 { "0" } else { "5" });
        let row = json!({"stream_id": 2, "ts": ts, "text": format!("{second} {word}")});
        client.ingest("application/x-ndjson", row.to_string()).await.ok();
    }
    for stream in [1, 3, 5, 6, 7, 8, 9, 10] {
        let row = json!({"stream_id": stream, "ts": "2026-04-28T12:00:00Z", "value": stream});
        client.ingest("application/x-ndjson", row.to_string()).await.ok();
    }
    let answer = server.basalt(&["export", "-", "--format", "ndjson"]).await.expect_success();
    let rows: Vec<Value> = answer.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: Vec<_> = rows.iter().filter_map(|row| row["stream_id"].as_i64()).collect();
    assert_eq!(ids.len(), 128);
    assert!(ids.is_sorted(), "{ids:?}");
    let texts: Vec<i32> =
        rows.iter().filter_map(|row| row["text"].as_str()?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(texts, (0..120).collect::<Vec<_>>());
}

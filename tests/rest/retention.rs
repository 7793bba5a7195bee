//! Endpoints 26 to 28, 40 and 41: policies, their effect on every surface, and dry runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{check_rows, stream_of, with_stream};
use crate::support::{Client, Server, until};

const ORG: &str = "/api/retention/";
const ONE_UNIT: &str = "Set one of drop_after_seconds, drop_after_hours, drop_after_days.";

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

fn of_table(table: &str, keep: Option<i64>) -> Value {
    json!({"hypertable": table, "drop_after_seconds": keep, "enabled": keep.is_some()})
}

#[tokio::test]
async fn policies_of_the_organization() {
    let (_server, client) = Server::with_client(&[]).await;
    let list = |readings, statistics| {
        json!([of_table("core_value", readings), of_table("core_valuestatistics", statistics)])
    };
    let get = |name, expected| (name, "GET", ORG.to_owned(), Value::Null, 200, expected);
    let post = |name, body, status, expected| (name, "POST", ORG.to_owned(), body, status, expected);
    let value = "core_value";
    check_rows![&client;
        get("both_are_listed_without_any", list(None, None));
        post("made", json!({"hypertable": value, "drop_after_days": 30}), 201, of_table(value, Some(2_592_000)));
        get("listed", list(Some(2_592_000), None));
        post("replaced", json!({"hypertable": value, "drop_after_hours": 1.5}), 200, of_table(value, Some(5400)));
        post("of_statistics", json!({"hypertable": "core_valuestatistics", "drop_after_seconds": 90.9}), 201,
            of_table("core_valuestatistics", Some(90)));
        get("both", list(Some(5400), Some(90)));
        post("removed", json!({"hypertable": value, "drop_after_days": 0}), 200, of_table(value, None));
        post("removed_again", json!({"hypertable": value, "drop_after_days": -1}), 200, of_table(value, None));
        get("one_is_left", list(None, Some(90)));
        post("no_duration", json!({"hypertable": value}), 400, json!({"non_field_errors": [ONE_UNIT]}));
        post("two_durations", json!({"hypertable": value, "drop_after_days": 1, "drop_after_hours": 2}), 400,
            json!({"non_field_errors": [ONE_UNIT]}));
        post("no_table", json!({"drop_after_days": 1}), 400, json!({"hypertable": ["This field is required."]}));
        post("an_unknown_table_and_no_number", json!({"hypertable": "x", "drop_after_days": "soon"}), 400,
            json!({"hypertable": ["\"x\" is not a valid choice."], "drop_after_days": ["A valid number is required."]}));
        get("nothing_changed", list(None, Some(90)));
        "no_such_method", "DELETE", ORG.to_owned(), Value::Null, 405, detail("Method \"DELETE\" not allowed.");
    ];

    let (_, data) = stream_of(&client, "s", "fp64").await;
    let path = format!("/api/data/{data}/policy/retention/");
    let policy = |table: &str, keep: i64| json!({"hypertable": table, "drop_after_seconds": keep});
    let list = |policies: Vec<Value>| json!({"data": data, "policies": policies});
    let changed = |table: Value, keep: Option<i64>, policies: Vec<Value>| {
        json!({
            "hypertable": table, "drop_after_seconds": keep, "enabled": keep.is_some(), "data": data, "policies": policies
        })
    };
    let get = |name, expected| (name, "GET", path.clone(), Value::Null, 200, expected);
    let both = |keep| vec![policy("core_value", keep), policy("core_valuestatistics", keep)];
    let one = || vec![policy("core_valuestatistics", 120)];
    check_rows![&client;
        get("none", list(vec![]));
        "both", "POST", path.clone(), json!({"drop_after_seconds": 60}), 201, changed(Value::Null, Some(60), both(60));
        "put_replaces", "PUT", path.clone(), json!({"drop_after_hours": 1}), 200,
            changed(Value::Null, Some(3600), both(3600));
        get("listed", list(both(3600)));
        "one_of_them", "PUT", path.clone(), json!({"hypertable": "core_valuestatistics", "drop_after_seconds": 120}), 200,
            changed(json!("core_valuestatistics"), Some(120), vec![policy("core_value", 3600), one().remove(0)]);
        "one_is_removed", "POST", path.clone(), json!({"hypertable": "core_value", "drop_after_seconds": 0}), 200,
            changed(json!("core_value"), None, one());
        "both_are_removed", "PUT", path.clone(), json!({"drop_after_days": 0}), 200, changed(Value::Null, None, vec![]);
        get("none_is_left", list(vec![]));
        "no_duration", "POST", path.clone(), json!({}), 400, json!({"non_field_errors": [ONE_UNIT]});
        "an_unknown_table", "PUT", path.clone(), json!({"hypertable": "x", "drop_after_days": 1}), 400,
            json!({"hypertable": ["\"x\" is not a valid choice."]});
        "no_such_stream", "GET", "/api/data/999/policy/retention/".to_owned(), Value::Null, 404, detail("Not found.");
        "path_before_body", "POST", "/api/data/999/policy/retention/".to_owned(), json!({"hypertable": "x"}), 404,
            detail("Not found.");
        "no_such_method", "PATCH", path.clone(), json!({}), 405, detail("Method \"PATCH\" not allowed.");
    ];
    // The organization's stays what it was.
    assert_eq!(client.get(ORG).await[0]["enabled"], false);
}

#[tokio::test]
async fn a_restricted_key_changes_policies_of_its_streams_only() {
    let (server, client, _, own) = with_stream("own", "fp64").await;
    let (_, other) = stream_of(&client, "other", "fp64").await;
    let key = server.create_key(&["--scope", "system:write", "--data", &own.to_string()]).await;
    let restricted = client.with_key(&key);
    let body = json!({"hypertable": "core_value", "drop_after_days": 1});
    let refused = detail("You do not have permission to perform this action.");
    let path = |id: i64| format!("/api/data/{id}/policy/retention/");
    check_rows![&restricted;
        "reads_what_applies_to_its_data", "GET", ORG.to_owned(), Value::Null, 200, json!("*");
        "not_the_organization", "POST", ORG.to_owned(), body.clone(), 403, refused.clone();
        "not_even_dry", "POST", format!("{ORG}?dry_run=true"), body.clone(), 403, refused.clone();
        "right_before_body", "POST", ORG.to_owned(), json!({}), 403, refused;
        "its_own", "POST", path(own), body.clone(), 201, json!("*");
        "not_others", "POST", path(other), body.clone(), 404, detail("Not found.");
        "nor_dry", "POST", format!("{}?dry_run=1", path(other)), body.clone(), 404, detail("Not found.");
        "nor_to_read", "GET", path(other), Value::Null, 404, detail("Not found.");
    ];
    // Another organization sees neither policy nor stream.
    server.basalt(&["org", "create", "theirs"]).await.expect_success();
    let theirs = server.client_with(&["--org", "theirs", "--scope", "system:write"]).await;
    check_rows![&theirs;
        "nothing_of_ours", "GET", path(own), Value::Null, 404, detail("Not found.");
        "its_own_policies", "POST", ORG.to_owned(), body, 201, json!("*");
    ];
    assert_eq!(client.get(ORG).await[0]["enabled"], false, "ours is not touched");
}

/// Rows of streams as /ingest takes them: one each minute before now, seconds back.
async fn ingest(client: &Client, rows: &[(i64, i64)]) -> u16 {
    let now = std::process::Command::new("date").arg("+%s").output().unwrap().stdout;
    let now: i64 = String::from_utf8(now).unwrap().trim().parse().unwrap();
    let line = |(stream, back): &(i64, i64)| {
        format!("{{\"stream_id\":{stream},\"ts\":{},\"value\":1.5}}\n", now - back)
    };
    let body: String = rows.iter().map(line).collect();
    client.ingest("application/x-ndjson", body).await.status
}

fn parquet_rows(lake: &Path) -> Vec<i32> {
    use arrow::array::AsArray;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let days = std::fs::read_dir(lake).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir());
    let files = days.flat_map(|day| std::fs::read_dir(day).unwrap().map(|e| e.unwrap().path()));
    let files: Vec<PathBuf> = files.filter(|f| f.extension().is_some_and(|e| e == "parquet")).collect();
    let rows = |path: PathBuf| -> Vec<i32> {
        // It may have gone in between.
        let Ok(file) = std::fs::File::open(path) else { return Vec::new() };
        let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let ids = |batch: arrow::array::RecordBatch| {
            batch.column(0).as_primitive::<arrow::datatypes::Int32Type>().values().to_vec()
        };
        batches.flat_map(|batch| ids(batch.unwrap())).collect()
    };
    let mut all: Vec<i32> = files.into_iter().flat_map(rows).collect();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_rows_are_gone_from_every_answer_and_then_from_the_disk() {
    let env = [("BASALT_RETENTION__INTERVAL", "1s"), ("BASALT_FLUSH__AGE", "500ms")];
    let (server, client) = Server::with_client(&env).await;
    let (_, data) = stream_of(&client, "s", "fp64").await;
    let (_, other) = stream_of(&client, "other", "fp64").await;
    let hour = 3600;
    assert_eq!(ingest(&client, &[(data, 3 * hour), (data, 2 * hour), (other, 3 * hour)]).await, 200);
    let values = format!("/api/data/{data}/value/");
    let ids = client.get(&format!("/api/value/?data={data}")).await.column("id");
    assert_eq!(ids.len(), 2);
    let lake = PathBuf::from(server.data_dir.lake());
    until!("the rows are flushed", Duration::from_secs(30); parquet_rows(&lake).len() == 3);

    // Statistics of the rows are not meant: for them one would say so, or nothing at all.
    let policy = json!({"hypertable": "core_value", "drop_after_hours": 1});
    let path = format!("/api/data/{data}/policy/retention/");
    let dry = format!("{path}?dry_run=true");
    // A file is there a moment before it counts.
    let dry_run = until!("the files count", Duration::from_secs(30);
        run = client.post(&dry, &policy).await.has(200, json!({"rows": 2})); run["files"].as_u64() >= Some(1));
    assert!(dry_run["bytes"].as_u64() > Some(0), "{dry_run}");
    assert!(dry_run["before"].as_str().unwrap().ends_with('Z'), "{dry_run}");
    assert_eq!(client.get(&path).await["policies"], json!([]), "nothing was changed");
    assert_eq!(client.get(&values).await.body.as_array().unwrap().len(), 2);
    let keep_all = json!({"hypertable": "core_value", "drop_after_hours": 0});
    let nothing = json!({"rows": 0, "bytes": 0, "files": 0, "before": null});
    check_rows![&client;
        "a_removal_takes_nothing", "POST", format!("{path}?dry_run=true"), keep_all.clone(), 200, nothing;
        "as_wrong_as_without", "POST", format!("{path}?dry_run=true"), json!({}), 400,
            json!({"non_field_errors": [ONE_UNIT]});
        "dry_or_not", "POST", format!("{path}?dry_run=x"), policy.clone(), 400,
            json!({"dry_run": ["Must be a valid boolean."]});
        "for_the_organization", "POST", format!("{ORG}?dry_run=true"), policy.clone(), 200,
            json!({"rows": 3, "bytes": "*", "files": "*", "before": "*"});
        "not_dry", "POST", format!("{path}?dry_run=false"), policy, 201, json!("*");
    ];
    let gone = |name, path: String| (name, "GET", path, Value::Null, 200, json!([]));
    check_rows![&client;
        gone("its_values", values.clone());
        gone("all_values_of_it", format!("/api/value/?data={data}"));
        "a_value_by_its_id", "GET", format!("/api/value/{}/", ids[0].as_str().unwrap()), Value::Null, 404, detail("Not found.");
    ];
    let stream = client.get(&format!("/api/data/{data}/")).await;
    stream.has(200, json!({"last_value": null, "last_timestamp": null}));
    let counted = client.sql("SELECT stream_id, count(*) AS n FROM readings GROUP BY stream_id").await;
    assert_eq!(counted, [json!({"stream_id": other, "n": 1})]);
    assert_eq!(client.sql("SELECT count(*) AS n FROM core_value").await, [json!({"n": 1})]);
    until!("the bytes are gone", Duration::from_secs(60); parquet_rows(&lake) == [other as i32]);

    // What is gone is not written again, by any way, also without the policy.
    client.post(&path, &keep_all).await;
    assert_eq!(ingest(&client, &[(data, 2 * hour)]).await, 400);
    let late = json!({"timestamp": "2020-01-01T00:00:00Z", "value": 1});
    let body = client.post(&values, &late).await.expect(400);
    assert!(body["timestamp"][0].as_str().unwrap().ends_with("nothing older is kept"), "{body}");
    assert_eq!(ingest(&client, &[(data, 10), (other, 2 * hour)]).await, 200);
}

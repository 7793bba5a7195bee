//! Exports as jobs: what waits, what fails, and what a crash leaves.

use serde_json::{Value, json};

use super::exports::{EXPORT_TIMEOUT, EXPORTS, NEW_YEAR, finished, read, request};
use super::{Caller, KEY, Platform, id};
use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Server, eventually};

/// A device with so many readings, a second apart, that its export takes a while; its UUID.
async fn busy_device(server: &Server, admin: &Caller, name: &str, rows: i64) -> String {
    let client = server.client();
    let (_, stream) = stream_of(&client, name, "fp64").await;
    for begin in (0..rows).step_by(50_000) {
        let line = |i: i64| format!("{{\"stream_id\":{stream},\"ts\":{},\"value\":{i}.5}}\n", NEW_YEAR + i);
        let body: String = (begin..rows.min(begin + 50_000)).map(line).collect();
        let (status, _, answer) = client.ingest(NDJSON, body).await;
        assert_eq!(status, 200, "{answer}");
    }
    let (_, _, page) = admin.get(&format!("/api/v1/devices?q={}", name.replace(' ', "%20"))).await;
    id(&page["content"][0])
}

#[tokio::test]
async fn one_that_waits_is_not_deleted_and_fails_with_its_scope() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let busy = busy_device(&platform.server, admin, "busy", 200_000).await;
    let device = id(&admin.create("/api/v1/devices", json!({"name": "d"})).await);
    let first = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let second = id(&admin.create(EXPORTS, request("DEVICE", &device)).await);
    for export in [&first, &second] {
        let path = format!("{EXPORTS}/{export}");
        let (status, _, answer) = admin.send("DELETE", &path, &Value::Null).await;
        assert_eq!((status, &answer["title"]), (409, &json!("Conflict")), "{answer}");
    }
    // An organization's exports are written one after the other.
    let (_, _, waiting) = admin.get(&format!("{EXPORTS}?status=PENDING")).await;
    assert!(waiting["content"].as_array().unwrap().iter().any(|row| row["id"] == json!(second)), "{waiting}");
    assert_eq!(admin.status("DELETE", &format!("/api/v1/devices/{device}"), &Value::Null).await, 204);
    let failed = finished(admin, &second).await;
    assert_eq!(failed["status"], json!("FAILED"), "{failed}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("was deleted")), "{failed}");
    assert!(failed.get("downloadUrl").is_none() && failed["completedAt"].is_string(), "{failed}");
    assert_eq!(admin.status("DELETE", &format!("{EXPORTS}/{second}"), &Value::Null).await, 204);
    let ready = finished(admin, &first).await;
    assert_eq!((&ready["status"], &ready["readingCount"]), (&json!("READY"), &json!(200_000)));
    let (_, _, page) = admin.get(&format!("{EXPORTS}?status=READY&sort=sizeBytes,desc")).await;
    assert_eq!((&page["page"]["totalElements"], &page["content"][0]["id"]), (&json!(1), &json!(first)));
    for query in ["status=DONE", "sort=error"] {
        assert_eq!(admin.status("GET", &format!("{EXPORTS}?{query}"), &Value::Null).await, 400, "{query}");
    }
}

#[tokio::test]
async fn killed_in_the_middle_it_is_finished_after_the_start() {
    let mut platform = Platform::start().await;
    let admin = platform.admin.clone();
    let rows = 150_000;
    let busy = busy_device(&platform.server, &admin, "busy", rows).await;
    let export = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let dir = platform.server.data_dir.path().join("exports");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    for _ in 0..3 {
        eventually("a file is being written", EXPORT_TIMEOUT, || async {
            names().iter().any(|name| name.ends_with(".part") || *name == export).then_some(())
        })
        .await;
        platform.server.kill();
        platform.server.start_again().await;
    }
    let admin = Caller::new(&platform.server.client(), KEY);
    let ready = finished(&admin, &export).await;
    assert_eq!((&ready["status"], &ready["readingCount"]), (&json!("READY"), &json!(rows)), "{ready}");
    let seen = read(&platform, &ready, &["--count"]).await;
    assert_eq!((&seen["polars"]["readings"], &seen["duckdb"]["readings"]), (&json!(rows), &json!(rows)));
    assert_eq!(names(), [export], "nothing unfinished is left");
}

//! Exports as jobs: what waits, what fails, what is cancelled, and what a crash leaves.

use serde_json::{Value, json};

use super::exports::{EXPORT_TIMEOUT, EXPORTS, NEW_YEAR, finished, read, request};
use super::{Caller, KEY, Platform, id};
use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Server, assert_members, until};

/// A device with so many readings, a second apart, that its export takes a while; its UUID.
async fn busy_device(server: &Server, admin: &Caller, name: &str, rows: i64) -> String {
    let client = server.client();
    let (_, stream) = stream_of(&client, name, "fp64").await;
    for begin in (0..rows).step_by(50_000) {
        let line = |i: i64| format!("{{\"stream_id\":{stream},\"ts\":{},\"value\":{i}.5}}\n", NEW_YEAR + i);
        let body: String = (begin..rows.min(begin + 50_000)).map(line).collect();
        client.ingest(NDJSON, body).await.ok();
    }
    let page = admin.get(&format!("/api/v1/devices?q={}", name.replace(' ', "%20"))).await.body;
    id(&page["content"][0])
}

#[tokio::test]
async fn one_that_waits_is_not_deleted_and_fails_with_its_scope() {
    let (platform, admin) = Platform::with_admin().await;
    let busy = busy_device(&platform.server, &admin, "busy", 200_000).await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let first = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let second = id(&admin.create(EXPORTS, request("DEVICE", &device)).await);
    for export in [&first, &second] {
        let path = format!("{EXPORTS}/{export}");
        admin.send("DELETE", &path, &Value::Null).await.has(409, json!({"title": "Conflict"}));
    }
    // An organization's exports are written one after the other.
    let waiting = admin.get(&format!("{EXPORTS}?status=PENDING")).await.body;
    assert!(waiting["content"].as_array().unwrap().iter().any(|row| row["id"] == json!(second)), "{waiting}");
    assert_eq!(admin.status("DELETE", &format!("/api/v1/devices/{device}"), &Value::Null).await, 204);
    let failed = finished(&admin, &second).await;
    assert_eq!(failed["status"], json!("FAILED"), "{failed}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("was deleted")), "{failed}");
    assert!(failed.get("downloadUrl").is_none() && failed["completedAt"].is_string(), "{failed}");
    assert_eq!(admin.status("DELETE", &format!("{EXPORTS}/{second}"), &Value::Null).await, 204);
    let ready = finished(&admin, &first).await;
    assert_eq!((&ready["status"], &ready["readingCount"]), (&json!("READY"), &json!(200_000)));
    let page = admin.get(&format!("{EXPORTS}?status=READY&sort=sizeBytes,desc")).await;
    page.has(200, json!({"/page/totalElements": 1, "/content/0/id": first}));
    for query in ["status=DONE", "sort=error"] {
        assert_eq!(admin.status("GET", &format!("{EXPORTS}?{query}"), &Value::Null).await, 400, "{query}");
    }
}

#[tokio::test]
async fn killed_in_the_middle_it_is_finished_after_the_start() {
    let (mut platform, admin) = Platform::with_admin().await;
    let rows = 150_000;
    let busy = busy_device(&platform.server, &admin, "busy", rows).await;
    let export = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let dir = platform.server.data_dir.path().join("exports");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    for _ in 0..3 {
        until!("a file is being written", EXPORT_TIMEOUT;
            names().iter().any(|name| name.ends_with(".part") || *name == export));
        platform.server.crash().await;
    }
    let admin = Caller::new(&platform.server.client(), KEY);
    let ready = finished(&admin, &export).await;
    assert_eq!((&ready["status"], &ready["readingCount"]), (&json!("READY"), &json!(rows)), "{ready}");
    let seen = read(&platform, &ready, &["--count"]).await;
    assert_eq!((&seen["polars"]["readings"], &seen["duckdb"]["readings"]), (&json!(rows), &json!(rows)));
    assert_eq!(names(), [export], "nothing unfinished is left");
}

/// The job of an export, as the list of all jobs shows it.
async fn job_of(client: &Client, export: &str) -> Value {
    let jobs = client.get("/api/job/?kind=export").await.ok();
    let found = jobs.as_array().unwrap().iter().find(|job| job["export"] == json!(export));
    found.unwrap_or_else(|| panic!("no job of {export}: {jobs}")).clone()
}

#[tokio::test]
async fn an_export_is_listed_and_cancelled_as_a_job() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, platform.server.client());
    let busy = busy_device(&platform.server, admin, "busy", 300_000).await;
    let first = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let second = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let waiting = job_of(&client, &second).await;
    assert_eq!((&waiting["state"], &waiting["uuid"]), (&json!("queued"), &json!(second)), "{waiting}");
    until!("the first export runs", EXPORT_TIMEOUT; job_of(&client, &first).await["state"] != json!("queued"));
    for export in [&first, &second] {
        let path = format!("/api/job/{}/", job_of(&client, export).await["id"]);
        client.delete(&path).await.expect(204);
        let job = client.get(&path).await.body;
        assert_eq!((&job["state"], &job["error"]), (&json!("cancelled"), &Value::Null), "{job}");
        let failed = finished(admin, export).await;
        assert_members(&failed, &json!({"status": "FAILED", "error": "cancelled"}));
        assert!(failed["completedAt"].is_string() && failed.get("progress").is_none(), "{failed}");
    }
    let dir = platform.server.data_dir.path().join("exports");
    until!("the unfinished file is removed", EXPORT_TIMEOUT;
        std::fs::read_dir(&dir).map_or(true, |mut entries| entries.next().is_none()));
    // The worker is free again, and what it writes is shown by both.
    let third = id(&admin.create(EXPORTS, request("DEVICE", &busy)).await);
    let ready = finished(admin, &third).await;
    assert_eq!(ready["status"], json!("READY"), "{ready}");
    let job = job_of(&client, &third).await;
    let result = json!({"size_bytes": ready["sizeBytes"], "readings": 300_000, "annotations": 0});
    assert_eq!((&job["state"], &job["progress"], &job["result"]), (&json!("done"), &json!(1.0), &result));
    assert_eq!(admin.status("DELETE", &format!("{EXPORTS}/{first}"), &Value::Null).await, 204);
    assert_eq!(job_of(&client, &first).await["state"], json!("cancelled"), "what was is still listed");
}

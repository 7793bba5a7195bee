//! Exports over the socket: the platform's round trip, the rules of a request, links, and the file as others read it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, id};
use crate::support::{assert_members, rows, run_python, until};

pub(super) const EXPORTS: &str = "/api/v1/exports";
const READINGS: &str = "/api/v1/readings";
pub(super) const EXPORT_TIMEOUT: Duration = Duration::from_secs(180);
/// 2024-01-01T00:00:00Z, in seconds.
pub(super) const NEW_YEAR: i64 = 1_704_067_200;

/// Waits until an export is finished and returns it.
pub(super) async fn finished(caller: &Caller, export: &str) -> Value {
    let path = format!("{EXPORTS}/{export}");
    until!("an export is finished", EXPORT_TIMEOUT;
        row = caller.get(&path).await.ok(); row["status"] != "PENDING" && row["status"] != "RUNNING")
}

/// Path and query of a link.
fn target(url: &Value) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no link: {url}"));
    url[url.find("/objects/").unwrap_or_else(|| panic!("no file in {url}"))..].to_owned()
}

/// Fetches the file of an export without any credential, and reads it with other programs.
pub(super) async fn read(platform: &Platform, export: &Value, args: &[&str]) -> Value {
    let client = platform.server.client().without_key();
    let answer = client.send_bytes("GET", &target(&export["downloadUrl"]), &[], String::new()).await;
    let bytes = answer.with_header("content-type", "application/zip").ok();
    assert_eq!(export["sizeBytes"], json!(bytes.len()));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("export.zip");
    std::fs::write(&file, bytes).unwrap();
    let seen = run_python("read_export.py", &[&[file.to_str().unwrap()], args].concat()).await;
    assert_eq!(seen["hashes"], json!(true), "{}", seen["manifest"]);
    seen
}

pub(super) fn request(scope_type: &str, scope: &str) -> Value {
    json!({
        "scopeType": scope_type,
        "scopeId": scope,
        "from": "2024-01-01T00:00:00Z",
        "to": "2024-02-01T00:00:00Z",
        "includes": ["READINGS", "ANNOTATIONS"],
    })
}

/// The names of an object's members.
fn members(row: &Value) -> Vec<&str> {
    let mut names: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn the_round_trip_is_that_of_the_platform() {
    let (platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "warehouse-gateway-01"})).await;
    let sensor =
        |key: &str, kind: &str| json!({"deviceId": device, "key": key, "name": key, "valueType": kind});
    let t = admin.make("sensors", sensor("t", "DOUBLE")).await;
    let n = admin.make("sensors", sensor("n", "BIGINT")).await;
    let rows = json!([
        {"sensorId": t, "timestamp": "2024-01-01T00:00:00Z", "value": 20.5, "metadata": {"who": "me"}},
        {"sensorId": t, "timestamp": "2024-01-31T23:59:59.999999Z", "value": -1.5},
        {"sensorId": t, "timestamp": "2024-02-01T00:00:00Z", "value": 9.5},
        {"sensorId": n, "timestamp": "2024-01-15T10:30:00Z", "value": 9_007_199_254_740_993_i64},
    ]);
    let counts = admin.send("POST", READINGS, &rows).await.body;
    assert_eq!(counts["accepted"], json!(4), "{counts}");

    let body = request("DEVICE", &device);
    let created = admin.create(EXPORTS, body.clone()).await;
    let nine = ["createdAt", "from", "id", "includes", "requestedBy", "scopeId", "scopeType", "status", "to"];
    assert_eq!(members(&created), nine);
    assert_members(&created, &body);
    assert_eq!(created["status"], json!("PENDING"));
    assert!(created["requestedBy"].as_str().is_some_and(|by| by.starts_with("key_")), "{created}");

    let ready = finished(&admin, &id(&created)).await;
    assert_eq!(ready["status"], json!("READY"), "{ready}");
    let more = ["annotationCount", "completedAt", "downloadUrl", "expiresAt", "readingCount", "sizeBytes"];
    let mut all = [&nine[..], &more[..]].concat();
    all.sort_unstable();
    assert_eq!(members(&ready), all);
    assert_eq!((&ready["readingCount"], &ready["annotationCount"]), (&json!(3), &json!(0)));
    assert!(target(&ready["downloadUrl"]).contains(&format!("/exports/{}.zip?", id(&created))));
    assert!(target(&ready["downloadUrl"]).contains("X-Amz-Signature="));

    let seen = read(&platform, &ready, &[]).await;
    assert_eq!(seen["names"], json!(["readings.parquet", "annotations.parquet", "manifest.json"]));
    let manifest = &seen["manifest"];
    assert_eq!((&manifest["exportId"], &manifest["scopeId"]), (&ready["id"], &json!(device)));
    assert_eq!((&manifest["from"], &manifest["readingCount"]), (&body["from"], &json!(3)));
    let row = |sensor: &str, key: &str, kind: &str, ts: i64| {
        json!({
            "timestamp": ts, "device_id": device, "component_id": null, "sensor_id": sensor, "sensor_key": key,
            "value_type": kind, "value_double": null, "value_bigint": null, "value_boolean": null, "value_text": null,
            "metadata": null,
        })
    };
    let with = |mut row: Value, column: &str, value: Value| {
        row[column] = value;
        row
    };
    let first = with(row(&t, "t", "DOUBLE", NEW_YEAR * 1_000_000), "value_double", json!(20.5));
    let last = row(&t, "t", "DOUBLE", (NEW_YEAR + 31 * 86_400) * 1_000_000 - 1);
    let middle = row(&n, "n", "BIGINT", (NEW_YEAR + 14 * 86_400 + 37_800) * 1_000_000);
    let mut expected = vec![
        with(first, "metadata", json!(r#"{"who":"me"}"#)),
        with(last, "value_double", json!(-1.5)),
        with(middle, "value_bigint", json!(9_007_199_254_740_993_i64)),
    ];
    expected.sort_by_key(|row| (row["sensor_id"].to_string(), row["timestamp"].as_i64()));
    for peer in ["polars", "duckdb"] {
        assert_eq!(seen[peer]["readings"], json!(expected), "{peer}");
        assert_eq!(seen[peer]["annotations"], json!([]), "{peer}");
    }
}

#[tokio::test]
async fn a_site_is_exported_with_all_that_is_below_it() {
    let (platform, admin) = Platform::with_admin().await;
    let site = admin.make("sites", json!({"name": "here"})).await;
    let device = admin.make("devices", json!({"name": "here", "siteId": site})).await;
    let elsewhere = admin.make("devices", json!({"name": "elsewhere"})).await;
    let component = json!({"deviceId": device, "key": "axis", "name": "Axis"});
    let component = admin.make("components", component).await;
    let mut sensors = Vec::new();
    for (of, component) in [(&device, Some(&component)), (&device, None), (&elsewhere, None)] {
        let body =
            json!({"deviceId": of, "componentId": component, "key": "t", "name": "T", "valueType": "TEXT"});
        let sensor = admin.make("sensors", body).await;
        let reading = json!({"sensorId": sensor, "timestamp": "2024-01-02T00:00:00Z", "value": "on"});
        assert_eq!(admin.status("POST", READINGS, &reading).await, 202);
        sensors.push(sensor);
    }
    let scopes = json!(["SITE", "DEVICE", "COMPONENT", "SENSOR"]);
    let class = json!({"key": "fault", "name": "Fault", "color": "#aa0000", "scopes": scopes, "fields": []});
    let class = admin.make("annotation-classes", class).await;
    for (scope_type, scope, start, end) in [
        ("SITE", &site, "2023-12-01T00:00:00Z", json!("2024-01-01T00:00:01Z")),
        ("DEVICE", &device, "2024-01-02T00:00:00Z", Value::Null),
        ("COMPONENT", &component, "2024-01-03T00:00:00Z", json!("2024-03-01T00:00:00Z")),
        ("SENSOR", &sensors[0], "2024-01-04T00:00:00Z", Value::Null),
        ("SENSOR", &sensors[2], "2024-01-04T00:00:00Z", Value::Null),
        ("DEVICE", &device, "2024-02-01T00:00:00Z", Value::Null),
        ("DEVICE", &device, "2023-12-01T00:00:00Z", json!("2024-01-01T00:00:00Z")),
    ] {
        let body = json!({"classId": class, "scopeType": scope_type, "scopeId": scope, "startTime": start,
            "endTime": end, "values": {}, "note": scope_type});
        admin.create("/api/v1/annotations", body).await;
    }
    for (scope_type, scope, readings, notes) in [
        ("SITE", &site, &sensors[..2], vec!["COMPONENT", "DEVICE", "SENSOR", "SITE"]),
        ("DEVICE", &device, &sensors[..2], vec!["COMPONENT", "DEVICE", "SENSOR"]),
        ("COMPONENT", &component, &sensors[..1], vec!["COMPONENT", "SENSOR"]),
        ("SENSOR", &sensors[0], &sensors[..1], vec!["SENSOR"]),
    ] {
        let created = admin.create(EXPORTS, request(scope_type, scope)).await;
        let ready = finished(&admin, &id(&created)).await;
        assert_eq!(ready["annotationCount"], json!(notes.len()), "{ready}");
        let seen = read(&platform, &ready, &[]).await;
        let column = |peer: &str, table: &str, name: &str| {
            let rows = seen[peer][table].as_array().unwrap();
            let mut found: Vec<_> = rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect();
            found.sort();
            found
        };
        let mut expected = readings.to_vec();
        expected.sort();
        for peer in ["polars", "duckdb"] {
            assert_eq!(column(peer, "readings", "sensor_id"), expected, "{scope_type}");
            assert_eq!(column(peer, "annotations", "note"), notes, "{scope_type}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let (platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let with = |member: &str, value: Value| {
        let mut body = request("DEVICE", &device);
        body[member] = value;
        body
    };
    let null = "must not be null";
    for (body, expected) in rows![
        json!({}),
            vec![format!("from: {null}"), format!("includes: {null}"), format!("scopeId: {null}"),
                 format!("scopeType: {null}"), format!("to: {null}")];
        with("scopeType", json!("PLANT")), vec!["scopeType: must be one of SITE, DEVICE, COMPONENT, SENSOR".to_owned()];
        with("scopeType", json!("SITE")), vec!["scopeId: does not exist".to_owned()];
        with("scopeId", json!(NOBODY)), vec!["scopeId: does not exist".to_owned()];
        with("scopeId", json!("x")), vec!["scopeId: must be a UUID".to_owned()];
        with("to", json!("2024-01-01T00:00:00Z")), vec!["from: must be before to".to_owned()];
        with("to", json!("2025-01-01T00:00:00.000001Z")), vec!["to: must be at most 366 days after from".to_owned()];
        with("includes", json!([])), vec!["includes: must not be empty".to_owned()];
        with("includes", json!(["READINGS", "VIDEO"])), vec!["includes[1]: must be one of READINGS, ANNOTATIONS".to_owned()];
    ] {
        admin.send("POST", EXPORTS, &body).await.has_field_errors(400, &expected);
    }
    for body in [Value::Null, with("includes", json!("READINGS")), with("from", json!(5))] {
        admin.send("POST", EXPORTS, &body).await.has(400, json!({"detail": "Malformed request body"}));
    }
    // 366 days of a leap year.
    let longest = admin.create(EXPORTS, with("to", json!("2025-01-01T00:00:00Z"))).await;
    assert_eq!(finished(&admin, &id(&longest)).await["status"], json!("READY"));
    let repeated = admin.create(EXPORTS, with("includes", json!(["READINGS", "READINGS"]))).await;
    assert_eq!(repeated["includes"], json!(["READINGS"]));
    let ready = finished(&admin, &id(&repeated)).await;
    assert_eq!(read(&platform, &ready, &[]).await["names"], json!(["readings.parquet", "manifest.json"]));
    let owner = platform.user(&platform.org, "owner");
    assert_eq!(owner.create(EXPORTS, request("DEVICE", &device)).await["requestedBy"], json!("user_8f2c"));
    for (method, path, expected) in
        [("GET", "/abc", 400), ("DELETE", "/abc", 400), ("PUT", "", 405), ("PATCH", "/abc", 405)]
    {
        assert_eq!(admin.status(method, &format!("{EXPORTS}{path}"), &json!({})).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_link_needs_no_credential_and_serves_parts() {
    let (platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let export = id(&admin.create(EXPORTS, request("DEVICE", &device)).await);
    let ready = finished(&admin, &export).await;
    let link = target(&ready["downloadUrl"]);
    let client = platform.client.without_key();
    let get = async |path: &str, headers: &[(&str, &str)]| {
        client.send_bytes("GET", path, headers, String::new()).await
    };
    let whole = get(&link, &[]).await.with_header("accept-ranges", "bytes");
    let whole = whole.with_header("content-disposition", &format!("attachment; filename=\"{export}.zip\""));
    let (tag, whole) = (whole.header("etag").to_owned(), whole.ok());
    let size = whole.len();
    for (range, expected) in [
        ("bytes=0-3".to_owned(), &whole[..4]),
        (format!("bytes={}-", size - 2), &whole[size - 2..]),
        ("bytes=-5".to_owned(), &whole[size - 5..]),
    ] {
        let part = get(&link, &[("range", &range), ("if-range", &tag)]).await;
        let part = part.about(&range).with_header("content-length", &expected.len().to_string());
        assert!(part.header("content-range").ends_with(&format!("/{size}")), "{range}");
        part.is(206, &expected.to_vec());
    }
    let past = get(&link, &[("range", &format!("bytes={size}-"))]).await;
    past.with_header("content-range", &format!("bytes */{size}")).expect(416);
    get(&link, &[("range", "bytes=0-3"), ("if-range", "\"other\"")]).await.ok();
    // Who has the file already is not sent it again; who asks for another one gets none.
    for (condition, named, expected) in [
        ("if-none-match", tag.as_str(), 304),
        ("if-none-match", "\"other\"", 200),
        ("if-match", tag.as_str(), 200),
        ("if-match", "\"other\"", 412),
    ] {
        let part =
            get(&link, &[(condition, named)]).await.about(&format!("{condition}: {named}")).expect(expected);
        assert_eq!(part.is_empty(), expected == 304, "{condition}: {named}");
    }
    let head = client.send_bytes("HEAD", &link, &[], String::new()).await;
    head.with_header("content-length", &size.to_string()).ok();

    let (path, query) = link.split_once('?').unwrap();
    let forged = [
        path.to_owned(),
        format!("{path}?{}", query.replace("X-Amz-Expires=86400", "X-Amz-Expires=90000")),
        link.replace(&export, NOBODY),
        format!("{path}?{}0", &query[..query.len() - 1]).replace("=0&", "=1&"),
        link.replace(".zip", ""),
    ];
    for forged in forged.iter().filter(|forged| **forged != link) {
        get(forged, &[]).await.about(&forged).expect(403);
    }
    let again = finished(&admin, &export).await;
    get(&target(&again["downloadUrl"]), &[]).await.about("each answer has a link").ok();
    assert_eq!(admin.status("DELETE", &format!("{EXPORTS}/{export}"), &Value::Null).await, 204);
    get(&link, &[]).await.expect(404);
    assert_eq!(admin.status("DELETE", &format!("{EXPORTS}/{export}"), &Value::Null).await, 404);
}

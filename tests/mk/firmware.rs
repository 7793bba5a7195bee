//! Firmware over the socket: roles, forms, downloads in parts, tokens, and what a crash leaves.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Caller, NOBODY, Platform, id, problem};
use crate::support::{Answer, rows};

const FIRMWARE: &str = "/api/v1/firmware";
const BOUNDARY: &str = "a-boundary-of-parts";
/// The largest file, bytes.
const LARGEST: usize = 64 << 20;

/// A form with these texts, then a file.
fn form(texts: &[(&str, &str)], file: Option<&[u8]>) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, text) in texts {
        let part =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        form.extend_from_slice(part.as_bytes());
    }
    if let Some(bytes) = file {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"press.bin\"\r\n\
                    Content-Type: application/octet-stream";
        form.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        form.extend_from_slice(bytes);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}

/// Uploads a firmware, with more headers.
pub(super) async fn upload(
    caller: &Caller,
    texts: &[(&str, &str)],
    file: Option<&[u8]>,
    more: &[(&str, &str)],
) -> Answer {
    let media = format!("multipart/form-data; boundary={BOUNDARY}");
    let mut headers = more.to_vec();
    headers.push(("content-type", &media));
    headers.extend(caller.authorization.as_deref().map(|value| ("authorization", value)));
    caller.client.send("POST", FIRMWARE, &headers, form(texts, file)).await
}

/// Uploads a version and returns its row.
pub(super) async fn stored(caller: &Caller, version: &str, bytes: &[u8]) -> Value {
    let texts = [("name", "press"), ("version", version)];
    upload(caller, &texts, Some(bytes), &[]).await.created_in(FIRMWARE)
}

/// Makes a token for a device and returns path and query of its address.
pub(super) async fn address(caller: &Caller, firmware: &Value, device: &str) -> String {
    let path = format!("{FIRMWARE}/{}/download-tokens", id(firmware));
    let token = caller.send("POST", &path, &json!({"deviceId": device})).await.created();
    let url = token["downloadUrl"].as_str().unwrap();
    let query = format!("?token={}", token["token"].as_str().unwrap());
    assert!(url.starts_with("http://") && url.ends_with(&query), "{token}");
    assert!(token["expiresAt"].is_string(), "{token}");
    format!("{FIRMWARE}/download{query}")
}

/// Fetches an address with these headers and no credential.
async fn fetch(platform: &Platform, path: &str, headers: &[(&str, &str)]) -> (u16, Value, Vec<u8>) {
    let answer = platform.client.without_key().send_bytes("GET", path, headers, "").await;
    let (status, headers, bytes) = answer.into_parts();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let names = ["content-length", "content-range", "content-type", "etag", "accept-ranges"];
    let headers_found = names.into_iter().map(|name| (name.to_owned(), json!(text(name)))).collect();
    (status, Value::Object(headers_found), bytes)
}

#[tokio::test]
async fn every_operation_answers_every_role() {
    let platform = Platform::start().await;
    let callers = platform.callers([true, true, false, false]).await;
    for (role, caller, may_manage) in &callers {
        let expected = |status| if *may_manage { status } else { 403 };
        assert_eq!(upload(caller, &[], None, &[]).await.status, expected(400), "{role}: no fields");
        let texts = [("name", *role), ("version", "1.0.0")];
        assert_eq!(upload(caller, &texts, Some(b"x"), &[]).await.status, expected(201), "{role}: upload");
    }
    let one = format!("{FIRMWARE}/{NOBODY}");
    for (method, path, expected) in [
        ("GET", format!("{FIRMWARE}/abc"), 400),
        ("PUT", one.clone(), 405),
        ("PATCH", one, 405),
        // No other credential counts there.
        ("GET", format!("{FIRMWARE}/download"), 401),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        platform.admin.send(method, &path, &body).await.expect(expected);
    }
    let anonymous = Caller::anonymous(&platform.client);
    upload(&anonymous, &[], None, &[]).await.expect(401);
    let invalid = problem(401, "Unauthorized", "Invalid download token", "/api/v1/firmware/download");
    anonymous.get(&format!("{FIRMWARE}/download?token=x")).await.is(401, &invalid);
}

#[tokio::test]
async fn every_mistake_of_a_form_is_told() {
    let platform = Platform::start().await;
    let long = "x".repeat(4001);
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a [u8]>, Vec<&'a str>);
    let version = "version: must be a semantic version such as 1.4.2 or 2.0.0-rc.1";
    let rows: [Row; 6] = rows![
        &[], None, vec!["file: must not be null", "name: must not be blank", "version: must not be blank"];
        &[("name", "a"), ("version", "1.0")], Some(b"x"), vec![version];
        &[("name", " "), ("version", "1.0.0")], Some(b"x"), vec!["name: must not be blank"];
        &[("name", "a"), ("version", "1.0.0")], Some(b""), vec!["file: must not be empty"];
        &[("name", "a"), ("version", "1.0.0"), ("deviceProfileId", "x"), ("notes", long.as_str())], Some(b"x"),
            vec!["deviceProfileId: must be a UUID", "notes: size must be between 0 and 4000"];
        &[("name", "a"), ("version", "1.0.0"), ("deviceProfileId", NOBODY)], Some(b"x"), vec!["deviceProfileId: does not exist"];
    ];
    for (texts, file, expected) in rows {
        upload(&platform.admin, texts, file, &[]).await.has_field_errors(400, &expected);
    }
    let admin = &platform.admin;
    admin.send("POST", FIRMWARE, &Value::Null).await.has(400, json!({"detail": "Malformed request body"}));
    assert_eq!(admin.status("POST", FIRMWARE, &json!({"name": "a"})).await, 415);
    let form = [("content-type", "multipart/form-data; boundary=x")];
    let body = admin.send_with("POST", FIRMWARE, &form, &json!("no form")).await;
    body.has(400, json!({"detail": "Malformed request body"}));
    assert_eq!(admin.get(FIRMWARE).await["content"], json!([]), "nothing of it was stored");
    let files = std::fs::read_dir(platform.server.data_dir.path().join("objects"));
    assert_eq!(files.map_or(0, Iterator::count), 0, "and no file stays");
}

#[tokio::test]
async fn a_version_never_changes_and_survives_a_crash() {
    let (mut platform, admin) = Platform::with_admin().await;
    let row = stored(&admin, "1.0.0", b"firmware").await;
    let mut shown = row.clone();
    for name in ["id", "createdAt"] {
        assert!(shown.as_object_mut().unwrap().remove(name).is_some_and(|value| value.is_string()), "{name}");
    }
    let expected = json!({"name": "press", "version": "1.0.0", "deviceProfileId": null, "sizeBytes": 8,
        "sha256": hex::encode(Sha256::digest(b"firmware")), "notes": null});
    assert_eq!(shown, expected);
    let texts = [("name", "press"), ("version", "1.0.0"), ("notes", "other bytes")];
    upload(&admin, &texts, Some(b"other"), &[]).await.has(409, json!({"title": "Conflict"}));
    let other = stored(&admin, "1.1.0", b"newer").await;
    platform.server.crash().await;
    let one = format!("{FIRMWARE}/{}", id(&row));
    assert_eq!(admin.get(&one).await.body, row, "after a crash");
    let versions = async |query: &str| {
        let list = admin.get(&format!("{FIRMWARE}?sort=version&{query}")).await.body;
        let rows = list["content"].as_array().unwrap().iter();
        rows.map(|row| row["version"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(versions("").await, "1.0.0 1.1.0");
    assert_eq!(versions("version=1.1.0").await, "1.1.0");
    assert_eq!(versions(&format!("deviceProfileId={NOBODY}")).await, "");
    admin.delete_once(&one).await;
    let files = std::fs::read_dir(platform.server.data_dir.path().join("objects")).unwrap().count();
    assert_eq!(files, 1, "its file went with it");
    admin.get(&format!("{FIRMWARE}/{}", id(&other))).await.ok();
}

#[tokio::test]
async fn a_device_fetches_all_or_a_part() {
    let (mut platform, admin) = Platform::with_admin().await;
    let bytes: Vec<u8> = (0..1000_u32).map(|n| (n % 251) as u8).collect();
    let row = stored(&admin, "1.0.0", &bytes).await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let path = address(&admin, &row, &device).await;
    let tag = format!("\"{}\"", row["sha256"].as_str().unwrap());
    type Row<'a> = (&'a [(&'a str, &'a str)], u16, Option<&'a str>, std::ops::Range<usize>);
    let rows: [Row; 9] = [
        (&[], 200, None, 0..1000),
        (&[("range", "bytes=0-99")], 206, Some("bytes 0-99/1000"), 0..100),
        (&[("range", "bytes=900-")], 206, Some("bytes 900-999/1000"), 900..1000),
        (&[("range", "bytes=-1")], 206, Some("bytes 999-999/1000"), 999..1000),
        (&[("range", "bytes=500-5000")], 206, Some("bytes 500-999/1000"), 500..1000),
        (&[("range", "bytes=0-1,5-6")], 200, None, 0..1000),
        (&[("range", "lines=0-1")], 200, None, 0..1000),
        (&[("range", "bytes=10-"), ("if-range", tag.as_str())], 206, Some("bytes 10-999/1000"), 10..1000),
        (&[("range", "bytes=10-"), ("if-range", "\"older\"")], 200, None, 0..1000),
    ];
    for (headers, status, range, part) in rows {
        let (found, headers_found, received) = fetch(&platform, &path, headers).await;
        assert_eq!((found, &headers_found["content-range"]), (status, &json!(range)), "{headers:?}");
        assert_eq!(received, bytes[part], "{headers:?}");
        assert_eq!(headers_found["content-length"], received.len().to_string(), "{headers:?}");
        let fixed =
            json!([headers_found["etag"], headers_found["content-type"], headers_found["accept-ranges"]]);
        assert_eq!(fixed, json!([tag, "application/octet-stream", "bytes"]), "{headers:?}");
    }
    let (status, headers_found, body) = fetch(&platform, &path, &[("range", "bytes=1000-")]).await;
    assert_eq!((status, &headers_found["content-range"]), (416, &json!("bytes */1000")), "{body:?}");
    assert_eq!(headers_found["content-type"], "application/problem+json");
    let head = platform.client.without_key().send_bytes("HEAD", &path, &[], "").await;
    head.with_header("content-length", "1000").is(200, &Vec::new());
    // The same secret signs after a crash, and nobody else's does.
    platform.server.crash().await;
    assert_eq!(fetch(&platform, &path, &[]).await.2, bytes);
    let changed = path.replace(&device.replace('-', ""), &NOBODY.replace('-', ""));
    assert_ne!(changed, path);
    assert_eq!(fetch(&platform, &changed, &[]).await.0, 401, "for another device");
    assert_eq!(admin.status("DELETE", &format!("/api/v1/devices/{device}"), &Value::Null).await, 204);
    assert_eq!(fetch(&platform, &path, &[]).await.0, 401, "the device is gone");
}

#[tokio::test]
async fn a_file_has_a_limit_and_tokens_and_commands_name_firmware_and_devices_of_the_organization() {
    let platform = Platform::start().await;
    let largest = vec![7; LARGEST];
    let row = stored(&platform.admin, "1.0.0", &largest).await;
    assert_eq!(row["sizeBytes"], LARGEST);
    assert_eq!(row["sha256"], hex::encode(Sha256::digest(&largest)));
    let texts = [("name", "press"), ("version", "1.0.1")];
    for (name, bytes) in [("one_byte_more", LARGEST + 1), ("much_more", LARGEST + (8 << 20))] {
        let body = upload(&platform.admin, &texts, Some(&vec![7; bytes]), &[]).await;
        body.about(&name).has(413, json!({"title": "Payload Too Large"}));
    }
    assert_eq!(std::fs::read_dir(platform.server.data_dir.path().join("objects")).unwrap().count(), 1);
    let once = [("idempotency-key", "f-1")];
    let texts = [("name", "press"), ("version", "2.0.0")];
    let first = upload(&platform.admin, &texts, Some(b"firmware"), &once).await;
    let again = upload(&platform.admin, &texts, Some(b"firmware"), &once).await;
    again.with_header("location", first.header("location")).is(201, &first.created());
    let body = upload(&platform.admin, &texts, Some(b"other"), &once).await;
    body.has(422, json!({"title": "Unprocessable Entity"}));
    assert_eq!(platform.admin.get(FIRMWARE).await["page"]["totalElements"], 2);
    let files = std::fs::read_dir(platform.server.data_dir.path().join("objects")).unwrap().count();
    assert_eq!(files, 2, "a repeat leaves no file");

    let stranger = platform.stranger().await;
    let row = stored(&platform.admin, "3.0.0", b"ours").await;
    let theirs = stranger.make("devices", json!({"name": "d"})).await;
    let tokens = format!("{FIRMWARE}/{}/download-tokens", id(&row));
    for (body, expected) in [
        (json!({}), "deviceId: must not be null"),
        (json!({"deviceId": "x"}), "deviceId: must be a UUID"),
        (json!({"deviceId": NOBODY}), "deviceId: does not exist"),
        (json!({ "deviceId": theirs }), "deviceId: does not exist"),
    ] {
        platform.admin.send("POST", &tokens, &body).await.has_field_errors(400, &[expected]);
    }
    let commands = format!("/api/v1/devices/{theirs}/commands");
    let body = json!({"type": "UPDATE_FIRMWARE", "params": {"firmwareId": id(&row)}});
    let unknown = ["params.firmwareId: does not exist"];
    stranger.send("POST", &commands, &body).await.has_field_errors(400, &unknown);
}

#[tokio::test]
async fn downloads_are_limited_like_every_request_without_a_caller() {
    let platform = Platform::start_with(&[("BASALT_MK__RATE", "5/h")]).await;
    for _ in 0..5 {
        assert_eq!(fetch(&platform, &format!("{FIRMWARE}/download?token=x"), &[]).await.0, 401);
    }
    assert_eq!(fetch(&platform, &format!("{FIRMWARE}/download?token=x"), &[]).await.0, 429);
    assert_eq!(platform.admin.status("GET", FIRMWARE, &Value::Null).await, 200, "callers are not affected");
}

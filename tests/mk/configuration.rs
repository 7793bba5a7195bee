//! Artefacts, bindings and uploads over the socket: rules, and what a crash leaves.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Caller, NOBODY, Platform, field_errors};
use crate::support::{row_vec, rows, with};

const ARTEFACTS: &str = "/api/v1/config-artefacts";
const BINDINGS: &str = "/api/v1/desired-state-bindings";
const UPLOADS: &str = "/api/v1/config-artefacts/upload-url";

/// Path and query of an address.
pub(super) fn target(address: &Value) -> String {
    let address = address.as_str().unwrap_or_else(|| panic!("no address: {address}"));
    let at = address.find("/objects/").unwrap_or_else(|| panic!("no object in {address}"));
    address[at..].to_owned()
}

/// Declares an object and returns the answer.
pub(super) async fn declare(caller: &Caller, bytes: &[u8]) -> Value {
    let body = json!({"fileName": "a.bin", "contentType": "application/octet-stream", "sizeBytes": bytes.len(),
        "sha256": hex::encode(Sha256::digest(bytes))});
    caller.send("POST", UPLOADS, &body).await.created()
}

/// Sends bytes to an address without any credential.
pub(super) async fn put(platform: &Platform, target: &str, bytes: &[u8]) -> u16 {
    platform.client.without_key().send("PUT", target, &[], bytes.to_vec()).await.status
}

/// A request with its field errors.
type Mistake = (&'static str, String, Value, Vec<&'static str>);

fn mistakes_of_artefacts(org: &str) -> Vec<Mistake> {
    let artefact = |more: Value| {
        with(json!({"name": "a", "profileType": "SENSOR_PROFILE", "profileId": NOBODY, "content": {}}), more)
    };
    let empty = vec![
        "content: must not be null",
        "name: must not be blank",
        "profileId: must not be null",
        "profileType: must not be null",
    ];
    let of_nobody = json!({"content": null, "objectKey": format!("{org}/{NOBODY}")});
    let rows = rows![
        json!({}), empty;
        artefact(json!({"profileType": "PROFILE"})), vec!["profileType: must be one of SENSOR_PROFILE, DEVICE_PROFILE"];
        artefact(json!({})), vec!["profileId: does not exist"];
        artefact(json!({"objectKey": "x"})), vec!["objectKey: must be null when content is given"];
        artefact(of_nobody), vec!["objectKey: does not exist", "profileId: does not exist"];
    ];
    rows.into_iter().map(|(body, errors)| ("POST", ARTEFACTS.to_owned(), body, errors)).collect()
}

fn mistakes_of_bindings_and_uploads() -> Vec<Mistake> {
    let binding = format!("{BINDINGS}/{NOBODY}");
    row_vec![
        "PUT", binding.clone(), json!({"targetType": "PLANT"}),
            vec!["configArtefactId: must not be null", "targetId: must not be null",
                 "targetType: must be one of COMPONENT, DEVICE, DEVICE_GROUP, DEVICE_PROFILE, SENSOR_PROFILE"];
        "PUT", binding, json!({"targetType": "DEVICE", "targetId": NOBODY, "configArtefactId": NOBODY}),
            vec!["configArtefactId: does not exist", "targetId: does not exist"];
        "POST", UPLOADS.to_owned(), json!({"contentType": "a/b", "sizeBytes": 104_857_601, "sha256": "x"}),
            vec!["fileName: must not be blank", "sha256: must be 64 hexadecimal digits in lower case",
                 "sizeBytes: must be between 1 and 104857600"];
    ]
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let platform = Platform::start().await;
    let rows = mistakes_of_artefacts(&platform.org).into_iter().chain(mistakes_of_bindings_and_uploads());
    for (method, path, body, expected) in rows {
        platform.admin.send(method, &path, &body).await.has_field_errors(400, &expected);
    }
    for (method, path, expected) in [
        ("PUT", format!("{ARTEFACTS}/{NOBODY}"), 405),
        ("POST", BINDINGS.to_owned(), 405),
        ("GET", format!("{ARTEFACTS}/abc"), 400),
        ("GET", format!("{BINDINGS}/abc"), 400),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        platform.admin.send(method, &path, &body).await.expect(expected);
    }
    for path in [ARTEFACTS, BINDINGS] {
        assert_eq!(platform.admin.get(path).await["content"], json!([]), "{path}");
    }
    // An object of another organization is none.
    let stranger = platform.stranger().await;
    let upload = declare(&platform.admin, b"x").await;
    put(&platform, &target(&upload["uploadUrl"]), b"x").await;
    let body = json!({"name": "a", "profileType": "SENSOR_PROFILE", "profileId": NOBODY,
        "objectKey": upload["objectKey"]});
    let answer = stranger.send("POST", ARTEFACTS, &body).await.expect(400);
    assert!(field_errors(&answer).contains(&"objectKey: does not exist".to_owned()), "{answer}");
}

#[tokio::test]
async fn what_is_uploaded_is_what_was_declared_and_survives_a_crash() {
    let mut platform = Platform::start().await;
    let upload = declare(&platform.admin, b"firmware").await;
    assert_eq!((&upload["method"], &upload["headers"]), (&json!("PUT"), &json!({})));
    assert!(upload["objectKey"].as_str().unwrap().starts_with(&platform.org), "{upload}");
    let path = target(&upload["uploadUrl"]);
    for (name, bytes) in [("short", &b"firm"[..]), ("long", b"firmware!"), ("other", b"software")] {
        assert_eq!(put(&platform, &path, bytes).await, 400, "{name}");
    }
    assert_eq!(put(&platform, &path, b"firmware").await, 200);
    assert_eq!(put(&platform, &path, b"firmware").await, 200, "a repeat");
    platform.server.crash().await;
    assert_eq!(put(&platform, &path, b"firmware").await, 200, "the same key signs after a restart");
    let forged = path.replace("X-Amz-Expires=900", "X-Amz-Expires=901");
    for (name, path) in [
        ("forged", forged),
        ("unsigned", path.split('?').next().unwrap().to_owned()),
        ("of_nobody", path.replace(&platform.org, NOBODY)),
    ] {
        assert_eq!(put(&platform, &path, b"firmware").await, 403, "{name}");
    }
    let fetched = platform.client.without_key().send("GET", &path, &[], "").await;
    assert_eq!(fetched.status, 403, "an address for sending is none for fetching");
}

//! Every endpoint with every credential and every permission, and paths and methods that are none.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    BATCH, BATCH_UPDATE, DATASTREAMS, HISTORY, Plant, TokenClient, UPDATE, device, error, good_requests,
    no_device, stream,
};
use crate::support::{row_vec, until};

#[tokio::test]
async fn every_endpoint_refuses_every_wrong_credential() {
    let plant = Plant::start().await;
    let bearer = |token: &str| TokenClient::new(&plant.client, token);
    let anonymous = TokenClient::anonymous(&plant.client);
    let with =
        |authorization: String| TokenClient { authorization: Some(authorization), ..anonymous.clone() };
    for (name, client) in [
        ("no", anonymous.clone()),
        ("wrong", bearer(&"x".repeat(40))),
        ("malformed", bearer("x")),
        ("empty", with("Bearer".to_owned())),
        ("of_datastone", bearer(&plant.server.key)),
        ("of_datastone_in_its_own_scheme", with(format!("ApiKey {}", plant.server.key))),
        ("another_scheme", with("Basic eDp5".to_owned())),
        ("of_a_json_web_token", bearer("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x")),
    ] {
        for (path, body) in good_requests(plant.device) {
            let method = if body.is_null() { "GET" } else { "POST" };
            // Also where the request itself is wrong: the credential comes first.
            for (path, body) in
                [(path.as_str(), body.to_string()), (path.split('?').next().unwrap(), "{".into())]
            {
                let answer = client.send(method, path, &body).await.about(name);
                answer.with_header("www-authenticate", "Bearer").is(401, &error("Unauthorized."));
            }
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let plant = Plant::start_with(&[("BASALT_BLYNK__TOKEN_TTL", "2s")]).await;
    let blynk = &plant.blynk;
    let path = format!("{DATASTREAMS}?deviceId={}", plant.device);
    let refused = until!("the token expires", Duration::from_secs(20);
        answer = blynk.get(&path).await; answer.status == 401);
    assert_eq!(refused.body, error("Unauthorized."));
    for (path, body) in good_requests(plant.device) {
        let method = if body.is_null() { "GET" } else { "POST" };
        blynk.send(method, &path, &body.to_string()).await.is(401, &error("Unauthorized."));
    }
}

#[tokio::test]
async fn every_endpoint_needs_its_permissions() {
    let plant = Plant::start().await;
    plant.server.create_user("ann", &[]).await;
    let own = device(&plant.client, json!({"name": "own", "owner": "ann"})).await;
    stream(&plant.client, json!({"name": "Motor RPM", "device": own})).await;
    let control = "You don't have the required permission: ORG_DEVICES_CONTROL.";
    let import = "You don't have the required permission: ORG_DEVICE_DATA_IMPORT.";
    // Role, whether it sees what others own, what refuses updates, what refuses imports.
    for (role, sees_all, updates, imports) in [
        ("viewer", false, Some(control), Some(import)),
        ("org-viewer", true, Some(control), Some(import)),
        ("operator", true, None, Some(import)),
        ("importer", true, Some(control), None),
        ("admin", true, None, None),
    ] {
        let client = plant.of_role(role).await;
        for (id, is_own) in [(own, true), (plant.device, false)] {
            let is_seen = is_own || sees_all;
            for (at, (path, body)) in good_requests(id).into_iter().enumerate() {
                let refusal = match at {
                    0..=2 => None,
                    6 => imports,
                    _ => updates,
                };
                let expected = match (at, refusal) {
                    (_, Some(message)) => (403, error(message)),
                    // Devices that are not seen are left out.
                    (1, None) if !is_seen => (200, json!([])),
                    (_, None) if !is_seen => (404, no_device(id)),
                    (0..=2, None) => (200, Value::Null),
                    (_, None) => (204, Value::Null),
                };
                let method = if body.is_null() { "GET" } else { "POST" };
                let answer = client.send(method, &path, &body.to_string()).await;
                let answer = answer.about(&format!("{role} {id} {path}")).expect(expected.0);
                assert!(expected.1.is_null() || answer == expected.1, "{role} {id} {path}: {answer}");
            }
        }
        let both = client.get(&format!("{BATCH}?deviceIds={},{own}", plant.device)).await;
        let expected = if sees_all { json!([plant.device, own]) } else { json!([own]) };
        assert_eq!(json!(both.column("deviceId")), expected, "{role}");
    }
}

#[tokio::test]
async fn refusals_come_in_one_order_and_are_in_the_audit_log() {
    let plant = Plant::start().await;
    plant.server.create_user("ann", &[]).await;
    let (blynk, viewer) = (&plant.blynk, plant.of_role("org-viewer").await);
    let control = error("You don't have the required permission: ORG_DEVICES_CONTROL.");
    let body = |device: Value, datastream: Value, value: Value| json!({"deviceId": device, "dataStreamId": datastream, "value": value});
    let path = || UPDATE.to_owned();
    viewer
        .check(row_vec![
            path(), body(json!("x"), json!(1), json!(5)), 400, error("Parameter deviceId has wrong format.");
            path(), body(json!(999), json!(1), Value::Null), 400, error("Parameter value is required.");
            path(), body(json!(999), json!(1), json!("x")), 403, control.clone();
        ])
        .await;
    // One who sees the own devices only.
    let hidden =
        (format!("{DATASTREAMS}?deviceId={}", plant.device), Value::Null, 404, no_device(plant.device));
    plant.of_role("viewer").await.check(vec![hidden]).await;
    let rows = row_vec![
        path(), body(json!(999), json!(99), json!("x")), 404, no_device(999);
        path(), body(json!(plant.device), json!(99), json!("x")), 404, super::no_datastream("99");
        path(), body(json!(plant.device), json!(1), json!("x")), 400, error("Value doesn't match the Datastream data type");
        path(), body(json!(plant.device), json!(1), json!(5)), 204, Value::Null;
    ];
    blynk.check(rows).await;
    let logged =
        plant.client.sql("SELECT DISTINCT outcome FROM audit_log WHERE outcome <> 'ok' ORDER BY 1").await;
    for outcome in ["forbidden", "not_found"] {
        assert!(logged.iter().any(|row| row["outcome"] == outcome), "{outcome}: {logged:?}");
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_none() {
    let plant = Plant::start().await;
    let (not_found, not_allowed) = (error("Not found."), error("Method not allowed."));
    for (method, path, status, expected) in [
        ("GET", "/api/v1/organization/devices", 404, &not_found),
        ("POST", "/api/v1/organization/device/datastream/", 404, &not_found),
        ("GET", "/api/v2/organization/device/datastreams/", 404, &not_found),
        ("DELETE", "/api/v1/organization/x/y/z", 404, &not_found),
        ("GET", "/api/v2/organization", 404, &not_found),
        ("GET", "/api/v2/x", 404, &not_found),
        ("GET", "/api/v2/organization/Device/datastreams", 404, &not_found),
        ("POST", DATASTREAMS, 405, &not_allowed),
        ("DELETE", BATCH, 405, &not_allowed),
        ("PUT", HISTORY, 405, &not_allowed),
        ("GET", UPDATE, 405, &not_allowed),
        ("PATCH", BATCH_UPDATE, 405, &not_allowed),
        ("OPTIONS", UPDATE, 404, &not_found),
        ("OPTIONS", DATASTREAMS, 404, &not_found),
    ] {
        for client in [&plant.blynk, &TokenClient::anonymous(&plant.client)] {
            let answer = client.send(method, path, "").await.with_headers(&["x-request-id"]);
            let answer = if status == 405 { answer.with_headers(&["allow"]) } else { answer };
            answer.is(status, expected);
        }
    }
    plant.blynk.send("HEAD", &format!("{DATASTREAMS}?deviceId=1"), "").await.is(200, &Value::Null);
}

//! Commands over the socket: rules, states, and what a crash leaves.

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, id};
use crate::support::rows;

/// A device, and the path of its commands.
async fn device(caller: &Caller, name: &str) -> (String, String) {
    let device = caller.make("devices", json!({"name": name})).await;
    let path = format!("/api/v1/devices/{device}/commands");
    (device, path)
}

#[tokio::test]
async fn a_command_is_shown_as_it_was_asked_for() {
    let mut platform = Platform::start().await;
    let (device, path) = device(&platform.admin, "d").await;
    for (body, expected) in rows![
        json!({}), vec!["type: must not be blank"];
        json!({"type": "reboot", "timeoutSeconds": 0}),
            vec!["timeoutSeconds: must be between 1 and 86400", "type: must match ^[A-Z][A-Z0-9_]{0,63}$"];
        json!({"type": "UPDATE_FIRMWARE"}), vec!["params.firmwareId: must not be null"];
        json!({"type": "UPDATE_FIRMWARE", "params": {"firmwareId": NOBODY}}), vec!["params.firmwareId: does not exist"];
        json!({"type": "BIND_CONFIG_ARTEFACT", "params": {"configArtefactId": "x", "componentId": 1}}),
            vec!["params.componentId: must be a UUID", "params.configArtefactId: must be a UUID"];
        json!({"type": "BIND_CONFIG_ARTEFACT", "params": {"configArtefactId": NOBODY}}),
            vec!["params.configArtefactId: does not exist"];
    ] {
        platform.admin.send("POST", &path, &body).await.has_field_errors(400, &expected);
    }
    assert_eq!(platform.admin.get(&path).await["content"], json!([]), "nothing of it was queued");
    for (method, path, expected) in [
        ("GET", format!("{path}/{NOBODY}"), 404),
        ("GET", format!("{path}/abc"), 400),
        ("GET", "/api/v1/devices/abc/commands".to_owned(), 400),
        ("DELETE", format!("{path}/{NOBODY}"), 405),
    ] {
        platform.admin.send(method, &path, &Value::Null).await.expect(expected);
    }

    let params = json!({"delay": 5});
    let made = platform.admin.create(&path, json!({"type": "REBOOT", "params": params})).await;
    let mut shown = made.clone();
    for name in ["id", "createdAt", "createdBy"] {
        assert!(shown.as_object_mut().unwrap().remove(name).is_some_and(|value| value.is_string()), "{name}");
    }
    let expected = json!({"deviceId": device, "type": "REBOOT", "params": params, "status": "PENDING",
        "result": null, "error": null, "sentAt": null, "acknowledgedAt": null, "completedAt": null});
    assert_eq!(shown, expected);
    platform.server.crash().await;
    assert_eq!(platform.admin.get(&format!("{path}/{}", id(&made))).await.body, made, "after a crash");
    platform.admin.get(&format!("{path}?status=PENDING")).await.has(200, json!({"content": [made]}));
    assert_eq!(platform.admin.get(&format!("{path}?status=SUCCESS")).await["content"], json!([]));
    platform.admin.get(&format!("{path}?status=DONE")).await.expect(400);
    platform.admin.get(&format!("{path}?sort=params")).await.expect(400);
    let other = platform.admin.make("devices", json!({"name": "e"})).await;
    let path = format!("/api/v1/devices/{other}/commands/{}", id(&made));
    platform.admin.get(&path).await.about("a command of another device").expect(404);
}

#[tokio::test]
async fn a_command_is_answered_once_or_ends_by_its_time() {
    let platform = Platform::start().await;
    let (_, path) = device(&platform.admin, "d").await;
    let made = id(&platform.admin.create(&path, json!({"type": "REBOOT"})).await);
    // The native door of gateways stands for the device here.
    let result = format!("/api/command/{made}/result/");
    for (state, status, is_complete) in [("acknowledged", "ACKNOWLEDGED", false), ("done", "SUCCESS", true)] {
        let body = json!({"state": state, "result": 7}).to_string();
        platform.client.send("POST", &result, &[("content-type", "application/json")], body).await.ok();
        let command = platform.admin.get(&format!("{path}/{made}")).await.body;
        assert_eq!((&command["status"], command["completedAt"].is_string()), (&json!(status), is_complete));
    }
    platform.client.post(&result, &json!({"state": "failed"})).await.about("a final state stays").expect(409);
    let short = id(&platform.admin.create(&path, json!({"type": "REBOOT", "timeoutSeconds": 1})).await);
    let one = format!("{path}/{short}");
    let timed_out = loop {
        let command = platform.admin.get(&one).await.body;
        if command["status"] != "PENDING" {
            break command;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!((&timed_out["status"], timed_out["completedAt"].is_string()), (&json!("TIMEOUT"), true));
}

//! Tests of commands: what may be asked for, who is sent what, and answers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::app::mk::device::PlatformDevice;
use crate::app::mk::new_command::DEFAULT_TIMEOUT_S;
use crate::app::{App, test_app};
use crate::domain::Kind;
use crate::domain::validation::MAX_OBJECT_BYTES;

fn new(kind: &str, params: Value) -> NewCommand {
    NewCommand {
        kind: kind.to_owned(),
        params: params.as_object().cloned().unwrap_or_default(),
        timeout_s: DEFAULT_TIMEOUT_S,
        created_by: "key_1".to_owned(),
        base_url: "http://plant.example".to_owned(),
    }
}

async fn device(app: &App, who: &Principal, name: &str) -> (DeviceId, Uuid) {
    let new = PlatformDevice { name: name.to_owned(), ..Default::default() };
    let device = app.mk.devices.create_platform_device(who, new).await.unwrap().device;
    (device.id, device.aliases.uuid)
}

#[test]
fn every_mistake_is_told() {
    let id = Uuid::nil();
    let rows = [
        ("sound", new("REBOOT", json!({})), vec![]),
        ("own", new("X_9", json!({"a": 1})), vec![]),
        ("longest", new(&"A".repeat(64), json!({})), vec![]),
        ("too_long", new(&"A".repeat(65), json!({})), vec!["type"]),
        ("lower_case", new("reboot", json!({})), vec!["type"]),
        ("digit_first", new("9A", json!({})), vec!["type"]),
        ("blank", new("", json!({})), vec!["type"]),
        ("no_time", NewCommand { timeout_s: 0, ..new("REBOOT", json!({})) }, vec!["timeout_seconds"]),
        ("long_time", NewCommand { timeout_s: 86_401, ..new("REBOOT", json!({})) }, vec!["timeout_seconds"]),
        ("long_params", new("REBOOT", json!({"a": "x".repeat(MAX_OBJECT_BYTES)})), vec!["params"]),
        ("firmware", new("UPDATE_FIRMWARE", json!({})), vec!["params.firmwareId"]),
        ("no_uuid", new("UPDATE_FIRMWARE", json!({"firmwareId": 7})), vec!["params.firmwareId"]),
        ("bind", new("BIND_CONFIG_ARTEFACT", json!({"configArtefactId": id})), vec![]),
        (
            "unbind",
            new("UNBIND_CONFIG_ARTEFACT", json!({"componentId": "x"})),
            vec!["params.configArtefactId", "params.componentId"],
        ),
    ];
    for (name, new, expected) in rows {
        let found = new.problems();
        let fields: Vec<_> = found.iter().map(|problem| problem.field.as_ref()).collect();
        assert_eq!(fields, expected, "{name}");
    }
}

#[tokio::test]
async fn a_device_is_sent_what_waits_and_then_what_is_new() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let (id, uuid) = device(&app, &who, "a").await;
    let (_, other) = device(&app, &who, "b").await;
    let mut expected = Vec::new();
    for kind in ["FIRST", "SECOND"] {
        expected.push(
            app.mk.commands.create_device_command(&who, uuid, new(kind, json!({}))).await.unwrap().uuid,
        );
    }
    app.mk.commands.create_device_command(&who, other, new("REBOOT", json!({}))).await.unwrap();
    let mut feed = app.mk.commands.follow_device_commands(Arc::new(who.clone()), id).unwrap();
    for command in expected {
        assert_eq!(feed.next().await.unwrap().uuid, command);
        app.commands.mark_sent(&who, command).await.unwrap();
    }
    let third = app.mk.commands.create_device_command(&who, uuid, new("THIRD", json!({}))).await.unwrap();
    assert_eq!(feed.next().await.unwrap().uuid, third.uuid);
    let waiting = app.mk.commands.device_commands(&who, uuid, Some(CommandState::Pending)).unwrap();
    assert_eq!(waiting.iter().map(|command| command.uuid).collect::<Vec<_>>(), [third.uuid]);
    assert_eq!(waiting[0].created_by, "key_1");
}

#[tokio::test]
async fn an_answer_counts_once_and_for_its_own_device() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let (id, uuid) = device(&app, &who, "a").await;
    let (other, other_uuid) = device(&app, &who, "b").await;
    let command = app.mk.commands.create_device_command(&who, uuid, new("REBOOT", json!({}))).await.unwrap();
    let answer = |status: &str| json!({"id": command.uuid, "status": status, "result": 7}).to_string();
    let foreign = app.mk.commands.report_device_command(&who, other, answer("SUCCESS").as_bytes()).await;
    assert_eq!(foreign.unwrap_err().kind, Kind::NotFound);
    assert_eq!(
        app.mk.commands.device_command(&who, other_uuid, command.uuid).unwrap_err().kind,
        Kind::NotFound
    );
    let done = app.mk.commands.report_device_command(&who, id, answer("SUCCESS").as_bytes()).await.unwrap();
    assert_eq!((done.state, done.result), (CommandState::Done, json!(7)));
    let late = app.mk.commands.report_device_command(&who, id, answer("FAILED").as_bytes()).await;
    assert_eq!(late.unwrap_err().kind, Kind::Conflict);
}

#[tokio::test]
async fn what_does_not_exist_is_not_bound_or_installed() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let (_, uuid) = device(&app, &who, "a").await;
    let id = Uuid::new_v4();
    for (kind, params, field) in [
        ("UPDATE_FIRMWARE", json!({"firmwareId": id}), "params.firmwareId"),
        ("BIND_CONFIG_ARTEFACT", json!({"configArtefactId": id}), "params.configArtefactId"),
        ("UNBIND_CONFIG_ARTEFACT", json!({"configArtefactId": id, "componentId": id}), "params.componentId"),
    ] {
        let error = app.mk.commands.create_device_command(&who, uuid, new(kind, params)).await.unwrap_err();
        assert_eq!(error.fields[0].field, field, "{kind}");
    }
    assert!(app.mk.commands.device_commands(&who, uuid, None).unwrap().is_empty());
}

//! Alert rules on the state of a device, and how many alerts a rule raises.

use std::time::Duration;

use basalt::domain::alert::budget::MAX_ALERTS_PER_HOUR;
use serde_json::{Value, json};

use super::alerts::{SensorFixture, alerts_of, wait_for};
use super::{Caller, KEY, NOBODY, Platform, id};
use crate::support::{Client, assert_members, free_port, rows, until, with};

const RULES: &str = "/api/v1/alert-rules";
const PATIENCE: Duration = Duration::from_secs(60);

/// A device that nobody answers for: its number and its UUID.
async fn unreachable(client: &Client) -> (i64, Value) {
    let body = json!({"name": "PLC", "protocol": "modbus", "host": "127.0.0.1", "port": free_port(),
        "timeout": 0.5, "poll_interval": 0.5});
    let device = client.post("/api/device/", &body).await.created();
    let row = device["id"].as_i64().unwrap();
    let stream = json!({"name": "t", "device": row, "path": "hr:0", "type": "int16"});
    client.post("/api/data/", &stream).await.created();
    (row, device["uuid"].clone())
}

fn rule(device: &Value, more: Value) -> Value {
    with(
        json!({"name": "down", "deviceId": device, "evaluation": "DEVICE_STATE", "operator": "EQ",
               "threshold": "offline", "windowSeconds": 1, "severity": "CRITICAL", "cooldownSeconds": 0,
               "autoResolve": true}),
        more,
    )
}

#[tokio::test]
async fn a_device_that_stays_offline_raises_one_alert_until_it_leaves_that_state() {
    let mut platform = Platform::start().await;
    let (admin, client) = (platform.admin.clone(), platform.client.clone());
    let (row, device) = unreachable(&client).await;
    let made = admin.create(RULES, rule(&device, json!({}))).await;
    let shown = json!({"sensorId": null, "deviceId": device, "evaluation": "DEVICE_STATE",
        "threshold": "offline", "suppressedAlerts": 0});
    assert_members(&made, &shown);
    let down = id(&made);
    let first = wait_for(&admin, &down, 1).await.remove(0);
    let expected = json!({"value": "offline", "status": "ACTIVE", "deviceId": device, "sensorId": null,
        "message": "down: state \"offline\" for 1 s (EQ \"offline\")"});
    assert_members(&first, &expected);
    // A second rule shows when the server has looked at the device again.
    platform.server.crash().await;
    let admin = Caller::new(&platform.server.client(), KEY);
    let again = rule(&device, json!({"name": "again", "operator": "NEQ", "threshold": "online"}));
    let again = id(&admin.create(RULES, again).await);
    wait_for(&admin, &again, 1).await;
    assert_eq!(alerts_of(&admin, &down).await, [first], "the state is the same after the restart");

    platform.client.patch(&format!("/api/device/{row}/"), &json!({"enabled": false})).await.ok();
    let over = until!("it has left the state", PATIENCE;
        alerts = alerts_of(&admin, &down).await; alerts[0]["status"] == "RESOLVED");
    assert_eq!((over.len(), &over[0]["resolvedBy"]), (1, &json!("system")), "{over:?}");
    assert_eq!(alerts_of(&admin, &again).await[0]["status"], json!("ACTIVE"), "disabled is not online");

    let page = admin.get(&format!("{RULES}?deviceId={}", device.as_str().unwrap())).await;
    page.has(200, json!({"/page/totalElements": 2}));
    platform.client.delete(&format!("/api/device/{row}/")).await.expect(204);
    assert_eq!(admin.status("GET", &format!("{RULES}/{down}"), &Value::Null).await, 404, "it goes with it");
}

#[tokio::test]
async fn a_rule_on_a_device_says_what_is_wrong() {
    let (_platform, admin) = Platform::with_admin().await;
    let device = admin.create("/api/v1/devices", json!({"name": "d"})).await["id"].clone();
    let states = "disabled, connecting, online, degraded, offline";
    for (more, expected) in rows![
        json!({"deviceId": null}), vec!["deviceId: must not be null".to_owned()];
        json!({"deviceId": NOBODY}), vec!["deviceId: does not exist".to_owned()];
        json!({"operator": "GT", "threshold": "OFFLINE", "windowSeconds": null}),
            vec!["operator: must be one of EQ, NEQ for DEVICE_STATE".to_owned(),
                 format!("threshold: must be one of {states} for DEVICE_STATE"),
                 "windowSeconds: must not be null".to_owned()];
        json!({"evaluation": "NO_DATA"}), vec!["sensorId: must not be null".to_owned()];
    ] {
        admin.send("POST", RULES, &rule(&device, more)).await.has_field_errors(400, &expected);
    }
}

#[tokio::test]
async fn a_rule_that_flaps_raises_so_many_alerts_and_counts_the_rest() {
    let (mut platform, admin) = Platform::with_admin().await;
    let mut press = SensorFixture::new(&admin, "Press", "DOUBLE").await;
    let rule = id(&press.rule(&admin, json!({"autoResolve": true})).await);
    // The readings lie in one hour of the clock or in two, which have room for half of them at most.
    let flaps = 4 * MAX_ALERTS_PER_HOUR as usize;
    let mut readings = Vec::new();
    for nth in 0..2 * flaps {
        let value = if nth % 2 == 0 { 99 } else { 1 };
        readings.push(json!({"sensorId": press.sensor, "timestamp": press.tick().to_iso(), "value": value}));
    }
    let counts = admin.send("POST", "/api/v1/readings", &json!(readings)).await;
    counts.has(202, json!({"accepted": readings.len()}));
    let suppressed = async |admin: &Caller| {
        let rule = admin.get(&format!("{RULES}/{rule}")).await.body;
        rule["suppressedAlerts"].as_u64().unwrap_or_else(|| panic!("{rule}"))
    };
    let raised = until!("every flap is counted", PATIENCE;
        raised = alerts_of(&admin, &rule).await.len(); raised as u64 + suppressed(&admin).await == flaps as u64);
    let most = MAX_ALERTS_PER_HOUR as usize;
    assert!((most..=2 * most).contains(&raised), "{raised} alerts");
    let counted = platform.client.metric("basalt_alerts_suppressed_total").await;
    assert_eq!(counted, (flaps - raised) as f64);
    platform.server.restart().await;
    let admin = Caller::new(&platform.server.client(), KEY);
    assert_eq!(suppressed(&admin).await, (flaps - raised) as u64, "after a restart");
    assert_eq!(alerts_of(&admin, &rule).await.len(), raised);
}

//! The paths and bodies with which every operation of the document is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse";
/// When the value and the statistic of every stream are.
pub const TIME: i64 = 1_777_377_600;

/// The rows that paths and bodies name.
#[derive(Clone, Copy, Default)]
pub struct RowIds {
    pub device: i64,
    pub data: i64,
    pub group: i64,
    pub event: i64,
    pub model: i64,
    pub job: i64,
    pub key: i64,
    pub product: i64,
    pub client: i64,
    pub user: i64,
    pub command: Uuid,
    pub dashboard: Uuid,
    pub channel: Uuid,
    pub rule: Uuid,
}

/// SHA-1 of the certificate in tests/data/tls/server.pem.
const FINGERPRINT: &str = "470533288c0aa4aebd138a6199883255da08f511";

pub fn path_to(path: &str, rows: RowIds) -> String {
    let reading = format!("{}-{}", rows.data, TIME * 1_000_000);
    let ids = [
        ("/api/device/{id}", rows.device.to_string()),
        ("/api/data/{id}", rows.data.to_string()),
        ("/api/group/{id}", rows.group.to_string()),
        ("/api/event-log/{id}", rows.event.to_string()),
        ("/api/key/{id}", rows.key.to_string()),
        ("/api/product/{id}", rows.product.to_string()),
        ("/api/client/{id}", rows.client.to_string()),
        ("/api/user/{id}", rows.user.to_string()),
        ("/api/ai/model/{id}", rows.model.to_string()),
        ("/api/job/{id}", rows.job.to_string()),
        ("/api/query/{id}", Uuid::nil().to_string()),
        ("/api/value/{id}", reading.clone()),
        ("/api/statistic/{id}", reading),
    ];
    let uuids =
        [("/api/dashboard/", rows.dashboard), ("/api/channel/", rows.channel), ("/api/rule/", rows.rule)];
    let uuid =
        uuids.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or(rows.command, |(_, uuid)| *uuid);
    let id = ids.iter().find(|(prefix, _)| path.starts_with(prefix)).map(|(_, id)| id.as_str());
    let path = path
        .replace("{id}", id.unwrap_or("{id}"))
        .replace("{network}", "plant%20one")
        .replace("{register}", "hr:0")
        .replace("{number}", "1")
        .replace("{name}", "basalt-none")
        .replace("{fingerprint}", FINGERPRINT)
        .replace("{uuid}", &uuid.to_string());
    assert!(!path.contains('{'), "which row is meant by {path}?");
    path
}

/// A body that can be sent again and again; null where none is needed.
pub fn body_of(operation: &str, rows: RowIds) -> Value {
    let event = json!({"kind": "test", "device": rows.device});
    let grant = json!({"terminal_id": "shell", "host_id": "edge"});
    match operation {
        "device_create" | "device_replace" => json!({"name": unique(), "protocol": "virtual"}),
        "device_update" => json!({"unit": 2}),
        "device_test" => json!({"name": "t", "protocol": "modbus", "host": "127.0.0.1", "port": 1}),
        "device_test_browse" => json!({"name": "t", "protocol": "virtual"}),
        "device_io_write" => json!({"value": 1}),
        "data_create" | "data_replace" => json!({"name": unique(), "device": rows.device}),
        "data_update" => json!({"unit": "bar"}),
        "data_value_create" => json!({"timestamp": TIME, "value": 1}),
        "data_statistic_create" => json!({"timestamp": TIME, "mean": 1}),
        "data_retention_change" | "data_retention_put" | "retention_change" => policy(),
        "group_create" | "group_replace" => json!({"name": unique()}),
        "product_create" | "product_replace" => json!({"name": unique()}),
        "product_update" => json!({"metadata": {"description": "x"}}),
        "client_create" => json!({"api": "blynk", "name": unique()}),
        "group_update" => json!({"description": "x"}),
        "event_log_create" | "event_log_replace" => event,
        "event_log_update" => json!({"level": "error"}),
        "event_log_acknowledge" => json!({"ids": [rows.event]}),
        "hamachi_join" | "hamachi_leave_named" => json!({"network": "plant one"}),
        "terminal_grant_create" => grant,
        "session_create" => json!({"username": "staff", "password": PASSWORD}),
        "session_link" => json!({"token": "of no link"}),
        "session_password" => json!({"old_password": PASSWORD, "new_password": PASSWORD}),
        "user_create" => json!({"username": unique(), "password": PASSWORD, "role": "viewer"}),
        "user_update" => json!({"role": "staff"}),
        "opcua_certificate_decide" => json!({"state": "trusted"}),
        "key_create" => json!({"name": unique(), "scopes": ["device:read"]}),
        "command_create" => json!({"device": rows.device, "type": "set"}),
        "dashboard_create" | "dashboard_replace" => json!({"name": unique()}),
        "dashboard_update" => json!({"is_default": false}),
        "channel_create" | "channel_replace" => {
            json!({"name": unique(), "type": "EMAIL", "recipients": ["ops@plant.example"]})
        }
        "channel_update" | "rule_update" => json!({"enabled": true}),
        "rule_create" | "rule_replace" => {
            json!({"name": unique(), "stream": rows.data, "operator": "GT", "threshold": 1, "severity": "INFO"})
        }
        "session_preferences_replace" => json!({}),
        "inventory_import" => json!({"devices": []}),
        "job_create" => json!({"kind": "import", "name": unique()}),
        "job_report" => json!({"progress": 0.5}),
        "model_update" => json!({"enabled": true}),
        "model_calibrate" | "model_score" => json!({"from": TIME, "to": TIME + 60}),
        _ => Value::Null,
    }
}

/// Keeps everything there is here.
pub fn policy() -> Value {
    json!({"hypertable": "core_value", "drop_after_days": 36_500})
}

pub fn unique() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("row {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

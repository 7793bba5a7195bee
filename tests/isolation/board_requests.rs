//! Requests about alert rules, dashboards and notification channels in our own words, by placeholders.

use super::requests::{Request, get, graphql_of, send};

/// The endpoints for alert rules, which are seen with what they watch.
pub fn rules() -> Vec<Request> {
    let down = r#"{"name":"x y","device":{device},"evaluation":"DEVICE_STATE","operator":"EQ","threshold":"offline","window_seconds":60,"severity":"INFO"}"#;
    vec![
        get("/api/rule/{rule}/"),
        get("/api/rule/{device_rule}/"),
        get("/api/rule/?device={device}"),
        send("PATCH", "/api/rule/{rule}/", r#"{"name":"x"}"#),
        send("PUT", "/api/rule/{rule}/", down),
        send("POST", "/api/rule/", down),
        send("POST", "/api/rule/?dry_run=true", down),
        send("DELETE", "/api/rule/{rule}/", ""),
        send("DELETE", "/api/rule/{device_rule}/", ""),
        graphql_of(
            "mutation { updateAlertRule(uuid: \"{rule}\", input: {enabled: false}) { alertRule { name } errors { code } }
             enableAlertRule(uuid: \"{rule}\") { alertRule { name } errors { code } }
             deleteAlertRule(uuid: \"{device_rule}\") { deletedUuid errors { code } } }",
        ),
    ]
}

/// The endpoints for what all keys of an organization see.
pub fn shared() -> Vec<Request> {
    vec![
        get("/api/dashboard/{dashboard}/"),
        get("/api/channel/{channel}/"),
        send("PATCH", "/api/dashboard/{dashboard}/", r#"{"name":"x","version":1}"#),
        send("PUT", "/api/dashboard/{dashboard}/", r#"{"name":"x"}"#),
        send("PATCH", "/api/channel/{channel}/", r#"{"name":"x"}"#),
        send("POST", "/api/channel/{channel}/test/", ""),
        send("DELETE", "/api/dashboard/{dashboard}/", ""),
        send("DELETE", "/api/channel/{channel}/", ""),
        graphql_of(
            "mutation { updateDashboard(uuid: \"{dashboard}\", input: {name: \"x\"}) { dashboard { name } errors { code } }
             deleteDashboard(uuid: \"{dashboard}\") { errors { code } }
             testNotificationChannel(uuid: \"{channel}\") { success error errors { code } }
             deleteNotificationChannel(uuid: \"{channel}\") { errors { code } } }",
        ),
    ]
}

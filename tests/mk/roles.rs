//! Every operation as every kind of caller: allowed, refused or unknown.

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, problem};
use crate::support::rows;

/// What an operation needs, in the order of the callers: owner, admin, member, readonly.
#[derive(Debug, Clone, Copy)]
enum Needs {
    Read,
    Write,
    Manage,
    Own,
}

/// Every operation here with an id that nobody has and a body that is no row: whoever may call it gets 400 or 404.
fn operations() -> Vec<(&'static str, String, Needs)> {
    let mut rows = Vec::new();
    for noun in rows![
        "devices"; "components"; "sensors"; "device-groups"; "sites"; "cameras"; "media-capture-rules"; "annotations";
        "annotation-classes"; "reference-pairs"; "dashboards";
    ] {
        let (all, one) = (format!("/api/v1/{noun}"), format!("/api/v1/{noun}/{NOBODY}"));
        rows.extend([
            ("GET", all.clone(), Needs::Read),
            ("POST", all, Needs::Write),
            ("GET", one.clone(), Needs::Read),
            ("PUT", one.clone(), Needs::Write),
            ("DELETE", one, Needs::Write),
        ]);
    }
    rows.push(("GET", "/api/v1/annotations/by-source?source=ML".to_owned(), Needs::Read));
    let (artefacts, bindings) = ("/api/v1/config-artefacts", "/api/v1/desired-state-bindings");
    for all in [artefacts, bindings] {
        let one = format!("{all}/{NOBODY}");
        let all = all.to_owned();
        rows.extend([
            ("GET", all, Needs::Read),
            ("GET", one.clone(), Needs::Read),
            ("DELETE", one, Needs::Write),
        ]);
    }
    rows.push(("POST", artefacts.to_owned(), Needs::Write));
    rows.push(("POST", format!("{artefacts}/upload-url"), Needs::Write));
    rows.push(("PUT", format!("{bindings}/{NOBODY}"), Needs::Write));
    let commands = format!("/api/v1/devices/{NOBODY}/commands");
    rows.push(("GET", format!("{commands}/{NOBODY}"), Needs::Read));
    rows.extend([("GET", commands.clone(), Needs::Read), ("POST", commands, Needs::Write)]);
    rows.push(("PATCH", format!("/api/v1/devices/{NOBODY}"), Needs::Write));
    for noun in ["captures", "dvr-clip-requests", "live"] {
        rows.push(("GET", format!("/api/v1/{noun}"), Needs::Read));
        rows.push(("GET", format!("/api/v1/{noun}/{NOBODY}"), Needs::Read));
    }
    rows.push(("GET", format!("/api/v1/captures/{NOBODY}/download"), Needs::Read));
    rows.push(("POST", "/api/v1/dvr-clip-requests".to_owned(), Needs::Write));
    rows.push(("POST", format!("/api/v1/cameras/{NOBODY}/live"), Needs::Write));
    rows.push(("DELETE", format!("/api/v1/live/{NOBODY}"), Needs::Write));
    let tokens = "/api/v1/devices/registration/tokens";
    rows.push(("GET", tokens.to_owned(), Needs::Read));
    rows.push(("POST", tokens.to_owned(), Needs::Write));
    rows.push(("DELETE", format!("{tokens}/{NOBODY}"), Needs::Write));
    rows.push(("POST", format!("/api/v1/devices/{NOBODY}/certificate/revoke"), Needs::Write));
    for noun in ["sensor-profiles", "device-profiles"] {
        rows.push(("GET", format!("/api/v1/{noun}"), Needs::Read));
        rows.push(("GET", format!("/api/v1/{noun}/{NOBODY}"), Needs::Read));
    }
    let packs = ["/api/v1/packs".to_owned(), format!("/api/v1/packs/{NOBODY}")];
    rows.extend(packs.clone().map(|path| ("GET", path, Needs::Read)));
    let [all, one] = packs;
    rows.extend([("POST", all, Needs::Manage), ("DELETE", one, Needs::Manage)]);
    rows.push(("GET", "/api/schemas".to_owned(), Needs::Read));
    rows.push(("GET", format!("/api/schemas/sensor-profile/{NOBODY}"), Needs::Read));
    rows.push(("GET", format!("/api/schemas/device-profile/{NOBODY}"), Needs::Read));
    rows.push(("GET", "/api/v1/organization".to_owned(), Needs::Read));
    rows.push(("GET", "/api/v1/api-keys".to_owned(), Needs::Manage));
    rows.push(("POST", "/api/v1/api-keys".to_owned(), Needs::Manage));
    rows.push(("DELETE", format!("/api/v1/api-keys/{NOBODY}"), Needs::Manage));
    rows.push(("GET", "/api/v1/admin/quarantine".to_owned(), Needs::Manage));
    for method in ["GET", "DELETE"] {
        rows.push((method, format!("/api/v1/admin/quarantine/{NOBODY}"), Needs::Manage));
    }
    rows.push(("GET", "/api/v1/firmware".to_owned(), Needs::Read));
    rows.push(("GET", format!("/api/v1/firmware/{NOBODY}"), Needs::Read));
    rows.push(("DELETE", format!("/api/v1/firmware/{NOBODY}"), Needs::Manage));
    rows.push(("POST", format!("/api/v1/firmware/{NOBODY}/download-tokens"), Needs::Manage));
    for part in ["", "/usage", "/plans"] {
        rows.push(("GET", format!("/api/v1/billing{part}"), Needs::Read));
    }
    rows.push(("PUT", "/api/v1/billing/plan".to_owned(), Needs::Own));
    let exports = ["/api/v1/exports".to_owned(), format!("/api/v1/exports/{NOBODY}")];
    rows.extend(exports.clone().map(|path| ("GET", path, Needs::Read)));
    let [all, one] = exports;
    rows.extend([("POST", all, Needs::Write), ("DELETE", one, Needs::Write)]);
    for part in ["", "/stats", "/latest"] {
        rows.push(("GET", format!("/api/v1/readings/sensor/{NOBODY}{part}"), Needs::Read));
    }
    rows.push(("POST", "/api/v1/readings/batch".to_owned(), Needs::Read));
    rows.push(("POST", "/api/v1/readings".to_owned(), Needs::Write));
    let channels = "/api/v1/notification-channels";
    let channel = format!("{channels}/{NOBODY}");
    rows.extend([
        ("GET", channels.to_owned(), Needs::Read),
        ("POST", channels.to_owned(), Needs::Write),
        ("GET", channel.clone(), Needs::Read),
        ("PUT", channel.clone(), Needs::Write),
        ("DELETE", channel.clone(), Needs::Write),
        ("POST", format!("{channel}/test"), Needs::Write),
        ("GET", format!("/api/v1/alerts/{NOBODY}/notifications"), Needs::Read),
    ]);
    for part in ["", "/history"] {
        rows.push(("GET", format!("/api/v1/devices/{NOBODY}/health{part}"), Needs::Read));
    }
    rows.extend(alerting());
    rows
}

/// Alert rules, alerts and events.
fn alerting() -> Vec<(&'static str, String, Needs)> {
    let (rules, events) = ("/api/v1/alert-rules", "/api/v1/events");
    let mut rows = vec![
        ("GET", rules.to_owned(), Needs::Read),
        ("POST", rules.to_owned(), Needs::Write),
        ("GET", format!("{rules}/{NOBODY}"), Needs::Read),
        ("PUT", format!("{rules}/{NOBODY}"), Needs::Write),
        ("DELETE", format!("{rules}/{NOBODY}"), Needs::Write),
        ("POST", format!("{rules}/{NOBODY}/enable"), Needs::Write),
        ("POST", format!("{rules}/{NOBODY}/disable"), Needs::Write),
        ("GET", "/api/v1/alerts".to_owned(), Needs::Read),
        ("GET", format!("/api/v1/alerts/{NOBODY}"), Needs::Read),
        ("GET", events.to_owned(), Needs::Read),
        ("POST", events.to_owned(), Needs::Write),
        ("GET", format!("{events}/{NOBODY}"), Needs::Read),
        ("GET", format!("{events}/{NOBODY}/lifecycle"), Needs::Read),
    ];
    for step in ["acknowledge", "resolve"] {
        rows.push(("POST", format!("/api/v1/alerts/{NOBODY}/{step}"), Needs::Write));
    }
    rows
}

#[tokio::test]
async fn every_operation_answers_every_role_as_the_contract_says() {
    let platform = Platform::start().await;
    let callers = platform
        .callers([
            [true, true, true, true],
            [true, true, true, false],
            [true, true, false, false],
            [true, false, false, false],
        ])
        .await;
    for (method, path, needs) in operations() {
        let body = if matches!(method, "GET" | "DELETE") { Value::Null } else { json!({}) };
        for (role, caller, may) in &callers {
            let status = caller.status(method, &path, &body).await;
            let expected: &[u16] = match (may[needs as usize], method, path.contains(NOBODY)) {
                (false, _, _) => &[403],
                (true, "GET", false) => &[200],
                // The id of a binding is that of its first request.
                (true, "PUT", _) if path.contains("bindings") => &[400],
                (true, _, true) => &[404],
                (true, _, false) => &[400],
            };
            assert!(expected.contains(&status), "{role}: {method} {path} is {status}");
        }
        for unknown in unknown_callers(&platform) {
            let (status, headers, body) = unknown.send(method, &path, &body).await.into_parts();
            assert_eq!(
                (status, &headers["www-authenticate"]),
                (401, &"Bearer".parse().unwrap()),
                "{method} {path}"
            );
            let detail = "Full authentication is required to access this resource";
            let instance = path.split('?').next().unwrap_or_default();
            assert_eq!(body, problem(401, "Unauthorized", detail, instance));
        }
    }
    let [_, _, _, (_, readonly, _)] = &callers;
    let body = readonly.send("POST", "/api/v1/sites", &json!({"name": "a"})).await;
    body.is(403, &problem(403, "Forbidden", "Access Denied", "/api/v1/sites"));
}

/// Callers that nobody knows.
fn unknown_callers(platform: &Platform) -> Vec<Caller> {
    let client = &platform.client;
    vec![
        Caller::anonymous(client),
        Caller::new(client, "sk_live_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        Caller::new(client, platform.server.key.as_str()),
        platform.user(NOBODY, "owner"),
        platform.user(&platform.org, "root"),
        Caller::new(client, "eyJhbGciOiJub25lIn0.e30."),
    ]
}

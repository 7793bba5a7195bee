//! Every operation as every kind of caller: allowed, refused or unknown.

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, problem};
use crate::support::rows;

/// Permission that an operation needs; the least roles that have them are readonly, member, admin, owner.
#[derive(Debug, Clone, Copy)]
enum Needs {
    Read,
    Write,
    Manage,
    Own,
}

/// Every operation with an id that nobody has and a body that is no row: whoever may call it gets 400 or 404. Paths begin at
/// `/api/v1/` unless they have a slash before them, and `{}` is the id.
fn operations() -> Vec<(&'static str, String, Needs)> {
    use Needs::{Manage, Own, Read, Write};
    let mut operations = Vec::new();
    for (paths, methods) in rows![
        "devices components sensors device-groups sites cameras media-capture-rules annotations annotation-classes \
         reference-pairs dashboards notification-channels alert-rules config-artefacts devices/{}/commands \
         devices/registration/tokens exports events dvr-clip-requests",
            vec![("GET", Read), ("POST", Write)];
        "devices/{} components/{} sensors/{} device-groups/{} sites/{} cameras/{} media-capture-rules/{} annotations/{} \
         annotation-classes/{} reference-pairs/{} dashboards/{} notification-channels/{} alert-rules/{}",
            vec![("GET", Read), ("PUT", Write), ("DELETE", Write)];
        "desired-state-bindings captures captures/{} captures/{}/download dvr-clip-requests/{} live sensor-profiles \
         sensor-profiles/{} device-profiles device-profiles/{} annotations/by-source?source=ML devices/{}/commands/{} \
         /api/schemas /api/schemas/sensor-profile/{} /api/schemas/device-profile/{} organization firmware billing \
         billing/usage billing/plans readings/sensor/{} readings/sensor/{}/stats readings/sensor/{}/latest \
         alerts/{}/notifications devices/{}/health devices/{}/health/history alerts alerts/{} events/{} events/{}/lifecycle",
            vec![("GET", Read)];
        "config-artefacts/{} exports/{} live/{}", vec![("GET", Read), ("DELETE", Write)];
        "desired-state-bindings/{}", vec![("GET", Read), ("DELETE", Write), ("PUT", Write)];
        "config-artefacts/upload-url cameras/{}/live devices/{}/certificate/revoke readings notification-channels/{}/test \
         alert-rules/{}/enable alert-rules/{}/disable alerts/{}/acknowledge alerts/{}/resolve",
            vec![("POST", Write)];
        "devices/{}", vec![("PATCH", Write)];
        "devices/registration/tokens/{}", vec![("DELETE", Write)];
        "readings/batch", vec![("POST", Read)];
        "packs", vec![("GET", Read), ("POST", Manage)];
        "packs/{} firmware/{}", vec![("GET", Read), ("DELETE", Manage)];
        "firmware/{}/download-tokens", vec![("POST", Manage)];
        "api-keys", vec![("GET", Manage), ("POST", Manage)];
        "api-keys/{}", vec![("DELETE", Manage)];
        "admin/quarantine", vec![("GET", Manage)];
        "admin/quarantine/{}", vec![("GET", Manage), ("DELETE", Manage)];
        "billing/plan", vec![("PUT", Own)];
    ] {
        for path in paths.split(' ') {
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/v1/{path}") };
            let path = path.replace("{}", NOBODY);
            operations.extend(methods.iter().map(|(method, needs)| (*method, path.clone(), *needs)));
        }
    }
    operations
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
            let answer = unknown.send(method, &path, &body).await.with_header("www-authenticate", "Bearer");
            let detail = "Full authentication is required to access this resource";
            let instance = path.split('?').next().unwrap_or_default();
            answer.is(401, &problem(401, "Unauthorized", detail, instance));
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

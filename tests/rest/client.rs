//! `/api/client/`: superusers make and revoke clients of their organization.

use serde_json::{Value, json};

use super::matches;
use crate::support::{Browser, Server};

#[tokio::test]
async fn a_client_from_its_making_to_its_end() {
    let server = Server::start(&[]).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let required = json!(["This field is required."]);
    let good = |field: &str, value: Value| {
        let mut body = json!({"api": "blynk", "name": "c"});
        body[field] = value;
        body
    };
    let choice = |word: &str| json!([format!("\"{word}\" is not a valid choice.")]);
    let rows = [
        ("nothing", json!({}), json!({"api": required, "name": required})),
        ("unknown_api", good("api", json!("opensynaptic")), json!({"api": choice("opensynaptic")})),
        ("unknown_role", good("role", json!("king")), json!({"role": choice("king")})),
        ("role_of_another_api", good("role", json!("member")), json!({"role": "*"})),
        ("unknown_user", good("user", json!("eve")), json!({"user": ["User \"eve\" does not exist."]})),
        ("blank", good("name", json!(" ")), json!({"name": ["This field may not be blank."]})),
    ];
    for (name, body, expected) in rows {
        let got = sue.post("/api/client/", &body).await.about(&name).expect(400);
        assert!(matches(&got, &expected), "{name}: {got}");
    }
    assert_eq!(sue.get("/api/client/").await.body, json!([]));

    let body = json!({"api": "blynk", "name": " robot ", "user": "sue"});
    let (status, made) = sue.post("/api/client/", &body).await.outcome();
    let mut expected = json!({
        "id": "*", "client_id": "*", "api": "blynk", "name": "robot", "user": "sue", "role": "viewer",
        "user_scoped": true, "enabled": true, "created_at": "*", "revoked_at": null, "secret": "*",
    });
    assert!(status == 201 && matches(&made, &expected), "{status} {made}");
    assert_eq!(made["secret"].as_str().map(str::len), Some(43));
    expected.as_object_mut().unwrap().remove("secret");
    let path = format!("/api/client/{}/", made["id"]);
    for found in [sue.get(&path).await.body, sue.get("/api/client/").await[0].clone()] {
        assert!(matches(&found, &expected), "{found}");
    }
    for _ in 0..2 {
        sue.send("DELETE", &path, &Value::Null).await.expect(204);
    }
    let revoked = sue.get(&path).await.body;
    assert!(revoked["enabled"] == json!(false) && revoked["revoked_at"].is_string(), "{revoked}");
    let rows = server.client().sql("SELECT client_id, api, user_name, role, enabled FROM clients").await;
    let expected = json!([{
        "client_id": made["client_id"], "api": "blynk", "user_name": "sue", "role": "viewer", "enabled": false,
    }]);
    assert_eq!(json!(rows), expected);
    check_table_of_clients(&server, &mut sue).await;
}

/// Security review 17: in SQL viewers and staff users saw what REST and GraphQL refuse them. Superusers and keys without lists see the
/// only client there is.
async fn check_table_of_clients(server: &Server, sue: &mut Browser) {
    let of_clients = json!({"query": "SELECT name FROM clients"});
    let shown = json!([{"name": "robot"}]);
    sue.post("/sql", &of_clients).await.is(200, &shown);
    for role in ["viewer", "staff"] {
        let mut person = server.person(role, &[format!("--{role}").as_str()]).await;
        person.post("/sql", &of_clients).await.about(&role).is(200, &json!([]));
    }
    let device = server.client().create("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await;
    let device = device.to_string();
    let reads_system = ["--scope", "system:read"];
    let limited = [&reads_system[..], &["--device", device.as_str()]].concat();
    for (args, expected) in [(&reads_system[..], shown), (&limited[..], json!([]))] {
        let key = server.client_with(args).await;
        key.post("/sql", &of_clients).await.about(&format!("{args:?}")).is(200, &expected);
        key.get("/api/client/").await.about(&format!("{args:?}")).expect(403);
    }
}

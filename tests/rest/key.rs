//! `/api/key/`: superusers make and revoke keys of their organization.

use serde_json::{Value, json};

use super::matches;
use crate::support::{Browser, PASSWORD, Server, rows};

/// As it is listed.
fn listed(name: &str, scopes: &[&str], enabled: bool) -> Value {
    json!({
        "id": "*", "name": name, "prefix": "*", "scopes": scopes, "allowed_devices": null, "allowed_data": null,
        "allowed_dashboards": null,
        "enabled": enabled, "expires_at": null, "last_used_at": "*", "created_at": "*",
    })
}

#[tokio::test]
async fn a_key_from_its_making_to_its_end() {
    let mut server = Server::start(&[]).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let device = sue.post("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await.body;
    let other = sue.post("/api/device/", &json!({"name": "e", "protocol": "virtual"})).await.body;
    let stream = json!({"name": "s", "device": other["id"], "type": "fp64"});
    let stream = sue.post("/api/data/", &stream).await.body;
    let body = json!({
        "name": " robot ", "scopes": ["device:read", "data:read"], "allowed_devices": [device["id"]],
        "allowed_data": [stream["id"]], "expires_at": "2100-01-01T00:00:00+01:00",
    });
    let (status, made) = sue.post("/api/key/", &body).await.outcome();
    let mut expected = json!({
        "id": "*", "name": "robot", "prefix": "*", "scopes": ["device:read", "data:read"],
        "allowed_devices": [device["id"]], "allowed_data": [stream["id"]], "allowed_dashboards": null, "enabled": true,
        "expires_at": "2099-12-31T23:00:00Z", "last_used_at": null, "created_at": "*", "key": "*",
    });
    assert!(status == 201 && matches(&made, &expected), "{status} {made}");
    let secret = made["key"].as_str().unwrap();
    assert!(secret.starts_with(made["prefix"].as_str().unwrap()) && secret.len() >= 48);
    expected.as_object_mut().unwrap().remove("key");

    let robot = server.client().with_key(secret);
    robot.get(&format!("/api/device/{}/", device["id"])).await.ok();
    robot.get(&format!("/api/data/{}/", stream["id"])).await.ok();
    robot.get("/api/retention/").await.expect(403);
    let path = format!("/api/key/{}/", made["id"]);
    expected["last_used_at"] = json!("*");
    let body = sue.get(&path).await.ok();
    assert!(matches(&body, &expected), "{body}");
    assert!(body["last_used_at"].is_string(), "{body}");
    assert_eq!(sue.get("/api/key/?limit=1&offset=1").await.body, json!([body]), "after the bootstrap key");

    server.restart().await;
    assert_eq!(sue.get(&path).await.body, body, "when it was used is remembered");
    for _ in 0..2 {
        sue.send("DELETE", &path, &Value::Null).await.expect(204);
    }
    assert_eq!(sue.get(&path).await["enabled"], json!(false));
    robot.get("/api/device/").await.is(401, &json!({"detail": "Invalid API key."}));

    let required = json!(["This field is required."]);
    let good = |field: &str, value: Value| {
        let mut body = json!({"name": "k", "scopes": ["value:read"]});
        body[field] = value;
        body
    };
    let choice = |word: &str| json!([format!("\"{word}\" is not a valid choice.")]);
    let no_row = |id: i64| json!([format!("Invalid pk \"{id}\" - object does not exist.")]);
    let rows = rows![
        "nothing", json!({}), json!({"name": required, "scopes": required});
        "blank", good("name", json!("  ")), json!({"name": ["This field may not be blank."]});
        "long", good("name", json!("x".repeat(101))), json!({"name": ["Ensure this field has no more than 100 characters."]});
        "no_scope", good("scopes", json!([])), json!({"scopes": ["This selection may not be empty."]});
        "scopes_in_a_text", good("scopes", json!("value:read")),
            json!({"scopes": ["Expected a list of items but got type \"str\"."]});
        "unknown_scope", good("scopes", json!(["value:read", "moon:read"])), json!({"scopes": choice("moon:read")});
        "nothing_of_terminals_is_read", good("scopes", json!(["webrtc-terminal:read"])), json!({"scopes": choice("webrtc-terminal:read")});
        "scope_of_no_type", good("scopes", json!([1])), json!({"scopes": choice("1")});
        "no_such_device", good("allowed_devices", json!([99])), json!({"allowed_devices": no_row(99)});
        "no_such_data", good("allowed_data", json!([7])), json!({"allowed_data": no_row(7)});
        "dashboards_of_a_key_that_sees_everything", good("allowed_dashboards", json!([])),
            json!({"allowed_dashboards": ["Only a key with allowed_devices or allowed_data can be limited to dashboards."]});
        "device_of_a_type", good("allowed_devices", json!(["x"])),
            json!({"allowed_devices": ["Incorrect type. Expected pk value, received str."]});
        "in_the_past", good("expires_at", json!("2020-01-01")), json!({"expires_at": ["Ensure this time is in the future."]});
        "no_time", good("expires_at", json!("tomorrow")),
            json!({"expires_at": ["Datetime has wrong format. Use one of these formats instead: \
                YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."]});
    ];
    for (name, body, expected) in rows {
        sue.post("/api/key/", &body).await.about(&name).is(400, &expected);
    }
    let keys = sue.get("/api/key/").await.body;
    assert_eq!(keys.as_array().unwrap().len(), 2, "only the bootstrap key and the robot: {keys}");
    let nothing = json!({"name": "sees nothing", "scopes": ["device:read"], "allowed_devices": []});
    let body = sue.post("/api/key/", &nothing).await.has(201, json!({"allowed_devices": []}));
    let client = server.client().with_key(body["key"].as_str().unwrap());
    assert_eq!(client.get("/api/device/").await.body, json!([]));
}

#[tokio::test]
async fn keys_are_for_superusers_of_their_organization() {
    let server = Server::start_with_org("plant-2").await;
    let mut ours = server.person("ours", &["--superuser"]).await;
    let mut theirs = server.person("theirs", &["--superuser", "--org", "plant-2"]).await;
    let new = json!({"name": "robot", "scopes": ["device:read"]});
    let of_ours = ours.post("/api/key/", &new).await.body;
    let of_theirs = theirs.post("/api/key/", &new).await.body;
    let bootstrap = || {
        let mut key = listed("bootstrap", &[], true);
        key["scopes"] = json!("*");
        key
    };
    for (browser, expected) in [
        (&ours, vec![bootstrap(), listed("robot", &["device:read"], true)]),
        (&theirs, vec![listed("robot", &["device:read"], true)]),
    ] {
        let list = browser.get("/api/key/").await.body;
        assert!(matches(&list, &json!(expected)), "{list}");
        assert!(!list.to_string().contains(of_ours["key"].as_str().unwrap()), "no secret is told twice");
    }
    let not_found = json!({"detail": "Not found."});
    for id in [of_ours["id"].to_string(), "99".to_owned(), "x".to_owned()] {
        for method in ["GET", "DELETE"] {
            theirs.send(method, &format!("/api/key/{id}/"), &Value::Null).await.is(404, &not_found);
        }
    }
    let device = ours.post("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await.body;
    let over_there = json!({"name": "k", "scopes": ["device:read"], "allowed_devices": [device["id"]]});
    theirs.post("/api/key/", &over_there).await.expect(400);
    let robot = server.client().with_key(of_theirs["key"].as_str().unwrap());
    assert_eq!(robot.get("/api/device/").await.body, json!([]));

    let mut ann = server.person("ann", &["--staff"]).await;
    let refused = json!({"detail": "You do not have permission to perform this action."});
    let id = &of_ours["id"];
    for (method, path) in [
        ("GET", "/api/key/".to_owned()),
        ("POST", "/api/key/".to_owned()),
        ("GET", format!("/api/key/{id}/")),
        ("DELETE", format!("/api/key/{id}/")),
        ("PATCH", format!("/api/key/{id}/")),
    ] {
        ann.send(method, &path, &Value::Null).await.about("staff").is(403, &refused);
        server.client().send(method, &path, &[], "").await.about("a key of every scope").is(403, &refused);
        server.client().without_key().send(method, &path, &[], "").await.about("nobody").expect(401);
    }
    ours.send("PATCH", &format!("/api/key/{id}/"), &json!({})).await.expect(405);
    ours.send("DELETE", "/api/key/", &Value::Null).await.expect(405);
    // Who stops being a superuser stops making keys at once: the sessions with the old role end.
    server.basalt(&["user", "role", "ours", "--staff"]).await.expect_success();
    ours.get("/api/key/").await.expect(401);
    let ours = Browser::log_in(&server, "ours", PASSWORD).await;
    ours.get("/api/key/").await.expect(403);
    ours.get("/api/device/").await.ok();
}

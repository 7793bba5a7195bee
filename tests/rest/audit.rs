//! The audit log: every change and every refused access, who, from where, and for whom to read.

use serde_json::{Value, json};

use super::{matches, stream_of};
use crate::support::{Client, PASSWORD, Server};

/// The rows after the newest there was.
async fn since(client: &Client, known: usize) -> Vec<Value> {
    let rows = client.get("/api/audit/?from=0").await.ok();
    rows.as_array().unwrap()[known..].to_vec()
}

/// Whether rows have these columns in their order, each by `matches`.
fn assert_rows(rows: &[Value], columns: &[&str], expected: &[Value]) {
    let got: Vec<Value> =
        rows.iter().map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect();
    assert!(matches(&json!(got), &json!(expected)), "\n  got      {got:#?}\n  expected {expected:#?}");
}

#[tokio::test]
async fn every_change_is_told() {
    let (server, client) = Server::with_client(&[]).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let before = since(&client, 0).await.len();
    let (device, data) = stream_of(&client, "s", "fp64").await;
    client.patch(&format!("/api/device/{device}/"), &json!({"host": "h", "password": "swordfish"})).await;
    client.patch(&format!("/api/device/{device}/"), &json!({"host": "h"})).await;
    client.patch(&format!("/api/data/{data}/"), &json!({"unit": "bar", "poll_interval": 2})).await;
    client.post(&format!("/api/data/{data}/value/"), &json!({"value": 1})).await;
    client.post(&format!("/api/data/{data}/policy/retention/"), &json!({"drop_after_days": 1})).await;
    client.post("/api/retention/", &json!({"hypertable": "core_value", "drop_after_days": 3})).await;
    client.delete(&format!("/api/data/{data}/")).await;
    client.delete(&format!("/api/device/{device}/")).await;
    let key = sue.post("/api/key/", &json!({"name": "robot", "scopes": ["value:read"]})).await.body;
    let key = key["id"].as_i64().unwrap();
    sue.send("DELETE", &format!("/api/key/{key}/"), &Value::Null).await;
    let passwords = json!({"old_password": PASSWORD, "new_password": "another horse"});
    sue.post("/api/session/password/", &passwords).await.expect(204);
    sue.send("DELETE", "/api/session/", &Value::Null).await;
    server.basalt(&["user", "create", "bob"]).await.expect_success();
    server.basalt(&["user", "role", "bob", "--staff"]).await.expect_success();
    server.basalt(&["user", "delete", "bob"]).await.expect_success();
    server.basalt(&["org", "create", "plant-2"]).await.expect_success();

    let rows = since(&client, before).await;
    assert_rows(
        &rows,
        &["actor", "actor_name", "action", "kind", "row", "fields", "request"],
        &[
            json!(["key:1", "bootstrap", "create", "device", device, [], "POST /api/device"]),
            json!(["key:1", "bootstrap", "create", "data", data, [], "POST /api/data"]),
            json!(["key:1", "bootstrap", "update", "device", device, ["host", "password"], "*"]),
            json!(["key:1", "bootstrap", "update", "device", device, [], "*"]),
            json!(["key:1", "bootstrap", "update", "data", data, ["poll_interval", "unit"], "*"]),
            json!(["key:1", "bootstrap", "create", "policy", data, ["core_value"], "*"]),
            json!(["key:1", "bootstrap", "create", "policy", data, ["core_valuestatistics"], "*"]),
            json!(["key:1", "bootstrap", "create", "policy", null, ["core_value"], "POST /api/retention"]),
            json!(["key:1", "bootstrap", "delete", "data", data, [], format!("DELETE /api/data/{data}")]),
            json!([
                "key:1",
                "bootstrap",
                "delete",
                "device",
                device,
                [],
                format!("DELETE /api/device/{device}")
            ]),
            json!(["user:1", "sue", "create", "key", key, [], "POST /api/key"]),
            json!(["user:1", "sue", "revoke", "key", key, [], format!("DELETE /api/key/{key}")]),
            json!(["user:1", "sue", "update", "user", 1, ["password"], "POST /api/session/password"]),
            json!(["user:1", "sue", "logout", "session", 1, [], "DELETE /api/session"]),
            json!(["system", null, "create", "user", 2, [], "basalt user create"]),
            json!(["system", null, "update", "user", 2, ["is_staff"], "basalt user role"]),
            json!(["system", null, "delete", "user", 2, [], "basalt user delete"]),
            json!(["system", null, "create", "organization", 2, [], "basalt org create"]),
        ],
    );
    let text = json!(rows).to_string();
    for secret in ["swordfish", PASSWORD, "another horse"] {
        assert!(!text.contains(secret), "{secret}");
    }
    for row in &rows {
        let same = (&row["outcome"], &row["count"], &row["address"], &row["organization"]);
        assert_eq!(same, (&json!("ok"), &json!(1), &json!("127.0.0.1"), &json!(1)), "{row}");
        assert_eq!(row["timestamp"], row["until"]);
    }
}

#[tokio::test]
async fn every_refused_access_is_told() {
    let server =
        Server::start(&[("BASALT_SESSION__ATTEMPTS", "2"), ("BASALT_SESSION__ATTEMPTS_WINDOW", "30d")]).await;
    let client = server.client();
    let ann = server.person("ann", &["--staff"]).await;
    let (device, _) = stream_of(&client, "s", "fp64").await;
    let (hidden, _) = stream_of(&client, "t", "fp64").await;
    let reader = server.client_with(&["--scope", "device:read", "--device", &device.to_string()]).await;
    let before = since(&client, 0).await.len();
    let nobody = client.without_key();
    let id = ("x-request-id", "mine");
    let login = |name: &str| json!({"username": name, "password": "wrong"});
    let hidden = format!("/api/device/{hidden}/");
    nobody.send("GET", "/api/device/", &[id], "").await;
    nobody.get("/api/value/").await;
    client.with_key("wrong").get("/api/device/").await;
    reader.get(&hidden).await.expect(404);
    reader.get(&hidden).await.expect(404);
    reader.get("/api/device/4711/").await.expect(404);
    reader.get("/api/data/?secret=query").await.expect(403);
    reader.try_sql("SELECT * FROM readings").await.expect(403);
    let cookies = format!("sessionid={}", ann.cookie("sessionid"));
    nobody.send("POST", "/api/device/", &[("cookie", &cookies)], "{}").await;
    nobody.post("/api/session/", &login("nobody")).await;
    for status in [401, 401, 429, 429] {
        nobody.post("/api/session/", &login("ann")).await.expect(status);
    }
    // What is wrong or not there is no refused access.
    client.post("/api/device/", &json!({})).await.expect(400);
    client.get("/api/nothing/").await.expect(404);
    let (none, key, user) = (Value::Null, json!("key:2"), json!("user:1"));
    let rows = since(&client, before).await;
    assert_rows(
        &rows,
        &["actor", "actor_name", "organization", "request", "outcome", "count"],
        &[
            json!([none, none, none, "GET /api/device", "unauthenticated", 2]),
            json!([none, none, none, "GET /api/value", "unauthenticated", 1]),
            json!([key, "test", 1, hidden.trim_end_matches('/').replace("/api", "GET /api"), "not_found", 2]),
            json!([key, "test", 1, "GET /api/data", "forbidden", 1]),
            json!([key, "test", 1, "POST /sql", "forbidden", 1]),
            json!([user, "ann", 1, "POST /api/device", "csrf", 1]),
            json!([none, none, none, "POST /api/session", "unauthenticated", 1]),
            json!([user, "ann", 1, "POST /api/session", "unauthenticated", 2]),
            json!([user, "ann", 1, "POST /api/session", "throttled", 2]),
        ],
    );
    for row in &rows {
        assert_eq!((&row["action"], &row["address"]), (&json!("access"), &json!("127.0.0.1")));
    }
    assert_eq!(rows[0]["request_id"], json!("mine"), "of the first");
    nobody.get("/api/value/").await;
    assert_eq!(since(&client, before).await[1]["count"], json!(2), "one row for a minute");
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_and_bounded() {
    let mut server = Server::start(&[]).await;
    let before = since(&server.client(), 0).await.len();
    let nobody = server.client().without_key();
    const FLOOD: usize = 1000;
    for n in 0..FLOOD {
        nobody.get(&format!("/api/device/{n}/")).await.expect(401);
    }
    // A server that stops has written them.
    server.restart().await;
    let rows = since(&server.client(), before).await;
    let counts: i64 = rows.iter().map(|row| row["count"].as_i64().unwrap()).sum();
    assert_eq!(counts, FLOOD as i64, "none is lost");
    // The flood may last over the end of a minute, each with 64 rows of requests and one of all others.
    assert!(rows.len() < FLOOD / 4, "{} rows", rows.len());
    assert!(rows.iter().any(|row| row["request"] == json!("(several)")));
}

#[tokio::test]
async fn who_may_read_it() {
    let server = Server::start_with_org("plant-2").await;
    let chief = server.person("chief", &["--superuser"]).await;
    let mut staff = server.person("staff", &["--staff"]).await;
    let other = server.person("other", &["--superuser", "--org", "plant-2"]).await;
    let device = staff.post("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await.body;
    let device = device["id"].to_string();
    let key = |args: &'static [&'static str]| server.create_key(args);
    let client = server.client();
    let reader = client.with_key(&key(&["--scope", "system:read"]).await);
    let blind = client.with_key(&key(&["--scope", "value:read"]).await);
    let narrow = server.client_with(&["--device", &device]).await;
    let theirs = client.with_key(&key(&["--org", "plant-2"]).await);
    let refused = json!({"detail": "You do not have permission to perform this action."});
    client.without_key().get("/api/device/").await;

    let path = "/api/audit/?from=0";
    for (name, answer) in [
        ("staff", staff.get(path).await),
        ("restricted", narrow.get(path).await),
        ("without_its_scope", blind.get(path).await),
    ] {
        assert_eq!((answer.status, answer.body), (403, refused.clone()), "{name}");
    }
    let orgs = |rows: &Value| -> Vec<Value> {
        let mut orgs: Vec<_> =
            rows.as_array().unwrap().iter().map(|row| row["organization"].clone()).collect();
        orgs.dedup();
        orgs.sort_by_key(Value::to_string);
        orgs.dedup();
        orgs
    };
    for (name, rows, expected) in [
        ("superuser", chief.get(path).await.body, json!([1, null])),
        ("key", reader.get(path).await.body, json!([1, null])),
        ("superuser_of_another", other.get(path).await.body, json!([2])),
        ("key_of_another", theirs.get(path).await.body, json!([2])),
    ] {
        assert_eq!(json!(orgs(&rows)), expected, "{name}: {rows}");
    }
    // SQL shows the same, and everybody else their own rows.
    let query = "SELECT actor, count(*) AS n FROM audit_log GROUP BY actor ORDER BY actor";
    let of = |rows: Vec<Value>| rows.into_iter().map(|row| row["actor"].clone()).collect::<Vec<_>>();
    assert_eq!(of(theirs.sql(query).await), [json!("system"), json!("user:3")]);
    assert_eq!(of(narrow.sql(query).await), [json!("key:4")], "that it was refused");
    let rows = staff.post("/sql", &json!({ "query": query })).await.body;
    assert_eq!(of(rows.as_array().unwrap().clone()), [json!("user:2")]);
    let body = blind.try_sql(query).await.expect(403);
    assert!(body["detail"].as_str().unwrap().contains("system:read"), "{body}");
}

#[tokio::test]
async fn a_list_is_paged_and_bounded_in_time() {
    let (_server, client) = Server::with_client(&[]).await;
    for n in 0..5 {
        client.post("/api/device/", &json!({"name": format!("d{n}"), "protocol": "virtual"})).await;
    }
    let ids = async |query: &str| client.get(&format!("/api/audit/{query}")).await.column("id");
    let third = client.get("/api/audit/?from=0").await[3]["timestamp"].as_str().unwrap().to_owned();
    // The first row is of the bootstrap key.
    for (query, expected) in [
        ("", vec![6, 5, 4, 3, 2, 1]),
        ("?limit=2", vec![6, 5]),
        ("?limit=2&offset=1", vec![5, 4]),
        ("?from=0", vec![1, 2, 3, 4, 5, 6]),
        ("?from=0&limit=2&offset=3", vec![4, 5]),
        (&format!("?from={third}"), vec![4, 5, 6]),
        (&format!("?to={third}"), vec![1, 2, 3, 4]),
        (&format!("?from={third}&to={third}"), vec![4]),
        ("?from=2100-01-01", vec![]),
        ("?from=2&to=1", vec![]),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    let bad = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    let limit = "Ensure this value is greater than or equal to 1.";
    client.get("/api/audit/?from=x&limit=0").await.is(400, &json!({"from": [bad], "limit": [limit]}));
    client.post("/api/audit/", &json!({})).await.expect(405);
    let sql = format!("SELECT id FROM audit_log WHERE ts >= '{third}' ORDER BY id");
    assert_eq!(json!(client.sql(&sql).await), json!([{"id": 4}, {"id": 5}, {"id": 6}]));
}

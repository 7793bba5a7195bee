//! `/api/user/`: superusers manage the people of their organization; viewers read and change nothing.

use serde_json::{Value, json};

use super::matches;
use crate::support::{Browser, Client, PASSWORD, Server, assert_members, rows};

fn shown(name: &str, role: &str, enabled: bool) -> Value {
    json!({"id": "*", "username": name, "role": role, "enabled": enabled, "created_at": "*"})
}

/// Creates a user over REST; its id.
async fn made(sue: &mut Browser, name: &str, role: &str) -> i64 {
    let body = json!({"username": name, "password": PASSWORD, "role": role});
    let answer = sue.post("/api/user/", &body).await.created();
    assert!(matches(&answer, &shown(name, role, true)), "{answer}");
    answer["id"].as_i64().unwrap()
}

async fn audited(server: &Server) -> Vec<Value> {
    let query = "SELECT action, actor_name, fields FROM audit_log WHERE kind = 'user' ORDER BY id";
    server.client().sql(query).await
}

#[tokio::test]
async fn a_user_from_the_making_to_the_end() {
    let server = Server::start(&[]).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let ann = made(&mut sue, "ann", "viewer").await;
    let path = format!("/api/user/{ann}/");
    let (status, list) = sue.get("/api/user/").await.outcome();
    let expected = json!([shown("sue", "superuser", true), shown("ann", "viewer", true)]);
    assert!(status == 200 && matches(&list, &expected), "{status} {list}");
    assert_eq!(sue.get("/api/user/?limit=1&offset=1").await[0]["username"], "ann");
    assert!(matches(&sue.get(&path).await.body, &shown("ann", "viewer", true)));

    for (name, change, expected, is_ended) in [
        ("nothing", json!({}), shown("ann", "viewer", true), false),
        ("the_same_role", json!({"role": "viewer"}), shown("ann", "viewer", true), false),
        ("another_role", json!({"role": "staff"}), shown("ann", "staff", true), true),
        ("another_password", json!({"password": PASSWORD}), shown("ann", "staff", true), true),
        ("disabled", json!({"enabled": false}), shown("ann", "staff", false), true),
    ] {
        let browser = Browser::log_in(&server, "ann", PASSWORD).await;
        let answer = sue.send("PATCH", &path, &change).await.about(&name).ok();
        assert!(matches(&answer, &expected), "{name}: {answer}");
        assert_eq!(browser.get("/api/session/").await.status, if is_ended { 401 } else { 200 }, "{name}");
    }
    sue.send("PATCH", &path, &json!({"enabled": true, "role": "none"})).await.ok();
    let login = json!({"username": "ann", "password": PASSWORD});
    Browser::new(&server).post("/api/session/", &login).await.about("no role").expect(401);
    sue.send("PATCH", &path, &json!({"role": "superuser"})).await.ok();
    let browser = Browser::log_in(&server, "ann", PASSWORD).await;
    browser.get("/api/user/").await.about("a superuser too").ok();
    sue.send("DELETE", &path, &Value::Null).await.expect(204);
    browser.get("/api/session/").await.expect(401);
    sue.get(&path).await.expect(404);

    let rows = audited(&server).await;
    let lines: Vec<_> = rows.iter().map(|row| format!("{} {}", row["action"], row["actor_name"])).collect();
    assert_eq!(lines.first().map(String::as_str), Some("\"create\" null"), "the command");
    assert_eq!(lines.last().map(String::as_str), Some("\"delete\" \"sue\""));
    assert!(rows.iter().any(|row| row["fields"].to_string().contains("password")), "{rows:?}");
    assert!(!json!(rows).to_string().contains(PASSWORD));
}

#[tokio::test]
async fn nobody_removes_himself_or_somebody_of_another_organization() {
    let server = Server::start_with_org("plant-2").await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let mut eve = server.person("eve", &["--superuser", "--org", "plant-2"]).await;
    let bob = made(&mut sue, "bob", "staff").await;
    let required = json!(["This field is required."]);
    let no_choice = json!(["\"root\" is not a valid choice."]);
    let blank = json!(["This field may not be blank."]);
    for (method, path, body, expected) in rows![
        "POST", "/api/user/".to_owned(), json!({}), json!({"username": required, "password": required, "role": required});
        "POST", "/api/user/".to_owned(), json!({"username": "x", "password": "p", "role": "root"}), json!({"role": no_choice});
        "POST", "/api/user/".to_owned(), json!({"username": "bob", "password": "p", "role": "viewer"}),
            json!({"username": ["This field must be unique."]});
        "PATCH", format!("/api/user/{bob}/"), json!({"password": " "}), json!({"password": blank});
        "PATCH", format!("/api/user/{bob}/"), json!({"role": "root"}), json!({"role": no_choice});
    ] {
        sue.send(method, &path, &body).await.is(400, &expected);
    }

    let own = sue.get("/api/session/").await["user"]["id"].clone();
    for (method, body) in [("DELETE", Value::Null), ("PATCH", json!({"role": "staff"}))] {
        sue.send(method, &format!("/api/user/{own}/"), &body).await.expect(409);
    }
    sue.get("/api/user/").await.about("still a superuser").ok();
    let ann = made(&mut sue, "ann", "superuser").await;
    for id in [own.to_string(), ann.to_string(), "99".to_owned(), "x".to_owned()] {
        for (method, body) in
            [("GET", Value::Null), ("PATCH", json!({"role": "none"})), ("DELETE", Value::Null)]
        {
            let answer = eve.send(method, &format!("/api/user/{id}/"), &body).await;
            answer.is(404, &json!({"detail": "Not found."}));
        }
    }
    let list = eve.get("/api/user/").await.body;
    assert!(matches(&list, &json!([shown("eve", "superuser", true)])), "{list}");
    // Of two superusers, whoever is second has no right any more.
    let mut second = Browser::log_in(&server, "ann", PASSWORD).await;
    sue.send("PATCH", &format!("/api/user/{ann}/"), &json!({"role": "staff"})).await.ok();
    second.send("DELETE", &format!("/api/user/{own}/"), &Value::Null).await.expect(401);
    let mut staff = Browser::log_in(&server, "ann", PASSWORD).await;
    for (method, body) in [("GET", Value::Null), ("DELETE", Value::Null)] {
        staff.send(method, &format!("/api/user/{own}/"), &body).await.expect(403);
    }
    server.client().get("/api/user/").await.about("a key of every scope").expect(403);
}

#[tokio::test]
async fn the_graph_manages_users_too() {
    let server = Server::start_with_org("plant-2").await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let mut eve = server.person("eve", &["--superuser", "--org", "plant-2"]).await;
    let made = "mutation { createUser(input: {username: \"ann\", password: \"correct horse\", role: viewer}) \
                { user { id rowId username role enabled createdAt } errors { field message } } }";
    let answer = sue.post("/graphql", &json!({ "query": made })).await.body;
    let user = &answer["data"]["createUser"]["user"];
    assert_eq!((&user["username"], &user["role"]), (&json!("ann"), &json!("viewer")), "{answer}");
    let (id, row) = (user["id"].as_str().unwrap(), user["rowId"].as_i64().unwrap());
    let again = sue.post("/graphql", &json!({ "query": made })).await.body;
    assert_eq!(again["data"]["createUser"]["errors"][0]["field"], "username", "{again}");

    let query = format!(
        "{{ users {{ totalCount nodes {{ username role }} }} user(rowId: {row}) {{ username }} node(id: \"{id}\") {{ rowId }} }}"
    );
    let seen = sue.post("/graphql", &json!({ "query": query })).await.body;
    assert_eq!(seen["data"]["users"]["totalCount"], 2, "{seen}");
    assert_members(&seen, &json!({"/data/user/username": "ann", "/data/node/rowId": row}));
    let seen = eve.post("/graphql", &json!({ "query": query })).await.body;
    assert_eq!(seen["data"]["users"]["totalCount"], 1, "{seen}");
    assert_eq!((&seen["data"]["user"], &seen["data"]["node"]), (&Value::Null, &Value::Null), "{seen}");

    let change = format!(
        "mutation {{ updateUser(rowId: {row}, input: {{role: staff}}) {{ user {{ role }} errors {{ code }} }} }}"
    );
    let refused = eve.post("/graphql", &json!({ "query": change })).await.body;
    assert!(!refused.to_string().contains("staff"), "{refused}");
    let changed = sue.post("/graphql", &json!({ "query": change })).await.body;
    assert_eq!(changed["data"]["updateUser"]["user"]["role"], "staff", "{changed}");
    let mut ann = Browser::log_in(&server, "ann", PASSWORD).await;
    let refused = ann.post("/graphql", &json!({ "query": query })).await.body;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    let gone = format!("mutation {{ deleteUser(id: \"{id}\") {{ deletedRowId errors {{ code }} }} }}");
    let deleted = sue.post("/graphql", &json!({ "query": gone })).await.body;
    assert_eq!(deleted["data"]["deleteUser"]["deletedRowId"], row, "{deleted}");
    ann.get("/api/session/").await.expect(401);
}

/// Every operation of the document that needs a scope: method, path, and whether a read scope suffices.
async fn scoped_operations(client: &Client) -> Vec<(String, String, bool)> {
    let document = client.get("/api/schema/").await.body;
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let alternatives = described["security"].as_array().into_iter().flatten();
            // A caller needs every scope of one of them.
            let scopes: Vec<_> = alternatives.filter_map(|one| one["ApiKey"].as_array()).collect();
            let scopes: Vec<_> = scopes.into_iter().filter(|all| !all.is_empty()).collect();
            if !scopes.is_empty() && described["operationId"] != "audit_list" {
                let is_read = |scope: &Value| scope.as_str().is_some_and(|scope| scope.ends_with(":read"));
                let reads = scopes.iter().any(|all| all.iter().all(is_read));
                found.push((method.to_uppercase(), path.clone(), reads));
            }
        }
    }
    found
}

#[tokio::test]
async fn a_viewer_reads_everything_and_changes_nothing() {
    let server = Server::start(&[]).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    made(&mut sue, "vera", "viewer").await;
    let mut vera = Browser::log_in(&server, "vera", PASSWORD).await;
    let (mut reads, mut changes) = (0, 0);
    for (method, path, is_read) in scoped_operations(&server.client()).await {
        let path = path.replace("{uuid}", "00000000-0000-4000-8000-000000000000");
        let path = path
            .replace("{register}", "hr:0")
            .replace("{network}", "n")
            .replace("{number}", "1")
            .replace("{fingerprint}", "00");
        let (status, answer) = vera.send(&method, &path.replace("{id}", "1"), &Value::Null).await.outcome();
        match is_read {
            true => reads += usize::from(!matches!(status, 401 | 403)),
            false => changes += 1,
        }
        assert_eq!(status == 403, !is_read, "{method} {path}: {status} {answer}");
    }
    assert!(reads > 20 && changes > 20, "{reads} reads, {changes} changes");

    vera.post("/sql", &json!({"query": "SELECT name FROM devices"})).await.is(200, &json!([]));
    let change = json!({"query": "mutation { createDevice(input: {name: \"d\", protocol: virtual}) { errors { code } } }"});
    let refused = vera.post("/graphql", &change).await.body;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    let me = vera.post("/graphql", &json!({"query": "{ me { scopes } devices { totalCount } }"})).await.body;
    let scopes = me["data"]["me"]["scopes"].as_array().unwrap();
    let is_read = |scope: &Value| scope.as_str().unwrap().ends_with(":read");
    assert!(scopes.len() == 7 && scopes.iter().all(is_read), "{me}");
    vera.post("/ingest", &json!([])).await.expect(403);
    for path in ["/api/user/", "/api/key/", "/api/audit/"] {
        vera.get(path).await.expect(403);
    }
    let passwords = json!({"old_password": PASSWORD, "new_password": "another horse"});
    vera.post("/api/session/password/", &passwords).await.expect(204);
}

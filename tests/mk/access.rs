//! Conventions of the API: paths, methods, media types, keys, idempotency and the rate limit.

use serde_json::{Value, json};

use super::{Caller, KEY, Platform, id, problem};

#[tokio::test]
async fn paths_methods_and_media_types_are_answered_as_problems() {
    let (_platform, admin) = Platform::with_admin().await;
    let sites = "/api/v1/sites";
    let text = [("content-type", "text/plain")];
    let html = [("accept", "text/html")];
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Value, u16, &'a str);
    let rows: [Row; 12] = [
        ("GET", "/api/v1/nothing", &[], Value::Null, 404, "No static resource api/v1/nothing."),
        ("GET", "/api/v1/sites/", &[], Value::Null, 404, "No static resource api/v1/sites/."),
        ("GET", "/api/v1", &[], Value::Null, 404, "No static resource api/v1."),
        ("GET", "/api/v3/nothing", &[], Value::Null, 404, "No static resource api/v3/nothing."),
        ("PATCH", "/api/v1/sites/x", &[], json!({}), 405, "Method 'PATCH' is not supported."),
        ("DELETE", sites, &[], Value::Null, 405, "Method 'DELETE' is not supported."),
        ("GET", sites, &html, Value::Null, 406, "Acceptable representations: [application/json]."),
        ("POST", sites, &text, json!({"name": "a"}), 415, "Content-Type 'text/plain' is not supported."),
        ("POST", sites, &[], Value::Null, 400, "Malformed request body"),
        ("POST", sites, &[], json!([]), 400, "Malformed request body"),
        ("POST", sites, &[], json!({"name": 1}), 400, "Malformed request body"),
        ("GET", "/api/v1/sites/abc", &[], Value::Null, 400, "Invalid value for parameter 'id'"),
    ];
    for (method, path, headers, body, status, detail) in rows {
        let answer = admin.send_with(method, path, headers, &body).await;
        let title = answer["title"].as_str().unwrap_or_default().to_owned();
        let answer = answer.with_header("content-type", "application/problem+json");
        let answer =
            answer.with_headers(if status == 405 { &["x-request-id", "allow"] } else { &["x-request-id"] });
        answer.is(status, &problem(status, &title, detail, path));
    }
    // Blynk keeps its paths, and its own form.
    let body = admin.get("/api/v1/organization/device/datastreams/batch?deviceIds=1").await;
    body.is(401, &json!({"error": {"message": "Unauthorized."}}));
}

#[tokio::test]
async fn the_description_is_public_unless_it_is_switched_off() {
    let platform = Platform::start().await;
    let anonymous = Caller::anonymous(&platform.client);
    let document = anonymous.get("/api/v3/api-docs").await.has(200, json!({"openapi": "3.1.0"}));
    assert!(document["paths"]["/api/v1/devices/{id}"]["patch"].is_object(), "{document}");
    anonymous.get("/api/v3/api-docs.yaml").await.ok();
    let without = Platform::start_with(&[("BASALT_MK__OPENAPI", "false")]).await;
    let none = problem(404, "Not Found", "No static resource api/v3/api-docs.", "/api/v3/api-docs");
    Caller::anonymous(&without.client).get("/api/v3/api-docs").await.is(404, &none);
}

#[tokio::test]
async fn a_key_is_shown_once_and_ends_when_it_is_revoked() {
    let (platform, admin) = Platform::with_admin().await;
    let made =
        admin.create("/api/v1/api-keys", json!({"name": "ci", "role": "member", "mode": "test"})).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk_test_") && key.len() == 51, "{key}");
    assert!(key.starts_with(made["keyPrefix"].as_str().unwrap()), "{made}");
    let member = Caller::new(&platform.client, key);
    assert_eq!(member.status("GET", "/api/v1/devices", &Value::Null).await, 200);
    let list = admin.get("/api/v1/api-keys?sort=name").await.body;
    let names: Vec<_> = list["content"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, [json!("bootstrap"), json!("ci")]);
    assert!(list["content"][1].get("key").is_none() && !list.to_string().contains(key), "{list}");
    let path = format!("/api/v1/api-keys/{}", id(&made));
    admin.delete_once(&path).await;
    assert_eq!(member.status("GET", "/api/v1/devices", &Value::Null).await, 401);
}

#[tokio::test]
async fn a_post_with_a_key_takes_effect_once_also_after_a_crash() {
    let (mut platform, admin) = Platform::with_admin().await;
    let once = [("idempotency-key", "a-1")];
    let body = json!({"name": "Plant"});
    let first = admin.send_with("POST", "/api/v1/sites", &once, &body).await;
    first.clone().created();
    let again = async |caller: &Caller| {
        let row = caller.send_with("POST", "/api/v1/sites", &once, &body).await;
        let row = row.with_header("location", first.header("location"));
        row.with_header("content-type", "application/json").is(201, &first.body);
    };
    again(&admin).await;
    let other = json!({"name": "Another"});
    let refused = admin.send_with("POST", "/api/v1/sites", &once, &other).await;
    refused.has(422, json!({"title": "Unprocessable Entity"}));
    // The key is one of a route and a caller.
    admin.send_with("POST", "/api/v1/device-groups", &once, &body).await.created();
    platform.key_of("member").await.send_with("POST", "/api/v1/sites", &once, &body).await.expect(409);
    // What was refused may be tried again.
    let retry = [("idempotency-key", "a-2")];
    admin.send_with("POST", "/api/v1/sites", &retry, &json!({})).await.expect(400);
    admin.send_with("POST", "/api/v1/sites", &retry, &other).await.created();
    platform.server.crash().await;
    again(&admin).await;
    assert_eq!(admin.get("/api/v1/sites").await["page"]["totalElements"], 2);
}

#[tokio::test]
async fn a_secret_that_is_kept_for_a_repeated_request_is_in_no_file() {
    let (mut platform, admin) = Platform::with_admin().await;
    let once = [("idempotency-key", "s-1")];
    let body = json!({"name": "service"});
    let first = admin.send_with("POST", "/api/v1/api-keys", &once, &body).await.created();
    platform.server.kill();
    let secret = first["key"].as_str().unwrap().as_bytes();
    let contains = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let logs: Vec<_> =
        std::fs::read_dir(platform.server.data_dir.path().join("wal")).unwrap().flatten().collect();
    let logs: Vec<Vec<u8>> = logs.iter().map(|file| std::fs::read(file.path()).unwrap()).collect();
    assert!(logs.iter().any(|log| contains(log, b"is_sealed")), "the answer is in the log");
    assert!(!logs.iter().any(|log| contains(log, secret)));
    platform.server.start_again().await;
    admin.send_with("POST", "/api/v1/api-keys", &once, &body).await.is(201, &first);
}

#[tokio::test]
async fn of_many_at_once_one_is_created() {
    let platform = Platform::start().await;
    let body = json!({"name": "Plant"});
    let requests = (0..8).map(|_| {
        let (admin, body) = (platform.admin.clone(), body.clone());
        tokio::spawn(async move {
            admin.send_with("POST", "/api/v1/sites", &[("idempotency-key", "k")], &body).await
        })
    });
    let mut rows = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        rows.push(request.await.unwrap().created());
    }
    assert!(rows.iter().all(|row| *row == rows[0]), "{rows:?}");
}

#[tokio::test]
async fn each_key_has_a_rate_of_its_own() {
    let platform = Platform::start_with(&[("BASALT_MK__RATE", "5/h")]).await;
    // Finding out the organization was the first.
    for _ in 0..4 {
        assert_eq!(platform.admin.status("GET", "/api/v1/sites", &Value::Null).await, 200);
    }
    let throttled = platform.admin.get("/api/v1/sites").await;
    assert!(throttled.retry_after() > 0);
    throttled.has(429, json!({"title": "Too Many Requests"}));
    assert_eq!(platform.user(&platform.org, "owner").status("GET", "/api/v1/sites", &Value::Null).await, 200);
    let guess = Caller::new(&platform.client, &KEY.replace('9', "8"));
    for _ in 0..5 {
        assert_eq!(guess.status("GET", "/api/v1/sites", &Value::Null).await, 401);
    }
    assert_eq!(guess.status("GET", "/api/v1/sites", &Value::Null).await, 429);
}

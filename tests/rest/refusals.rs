//! Refusals on every route: credentials, scopes, media types, methods, paths, and the order they are checked in.

use serde_json::{Value, json};

use crate::support::{Server, rows};

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

#[tokio::test]
async fn refusals_come_in_one_order() {
    let server = Server::start(&[]).await;
    let anonymous = server.client().without_key();
    let valid = format!("ApiKey {}", server.key);
    type Case<'a> = (&'static str, Vec<(&'static str, &'a str)>, u16);
    let cases: [Case; 7] = [
        ("authorization", vec![("authorization", &valid)], 200),
        ("own_header", vec![("x-api-key", &server.key)], 200),
        ("wrong_key", vec![("authorization", "ApiKey wrong")], 401),
        ("wrong_key_in_own_header", vec![("x-api-key", "0123456789012345678901234567890123456789")], 401),
        ("empty_key", vec![("authorization", "ApiKey ")], 401),
        ("authorization_wins", vec![("authorization", "ApiKey wrong"), ("x-api-key", &server.key)], 401),
        ("authorization_wins_when_right", vec![("authorization", &valid), ("x-api-key", "wrong")], 200),
    ];
    for (name, headers, expected) in cases {
        let body = anonymous.send("GET", "/api/device/", &headers, "").await.about(name).expect(expected);
        assert!(expected == 200 || body == detail("Invalid API key."), "{name}: {body}");
    }

    let reader = server.create_key(&["--scope", "device:read"]).await;
    let client = server.client();
    let bad_body = "{";
    let no_json = ("accept", "text/csv");
    for (name, key, method, path, headers, expected) in [
        ("accept_before_credentials", "wrong", "GET", "/api/device/", vec![no_json], 406),
        ("credentials_before_scope", "wrong", "PATCH", "/api/device/", vec![], 401),
        ("scope_before_method", reader.as_str(), "PATCH", "/api/device/", vec![], 403),
        ("scope_before_path", reader.as_str(), "PATCH", "/api/device/999/", vec![], 403),
        ("method_before_path", server.key.as_str(), "POST", "/api/device/999/", vec![], 405),
        ("path_before_body", server.key.as_str(), "PATCH", "/api/device/999/", vec![], 404),
        ("path_before_body_of_a_value", server.key.as_str(), "POST", "/api/data/999/value/", vec![], 404),
    ] {
        client.with_key(key).send(method, path, &headers, bad_body).await.about(&name).expect(expected);
    }
}

#[tokio::test]
async fn bodies_must_be_json_objects() {
    let (_server, client) = Server::with_client(&[]).await;
    let json_type = ("content-type", "application/json");
    let got_list = json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]});
    let parse = |body: &Value| body["detail"].as_str().is_some_and(|d| d.starts_with("JSON parse error - "));
    for malformed in
        ["{", "{\"name\": NaN}", "{'name': 1}", "{\"a\": 1} x", "{\"a\": 1e999}", &"[".repeat(100_000)]
    {
        let body = client.send("POST", "/api/device/", &[json_type], malformed.to_owned()).await;
        let body = body.about(&format!("{:.40}", malformed)).expect(400);
        assert!(parse(&body), "{:.40}: {body}", malformed);
    }
    client.send("POST", "/api/device/", &[json_type], "[1]").await.is(400, &got_list);
    for media in ["text/plain", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"] {
        let expected = detail(&format!("Unsupported media type \"{media}\" in request."));
        client.send("POST", "/api/device/", &[("content-type", media)], "{}").await.is(415, &expected);
    }
    let charset = ("content-type", "application/json; charset=utf-8");
    let device = json!({"name": "a", "protocol": "virtual"}).to_string();
    client.send("POST", "/api/device/", &[charset], device).await.created();
    let big = format!("{{\"name\": \"{}\"}}", "x".repeat(11 * 1024 * 1024));
    client.send("POST", "/api/device/", &[json_type], big).await.expect(413);

    let packed = |text: &[u8]| zstd::encode_all(text, 1).expect("packing in memory");
    let small = br#"{"name": "packed", "protocol": "virtual"}"#;
    let mut bomb = br#"{"name": ""#.to_vec();
    bomb.resize(100 << 20, b'x');
    for (name, encoding, body, expected) in [
        ("zstd", "zstd", packed(small), 201),
        ("bomb", "zstd", packed(&bomb), 413),
        ("not_what_it_says", "gzip", small.to_vec(), 400),
        ("unknown_encoding", "br", small.to_vec(), 415),
    ] {
        let headers = [json_type, ("content-encoding", encoding)];
        client.send("POST", "/api/device/", &headers, body).await.about(&name).expect(expected);
    }
}

#[tokio::test]
async fn answers_are_json_or_nothing() {
    let (_server, client) = Server::with_client(&[]).await;
    for (accept, expected) in [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/*", 200),
        ("text/csv", 406),
        ("application/json;q=0", 406),
    ] {
        let body = client.send("GET", "/api/device/", &[("accept", accept)], "").await;
        let body = body.about(accept).expect(expected);
        let unsatisfied = detail("Could not satisfy the request Accept header.");
        assert!(expected == 200 || body == unsatisfied, "{accept}: {body}");
    }

    for (method, path, allowed) in [
        ("PATCH", "/api/device/", "GET,HEAD,POST"),
        ("POST", "/api/device/1/", "GET,HEAD,PUT,PATCH,DELETE"),
        ("OPTIONS", "/api/data/", "GET,HEAD,POST"),
        ("DELETE", "/api/value/", "GET,HEAD"),
        ("PUT", "/api/group/", "GET,HEAD,POST"),
        ("POST", "/api/group/1/", "GET,HEAD,PUT,PATCH,DELETE"),
        ("POST", "/api/event-log/1/", "GET,HEAD,PUT,PATCH,DELETE"),
        ("GET", "/api/event-log/1/process/", "POST"),
        ("PATCH", "/api/hamachi/network/", "GET,HEAD,POST,DELETE"),
        ("POST", "/api/hamachi/network/plant/", "GET,HEAD,DELETE"),
        ("POST", "/api/license/activation-request/", "GET,HEAD"),
        ("GET", "/api/webrtc/terminal-grant/", "POST"),
    ] {
        let answer = client.send(method, path, &[], "").await;
        let sorted = |list: &str| {
            let mut names: Vec<_> = list.split(',').map(|m| m.trim().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(answer.header("allow")), sorted(allowed), "{path}");
        answer.is(405, &detail(&format!("Method \"{method}\" not allowed.")));
    }
    for path in rows![
        "/api/nothing/"; "/api/"; "/api/device/999/"; "/api/device/abc/"; "/api/device/-1/"; "/api/device/99999999999/";
        "/api/device/1%2F/"; "/api/device/%FF/"; "/api/device//"; "/api/group/x/"; "/api/group/999/"; "/api/event-log/x/";
        "/api/event-log/99999999999/";
    ] {
        client.get(path).await.is(404, &detail("Not found."));
    }

    let given = [("x-request-id", "trace-7.a")];
    for path in ["/api/device/", "/api/nothing/", "/healthz/"] {
        client.send("GET", path, &given, "").await.with_header("x-request-id", "trace-7.a");
        let got = client.send("GET", path, &[("x-request-id", "not sane")], "").await;
        assert_ne!(got.header("x-request-id"), "not sane");
        let head = client.send("HEAD", path, &[], "").await.with_headers(&["x-request-id"]);
        head.is(got.status, &Value::Null);
    }
}

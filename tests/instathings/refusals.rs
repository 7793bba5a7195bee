//! Every endpoint as every kind of caller, and the order in which requests are refused.

use serde_json::{Value, json};

use super::{Project, call, message, text};

/// Method, path and body of every endpoint; `{gateway}`, `{sub}` and `{request}` stand for ids.
const ENDPOINTS: [(&str, &str); 17] = [
    ("GET", "/device/v1/devices"),
    ("GET", "/device/v1/devices/{gateway}"),
    ("POST", "/devices/{gateway}/credentials/certificate"),
    ("GET", "/devices/{gateway}/credentials/certificate"),
    ("POST", "/device/v1/devices/{gateway}/credentials/certificate"),
    ("GET", "/device/v1/devices/{gateway}/data"),
    ("PATCH", "/device/v1/devices/{gateway}"),
    ("POST", "/device/v1/control/{gateway}/set"),
    ("POST", "/device/v1/control/{gateway}/status"),
    ("GET", "/device/v1/control/{request}/fetch"),
    ("GET", "/device/v1/devices/{gateway}/gate/logs"),
    ("GET", "/device/v1/protocols/vRy6GTde"),
    ("GET", "/device/v1/types"),
    ("GET", "/device/v1/types/01c2fd9f-fb3a-45cf-8be3-97e00b7510c6"),
    ("POST", "/device/v1/devices"),
    ("DELETE", "/devices/{gateway}/subDevice/subDevices/{sub}"),
    ("DELETE", "/device/v1/devices/{gateway}"),
];

#[tokio::test]
async fn every_endpoint_answers_every_caller() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let status = format!("/device/v1/control/{gateway}/status");
    let answer = project.call("POST", &status, &Value::Null).await;
    let request = answer.header("location").split('/').nth(4).unwrap();
    let path = |pattern: &str| {
        pattern.replace("{gateway}", &gateway).replace("{sub}", &sub).replace("{request}", request)
    };
    let foreign = project.foreign_token("elsewhere").await;
    let client = project.server.client();
    // A token of another API is none here, whatever it looks like.
    let wrong = ["", "abc.def.ghi", &project.server.key, &format!("{}x", project.token)];
    for (method, pattern) in ENDPOINTS {
        let body = if pattern == "/device/v1/devices" { json!({"name": "new"}) } else { Value::Null };
        for token in wrong {
            let answer = call(&client, token, method, &path(pattern), &body).await.about(token);
            answer.with_header("www-authenticate", "Bearer").is(401, &message("Unauthorized"));
        }
        client.without_key().send(method, &path(pattern), &[], "").await.is(401, &message("Unauthorized"));
        let answer = client.send(method, &path(pattern), &[], "").await;
        answer.about("with an API key").is(401, &message("Unauthorized"));
        if pattern.contains('{') {
            let answer = call(&client, &foreign, method, &path(pattern), &body).await;
            answer.about("of another").is(404, &message("Not Found"));
        }
    }
    for (method, pattern) in ENDPOINTS {
        let body = if pattern == "/device/v1/devices" { json!({"name": "new"}) } else { Value::Null };
        let expected = match (method, pattern) {
            ("POST", "/device/v1/devices") => 201,
            (_, "/device/v1/control/{gateway}/status" | "/device/v1/control/{request}/fetch") => 202,
            _ => 200,
        };
        project.call(method, &path(pattern), &body).await.expect(expected);
    }
    assert_eq!(call(&client, &foreign, "GET", "/device/v1/devices", &Value::Null).await.body, json!([]));
}

#[tokio::test]
async fn tokens_are_for_clients_and_end_with_them() {
    let project = Project::start_with(&[("BASALT_INSTATHINGS__TOKEN_TTL", "10")]).await;
    // At once: on a busy machine what follows may take longer than the token counts.
    project.get("/device/v1/types").await.ok();
    let client = project.server.client().without_key();
    let mistake = |param: &str| json!({"msg": "Invalid value", "param": param, "location": "body"});
    for (body, status, expected) in [
        (json!({"clientId": "cloud", "clientSecret": "wrong"}), 401, message("Unauthorized")),
        (json!({"clientId": "nobody", "clientSecret": super::SECRET}), 401, message("Unauthorized")),
        (json!({"clientId": "cloud"}), 400, json!({"errors": [mistake("clientSecret")]})),
        (json!({}), 400, json!({"errors": [mistake("clientId"), mistake("clientSecret")]})),
        (json!([1]), 400, json!({"errors": [mistake("clientId"), mistake("clientSecret")]})),
    ] {
        client.post("/authentication/v1/oauth/token", &body).await.is(status, &expected);
    }
    for body in ["{".to_owned(), "[".repeat(200), " ".repeat(70 << 10)] {
        let answer = client.send("POST", "/authentication/v1/oauth/token", &[], body).await.expect(400);
        assert!(answer["message"].is_string(), "{answer}");
    }
    client.get("/authentication/v1/oauth/token").await.expect(405);
    assert_eq!(client.get("/authentication/v2").await.body, message("Not Found"));

    let parts: Vec<&str> = project.token.split('.').collect();
    assert_eq!(parts.len(), 3);
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    project.get("/device/v1/types").await.about("it has expired").is(401, &message("Unauthorized"));

    let fresh = super::token(&project.server.client(), super::CLIENT, super::SECRET).await;
    project.server.basalt(&["client", "revoke", super::CLIENT]).await.expect_success();
    let answer = call(&client, &fresh, "GET", "/device/v1/types", &Value::Null).await;
    answer.about("its client was revoked").expect(401);
}

#[tokio::test]
async fn refusals_come_in_the_vendors_order_and_malformed_requests_break_nothing() {
    let (project, gateway, _) = Project::with_gateway().await;
    let of = |path: &str| format!("/device/v1/devices/{gateway}{path}");
    let bearer = format!("Bearer {}", project.token);
    let (own, text_only) = (("authorization", bearer.as_str()), ("accept", "text/html"));
    let client = project.server.client().without_key();
    for (name, method, path, headers, body, status) in [
        ("401_before_405", "PUT", of(""), vec![text_only], "x", 401),
        ("405_before_406", "PUT", of(""), vec![own, text_only], "x", 405),
        ("406_before_400", "PATCH", of(""), vec![own, text_only], "x", 406),
        ("406_before_404", "GET", "/device/v1/x".to_owned(), vec![own, text_only], "", 406),
        ("400_before_404", "PATCH", "/device/v1/devices/nowhere-1".to_owned(), vec![own], "{", 400),
        ("400_of_a_query", "GET", "/device/v1/devices/nowhere-1/data?page=0".to_owned(), vec![own], "", 400),
        ("404_of_a_device", "PATCH", "/device/v1/devices/nowhere-1".to_owned(), vec![own], "{}", 404),
        ("404_of_no_device", "GET", "/device/v1/devices/a%20b".to_owned(), vec![own], "", 404),
        ("404_of_a_route", "GET", "/device/v2/devices".to_owned(), vec![own], "", 404),
        ("404_of_options", "OPTIONS", of(""), vec![own], "", 404),
        ("404_of_options_without_a_token", "OPTIONS", of(""), vec![], "", 404),
        ("401_of_a_route", "GET", "/devices".to_owned(), vec![], "", 401),
    ] {
        let answer = client.send(method, &path, &headers, body).await.about(name);
        match status {
            405 => answer
                .with_header("allow", "GET, HEAD, PATCH, DELETE")
                .is(status, &message("Method Not Allowed")),
            406 => answer.is(status, &message("Not Acceptable")),
            _ => answer.expect(status),
        };
    }
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(11 << 20));
    client.send("PATCH", &of(""), &[own], large).await.is(413, &message("Payload Too Large"));
    client.send("HEAD", &of(""), &[own], "").await.ok();
    check_malformed(&project, &gateway).await;
}

/// Malformed requests break nothing.
async fn check_malformed(project: &Project, gateway: &str) {
    let bodies =
        ["{", "[]", "{\"name\":[]}", "\u{0}", "{\"frequency\":1e308}", "{\"a\":{\"a\":{}}}", "\"x\"", ""];
    let paths = [
        format!("/device/v1/devices/{gateway}"),
        format!("/device/v1/devices/{gateway}/data?page=%00&start=9223372036854775807&end=-1"),
        format!("/device/v1/control/{gateway}/set?{}", "a=1&".repeat(500)),
        "/device/v1/devices/%ff%00/data".to_owned(),
        "/devices//credentials/certificate".to_owned(),
        format!("/device/v1/devices/{gateway}/../logs"),
    ];
    let bearer = format!("Bearer {}", project.token);
    let client = project.server.client().without_key();
    for round in 0..1_000 {
        let method = ["GET", "POST", "PATCH", "DELETE", "PUT"][round % 5];
        // The gateway stays.
        let path = &paths[round % paths.len()];
        let method = if method == "DELETE" && round % paths.len() == 0 { "PUT" } else { method };
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = bodies[round % bodies.len()];
        let (status, answer) = client.send(method, path, &headers, body).await.outcome();
        assert!(status < 500 || status == 503, "{method} {path} {body:?}: {status} {answer}");
    }
    assert_eq!(text(&project.get(&format!("/device/v1/devices/{gateway}")).await.body["id"]), gateway);
}

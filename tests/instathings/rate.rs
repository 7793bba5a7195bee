//! The rate limit, counted exactly.

use serde_json::{Value, json};

use super::{CLIENT, Project, SECRET, call, message};

const TOKEN_PATH: &str = "/authentication/v1/oauth/token";

#[tokio::test]
async fn each_token_has_its_budget() {
    // A budget that does not refill while the test runs.
    let project = Project::start_with(&[("BASALT_INSTATHINGS__RATE", "5/h")]).await;
    let client = project.server.client();
    // The fixture has asked for one token. Of requests for tokens, four are left.
    let body = json!({"clientId": CLIENT, "clientSecret": SECRET});
    let mut tokens = Vec::new();
    for left in (0..4).rev() {
        let answer = client.without_key().post(TOKEN_PATH, &body).await;
        let answer = answer.with_header("x-ratelimit-remaining", &left.to_string()).ok();
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    let answer = client.without_key().post(TOKEN_PATH, &body).await;
    assert!((700..=720).contains(&answer.retry_after()), "an hour for five: {answer:?}");
    answer.is(429, &message("Too Many Requests"));

    let valid = project.token.clone();
    for token in [valid.as_str(), "wrong.token", "another.wrong.token"] {
        let expected = if token == valid { 200 } else { 401 };
        for left in (0..5).rev() {
            // Whatever comes of a request, it counts.
            let path = if left == 2 && token == valid { "/device/v1/devices?x" } else { "/device/v1/types" };
            let answer = call(&client, token, "GET", path, &Value::Null).await.about(token);
            let answer = answer.with_header("x-ratelimit-limit", "5");
            let answer = answer.with_header("x-ratelimit-remaining", &left.to_string());
            let reset: u64 = answer.header("x-ratelimit-reset").parse().unwrap();
            assert!(reset > 1_777_377_600, "{reset}");
            answer.expect(expected);
        }
        let answer = call(&client, token, "PUT", "/device/v1/types", &Value::Null).await;
        let answer = answer.about("before everything else").with_header("x-ratelimit-remaining", "0");
        assert!((700..=720).contains(&answer.retry_after()), "{answer:?}");
        answer.is(429, &message("Too Many Requests"));
    }
    for left in (0..5).rev() {
        let answer = client.without_key().get("/device/v1/types").await;
        answer.with_header("x-ratelimit-remaining", &left.to_string()).expect(401);
    }
    client.without_key().get("/device/v1/types").await.expect(429);
    // Other interfaces have no part in it.
    client.get("/api/device/").await.ok();
}

#[tokio::test]
async fn a_hundred_requests_in_ten_seconds_unless_told_otherwise() {
    let project = Project::start_with(&[("BASALT_INSTATHINGS__RATE", "100/10s")]).await;
    let started = std::time::Instant::now();
    let (mut passed, mut refused) = (0_u64, 0_u64);
    for _ in 0..130 {
        match project.get("/device/v1/protocols/knx").await.status {
            200 => passed += 1,
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    // One comes back every tenth of a second.
    let refilled = started.elapsed().as_millis() as u64 / 100;
    assert!(passed >= 100 && passed <= 101 + refilled, "{passed} in {:?}", started.elapsed());
    assert_eq!(passed + refused, 130);
}

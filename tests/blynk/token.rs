//! The token endpoint: its grants, and every error.

use serde_json::{Value, json};

use super::{BASE64, CLIENT, DATASTREAMS, Plant, TokenClient, error, request_token};
use base64::Engine;

const WRONG_CLIENT: &str = "Client ID is not found or password is wrong.";

#[tokio::test]
async fn a_pair_of_tokens_its_successor_and_parameters_in_a_form() {
    let plant = Plant::start().await;
    let pair = request_token(&plant.client, CLIENT, "grant_type=client_credentials").await;
    let pair = pair.with_header("cache-control", "no-store");
    let pair = pair.has(200, json!({"token_type": "Bearer", "expires_in": 86_400}));
    assert_eq!(pair.as_object().map(serde_json::Map::len), Some(4), "{pair}");
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| pair[name].as_str().unwrap());
    assert_eq!((access.len(), refresh.len()), (40, 40));
    let devices = format!("{DATASTREAMS}?deviceId={}", plant.device);
    TokenClient::new(&plant.client, access).get(&devices).await.ok();
    TokenClient::new(&plant.client, refresh).get(&devices).await.about("it is no access token").expect(401);

    let again = format!("grant_type=refresh_token&refresh_token={refresh}");
    let next = request_token(&plant.client, CLIENT, &again).await.ok();
    for pair in [&pair, &next] {
        let client = TokenClient::new(&plant.client, pair["access_token"].as_str().unwrap());
        client.get(&devices).await.about("both last until they expire").ok();
    }
    request_token(&plant.client, CLIENT, &again).await.has(400, json!({"error": "invalid_grant"}));

    let basic = format!("Basic {}", BASE64.encode(CLIENT));
    let form = "application/x-www-form-urlencoded";
    let grant = "grant_type=client_credentials";
    let rows = [
        ("form", Some(form), grant, 200),
        ("form_with_a_charset", Some("application/x-www-form-urlencoded; charset=utf-8"), grant, 200),
        ("no_media_type", None, grant, 200),
        ("json", Some("application/json"), "{\"grant_type\":\"client_credentials\"}", 400),
        ("nothing", Some(form), "", 400),
        ("twice", Some(form), "grant_type=client_credentials&grant_type=client_credentials", 400),
    ];
    for (name, media, body, expected) in rows {
        let mut headers = vec![("authorization", basic.as_str())];
        headers.extend(media.map(|media| ("content-type", media)));
        let answer = plant.client.without_key().send("POST", "/oauth2/token", &headers, body).await;
        let answer = answer.about(name).expect(expected);
        assert!(expected == 200 || answer["error"] == "invalid_request", "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_user_gets_tokens_by_name_and_password() {
    let plant = Plant::start().await;
    plant.server.create_user("ann", &[]).await;
    plant.server.create_user("bob", &[]).await;
    let users = plant.issue(&["--role", "viewer"]).await;
    let only_bob = plant.issue(&["--user", "bob"]).await;
    let password = |name: &str, password: &str| {
        format!("grant_type=password&username={name}&password={}", password.replace(' ', "+"))
    };
    for (name, client, query, expected, code) in [
        ("right", &users, password("ann", "correct horse"), 200, Value::Null),
        ("wrong", &users, password("ann", "guess"), 400, json!("invalid_grant")),
        ("unknown", &users, password("eve", "correct horse"), 400, json!("invalid_grant")),
        ("of_another_user", &only_bob, password("ann", "correct horse"), 400, json!("invalid_grant")),
        ("no_password", &users, "grant_type=password&username=ann".to_owned(), 400, json!("invalid_request")),
        ("no_name", &users, "grant_type=password&password=x".to_owned(), 400, json!("invalid_request")),
    ] {
        request_token(&plant.client, client, &query).await.about(&name).has(expected, json!({"error": code}));
    }
    let answer = request_token(&plant.client, CLIENT, &password("ann", "correct horse")).await;
    answer.has(400, json!({"error": "unauthorized_client"}));
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_terms_of_oauth() {
    let plant = Plant::start().await;
    plant.server.basalt(&["org", "create", "other"]).await.expect_success();
    let other_org = plant.issue(&["--org", "other"]).await;
    let revoked = plant.issue(&[]).await;
    let id = revoked.split_once(':').unwrap().0.to_owned();
    plant.server.basalt(&["client", "revoke", &id]).await.expect_success();
    let pair = request_token(&plant.client, CLIENT, "grant_type=client_credentials").await.body;
    let foreign =
        format!("grant_type=refresh_token&refresh_token={}", pair["refresh_token"].as_str().unwrap());
    let credentials = "grant_type=client_credentials";
    let unknown = format!("grant_type=refresh_token&refresh_token={}", "x".repeat(40));
    for (name, client, query, expected, code) in [
        ("wrong_secret", "plant:guess", credentials, 401, "invalid_client"),
        ("unknown_client", "nobody:0123456789abcdef0123456789abcdef", credentials, 401, "invalid_client"),
        ("revoked_client", revoked.as_str(), credentials, 401, "invalid_client"),
        ("no_colon", "plant", credentials, 401, "invalid_client"),
        ("client_before_parameters", "plant:guess", "grant_type=x", 401, "invalid_client"),
        ("no_grant", CLIENT, "", 400, "invalid_request"),
        ("blank_grant", CLIENT, "grant_type=", 400, "invalid_request"),
        ("repeated_grant", CLIENT, "grant_type=password&grant_type=password", 400, "invalid_request"),
        ("unknown_grant", CLIENT, "grant_type=authorization_code", 400, "unsupported_grant_type"),
        ("no_refresh_token", CLIENT, "grant_type=refresh_token", 400, "invalid_request"),
        ("malformed_refresh_token", CLIENT, "grant_type=refresh_token&refresh_token=x", 400, "invalid_grant"),
        ("unknown_refresh_token", CLIENT, unknown.as_str(), 400, "invalid_grant"),
        ("refresh_token_of_another_client", other_org.as_str(), foreign.as_str(), 400, "invalid_grant"),
    ] {
        let answer = request_token(&plant.client, client, query).await.about(name);
        let answer = answer.with_header("cache-control", "no-store");
        let challenge =
            answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(challenge.as_deref(), (expected == 401).then_some("Basic"), "{name}");
        let answer = answer.has(expected, json!({"error": code}));
        let description = answer["error_description"].as_str().unwrap_or_default();
        assert!(answer.as_object().is_some_and(|body| body.len() == 2) && !description.is_empty(), "{name}");
        assert!(expected != 401 || description == WRONG_CLIENT, "{name}: {answer}");
    }
    let bare = plant.client.without_key();
    for (method, path, status, expected) in [
        ("GET", "/oauth2/token", 405, error("Method not allowed.")),
        ("OPTIONS", "/oauth2/token", 404, error("Not found.")),
        ("POST", "/oauth2/token/", 404, error("Not found.")),
    ] {
        bare.send(method, path, &[], "").await.is(status, &expected);
    }
    let body = bare.send("POST", "/oauth2/token", &[], "grant_type=client_credentials").await;
    body.about("without credentials").has(401, json!({"error": "invalid_client"}));
}

#[tokio::test]
async fn too_many_guesses_are_refused_for_a_time() {
    let plant = Plant::start_with(&[("BASALT_SESSION__ATTEMPTS", "2")]).await;
    plant.server.create_user("ann", &[]).await;
    let users = plant.issue(&["--role", "viewer"]).await;
    let guess = "grant_type=password&username=ann&password=guess";
    for _ in 0..2 {
        request_token(&plant.client, &users, guess).await.expect(400);
    }
    let answer = request_token(&plant.client, &users, guess).await;
    assert!(answer.retry_after() > 0);
    let expected = json!({"error": "temporarily_unavailable", "error_description": "Too many requests."});
    answer.is(429, &expected);
}

#[tokio::test]
async fn tokens_survive_a_kill_and_end_with_their_client() {
    let mut plant = Plant::start().await;
    let credentials = plant.issue(&[]).await;
    let pair = request_token(&plant.client, &credentials, "grant_type=client_credentials").await.body;
    let token = TokenClient::new(&plant.client, pair["access_token"].as_str().unwrap());
    let devices = format!("{DATASTREAMS}?deviceId={}", plant.device);
    plant.server.crash().await;
    token.get(&devices).await.ok();
    let refresh =
        format!("grant_type=refresh_token&refresh_token={}", pair["refresh_token"].as_str().unwrap());
    request_token(&plant.client, &credentials, &refresh).await.ok();
    let id = credentials.split_once(':').unwrap().0;
    plant.server.basalt(&["client", "revoke", id]).await.expect_success();
    token.get(&devices).await.expect(401);
}

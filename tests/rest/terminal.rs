//! Endpoint 49, and what a terminal service does with a grant.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use super::check_rows;
use crate::in_process::TestEnv;
use crate::support::{Client, DataDir, Server, assert_members};

const GRANT: &str = "/api/webrtc/terminal-grant/";
const VALIDATE: &str = "/api/webrtc/terminal-grant/validate/";
const KEYS: &str = "/.well-known/jwks.json";

fn wanted() -> Value {
    json!({"terminal_id": "edge-01-shell", "host_id": "edge-01", "interactive": true,
           "allowed_presets": ["journal", "status"]})
}

async fn issued(client: &Client) -> Value {
    client.post(GRANT, &wanted()).await.created()
}

/// Returns what a terminal service would find in a token, with nothing but the public keys.
async fn claims(client: &Client, token: &str) -> Value {
    let keys = client.without_key().get(KEYS).await.body;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let json = |part: &str| -> Value { serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap() };
    let header = json(header);
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!((&header["alg"], &key["alg"]), (&json!("EdDSA"), &json!("EdDSA")));
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    let key = BASE64.decode(key["x"].as_str().unwrap()).unwrap();
    let signed = token.rsplit_once('.').unwrap().0;
    let signature = BASE64.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).unwrap();
    json(claims)
}

#[tokio::test]
async fn a_grant_is_signed_and_used_once_also_across_a_restart() {
    let (mut server, client) = Server::with_client(&[]).await;
    let grant = issued(&client).await;
    let expected = json!({"token": "*", "token_type": "Bearer", "expires_in": 60, "expires_at": "*",
                          "terminal_id": "edge-01-shell", "host_id": "edge-01", "interactive": true,
                          "allowed_presets": ["journal", "status"]});
    assert!(super::matches(&grant, &expected), "{grant}");
    let token = grant["token"].as_str().unwrap();
    let found = claims(&client, token).await;
    assert_members(&found, &json!({"iss": "basalt", "aud": "webrtc-terminal", "sub": "1"}));
    assert_eq!(found["exp"].as_i64().unwrap() - found["iat"].as_i64().unwrap(), 60);
    for name in ["terminal_id", "host_id", "interactive", "allowed_presets"] {
        assert_eq!(found[name], wanted()[name], "{name}");
    }
    let later = issued(&client).await;
    let later = later["token"].as_str().unwrap();
    assert_ne!(claims(&client, later).await["jti"], found["jti"]);

    let key = server.data_dir.path().join("terminal.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let keys = client.get(KEYS).await.body;
    let allowed = json!({"jti": found["jti"], "sub": "1", "terminal_id": "edge-01-shell", "host_id": "edge-01",
                         "interactive": true, "allowed_presets": ["journal", "status"], "issued_at": "*", "expires_at": "*"});
    let refused = json!({"token": ["This token is not valid, has expired, or was used before."]});
    let validate = |name, token: &str, status, expected| {
        (name, "POST", VALIDATE.to_owned(), json!({ "token": token }), status, expected)
    };
    check_rows![&client;
        validate("the_first_time", token, 200, allowed);
        validate("again", token, 400, refused.clone());
    ];
    server.restart().await;
    let client = server.client();
    assert_eq!(client.get(KEYS).await.body, keys, "the key is kept");
    check_rows![&client;
        validate("again_after_a_restart", token, 400, refused.clone());
        validate("another_is_still_good", later, 200, json!("*"));
        validate("nonsense", "a.b.c", 400, refused);
        "no_token", "POST", VALIDATE.to_owned(), json!({}), 400, json!({"token": ["This field is required."]});
    ];
}

#[tokio::test]
async fn every_bad_field_is_told() {
    let server = Server::start(&[]).await;
    let bad = |name, body, expected| (name, "POST", GRANT.to_owned(), body, 400, expected);
    let required = "This field is required.";
    let with = |name: &str, value: Value| {
        let mut body = wanted();
        body[name] = value;
        body
    };
    let presets = |message: &str| json!({"allowed_presets": [message]});
    check_rows![&server.client();
        bad("empty", json!({}), json!({"terminal_id": [required], "host_id": [required]}));
        bad("all_at_once",
            json!({"terminal_id": "", "host_id": "x".repeat(129), "interactive": "perhaps", "allowed_presets": {}}),
            json!({
                "terminal_id": ["This field may not be blank."],
                "host_id": ["Ensure this field has no more than 128 characters."],
                "interactive": ["Must be a valid boolean."],
                "allowed_presets": ["Expected a list of items but got type \"dict\"."]
            }));
        bad("no_texts", with("allowed_presets", json!([{}])), presets("Not a valid string."));
        bad("a_blank", with("allowed_presets", json!(["a", ""])), presets("This field may not be blank."));
        bad("a_long_one", with("allowed_presets", json!(["x".repeat(65)])),
            presets("Ensure this field has no more than 64 characters."));
        bad("too_many", with("allowed_presets", json!(vec!["x"; 33])),
            presets("Ensure this field has no more than 32 elements."));
    ];
    let least = json!({"terminal_id": "a", "host_id": "b"});
    server.client().post(GRANT, &least).await.has(201, json!({"interactive": false, "allowed_presets": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_ends_by_itself() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let app = db.app();
    let spec = basalt::domain::grant::GrantSpec {
        terminal_id: "t".into(),
        host_id: "h".into(),
        ..Default::default()
    };
    let (_, early) = app.terminal_grants.issue_grant(&env.owner, spec.clone()).await.unwrap();
    let (_, late) = app.terminal_grants.issue_grant(&env.owner, spec).await.unwrap();
    env.clock.advance(59_000_000);
    app.terminal_grants.redeem_grant(&env.owner, &early).await.unwrap();
    env.clock.advance(1_000_000);
    assert!(app.terminal_grants.redeem_grant(&env.owner, &late).await.is_err(), "it has expired");
    assert!(
        app.terminal_grants.redeem_grant(&env.owner, &early).await.is_err(),
        "and an expired one is not forgotten into life"
    );
}

#[tokio::test]
async fn a_key_that_others_can_read_or_that_is_damaged_stops_the_start() {
    let home = Arc::new(DataDir::new());
    let mut server = Server::start_in(home.clone(), &[]).await;
    issued(&server.client()).await;
    server.stop().await;
    let key = home.path().join("terminal.key");
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let output = home.basalt(&serve).await.expect_failure();
    assert!(output.contains("terminal.key") && output.contains("0600"), "{output}");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&key, "half a k").unwrap();
    let output = home.basalt(&serve).await.expect_failure();
    assert!(output.contains("terminal.key is damaged"), "{output}");
    std::fs::remove_file(&key).unwrap();
    server.start_again().await;
    issued(&server.client()).await;
}

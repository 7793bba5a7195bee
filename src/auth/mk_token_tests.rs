//! Tests of the MK platform's JSON web tokens.

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = b"a secret of thirty-two characters";
const NOW: Micros = Micros(1_777_377_600_000_000);
const ORG: &str = "d1e2f3a4-e5f6-4890-abcd-ef1234567890";

fn claims() -> Value {
    json!({"sub": "user_8f2c", "org": ORG, "role": "owner", "exp": 1_777_377_700})
}

fn unsigned(header: &Value, payload: &Value) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(payload.to_string()))
}

fn signed(header: &Value, payload: &Value) -> String {
    let text = unsigned(header, payload);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), text.as_bytes());
    format!("{text}.{}", BASE64.encode(tag))
}

fn with(name: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[name] = value;
    changed
}

#[test]
fn a_token_of_the_secret_says_who_calls() {
    let token = signed(&json!({"alg": "HS256", "typ": "JWT"}), &claims());
    let read = verify_with_secret(SECRET, &token, NOW).unwrap();
    assert_eq!((read.subject.as_str(), read.role), ("user_8f2c", MkRole::Owner));
    assert_eq!(read.org.to_string(), ORG);
    assert_eq!(read.expires_at, Micros(1_777_377_700_000_000));
}

#[test]
fn no_other_token_passes() {
    let header = json!({"alg": "HS256"});
    let right = signed(&header, &claims());
    let rows = [
        ("of_no_algorithm", format!("{}.", unsigned(&json!({"alg": "none"}), &claims()))),
        ("of_another_algorithm", signed(&json!({"alg": "HS384"}), &claims())),
        ("with_an_extension", signed(&json!({"alg": "HS256", "crit": ["b64"]}), &claims())),
        ("expired", signed(&header, &with("exp", json!(1_777_377_600)))),
        ("not_yet_valid", signed(&header, &with("nbf", json!(1_777_377_601)))),
        ("without_an_end", signed(&header, &with("exp", Value::Null))),
        ("without_a_subject", signed(&header, &with("sub", json!("")))),
        ("of_no_organization", signed(&header, &with("org", json!("default")))),
        ("of_an_unknown_role", signed(&header, &with("role", json!("root")))),
        ("changed", format!("{right}A")),
        ("unsigned", unsigned(&header, &claims())),
        ("of_another_secret", right.replace('.', "..")),
        ("too_long", signed(&header, &with("sub", json!("x".repeat(20_000))))),
        ("empty", String::new()),
    ];
    assert!(verify_with_secret(SECRET, &right, NOW).is_some());
    for (name, token) in rows {
        assert_eq!(verify_with_secret(SECRET, &token, NOW), None, "{name}");
    }
    assert_eq!(verify_with_secret(b"another", &right, NOW), None);
}

#[test]
fn a_published_key_verifies_its_own_tokens_only() {
    let pair = || {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap()
    };
    let (ours, theirs) = (pair(), pair());
    let set = json!({"keys": [
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": BASE64.encode(ours.public_key())},
    ]});
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    let token = |pair: &Ed25519KeyPair, header: Value| {
        let text = unsigned(&header, &claims());
        let signature = BASE64.encode(pair.sign(text.as_bytes()));
        format!("{text}.{signature}")
    };
    let rows = [
        ("by_its_name", token(&ours, json!({"alg": "EdDSA", "kid": "a"})), true),
        ("without_a_name", token(&ours, json!({"alg": "EdDSA"})), true),
        ("by_another_name", token(&ours, json!({"alg": "EdDSA", "kid": "b"})), false),
        ("of_another_key", token(&theirs, json!({"alg": "EdDSA", "kid": "a"})), false),
        ("of_another_algorithm", token(&ours, json!({"alg": "ES256", "kid": "a"})), false),
        // The public key must not pass for a shared secret.
        ("of_a_secret", signed(&json!({"alg": "HS256"}), &claims()), false),
    ];
    for (name, token, expected) in rows {
        assert_eq!(set.verify(&token, NOW).is_some(), expected, "{name}");
    }
    assert!(KeySet::parse(b"{}").is_err());
}

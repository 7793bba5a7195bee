//! Tests of JSON web tokens: a signed one verifies, everything else is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn claims() -> JwtClaims {
    JwtClaims { project_id: "default".into(), client_id: "plant".into(), iat: 1000, exp: 4600, jti: None }
}

fn key() -> JwtKey {
    JwtKey::new(&[7; SECRET_LEN])
}

#[test]
fn what_is_signed_comes_back_until_it_expires() {
    let token = key().sign(&claims());
    assert_eq!(key().verify(&token, Micros(0)), Some(claims()));
    let end = claims().expires_at();
    assert!(key().verify(&token, Micros(end.0 - 1)).is_some());
    assert_eq!(key().verify(&token, end), None);
    let own = JwtClaims { jti: Some(Uuid::from_u128(7)), ..claims() };
    assert_eq!(key().verify(&key().sign(&own), Micros(0)), Some(own));
    let parts: Vec<&str> = token.split('.').collect();
    let part = |at: usize| serde_json::from_slice::<Value>(&BASE64.decode(parts[at]).unwrap()).unwrap();
    assert_eq!(part(0), json!({"alg": "HS256", "typ": "JWT"}));
    assert_eq!(part(1), json!({"projectId": "default", "clientId": "plant", "iat": 1000, "exp": 4600}));
}

/// Computed by another implementation of HMAC.
#[test]
fn the_token_is_that_of_the_standard() {
    let expected = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJwcm9qZWN0SWQiOiJkZWZhdWx0IiwiY2xpZW50SWQiOiJwbGFudCIsImlhdCI6MTAwMCwiZXhwIjo0NjAwfQ.",
        "TBiGAULDfWrFnPI_p2D7TAvQYMRLt6IPSrbZx12O2Pg"
    );
    assert_eq!(key().sign(&claims()), expected);
}

#[test]
fn whatever_else_is_refused() {
    let token = key().sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let with_header = |header: &str| {
        let signed = format!("{}.{}", BASE64.encode(header), parts[1]);
        let signature = BASE64.encode(hmac::sign(&key().0, signed.as_bytes()));
        format!("{signed}.{signature}")
    };
    let rows = [
        ("of_another_key", JwtKey::new(&[8; SECRET_LEN]).sign(&claims())),
        ("without_algorithm", with_header(r#"{"alg":"none","typ":"JWT"}"#)),
        ("unsigned", format!("{}.{}.", BASE64.encode(r#"{"alg":"none"}"#), parts[1])),
        ("another_algorithm", with_header(r#"{"alg":"HS512","typ":"JWT"}"#)),
        ("another_key_id", with_header(r#"{"alg":"HS256","typ":"JWT","kid":"x"}"#)),
        ("without_signature", format!("{}.{}", parts[0], parts[1])),
        ("empty_signature", format!("{}.{}.", parts[0], parts[1])),
        ("one_part_more", format!("{token}.x")),
        ("padded", format!("{token}=")),
        ("nothing", String::new()),
        ("endless", "a".repeat(MAX_TOKEN_BYTES + 1)),
    ];
    for (name, token) in rows {
        assert_eq!(key().verify(&token, Micros(0)), None, "{name}");
    }
}

proptest! {
    #[test]
    fn no_changed_token_passes(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let token = key().sign(&claims());
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        if changed != token {
            prop_assert_eq!(key().verify(&changed, Micros(0)), None);
        }
    }

    #[test]
    fn no_text_panics_or_passes(text in ".{0,200}", dots in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert_eq!(key().verify(&text, Micros(0)), None);
        prop_assert_eq!(key().verify(&dots, Micros(0)), None);
    }
}

//! Tests of terminal grant tokens: a signed grant verifies, everything else is refused.

use proptest::prelude::*;

use super::*;

fn grant() -> Grant {
    Grant {
        id: Uuid::from_u128(7),
        spec: GrantSpec {
            terminal_id: "edge-01-shell".into(),
            host_id: "edge-01".into(),
            interactive: true,
            allowed_presets: vec!["journal".into(), "status".into()],
        },
        subject: "3".into(),
        issued_at: Micros(1_000_000_000),
        expires_at: Micros(1_060_000_000),
    }
}

fn key() -> GrantKey {
    GrantKey::from_seed(&[7; SEED_LEN])
}

/// RFC 8037, appendix A: its seed, public key and thumbprint.
#[test]
fn the_public_key_is_that_of_the_standard() {
    let seed = BASE64.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = GrantKey::from_seed(&seed.try_into().unwrap());
    let jwk = key.jwk();
    assert_eq!(jwk["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(jwk["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn what_is_signed_comes_back_until_it_expires() {
    let token = key().sign(&grant());
    assert_eq!(key().verify(&token, Micros(0)).unwrap(), grant());
    let last = Micros(grant().expires_at.0 - 1);
    assert!(key().verify(&token, last).is_ok());
    assert!(key().verify(&token, grant().expires_at).is_err());
}

#[test]
fn whatever_else_is_refused() {
    let token = key().sign(&grant());
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |text: &str| BASE64.encode(text);
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), parts[1]);
    let by_hash = format!("{}.{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), parts[1], parts[2]);
    let other_audience = {
        let claims = String::from_utf8(BASE64.decode(parts[1]).unwrap()).unwrap().replace(AUDIENCE, "other");
        let signed = format!("{}.{}", parts[0], encode(&claims));
        let signature = BASE64.encode(key().pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    };
    let rows = [
        ("of_another_key", GrantKey::from_seed(&[8; SEED_LEN]).sign(&grant())),
        ("for_somebody_else", other_audience),
        ("without_algorithm", unsigned),
        ("another_algorithm", by_hash),
        ("without_signature", format!("{}.{}", parts[0], parts[1])),
        ("one_part_more", format!("{token}.x")),
        ("padded", format!("{token}=")),
        ("nothing", String::new()),
        ("endless", "a".repeat(MAX_TOKEN_BYTES + 1)),
    ];
    for (name, token) in rows {
        assert!(key().verify(&token, Micros(0)).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_changed_token_passes(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let token = key().sign(&grant());
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        if changed != token {
            prop_assert!(key().verify(&changed, Micros(0)).is_err());
        }
    }

    #[test]
    fn no_text_panics_or_passes(text in ".{0,200}", dots in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(key().verify(&text, Micros(0)).is_err());
        prop_assert!(key().verify(&dots, Micros(0)).is_err());
    }
}

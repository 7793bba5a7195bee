//! Tests of license files: only signed contents count, and arbitrary bytes do no harm.

use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::*;

fn seller() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap()
}

fn signer() -> LicenseSigner {
    LicenseSigner { id: "k1".into(), key: seller().public_key().as_ref().try_into().unwrap() }
}

fn file_of(payload: &str) -> Value {
    let signature = seller().sign(payload.as_bytes());
    json!({"payload": BASE64.encode(payload), "signature": BASE64.encode(signature), "key_id": "k1"})
}

fn payload() -> Value {
    json!({"license_id": "L-1", "product": "basalt", "machine_id": "*", "customer": "Plant", "features": ["ai"],
           "max_devices": 5, "not_before": "2026-01-01T00:00:00Z", "expires_at": 1_800_000_000})
}

fn with(name: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[name] = value;
    payload
}

#[test]
fn a_signed_license_is_read() {
    let license = verify_license(file_of(&payload().to_string()).to_string().as_bytes(), &signer()).unwrap();
    let expected = License {
        id: "L-1".into(),
        product: "basalt".into(),
        machine_id: "*".into(),
        customer: "Plant".into(),
        features: vec!["ai".into()],
        max_devices: Some(5),
        not_before: Micros::parse("2026-01-01T00:00:00Z"),
        expires_at: Some(Micros(1_800_000_000_000_000)),
    };
    assert_eq!(license, expected);
    let mut least = payload();
    for optional in ["features", "max_devices", "not_before", "expires_at"] {
        least.as_object_mut().unwrap().remove(optional);
    }
    let license = verify_license(file_of(&least.to_string()).to_string().as_bytes(), &signer()).unwrap();
    assert_eq!((license.max_devices, license.not_before, license.expires_at), (None, None, None));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let sound = file_of(&payload().to_string());
    let changed = |name: &str, value: Value| {
        let mut file = sound.clone();
        file[name] = value;
        file.to_string()
    };
    let more = BASE64.encode(with("max_devices", json!(500)).to_string());
    let rows = [
        ("no_json", "license".to_owned(), "not a license file"),
        ("half_of_it", sound.to_string()[..40].to_owned(), "not a license file"),
        ("another_key", changed("key_id", json!("k2")), "`k2`, the one configured is `k1`"),
        ("another_payload", changed("payload", json!(more)), "signature is not valid"),
        ("no_signature", changed("signature", json!("")), "signature is not valid"),
        ("no_base64", changed("payload", json!("%")), "payload is not base64url"),
        ("no_payload", file_of("{}").to_string(), "not that of a license"),
        (
            "no_end",
            file_of(&with("expires_at", json!("soon")).to_string()).to_string(),
            "expires_at is not a time",
        ),
        (
            "fewer_than_none",
            file_of(&with("max_devices", json!(-1)).to_string()).to_string(),
            "not that of a license",
        ),
    ];
    for (name, file, expected) in rows {
        let message = verify_license(file.as_bytes(), &signer()).expect_err(name).message;
        assert!(message.contains(expected), "{name}: {message}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify_license(&bytes, &signer()).is_err());
    }

    #[test]
    fn no_changed_file_says_anything_else(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut file = file_of(&payload().to_string()).to_string().into_bytes();
        let sound = verify_license(&file, &signer()).unwrap();
        let at = at.index(file.len());
        file[at] = byte;
        if let Ok(license) = verify_license(&file, &signer()) {
            prop_assert_eq!(license, sound);
        }
    }

    #[test]
    fn whatever_was_signed_does_not_panic(payload in ".{0,300}", time in any::<i64>(), devices in any::<i64>()) {
        drop(verify_license(file_of(&payload).to_string().as_bytes(), &signer()));
        let odd = with("expires_at", json!(time)).to_string();
        drop(verify_license(file_of(&odd).to_string().as_bytes(), &signer()));
        let odd = with("max_devices", json!(devices)).to_string();
        drop(verify_license(file_of(&odd).to_string().as_bytes(), &signer()));
    }
}

//! Ids and secrets of clients: generation, the operator's own, and comparison.
//!
//! As with API keys, secrets are not put through a password hash: generated ones are random, and every request for a
//! token pays for the comparison.

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::key::random_text;
use crate::domain::client::{ClientApi, ClientSecret};
use crate::domain::{Error, Result};

/// 20 characters of 62: unique by chance.
const CLIENT_ID_LEN: usize = 20;
/// 43 characters of 62 carry 256 bits.
const SECRET_LEN: usize = 43;
/// Beginning of an API key of the MK platform.
const MK_MARKER: &str = "sk_live_";
/// Beginning of such a key for tests, as long as the other.
const MK_TEST_MARKER: &str = "sk_test_";
/// Characters of an MK key after its marker that are its public id. The other 35 carry 210 bits.
const MK_PUBLIC_LEN: usize = 8;

const MAX_CLIENT_ID_LEN: usize = 100;
/// Longer secrets are refused unread: no valid request has one.
const MAX_SECRET_LEN: usize = 512;

/// Characters of base64url: 64, so that each carries 6 bits.
const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Generates the id and the secret of a client; returns the text of the secret and what is stored. For the MK platform
/// the secret is the whole key. The text exists only here: show it once.
pub fn generate(api: ClientApi) -> (String, ClientSecret) {
    let (client_id, secret) = match api {
        ClientApi::Instathings | ClientApi::Blynk => (random_text(CLIENT_ID_LEN), random_text(SECRET_LEN)),
        ClientApi::Mk => return generate_mk(false),
    };
    let hash = hash(&secret);
    (secret, ClientSecret { client_id, hash })
}

/// Reads `id:secret`, as an operator presets a client.
///
/// # Errors
/// `Invalid` for the field `variable`; the message does not repeat the secret.
pub fn parse_preset(variable: &'static str, text: &str) -> Result<ClientSecret> {
    let malformed = || {
        Error::field(
            variable,
            format!(
                "use id:secret, an id of 1 to {MAX_CLIENT_ID_LEN} and a secret of 1 to {MAX_SECRET_LEN} visible \
                 ASCII characters"
            ),
        )
    };
    let (client_id, secret) = text.split_once(':').ok_or_else(malformed)?;
    let is_sound = |text: &str, max: usize| {
        (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !is_sound(client_id, MAX_CLIENT_ID_LEN) || !is_sound(secret, MAX_SECRET_LEN) {
        return Err(malformed());
    }
    Ok(ClientSecret { client_id: client_id.to_owned(), hash: hash(secret) })
}

/// Whether a text has the form of an MK key: `sk_live_` or `sk_test_`, then 43 base64url characters. Returns its public
/// id.
pub fn mk_key_id(text: &str) -> Option<&str> {
    let random = text.strip_prefix(MK_MARKER).or_else(|| text.strip_prefix(MK_TEST_MARKER))?;
    let is_key = random.len() == SECRET_LEN && random.bytes().all(|byte| BASE64URL.contains(&byte));
    is_key.then(|| &text[..MK_MARKER.len() + MK_PUBLIC_LEN])
}

/// Reads an MK key that an operator presets.
///
/// # Errors
/// `Invalid` for the field `variable`; the message does not repeat the key.
pub fn parse_mk_preset(variable: &'static str, text: &str) -> Result<ClientSecret> {
    let malformed = || {
        let message =
            "use a key of the MK platform: sk_live_ or sk_test_, and 43 characters of A-Z, a-z, 0-9, - and _";
        Error::field(variable, message)
    };
    let client_id = mk_key_id(text).ok_or_else(malformed)?.to_owned();
    Ok(ClientSecret { client_id, hash: hash(text) })
}

/// Generates an MK key, of tests when `is_test`.
pub fn generate_mk(is_test: bool) -> (String, ClientSecret) {
    let marker = if is_test { MK_TEST_MARKER } else { MK_MARKER };
    let secret = format!("{marker}{}", random_base64url(SECRET_LEN));
    let client_id = secret[..marker.len() + MK_PUBLIC_LEN].to_owned();
    let hash = hash(&secret);
    (secret, ClientSecret { client_id, hash })
}

/// Compares a presented secret with the stored one in constant time; without a client it compares with none, in the
/// same time.
pub fn matches(stored: Option<&ClientSecret>, presented: &str) -> bool {
    if presented.len() > MAX_SECRET_LEN {
        return false;
    }
    let expected = stored.map_or([0; 32], |stored| stored.hash);
    let is_same: bool = expected.ct_eq(&hash(presented)).into();
    is_same && stored.is_some()
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn random_base64url(len: usize) -> String {
    let mut bytes = vec![0; len];
    // The operating system's source never fails once seeded, which happens before any process of ours runs.
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system has randomness");
    bytes.into_iter().map(|byte| char::from(BASE64URL[usize::from(byte & 63)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_matches_and_another_does_not() {
        for api in ClientApi::ALL {
            let (secret, stored) = generate(api);
            assert!(matches(Some(&stored), &secret), "{api}");
            assert!(!matches(Some(&stored), &format!("{secret}x")), "{api}");
            assert!(!matches(None, &secret), "{api}");
            assert!(!stored.client_id.contains(':'), "{api}");
        }
        let (key, stored) = generate(ClientApi::Mk);
        assert_eq!((key.len(), key.starts_with(&stored.client_id)), (51, true));
        assert_eq!(stored.client_id.len(), 16);
    }

    #[test]
    fn a_key_of_the_mk_platform_is_known_by_its_form() {
        for is_test in [false, true] {
            let (key, stored) = generate_mk(is_test);
            assert_eq!(key.starts_with("sk_test_"), is_test);
            assert_eq!(mk_key_id(&key), Some(stored.client_id.as_str()));
            assert_eq!(parse_mk_preset("x", &key).unwrap(), stored);
            for wrong in [&key[1..], &key[..50], &format!("{key}x"), &key.replace("sk_", "pk_"), ""] {
                assert_eq!(mk_key_id(wrong), None, "{wrong}");
                let error = parse_mk_preset("x", wrong).unwrap_err();
                assert!(wrong.is_empty() || !error.message.contains(wrong), "{error}");
            }
        }
        assert_eq!(mk_key_id(&format!("sk_live_{}", "ö".repeat(43))), None);
    }

    #[test]
    fn a_preset_is_an_id_and_a_secret() {
        let long = format!("id:{}", "x".repeat(513));
        let rows = [
            ("short", "a:b", Some("a")),
            ("colons_in_the_secret", "plant:a:b:c", Some("plant")),
            ("no_colon", "plant", None),
            ("no_id", ":secret", None),
            ("no_secret", "plant:", None),
            ("a_space", "plant:my secret", None),
            ("beyond_ascii", "größe:secret", None),
            ("too_long", long.as_str(), None),
        ];
        for (name, text, expected) in rows {
            let found = parse_preset("BASALT_BOOTSTRAP_BLYNK", text);
            assert_eq!(found.as_ref().ok().map(|secret| secret.client_id.as_str()), expected, "{name}");
            if let Err(error) = found {
                assert_eq!(error.fields[0].field, "BASALT_BOOTSTRAP_BLYNK", "{name}");
                assert!(!error.message.contains("my secret"), "{name}");
            }
        }
        let stored = parse_preset("x", "plant:a:b:c").unwrap();
        assert!(matches(Some(&stored), "a:b:c"));
    }
}

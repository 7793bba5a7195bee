//! Texts that only the holder of a secret can read again: AES-256-GCM under a key that HKDF-SHA-256 (RFC 5869) derives
//! from the secret. Whoever has the data directory and not the secret learns nothing but the length.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use ring::aead::{self, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};

use crate::domain::{Error, Result};

/// Keeps these keys apart from those that others derive from the same secret.
const SALT: &[u8] = b"basalt sealed text";

/// Seals a text for the holder of `secret`, who opens it with the same context. Returns base64.
///
/// # Errors
/// `Internal` when the operating system has no random bytes.
pub fn seal(secret: &str, context: &str, text: &str) -> Result<String> {
    let failed = |_| Error::internal("a text cannot be sealed");
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(failed)?;
    let mut sealed = text.as_bytes().to_vec();
    let (key, about) = (derive(secret, context).map_err(failed)?, Aad::from(context.as_bytes()));
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut sealed).map_err(failed)?;
    Ok(BASE64_STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// Opens a sealed text; `None` with another secret or context, or when it was changed.
pub fn open(secret: &str, context: &str, sealed: &str) -> Option<String> {
    let bytes = BASE64_STANDARD_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let (key, mut sealed) = (derive(secret, context).ok()?, sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut sealed).ok()?;
    String::from_utf8(text.to_vec()).ok()
}

fn derive(secret: &str, context: &str) -> std::result::Result<LessSafeKey, ring::error::Unspecified> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(secret.as_bytes());
    let key = UnboundKey::from(extracted.expand(&[context.as_bytes()], &aead::AES_256_GCM)?);
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_opens_a_text() {
        let text = "{\"key\":\"sk_live_x\"}";
        let sealed = seal("secret", "route", text).unwrap();
        assert_eq!(open("secret", "route", &sealed).as_deref(), Some(text));
        assert!(!sealed.contains("sk_live"));
        assert_ne!(sealed, seal("secret", "route", text).unwrap(), "the nonce is new each time");
        for (secret, context) in [("other", "route"), ("secret", "other")] {
            assert_eq!(open(secret, context, &sealed), None);
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(open("secret", "route", &String::from_utf8(changed).unwrap()), None, "byte {at}");
            assert_eq!(open("secret", "route", &sealed[..at]), None, "cut at {at}");
        }
    }
}

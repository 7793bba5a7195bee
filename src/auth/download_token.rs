//! Tokens with which a device fetches one firmware for a limited time, without any other credential:
//! `<firmware>.<device>.<end>.<signature>`, of which the ids are 32 hexadecimal digits, the end is in seconds since 1970,
//! and the signature is HMAC-SHA256 in hexadecimal.

use std::fmt;

use ring::hmac;
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;

/// Length of the secret from which a key is made, bytes.
pub const SECRET_LEN: usize = 32;
/// Beginning of every signed text: no signature for another purpose is one of a token.
const PURPOSE: &str = "firmware download";
/// Tokens are shorter; longer texts are not looked at.
const MAX_TOKEN_BYTES: usize = 256;

/// Key that signs tokens and verifies its own.
pub struct DownloadSigner(hmac::Key);

/// Download that a token admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadGrant {
    /// The firmware.
    pub firmware: Uuid,
    /// The device that it is for.
    pub device: Uuid,
    /// From this time on it admits nothing; whole seconds.
    pub expires_at: Micros,
}

impl DownloadSigner {
    /// Makes the key of a secret.
    pub fn new(secret: &[u8; SECRET_LEN]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Returns the token of a grant. Its characters need no escaping in a URL.
    pub fn sign(&self, grant: &DownloadGrant) -> String {
        let text = grant_text(grant);
        let signature = hmac::sign(&self.0, signed_text(&text).as_bytes());
        format!("{text}.{}", hex::encode(signature))
    }

    /// Returns what a token admits, also when its time is over; `None` for a token that this key did not sign. The
    /// signature is compared in constant time.
    pub fn verify(&self, token: &str) -> Option<DownloadGrant> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (text, signature) = token.rsplit_once('.')?;
        hmac::verify(&self.0, signed_text(text).as_bytes(), &hex::decode(signature).ok()?).ok()?;
        let mut parts = text.split('.');
        let mut id = || Uuid::try_parse(parts.next()?).ok();
        let (firmware, device) = (id()?, id()?);
        let seconds: i64 = parts.next()?.parse().ok()?;
        let expires_at = Micros(seconds.checked_mul(MICROS_PER_SECOND)?);
        parts.next().is_none().then_some(DownloadGrant { firmware, device, expires_at })
    }
}

impl fmt::Debug for DownloadSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadSigner")
    }
}

fn grant_text(grant: &DownloadGrant) -> String {
    let DownloadGrant { firmware, device, expires_at } = grant;
    let seconds = expires_at.0.div_euclid(MICROS_PER_SECOND);
    format!("{}.{}.{seconds}", firmware.simple(), device.simple())
}

fn signed_text(text: &str) -> String {
    format!("{PURPOSE}\n{text}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant() -> DownloadGrant {
        let expires_at = Micros(1_777_377_600 * MICROS_PER_SECOND);
        DownloadGrant { firmware: Uuid::from_u128(1), device: Uuid::from_u128(2), expires_at }
    }

    #[test]
    fn a_token_is_read_by_the_key_that_signed_it_alone() {
        let signer = DownloadSigner::new(&[1; SECRET_LEN]);
        let token = signer.sign(&grant());
        assert_eq!(signer.verify(&token), Some(grant()));
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'), "{token}");
        assert!(token.len() <= MAX_TOKEN_BYTES);
        assert_eq!(DownloadSigner::new(&[2; SECRET_LEN]).verify(&token), None);
        for wrong in ["", ".", "....", "a.b.c.d", token.trim_end_matches(|c| c != '.'), &token.repeat(9)] {
            assert_eq!(signer.verify(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_changed_token_passes(at in 0_usize..140, byte in prop::sample::select(b"0123456789abcdefg.-".to_vec())) {
            let signer = DownloadSigner::new(&[1; SECRET_LEN]);
            let token = signer.sign(&grant());
            let mut changed = token.clone().into_bytes();
            let at = at % changed.len();
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(changed == token || signer.verify(&changed).is_none(), "{}", changed);
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,300}") {
            prop_assert_eq!(DownloadSigner::new(&[1; SECRET_LEN]).verify(&text), None);
        }
    }
}

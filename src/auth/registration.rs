//! Registration tokens of devices: generation and parsing.
//!
//! A token is `<uuid of the token>.<uuid of the device>.<secret>`. The secret is 43 characters of base64url: 32 random
//! bytes. Its SHA-256 is stored, which does not reveal it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::grant;
use crate::domain::registration::Registration;

/// 32 bytes in base64url without padding.
const SECRET_LEN: usize = 43;
const UUID_LEN: usize = 36;
const TOKEN_LEN: usize = UUID_LEN + 1 + UUID_LEN + 1 + SECRET_LEN;

/// The secret part of a new token. No `Debug`, because it exists only here.
pub struct TokenSecret(String);

/// A token as a device presents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedToken {
    /// Id of the token.
    pub uuid: Uuid,
    /// UUID of the device that the token is for.
    pub device: Uuid,
    hash: [u8; 32],
}

/// Generates the secret of a token from the operating system's random source; returns it and what is stored.
pub fn generate() -> (TokenSecret, [u8; 32]) {
    let secret = BASE64_URL_SAFE_NO_PAD.encode(grant::generate_seed());
    let hash = hash(&secret);
    (TokenSecret(secret), hash)
}

impl TokenSecret {
    /// The text of the token, which is shown once.
    pub fn text(&self, token: Uuid, device: Uuid) -> String {
        format!("{token}.{device}.{}", self.0)
    }
}

/// Reads a token; `None` if the text cannot be one.
pub fn parse(text: &str) -> Option<PresentedToken> {
    if text.len() != TOKEN_LEN {
        return None;
    }
    let mut parts = text.split('.');
    let (token, device, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let has_the_form = parts.next().is_none()
        && token.len() == UUID_LEN
        && device.len() == UUID_LEN
        && secret.bytes().all(is_base64);
    if !has_the_form {
        return None;
    }
    let (uuid, device) = (Uuid::try_parse(token).ok()?, Uuid::try_parse(device).ok()?);
    Some(PresentedToken { uuid, device, hash: hash(secret) })
}

/// Compares the secret of a presented token with the stored one in constant time.
pub fn matches(stored: &Registration, presented: &PresentedToken) -> bool {
    stored.hash.ct_eq(&presented.hash).into()
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registration::RegistrationState;
    use crate::domain::{DeviceId, Micros, OrgId, RegistrationId};

    #[test]
    fn a_token_is_recognised_by_its_form_and_its_secret() {
        let (token, device) = (Uuid::new_v4(), Uuid::new_v4());
        let (secret, hash) = generate();
        let text = secret.text(token, device);
        let presented = parse(&text).expect("a token");
        assert_eq!((presented.uuid, presented.device), (token, device));
        let stored = Registration {
            id: RegistrationId(1),
            org: OrgId(1),
            device: DeviceId(1),
            uuid: token,
            hash,
            state: RegistrationState::Pending,
            created_at: Micros(0),
            expires_at: Micros(1),
        };
        assert!(matches(&stored, &presented));
        let other = generate().0.text(token, device);
        assert!(!matches(&stored, &parse(&other).expect("a token")));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let (token, device) = (Uuid::new_v4(), Uuid::new_v4());
        let good = generate().0.text(token, device);
        let rows = [
            ("empty", String::new()),
            ("shorter", good[..TOKEN_LEN - 1].to_owned()),
            ("longer", format!("{good}A")),
            ("another_alphabet", format!("{}+", &good[..TOKEN_LEN - 1])),
            ("no_uuid", good.replacen('-', "x", 1)),
            ("uuid_without_hyphens", format!("{}{}", device.simple(), &good[32..])),
            ("dots_elsewhere", good.replacen('.', "-", 1)),
            ("not_ascii", format!("{}é", &good[..TOKEN_LEN - 2])),
        ];
        for (name, text) in rows {
            assert_eq!(parse(&text), None, "{name}");
        }
    }
}

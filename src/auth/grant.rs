//! Terminal grants as signed tokens: JWTs by Ed25519 (`EdDSA`), and the public key that others check them with.
//!
//! A token of ours has exactly one header. One with any other header is refused unread: there is no algorithm, key or
//! type for a token to choose.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rand::TryRngCore;
use rand::rngs::OsRng;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::grant::{Grant, GrantSpec};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Result};

pub const ISSUER: &str = "basalt";
pub const AUDIENCE: &str = "webrtc-terminal";

/// Bytes of the secret that a key is made from.
pub const SEED_LEN: usize = 32;

/// A token of the largest grant has less.
const MAX_TOKEN: usize = 64 * 1024;

/// Signs grants and knows its own. `Debug` tells only the public part.
pub struct GrantKey {
    pair: Ed25519KeyPair,
    /// The header of every token, encoded.
    header: String,
    id: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: Uuid,
    iat: i64,
    exp: i64,
    terminal_id: String,
    host_id: String,
    interactive: bool,
    allowed_presets: Vec<String>,
}

/// A new secret from the operating system's random source.
pub fn generate_seed() -> [u8; SEED_LEN] {
    let mut seed = [0; SEED_LEN];
    // The operating system's source does not fail once it has been seeded, which is before any process of ours runs.
    OsRng.try_fill_bytes(&mut seed).expect("the operating system has randomness");
    seed
}

impl GrantKey {
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        let x = BASE64.encode(pair.public_key().as_ref());
        // RFC 7638: the key's own members, in this order.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        let id = BASE64.encode(thumbprint);
        let header = BASE64.encode(json!({"alg": "EdDSA", "kid": id, "typ": "JWT"}).to_string());
        Self { pair, header, id }
    }

    /// The public key as a JWK (RFC 8037).
    pub fn jwk(&self) -> Value {
        let x = BASE64.encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id, "alg": "EdDSA", "use": "sig"})
    }

    /// The grant as a token.
    pub fn sign(&self, grant: &Grant) -> String {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: grant.subject.clone(),
            jti: grant.id,
            iat: grant.issued_at.0 / MICROS_PER_SECOND,
            exp: grant.expires_at.0 / MICROS_PER_SECOND,
            terminal_id: grant.spec.terminal_id.clone(),
            host_id: grant.spec.host_id.clone(),
            interactive: grant.spec.interactive,
            allowed_presets: grant.spec.allowed_presets.clone(),
        };
        let claims = serde_json::to_vec(&claims).expect("texts and numbers always serialise");
        let signed = format!("{}.{}", self.header, BASE64.encode(claims));
        let signature = BASE64.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The grant of a token that this key signed and that has not expired. Every way to fail reads the same.
    pub fn verify(&self, token: &str, now: Micros) -> Result<Grant> {
        self.read(token).filter(|grant| now < grant.expires_at).ok_or_else(refused)
    }

    fn read(&self, token: &str) -> Option<Grant> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(&self.header)?.strip_prefix('.')?;
        let signature = BASE64.decode(signature).ok()?;
        UnparsedPublicKey::new(&ED25519, self.pair.public_key())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        (claims.iss == ISSUER && claims.aud == AUDIENCE).then_some(())?;
        Some(Grant {
            id: claims.jti,
            spec: GrantSpec {
                terminal_id: claims.terminal_id,
                host_id: claims.host_id,
                interactive: claims.interactive,
                allowed_presets: claims.allowed_presets,
            },
            subject: claims.sub,
            issued_at: Micros(claims.iat.checked_mul(MICROS_PER_SECOND)?),
            expires_at: Micros(claims.exp.checked_mul(MICROS_PER_SECOND)?),
        })
    }
}

/// What is said of a token that opens nothing, whatever the reason.
pub fn refused() -> Error {
    Error::field("token", "This token is not valid, has expired, or was used before.")
}

impl fmt::Debug for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;

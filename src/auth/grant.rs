//! Terminal grants as signed tokens: JWTs with Ed25519 (`EdDSA`), and the public key for verifying them elsewhere.
//!
//! Our tokens have exactly one possible header. A token with any other header is refused unread, so a token cannot
//! choose an algorithm, key or type.

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

/// Claim `iss` of every token.
pub const ISSUER: &str = "basalt";
/// Claim `aud` of every token.
pub const AUDIENCE: &str = "webrtc-terminal";

/// Length of the secret from which a key is made, bytes.
pub const SEED_LEN: usize = 32;

/// Maximum token length: more than the largest grant needs.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Key that signs grants and verifies its own signatures. `Debug` shows only the public part.
pub struct GrantKey {
    pair: Ed25519KeyPair,
    /// Encoded header of every token.
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

/// Generates a secret from the operating system's random source.
pub fn generate_seed() -> [u8; SEED_LEN] {
    let mut seed = [0; SEED_LEN];
    // The operating system's source never fails once seeded, which happens before any process of ours runs.
    OsRng.try_fill_bytes(&mut seed).expect("the operating system has randomness");
    seed
}

impl GrantKey {
    /// Derives the key pair and its id (RFC 7638 thumbprint) from a seed.
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        let x = BASE64.encode(pair.public_key().as_ref());
        // RFC 7638: the required members in this order.
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

    /// Signs a grant; returns the token.
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

    /// Returns the grant of a token that this key signed and that has not expired. All failures give the same error.
    pub fn verify(&self, token: &str, now: Micros) -> Result<Grant> {
        self.read(token).filter(|grant| now < grant.expires_at).ok_or_else(invalid_token)
    }

    fn read(&self, token: &str) -> Option<Grant> {
        if token.len() > MAX_TOKEN_BYTES {
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

/// Error for a token that cannot be used, whatever the reason.
pub fn invalid_token() -> Error {
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

//! JSON web tokens of the Instathings API: HS256, signed and verified with one secret of this installation.
//!
//! Our tokens have exactly one possible header. A token with any other header is refused unread, so a token cannot
//! choose an algorithm, key or type.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;

/// Length of the secret from which a key is made, bytes.
pub const SECRET_LEN: usize = 32;

/// Maximum token length: more than the longest claims need.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The only header: `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Key that signs tokens and verifies its own signatures.
pub struct JwtKey(hmac::Key);

/// Claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JwtClaims {
    /// Slug of the organization.
    pub project_id: String,
    /// Public id of the client.
    pub client_id: String,
    /// Time of issue, seconds since 1970.
    pub iat: i64,
    /// Time from which the token is refused, seconds since 1970.
    pub exp: i64,
    /// Distinguishes tokens of one second, which have their own budgets of requests. Tokens of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<Uuid>,
}

impl JwtClaims {
    /// Time from which the token is refused.
    pub fn expires_at(&self) -> Micros {
        Micros(self.exp.saturating_mul(MICROS_PER_SECOND))
    }
}

impl JwtKey {
    /// Makes the key of a secret.
    pub fn new(secret: &[u8; SECRET_LEN]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Signs claims; returns the token.
    pub fn sign(&self, claims: &JwtClaims) -> String {
        let claims = serde_json::to_vec(claims).expect("texts and numbers always serialise");
        let signed = format!("{HEADER}.{}", BASE64.encode(claims));
        let signature = BASE64.encode(hmac::sign(&self.0, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Returns the claims of a token that this key signed and that has not expired. The signature is compared in
    /// constant time.
    pub fn verify(&self, token: &str, now: Micros) -> Option<JwtClaims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let signature = BASE64.decode(signature).ok()?;
        hmac::verify(&self.0, signed.as_bytes(), &signature).ok()?;
        let claims: JwtClaims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        (now < claims.expires_at()).then_some(claims)
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey")
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;

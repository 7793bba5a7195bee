//! JSON web tokens of the users of the MK platform: signed elsewhere, with a secret shared with this server (HS256) or
//! with a key of a published set (RS256, ES256, EdDSA).
//!
//! The kind of key decides the algorithm, never the token alone: one that names another algorithm is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::{hmac, signature};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::mk_role::MkRole;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Result};

/// Maximum token length: providers put more claims into theirs than are read here.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Maximum length of a subject, bytes.
const MAX_SUBJECT_BYTES: usize = 255;
/// Keys of a set beyond these are not read.
const MAX_KEYS: usize = 64;

/// Claims that are read of a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MkClaims {
    /// Id of the user at the issuer, 1..=255 bytes.
    pub subject: String,
    /// UUID of the organization.
    pub org: Uuid,
    pub role: MkRole,
    /// Time from which the token is refused.
    pub expires_at: Micros,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that a reader must understand; none is understood here.
    #[serde(default)]
    crit: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Payload {
    sub: String,
    org: Uuid,
    role: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

/// A token taken apart, not verified.
struct UnverifiedToken<'a> {
    header: Header,
    signed: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> UnverifiedToken<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        let (payload, signature) = (BASE64.decode(payload).ok()?, BASE64.decode(signature).ok()?);
        Some(Self { header, signed: signed.as_bytes(), payload, signature })
    }

    /// Reads the claims, which the caller has verified.
    fn claims(&self, now: Micros) -> Option<MkClaims> {
        let payload: Payload = serde_json::from_slice(&self.payload).ok()?;
        let expires_at = micros(payload.exp)?;
        let begins_at = payload.nbf.map_or(Some(Micros(i64::MIN)), micros)?;
        let is_subject = (1..=MAX_SUBJECT_BYTES).contains(&payload.sub.len());
        let is_valid = is_subject && begins_at <= now && now < expires_at;
        let role = payload.role.parse().ok()?;
        is_valid.then_some(MkClaims { subject: payload.sub, org: payload.org, role, expires_at })
    }
}

/// Seconds since 1970, which may have a fraction (RFC 7519, section 2).
fn micros(seconds: f64) -> Option<Micros> {
    // Beyond 2^53 microseconds are not exact; the year 2262 is far below i64's end.
    let is_time = seconds.is_finite() && (0.0..9_223_372_036_854.0).contains(&seconds);
    is_time.then_some(Micros((seconds * MICROS_PER_SECOND as f64) as i64))
}

/// Returns the claims of a token that is signed with `secret` by HS256 and valid at `now`. The signature is compared in
/// constant time.
pub fn verify_with_secret(secret: &[u8], token: &str, now: Micros) -> Option<MkClaims> {
    let token = UnverifiedToken::parse(token).filter(|token| token.header.alg == "HS256")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, token.signed, &token.signature).ok()?;
    token.claims(now)
}

/// Whether a token is of the algorithm of a shared secret.
pub fn is_of_secret(token: &str) -> bool {
    UnverifiedToken::parse(token).is_some_and(|token| token.header.alg == "HS256")
}

/// A published set of keys (RFC 7517).
#[derive(Debug, Default)]
pub struct KeySet(Vec<PublishedKey>);

#[derive(Debug)]
struct PublishedKey {
    id: Option<String>,
    key: PublicKey,
}

#[derive(Debug)]
enum PublicKey {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed point of the curve P-256.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys of kinds that are not supported are left out.
    ///
    /// # Errors
    /// `Unavailable` for anything that is no set of keys.
    pub fn parse(text: &[u8]) -> Result<KeySet> {
        let unreadable = |e| Error::unavailable("mk.jwks_url has no JSON Web Key Set").with_source(e);
        let set: JwkSet = serde_json::from_slice(text).map_err(unreadable)?;
        let keys = set.keys.into_iter().take(MAX_KEYS);
        Ok(KeySet(keys.filter_map(|key| published_key(serde_json::from_value(key).ok()?)).collect()))
    }

    /// Returns the claims of a token that a key of the set signed and that is valid at `now`.
    pub fn verify(&self, token: &str, now: Micros) -> Option<MkClaims> {
        let token = UnverifiedToken::parse(token)?;
        let may_be = |published: &&PublishedKey| match (&token.header.kid, &published.id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        let is_signed = self.0.iter().filter(may_be).any(|published| published.key.is_signer_of(&token));
        is_signed.then(|| token.claims(now)).flatten()
    }
}

impl PublicKey {
    fn is_signer_of(&self, token: &UnverifiedToken<'_>) -> bool {
        let alg = token.header.alg.as_str();
        let checked =
            match self {
                PublicKey::Rsa { n, e } if alg == "RS256" => signature::RsaPublicKeyComponents { n, e }
                    .verify(&signature::RSA_PKCS1_2048_8192_SHA256, token.signed, &token.signature),
                PublicKey::P256(point) if alg == "ES256" => {
                    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                        .verify(token.signed, &token.signature)
                }
                PublicKey::Ed25519(point) if alg == "EdDSA" => {
                    signature::UnparsedPublicKey::new(&signature::ED25519, point)
                        .verify(token.signed, &token.signature)
                }
                PublicKey::Rsa { .. } | PublicKey::P256(_) | PublicKey::Ed25519(_) => return false,
            };
        checked.is_ok()
    }
}

fn published_key(key: Jwk) -> Option<PublishedKey> {
    if key.usage.is_some_and(|usage| usage != "sig") {
        return None;
    }
    let bytes = |text: Option<String>| BASE64.decode(text?).ok();
    let public = match (key.kty.as_str(), key.crv.as_deref()) {
        ("RSA", _) => PublicKey::Rsa { n: bytes(key.n)?, e: bytes(key.e)? },
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(key.x)?, bytes(key.y)?);
            if x.len() != 32 || y.len() != 32 {
                return None;
            }
            PublicKey::P256([&[4], x.as_slice(), y.as_slice()].concat())
        }
        ("OKP", Some("Ed25519")) => PublicKey::Ed25519(bytes(key.x)?),
        _ => return None,
    };
    Some(PublishedKey { id: key.kid, key: public })
}

#[cfg(test)]
#[path = "mk_token_tests.rs"]
mod tests;

//! License files: a payload with an Ed25519 signature over its bytes by the license issuer.
//!
//! `{"payload": "<base64url JSON>", "signature": "<base64url>", "key_id": "k1"}`; the signature covers the decoded
//! bytes of the payload. Nothing in the payload is read before the signature has been verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use crate::domain::license::License;
use crate::domain::{Error, Micros, Result};

/// Issuer trusted to sign licenses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseSigner {
    /// Key id by which licenses refer to this key.
    pub id: String,
    /// An Ed25519 public key.
    pub key: [u8; 32],
}

#[derive(Deserialize)]
struct LicenseFile {
    payload: String,
    signature: String,
    key_id: String,
}

#[derive(Deserialize)]
struct LicensePayload {
    license_id: String,
    product: String,
    machine_id: String,
    customer: String,
    #[serde(default)]
    features: Vec<String>,
    max_devices: Option<usize>,
    #[serde(default)]
    not_before: Value,
    #[serde(default)]
    expires_at: Value,
}

/// Parses a license file signed by `signer`. Whether the license is valid here and now is not checked.
///
/// # Errors
/// `Invalid`, saying what is wrong with the file.
pub fn verify_license(bytes: &[u8], signer: &LicenseSigner) -> Result<License> {
    let file: LicenseFile = serde_json::from_slice(bytes)
        .map_err(|e| Error::invalid("it is not a license file").with_source(e))?;
    if file.key_id != signer.id {
        let (theirs, ours) = (file.key_id.escape_debug().to_string(), &signer.id);
        return Err(Error::invalid(format!(
            "it is signed by the key `{theirs}`, the one configured is `{ours}`"
        )));
    }
    let decode = |text: &str, what: &str| {
        // Some tools pad base64url.
        let bytes = BASE64.decode(text.trim_end_matches('='));
        bytes.map_err(|e| Error::invalid(format!("its {what} is not base64url")).with_source(e))
    };
    let payload = decode(&file.payload, "payload")?;
    let signature = decode(&file.signature, "signature")?;
    UnparsedPublicKey::new(&ED25519, signer.key)
        .verify(&payload, &signature)
        .map_err(|e| Error::invalid("its signature is not valid").with_source(e))?;
    let payload: LicensePayload = serde_json::from_slice(&payload)
        .map_err(|e| Error::invalid("its payload is not that of a license").with_source(e))?;
    Ok(License {
        id: payload.license_id,
        product: payload.product,
        machine_id: payload.machine_id,
        customer: payload.customer,
        features: payload.features,
        max_devices: payload.max_devices,
        not_before: time(&payload.not_before, "not_before")?,
        expires_at: time(&payload.expires_at, "expires_at")?,
    })
}

/// Parses ISO-8601 or epoch seconds; null and absent are `None`. An unreadable time is an error: it must not become a
/// license without an end.
fn time(value: &Value, name: &str) -> Result<Option<Micros>> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let time = Micros::parse(&text);
    time.map(Some).ok_or_else(|| Error::invalid(format!("its {name} is not a time")))
}

#[cfg(test)]
#[path = "license_tests.rs"]
mod tests;

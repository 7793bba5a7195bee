//! Secrets of API keys: generation, parsing and comparison.
//!
//! A generated secret is `bslt_`, 8 public characters, then 43 random ones: 256 bits beyond the public part. Its
//! look-up prefix is the first 13 characters, so that operators recognise a key in a list by its beginning.
//! A secret chosen by a user (at least 32 characters) is looked up by the first 16 hex digits of its SHA-256 instead:
//! no part of the secret is stored or shown, and 64 bits of a hash reveal no more than the full hash beside it.
//! Secrets are not put through a password hash: they are random, and every request pays for the comparison.

use rand::TryRngCore;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::key::KeySecret;

const SECRET_MARKER: &str = "bslt_";
/// `SECRET_MARKER` and 8 characters: about 2^47 values, unique in the catalog.
const PREFIX_LEN: usize = SECRET_MARKER.len() + 8;
/// 43 characters of 62 carry 256 bits (62^43 > 2^256).
const RANDOM_LEN: usize = 43;
const GENERATED_SECRET_LEN: usize = PREFIX_LEN + RANDOM_LEN;

/// Minimum length of a presented secret, and so of one chosen by a user.
pub const MIN_SECRET_LEN: usize = 32;
/// Longer secrets are refused unread: no valid header is that long.
const MAX_SECRET_LEN: usize = 512;

/// Generates a secret from the operating system's random source; returns its text and its stored form. The text
/// exists only here: show it once.
pub fn generate() -> (String, KeySecret) {
    let text = format!("{SECRET_MARKER}{}", random_text(GENERATED_SECRET_LEN - SECRET_MARKER.len()));
    let stored = hash_secret(&text);
    (text, stored)
}

/// The stored form of a presented secret, or `None` if it cannot be a secret: too short, too long, or not visible
/// ASCII (it travels in headers).
pub fn parse(secret: &str) -> Option<KeySecret> {
    let fits = (MIN_SECRET_LEN..=MAX_SECRET_LEN).contains(&secret.len());
    (fits && secret.bytes().all(|b| b.is_ascii_graphic())).then(|| hash_secret(secret))
}

/// Compares a presented secret with the stored one in constant time.
pub fn matches(stored: &KeySecret, presented: &KeySecret) -> bool {
    stored.hash.ct_eq(&presented.hash).into()
}

/// Returns `len` random letters and digits from the operating system's random source: 5.95 bits each.
pub fn random_text(len: usize) -> String {
    // The operating system's source never fails once seeded, which happens before any process of ours runs.
    Alphanumeric.sample_string(&mut OsRng.unwrap_err(), len)
}

fn hash_secret(secret: &str) -> KeySecret {
    let hash: [u8; 32] = Sha256::digest(secret).into();
    let prefix = if is_own_form(secret) { secret[..PREFIX_LEN].to_owned() } else { hex::encode(&hash[..8]) };
    KeySecret { prefix, hash }
}

fn is_own_form(secret: &str) -> bool {
    secret.len() == GENERATED_SECRET_LEN
        && secret
            .strip_prefix(SECRET_MARKER)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;

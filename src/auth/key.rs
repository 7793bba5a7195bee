//! Secrets of API keys: how they are made, how a presented one is found and compared.
//!
//! A secret of our own is `bslt_`, 8 public characters, then 43 random ones: 256 bits beyond the public part. Its
//! look-up prefix is the first 13 characters, so that an operator recognises a key in a list by its beginning.
//! A secret somebody chose (at least 32 characters) is found by the first 16 hex digits of its SHA-256 instead:
//! nothing of the secret itself is stored or shown, and 64 bits of a hash tell no more than the hash beside it.
//! There is no password hash here: the secrets are random, and every request pays for the comparison.

use rand::TryRngCore;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::key::KeySecret;

const MARK: &str = "bslt_";
/// `MARK` and 8 characters: about 2^47 values, unique in the catalog.
const PREFIX_LEN: usize = MARK.len() + 8;
/// 43 characters of 62 carry 256 bits (62^43 > 2^256).
const RANDOM_LEN: usize = 43;
const OWN_LEN: usize = PREFIX_LEN + RANDOM_LEN;

/// The shortest secret that may be presented, and so the shortest a user may choose.
pub const MIN_SECRET_LEN: usize = 32;
/// Longer ones are refused unread: no header of ours is that long.
const MAX_SECRET_LEN: usize = 512;

/// A new secret from the operating system's random source, and the form it is stored in. The text exists only here:
/// show it once.
pub fn generate() -> (String, KeySecret) {
    let text = format!("{MARK}{}", random_text(OWN_LEN - MARK.len()));
    let stored = to_stored(&text);
    (text, stored)
}

/// The stored form of a presented secret, or `None` when it cannot be one: too short, too long, or not of visible
/// ASCII characters (it travels in headers).
pub fn parse(secret: &str) -> Option<KeySecret> {
    let fits = (MIN_SECRET_LEN..=MAX_SECRET_LEN).contains(&secret.len());
    (fits && secret.bytes().all(|b| b.is_ascii_graphic())).then(|| to_stored(secret))
}

/// Whether a presented secret is the stored one, in time independent of where they differ.
pub fn matches(stored: &KeySecret, presented: &KeySecret) -> bool {
    stored.hash.ct_eq(&presented.hash).into()
}

/// `len` letters and digits from the operating system's random source: 5.95 bits each.
pub fn random_text(len: usize) -> String {
    // The operating system's source does not fail once it has been seeded, which is before any process of ours runs.
    Alphanumeric.sample_string(&mut OsRng.unwrap_err(), len)
}

fn to_stored(secret: &str) -> KeySecret {
    let hash: [u8; 32] = Sha256::digest(secret).into();
    let prefix = if is_own_form(secret) { secret[..PREFIX_LEN].to_owned() } else { hex::encode(&hash[..8]) };
    KeySecret { prefix, hash }
}

fn is_own_form(secret: &str) -> bool {
    secret.len() == OWN_LEN
        && secret.strip_prefix(MARK).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;

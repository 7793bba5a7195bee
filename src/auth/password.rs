//! Password hashing: argon2id in PHC string format.
//!
//! The cost is argon2's recommended default (19 MiB, two passes, one lane; OWASP's first choice). A hash takes tens
//! of milliseconds, so callers on an async runtime use a blocking thread. Each hash contains its parameters: raising
//! the cost later leaves old hashes valid.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::domain::{Error, Result};

/// Maximum password length: hashing takes time in proportion to it.
const MAX_PASSWORD_BYTES: usize = 1024;

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Hashes a password with a fresh salt; returns the PHC string.
///
/// # Errors
/// `Invalid` for a password that is blank or longer than 1024 bytes.
pub fn hash(password: &str) -> Result<String> {
    if password.trim().is_empty() {
        return Err(Error::field("password", "a password may not be blank"));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(Error::field("password", format!("a password has at most {MAX_PASSWORD_BYTES} bytes")));
    }
    let mut salt = [0_u8; 16];
    OsRng
        .try_fill_bytes(&mut salt)
        .map_err(|e| Error::internal("no random numbers to be had").with_source(e))?;
    let salt = SaltString::encode_b64(&salt).map_err(hash_failed)?;
    Ok(hasher().hash_password(password.as_bytes(), &salt).map_err(hash_failed)?.to_string())
}

/// A hash of the same cost that matches no known password. Verifying against it makes a login with an unknown user
/// name take as long as one with a known name.
pub const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether the password matches a PHC string. An invalid PHC string matches nothing.
pub fn verify(password: &str, hash: &str) -> bool {
    // Longer passwords are never stored, so do not spend time on them.
    password.len() <= MAX_PASSWORD_BYTES
        && PasswordHash::new(hash)
            .is_ok_and(|parsed| hasher().verify_password(password.as_bytes(), &parsed).is_ok())
}

fn hash_failed(cause: argon2::password_hash::Error) -> Error {
    Error::internal("the password could not be hashed").with_source(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let stored = hash("correct horse").expect("hashes");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let rows = [
            ("the_password", "correct horse", stored.as_str(), true),
            ("another", "correct horsf", stored.as_str(), false),
            ("none", "", stored.as_str(), false),
            ("of_nobody", "correct horse", DUMMY_HASH, false),
            ("not_a_hash", "correct horse", "correct horse", false),
            ("an_empty_hash", "correct horse", "", false),
        ];
        for (name, password, hash, expected) in rows {
            assert_eq!(verify(password, hash), expected, "{name}");
        }
        assert_ne!(stored, hash("correct horse").expect("hashes"), "each hash has its own salt");
    }

    #[test]
    fn nobody_costs_what_a_user_costs() {
        let parts = |phc: &str| phc.split('$').map(str::len).collect::<Vec<_>>();
        let stored = hash("correct horse").expect("hashes");
        assert_eq!(parts(DUMMY_HASH), parts(&stored));
        assert!(
            PasswordHash::new(DUMMY_HASH).is_ok_and(|nobody| nobody.hash.is_some() && nobody.salt.is_some())
        );
    }

    #[test]
    fn refused_passwords_name_the_field() {
        for (name, password) in [("blank", "  ".to_owned()), ("endless", "x".repeat(1025))] {
            let error = hash(&password).expect_err(name);
            assert_eq!(error.fields[0].field, "password", "{name}");
        }
    }
}

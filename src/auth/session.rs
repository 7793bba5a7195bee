//! Session tokens: generation, parsing, and the CSRF token of each session.
//!
//! A token is 43 random characters, 256 bits. Its SHA-256 is stored, which does not reveal it. The CSRF token is a
//! second, differently prefixed hash of the token: it needs no storage and is useless for another session.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::key::random_text;

/// 43 characters of 62 carry 256 bits.
const TOKEN_LEN: usize = 43;

/// Prefix that makes the CSRF token differ from the stored hash.
const CSRF_HASH_PREFIX: &str = "csrf:";

/// Generates a token from the operating system's random source.
pub fn generate() -> String {
    random_text(TOKEN_LEN)
}

/// The stored form of a presented token, or `None` if it cannot be a token.
pub fn parse(token: &str) -> Option<[u8; 32]> {
    let fits = token.len() == TOKEN_LEN && token.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| Sha256::digest(token).into())
}

/// The CSRF token of a session.
pub fn csrf_token(token: &str) -> String {
    hex::encode(Sha256::digest(format!("{CSRF_HASH_PREFIX}{token}")))
}

/// Whether header and cookie carry the same CSRF token and it belongs to the session, compared in constant time.
pub fn csrf_matches(token: &str, cookie: &str, header: &str) -> bool {
    let own = csrf_token(token);
    let is_own = own.as_bytes().ct_eq(header.as_bytes());
    let is_same = cookie.as_bytes().ct_eq(header.as_bytes());
    (is_own & is_same).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_by_its_form() {
        let token = generate();
        assert_ne!(token, generate());
        let rows = [
            ("own", token.clone(), true),
            ("empty", String::new(), false),
            ("shorter", token[1..].to_owned(), false),
            ("longer", format!("{token}x"), false),
            ("another_alphabet", format!("{}-", &token[1..]), false),
        ];
        for (name, token, expected) in rows {
            assert_eq!(parse(&token).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn a_csrf_token_is_of_one_session() {
        let (token, other) = (generate(), generate());
        let (own, foreign) = (csrf_token(&token), csrf_token(&other));
        assert_ne!(parse(&token).map(hex::encode), Some(own.clone()), "what is stored does not tell it");
        let rows = [
            ("own_in_both", own.as_str(), own.as_str(), true),
            ("of_another_session", &foreign, &foreign, false),
            ("made_up", "a", "a", false),
            ("only_in_the_header", "", &own, false),
            ("only_in_the_cookie", &own, "", false),
            ("nowhere", "", "", false),
        ];
        for (name, cookie, header, expected) in rows {
            assert_eq!(csrf_matches(&token, cookie, header), expected, "{name}");
        }
    }
}

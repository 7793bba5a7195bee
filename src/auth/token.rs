//! Opaque access and refresh tokens: generation and parsing.
//!
//! A token is 40 random characters, 238 bits. Its SHA-256 is stored, which does not reveal it.

use sha2::{Digest, Sha256};

use super::key::random_text;
use crate::domain::token::TokenHashes;

/// 40 characters of 62 carry 238 bits.
const TOKEN_LEN: usize = 40;

/// The texts of a new pair of tokens.
pub struct TokenTexts {
    pub access: String,
    pub refresh: String,
}

/// Generates a pair of tokens from the operating system's random source; returns the texts and what is stored.
pub fn generate() -> (TokenTexts, TokenHashes) {
    let texts = TokenTexts { access: random_text(TOKEN_LEN), refresh: random_text(TOKEN_LEN) };
    let hashes = TokenHashes { access: hash(&texts.access), refresh: Some(hash(&texts.refresh)) };
    (texts, hashes)
}

/// The stored form of a presented token, or `None` if it cannot be a token.
pub fn parse(token: &str) -> Option<[u8; 32]> {
    let fits = token.len() == TOKEN_LEN && token.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| hash(token))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_by_its_form() {
        let (texts, hashes) = generate();
        assert_ne!(texts.access, texts.refresh);
        assert_eq!(parse(&texts.access), Some(hashes.access));
        assert_eq!(parse(&texts.refresh), hashes.refresh);
        let rows = [
            ("empty", String::new()),
            ("shorter", texts.access[1..].to_owned()),
            ("longer", format!("{}x", texts.access)),
            ("another_alphabet", format!("{}-", &texts.access[1..])),
        ];
        for (name, token) in rows {
            assert_eq!(parse(&token), None, "{name}");
        }
    }
}

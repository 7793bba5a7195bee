//! Signatures of webhooks: HMAC-SHA-256 (RFC 2104) over the body, with the secret of the channel. A receiver that knows
//! the secret knows by it that the POST is ours and unchanged.

use ring::hmac;

/// Returns the value of the header `X-Signature`: `sha256=` and 64 hexadecimal digits.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// RFC 4231, section 4.3, and the known value of no key and no text.
    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", b"what do ya want for nothing?"), expected);
        let empty = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
        assert_eq!(sign("", b""), empty);
        assert_ne!(sign("a", b"body"), sign("b", b"body"));
        assert_ne!(sign("a", b"body"), sign("a", b"Body"));
    }
}

//! Expiry of certificates in PEM, whoever issued them.

use x509_parser::pem::Pem;

use super::CERTIFICATE_LABEL;
use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;

/// Returns when the first certificate of a chain to expire does; `None` where the text holds no certificate that can be read.
pub fn chain_expiry(pem: &str) -> Option<Micros> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok);
    let certificates = blocks.filter(|block| block.label == CERTIFICATE_LABEL);
    let seconds =
        certificates.filter_map(|block| Some(block.parse_x509().ok()?.validity().not_after.timestamp()));
    seconds.min().map(|seconds| Micros(seconds.saturating_mul(MICROS_PER_SECOND)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::certificate::{AUTHORITY_DAYS, generate_authority_key, make_authority_certificate};
    use crate::domain::time::MICROS_PER_DAY;

    #[test]
    fn the_first_of_a_chain_to_expire_counts() {
        let key = generate_authority_key().expect("a key");
        let made_at = |day: i64| {
            let now = Micros(day * MICROS_PER_DAY);
            make_authority_certificate(&key, 1, now).expect("a certificate")
        };
        let expiry = |day: i64| Some(Micros((day + AUTHORITY_DAYS) * MICROS_PER_DAY));
        assert_eq!(chain_expiry(&made_at(20_000)), expiry(20_000));
        assert_eq!(chain_expiry(&format!("{}{}", made_at(20_000), made_at(19_000))), expiry(19_000));
        for text in ["", &key, "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"] {
            assert_eq!(chain_expiry(text), None);
        }
    }
}

//! Certificates of listeners for tests.

use super::{CertificateAuthority, generate_authority_key, make_authority_certificate};
use crate::domain::Micros;

/// 28 April 2026, 12:00 UTC.
pub const ISSUED_AT: Micros = Micros(1_777_377_600_000_000);

/// Returns a new certificate for this machine and its key, both PEM, of an authority of its own.
pub fn listener_certificate() -> (String, String) {
    let key = generate_authority_key().expect("a key");
    let authority = make_authority_certificate(&key, 1, ISSUED_AT).expect("a certificate");
    let authority = CertificateAuthority::new(&key, &authority).expect("an authority");
    authority.issue_listener("localhost", ISSUED_AT).expect("a certificate")
}

//! Requests made by OpenSSL (tests/data/csr/make.sh), and requests with changed bytes.

use super::*;
use crate::domain::Kind;

/// The requests that are certified: file and kind of the key.
pub static CERTIFIED: [(&str, &str, &SignatureAlgorithm); 12] = [
    ("rsa-2048", include_str!("../../../tests/data/csr/rsa-2048.pem"), &PKCS_RSA_SHA256),
    ("rsa-4096-sha512", include_str!("../../../tests/data/csr/rsa-4096-sha512.pem"), &PKCS_RSA_SHA256),
    ("rsa-2048-pss", include_str!("../../../tests/data/csr/rsa-2048-pss.pem"), &PKCS_RSA_SHA256),
    ("p256", include_str!("../../../tests/data/csr/p256.pem"), &PKCS_ECDSA_P256_SHA256),
    ("p256-sha384", include_str!("../../../tests/data/csr/p256-sha384.pem"), &PKCS_ECDSA_P256_SHA256),
    ("p384", include_str!("../../../tests/data/csr/p384.pem"), &PKCS_ECDSA_P384_SHA384),
    ("p384-sha256", include_str!("../../../tests/data/csr/p384-sha256.pem"), &PKCS_ECDSA_P384_SHA384),
    ("ed25519", include_str!("../../../tests/data/csr/ed25519.pem"), &PKCS_ED25519),
    ("new-header", include_str!("../../../tests/data/csr/new-header.pem"), &PKCS_ECDSA_P256_SHA256),
    ("with-text", include_str!("../../../tests/data/csr/with-text.pem"), &PKCS_ECDSA_P256_SHA256),
    ("asks-for-ca", include_str!("../../../tests/data/csr/asks-for-ca.pem"), &PKCS_ECDSA_P384_SHA384),
    ("no-subject", include_str!("../../../tests/data/csr/no-subject.pem"), &PKCS_ECDSA_P256_SHA256),
];

/// The requests that are refused: file, and a part of the reason.
pub const REFUSED: [(&str, &str, &str); 11] = [
    ("rsa-1024", include_str!("../../../tests/data/csr/rsa-1024.pem"), "key of another kind"),
    ("rsa-2048-sha1", include_str!("../../../tests/data/csr/rsa-2048-sha1.pem"), "another algorithm"),
    ("rsa-2048-md5", include_str!("../../../tests/data/csr/rsa-2048-md5.pem"), "another algorithm"),
    ("p256-sha1", include_str!("../../../tests/data/csr/p256-sha1.pem"), "another algorithm"),
    ("p256-sha512", include_str!("../../../tests/data/csr/p256-sha512.pem"), "another algorithm"),
    ("p521", include_str!("../../../tests/data/csr/p521.pem"), "key of another kind"),
    ("secp256k1", include_str!("../../../tests/data/csr/secp256k1.pem"), "key of another kind"),
    ("ed448", include_str!("../../../tests/data/csr/ed448.pem"), "key of another kind"),
    ("rsa-pss-key", include_str!("../../../tests/data/csr/rsa-pss-key.pem"), "key of another kind"),
    ("dsa-2048", include_str!("../../../tests/data/csr/dsa-2048.pem"), "key of another kind"),
    ("wrong-signature", include_str!("../../../tests/data/csr/wrong-signature.pem"), "valid signature"),
];

#[test]
fn keys_of_the_supported_kinds_are_certified() {
    for (name, request, expected) in CERTIFIED {
        let key = CertifiableKey::from_request(request).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(key.algorithm, expected, "{name}");
    }
}

#[test]
fn weak_keys_and_wrong_signatures_are_refused() {
    for (name, request, reason) in REFUSED {
        let error = CertifiableKey::from_request(request).expect_err(name);
        assert_eq!((error.kind, error.fields[0].field.as_ref()), (Kind::Invalid, "csr"), "{name}");
        assert!(error.message.contains(reason), "{name}: {}", error.message);
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let (_, good, _) = CERTIFIED[0];
    let lines: Vec<&str> = good.lines().collect();
    let rows = [
        ("empty", String::new(), "PEM"),
        ("no_pem", "MIIB".to_owned(), "PEM"),
        ("another_label", good.replace("CERTIFICATE REQUEST", "CERTIFICATE"), "PEM"),
        ("a_line_less", [&lines[..3], &lines[4..]].concat().join("\n"), "PKCS#10"),
        ("too_long", format!("{}{good}", " ".repeat(MAX_REQUEST_BYTES)), "longer than"),
    ];
    for (name, request, reason) in rows {
        let error = CertifiableKey::from_request(&request).expect_err(name);
        assert!(error.message.contains(reason), "{name}: {}", error.message);
    }
}

/// Nearly every byte of a request is signed or decides how the rest is read. Whichever is changed, no other key is
/// certified.
#[test]
fn one_changed_byte_certifies_no_other_key() {
    for (name, request, _) in CERTIFIED.iter().filter(|(name, ..)| matches!(*name, "p256" | "ed25519")) {
        let der = pem::decode(request, &LABELS).expect("a request");
        let signed = CertifiableKey::from_request(request).expect("a valid request").bytes;
        let mut accepted = 0;
        for at in 0..der.len() {
            let mut changed = der.clone();
            changed[at] ^= 0x01;
            if let Ok(key) = CertifiableKey::from_request(&to_pem(&changed)) {
                assert_eq!(key.bytes, signed, "{name}: byte {at}");
                accepted += 1;
            }
            assert!(CertifiableKey::from_request(&to_pem(&der[..at])).is_err(), "{name}: cut at {at}");
        }
        // The tag of the algorithm's name is outside of what is signed.
        assert!(accepted <= 1, "{name}: {accepted} bytes");
    }
}

/// A request of these bytes.
pub fn to_pem(der: &[u8]) -> String {
    use base64::Engine;
    let body = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n")
}

//! Certificate signing requests of devices (PKCS#10, RFC 2986): which keys are certified, and which are refused.
//!
//! Only the public key of a request is used. Its subject, its names and the extensions that it asks for are read by
//! nobody: `rcgen`'s own `CertificateSigningRequestParams` copies them, `CA:TRUE` included, into what it signs.
//! `x509-parser` verifies the signature, but it accepts SHA-1 and RSA of 1024 bits, so that both are checked here first.

use rcgen::{
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData,
    SignatureAlgorithm,
};
use x509_parser::asn1_rs::Oid;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION, OID_PKCS1_RSASSAPSS,
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::pem;
use crate::domain::{Error, Result};

/// Longest request that is read, bytes of PEM. One of RSA 8192 with some extensions has about 4 KiB.
pub const MAX_REQUEST_BYTES: usize = 16 * 1024;
/// Lengths of RSA keys that are certified, bits: shorter ones are weak, longer ones are refused by TLS libraries.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of an uncompressed point (SEC 1, 2.3.3) on P-256 and on P-384, and of an Ed25519 key (RFC 8410).
const P256_BYTES: usize = 65;
const P384_BYTES: usize = 97;
const ED25519_BYTES: usize = 32;

/// The labels of a request in PEM: that of RFC 7468, and the older one that some tools still write.
pub(super) const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// Signatures that prove possession of a key. SHA-1 and MD5 are not among them.
const SIGNATURES: [Oid<'static>; 7] = [
    OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA,
    OID_PKCS1_RSASSAPSS,
    OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384,
    OID_SIG_ED25519,
];

/// A device's public key that may be certified: strong enough, and in the possession of who made the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiableKey {
    algorithm: &'static SignatureAlgorithm,
    /// Content of the BIT STRING of SubjectPublicKeyInfo.
    bytes: Vec<u8>,
}

impl CertifiableKey {
    /// Reads the key from a request in PEM and checks the signature that the key has made over the request.
    ///
    /// # Errors
    /// `Invalid` for the field `csr`: no PEM or no request, a key or a signature of another kind than the server
    /// certifies, or a signature that is wrong.
    pub fn from_request(text: &str) -> Result<Self> {
        if text.len() > MAX_REQUEST_BYTES {
            return Err(refused(format!("is longer than {MAX_REQUEST_BYTES} bytes")));
        }
        let der = pem::decode(text, &LABELS)
            .ok_or_else(|| refused("is no PEM with the label `CERTIFICATE REQUEST`"))?;
        let (rest, request) = X509CertificationRequest::from_der(&der)
            .map_err(|e| refused("is no PKCS#10 request").with_source(e.to_string()))?;
        if !rest.is_empty() {
            return Err(refused("has bytes after the request"));
        }
        let key = Self::from_public_key(&request.certification_request_info.subject_pki)?;
        if !SIGNATURES.contains(&request.signature_algorithm.algorithm) {
            return Err(refused(
                "is signed with another algorithm than RSA with SHA-256, SHA-384 or SHA-512, ECDSA with SHA-256 or \
                 SHA-384, or Ed25519",
            ));
        }
        if request.signature_value.unused_bits != 0 {
            return Err(refused("has a signature that is no whole number of bytes"));
        }
        request.verify_signature().map_err(|e| {
            refused("does not carry a valid signature of its own key").with_source(e.to_string())
        })?;
        Ok(key)
    }

    fn from_public_key(info: &SubjectPublicKeyInfo) -> Result<Self> {
        let algorithm = algorithm(info).ok_or_else(|| {
            refused("has a key of another kind than RSA of at least 2048 bits, P-256, P-384 or Ed25519")
        })?;
        Ok(Self { algorithm, bytes: info.subject_public_key.data.to_vec() })
    }

    /// Whether the key is one of RSA, with which a TLS client may also decipher keys.
    pub(super) fn is_rsa(&self) -> bool {
        self.algorithm == &PKCS_RSA_SHA256
    }
}

impl PublicKeyData for CertifiableKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// The kind of a key that may be certified; `None` for any other.
fn algorithm(info: &SubjectPublicKeyInfo) -> Option<&'static SignatureAlgorithm> {
    let bytes = &info.subject_public_key;
    if bytes.unused_bits != 0 {
        return None;
    }
    let (kind, length) = (&info.algorithm.algorithm, bytes.data.len());
    if *kind == OID_PKCS1_RSAENCRYPTION {
        let Ok(PublicKey::RSA(key)) = info.parsed() else { return None };
        return RSA_BITS.contains(&bits(&key)).then_some(&PKCS_RSA_SHA256);
    }
    if *kind == OID_SIG_ED25519 {
        return (length == ED25519_BYTES).then_some(&PKCS_ED25519);
    }
    if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
        return match (curve, length) {
            (curve, P256_BYTES) if curve == OID_EC_P256 => Some(&PKCS_ECDSA_P256_SHA256),
            (curve, P384_BYTES) if curve == OID_NIST_EC_P384 => Some(&PKCS_ECDSA_P384_SHA384),
            _ => None,
        };
    }
    None
}

/// The length of an RSA modulus, bits. `RSAPublicKey::key_size` counts whole bytes and takes a leading zero for granted.
fn bits(key: &RSAPublicKey) -> usize {
    let mut bytes = key.modulus.iter().skip_while(|byte| **byte == 0);
    let Some(first) = bytes.next() else { return 0 };
    8 * (bytes.count() + 1) - first.leading_zeros() as usize
}

fn refused(problem: impl std::fmt::Display) -> Error {
    Error::field("csr", format!("the certificate signing request {problem}"))
}

#[cfg(test)]
#[path = "request_tests.rs"]
pub(super) mod tests;

//! Certificates that this installation issues to devices: its certificate authority, and RSA keys for the devices.
//!
//! The authority has an ECDSA key on P-256, which `ring` uses in constant time. The private keys of devices are RSA,
//! because that is what their software reads; they are made here, given away once and never used.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{Document, EncodePublicKey, LineEnding, SecretDocument};
use rsa::rand_core::OsRng;
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::domain::{Error, Micros, Result};

/// Length of a device's RSA key.
const KEY_BITS: usize = 2048;
/// Lifetime of a device's certificate: ten years.
const DEVICE_DAYS: i64 = 3650;
/// Lifetime of the authority's own certificate: as long as any that it signs in its first twenty years.
const AUTHORITY_DAYS: i64 = 30 * 365;
/// A certificate is valid from so long before its issue, for devices whose clocks are behind.
const CLOCK_SKEW_US: i64 = 3600 * MICROS_PER_SECOND;
/// Name of the authority; an issuer is found by it.
const AUTHORITY_NAME: &str = "Basalt device authority";

const KEY_LABEL: &str = "PRIVATE KEY";
const CERTIFICATE_LABEL: &str = "CERTIFICATE";

/// The certificate authority of an installation.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

/// A new certificate with its key. No `Debug`, because the private key exists only here.
pub struct IssuedCertificate {
    /// SHA-256 of the certificate in DER: 64 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// X.509 as PEM.
    pub certificate_pem: String,
    /// PKCS#1 as PEM.
    pub private_key_pem: String,
    /// SubjectPublicKeyInfo as PEM.
    pub public_key_pem: String,
    /// Time from which the certificate is refused.
    pub expires_at: Micros,
}

/// Generates the private key of an authority, as PKCS#8 in PEM.
///
/// # Errors
/// `Internal`, which only a lack of randomness can cause.
pub fn generate_authority_key() -> Result<String> {
    let key = KeyPair::generate().map_err(failed)?;
    let document = SecretDocument::try_from(key.serialized_der()).map_err(failed)?;
    document.to_pem(KEY_LABEL, LineEnding::LF).map(|pem| pem.as_str().to_owned()).map_err(failed)
}

/// Makes the certificate of an authority that signs itself, as PEM.
///
/// # Errors
/// `Unavailable` when the key is damaged.
pub fn make_authority_certificate(key_pem: &str, now: Micros) -> Result<String> {
    let mut params = authority_params();
    (params.not_before, params.not_after) = validity(now, AUTHORITY_DAYS)?;
    let certificate = params.self_signed(&read_key(key_pem)?).map_err(failed)?;
    to_pem(certificate.der())
}

impl CertificateAuthority {
    /// Reads an authority from its key and certificate, both PEM.
    ///
    /// # Errors
    /// `Unavailable` when the key or the certificate is damaged.
    pub fn new(key_pem: &str, certificate_pem: &str) -> Result<Self> {
        let damaged = |e| Error::unavailable("the authority's certificate is damaged").with_source(e);
        let (label, _) = Document::from_pem(certificate_pem).map_err(damaged)?;
        if label != CERTIFICATE_LABEL {
            return Err(Error::unavailable("the authority's certificate is damaged"));
        }
        let issuer = Issuer::new(authority_params(), read_key(key_pem)?);
        Ok(Self { issuer, certificate_pem: certificate_pem.to_owned() })
    }

    /// Returns the certificate that others verify ours with, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Issues a certificate with a new key to the device of this name. It takes a part of a second of computing.
    ///
    /// # Errors
    /// `Internal`, which only a lack of randomness or a clock beyond the calendar can cause.
    pub fn issue(&self, common_name: &str, now: Micros) -> Result<IssuedCertificate> {
        let key = RsaPrivateKey::new(&mut OsRng, KEY_BITS).map_err(failed)?;
        let public = RsaPublicKey::from(&key);
        let mut params = CertificateParams::default();
        params.distinguished_name = named(common_name);
        (params.not_before, params.not_after) = validity(now, DEVICE_DAYS)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let subject = RsaSubject(public.to_pkcs1_der().map_err(failed)?.into_vec());
        let certificate = params.signed_by(&subject, &self.issuer).map_err(failed)?;
        Ok(IssuedCertificate {
            fingerprint: hex::encode(Sha256::digest(certificate.der())),
            certificate_pem: to_pem(certificate.der())?,
            private_key_pem: key.to_pkcs1_pem(LineEnding::LF).map_err(failed)?.as_str().to_owned(),
            public_key_pem: public.to_public_key_pem(LineEnding::LF).map_err(failed)?,
            expires_at: Micros(now.0.saturating_add(DEVICE_DAYS * MICROS_PER_DAY)),
        })
    }
}

/// The public key of a device, PKCS#1 in DER.
struct RsaSubject(Vec<u8>);

impl PublicKeyData for RsaSubject {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// What is the same in the authority's certificate and in what it signs.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(AUTHORITY_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn validity(now: Micros, days: i64) -> Result<(OffsetDateTime, OffsetDateTime)> {
    let at = |us: i64| OffsetDateTime::from_unix_timestamp(us.div_euclid(MICROS_PER_SECOND)).map_err(failed);
    let from = at(now.0.saturating_sub(CLOCK_SKEW_US))?;
    Ok((from, at(now.0.saturating_add(days * MICROS_PER_DAY))?))
}

fn read_key(pem: &str) -> Result<KeyPair> {
    let damaged = || Error::unavailable("the authority's key is damaged");
    let (label, document) = SecretDocument::from_pem(pem).map_err(|e| damaged().with_source(e))?;
    if label != KEY_LABEL {
        return Err(damaged());
    }
    KeyPair::try_from(document.as_bytes()).map_err(|e| damaged().with_source(e))
}

fn to_pem(der: &[u8]) -> Result<String> {
    let document = Document::try_from(der).map_err(failed)?;
    document.to_pem(CERTIFICATE_LABEL, LineEnding::LF).map_err(failed)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a certificate cannot be made").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Micros = Micros(1_777_377_600_000_000);

    fn authority() -> CertificateAuthority {
        let key = generate_authority_key().unwrap();
        CertificateAuthority::new(&key, &make_authority_certificate(&key, NOON).unwrap()).unwrap()
    }

    #[test]
    fn every_certificate_is_new_and_in_the_forms_that_devices_read() {
        let authority = authority();
        let (one, two) =
            (authority.issue("q6NJl1-_", NOON).unwrap(), authority.issue("q6NJl1-_", NOON).unwrap());
        assert_ne!((&one.fingerprint, &one.private_key_pem), (&two.fingerprint, &two.private_key_pem));
        assert_eq!(one.fingerprint.len(), 64);
        assert_eq!(one.expires_at, Micros(NOON.0 + 3650 * MICROS_PER_DAY));
        for (pem, label) in [
            (&one.certificate_pem, "CERTIFICATE"),
            (&one.private_key_pem, "RSA PRIVATE KEY"),
            (&one.public_key_pem, "PUBLIC KEY"),
            (&authority.certificate_pem, "CERTIFICATE"),
        ] {
            assert!(pem.starts_with(&format!("-----BEGIN {label}-----\n")), "{pem}");
            assert!(pem.ends_with(&format!("-----END {label}-----\n")), "{pem}");
        }
        let (_, certificate) = Document::from_pem(&one.certificate_pem).unwrap();
        assert_eq!(one.fingerprint, hex::encode(Sha256::digest(certificate.as_bytes())));
        let contains = |part: &[u8]| certificate.as_bytes().windows(part.len()).any(|window| window == part);
        assert!(contains(b"q6NJl1-_") && contains(AUTHORITY_NAME.as_bytes()));
    }

    #[test]
    fn damaged_files_are_named() {
        let key = generate_authority_key().unwrap();
        let certificate = make_authority_certificate(&key, NOON).unwrap();
        let other = key.replace(KEY_LABEL, "EC PRIVATE KEY");
        for (key, certificate, expected) in [
            ("", certificate.as_str(), "key is damaged"),
            (&other, &certificate, "key is damaged"),
            (&certificate, &certificate, "key is damaged"),
            (&key, "", "certificate is damaged"),
            (&key, &key, "certificate is damaged"),
        ] {
            let error = CertificateAuthority::new(key, certificate).err().unwrap();
            assert!(error.message.contains(expected), "{}", error.message);
        }
    }
}

//! Certificates that this installation issues to devices: its certificate authorities, keys that devices have made
//! themselves (`request`), and RSA keys that are made for them.
//!
//! An authority has an ECDSA key on P-256, which `ring` uses in constant time. The private keys of gateways are RSA,
//! because that is what their software reads; they are made here, given away once and never used.

mod expiry;
#[cfg(test)]
mod fuzz_tests;
mod pem;
pub mod request;
#[cfg(test)]
pub mod test_certificate;

use std::time::Duration;

use rand::TryRngCore;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm,
};
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{Document, EncodePublicKey, LineEnding, SecretDocument};
use rsa::rand_core::OsRng;
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

pub use self::expiry::chain_expiry;
use self::request::CertifiableKey;

use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::domain::{Error, Micros, Result};

/// Length of a device's RSA key.
const KEY_BITS: usize = 2048;
/// Lifetime of a gateway's certificate: ten years.
const GATEWAY_DAYS: i64 = 3650;
/// Lifetime of a listener's certificate, which every start of the server makes anew: longer than a server runs.
const LISTENER_DAYS: i64 = 3650;
/// Lifetime of the authority's own certificate: as long as any that it signs in its first twenty years.
const AUTHORITY_DAYS: i64 = 30 * 365;
/// A certificate is valid from so long before its issue, for devices whose clocks are behind.
const CLOCK_SKEW_US: i64 = 3600 * MICROS_PER_SECOND;
/// Name of the first authority; the name of a later one also has its number. An issuer is found by it.
const AUTHORITY_NAME: &str = "Basalt device authority";
/// Length of a serial number, bytes: 126 of its bits are random (RFC 5280 section 4.1.2.2 allows 20 bytes).
const SERIAL_BYTES: usize = 16;

const KEY_LABEL: &str = "PRIVATE KEY";
const CERTIFICATE_LABEL: &str = "CERTIFICATE";

/// The certificate authority of an installation.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    description: AuthorityDescription,
}

/// Content of the certificate of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityDescription {
    /// Distinguished name, such as `CN=Basalt device authority`.
    pub subject: String,
    /// SHA-256 of the certificate in DER: 64 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// Time from which the certificate is valid.
    pub not_before: Micros,
    /// Time from which the certificate, and all that it has signed, is refused.
    pub not_after: Micros,
}

/// A certificate for a key that a device has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCertificate {
    /// SHA-256 of the certificate in DER: 64 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// Serial number: 32 lower-case hexadecimal digits.
    pub serial: String,
    /// X.509 as PEM.
    pub certificate_pem: String,
    /// Time from which the certificate is refused.
    pub expires_at: Micros,
}

/// Subject of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateSubject<'a> {
    /// Common name: the id of the device.
    pub device: &'a str,
    /// Organization name: the id of the organization.
    pub organization: &'a str,
}

/// A new certificate with its key. No `Debug`, because the private key exists only here.
pub struct IssuedCertificate {
    /// SHA-256 of the certificate in DER: 64 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// Serial number: 32 lower-case hexadecimal digits.
    pub serial: String,
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
    key_pem(&KeyPair::generate().map_err(failed)?)
}

/// Makes the certificate of an authority that signs itself, as PEM. `number` counts the authorities of an installation
/// from 1; it is part of the name.
///
/// # Errors
/// `Unavailable` when the key is damaged.
pub fn make_authority_certificate(key_pem: &str, number: u32, now: Micros) -> Result<String> {
    let name = match number {
        0 | 1 => AUTHORITY_NAME.to_owned(),
        later => format!("{AUTHORITY_NAME} {later}"),
    };
    let mut params = authority_params(&name);
    params.serial_number = Some(random_serial()?);
    (params.not_before, params.not_after) = validity(now, days(AUTHORITY_DAYS))?;
    let certificate = params.self_signed(&read_key(key_pem)?).map_err(failed)?;
    to_pem(certificate.der())
}

impl CertificateAuthority {
    /// Reads an authority from its key and certificate, both PEM.
    ///
    /// # Errors
    /// `Unavailable` when the key or the certificate is damaged.
    pub fn new(key_pem: &str, certificate_pem: &str) -> Result<Self> {
        let damaged = || Error::unavailable("the authority's certificate is damaged");
        let der = pem::decode(certificate_pem, &[CERTIFICATE_LABEL]).ok_or_else(damaged)?;
        let (_, certificate) =
            X509Certificate::from_der(&der).map_err(|e| damaged().with_source(e.to_string()))?;
        let name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let params = authority_params(name.ok_or_else(damaged)?);
        let time = |seconds: i64| Micros(seconds.saturating_mul(MICROS_PER_SECOND));
        let description = AuthorityDescription {
            subject: certificate.subject().to_string(),
            fingerprint: fingerprint(&der),
            not_before: time(certificate.validity().not_before.timestamp()),
            not_after: time(certificate.validity().not_after.timestamp()),
        };
        let issuer = Issuer::new(params, read_key(key_pem)?);
        Ok(Self { issuer, certificate_pem: certificate_pem.to_owned(), description })
    }

    /// Returns the certificate that others verify ours with, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Returns what the authority's certificate says.
    pub fn description(&self) -> &AuthorityDescription {
        &self.description
    }

    /// Signs a certificate for the key of a device, for TLS clients only. It is valid for `lifetime`, but not longer
    /// than the authority's own.
    ///
    /// # Errors
    /// `Internal`, which only a lack of randomness or a clock beyond the calendar can cause.
    pub fn sign(
        &self,
        key: &CertifiableKey,
        subject: CertificateSubject<'_>,
        lifetime: Duration,
        now: Micros,
    ) -> Result<SignedCertificate> {
        let mut name = named(subject.device);
        name.push(DnType::OrganizationName, subject.organization);
        let usages: &[KeyUsagePurpose] = match key.is_rsa() {
            true => &[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment],
            false => &[KeyUsagePurpose::DigitalSignature],
        };
        let lifetime_us = i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX);
        let lifetime_us = lifetime_us.min(self.description.not_after.0.saturating_sub(now.0));
        let mut params = client_params(name, usages);
        (params.not_before, params.not_after) = validity(now, lifetime_us)?;
        let serial = random_serial()?;
        params.serial_number = Some(serial.clone());
        let certificate = params.signed_by(key, &self.issuer).map_err(failed)?;
        Ok(SignedCertificate {
            fingerprint: fingerprint(certificate.der()),
            serial: hex::encode(serial.as_ref()),
            certificate_pem: to_pem(certificate.der())?,
            expires_at: to_micros(params.not_after),
        })
    }

    /// Issues a certificate with a new key to the device of this name. It takes a part of a second of computing.
    ///
    /// # Errors
    /// `Internal`, which only a lack of randomness or a clock beyond the calendar can cause.
    pub fn issue(&self, common_name: &str, now: Micros) -> Result<IssuedCertificate> {
        let key = RsaPrivateKey::new(&mut OsRng, KEY_BITS).map_err(failed)?;
        let public = RsaPublicKey::from(&key);
        let usages = [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let mut params = client_params(named(common_name), &usages);
        (params.not_before, params.not_after) = validity(now, days(GATEWAY_DAYS))?;
        let serial = random_serial()?;
        params.serial_number = Some(serial.clone());
        let subject = RsaSubject(public.to_pkcs1_der().map_err(failed)?.into_vec());
        let certificate = params.signed_by(&subject, &self.issuer).map_err(failed)?;
        Ok(IssuedCertificate {
            fingerprint: fingerprint(certificate.der()),
            serial: hex::encode(serial.as_ref()),
            certificate_pem: to_pem(certificate.der())?,
            private_key_pem: key.to_pkcs1_pem(LineEnding::LF).map_err(failed)?.as_str().to_owned(),
            public_key_pem: public.to_public_key_pem(LineEnding::LF).map_err(failed)?,
            expires_at: to_micros(params.not_after),
        })
    }

    /// Issues a certificate with a new key to a listener of this server, for a host name or an IP address and for this
    /// machine. Returns the certificate and the key, both PEM.
    ///
    /// # Errors
    /// `Invalid` for the field `mqtt.host` when it can be no name of a host; otherwise the errors of
    /// [`CertificateAuthority::issue`].
    pub fn issue_listener(&self, host: &str, now: Micros) -> Result<(String, String)> {
        let names = [host, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let wrong = |e| Error::field("mqtt.host", "must be a host name or an IP address").with_source(e);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names).map_err(wrong)?;
        params.distinguished_name = named(host);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(random_serial()?);
        (params.not_before, params.not_after) = validity(now, days(LISTENER_DAYS))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((to_pem(certificate.der())?, key_pem(&key)?))
    }
}

/// Returns the fingerprint of a certificate in DER: its SHA-256 as 64 lower-case hexadecimal digits.
pub fn fingerprint(der: &[u8]) -> String {
    hex::encode(Sha256::digest(der))
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

/// Parameters common to an authority's certificate and what it signs.
fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Parameters of all devices' certificates.
fn client_params(name: DistinguishedName, usages: &[KeyUsagePurpose]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.key_usages = usages.to_vec();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// A random serial number. The first byte is 0x40..=0x7f, so that the number is positive and has no leading zero: its
/// hexadecimal form is the same in every tool.
fn random_serial() -> Result<SerialNumber> {
    let mut bytes = [0; SERIAL_BYTES];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(failed)?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn days(days: i64) -> i64 {
    days * MICROS_PER_DAY
}

/// The times in a certificate, whole seconds, that is issued now and valid for so many microseconds.
fn validity(now: Micros, lifetime_us: i64) -> Result<(OffsetDateTime, OffsetDateTime)> {
    let at = |us: i64| OffsetDateTime::from_unix_timestamp(us.div_euclid(MICROS_PER_SECOND)).map_err(failed);
    let from = at(now.0.saturating_sub(CLOCK_SKEW_US))?;
    Ok((from, at(now.0.saturating_add(lifetime_us))?))
}

fn to_micros(time: OffsetDateTime) -> Micros {
    Micros(time.unix_timestamp().saturating_mul(MICROS_PER_SECOND))
}

fn key_pem(key: &KeyPair) -> Result<String> {
    let document = SecretDocument::try_from(key.serialized_der()).map_err(failed)?;
    document.to_pem(KEY_LABEL, LineEnding::LF).map(|pem| pem.as_str().to_owned()).map_err(failed)
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
#[path = "certificate_tests.rs"]
mod tests;

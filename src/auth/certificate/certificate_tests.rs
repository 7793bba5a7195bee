//! Authorities and what they sign, read back with `x509-parser`.

use x509_parser::extensions::ParsedExtension;

use super::*;
use crate::auth::certificate::request::tests::CERTIFIED;

const NOON: Micros = Micros(1_777_377_600_000_000);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

const SUBJECT: CertificateSubject<'static> = CertificateSubject {
    device: "d1e2f3a4-e5f6-7890-abcd-ef1234567890",
    organization: "0a1b2c3d-e5f6-7890-abcd-ef1234567890",
};

fn authority_number(number: u32) -> CertificateAuthority {
    let key = generate_authority_key().unwrap();
    CertificateAuthority::new(&key, &make_authority_certificate(&key, number, NOON).unwrap()).unwrap()
}

fn authority() -> CertificateAuthority {
    authority_number(1)
}

fn der(pem: &str) -> Vec<u8> {
    pem::decode(pem, &[CERTIFICATE_LABEL]).expect("a certificate")
}

#[test]
fn every_certificate_is_new_and_in_the_forms_that_devices_read() {
    let authority = authority();
    let (one, two) = (authority.issue("q6NJl1-_", NOON).unwrap(), authority.issue("q6NJl1-_", NOON).unwrap());
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
    let certificate = der(&one.certificate_pem);
    assert_eq!(one.fingerprint, hex::encode(Sha256::digest(&certificate)));
    let contains = |part: &[u8]| certificate.windows(part.len()).any(|window| window == part);
    assert!(contains(b"q6NJl1-_") && contains(AUTHORITY_NAME.as_bytes()));
}

#[test]
fn a_signed_certificate_says_what_we_say_and_not_what_was_asked() {
    let authority = authority();
    let authority_der = der(&authority.certificate_pem);
    let (_, issuer) = X509Certificate::from_der(&authority_der).unwrap();
    for (name, request, _) in CERTIFIED {
        let key = CertifiableKey::from_request(request).unwrap();
        let signed = authority.sign(&key, SUBJECT, YEAR, NOON).unwrap();
        let der = der(&signed.certificate_pem);
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        certificate.verify_signature(Some(issuer.public_key())).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(certificate.issuer(), issuer.subject(), "{name}");
        let subject = format!("CN={}, O={}", SUBJECT.device, SUBJECT.organization);
        assert_eq!(certificate.subject().to_string(), subject, "{name}");
        assert_eq!(certificate.public_key().subject_public_key.data.as_ref(), key.der_bytes(), "{name}");
        assert_eq!(hex::encode(certificate.raw_serial()), signed.serial, "{name}");
        assert_eq!(signed.fingerprint, hex::encode(Sha256::digest(&der)), "{name}");
        let (from, to) = (certificate.validity().not_before, certificate.validity().not_after);
        assert_eq!(from.timestamp() * MICROS_PER_SECOND, NOON.0 - CLOCK_SKEW_US, "{name}");
        assert_eq!(to.timestamp() * MICROS_PER_SECOND, signed.expires_at.0, "{name}");
        assert_eq!(signed.expires_at.0, NOON.0 + 365 * MICROS_PER_DAY, "{name}");
        assert!(!certificate.is_ca(), "{name}");
        assert!(certificate.subject_alternative_name().unwrap().is_none(), "{name}");
        let usage = certificate.extended_key_usage().unwrap().expect("usages").value;
        assert!(usage.client_auth && !usage.server_auth && !usage.any, "{name}");
        let usage = certificate.key_usage().unwrap().expect("usages").value;
        assert!(usage.digital_signature() && !usage.key_cert_sign(), "{name}");
        let names_its_authority =
            |extension: &ParsedExtension| matches!(extension, ParsedExtension::AuthorityKeyIdentifier(_));
        assert!(certificate.extensions().iter().any(|e| names_its_authority(e.parsed_extension())), "{name}");
    }
}

#[test]
fn serial_numbers_are_random_and_of_one_length() {
    let authority = authority();
    let key = CertifiableKey::from_request(CERTIFIED[3].1).unwrap();
    let serials: std::collections::BTreeSet<String> =
        (0..200).map(|_| authority.sign(&key, SUBJECT, YEAR, NOON).unwrap().serial).collect();
    assert_eq!(serials.len(), 200);
    for serial in serials {
        assert_eq!(serial.len(), 2 * SERIAL_BYTES);
        assert!(('4'..'8').contains(&serial.chars().next().unwrap()), "{serial}");
    }
}

#[test]
fn no_certificate_outlives_its_authority() {
    let authority = authority();
    let key = CertifiableKey::from_request(CERTIFIED[3].1).unwrap();
    let signed = authority.sign(&key, SUBJECT, 100 * YEAR, NOON).unwrap();
    assert_eq!(signed.expires_at, authority.description().not_after);
}

#[test]
fn an_authority_describes_itself_by_its_number() {
    for (number, subject) in [(1, "CN=Basalt device authority"), (2, "CN=Basalt device authority 2")] {
        let authority = authority_number(number);
        let description = authority.description();
        assert_eq!(description.subject, subject);
        assert_eq!(description.fingerprint, hex::encode(Sha256::digest(der(authority.certificate_pem()))));
        assert_eq!(description.not_before.0, NOON.0 - CLOCK_SKEW_US);
        assert_eq!(description.not_after.0, NOON.0 + AUTHORITY_DAYS * MICROS_PER_DAY);
    }
}

#[test]
fn a_listener_is_named_by_its_host() {
    let authority = authority();
    for host in ["mqtt.plant.example", "10.1.2.3", "fd00::7"] {
        let (certificate, key) = authority.issue_listener(host, NOON).unwrap();
        let der = der(&certificate);
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        let usage = certificate.extended_key_usage().unwrap().expect("usages").value;
        assert!(usage.server_auth && !usage.client_auth, "{host}");
        let names = certificate.subject_alternative_name().unwrap().expect("names");
        assert_eq!(names.value.general_names.len(), 4, "{host}");
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{host}");
    }
    let error = authority.issue_listener("no näme", NOON).err().unwrap();
    assert_eq!(error.fields[0].field, "mqtt.host");
}

#[test]
fn damaged_files_are_named() {
    let key = generate_authority_key().unwrap();
    let certificate = make_authority_certificate(&key, 1, NOON).unwrap();
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

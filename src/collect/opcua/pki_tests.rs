//! Certificates: created once, kept private, trusted one by one.

use std::sync::LazyLock;

use super::*;

const NOW: Micros = Micros(1_900_000_000_000_000);

fn keep(path: &Path, make: &mut dyn FnMut() -> Vec<u8>) -> io::Result<Vec<u8>> {
    if !path.exists() {
        fs::write(path, make())?;
    }
    fs::read(path)
}

/// Creating a key takes seconds in a test build: all tests share one.
static KEY: LazyLock<Vec<u8>> = LazyLock::new(new_key);

fn keep_one_key(_: &Path, _: &mut dyn FnMut() -> Vec<u8>) -> io::Result<Vec<u8>> {
    Ok(KEY.clone())
}

fn server_certificate(name: &str) -> (Vec<u8>, String) {
    let key = PrivateKey::from_pem(&KEY).unwrap();
    let mut data = description("urn:server");
    data.common_name = name.to_owned();
    let certificate = X509::from_pkey(&key, &data).unwrap();
    (certificate.to_der().unwrap(), certificate.thumbprint().as_hex_string())
}

#[test]
fn ours_is_made_once_and_says_the_same_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path().join("pki"), keep);
    assert_eq!(pki.list().unwrap(), []);
    let uri = pki.application_identity().unwrap().application_uri;
    let first = pki.list().unwrap();
    assert_eq!((first.len(), first[0].status, &*first[0].subject), (1, CertificateStatus::Own, "CN=Basalt"));
    assert!(uri.starts_with("urn:basalt:") && uri.len() == 27, "{uri}");
    assert_eq!(pki.application_identity().unwrap().application_uri, uri);
    assert_eq!(pki.list().unwrap(), first);
    fs::write(pki.root().join("private/private.pem"), "no key").unwrap();
    assert!(pki.application_identity().err().unwrap().message.contains("private.pem holds no private key"));
}

#[test]
fn a_server_is_trusted_by_its_thumbprint_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path(), keep_one_key);
    let (kiln, thumbprint) = server_certificate("Kiln");
    let (press, other) = server_certificate("Press/../x");
    for certificate in [&kiln, &kiln, &press] {
        let refused = pki.check_trust(certificate, NOW).unwrap_err();
        assert!(refused.contains("is not trusted") && refused.contains("basalt opcua trust "), "{refused}");
    }
    let standings = || {
        pki.list().unwrap().iter().map(|known| (known.thumbprint.clone(), known.status)).collect::<Vec<_>>()
    };
    assert_eq!(standings().len(), 2);

    let upper = thumbprint.to_uppercase();
    let pairs: Vec<_> = upper.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
    let trusted = pki.trust(&pairs.join(":")).unwrap();
    assert_eq!((trusted.status, trusted.subject.as_str()), (CertificateStatus::Trusted, "CN=Kiln"));
    assert_eq!(pki.check_trust(&kiln, NOW), Ok(()));
    assert!(pki.check_trust(&press, NOW).is_err());
    assert_eq!(
        standings(),
        [(thumbprint.clone(), CertificateStatus::Trusted), (other.clone(), CertificateStatus::New)]
    );
    assert_eq!(pki.trust(&thumbprint).unwrap_err().kind, Kind::NotFound);

    pki.reject(&thumbprint).unwrap();
    assert!(pki.check_trust(&kiln, NOW).is_err());
    assert_eq!(pki.reject(&other).unwrap().status, CertificateStatus::Rejected);
    assert_eq!(pki.reject(&other).unwrap_err().kind, Kind::NotFound);
    let rejected = |of: &String| (of.clone(), CertificateStatus::Rejected);
    let mut expected = [rejected(&thumbprint), rejected(&other)];
    expected.sort();
    assert_eq!(standings(), expected);
    // Whoever shows it again stays rejected; whoever is trusted again is as new when that is taken back by hand.
    assert!(pki.check_trust(&press, NOW).is_err());
    assert_eq!(standings(), expected);
    pki.trust(&other).unwrap();
    assert_eq!(pki.check_trust(&press, NOW), Ok(()));
    assert!(!dir.path().join(format!("rejected/{other}.decided")).exists());
}

#[test]
fn the_servers_that_showed_a_certificate_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path(), keep_one_key);
    let (kiln, thumbprint) = server_certificate("Kiln");
    assert!(pki.shown_at(&thumbprint).is_empty());
    for address in ["opc.tcp://b:4840", "opc.tcp://a:4840", "opc.tcp://b:4840"] {
        pki.clone().remember(&kiln, address);
    }
    pki.remember(b"no certificate", "opc.tcp://c:4840");
    assert_eq!(
        pki.shown_at(&thumbprint).into_iter().collect::<Vec<_>>(),
        ["opc.tcp://a:4840", "opc.tcp://b:4840"]
    );
    pki.check_trust(&kiln, NOW).unwrap_err();
    let known = pki.list().unwrap();
    assert!(known[0].valid_from < Some(NOW) && known[0].valid_to > Some(NOW), "{known:?}");
}

#[test]
fn a_trusted_certificate_is_right_in_its_time_only() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path(), keep_one_key);
    let (kiln, thumbprint) = server_certificate("Kiln");
    pki.check_trust(&kiln, NOW).unwrap_err();
    pki.trust(&thumbprint).unwrap();
    for (now, is_right) in [(Micros(0), false), (NOW, true), (Micros(NOW.0 * 3), false)] {
        let judged = pki.check_trust(&kiln, now);
        assert_eq!(judged.is_ok(), is_right, "{judged:?}");
    }
}

#[test]
fn what_is_no_certificate_is_refused_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path(), keep_one_key);
    for bytes in [&b""[..], b"\x30\x82\x01\x00", &[0xFF; 64]] {
        assert_eq!(pki.check_trust(bytes, NOW), Err("its certificate cannot be read".to_owned()));
    }
    assert_eq!(pki.list().unwrap(), []);
    assert!(pki.user("line-1").unwrap_err().contains("line-1.der"));
}

#[test]
fn rejected_certificates_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path(), keep_one_key);
    fs::create_dir(dir.path().join("rejected")).unwrap();
    for n in 0..MAX_REJECTED_CERTIFICATES {
        fs::write(dir.path().join(format!("rejected/{n}")), "").unwrap();
    }
    assert!(pki.check_trust(&server_certificate("Kiln").0, NOW).unwrap_err().contains("is not trusted"));
    assert_eq!(fs::read_dir(dir.path().join("rejected")).unwrap().count(), MAX_REJECTED_CERTIFICATES);
}

#[test]
fn the_oldest_certificate_without_a_decision_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(dir.path(), keep_one_key);
    let rejected = dir.path().join("rejected");
    fs::create_dir(&rejected).unwrap();
    let (kiln, press) = (server_certificate("Kiln").0, server_certificate("Press"));
    for n in 0..MAX_REJECTED_CERTIFICATES {
        fs::write(rejected.join(format!("{n}.der")), &kiln).unwrap();
    }
    pki.check_trust(&press.0, NOW).unwrap_err();
    assert_eq!(fs::read_dir(&rejected).unwrap().count(), MAX_REJECTED_CERTIFICATES);
    assert!(pki.trust(&press.1).is_ok(), "it is there to be decided about");
}

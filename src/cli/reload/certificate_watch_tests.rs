//! Files of a certificate that are written while they are watched.

use std::fs;
use std::path::Path;

use super::*;
use crate::api::certificate_files::CertificateSettings;
use crate::auth::certificate::test_certificate::{ISSUED_AT, listener_certificate};
use crate::auth::certificate::{generate_authority_key, make_authority_certificate};
use crate::domain::Micros;
use crate::domain::time::MICROS_PER_DAY;

/// Text in PEM that is marked as a certificate and is none.
const DAMAGED: &str = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";

fn files_in(dir: &Path) -> CertificateFiles {
    let settings = CertificateSettings::MQTT;
    CertificateFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem"), settings }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
}

#[tokio::test(start_paused = true)]
async fn a_new_pair_replaces_and_anything_else_leaves_what_is_in_use() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = files_in(dir.path());
    let [(first, first_key), (second, second_key)] = [(); 2].map(|()| listener_certificate());
    write(&files.cert, &first);
    write(&files.key, &first_key);
    let mut watch = CertificateWatch::load(files.clone()).expect("a pair");
    let half = &second[..second.len() / 2];
    let damaged_chain = format!("{second}{DAMAGED}");
    let rows = [
        ("the_same", Some(first.as_str()), Some(first_key.as_str()), WatchOutcome::Unchanged, &first, None),
        ("half_a_certificate", Some(half), None, WatchOutcome::Refused, &first, Some("mqtt.tls_cert")),
        ("an_empty_certificate", Some(""), None, WatchOutcome::Refused, &first, Some("mqtt.tls_cert")),
        ("a_damaged_certificate", Some(DAMAGED), None, WatchOutcome::Refused, &first, Some("mqtt.tls_cert")),
        ("a_damaged_chain", Some(&damaged_chain), None, WatchOutcome::Refused, &first, Some("mqtt.tls_cert")),
        ("without_its_key", Some(&second), None, WatchOutcome::Refused, &first, Some("mqtt.tls_key")),
        ("an_empty_key", None, Some(""), WatchOutcome::Refused, &first, Some("mqtt.tls_key")),
        ("with_its_key", None, Some(&second_key), WatchOutcome::Replaced, &second, None),
        ("again", None, None, WatchOutcome::Unchanged, &second, None),
        ("back", Some(&first), Some(&first_key), WatchOutcome::Replaced, &first, None),
    ];
    for (name, cert, key, expected, in_use, problem) in rows {
        cert.into_iter().for_each(|text| write(&files.cert, text));
        key.into_iter().for_each(|text| write(&files.key, text));
        assert_eq!(watch.look(false).await, expected, "{name}");
        assert_eq!(watch.tls().pem(), in_use, "{name}");
        let message = watch.problem.clone().unwrap_or_default();
        let path = if problem == Some("mqtt.tls_key") { &files.key } else { &files.cert };
        let is_named = problem.is_none_or(|setting| {
            message.starts_with(setting) && message.contains(&path.display().to_string())
        });
        assert!(is_named && problem.is_some() == watch.problem.is_some(), "{name}: {message}");
    }
    fs::remove_file(&files.cert).expect("removed");
    assert_eq!(watch.look(true).await, WatchOutcome::Refused);
    assert!(watch.problem.as_ref().is_some_and(|problem| problem.contains("cannot be read")));
    assert_eq!(watch.tls().pem(), first);
}

/// The key and half of the chain are there: the server could use them.
#[tokio::test(start_paused = true)]
async fn a_chain_that_is_being_written_is_used_once_it_stays_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = files_in(dir.path());
    let [(first, first_key), (second, second_key), (authority, _)] = [(); 3].map(|()| listener_certificate());
    write(&files.cert, &first);
    write(&files.key, &first_key);
    let mut watch = CertificateWatch::load(files.clone()).expect("a pair");
    let chain = format!("{second}{authority}");
    write(&files.cert, &second);
    write(&files.key, &second_key);
    let finish = async {
        tokio::time::sleep(SETTLE_PAUSE / 2).await;
        write(&files.cert, &chain);
    };
    let (outcome, ()) = tokio::join!(watch.look(true), finish);
    assert_eq!(outcome, WatchOutcome::Unchanged);
    assert!(watch.tls().pem() == first && watch.problem.is_none());
    assert_eq!(watch.look(false).await, WatchOutcome::Replaced);
    assert_eq!(watch.tls().pem(), chain);
}

#[test]
fn a_chain_expires_with_the_first_of_its_certificates() {
    let (cert, key) = listener_certificate();
    let authority_key = generate_authority_key().expect("a key");
    let made_at = Micros(ISSUED_AT.0 - 8_000 * MICROS_PER_DAY);
    let authority = make_authority_certificate(&authority_key, 1, made_at).expect("a certificate");
    // An authority is valid for thirty years.
    let rows = [("alone", cert.clone(), 3650), ("with_an_old_authority", format!("{cert}{authority}"), 2950)];
    for (name, chain, days) in rows {
        let tls = Tls::from_pem(&chain, &key).expect("a pair");
        let expected = ISSUED_AT.0 + days * MICROS_PER_DAY;
        assert_eq!(tls.expires_at().map(|time| time.0), Some(expected), "{name}");
    }
}

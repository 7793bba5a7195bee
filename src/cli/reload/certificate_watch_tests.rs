//! Files of a certificate that are written while they are watched.

use std::fs;
use std::path::Path;

use super::*;
use crate::api::certificate_files::CertificateSettings;
use crate::auth::certificate::test_certificate::listener_certificate;
use crate::domain::time::MICROS_PER_DAY;

fn files_in(dir: &Path) -> CertificateFiles {
    let settings = CertificateSettings::MQTT;
    CertificateFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem"), settings }
}

#[tokio::test]
async fn a_new_pair_replaces_and_anything_else_leaves_what_is_in_use() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = files_in(dir.path());
    let [(first, first_key), (second, second_key)] = [(); 2].map(|()| listener_certificate());
    let write = |path: &Path, text: &str| fs::write(path, text).expect("written");
    write(&files.cert, &first);
    write(&files.key, &first_key);
    let mut watch = CertificateWatch::load(files.clone()).expect("a pair");
    let half = &second[..second.len() / 2];
    let rows = [
        ("the_same", Some(first.as_str()), Some(first_key.as_str()), WatchOutcome::Unchanged, &first, None),
        ("half_a_certificate", Some(half), None, WatchOutcome::Refused, &first, Some("mqtt.tls_cert")),
        ("an_empty_certificate", Some(""), None, WatchOutcome::Refused, &first, Some("mqtt.tls_cert")),
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

#[test]
fn a_certificate_says_when_it_expires() {
    let (cert, key) = listener_certificate();
    let tls = Tls::from_pem(&cert, &key).expect("a pair");
    let issued_at = crate::auth::certificate::test_certificate::ISSUED_AT;
    assert_eq!(tls.expires_at().map(|time| time.0), Some(issued_at.0 + 3650 * MICROS_PER_DAY));
}

//! Authorities as files, over rotations and interrupted ones.

use std::os::unix::fs::PermissionsExt;

use super::AuthorityCommand::{Rotate, Show};
use super::*;
use crate::app::test_app;
use crate::domain::Kind;
use crate::domain::device::{DeviceSpec, Protocol};

const NOON: Micros = Micros(1_777_377_600_000_000);

#[test]
fn an_authority_is_found_by_the_file_of_its_certificate() {
    let rows = [
        ("ca.pem", Some(1)),
        ("ca-2.pem", Some(2)),
        ("ca-10.pem", Some(10)),
        ("ca-1.pem", None),
        ("ca-02.pem", None),
        ("ca-+2.pem", None),
        ("ca-0.pem", None),
        ("ca.key", None),
        ("ca.pem.new", None),
        ("cafe.pem", None),
    ];
    for (file, expected) in rows {
        assert_eq!(number_of(file), expected, "{file}");
    }
}

#[test]
fn an_interrupted_rotation_is_taken_up_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = read_or_make(dir.path(), NOON).unwrap().issuer().unwrap();
    let key = certificate::generate_authority_key().unwrap();
    private_file::read_or_make(&key_path(dir.path(), 2), || key.clone().into_bytes()).unwrap();
    let after = read_or_make(dir.path(), NOON).unwrap().issuer().unwrap();
    assert_eq!(after.description(), first.description(), "without its certificate it is none");
    make(dir.path(), 2, NOON).unwrap();
    let all = read_all(dir.path()).unwrap();
    assert_eq!(all.oldest().unwrap().description(), first.description());
    assert_eq!(all.issuer().unwrap().description().subject, "CN=Basalt device authority 2");
    assert_eq!(read(&key_path(dir.path(), 2)).unwrap(), key);
    fs::remove_file(key_path(dir.path(), 2)).unwrap();
    let error = read_all(dir.path()).err().unwrap();
    assert!(error.kind == Kind::Unavailable && error.message.contains("ca-2.key is missing"), "{error}");
}

#[tokio::test]
async fn an_old_authority_is_trusted_while_a_certificate_of_it_is_valid() {
    let (dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    assert!(app.certificates.run_authority_command(&who, Show).await.unwrap().is_empty());
    let device = app.devices.create_device(&who, DeviceSpec::new("gateway", Protocol::Mqtt)).await.unwrap();
    app.certificates.issue_certificate(&who, device.id).await.unwrap();
    let mut changes = app.certificates.authority_changes();
    let lines = app.certificates.run_authority_command(&who, Rotate).await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let shown = |lines: &[AuthorityLine]| -> Vec<(u32, bool, usize)> {
        lines.iter().map(|line| (line.number, line.signs, line.certificates)).collect()
    };
    assert_eq!(shown(&lines), [(1, false, 1), (2, true, 0)]);
    assert_eq!(lines, app.certificates.run_authority_command(&who, Show).await.unwrap());
    let bundle = app.certificates.authority_certificate().await.unwrap();
    assert_eq!(bundle.matches("-----BEGIN CERTIFICATE-----").count(), 2);
    assert!(
        bundle.starts_with(app.certificates.authorities().await.unwrap().issuer().unwrap().certificate_pem())
    );

    // The device gets its next certificate from the second, so that the next rotation removes the first.
    app.certificates.issue_certificate(&who, device.id).await.unwrap();
    let lines = app.certificates.run_authority_command(&who, Rotate).await.unwrap();
    assert_eq!(shown(&lines), [(2, false, 1), (3, true, 0)]);
    assert!(!dir.path().join("ca.pem").exists() && !dir.path().join("ca.key").exists());
    for file in ["ca-2.key", "ca-3.key", "ca-3.pem"] {
        let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let key = Principal { caller: crate::domain::caller::Caller::Key(crate::domain::KeyId(1)), ..who };
    assert_eq!(
        app.certificates.run_authority_command(&key, Rotate).await.err().unwrap().kind,
        Kind::Forbidden
    );
}

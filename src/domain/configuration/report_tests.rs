//! Tests of reports: what is read, what is left out, and that no bytes are too strange.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::Kind;

const ID: &str = "d1e2f3a4-e5f6-7890-abcd-ef1234567890";

fn entry() -> Value {
    json!({"id": ID, "version": 3, "status": "ACCEPTED", "hash": "ab", "message": null})
}

fn with(name: &str, value: Value) -> Value {
    let mut entry = entry();
    entry[name] = value;
    entry
}

fn parse(report: &Value) -> Result<ConfigurationReport> {
    parse_report(report.to_string().as_bytes())
}

#[test]
fn a_report_is_read_whole() {
    let report = parse(&json!({"artefacts": [entry()], "more": 1})).unwrap();
    let expected = ReportEntry {
        artefact: Uuid::try_parse(ID).unwrap(),
        version: 3,
        status: BindingStatus::Accepted,
        hash: Some("ab".to_owned()),
        message: None,
    };
    assert_eq!(report, ConfigurationReport { entries: vec![expected], malformed: 0 });
    assert_eq!(parse_report(b"").unwrap(), ConfigurationReport::default());
    assert_eq!(parse_report(b" \n").unwrap(), ConfigurationReport::default());
}

#[test]
fn a_malformed_element_hides_no_other() {
    let mut without_status = entry();
    without_status.as_object_mut().unwrap().remove("status");
    for (name, element) in [
        ("number", json!(1)),
        ("id", with("id", json!("x"))),
        ("version", with("version", json!(-1))),
        ("huge_version", with("version", json!(u64::MAX))),
        ("status", with("status", json!("DONE"))),
        ("pending", with("status", json!("PENDING"))),
        ("no_status", without_status),
        ("hash", with("hash", json!(1))),
        ("long_hash", with("hash", json!("x".repeat(129)))),
        ("message", with("message", json!({}))),
    ] {
        let report = parse(&json!({"artefacts": [element, entry()]})).unwrap();
        assert_eq!((report.entries.len(), report.malformed), (1, 1), "{name}");
    }
    let long = parse(&json!({"artefacts": [with("message", json!("é\0".repeat(4000)))]})).unwrap();
    let message = long.entries[0].message.as_deref().unwrap();
    assert_eq!((message.chars().count(), message.contains('\0')), (MAX_MESSAGE_CHARS, false));
}

#[test]
fn what_is_no_report_is_refused() {
    let many = json!({"artefacts": vec![entry(); MAX_REPORT_ENTRIES + 1]});
    for (name, bytes, kind) in [
        ("no_json", b"x".to_vec(), Kind::Invalid),
        ("array", b"[]".to_vec(), Kind::Invalid),
        ("no_artefacts", b"{}".to_vec(), Kind::Invalid),
        ("no_array", br#"{"artefacts":{}}"#.to_vec(), Kind::Invalid),
        ("too_many", many.to_string().into_bytes(), Kind::Invalid),
        ("deep", b"[".repeat(100_000), Kind::Invalid),
        ("too_large", vec![b' '; MAX_REPORT_BYTES + 1], Kind::TooLarge),
    ] {
        let error = parse_report(&bytes).expect_err(name);
        assert_eq!(error.kind, kind, "{name}: {error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_report(&bytes);
    }

    #[test]
    fn a_damaged_report_never_has_more_than_was_reported(at in 0..100_usize, byte in any::<u8>()) {
        let mut bytes = json!({"artefacts": [entry()]}).to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(report) = parse_report(&bytes) {
            prop_assert!(report.entries.len() + report.malformed <= 1);
        }
    }
}

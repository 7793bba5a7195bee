//! Tests of the forms of commands and their answers.

use proptest::prelude::*;

use super::*;
use crate::domain::command::CommandSpec;
use crate::domain::{CommandId, DeviceId, Kind, Micros, OrgId};

const ID: &str = "d1e2f3a4-e5f6-4890-abcd-ef1234567890";

#[test]
fn a_device_is_sent_what_is_to_be_done() {
    let command = Command {
        id: CommandId(1),
        org: OrgId(1),
        uuid: Uuid::try_parse(ID).unwrap(),
        key: "abcdefghi".to_owned(),
        spec: CommandSpec {
            device: DeviceId(1),
            kind: "REBOOT".to_owned(),
            params: json!({"delay": 5}).as_object().cloned().unwrap().into(),
        },
        created_by: "key_1".to_owned(),
        state: CommandState::Pending,
        created_at: Micros(1_777_377_600_000_000),
        expires_at: Micros(1_777_377_660_000_000),
        sent_at: None,
        acked_at: None,
        done_at: None,
        result: Value::Null,
        error: String::new(),
    };
    let expected =
        json!({"id": ID, "method": "REBOOT", "params": {"delay": 5}, "timestamp": "2026-04-28T12:00:00Z"});
    assert_eq!(command_message(&command), expected);
}

#[test]
fn answers_are_read_by_their_status() {
    for (status, state) in [
        ("ACKNOWLEDGED", CommandState::Acknowledged),
        ("SUCCESS", CommandState::Done),
        ("FAILED", CommandState::Failed),
    ] {
        let bytes = json!({"id": ID, "status": status, "result": [1], "error": "no", "more": 1}).to_string();
        let response = parse_command_response(bytes.as_bytes()).unwrap();
        let report = CommandReport { state, result: json!([1]), error: "no".to_owned() };
        assert_eq!(response, CommandResponse { id: Uuid::try_parse(ID).unwrap(), report });
    }
    let bytes = json!({"id": ID, "status": "FAILED", "error": {"code": 7}}).to_string();
    assert_eq!(parse_command_response(bytes.as_bytes()).unwrap().report.error, r#"{"code":7}"#);
}

#[test]
fn what_is_no_answer_is_refused() {
    for (name, bytes, kind) in [
        ("no_json", b"SUCCESS".to_vec(), Kind::Invalid),
        ("array", b"[]".to_vec(), Kind::Invalid),
        ("no_id", br#"{"status":"SUCCESS"}"#.to_vec(), Kind::Invalid),
        ("no_uuid", br#"{"id":"7","status":"SUCCESS"}"#.to_vec(), Kind::Invalid),
        ("no_status", json!({"id": ID}).to_string().into_bytes(), Kind::Invalid),
        ("of_the_server", json!({"id": ID, "status": "TIMEOUT"}).to_string().into_bytes(), Kind::Invalid),
        ("deep", b"[".repeat(100_000), Kind::Invalid),
        ("too_large", vec![b' '; MAX_RESPONSE_BYTES + 1], Kind::TooLarge),
    ] {
        assert_eq!(parse_command_response(&bytes).expect_err(name).kind, kind, "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_command_response(&bytes).is_err());
    }

    #[test]
    fn a_damaged_answer_is_refused_or_says_what_it_may(at in 0..200_usize, byte in any::<u8>()) {
        let mut bytes = json!({"id": ID, "status": "FAILED", "error": "no"}).to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(response) = parse_command_response(&bytes) {
            prop_assert!(response.report.problems().is_empty());
        }
    }
}

//! The session's behaviour with late, wrong, truncated and refused answers; batches, parts of values, arrays of BOOL and
//! writes; and its settings.

use serde_json::json;

use super::*;
use crate::collect::numeric_value::NumericValue;
use crate::collect::request_socket::script::{ScriptedResponse, play};
use crate::domain::device::{DeviceSpec, Protocol};

fn spec(port: u16, settings: &[(&str, serde_json::Value)]) -> DeviceSpec {
    let mut spec = DeviceSpec::new("plc", Protocol::Eip);
    (spec.host, spec.port, spec.timeout_s) = ("127.0.0.1".into(), Some(port), 0.2);
    spec.metadata = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    spec
}

async fn connected(port: u16, routing: &str) -> EipClient {
    let endpoint = EipEndpoint::from_spec(&spec(port, &[("routing", json!(routing))])).unwrap();
    EipClient::connect(&endpoint, &AllowedNetworks::default()).await.unwrap()
}

fn tag(text: &str) -> TagPath {
    text.parse().unwrap()
}

fn dint(raw: &str) -> TagOutcome {
    Ok(TagData { data_type: TagType::Dint, raw: hex::decode(raw).unwrap() })
}

const REGISTER: &str = "6500 0400 00000000 00000000 0100000000000000 00000000 01000000";
const REGISTERED: &str = "6500 0400 07000000 00000000 0100000000000000 00000000 01000000";

/// A message in the frame of session 7, as hexadecimal digits; the script wants them to live as long as the test.
fn frame(context: u8, message: &str) -> &'static str {
    let message = message.replace(' ', "");
    let len = message.len() / 2;
    let head = format!("6f00 {:02x}00 07000000 00000000 {context:02x}00000000000000 00000000", len + 16);
    format!("{head} 000000000000 0200 0000 0000 b200 {len:02x}00 {message}").leak()
}

/// Plays exchanges of messages after the registration of the session. The first has sender context 2.
async fn device(exchanges: &[(&str, &str)]) -> u16 {
    let mut script = vec![(REGISTER, ScriptedResponse::With(REGISTERED))];
    for (context, (request, answer)) in (2..).zip(exchanges) {
        script.push((frame(context, request), ScriptedResponse::With(frame(context, answer))));
    }
    play(script).await
}

/// A read of the tag `a`, and its answer.
const READ: &str = "4c 02 9101 6100 0100";
const ANSWER: &str = "cc 00 00 00 c400 2a000000";

#[tokio::test]
async fn answers_that_raise_a_doubt_end_the_session() {
    use ScriptedResponse::{After, With};
    let good = frame(2, ANSWER);
    let changed = |from: &str, to: &str| -> ScriptedResponse { With(good.replacen(from, to, 1).leak()) };
    for (name, answering, expected) in [
        ("in_order", With(good), None),
        ("late", After(300), Some("did not answer within 0.2 s")),
        ("cut", With(&good[..good.len() - 2]), Some("lost: closed by the device")),
        ("closed", With(""), Some("lost: closed by the device")),
        ("other_command", changed("6f00", "6500"), Some("another request")),
        ("other_session", changed("07000000", "08000000"), Some("another request")),
        ("other_context", changed("0200000000000000", "0300000000000000"), Some("another request")),
        ("session_lost", changed("00000000 02", "64000000 02"), Some("encapsulation status 0064")),
        ("too_long", changed("6f00 1a00", "6f00 ffff"), Some("says that it has 65535 bytes")),
        ("other_items", changed("b200", "b100"), Some("no unconnected message")),
        ("other_service", With(frame(2, "cd 00 00 00")), Some("another service (CD)")),
        ("no_type", With(frame(2, "cc 00 00 00 c4")), Some("has no type")),
        ("status_cut", With(frame(2, "cc 00 ff 01 05")), Some("cut short")),
    ] {
        let port = play(vec![(REGISTER, With(REGISTERED)), (frame(2, READ), answering)]).await;
        let mut client = connected(port, "direct").await;
        assert!(!client.has_answered(), "{name}: a session is no answer");
        let read = client.read_tag(&tag("a")).await;
        match expected {
            None => assert_eq!(read, dint("2a000000"), "{name}"),
            Some(words) => {
                let fault = read.unwrap_err();
                assert!(fault.is_connection_loss() && fault.to_string().contains(words), "{name}: {fault}");
                assert!(!client.is_open(), "{name}");
                let again = client.read_tag(&tag("a")).await;
                assert!(matches!(again, Err(DeviceFault::Closed { .. })), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_device_that_opens_no_session_is_said() {
    let refused = "6500 0000 00000000 69000000 0100000000000000 00000000";
    let without = "6500 0400 00000000 00000000 0100000000000000 00000000 01000000";
    for (answer, words) in [(refused, "another version"), (without, "another request")] {
        let port = play(vec![(REGISTER, ScriptedResponse::With(answer))]).await;
        let endpoint = EipEndpoint::from_spec(&spec(port, &[])).unwrap();
        let Err(fault) = EipClient::connect(&endpoint, &AllowedNetworks::default()).await else {
            panic!("{words}: there is no session")
        };
        assert!(fault.to_string().contains(words), "{fault}");
    }
}

#[tokio::test]
async fn refusals_leave_the_session_in_order() {
    let by_encapsulation: &str = "6f00 0000 07000000 08000000 0500000000000000 00000000";
    let port = play(vec![
        (REGISTER, ScriptedResponse::With(REGISTERED)),
        (frame(2, READ), ScriptedResponse::With(frame(2, "cc 00 05 01 0000"))),
        (frame(3, READ), ScriptedResponse::With(frame(3, "cc 00 ff 01 0521"))),
        (frame(4, READ), ScriptedResponse::With(frame(4, "cc 00 0f 00"))),
        (frame(5, READ), ScriptedResponse::With(by_encapsulation)),
        (frame(6, READ), ScriptedResponse::With(frame(6, ANSWER))),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    for words in [
        "the controller has no such tag (general status 05)",
        "beyond the last element (general status FF, extended status 2105)",
        "the controller allows no access to the tag (general status 0F)",
        "the device refused the message: is there such a tag? (encapsulation status 0008)",
    ] {
        let fault = client.read_tag(&tag("a")).await.unwrap_err();
        assert!(!fault.is_connection_loss());
        assert_eq!(fault.to_string(), words);
    }
    assert_eq!(client.read_tag(&tag("a")).await, dint("2a000000"));
    assert!(client.has_answered());
}

#[tokio::test]
async fn a_route_that_leads_nowhere_is_a_loss() {
    let routed = "52 02 20062401 00c8 0800 4c02 91016100 0100 0100 0100";
    let port = device(&[(routed, "d2 00 01 01 1203"), (routed, "cc 00 00 00 c400 2a000000")]).await;
    let mut client = connected(port, "backplane").await;
    let fault = client.read_tag(&tag("a")).await.unwrap_err();
    assert!(fault.is_connection_loss(), "{fault}");
    assert_eq!(fault.to_string(), "the device has no such slot (general status 01, extended status 0312)");
    // The connection itself is in order: only its owner knows that the device is out of reach.
    assert_eq!(client.read_tag(&tag("a")).await, dint("2a000000"));
}

const BOTH: &str = "0a 02 20022401 0200 0600 0e00 4c02 91016100 0100 4c02 91016200 0100";

#[tokio::test]
async fn of_several_tags_each_has_its_own_outcome() {
    let replies = "8a 00 1e 00 0200 0600 1000 cc000000 c400 01000000 cc000500";
    let port = device(&[(BOTH, replies)]).await;
    let mut client = connected(port, "direct").await;
    let outcomes = client.read_tags(&[&tag("a"), &tag("b")]).await.unwrap();
    assert_eq!(outcomes[0], dint("01000000"));
    let fault = outcomes[1].as_ref().unwrap_err();
    assert_eq!(fault.to_string(), "the controller has no such tag (general status 05)");
}

#[tokio::test]
async fn a_device_without_batches_is_asked_one_by_one() {
    for (refusal, is_forgotten) in [("8a 00 08 00", true), ("8a 00 11 00", false)] {
        let single = |name: &str| format!("4c02 9101 {name}00 0100");
        let (a, b) = (single("61"), single("62"));
        let third = if is_forgotten {
            (a.as_str(), ANSWER)
        } else {
            (BOTH, "8a 00 00 00 0200 0600 1000 cc000000 c400 01000000 cc000500")
        };
        let port = device(&[(BOTH, refusal), (&a, ANSWER), (&b, "cc 00 04 00"), third, (&b, ANSWER)]).await;
        let mut client = connected(port, "direct").await;
        let outcomes = client.read_tags(&[&tag("a"), &tag("b")]).await.unwrap();
        assert_eq!(outcomes[0], dint("2a000000"));
        assert!(outcomes[1].is_err());
        assert!(client.read_tags(&[&tag("a"), &tag("b")]).await.unwrap()[0].is_ok(), "{refusal}");
    }
}

#[tokio::test]
async fn replies_that_are_not_one_for_each_request_end_the_session() {
    for (answer, words) in [
        ("8a 00 00 00 0100 0400 cc000000 c400 01000000", "one reply for each request"),
        ("8a 00 00 00 0200 0600 ff00 cc000000 c400 01000000", "where none can be"),
        ("8a 00 00 00 0200 0000 1000 cc000000 c400 01000000 cc000500", "where none can be"),
        ("8a 00 00 00 02", "cut short"),
        ("8a 00 00 00 0200 0600 1000 cc000000 c400 01000000 cd000000", "another service"),
    ] {
        let port = device(&[(BOTH, answer)]).await;
        let mut client = connected(port, "direct").await;
        let fault = client.read_tags(&[&tag("a"), &tag("b")]).await.unwrap_err();
        assert!(fault.is_connection_loss() && fault.to_string().contains(words), "{answer}: {fault}");
        assert!(!client.is_open());
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_read_in_parts() {
    let port = device(&[
        (READ, "cc 00 06 00 a002 ce0f 05000000 4865"),
        ("52 02 9101 6100 0100 06000000", "d2 00 06 00 a002 ce0f 6c6c"),
        ("52 02 9101 6100 0100 08000000", "d2 00 00 00 a002 ce0f 6f"),
        // A structure that has no value here is not read to its end.
        (READ, "cc 00 06 00 a002 3412 0102"),
        (READ, "cc 00 06 00 a002 3412 0102"),
        // One that may be a string is asked for its members, once.
        (READ, "cc 00 06 00 a002 3412 05000000 48656c6c"),
        ("4c 05 9101 6100 9103 4c454e00 0100", "cc 00 05 00"),
        (READ, "cc 00 06 00 a002 3412 05000000 48656c6c"),
        (READ, "cc 00 06 00 a002 ce0f 05000000 4865"),
        ("52 02 9101 6100 0100 06000000", "d2 00 06 00 a002 ce0f"),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    let data = client.read_tag(&tag("a")).await.unwrap();
    assert_eq!(data.value(None).unwrap(), DeviceValue::Text("Hello".into()));
    let data = client.read_tag(&tag("a")).await.unwrap();
    assert_eq!((data.data_type, data.raw), (TagType::Structure(0x1234), vec![1, 2]));
    for _ in 0..2 {
        let data = client.read_tag(&tag("a")).await.unwrap();
        assert_eq!((data.data_type, data.raw.len()), (TagType::Structure(0x1234), 8));
    }
    let fault = client.read_tag(&tag("a")).await.unwrap_err();
    assert!(fault.to_string().contains("do not fit each other") && !client.is_open(), "{fault}");
}

/// LEN of the tag `a`, and a character of it.
const LEN: &str = "4c 05 9101 6100 9103 4c454e00 0100";

fn character(index: u8) -> String {
    format!("4c 06 9101 6100 9104 44415441 28{index:02x} 0100")
}

#[tokio::test]
async fn a_string_type_of_the_project_is_learned_once_read_and_written() {
    let value = "cc 00 00 00 a002 3412 03000000 4c6f74000000 0000";
    let beyond = "cc 00 ff 01 0521";
    let characters: Vec<String> = [0, 6, 5, 5, 6].map(character).into();
    let port = device(&[
        (READ, value),
        (LEN, "cc 00 00 00 c400 03000000"),
        (&characters[0], "cc 00 00 00 c200 4c"),
        (&characters[1], beyond),
        (&characters[2], "cc 00 00 00 c200 00"),
        (&characters[3], "cc 00 00 00 c200 00"),
        (&characters[4], beyond),
        (READ, value),
        (READ, value),
        ("4d 02 9101 6100 a002 3412 0100 05000000 4c6f74203700 0000", "cd 00 00 00"),
        (READ, value),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    for _ in 0..2 {
        let data = client.read_tag(&tag("a")).await.unwrap();
        assert_eq!(data.data_type, TagType::ProjectString { handle: 0x1234, chars: 6 });
        assert_eq!(data.value(None), Ok(DeviceValue::Text("Lot".into())));
    }
    assert_eq!(client.write_tag(&tag("a"), &DeviceValue::Text("Lot 7".into())).await, Ok(()));
    let refused = client.write_tag(&tag("a"), &DeviceValue::Text("Lot 712".into())).await.unwrap_err();
    assert_eq!(refused.to_string(), "value: STRING cannot hold a text of 7 bytes: 6 at most");
}

#[tokio::test]
async fn a_string_that_changes_while_it_is_looked_up_is_looked_up_again() {
    let value = "cc 00 00 00 a002 3412 03000000 4c6f74000000 0000";
    let port = device(&[
        (READ, value),
        (LEN, "cc 00 00 00 c400 04000000"),
        (READ, value),
        (LEN, "cc 00 00 00 c400 03000000"),
        (&character(0), "cc 00 0f 00"),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    let fault = client.read_tag(&tag("a")).await.unwrap_err();
    assert_eq!(fault.to_string(), "register: the tag changed while its type was looked up");
    assert!(client.is_open());
    assert_eq!(client.read_tag(&tag("a")).await.unwrap().data_type, TagType::Structure(0x1234));
}

#[tokio::test]
async fn an_element_of_a_bool_array_is_a_bit_of_its_dword() {
    let element = |index: &str| format!("4c 03 9101 6100 28{index} 0100");
    let (first, second) = (element("00"), element("01"));
    let port = device(&[
        // What the array is, is asked once.
        (&first, "cc 00 00 00 d300 00000000"),
        (&second, "cc 00 00 00 d300 20000000"),
        (&second, "cc 00 00 00 d300 00000000"),
        // Nor is it asked again for other letter case.
        ("4c 03 9101 4100 2801 0100", "cc 00 00 00 d300 00000000"),
        ("4e 03 9101 4100 2801 0400 20000000 ffffffff", "ce 00 00 00"),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    for on in [true, false] {
        let data = client.read_tag(&tag("a[37]")).await.unwrap();
        assert_eq!(data.value(None).unwrap(), NumericValue::Bit(on));
    }
    client.write_tag(&tag("A[37]"), &NumericValue::Bit(true).into()).await.unwrap();
}

#[tokio::test]
async fn a_value_is_written_as_the_type_of_its_tag() {
    let port = device(&[
        (READ, ANSWER),
        ("4d 02 9101 6100 c400 0100 feffffff", "cd 00 00 00"),
        (READ, ANSWER),
        ("4e 02 9101 6100 0400 00000000 fffeffff", "ce 00 00 00"),
        (READ, ANSWER),
        ("4d 02 9101 6100 c400 0100 01000000", "cd 00 0f 00"),
        (READ, ANSWER),
        (READ, "cc 00 05 00"),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    let int = |value| DeviceValue::Number(NumericValue::Int(value));
    assert_eq!(client.write_tag(&tag("a"), &int(-2)).await, Ok(()));
    assert_eq!(client.write_tag(&tag("a.8"), &int(0)).await, Ok(()));
    let refused = client.write_tag(&tag("a"), &int(1)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the controller allows no access to the tag (general status 0F)");
    let unsupported = client.write_tag(&tag("a"), &int(1 << 40)).await.unwrap_err();
    assert_eq!(unsupported.to_string(), "value: DINT cannot hold 1099511627776");
    assert!(client.write_tag(&tag("a"), &int(1)).await.is_err_and(|fault| !fault.is_connection_loss()));
}

#[test]
fn settings_are_checked() {
    for (settings, route) in [
        (vec![], MessageRoute::Backplane(0)),
        (vec![("slot", json!(3))], MessageRoute::Backplane(3)),
        (vec![("routing", json!("direct")), ("slot", json!(3))], MessageRoute::Direct),
    ] {
        assert_eq!(EipEndpoint::from_spec(&spec(44818, &settings)).unwrap().route, route, "{settings:?}");
    }
    for (name, setting, message) in [
        ("slot", json!(256), "slot: 256 is not a whole number from 0 to 255."),
        ("slot", json!("0"), "slot: \"0\" is not a whole number from 0 to 255."),
        ("routing", json!("1,0"), "routing: \"1,0\" is not one of backplane, direct."),
    ] {
        let error = EipEndpoint::from_spec(&spec(44818, &[(name, setting)])).unwrap_err();
        assert_eq!(error.message, message);
    }
}

#[tokio::test]
async fn replies_to_earlier_messages_are_skipped() {
    let twice = |reply: &str| ScriptedResponse::With(format!("{reply}{reply}").leak());
    let port = play(vec![
        (REGISTER, twice(REGISTERED)),
        (frame(2, READ), twice(frame(2, ANSWER))),
        (frame(3, READ), ScriptedResponse::With(frame(3, "cc 00 00 00 c400 2b000000"))),
    ])
    .await;
    let mut client = connected(port, "direct").await;
    assert_eq!(client.read_tag(&tag("a")).await, dint("2a000000"));
    assert_eq!(client.read_tag(&tag("a")).await, dint("2b000000"));
}

//! Tests of message decoding: each frontend message, truncated and mutated.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

/// A message with its header.
fn framed(tag: Option<u8>, body: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.extend(tag);
    bytes.put_u32(4 + body.len() as u32);
    bytes.extend_from_slice(body);
    bytes
}

fn startup() -> BytesMut {
    framed(None, b"\0\x03\0\0user\0grafana\0database\0basalt\0\0")
}

fn messages() -> Vec<(&'static str, BytesMut, FrontendMessage)> {
    let bind = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02hi\xff\xff\xff\xff\0\0";
    vec![
        ("password", framed(Some(b'p'), b"secret\0"), FrontendMessage::Password("secret".into())),
        ("query", framed(Some(b'Q'), b"SELECT 1\0"), FrontendMessage::Query("SELECT 1".into())),
        (
            "parse",
            framed(Some(b'P'), b"s\0SELECT $1\0\0\x01\0\0\0\x17"),
            FrontendMessage::Parse { name: "s".into(), query: "SELECT $1".into(), types: vec![23] },
        ),
        (
            "bind",
            framed(Some(b'B'), bind),
            FrontendMessage::Bind(Bind {
                portal: "p".into(),
                statement: "s".into(),
                parameter_formats: vec![1],
                values: vec![Some(Bytes::from_static(b"hi")), None],
                result_formats: vec![],
            }),
        ),
        (
            "describe",
            framed(Some(b'D'), b"Ss\0"),
            FrontendMessage::Describe(StatementOrPortal::Statement, "s".into()),
        ),
        (
            "execute",
            framed(Some(b'E'), b"p\0\0\0\0\x05"),
            FrontendMessage::Execute { portal: "p".into(), max_rows: 5 },
        ),
        (
            "less_than_no_rows_are_all",
            framed(Some(b'E'), b"\0\xff\xff\xff\xff"),
            FrontendMessage::Execute { portal: String::new(), max_rows: 0 },
        ),
        (
            "close",
            framed(Some(b'C'), b"P\0"),
            FrontendMessage::Close(StatementOrPortal::Portal, String::new()),
        ),
        ("sync", framed(Some(b'S'), b""), FrontendMessage::Sync),
        ("flush", framed(Some(b'H'), b""), FrontendMessage::Flush),
        ("terminate", framed(Some(b'X'), b""), FrontendMessage::Terminate),
    ]
}

#[test]
fn what_a_client_sends_is_read() {
    for (name, bytes, expected) in messages() {
        let mut buffer = bytes.clone();
        buffer.extend_from_slice(b"next");
        assert_eq!(read_message(&mut buffer, 1000), Ok(Some(expected)), "{name}");
        assert_eq!(&buffer[..], b"next", "{name}");
        for cut in 0..bytes.len() {
            assert_eq!(
                read_message(&mut BytesMut::from(&bytes[..cut]), 1000),
                Ok(None),
                "{name} cut at {cut}"
            );
        }
    }
}

#[test]
fn what_a_connection_begins_with() {
    let parameters = vec![("user".into(), "grafana".into()), ("database".into(), "basalt".into())];
    let rows = [
        ("ssl", framed(None, &SSL_REQUEST_CODE.to_be_bytes()), StartupPacket::Ssl),
        ("gss", framed(None, &GSSENC_REQUEST_CODE.to_be_bytes()), StartupPacket::Gss),
        (
            "cancel",
            framed(None, b"\x04\xd2\x16\x2e\0\0\0\x07abcd"),
            StartupPacket::Cancel { pid: 7, secret: Bytes::from_static(b"abcd") },
        ),
        ("startup", startup(), StartupPacket::Startup { major: 3, minor: 0, parameters }),
    ];
    for (name, bytes, expected) in rows {
        assert_eq!(read_startup_packet(&mut bytes.clone()), Ok(Some(expected)), "{name}");
        for cut in 0..bytes.len() {
            assert_eq!(
                read_startup_packet(&mut BytesMut::from(&bytes[..cut])),
                Ok(None),
                "{name} cut at {cut}"
            );
        }
    }
}

#[test]
fn broken_messages_are_refused() {
    let rows: [(&str, &[u8]); 14] = [
        ("an_unknown_type", b"~\0\0\0\x04"),
        ("shorter_than_its_length", b"Q\0\0\0\x03"),
        ("longer_than_allowed", b"Q\0\0\x10\0"),
        ("of_two_gigabytes", b"Q\x7f\xff\xff\xff"),
        ("a_text_without_end", b"Q\0\0\0\x06hi"),
        ("not_utf8", b"Q\0\0\0\x06\xff\0"),
        ("more_than_a_text", b"Q\0\0\0\x07h\0i"),
        ("more_types_than_there_are", b"P\0\0\0\x08\0\0\0\x09"),
        ("a_value_past_the_end", b"B\0\0\0\x0e\0\0\0\0\0\x01\0\0\0\x09"),
        ("a_value_of_negative_length", b"B\0\0\0\x0e\0\0\0\0\0\x01\xff\xff\xff\xfe"),
        ("a_third_format", b"B\0\0\0\x0e\0\0\0\x01\0\x02\0\0\0\0"),
        ("formats_for_other_values", b"B\0\0\0\x10\0\0\0\x02\0\x01\0\x01\0\0\0\0"),
        ("an_unknown_target", b"D\0\0\0\x06Q\0"),
        ("copy", b"d\0\0\0\x04"),
    ];
    for (name, bytes) in rows {
        assert!(read_message(&mut BytesMut::from(bytes), 1000).is_err(), "{name}");
    }
    let rows: [(&str, &[u8]); 5] = [
        ("version_2", b"\0\0\0\x08\0\x02\0\0"),
        ("http", b"GET / HTTP/1.1\r\n\r\n"),
        ("tls", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
        ("a_name_without_value", b"\0\0\0\x0d\0\x03\0\0user\0"),
        ("no_code", b"\0\0\0\x04"),
    ];
    for (name, bytes) in rows {
        assert!(read_startup_packet(&mut BytesMut::from(bytes)).is_err(), "{name}");
    }
}

proptest! {
    /// Any bytes are a message, incomplete, or refused, and the buffer never grows.
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = read_message(&mut buffer, 1000) {}
        prop_assert!(buffer.len() <= bytes.len());
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = read_startup_packet(&mut buffer) {}
        prop_assert!(buffer.len() <= bytes.len());
    }

    /// Valid messages with changed bytes are read, incomplete, or refused, without a panic.
    #[test]
    fn no_changed_message_is_too_strange(which in 0..11usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut buffer = messages().swap_remove(which).1;
        let at = at.index(buffer.len());
        buffer[at] = byte;
        while let Ok(Some(_)) = read_message(&mut buffer, 1000) {}
        let mut begun = startup();
        let at = at % begun.len();
        begun[at] = byte;
        while let Ok(Some(_)) = read_startup_packet(&mut begun) {}
    }
}

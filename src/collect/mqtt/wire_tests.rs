//! Packets beyond the limit, as they come in parts.

use super::*;

/// A PUBLISH of QoS 1 to `a/b` with the number 5, one byte longer than what is read.
fn too_large() -> Vec<u8> {
    let body = MAX_PACKET_BYTES as usize + 1;
    let mut packet = vec![0x32, 0x81, 0x80, 0x80, 0x02];
    packet.extend(b"\0\x03a/b\0\x05");
    packet.resize(5 + body, b'x');
    packet
}

/// Plant A5. A ping is answered after such a message only, so that each part of it must show that the broker is there.
#[test]
fn a_message_that_is_too_large_comes_in_parts_and_without_its_payload() {
    let (mut codec, mut bytes) = (MqttCodec::new(), BytesMut::new());
    let whole = too_large();
    let (head, rest) = whole.split_at(20);
    bytes.extend(head);
    assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Incoming::SkippedPart));
    assert_eq!(codec.decode(&mut bytes).unwrap(), None, "until more comes");
    for part in rest.chunks(1024 * 1024) {
        bytes.extend(part);
        if part.len() == 1024 * 1024 {
            assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Incoming::SkippedPart));
        }
    }
    bytes.extend(b"\xd0\0");
    let message = Publication {
        topic: "a/b".to_owned(),
        payload: Err(MessageTooLarge { bytes: MAX_PACKET_BYTES + 1 }),
        packet_id: PacketId::new(5),
        is_retained: false,
    };
    assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Incoming::Publish(message)));
    assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Incoming::PingResponse));
}

#[test]
fn messages_with_qos_2_and_their_releases_are_read() {
    let mut large = too_large();
    large[0] = 0x34;
    for (packet, payload) in [
        (b"\x34\x09\0\x03a/b\0\x0521".to_vec(), Ok(b"21".to_vec())),
        (large, Err(MessageTooLarge { bytes: MAX_PACKET_BYTES + 1 })),
    ] {
        let message =
            Publication { topic: "a/b".to_owned(), payload, packet_id: PacketId::new(5), is_retained: false };
        let mut bytes = BytesMut::from(&*packet);
        bytes.extend(b"\x62\x02\0\x05");
        let mut codec = MqttCodec::new();
        assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Incoming::PublishExactlyOnce(message)));
        let id = PacketId::new(5).unwrap();
        assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Incoming::PublishRelease(id)));
    }
    for broken in [&b"\x34\x07\0\x03a/b\0\0"[..], b"\x34\x05\0\x01\xff\0\x05", b"\x62\x02\0\0"] {
        assert!(MqttCodec::new().decode(&mut BytesMut::from(broken)).is_err(), "{broken:?}");
    }
}

#[test]
fn the_largest_message_is_read() {
    let (mut codec, mut whole) = (MqttCodec::new(), too_large());
    whole.splice(1..5, [0x80, 0x80, 0x80, 0x02]);
    whole.pop();
    let mut bytes = BytesMut::from(&*whole);
    let Some(Incoming::Publish(message)) = codec.decode(&mut bytes).unwrap() else { panic!("no message") };
    assert_eq!(message.payload.map(|payload| payload.len()), Ok(MAX_PACKET_BYTES as usize - 7));
}

#[test]
fn an_invalid_length_is_refused() {
    let mut bytes = BytesMut::from(&b"\x30\xff\xff\xff\xff\x01"[..]);
    assert!(MqttCodec::new().decode(&mut bytes).is_err());
}

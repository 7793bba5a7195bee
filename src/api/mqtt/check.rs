//! Checks of the protocol that the codec does not make. Pure.

use super::encode::{DisconnectReason, Refusal};
use super::inbound::{Connect, Inbound, InboundPublish};
use crate::domain::mqtt::{Qos, topic};

/// Largest client id, bytes.
const MAX_CLIENT_ID_BYTES: usize = 256;

/// Returns why a CONNECT must be refused; `None` when it is right.
pub fn connect_problem(connect: &Connect) -> Option<Refusal> {
    if !matches!(connect.level, 4 | 5) {
        return Some(Refusal::Version);
    }
    if connect.has_auth_method {
        return Some(Refusal::AuthMethod);
    }
    if connect.client_id.len() > MAX_CLIENT_ID_BYTES || connect.client_id.contains('\0') {
        return Some(Refusal::ClientId);
    }
    // [MQTT-3.1.2-22] of 3.1.1; version 5 allows it.
    if connect.level == 4 && connect.password.is_some() && connect.user.is_none() {
        return Some(Refusal::Malformed);
    }
    connect.will.as_ref().filter(|will| !is_topic(&will.topic)).map(|_| Refusal::Malformed)
}

/// Returns why a packet after CONNECT ends the connection; `None` when it is right.
pub fn packet_problem(packet: &Inbound) -> Option<DisconnectReason> {
    match packet {
        Inbound::Connect(_) | Inbound::Unexpected => Some(DisconnectReason::Protocol),
        Inbound::Publish(publish) => publish_problem(publish),
        Inbound::Subscribe { has_identifier: true, .. } => Some(DisconnectReason::SubscriptionIdentifiers),
        // A malformed filter is refused in SUBACK.
        Inbound::Subscribe { requests, .. } => requests.is_empty().then_some(DisconnectReason::Protocol),
        Inbound::Unsubscribe { filters, .. } => filters.is_empty().then_some(DisconnectReason::Protocol),
        Inbound::PubAck(_)
        | Inbound::PubRec { .. }
        | Inbound::PubRel(_)
        | Inbound::PubComp(_)
        | Inbound::Ping
        | Inbound::Disconnect { .. } => None,
    }
}

fn publish_problem(publish: &InboundPublish) -> Option<DisconnectReason> {
    if publish.has_alias {
        // The maximum that was announced is 0.
        return Some(DisconnectReason::AliasInvalid);
    }
    if publish.has_subscription_id || (publish.is_repeat && publish.qos == Qos::AtMostOnce) {
        return Some(DisconnectReason::Protocol);
    }
    (!is_topic(&publish.topic)).then_some(DisconnectReason::TopicInvalid)
}

/// Whether this broker takes messages of a topic.
fn is_topic(name: &str) -> bool {
    topic::name_problem(name).is_none() && !topic::has_too_many_levels(name)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::api::mqtt::wire::{Codec, PacketError};

    /// A packet with its fixed header.
    fn packet(first: u8, body: &[u8]) -> Vec<u8> {
        [&[first, u8::try_from(body.len()).unwrap()][..], body].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
    }

    fn connect(level: u8, flags: u8, properties: &[u8], rest: &[Vec<u8>]) -> Vec<u8> {
        let name = if level == 3 { text("MQIsdp") } else { text("MQTT") };
        let header = [name, vec![level, flags, 0, 60], properties.to_vec()].concat();
        packet(0x10, &[header, rest.concat()].concat())
    }

    fn decode(codec: &mut Codec, bytes: &[u8]) -> Result<Option<Inbound>, PacketError> {
        codec.decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn every_line_of_the_matrix_for_connect() {
        let id = text("c");
        type ExpectedRefusal = Option<Option<Refusal>>;
        let rows: [(&str, Vec<u8>, ExpectedRefusal); 12] = [
            ("plain_3_1_1", connect(4, 2, &[], std::slice::from_ref(&id)), Some(None)),
            (
                "alias_maximum_0_is_legal",
                connect(5, 2, &[3, 0x22, 0, 0], std::slice::from_ref(&id)),
                Some(None),
            ),
            ("password_alone_in_5", connect(5, 0x42, &[0], &[id.clone(), text("p")]), Some(None)),
            (
                "password_alone_in_3_1_1",
                connect(4, 0x42, &[], &[id.clone(), text("p")]),
                Some(Some(Refusal::Malformed)),
            ),
            ("version_3_1", connect(3, 2, &[], std::slice::from_ref(&id)), Some(Some(Refusal::Version))),
            (
                "will_topic_with_wildcard",
                connect(4, 6, &[], &[id.clone(), text("a/+"), text("gone")]),
                Some(Some(Refusal::Malformed)),
            ),
            ("reserved_flag", connect(4, 3, &[], std::slice::from_ref(&id)), None),
            ("will_qos_3", connect(4, 0x1e, &[], &[id.clone(), text("a"), text("")]), None),
            ("empty_client_id_not_clean", connect(4, 0, &[], &[text("")]), Some(Some(Refusal::ClientId))),
            (
                "empty_client_id_not_clean_in_3_1",
                connect(3, 0, &[], &[text("")]),
                Some(Some(Refusal::ClientId)),
            ),
            ("empty_client_id_not_clean_in_5", connect(5, 0, &[0], &[text("")]), Some(None)),
            ("auth_method", connect(5, 2, &[4, 0x15, 0, 1, b'x'], &[id]), Some(Some(Refusal::AuthMethod))),
        ];
        for (name, bytes, expected) in rows {
            let found = match decode(&mut Codec::default(), &bytes) {
                Ok(Some(Inbound::Connect(connect))) => Some(connect_problem(&connect)),
                Err(PacketError::NoClientId) => Some(Some(Refusal::ClientId)),
                Err(PacketError::Malformed) => None,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    /// A codec that has read its CONNECT.
    fn connected(level: u8) -> Codec {
        let mut codec = Codec::default();
        let properties: &[u8] = if level == 5 { &[0] } else { &[] };
        assert!(decode(&mut codec, &connect(level, 2, properties, &[text("c")])).unwrap().is_some());
        codec
    }

    #[test]
    fn every_line_of_the_matrix_after_connect() {
        let publish =
            |flags: u8, topic: &str, rest: &[u8]| packet(0x30 | flags, &[&text(topic)[..], rest].concat());
        type ExpectedReason = Option<Option<DisconnectReason>>;
        // Empty levels, so that the length of the packet is one byte.
        let deep = "/".repeat(64);
        let rows: [(&str, u8, Vec<u8>, ExpectedReason); 17] = [
            ("plain", 4, publish(0, "a", b"1"), Some(None)),
            ("plain_5", 5, publish(0, "a", b"\x00\x30\x30\x31"), Some(None)),
            ("plus", 4, publish(0, "a/+", b""), Some(Some(DisconnectReason::TopicInvalid))),
            ("hash", 4, publish(0, "#", b""), Some(Some(DisconnectReason::TopicInvalid))),
            ("null", 4, publish(0, "a\0", b""), Some(Some(DisconnectReason::TopicInvalid))),
            ("65_levels", 4, publish(0, &deep, b""), Some(Some(DisconnectReason::TopicInvalid))),
            ("empty_topic_5", 5, publish(0, "", b"\0"), Some(Some(DisconnectReason::TopicInvalid))),
            ("repeat_at_qos_0", 4, publish(8, "a", b""), Some(Some(DisconnectReason::Protocol))),
            ("alias", 5, publish(0, "a", &[3, 0x23, 0, 1]), Some(Some(DisconnectReason::AliasInvalid))),
            ("alias_alone", 5, publish(0, "", &[3, 0x23, 0, 1]), Some(Some(DisconnectReason::AliasInvalid))),
            ("subscription_id", 5, publish(0, "a", &[2, 0x0b, 1]), Some(Some(DisconnectReason::Protocol))),
            ("packet_id_0", 4, publish(2, "a", &[0, 0]), None),
            ("qos_3", 4, publish(6, "a", &[0, 1]), None),
            ("subscribe_with_wrong_flags", 4, packet(0x80, &[0, 1, 0, 1, b'a', 0]), None),
            (
                "subscribe_with_identifier",
                5,
                packet(0x82, &[0, 1, 2, 0x0b, 1, 0, 1, b'a', 0]),
                Some(Some(DisconnectReason::SubscriptionIdentifiers)),
            ),
            ("a_second_connect", 4, connect(4, 2, &[], &[text("c")]), Some(Some(DisconnectReason::Protocol))),
            ("what_servers_send", 4, packet(0x20, &[0, 0]), Some(Some(DisconnectReason::Protocol))),
        ];
        for (name, level, bytes, expected) in rows {
            let found = match decode(&mut connected(level), &bytes) {
                Ok(Some(packet)) => Some(packet_problem(&packet)),
                Err(PacketError::Malformed) => None,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    /// Ids and lengths look like the first bytes of CONNECT, SUBSCRIBE and whatever else: a body is never read as a header.
    #[test]
    fn packets_may_come_byte_by_byte() {
        for level in [4, 5] {
            for id in (0x0100..=0xFF00_u16).step_by(0x0100).map(u16::to_be_bytes) {
                let properties: &[u8] = if level == 5 { &[0] } else { &[] };
                let with_filter = [&id[..], properties, &text("a")].concat();
                for bytes in [
                    packet(0x32, &[&text("a")[..], &id, properties, b"1"].concat()),
                    packet(0x40, &id),
                    packet(0x62, &id),
                    packet(0x82, &[&with_filter[..], &[1]].concat()),
                    packet(0xA2, &with_filter),
                ] {
                    let whole = decode(&mut connected(level), &bytes).unwrap().unwrap();
                    let (mut codec, mut buffer) = (connected(level), BytesMut::new());
                    for byte in &bytes[..bytes.len() - 1] {
                        buffer.extend_from_slice(&[*byte]);
                        assert_eq!(codec.decode(&mut buffer), Ok(None), "{level} {bytes:x?}");
                    }
                    buffer.extend_from_slice(&bytes[bytes.len() - 1..]);
                    assert_eq!(codec.decode(&mut buffer), Ok(Some(whole)), "{level} {bytes:x?}");
                }
            }
        }
    }

    #[test]
    fn long_packets_are_refused_by_their_length() {
        let mut codec = connected(4);
        assert_eq!(decode(&mut codec, &[0x30, 0x81, 0x80, 0x01]), Err(PacketError::TooLarge));
        let mut codec = connected(4);
        codec.set_limits(1 << 20, None);
        assert_eq!(decode(&mut codec, &[0x30, 0x81, 0x80, 0x01]), Ok(None));
    }
}

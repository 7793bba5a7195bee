//! Packets after CONNECT that break the rules: each ends its connection and nobody else's.

use super::Plant;
use crate::tools::mqtt::encode::{
    PINGREQ, PUBACK, SUBSCRIPTION_ID, TOPIC_ALIAS, ack, frame, prefixed, subscribe, two_bytes, unsubscribe,
};
use crate::tools::mqtt::{BOTH, End, MqttClient, Packet, Publish, Version};

use crate::support::row_vec;
use Version::{V5, V311};

/// Malformed packet and protocol error; which of the two is a matter of taste in some cases.
const BROKEN: &[End] = &[Some(0x81), Some(0x82)];
const BROKEN_TOPIC: &[End] = &[Some(0x81), Some(0x82), Some(0x90)];
const BROKEN_ALIAS: &[End] = &[Some(0x82), Some(0x94)];
const BROKEN_FORMAT: &[End] = &[Some(0x81), Some(0x82), Some(0x99)];
const NO_AUTH: &[End] = &[Some(0x81), Some(0x82), Some(0x8C)];
const BROKEN_FILTER: &[End] = &[Some(0x81), Some(0x82), Some(0x8F), Some(0x9E)];
/// The reason may be lost with the rest of what was sent.
const TOO_LONG: &[End] = &[Some(0x95), None];
const NOT_OURS: &[End] = &[Some(0x87), Some(0x90)];

/// Name, version, bytes, and the codes that are right in 5.0.
type Row = (&'static str, Version, Vec<u8>, &'static [End]);

fn publishes(version: Version) -> Vec<Row> {
    let topic = "basalt/press/temp";
    let publish = |topic: &str, qos: u8, id: u16| Publish::new(topic, "1", qos, id).encode(version);
    let with_first = |first: u8| [&[first][..], &publish(topic, 1, 7)[1..]].concat();
    let mut no_text = publish(topic, 0, 0);
    no_text[6] = 0xFF;
    let properties: &[u8] = if version == V5 { &[0] } else { &[] };
    let surrogates = [&prefixed(b"basalt/press/\xED\xA0\x80")[..], properties, b"1"].concat();
    vec![
        ("publish_of_qos_3", version, with_first(0x36), BROKEN),
        ("dup_at_qos_0", version, [&[0x38][..], &publish(topic, 0, 0)[1..]].concat(), BROKEN),
        ("a_topic_with_plus", version, publish("basalt/+/temp", 0, 0), BROKEN_TOPIC),
        ("a_topic_with_hash", version, publish("basalt/#", 1, 1), BROKEN_TOPIC),
        ("a_topic_with_nul", version, publish("basalt/press/\0", 0, 0), BROKEN_TOPIC),
        ("a_topic_that_is_no_text", version, no_text, BROKEN_TOPIC),
        ("a_topic_of_surrogates", version, frame(0x30, &surrogates), BROKEN_TOPIC),
        ("no_topic", version, publish("", 0, 0), BROKEN_TOPIC),
        ("packet_id_0", version, publish(topic, 1, 0), BROKEN),
        ("a_topic_cut_short", version, frame(0x30, &[0, 9, b'b']), BROKEN),
        ("publish_of_nothing", version, frame(0x30, &[]), BROKEN),
        ("a_topic_nobody_has", version, publish("elsewhere/x", 1, 1), NOT_OURS),
        ("a_topic_of_the_system", version, publish("$SYS/broker/uptime", 1, 1), NOT_OURS),
    ]
}

fn others(version: Version, hello: &[u8]) -> Vec<Row> {
    let filters = [("basalt/#", 0)];
    let with_first = |first: u8, bytes: Vec<u8>| [&[first][..], &bytes[1..]].concat();
    let cancel = |id| unsubscribe(version, id, &["basalt/#"]);
    let mut rows = vec![
        ("a_second_connect", version, hello.to_vec(), BROKEN),
        ("subscribe_with_flags_0", version, with_first(0x80, subscribe(version, 1, &filters)), BROKEN),
        ("subscribe_to_nothing", version, subscribe(version, 1, &[]), BROKEN),
        ("subscribe_with_packet_id_0", version, subscribe(version, 0, &filters), BROKEN),
        ("subscribe_with_qos_3", version, subscribe(version, 1, &[("basalt/#", 3)]), BROKEN),
        ("subscribe_with_reserved_bits", version, subscribe(version, 1, &[("basalt/#", 0xC0)]), BROKEN),
        ("unsubscribe_with_flags_0", version, with_first(0xA0, cancel(1)), BROKEN),
        ("unsubscribe_from_nothing", version, unsubscribe(version, 1, &[]), BROKEN),
        ("unsubscribe_with_packet_id_0", version, cancel(0), BROKEN),
        ("pubrel_with_flags_0", version, ack(0x60, 1), BROKEN),
        ("puback_of_packet_id_0", version, ack(PUBACK, 0), BROKEN),
        ("puback_of_one_byte", version, frame(PUBACK, &[1]), BROKEN),
        ("ping_with_flags", version, frame(0xC1, &[]), BROKEN),
        ("disconnect_with_flags", version, frame(0xE1, &[]), BROKEN),
        ("a_packet_of_type_0", version, frame(0x00, &[]), BROKEN),
        ("a_length_of_five_bytes", version, vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], BROKEN),
    ];
    // Packets that only servers send.
    for (name, first) in [("connack", 0x20), ("suback", 0x90), ("unsuback", 0xB0), ("pingresp", 0xD0)] {
        rows.push((name, version, frame(first, &[0; 4]), BROKEN));
    }
    rows
}

fn of_version_5() -> Vec<Row> {
    let with = |properties: Vec<u8>| {
        Publish { properties, ..Publish::new("basalt/press/temp", "1", 1, 1) }.encode(V5)
    };
    let alias = two_bytes(TOPIC_ALIAS, 1);
    let unnamed = Publish { properties: alias.clone(), ..Publish::new("", "1", 0, 0) }.encode(V5);
    let shared = subscribe(V5, 1, &[("$share//basalt/#", 0)]);
    row_vec![
        "a_topic_alias", V5, with(alias), BROKEN_ALIAS;
        "a_topic_alias_alone", V5, unnamed, BROKEN_ALIAS;
        "a_subscription_id_in_publish", V5, with(vec![SUBSCRIPTION_ID, 1]), BROKEN;
        "a_property_of_connect_in_publish", V5, with(vec![0x11, 0, 0, 0, 1]), BROKEN;
        "a_property_that_does_not_exist", V5, with(vec![0x7E]), BROKEN;
        "a_format_that_does_not_exist", V5, with(vec![0x01, 2]), BROKEN_FORMAT;
        "auth", V5, frame(0xF0, &[]), NO_AUTH;
        "shared_by_nobody", V5, shared, BROKEN_FILTER;
        "longer_than_anybody_may", V5, Publish::new("basalt/press/temp", " ".repeat(2 << 20), 0, 0).encode(V5), TOO_LONG;
        // The session was to end with the connection.
        "disconnect_with_an_expiry", V5, frame(0xE0, &[0, 5, 0x11, 0, 0, 0, 9]), BROKEN;
    ]
}

/// Reaction of the server to the bytes of a row.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The connection has ended, or the packet was refused with a code.
    Ended(End),
    /// The server goes on as if nothing were wrong.
    Accepted(Packet),
}

/// Sends the bytes of a row and a ping after them.
async fn outcome(client: &mut MqttClient, bytes: &[u8]) -> Outcome {
    client.raw(&[bytes, &PINGREQ].concat()).await;
    let mut code = None;
    while let Some(packet) = client.packet().await {
        match packet {
            Packet::Disconnect { code: said } => code = Some(said),
            Packet::Ack { code: said, .. } if said >= 0x80 => code = Some(said),
            Packet::SubAck { codes, .. } if codes.first().is_some_and(|code| *code >= 0x80) => {
                return Outcome::Ended(codes.first().copied());
            }
            // A code that was said before is a refusal without an end.
            Packet::PingResp if code.is_some() => return Outcome::Ended(code),
            other => return Outcome::Accepted(other),
        }
    }
    Outcome::Ended(code)
}

#[tokio::test]
async fn what_breaks_the_rules_ends_its_connection_and_no_other() {
    let plant = Plant::start().await;
    let mut healthy = plant.connect(V5, "healthy").await;
    let mut rows = of_version_5();
    for version in BOTH {
        let hello = plant.hello(version, "hostile");
        rows.extend(publishes(version));
        rows.extend(others(version, &hello.encode()));
    }
    rows.push(("311_disconnect_with_a_body", V311, frame(0xE0, &[0]), BROKEN));
    let mut wrong = Vec::new();
    for (name, version, bytes, expected) in rows {
        let mut client = plant.connect(version, "hostile").await;
        let outcome = outcome(&mut client, &bytes).await;
        let is_right = match (&outcome, version) {
            // Nothing can be said in 3.1.1, but in SUBACK.
            (Outcome::Ended(end), V311) => end.is_none() || name.starts_with("subscribe"),
            (Outcome::Ended(end), V5) => expected.contains(end),
            (Outcome::Accepted(_), _) => false,
        };
        if !is_right {
            wrong.push(format!("{name}, {version:?}: {outcome:x?}, expected one of {expected:x?}"));
        }
        healthy.ping().await;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(!plant.server.log().contains("panicked"), "{}", plant.server.log());
    for stream in &plant.streams {
        assert!(plant.values(*stream).await.is_empty(), "nothing of it was stored");
    }
}

#[tokio::test]
async fn filters_that_cannot_be_are_refused_one_by_one() {
    let plant = Plant::start().await;
    for version in BOTH {
        for wrong in ["basalt/#/temp", "basalt+/temp", "basalt/pre+", "#/x", "basalt/#x", ""] {
            let mut client = plant.connect(version, "reader").await;
            client.raw(&subscribe(version, 1, &[("basalt/press/temp", 1), (wrong, 1)])).await;
            // Either the filter alone is refused, or the packet ends the connection.
            match client.answer().await {
                Some(Packet::SubAck { id: 1, codes }) => {
                    let expected = if version == V5 { 0x8F } else { 0x80 };
                    assert_eq!(codes, [1, expected], "{wrong:?}, {version:?}");
                }
                Some(Packet::Disconnect { code }) => assert!([0x81, 0x82, 0x8F].contains(&code), "{wrong:?}"),
                None => assert_eq!(version, V311, "{wrong:?}: in 5.0 a reason is said"),
                other => panic!("{wrong:?}: {other:?}"),
            }
        }
        let mut client = plant.connect(version, "reader").await;
        let shared = if version == V5 { 0x9E } else { 0x80 };
        let expected = [shared, 1];
        assert_eq!(client.subscribe(&[("$share/group/basalt/#", 1), ("basalt/press/#", 1)]).await, expected);
    }
}

#[tokio::test]
async fn bytes_are_read_however_they_are_cut() {
    let plant = Plant::start().await;
    for version in BOTH {
        let name = format!("cut{version:?}");
        let publish =
            |id: u16| Publish::new(&format!("basalt/{name}/t"), id.to_string(), 1, id).encode(version);
        let hello = plant.hello(version, &name).encode();
        let all =
            [hello, publish(1), publish(2), subscribe(version, 3, &[("basalt/#", 1)]), publish(4)].concat();
        // Byte by byte, and everything at once, before CONNACK.
        for size in [1, all.len()] {
            let mut client = MqttClient::open(&plant.address, version).await;
            for bytes in all.chunks(size) {
                client.raw(bytes).await;
                if size == 1 {
                    tokio::task::yield_now().await;
                }
            }
            assert!(matches!(client.packet().await, Some(Packet::ConnAck { code: 0, .. })), "{name}, {size}");
            let (mut acked, mut granted) = (Vec::new(), 0);
            for _ in 0..4 {
                match client.answer().await {
                    Some(Packet::Ack { first: PUBACK, id, code: 0 }) => acked.push(id),
                    Some(Packet::SubAck { id: 3, codes }) => granted += codes.len(),
                    other => panic!("{name}, {size}: {other:?}"),
                }
            }
            assert_eq!((acked, granted), (vec![1, 2, 4], 1), "{name}, {size}");
            client.disconnect(0).await;
        }
        let stream = plant.stream(&name, "t").await;
        assert_eq!(plant.values(stream).await, [1.0, 2.0, 4.0, 1.0, 2.0, 4.0], "{name}");
    }
}

//! Fuzz tests of MQTT: packets of both versions, one after the other, and what is done with them without a socket.

use bytes::BytesMut;

use super::check;
use super::encode::{self, AckReason, DisconnectReason, Outbound};
use super::inbound::Inbound;
use super::wire::Codec;
use crate::domain::mqtt::Qos;
use crate::domain::mqtt::inbox::Inbox;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// Input: consecutive packets, the first of them CONNECT.
fn packets() -> InputFormat {
    let v4: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01c";
    let v5: &[u8] = b"\x10\x11\0\x04MQTT\x05\x02\0\x3c\x03\x21\0\x05\0\x01c";
    let will: &[u8] = b"\x10\x18\0\x04MQTT\x04\xc6\0\x3c\0\x01c\0\x01t\0\0\0\x01u\0\x01p";
    let bodies_v4: [&[u8]; 6] = [
        b"\x32\x07\0\x01a\0\x01hi",
        b"\x34\x07\0\x01a\0\x02hi",
        b"\x62\x02\0\x02",
        b"\x82\x06\0\x03\0\x01#\x01",
        b"\xa2\x05\0\x04\0\x01#",
        b"\xc0\0\xe0\0",
    ];
    let bodies_v5: [&[u8]; 6] = [
        b"\x32\x08\0\x01a\0\x01\0hi",
        b"\x30\x0b\0\x01a\x06\x26\0\x01k\0\0h",
        b"\x62\x04\0\x02\0\0",
        b"\x82\x07\0\x03\0\0\x01#\x29",
        b"\x40\x03\0\x01\x10",
        b"\xe0\x02\x04\0",
    ];
    let mut seeds = vec![v4.to_vec(), v5.to_vec(), will.to_vec()];
    seeds.extend(bodies_v4.iter().map(|body| [v4, body].concat()));
    seeds.extend(bodies_v5.iter().map(|body| [v5, body].concat()));
    seeds.push([v4, &bodies_v4.concat()].concat());
    seeds.push([v5, &bodies_v5.concat()].concat());
    InputFormat {
        seeds,
        words: &["\0\u{4}MQTT", "#", "+", "$share/", "\u{23}\0\u{1}"],
        ..InputFormat::default()
    }
}

fn read_packets() -> Decoder {
    Box::new(|input| {
        let (mut codec, mut buffer) = (Codec::default(), BytesMut::from(input));
        let (mut inbox, mut answers) = (Inbox::new(4), BytesMut::new());
        while let Ok(Some(packet)) = codec.decode(&mut buffer) {
            let answer = match &packet {
                Inbound::Connect(connect) => check::connect_problem(connect).map(Outbound::ConnRefused),
                _ if check::packet_problem(&packet).is_some() => {
                    Some(Outbound::Disconnect(DisconnectReason::Protocol))
                }
                Inbound::Publish(publish) => {
                    inbox.arrive(publish.qos, publish.id);
                    inbox.mark_stored(publish.qos, publish.id);
                    (publish.qos != Qos::AtMostOnce)
                        .then_some(Outbound::PubRec(publish.id, AckReason::Success))
                }
                Inbound::PubRel(id) => Some(Outbound::PubComp(*id, inbox.release(*id))),
                Inbound::Unsubscribe { id, filters } => {
                    Some(Outbound::UnsubAck(*id, vec![true; filters.len()]))
                }
                _ => None,
            };
            if let Some(answer) = answer {
                encode::encode(&mut codec, answer, &mut answers);
            }
        }
    })
}

#[test]
fn mqtt_packets() {
    FuzzTarget { module: module_path!(), name: "mqtt_packets", form: packets, decoder: read_packets }.run();
}

//! Arbitrary bytes as the packets of a broker.

use bytes::BytesMut;
use tokio_util::codec::Decoder as _;

use super::payload::{Payload, ValueReader};
use super::wire::{Incoming, MAX_PACKET_BYTES, MqttCodec};
use crate::domain::stream::StreamKind;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// CONNACK, PUBLISH with QoS 0, 1 and 2, PUBREL, PUBACK, SUBACK, UNSUBACK, PINGRESP; and what only clients send.
fn packets_form() -> InputFormat {
    let packets: [&[u8]; 12] = [
        b"\x20\x02\x00\x00",
        b"\x20\x02\x00\x05",
        b"\x30\x0a\x00\x03a/b21.5\n",
        b"\x32\x12\x00\x03a/b\x00\x01{\"value\":1}",
        b"\x32\x81\x80\x80\x02\x00\x03a/b\x00\x01too large",
        b"\x34\x12\x00\x03a/b\x00\x01{\"value\":1}",
        b"\x62\x02\x00\x01",
        b"\x40\x02\x00\x01",
        b"\x90\x04\x00\x01\x01\x80",
        b"\xb0\x02\x00\x01",
        b"\xd0\x00",
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a",
    ];
    InputFormat {
        seeds: packets.map(<[u8]>::to_vec).into(),
        words: &["MQTT", "a/+", "#", "{\"value\":1}", "\u{0}\u{1}"],
        ..InputFormat::default()
    }
}

fn read_packets() -> Decoder {
    Box::new(|input| {
        let (mut codec, mut bytes) = (MqttCodec::new(), BytesMut::from(input));
        while let Ok(Some(packet)) = codec.decode(&mut bytes) {
            if let Incoming::Publish(publication) | Incoming::PublishExactlyOnce(publication) = packet {
                assert!(!publication.topic.contains(['+', '#', '\0']), "{publication:?}");
                let Ok(payload) = &publication.payload else { continue };
                let payload = Payload::new(payload);
                for kind in StreamKind::ALL {
                    let pointer = Some(Box::<str>::from("/value"));
                    let _ = ValueReader { time_pointer: pointer.clone(), pointer, kind }.read(&payload);
                }
            }
        }
        assert!(bytes.capacity() <= 2 * MAX_PACKET_BYTES as usize + input.len(), "{}", bytes.capacity());
    })
}

#[test]
fn mqtt_server_packets() {
    FuzzTarget {
        module: module_path!(),
        name: "mqtt_server_packets",
        form: packets_form,
        decoder: read_packets,
    }
    .run();
}

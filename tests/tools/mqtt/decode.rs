//! Packets of a server, read byte by byte. What a server must not send fails the test.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};

use super::encode::Version;

/// Properties of 5.0 by identifier; numbers as such, texts by their bytes.
pub type Properties = BTreeMap<u8, Property>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    Number(u32),
    Text(String),
}

/// A PUBLISH of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: Bytes,
    pub qos: u8,
    /// 0 at QoS 0.
    pub id: u16,
    pub is_retained: bool,
    pub is_again: bool,
    pub properties: Properties,
}

impl Message {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("a text")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    ConnAck {
        is_present: bool,
        code: u8,
        properties: Properties,
    },
    Publish(Message),
    /// PUBACK, PUBREC, PUBREL, PUBCOMP by their first byte; the code is 0 where none is said.
    Ack {
        first: u8,
        id: u16,
        code: u8,
    },
    SubAck {
        id: u16,
        codes: Vec<u8>,
    },
    UnsubAck {
        id: u16,
        codes: Vec<u8>,
    },
    PingResp,
    Disconnect {
        code: u8,
    },
}

/// Takes the next packet off the buffer, once it is there as a whole.
pub fn take(buffer: &mut BytesMut, version: Version) -> Option<Packet> {
    let (mut length, mut width) = (0_usize, 0);
    loop {
        let byte = *buffer.get(1 + width)?;
        length |= usize::from(byte & 127) << (7 * width);
        width += 1;
        assert!(width <= 4, "the server's length has more than four bytes");
        if byte & 128 == 0 {
            break;
        }
    }
    if buffer.len() < 1 + width + length {
        return None;
    }
    let first = buffer[0];
    buffer.advance(1 + width);
    Some(parse(first, buffer.split_to(length).freeze(), version))
}

fn parse(first: u8, mut body: Bytes, version: Version) -> Packet {
    match first {
        0x20 => {
            let (flags, code) = (body.get_u8(), body.get_u8());
            assert!(flags <= 1, "reserved flags of CONNACK: {flags:#x}");
            Packet::ConnAck { is_present: flags == 1, code, properties: properties(&mut body, version) }
        }
        0x30..=0x3F => Packet::Publish(message(first, body, version)),
        0x40 | 0x50 | 0x62 | 0x70 => {
            let id = body.get_u16();
            let code = if body.has_remaining() { body.get_u8() } else { 0 };
            assert!(id != 0, "the server acknowledges the packet 0");
            Packet::Ack { first, id, code }
        }
        0x90 => {
            let id = body.get_u16();
            properties(&mut body, version);
            Packet::SubAck { id, codes: body.to_vec() }
        }
        0xB0 => {
            let id = body.get_u16();
            properties(&mut body, version);
            Packet::UnsubAck { id, codes: body.to_vec() }
        }
        0xD0 => Packet::PingResp,
        0xE0 => {
            assert!(version == Version::V5, "a server of 3.1.1 sends no DISCONNECT");
            Packet::Disconnect { code: if body.has_remaining() { body.get_u8() } else { 0 } }
        }
        other => panic!("the server sends a packet {other:#x} of {body:?}"),
    }
}

fn message(first: u8, mut body: Bytes, version: Version) -> Message {
    let qos = first >> 1 & 3;
    assert!(qos < 3 && (qos > 0 || first & 8 == 0), "the server publishes with flags {first:#x}");
    let topic = text(&mut body);
    let id = if qos > 0 { body.get_u16() } else { 0 };
    assert!(qos == 0 || id > 0, "the server publishes the packet 0");
    let properties = properties(&mut body, version);
    let (is_retained, is_again) = (first & 1 == 1, first & 8 == 8);
    Message { topic, payload: body, qos, id, is_retained, is_again, properties }
}

fn text(body: &mut Bytes) -> String {
    let length = usize::from(body.get_u16());
    String::from_utf8(body.split_to(length).to_vec()).expect("the server writes UTF-8")
}

fn variable(body: &mut Bytes) -> usize {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = body.get_u8();
        number |= usize::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return number;
        }
        shift += 7;
    }
}

/// Of a property that is there more than once (user properties), the last.
fn properties(body: &mut Bytes, version: Version) -> Properties {
    let mut found = Properties::new();
    // In 5.0 they may be left out with everything that follows.
    if version == Version::V311 || !body.has_remaining() {
        return found;
    }
    let length = variable(body);
    let mut own = body.split_to(length);
    while own.has_remaining() {
        let id = own.get_u8();
        let property = match id {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2A => Property::Number(own.get_u8().into()),
            0x13 | 0x21 | 0x22 | 0x23 => Property::Number(own.get_u16().into()),
            0x02 | 0x11 | 0x18 | 0x27 => Property::Number(own.get_u32()),
            0x0B => Property::Number(variable(&mut own) as u32),
            0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => Property::Text(text(&mut own)),
            0x26 => Property::Text(format!("{}={}", text(&mut own), text(&mut own))),
            other => panic!("5.0 has no property {other:#x}"),
        };
        found.insert(id, property);
    }
    found
}

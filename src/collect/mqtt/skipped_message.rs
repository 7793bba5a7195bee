//! Messages that are too large to be read: what precedes their payload is read, and the rest is skipped as it comes, so
//! that the messages after them are read and they can be acknowledged. Pure.

use std::num::NonZeroU16;

use bytes::{Buf, BytesMut};

use crate::domain::mqtt::topic;

/// Type of a PUBLISH packet (MQTT 3.1.1, table 2.1).
const PUBLISH: u8 = 3;

/// Header that every packet begins with (MQTT 3.1.1, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    first_byte: u8,
    /// Its own length, 2 to 5 bytes.
    header_bytes: usize,
    /// Length of what follows it.
    pub body_bytes: u32,
}

/// A message whose payload is being skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct SkippedMessage {
    pub topic: String,
    /// To acknowledge; `None` for QoS 0.
    pub packet_id: Option<NonZeroU16>,
    /// Whether its QoS is 2.
    pub is_exactly_once: bool,
    pub is_retained: bool,
    /// Length of the packet without its header.
    pub bytes: u32,
    /// Bytes that have not come yet.
    remaining: usize,
}

impl FixedHeader {
    /// Reads the header; `None` while it is incomplete, and where its length is invalid.
    pub fn read(bytes: &[u8]) -> Option<FixedHeader> {
        let (first_byte, rest) = bytes.split_first()?;
        let mut body_bytes = 0;
        for (at, byte) in rest.iter().take(4).enumerate() {
            body_bytes |= u32::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                return Some(FixedHeader { first_byte: *first_byte, header_bytes: at + 2, body_bytes });
            }
        }
        None
    }

    /// Length of the whole packet.
    pub fn packet_bytes(self) -> usize {
        self.header_bytes + self.body_bytes as usize
    }
}

impl SkippedMessage {
    /// Takes what precedes the payload off the buffer; `None` while it is incomplete.
    ///
    /// # Errors
    /// Words about the packet: it is no message, has QoS 3, or has no valid topic or number.
    pub fn begin(header: FixedHeader, bytes: &mut BytesMut) -> Result<Option<SkippedMessage>, String> {
        let FixedHeader { first_byte, header_bytes, body_bytes } = header;
        if first_byte >> 4 != PUBLISH {
            return Err(format!("it sent a packet of {body_bytes} bytes that is no message"));
        }
        let qos = first_byte >> 1 & 3;
        let number_bytes = match qos {
            0 => 0,
            1 | 2 => 2,
            _ => return Err("it sent a message with QoS 3, which there is not".to_owned()),
        };
        let rest = bytes.get(header_bytes..).unwrap_or_default();
        let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((name, rest)) = rest.split_at_checked(length) else { return Ok(None) };
        let Some(number) = rest.get(..number_bytes) else { return Ok(None) };
        let invalid = |why: &str| format!("it sent a message with an invalid topic: {why}");
        let name = std::str::from_utf8(name).map_err(|_| invalid("it is not UTF-8"))?;
        if let Some(why) = topic::name_problem(name) {
            return Err(invalid(why));
        }
        let packet_id = match number.first_chunk() {
            None => None,
            Some(number) => Some(
                NonZeroU16::new(u16::from_be_bytes(*number))
                    .ok_or_else(|| "it sent a message with the number 0".to_owned())?,
            ),
        };
        let head_bytes = header_bytes + 2 + length + number_bytes;
        let message = SkippedMessage {
            topic: name.to_owned(),
            packet_id,
            is_exactly_once: qos == 2,
            is_retained: first_byte & 1 == 1,
            bytes: body_bytes,
            remaining: header.packet_bytes().saturating_sub(head_bytes),
        };
        bytes.advance(head_bytes);
        Ok(Some(message))
    }

    /// Takes bytes of the payload off the buffer and returns how many.
    pub fn skip(&mut self, bytes: &mut BytesMut) -> usize {
        let part = self.remaining.min(bytes.len());
        bytes.advance(part);
        self.remaining -= part;
        part
    }

    /// Whether all of it has come.
    pub fn is_complete(&self) -> bool {
        self.remaining == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of 300 bytes whose payload is `x`.
    fn packet(first_byte: u8, head: &[u8]) -> Vec<u8> {
        let mut packet = vec![first_byte, 0xAC, 0x02];
        packet.extend(head);
        packet.resize(303, b'x');
        packet
    }

    #[test]
    fn a_message_is_skipped_to_its_end_and_not_further() {
        let whole = packet(0x33, b"\0\x03a/b\x01\x02");
        for cut in 0..whole.len() {
            let mut bytes = BytesMut::from(&whole[..cut]);
            let Some(header) = FixedHeader::read(&bytes) else {
                assert!(cut < 3, "{cut}");
                continue;
            };
            let Some(mut message) = SkippedMessage::begin(header, &mut bytes).unwrap() else {
                assert!(cut < 10 && bytes.len() == cut, "{cut}");
                continue;
            };
            assert_eq!((message.skip(&mut bytes), message.is_complete()), (cut - 10, false), "{cut}");
            bytes.extend(&whole[cut..]);
            bytes.extend(b"\xd0\0");
            message.skip(&mut bytes);
            assert!(message.is_complete() && &*bytes == b"\xd0\0", "{cut}: the next packet is left");
            let found = (message.topic.as_str(), message.packet_id, message.is_retained, message.bytes);
            assert_eq!(found, ("a/b", NonZeroU16::new(258), true, 300), "{cut}");
        }
    }

    #[test]
    fn what_is_no_valid_message_is_refused() {
        for (first_byte, head, why) in [
            (0x90, &b"\0\x03a/b\x01\x02"[..], "of 300 bytes that is no message"),
            (0x36, b"\0\x03a/b\x01\x02", "QoS 3"),
            (0x32, b"\0\x03a/b\0\0", "the number 0"),
            (0x30, b"\0\x03a/#", "invalid topic"),
            (0x30, b"\0\x01\xff", "it is not UTF-8"),
        ] {
            let mut bytes = BytesMut::from(&*packet(first_byte, head));
            let header = FixedHeader::read(&bytes).unwrap();
            let error = SkippedMessage::begin(header, &mut bytes).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(FixedHeader::read(b"\x30\x80\x80\x80\x80\x01"), None, "no length has five bytes");
    }
}

//! What the codec reads over: reserved bits of packets that it accepts. Looked at before the packet is decoded.

/// First nibble of CONNECT.
const CONNECT: u8 = 1;
/// First nibble of SUBSCRIBE.
const SUBSCRIBE: u8 = 8;
/// Will Flag of CONNECT.
const WILL: u8 = 0x04;
/// Will QoS and Will Retain of CONNECT, which only a will has.
const OF_WILL: u8 = 0x38;
/// Bits of a requested QoS in version 3.1.1.
const QOS: u8 = 0x03;

/// What is found at the beginning of the received bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspection {
    /// Nothing that the codec would read over.
    Nothing,
    /// The packet is not complete.
    Incomplete,
    /// A reserved bit is set.
    ReservedBits,
}

/// Looks for reserved bits in the packet at the beginning of `bytes`, once it is complete: the flags of a will without a
/// will in CONNECT ([MQTT-3.1.2-13], [MQTT-3.1.2-15]), and the reserved bits of a requested QoS in SUBSCRIBE of version 3.1.1
/// ([MQTT-3.8.3-4]). A packet of more than `max_bytes` after its length is not waited for: the codec refuses it.
pub fn inspect(bytes: &[u8], is_v5: bool, max_bytes: u32) -> Inspection {
    let Some((first, rest)) = bytes.split_first() else { return Inspection::Incomplete };
    let body = match remaining_length(rest) {
        Some((length, _)) if length > max_bytes as usize => return Inspection::Nothing,
        Some((length, body)) => body.get(..length),
        // Whether four bytes are a length is the codec's matter.
        None if rest.len() >= 4 => return Inspection::Nothing,
        None => None,
    };
    let Some(body) = body else { return Inspection::Incomplete };
    let is_reserved = match first >> 4 {
        CONNECT => connect_flags(body).is_some_and(|flags| flags & WILL == 0 && flags & OF_WILL != 0),
        SUBSCRIBE => !is_v5 && has_reserved_qos(body),
        _ => false,
    };
    if is_reserved { Inspection::ReservedBits } else { Inspection::Nothing }
}

/// The remaining length and what follows it (section 2.2.3 of 3.1.1); `None` while it is incomplete or when it is none.
fn remaining_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((length, bytes.get(at + 1..)?));
        }
    }
    None
}

/// The bytes after a length of two bytes, and the rest.
fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

fn connect_flags(body: &[u8]) -> Option<u8> {
    let (_, rest) = prefixed(body)?;
    // After the level.
    rest.get(1).copied()
}

fn has_reserved_qos(body: &[u8]) -> bool {
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some((_, [options, more @ ..])) = prefixed(rest) {
        if options & !QOS != 0 {
            return true;
        }
        rest = more;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_no_will_and_of_no_quality_are_found() {
        use Inspection::{Incomplete, Nothing, ReservedBits};
        let connect =
            |flags: u8| [b"\x10\x0d\x00\x04MQTT\x04".as_slice(), &[flags], b"\x00\x1e\x00\x01a"].concat();
        for (name, bytes, is_v5, expected) in [
            ("plain", connect(0x02), false, Nothing),
            ("will", connect(0x2E), true, Nothing),
            ("retain_alone", connect(0x22), true, ReservedBits),
            ("qos_alone", connect(0x0A), false, ReservedBits),
            ("cut", connect(0x22)[..10].to_vec(), true, Incomplete),
            ("the_first_byte", vec![0x10], true, Incomplete),
            ("long_connect", b"\x10\xff\xff\x7f".to_vec(), true, Nothing),
            ("subscribe", b"\x82\x06\x00\x01\x00\x01a\x01".to_vec(), false, Nothing),
            ("reserved", b"\x82\x06\x00\x01\x00\x01a\x05".to_vec(), false, ReservedBits),
            ("the_second", b"\x82\x0a\x00\x01\x00\x01a\x00\x00\x01b\x80".to_vec(), false, ReservedBits),
            ("no_local_of_5", b"\x82\x07\x00\x01\x00\x00\x01a\x05".to_vec(), true, Nothing),
            ("cut_publish", vec![0x30, 0x05], false, Incomplete),
            ("publish", b"\x30\x03\x00\x01a".to_vec(), false, Nothing),
            ("nothing", Vec::new(), false, Incomplete),
            ("endless_length", b"\x10\xff\xff\xff\xff\x7f".to_vec(), false, Nothing),
        ] {
            assert_eq!(inspect(&bytes, is_v5, 1 << 14), expected, "{name}");
        }
    }
}

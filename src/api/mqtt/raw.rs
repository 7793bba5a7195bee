//! Departures of the codec from the protocol: reserved bits that it reads over, and a CONNECT that it refuses. Looked at
//! before the packet is decoded.

/// First nibble of CONNECT.
const CONNECT: u8 = 1;
/// First nibble of SUBSCRIBE.
const SUBSCRIBE: u8 = 8;
/// Clean Start of CONNECT.
const CLEAN_START: u8 = 0x02;
/// Will Flag of CONNECT.
const WILL: u8 = 0x04;
/// Will QoS and Will Retain of CONNECT, which only a will has.
const OF_WILL: u8 = 0x38;
/// Bits of a requested QoS in version 3.1.1.
const QOS: u8 = 0x03;

/// Finding at the beginning of the received bytes.
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

/// Whether a packet is a CONNECT of the protocol, of whatever version: MQTT, or MQIsdp as 3.1 is called.
pub fn is_connect_of_mqtt(bytes: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else { return false };
    let is_named =
        |(_, body): (usize, &[u8])| body.starts_with(b"\0\x04MQTT") || body.starts_with(b"\0\x06MQIsdp");
    *first == CONNECT << 4 && remaining_length(rest).is_some_and(is_named)
}

/// Sets Clean Start in a complete CONNECT of version 5 that has no client id. The codec refuses it without, but the server
/// is to assign an id (MQTT 5.0, 3.1.3.1), and there is no session yet of an id that is new: nothing is lost.
pub fn start_clean_without_client_id(bytes: &mut [u8]) {
    if let Some(flags) = flags_without_client_id(bytes).and_then(|at| bytes.get_mut(at)) {
        *flags |= CLEAN_START;
    }
}

/// Offset of the flags of a CONNECT of version 5 that has no client id.
fn flags_without_client_id(bytes: &[u8]) -> Option<usize> {
    let (_, rest) = bytes.split_first().filter(|(first, _)| *first >> 4 == CONNECT)?;
    let (length, body) = remaining_length(rest)?;
    let (name, after_name) = split_prefixed(body.get(..length)?)?;
    // Level, flags, and two bytes of keep alive.
    let (_, after_keep_alive) = after_name.split_at_checked(4)?;
    let (length, properties) = remaining_length(after_keep_alive)?;
    let (client_id, _) = split_prefixed(properties.get(length..)?)?;
    let header_len = bytes.len() - body.len();
    client_id.is_empty().then_some(header_len + 2 + name.len() + 1)
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
fn split_prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

fn connect_flags(body: &[u8]) -> Option<u8> {
    let (_, rest) = split_prefixed(body)?;
    // After the level.
    rest.get(1).copied()
}

fn has_reserved_qos(body: &[u8]) -> bool {
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some((_, [options, more @ ..])) = split_prefixed(rest) {
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
    fn a_connect_of_5_without_a_client_id_starts_clean() {
        // Flags, length of the properties and properties, client id, and the flags that the codec is to see.
        for (name, flags, properties, id, expected) in [
            ("none", 0x00, &b"\x00"[..], &b"\x00\x00"[..], 0x02),
            ("one", 0x00, b"\x00", b"\x00\x01a", 0x00),
            ("clean", 0x02, b"\x00", b"\x00\x00", 0x02),
            ("with_a_will", 0x2C, b"\x00", b"\x00\x00", 0x2E),
            ("with_properties", 0x00, b"\x05\x11\x00\x00\x00\x3C", b"\x00\x00", 0x02),
            ("without_the_id", 0x00, b"\x00", b"\x00", 0x00),
        ] {
            let body = [b"\x00\x04MQTT\x05".as_slice(), &[flags], b"\x00\x1e", properties, id].concat();
            let mut bytes = [&[0x10, u8::try_from(body.len()).unwrap()][..], &body].concat();
            start_clean_without_client_id(&mut bytes);
            assert_eq!(bytes[9], expected, "{name}");
            bytes[9] = flags;
            assert_eq!(bytes[2..], body, "{name}: nothing else changes");
        }
        let mut ping = *b"\xC0\x00";
        start_clean_without_client_id(&mut ping);
        assert_eq!(&ping, b"\xC0\x00");
    }

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

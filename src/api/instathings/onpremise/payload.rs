//! Engine.IO 3 payloads: the packets of one HTTP body.
//!
//! As text each packet has its length before it, counted in UTF-16 units. Some clients send a second form, in bytes,
//! also when no packet is binary.

use super::packet::{ClientPacket, MalformedPacket};

/// Maximum digits of a length: no body is that long.
const MAX_LENGTH_DIGITS: usize = 9;
/// Ends the length in the form of bytes.
const LENGTH_END: u8 = 0xff;

/// Parses the packets of a body that is text.
///
/// # Errors
/// A length that is missing, wrong or splits a character; a packet that is malformed.
pub fn parse_text(mut body: &str) -> Result<Vec<ClientPacket>, MalformedPacket> {
    let mut packets = Vec::new();
    while !body.is_empty() {
        let (length, rest) = body.split_once(':').ok_or(MalformedPacket)?;
        let is_number = (1..=MAX_LENGTH_DIGITS).contains(&length.len());
        if !is_number || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(MalformedPacket);
        }
        let length = length.parse().map_err(|_| MalformedPacket)?;
        let end = offset_of_utf16(rest, length).ok_or(MalformedPacket)?;
        packets.push(ClientPacket::parse_text(&rest[..end])?);
        body = &rest[end..];
    }
    Ok(packets)
}

/// Parses the packets of a body that is bytes: for each a 0 (text) or a 1 (binary), the digits of its length in bytes,
/// 255, and the packet.
///
/// # Errors
/// The errors of [`parse_text`].
pub fn parse_binary(mut body: &[u8]) -> Result<Vec<ClientPacket>, MalformedPacket> {
    let mut packets = Vec::new();
    while let Some((kind, rest)) = body.split_first() {
        let digits = rest.iter().take(MAX_LENGTH_DIGITS + 1).position(|b| *b == LENGTH_END);
        let (digits, rest) = rest.split_at(digits.filter(|n| *n > 0).ok_or(MalformedPacket)?);
        if digits.iter().any(|digit| *digit > 9) {
            return Err(MalformedPacket);
        }
        let length = digits.iter().fold(0, |length, digit| length * 10 + usize::from(*digit));
        let (packet, rest) = rest[1..].split_at_checked(length).ok_or(MalformedPacket)?;
        packets.push(match kind {
            0 => {
                let text = std::str::from_utf8(packet).map_err(|_| MalformedPacket)?;
                ClientPacket::parse_text(text)?
            }
            1 => ClientPacket::parse_binary(packet)?,
            _ => return Err(MalformedPacket),
        });
        body = rest;
    }
    Ok(packets)
}

/// Writes packets as a body.
pub fn encode<'a>(packets: impl IntoIterator<Item = &'a str>) -> String {
    let mut body = String::new();
    for packet in packets {
        body.push_str(&utf16_length(packet).to_string());
        body.push(':');
        body.push_str(packet);
    }
    body
}

fn utf16_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Returns the byte at which `units` UTF-16 units end; `None` if the text is shorter or a character is split.
fn offset_of_utf16(text: &str, units: usize) -> Option<usize> {
    let mut left = units;
    for (offset, c) in text.char_indices() {
        if left == 0 {
            return Some(offset);
        }
        left = left.checked_sub(c.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use ClientPacket::{Close, Connect, Ignored, Ping};

    type ParseResult = Result<Vec<ClientPacket>, MalformedPacket>;

    #[test]
    fn bodies_of_text() {
        let ping = || Ping { is_probe: false };
        let rows: [(&str, ParseResult); 17] = [
            ("", Ok(vec![])),
            ("1:2", Ok(vec![ping()])),
            ("1:21:1", Ok(vec![ping(), Close])),
            ("01:2", Ok(vec![ping()])),
            ("3:4€€1:2", Ok(vec![Ignored, ping()])),
            ("5:40/é,1:2", Ok(vec![Connect("/é".to_owned()), ping()])),
            ("5:40/😀1:2", Ok(vec![Connect("/😀".to_owned()), ping()])),
            ("4:40/😀", Err(MalformedPacket)),
            ("0:", Err(MalformedPacket)),
            ("2:2", Err(MalformedPacket)),
            (":2", Err(MalformedPacket)),
            ("2", Err(MalformedPacket)),
            ("+1:2", Err(MalformedPacket)),
            ("-1:2", Err(MalformedPacket)),
            ("1:7", Err(MalformedPacket)),
            ("9999999999:2", Err(MalformedPacket)),
            ("999999999:2", Err(MalformedPacket)),
        ];
        for (body, expected) in rows {
            assert_eq!(parse_text(body), expected, "{body}");
        }
    }

    #[test]
    fn bodies_of_bytes() {
        let ping = || Ping { is_probe: false };
        let rows: [(&[u8], ParseResult); 11] = [
            (b"", Ok(vec![])),
            (b"\x00\x01\xff2", Ok(vec![ping()])),
            (b"\x00\x00\x01\xff2\x00\x01\xff1", Ok(vec![ping(), Close])),
            (b"\x00\x05\xff40/\xc3\xa9", Ok(vec![Connect("/é".to_owned())])),
            (b"\x01\x03\xff\x04\xff\xff", Ok(vec![Ignored])),
            (b"\x00\x01\xff\xff", Err(MalformedPacket)),
            (b"\x02\x01\xff2", Err(MalformedPacket)),
            (b"\x00\xff", Err(MalformedPacket)),
            (b"\x00\x02\xff2", Err(MalformedPacket)),
            (b"\x00\x0a\xff2", Err(MalformedPacket)),
            (b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff", Err(MalformedPacket)),
        ];
        for (body, expected) in rows {
            assert_eq!(parse_binary(body), expected, "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_parsed(names in prop::collection::vec("[^,?]{0,20}", 0..8)) {
            let packets: Vec<_> = names.iter().map(|name| format!("40/{name}")).collect();
            let parsed = parse_text(&encode(packets.iter().map(String::as_str))).unwrap();
            let expected: Vec<_> = names.iter().map(|name| Connect(format!("/{name}"))).collect();
            prop_assert_eq!(parsed, expected);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(parse_binary(&bytes));
            drop(parse_text(&String::from_utf8_lossy(&bytes)));
        }
    }
}

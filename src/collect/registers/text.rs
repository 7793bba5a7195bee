//! Texts in the bytes of registers. Pure.
//!
//! Characters are UTF-8 or, where they cannot be, ISO 8859-1. In S7, where a character is one byte, they are written as
//! ISO 8859-1 when that is read back as the same text.

use crate::domain::device::Protocol;

/// Longest text that is written: every protocol has it in one request.
pub const MAX_WRITTEN: usize = 200;

/// Decodes a text that ends at the first NUL or with the bytes. Blanks at its end fill it up and are no part of it.
pub fn decode_fixed(bytes: &[u8]) -> Box<str> {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let len = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    decode_characters(&text[..len])
}

/// Decodes characters in UTF-8 or, where they cannot be, in ISO 8859-1.
pub fn decode_characters(bytes: &[u8]) -> Box<str> {
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned).into()
}

/// Encodes characters so that [`decode_characters`] returns the same text.
pub fn encode_characters(protocol: Protocol, text: &str) -> Vec<u8> {
    let latin: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
    let is_read_back = |bytes: &Vec<u8>| protocol == Protocol::S7 && *decode_characters(bytes) == *text;
    latin.filter(is_read_back).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Encodes a text filled up with NUL; `None` unless [`decode_fixed`] returns the same text.
pub fn encode_fixed(protocol: Protocol, len: u16, text: &str) -> Option<Vec<u8>> {
    let len = usize::from(len);
    let mut bytes = encode_characters(protocol, text);
    let is_exact = bytes.len() <= len && !text.contains('\0') && !text.ends_with(' ');
    bytes.resize(len, 0);
    (is_exact && len <= MAX_WRITTEN).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fixed_texts_are_filled_up() {
        for (bytes, text) in [
            (&b"SN-0042\0\0\0"[..], "SN-0042"),
            (b"SN-0042   ", "SN-0042"),
            (b"A B \0garbage", "A B"),
            (b"\0\0", ""),
            (b"", ""),
            (b"Gr\xFC\xDFe", "Grüße"),
            ("Grüße".as_bytes(), "Grüße"),
        ] {
            assert_eq!(&*decode_fixed(bytes), text, "{bytes:?}");
        }
        for (len, text) in [(2, "abc"), (8, "a\0b"), (8, "a "), (201, "a")] {
            assert_eq!(encode_fixed(Protocol::Modbus, len, text), None, "{len} {text:?}");
        }
    }

    #[test]
    fn a_character_is_one_byte_in_s7_where_it_is_read_back() {
        for (protocol, text, bytes) in [
            (Protocol::S7, "Größe", Some(&b"Gr\xF6\xDFe"[..])),
            (Protocol::Modbus, "Größe", None),
            // No characters of ISO 8859-1, or ones whose bytes would be read as UTF-8.
            (Protocol::S7, "5 €", Some(&b"5 \xE2\x82\xAC"[..])),
            (Protocol::S7, "Ã¼", Some(&b"\xC3\x83\xC2\xBC\0"[..])),
        ] {
            assert_eq!(encode_fixed(protocol, 5, text).as_deref(), bytes, "{protocol} {text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "\\PC{0,20}|[ -ÿ]{0,20}", len in 0_u16..40) {
            for protocol in [Protocol::S7, Protocol::Modbus] {
                let Some(bytes) = encode_fixed(protocol, len, &text) else { continue };
                prop_assert_eq!(bytes.len(), usize::from(len));
                let read = decode_fixed(&bytes);
                prop_assert_eq!(&*read, text.as_str());
            }
        }

        #[test]
        fn any_bytes_are_a_text(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode_fixed(&bytes).len() <= 2 * bytes.len());
        }
    }
}

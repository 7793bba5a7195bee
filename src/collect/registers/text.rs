//! Texts in the bytes of registers. Pure.
//!
//! Characters are UTF-8 or, where they cannot be, ISO 8859-1. In S7, where a character is one byte, they are written as
//! ISO 8859-1 when that is read back as the same text.

use crate::domain::device::Protocol;

/// Bytes before the characters of an S7 STRING: the longest length, and the current one.
pub const S7_STRING_HEADER: usize = 2;
/// Longest text that is written: every protocol has it in one request.
const MAX_WRITTEN: usize = 200;

/// Decodes a text that ends at the first NUL or with the bytes. Blanks at its end fill it up and are no part of it.
pub fn decode_fixed(bytes: &[u8]) -> Box<str> {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let len = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    decode_characters(&text[..len])
}

/// Decodes an S7 STRING that was declared with `declared` characters. `bytes` are as many of it as one request reads.
///
/// # Errors
/// A message, when the lengths before the characters are none of such a text.
pub fn decode_s7_string(declared: u16, bytes: &[u8]) -> Result<Box<str>, String> {
    let [longest, len, characters @ ..] = bytes else {
        return Err("the answer does not hold the value".to_owned());
    };
    if len > longest {
        return Err(format!("its first bytes {longest:02X} {len:02X} begin no STRING"));
    }
    if u16::from(*len) > declared {
        return Err(format!("the text has {len} characters, more than the {declared} of the address"));
    }
    let text = characters.get(..usize::from(*len));
    let readable = characters.len();
    let text = text.ok_or_else(|| format!("the text has {len} characters; {readable} are read at most"))?;
    Ok(decode_characters(text))
}

fn decode_characters(bytes: &[u8]) -> Box<str> {
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned).into()
}

/// Encodes characters so that [`decode_characters`] returns the same text.
fn encode_characters(protocol: Protocol, text: &str) -> Vec<u8> {
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

/// Encodes the current length and the characters of an S7 STRING, which follow the byte with its longest length. `None`
/// when the text is longer than declared.
pub fn encode_s7_string(declared: u16, text: &str) -> Option<Vec<u8>> {
    let bytes = encode_characters(Protocol::S7, text);
    let len = u8::try_from(bytes.len()).ok().filter(|len| u16::from(*len) <= declared)?;
    (bytes.len() <= MAX_WRITTEN).then(|| [&[len][..], &bytes[..]].concat())
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
    fn an_s7_string_has_its_lengths_in_front() {
        let long = [&[254, 230][..], &[b'a'; 220]].concat();
        for (declared, bytes, expected) in [
            (10, &b"\x0A\x05Helloxxxxx"[..], Ok("Hello")),
            (10, b"\x0A\0xxxxxxxxxx", Ok("")),
            (4, b"\xFE\x05Hello", Err("the text has 5 characters, more than the 4 of the address")),
            (10, b"\x04\x05Hello", Err("its first bytes 04 05 begin no STRING")),
            (254, &long[..], Err("the text has 230 characters; 220 are read at most")),
            (10, b"\x0A", Err("the answer does not hold the value")),
        ] {
            let text = decode_s7_string(declared, bytes);
            assert_eq!(text.as_deref().map_err(String::as_str), expected, "{bytes:?}");
        }
        assert_eq!(encode_s7_string(10, "Hello"), Some(b"\x05Hello".to_vec()));
        assert_eq!(encode_s7_string(4, "Hello"), None);
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
        assert_eq!(encode_s7_string(5, "Größe"), Some(b"\x05Gr\xF6\xDFe".to_vec()));
        assert_eq!(encode_s7_string(4, "5 €"), None, "its bytes in UTF-8 count");
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
            if let Some(bytes) = encode_s7_string(len, &text) {
                let whole = [&[40][..], &bytes[..]].concat();
                let read = decode_s7_string(len, &whole).map(String::from);
                prop_assert_eq!(read, Ok(text.clone()));
            }
        }

        #[test]
        fn any_bytes_are_a_text_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            declared in 1_u16..255,
        ) {
            prop_assert!(decode_fixed(&bytes).len() <= 2 * bytes.len());
            drop(decode_s7_string(declared, &bytes));
        }
    }
}

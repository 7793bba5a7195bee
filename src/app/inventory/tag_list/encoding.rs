//! Character sets of tag lists: programs of plants write UTF-8, UTF-16 or the code page of western Windows. Pure.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::domain::{Error, Result};

/// A file as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedText {
    /// Lines end with `\n`; there is no byte order mark.
    pub text: String,
    /// Name of the character set.
    pub encoding: &'static str,
}

/// Decodes a whole file. Without a byte order mark it is UTF-16 where every second byte of the beginning is zero, UTF-8
/// where that is possible, and else Windows-1252.
///
/// # Errors
/// The bytes are none of these.
pub fn decode(bytes: &[u8]) -> Result<DecodedText> {
    let encoding = match marked(bytes) {
        Some(encoding) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => WINDOWS_1252,
    };
    let (text, has_errors) = encoding.decode_with_bom_removal(bytes);
    // Windows-1252 has characters for all but five bytes, and those become control characters.
    let is_binary = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if has_errors || text.contains(is_binary) {
        return Err(Error::invalid("the file is no text in UTF-8, UTF-16 or Windows-1252: save it as UTF-8"));
    }
    Ok(DecodedText { text: with_plain_lines(&text), encoding: encoding.name() })
}

/// Decodes the beginning of a file, which may end within a character, as well as it can be.
pub fn decode_beginning(bytes: &[u8]) -> String {
    let (text, _) = marked(bytes).unwrap_or(UTF_8).decode_with_bom_removal(bytes);
    with_plain_lines(&text)
}

/// Returns the encoding that a byte order mark names, or that zero bytes show.
fn marked(bytes: &[u8]) -> Option<&'static Encoding> {
    match (Encoding::for_bom(bytes), bytes) {
        (Some((encoding, _)), _) => Some(encoding),
        (None, [first, 0, ..]) if *first != 0 => Some(UTF_16LE),
        (None, [0, second, ..]) if *second != 0 => Some(UTF_16BE),
        (None, _) => None,
    }
}

fn with_plain_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "Name;Kommentar\r\nK\u{fc}hler;1 \u{b0}C\r\n";
        let marked = format!("\u{feff}{text}");
        let rows = [
            (text.as_bytes().to_vec(), "UTF-8"),
            (marked.as_bytes().to_vec(), "UTF-8"),
            (utf16(&marked, u16::to_le_bytes), "UTF-16LE"),
            (utf16(&marked, u16::to_be_bytes), "UTF-16BE"),
            (utf16(text, u16::to_le_bytes), "UTF-16LE"),
            (b"Name;Kommentar\rK\xfchler;1 \xb0C\r".to_vec(), "windows-1252"),
        ];
        for (bytes, encoding) in rows {
            let decoded = decode(&bytes).expect(encoding);
            assert_eq!(decoded.text, "Name;Kommentar\nK\u{fc}hler;1 \u{b0}C\n", "{encoding}");
            assert_eq!(decoded.encoding, encoding);
            assert!(decode_beginning(&bytes).starts_with("Name;Kommentar\n"), "{encoding}");
        }
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        // Shift-JIS, half a character of UTF-16, and bytes.
        for bytes in [&b"name,\x89\xb7\x93x\x81\x5b\n"[..], b"\xff\xfea\0\n", b"a\0\0\0b\x01"] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}

//! Texts of S7 with two lengths in front: the longest, which the program declares, and the current one. Pure.
//!
//! In a STRING lengths and characters are bytes. In a WSTRING they are words, the high byte first, and the characters are
//! UTF-16 (SIMATIC S7-1200 system manual, String and WString).

use super::text::{MAX_WRITTEN, decode_characters, encode_characters};
use crate::domain::device::Protocol;
use crate::domain::named_enum::named_enum;

named_enum! {
    /// The two types of such texts, under their names in addresses, before the declared length.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum S7StringForm {
        /// Lengths and characters are bytes.
        String = "string",
        /// Lengths and characters are words.
        WString = "wstring",
    }
}

impl S7StringForm {
    /// Bytes of each length and of each character.
    pub fn width(self) -> u16 {
        match self {
            S7StringForm::String => 1,
            S7StringForm::WString => 2,
        }
    }

    /// The most characters that can be declared.
    pub fn max_declared(self) -> u16 {
        match self {
            S7StringForm::String => 254,
            S7StringForm::WString => 16_382,
        }
    }

    /// Says which texts can be written where so many characters are declared: one request writes no more than that.
    pub fn describe(self, declared: u16) -> String {
        let written = usize::from(declared).min(MAX_WRITTEN / usize::from(self.width()));
        let unit = if self == S7StringForm::String { "bytes" } else { "characters" };
        format!("a text of at most {written} {unit}")
    }

    /// Decodes a text that was declared with `declared` characters. `bytes` are as many of it as one request reads.
    ///
    /// # Errors
    /// A message: the lengths before the characters are none of such a text, or the characters are none.
    pub fn decode(self, declared: u16, bytes: &[u8]) -> Result<Box<str>, String> {
        let width = usize::from(self.width());
        let missing = || "the answer does not hold the value".to_owned();
        let (lengths, characters) = bytes.split_at_checked(2 * width).ok_or_else(missing)?;
        let (longest, len) = (number(&lengths[..width]), number(&lengths[width..]));
        if len > longest {
            let (digits, name) = (2 * width, self.name().to_ascii_uppercase());
            return Err(format!("its first bytes {longest:0digits$X} {len:0digits$X} begin no {name}"));
        }
        if len > declared {
            return Err(format!("the text has {len} characters, more than the {declared} of the address"));
        }
        let readable = characters.len() / width;
        let text = characters.get(..usize::from(len) * width);
        let text =
            text.ok_or_else(|| format!("the text has {len} characters; {readable} are read at most"))?;
        match self {
            S7StringForm::String => Ok(decode_characters(text)),
            S7StringForm::WString => decode_utf16(text),
        }
    }

    /// Encodes the current length and the characters, which follow the longest length. `None` when the text is longer than
    /// declared, or than one request writes.
    pub fn encode(self, declared: u16, text: &str) -> Option<Vec<u8>> {
        let characters = match self {
            S7StringForm::String => encode_characters(Protocol::S7, text),
            S7StringForm::WString => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        let width = usize::from(self.width());
        let len = u16::try_from(characters.len() / width).ok().filter(|len| *len <= declared)?;
        let length = &len.to_be_bytes()[2 - width..];
        (characters.len() <= MAX_WRITTEN).then(|| [length, &characters[..]].concat())
    }
}

/// The number in one or two bytes, the high one first.
fn number(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |number, byte| number << 8 | u16::from(*byte))
}

fn decode_utf16(bytes: &[u8]) -> Result<Box<str>, String> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(number).collect();
    let text = String::from_utf16(&units).map_err(|_| "its characters are no UTF-16".to_owned())?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use S7StringForm::{String as Narrow, WString as Wide};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_has_its_lengths_in_front() {
        let long = [&[254, 230][..], &[b'a'; 220]].concat();
        let long_wide = [&[0, 254, 0, 110][..], &[0, b'a'].repeat(109)].concat();
        for (form, declared, bytes, expected) in [
            (Narrow, 10, &b"\x0A\x05Helloxxxxx"[..], Ok("Hello")),
            (Narrow, 10, b"\x0A\0xxxxxxxxxx", Ok("")),
            (Narrow, 4, b"\xFE\x05Hello", Err("the text has 5 characters, more than the 4 of the address")),
            (Narrow, 10, b"\x04\x05Hello", Err("its first bytes 04 05 begin no STRING")),
            (Narrow, 254, &long[..], Err("the text has 230 characters; 220 are read at most")),
            (Narrow, 10, b"\x0A", Err("the answer does not hold the value")),
            (Wide, 8, b"\0\x08\0\x05\0l\0a\0m\0a\0!xxxxxx", Ok("lama!")),
            (Wide, 2, b"\0\x02\0\x02\xD8\x3D\xDE\x00", Ok("😀")),
            (Wide, 300, b"\x01\x2C\0\x01\x20\xAC", Ok("€")),
            (
                Wide,
                1,
                b"\0\x02\0\x02\0a\0b",
                Err("the text has 2 characters, more than the 1 of the address"),
            ),
            (Wide, 8, b"\x08\x05\x08\x06\0a", Err("its first bytes 0805 0806 begin no WSTRING")),
            (Wide, 254, &long_wide[..], Err("the text has 110 characters; 109 are read at most")),
            (Wide, 2, b"\0\x02\0\x01\xD8\x3D\0a", Err("its characters are no UTF-16")),
            (Wide, 2, b"\0\x02\0", Err("the answer does not hold the value")),
        ] {
            let text = form.decode(declared, bytes);
            assert_eq!(text.as_deref().map_err(String::as_str), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_text_is_written_when_it_is_not_longer_than_declared() {
        let long = "a".repeat(101);
        for (form, declared, text, bytes) in [
            (Narrow, 10, "Hello", Some(&b"\x05Hello"[..])),
            (Narrow, 4, "Hello", None),
            (Narrow, 5, "Größe", Some(&b"\x05Gr\xF6\xDFe"[..])),
            // Its bytes in UTF-8 count.
            (Narrow, 4, "5 €", None),
            (Wide, 3, "5 €", Some(&b"\0\x03\x005\0 \x20\xAC"[..])),
            (Wide, 2, "5 €", None),
            (Wide, 2, "😀", Some(&b"\0\x02\xD8\x3D\xDE\x00"[..])),
            (Wide, 1, "😀", None),
            (Wide, 254, &long, None),
        ] {
            assert_eq!(form.encode(declared, text).as_deref(), bytes, "{text}");
        }
        assert_eq!(Wide.describe(20), "a text of at most 20 characters");
        assert_eq!(Narrow.describe(254), "a text of at most 200 bytes");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "\\PC{0,20}|[ -ÿ]{0,20}", len in 0_u16..40) {
            for (form, declared) in [(Narrow, &[40][..]), (Wide, &[0, 40])] {
                let Some(bytes) = form.encode(len, &text) else { continue };
                let read = form.decode(len, &[declared, &bytes[..]].concat()).map(String::from);
                prop_assert_eq!(read, Ok(text.clone()));
            }
        }

        #[test]
        fn any_bytes_are_a_text_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            declared in 1_u16..255,
        ) {
            for form in S7StringForm::ALL {
                drop(form.decode(declared, &bytes));
            }
        }
    }
}

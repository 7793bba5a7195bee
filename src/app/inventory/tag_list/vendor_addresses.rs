//! Addresses that mean something else in a list than at a device of ours. Pure.

use super::format::TagListFormat;
use super::tag::{Tag, TagRow, TagType};
use crate::collect::registers::value_type::RegisterType;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;

/// Writes the addresses of a list as a device of this protocol has them.
pub fn translate(format: TagListFormat, protocol: Protocol, rows: Vec<TagRow>) -> Vec<TagRow> {
    let translated =
        |row: TagRow| TagRow { tag: row.tag.and_then(|tag| translate_tag(format, protocol, tag)), ..row };
    rows.into_iter().map(translated).collect()
}

fn translate_tag(format: TagListFormat, protocol: Protocol, tag: Tag) -> Result<Tag, String> {
    match (protocol, format) {
        (Protocol::S7, _) => Ok(timer_or_counter(tag)),
        (Protocol::Modbus, TagListFormat::Kepserver) if tag.kind == TagType::Kind(StreamKind::Text) => {
            kepserver_text(tag)
        }
        (Protocol::Modbus, TagListFormat::Kepserver) => Ok(short_register(tag)),
        _ => Ok(tag),
    }
}

/// Gives a timer or counter of an S7 the type of its word: lists show its milliseconds and its count, whatever type they name.
fn timer_or_counter(tag: Tag) -> Tag {
    let address = tag.address.trim_start_matches('%');
    let (letter, number) = address.split_at(address.chars().next().map_or(0, char::len_utf8));
    // Of an array the address refuses itself, with its reason.
    if !is_number(number) || matches!(tag.kind, TagType::Register(RegisterType::Array(..))) {
        return tag;
    }
    let kind = match letter {
        "T" | "t" => "s5time",
        "C" | "c" | "Z" | "z" => "bcd16",
        _ => return tag,
    };
    Tag { address: format!("{address}:{kind}"), kind: TagType::OfAddress, ..tag }
}

/// Writes a register of KEPServerEX with fewer than five digits, which count from 1: `41` and `40001` are one register, and
/// `41[10]` is an array from there on.
fn short_register(tag: Tag) -> Tag {
    let register = tag.address.split_once('[').map_or(tag.address.as_str(), |(register, _)| register);
    match tag.address.split_at_checked(1) {
        Some((space, rest)) if is_number(register) && (2..5).contains(&register.len()) => {
            Tag { address: format!("{space}:{rest}"), ..tag }
        }
        _ => tag,
    }
}

/// Writes a text of KEPServerEX, `400100.20H`: its register, its bytes, and the byte of a register that comes first.
///
/// # Errors
/// The low byte comes first, or the address has no length.
fn kepserver_text(tag: Tag) -> Result<Tag, String> {
    let (register, length) = tag.address.split_once('.').unwrap_or((&tag.address, ""));
    match length.strip_suffix(['H', 'h']) {
        Some(length) if is_number(length) => Ok(Tag { address: format!("{register}:text{length}"), ..tag }),
        _ => Err(format!(
            "the text `{}` does not end with its length and H (high byte first), such as 400100.20H; for texts with the low \
             byte first make a stream with the path {register}:text20 and the word order badc",
            tag.address
        )),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(
        format: TagListFormat,
        protocol: Protocol,
        address: &str,
        kind: StreamKind,
    ) -> Result<(String, TagType), String> {
        let tag = translate_tag(format, protocol, Tag::new(address, TagType::Kind(kind)))?;
        Ok((tag.address, tag.kind))
    }

    #[test]
    fn addresses_of_lists_are_those_of_the_device() {
        use TagListFormat::{Kepserver, Plain, TiaPortal};
        let (word, text) = (StreamKind::Uint16, StreamKind::Text);
        let rows = [
            (Kepserver, Protocol::S7, "T5", StreamKind::Uint32, "T5:s5time", TagType::OfAddress),
            (TiaPortal, Protocol::S7, "%C7", word, "C7:bcd16", TagType::OfAddress),
            (TiaPortal, Protocol::S7, "%MW10", word, "%MW10", TagType::Kind(word)),
            (Kepserver, Protocol::Modbus, "41", word, "4:1", TagType::Kind(word)),
            (Kepserver, Protocol::Modbus, "40001", word, "40001", TagType::Kind(word)),
            (Kepserver, Protocol::Modbus, "41[10]", word, "4:1[10]", TagType::Kind(word)),
            (Kepserver, Protocol::Modbus, "40001[10]", word, "40001[10]", TagType::Kind(word)),
            (Kepserver, Protocol::Modbus, "4[10]", word, "4[10]", TagType::Kind(word)),
            (Kepserver, Protocol::Modbus, "400100.20H", text, "400100:text20", TagType::Kind(text)),
            (Plain, Protocol::Modbus, "41", word, "41", TagType::Kind(word)),
        ];
        for (format, protocol, address, kind, path, of) in rows {
            let found = translated(format, protocol, address, kind);
            assert_eq!(found, Ok((path.to_owned(), of)), "{address}");
        }
        let array = RegisterType::array(RegisterType::Plain(word), 3).expect("an array");
        let timers = Tag::new("T5", TagType::Register(array));
        assert_eq!(translate_tag(TiaPortal, Protocol::S7, timers.clone()), Ok(timers));
        let refused = translated(Kepserver, Protocol::Modbus, "400100.20L", text);
        assert!(refused.is_err_and(|reason| reason.contains("400100:text20 and the word order badc")));
    }
}

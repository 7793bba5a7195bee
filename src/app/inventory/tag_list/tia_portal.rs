//! Tag tables of TIA Portal, saved as text from the exported table. Pure.

use super::array_type::{array_of, split_tia_array};
use super::format::TagListFormat::TiaPortal;
use super::table::TagCells;
use super::tag::{Tag, TagType};
use super::vendor_types;
use crate::collect::registers::value_type::RegisterType;
use crate::domain::device::Protocol;

/// Returns the name of a row's tag.
pub fn name(cells: &TagCells<'_>) -> String {
    cells.get("name").to_owned()
}

/// Reads a row.
///
/// # Errors
/// The tag is a structure or an array that no address names, or its type is one that streams do not have.
pub fn read(cells: &TagCells<'_>) -> Result<Tag, String> {
    let word = cells.any(&["data type", "datentyp"]);
    let (element, kind) = match split_tia_array(word) {
        Some(array) => {
            let (element, count) = array?;
            let texts = || format!("type `{word}`: texts have no arrays; list the address of each element");
            (element, array_of(kind(element)?, count).ok_or_else(texts)?)
        }
        None => (word, kind(word)?),
    };
    Ok(Tag {
        unit: unit(element).to_owned(),
        description: cells.any(&["comment", "kommentar"]).to_owned(),
        ..Tag::new(cells.any(&["logical address", "logische adresse"]), kind)
    })
}

fn kind(word: &str) -> Result<TagType, String> {
    let found = match word.split_once('[') {
        Some((base, length)) => text_type(base.trim_end(), length),
        None => vendor_types::find(TiaPortal, word),
    };
    let words = || {
        let words = vendor_types::words(TiaPortal);
        format!("type `{word}` is none of {words}; of a structure, list the address of each member")
    };
    found.ok_or_else(words)
}

/// Type of a text that has its declared length behind it: `String[20]`, `WString[20]`.
fn text_type(base: &str, length: &str) -> Option<TagType> {
    let length = length.strip_suffix(']')?.trim();
    let found = RegisterType::parse(Protocol::S7, &format!("{base}{length}"));
    found.filter(|found| matches!(found, RegisterType::S7String(..))).map(TagType::Register)
}

/// Unit of the numbers that a type of times consists of.
fn unit(word: &str) -> &'static str {
    match word.to_lowercase().as_str() {
        "time" | "time_of_day" | "tod" | "s5time" => "ms",
        "ltime" => "ns",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::inventory::tag_list::table::TagTable;
    use crate::domain::stream::StreamKind;

    fn read_row(header: &str, row: &str) -> Result<Tag, String> {
        let text = format!("{header}\n{row}\n");
        let table = TagTable::find(&text).expect("a list");
        let cells = table.rows(&text).next().expect("a row").expect("cells");
        read(&cells)
    }

    #[test]
    fn tags_are_read_in_both_languages_of_the_header() {
        let english = "Name;Path;Data Type;Logical Address;Comment;Hmi Visible";
        let german = "Name\tPfad\tDatentyp\tLogische Adresse\tKommentar";
        let rows = [
            (english, "Drehzahl;Antrieb;Int;%MW10;Motor 1;True", "%MW10", StreamKind::Int16, "", "Motor 1"),
            (english, "Laufzeit;;Time;%MD20;;True", "%MD20", StreamKind::Int32, "ms", ""),
            (german, "Läuft\tAntrieb\tBool\t%E0.0\tStörung", "%E0.0", StreamKind::Bit, "", "Störung"),
        ];
        for (header, row, address, kind, unit, description) in rows {
            let tag = read_row(header, row).expect(row);
            assert_eq!((tag.address.as_str(), tag.kind), (address, TagType::Kind(kind)), "{row}");
            assert_eq!((tag.unit.as_str(), tag.description.as_str()), (unit, description), "{row}");
        }
    }

    #[test]
    fn an_array_is_its_first_address_and_the_type_of_the_whole() {
        for (word, kind, unit) in [
            ("Array[0..9] of Int", "int16[10]", ""),
            ("Array[1..3] of Time", "int32[3]", "ms"),
            ("Array[1..3] of S5Time", "s5time[3]", "ms"),
            ("Array[0..7] of Bool", "bit[8]", ""),
        ] {
            let row = format!("a;;{word};%MW200;");
            let tag = read_row("Name;Path;Data Type;Logical Address;Comment", &row).expect(word);
            let TagType::Register(found) = tag.kind else { panic!("{word}: {:?}", tag.kind) };
            assert_eq!((found.to_string().as_str(), tag.unit.as_str()), (kind, unit), "{word}");
            assert_eq!(tag.address, "%MW200");
        }
    }

    #[test]
    fn structures_texts_in_arrays_and_unknown_types_are_refused() {
        let rows = [
            ("Array[0..1, 0..4] of Int", "list the address of each element"),
            ("Array[0..9] of String[20]", "texts have no arrays; list the address of each element"),
            ("Array[0..9] of \"Motor_UDT\"", "type `Motor_UDT` is none of"),
            ("\"Motor_UDT\"", "the address of each member"),
            ("", "is none of bool"),
            ("String[255]", "type `String[255]` is none of"),
            ("Int[24]", "type `Int[24]` is none of"),
        ];
        for (word, part) in rows {
            let row = format!("a;;{};%MW0;", word.replace('"', ""));
            let message = read_row("Name;Path;Data Type;Logical Address;Comment", &row).expect_err(word);
            assert!(message.contains(part), "{word}: {message}");
        }
    }
}

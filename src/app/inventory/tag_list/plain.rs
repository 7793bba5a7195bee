//! Tag lists made by hand, with the columns `name`, `address` and `type`, and as many of the others as are needed. Pure.

use super::format::TagListFormat::Plain;
use super::table::TagCells;
use super::tag::{Tag, TagType};
use super::vendor_types;
use crate::domain::stream::StreamKind;

/// Every column.
const COLUMNS: [&str; 8] = ["name", "address", "type", "unit", "scale", "offset", "description", "comment"];

/// Returns the problem of a header with an unknown column, or with one that is there twice: it would be ignored.
pub fn header_problem(columns: &[String]) -> Option<String> {
    let repeats =
        |(place, column): &(usize, &String)| !column.is_empty() && columns[..*place].contains(column);
    if let Some((_, column)) = columns.iter().enumerate().find(repeats) {
        return Some(format!("there are two columns `{column}`"));
    }
    let unknown = columns.iter().find(|column| !column.is_empty() && !COLUMNS.contains(&column.as_str()))?;
    Some(format!("`{unknown}` is no column of a tag list: there are {}", COLUMNS.join(", ")))
}

/// Returns the name of a row's tag.
pub fn name(cells: &TagCells<'_>) -> String {
    cells.get("name").to_owned()
}

/// Reads a row.
///
/// # Errors
/// The type is unknown, or scale or offset is no number.
pub fn read(cells: &TagCells<'_>) -> Result<Tag, String> {
    Ok(Tag {
        scale: cells.number("scale")?.unwrap_or(1.0),
        offset: cells.number("offset")?.unwrap_or(0.0),
        unit: cells.get("unit").to_owned(),
        description: cells.any(&["description", "comment"]).to_owned(),
        ..Tag::new(cells.get("address"), kind(cells.get("type"))?)
    })
}

fn kind(word: &str) -> Result<TagType, String> {
    if word.is_empty() {
        return Ok(TagType::OfAddress);
    }
    if let Ok(kind) = word.to_lowercase().parse::<StreamKind>() {
        return Ok(TagType::Kind(kind));
    }
    let unknown = || {
        let names: Vec<_> = StreamKind::ALL.iter().map(|kind| kind.name()).collect();
        let words = vendor_types::words(Plain);
        format!("type `{word}` is none of {}; nor of {words}", names.join(", "))
    };
    vendor_types::find(Plain, word).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::inventory::tag_list::table::TagTable;

    fn read_row(text: &str) -> Result<Tag, String> {
        let table = TagTable::find(text).expect("a list");
        let cells = table.rows(text).next().expect("a row").expect("cells");
        read(&cells)
    }

    #[test]
    fn cells_are_read_by_the_names_of_their_columns() {
        let tag = read_row("type;name;unit;address;scale;offset\nuint16;a;bar;hr:5;0,1;-1\n").expect("a tag");
        let expected = Tag {
            scale: 0.1,
            offset: -1.0,
            unit: "bar".to_owned(),
            ..Tag::new("hr:5", TagType::Kind(StreamKind::Uint16))
        };
        assert_eq!(tag, expected);
        let kinds = [("REAL", StreamKind::Fp32), ("fp64", StreamKind::Fp64), ("Bool", StreamKind::Bit)];
        for (word, kind) in kinds {
            let tag = read_row(&format!("name,address,type\na,hr:1,{word}\n")).expect(word);
            assert_eq!(tag.kind, TagType::Kind(kind), "{word}");
        }
        assert_eq!(read_row("name,address,type\na,hr:1\n").map(|tag| tag.kind), Ok(TagType::OfAddress));
    }

    #[test]
    fn words_of_several_widths_and_unknown_columns_are_refused() {
        for word in ["int", "long", "motor"] {
            let message = read_row(&format!("name,address,type\na,hr:1,{word}\n")).expect_err(word);
            assert!(message.contains("is none of bit, byte, int16"), "{message}");
        }
        let columns = ["name", "address", "type", "factor", ""].map(str::to_owned);
        let problem = header_problem(&columns).expect("a problem");
        assert!(problem.starts_with("`factor` is no column"), "{problem}");
        assert_eq!(header_problem(&columns[..3]), None);
        let columns = ["name", "address", "", "type", "", "unit", "unit"].map(str::to_owned);
        assert_eq!(header_problem(&columns), Some("there are two columns `unit`".to_owned()));
        assert_eq!(header_problem(&columns[..6]), None);
    }
}

//! Tags of Logix controllers, as Studio 5000 and RSLogix 5000 export them ("Export Tags and Logic Comments"). Pure.

use super::format::TagListFormat::Studio5000;
use super::logix_array::LogixArray;
use super::table::TagCells;
use super::tag::{Tag, TagType};
use super::vendor_types;
use crate::domain::stream::StreamKind;

/// Maximum number of elements of an array that become a stream each. Few want so many of one tag.
const MAX_ELEMENTS: u64 = 1000;
/// Columns of a plain list, in which tags that a row does not give can be listed.
const PLAIN: &str = "in the columns name, address, type";

/// Returns the name of a row's tag; a tag of a program has the program's before it.
pub fn name(cells: &TagCells<'_>) -> String {
    scoped(cells, "")
}

/// Reads a row. The address is the tag's path; of an array, that of the whole.
///
/// # Errors
/// The row is an alias or a comment, or the tag a structure, a long array or hidden.
pub fn read(cells: &TagCells<'_>) -> Result<Tag, String> {
    match cells.get("type").to_ascii_uppercase().as_str() {
        "TAG" => {}
        "ALIAS" => return Err(format!("an alias of `{}`", cells.get("specifier"))),
        "COMMENT" | "RCOMMENT" => return Err("a comment".to_owned()),
        other => return Err(format!("a row of TYPE `{other}`, which is no tag")),
    }
    let attributes: String = cells.get("attributes").split_whitespace().collect();
    if attributes.to_ascii_lowercase().contains("externalaccess:=none") {
        return Err("the controller gives nobody access to it (ExternalAccess := None)".to_owned());
    }
    let (address, word) = (scoped(cells, "Program:"), cells.get("datatype"));
    let array = LogixArray::parse(word)?;
    let element = array.as_ref().map_or(word, |array| array.element);
    let structure = || {
        let first = array.as_ref().map_or_else(String::new, |array| array.index(0));
        let what = if array.is_some() { "an array of structures" } else { "a structure" };
        format!("type `{word}` is {what}: list its members, such as {address}{first}.MEMBER, {PLAIN}")
    };
    let kind = vendor_types::find(Studio5000, element).or_else(|| project_string(element));
    let kind = kind.ok_or_else(structure)?;
    let elements = array.map_or_else(|| Ok(Vec::new()), |array| elements(&array, kind, &address))?;
    Ok(Tag { description: unescaped(cells.get("description")), elements, ..Tag::new(address, kind) })
}

/// Returns the indexes of all elements of an array.
///
/// # Errors
/// There are too many, or no address names a single one.
fn elements(array: &LogixArray<'_>, kind: TagType, address: &str) -> Result<Vec<String>, String> {
    let count = array.count();
    if count > MAX_ELEMENTS {
        let first = array.index(0);
        return Err(format!(
            "an array of {count} elements, more than {MAX_ELEMENTS}: list those that you need, such as \
             {address}{first}, {PLAIN}"
        ));
    }
    // A controller answers with words of 32 bits; which word has an element is known of one dimension only.
    if kind == TagType::Kind(StreamKind::Bit) && array.rank() > 1 {
        return Err("an array of BOOL with several dimensions, whose elements cannot be read".to_owned());
    }
    Ok((0..count).map(|place| array.index(place)).collect())
}

/// Type of a tag whose type is named as string types of a project are: `STRING20` or `STRING_20`.
fn project_string(word: &str) -> Option<TagType> {
    let lower = word.to_ascii_lowercase();
    let digits = lower.strip_prefix("string").map(|rest| rest.strip_prefix('_').unwrap_or(rest))?;
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some(TagType::Kind(StreamKind::Text))
}

fn scoped(cells: &TagCells<'_>, prefix: &str) -> String {
    match (cells.get("scope"), cells.get("name")) {
        ("", name) => name.to_owned(),
        (scope, name) => format!("{prefix}{scope}.{name}"),
    }
}

/// Returns a description without its escapes: `$N` is a new line, `$Q` a quotation mark, `$$` a dollar sign, `$00B0` a
/// character by its number.
fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('$') {
        let (letter, len) = escaped_letter(behind);
        plain.push_str(before);
        plain.push(letter);
        rest = &behind[len..];
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

/// Returns the character of an escape and the number of bytes that name it, from the text behind the dollar sign.
fn escaped_letter(text: &str) -> (char, usize) {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    match (code, text.chars().next()) {
        (Some(letter), _) => (letter, 4),
        (None, Some('N' | 'n' | 'L' | 'l' | 'R' | 'r' | 'P' | 'p' | 'T' | 't')) => (' ', 1),
        (None, Some('Q' | 'q')) => ('"', 1),
        (None, Some(letter)) => (letter, letter.len_utf8()),
        (None, None) => ('$', 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::inventory::tag_list::table::TagTable;

    fn read_row(row: &str) -> (String, Result<Tag, String>) {
        let text = format!(
            "remark,\"CSV-Import-Export\"\n0.3\nTYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER,ATTRIBUTES\n{row}\n"
        );
        let table = TagTable::find(&text).expect("a list");
        let cells = table.rows(&text).next().expect("a row").expect("cells");
        (name(&cells), read(&cells))
    }

    #[test]
    fn tags_of_the_controller_and_of_programs_have_their_paths() {
        let rows = [
            (
                "TAG,,Speed,\"Line$Nspeed\",\"DINT\",\"\",\"(RADIX := Decimal)\"",
                "Speed",
                "Speed",
                StreamKind::Int32,
            ),
            (
                "TAG,MainProgram,Level,\"Line speed\",\"REAL\",\"\",\"\"",
                "MainProgram.Level",
                "Program:MainProgram.Level",
                StreamKind::Fp32,
            ),
            ("TAG,,Lot,\"Line speed\",\"STRING20\",\"\",\"\"", "Lot", "Lot", StreamKind::Text),
            ("TAG,,Lot,\"Line speed\",\"String_40\",\"\",\"\"", "Lot", "Lot", StreamKind::Text),
        ];
        for (row, expected, address, kind) in rows {
            let (name, tag) = read_row(row);
            let tag = tag.expect(row);
            assert_eq!((name.as_str(), tag.address.as_str()), (expected, address), "{row}");
            assert_eq!((tag.kind, tag.description.as_str()), (TagType::Kind(kind), "Line speed"), "{row}");
        }
        assert_eq!(unescaped("1$$ $Qa$Q $'b$' $00B0 $"), "1$ \"a\" 'b' \u{b0} $");
    }

    #[test]
    fn an_array_of_values_has_an_index_for_each() {
        let rows = [
            ("TAG,,Speeds,\"\",\"DINT[10]\",\"\",\"\"", "Speeds", StreamKind::Int32, 10, "[9]"),
            ("TAG,Main,Grid,\"\",\"REAL[4,2]\",\"\",\"\"", "Program:Main.Grid", StreamKind::Fp32, 8, "[3,1]"),
            ("TAG,,Flags,\"\",\"BOOL[32]\",\"\",\"\"", "Flags", StreamKind::Bit, 32, "[31]"),
            ("TAG,,Lots,\"\",\"STRING20[3]\",\"\",\"\"", "Lots", StreamKind::Text, 3, "[2]"),
            ("TAG,,Most,\"\",\"SINT[10,10,10]\",\"\",\"\"", "Most", StreamKind::Int16, 1000, "[9,9,9]"),
        ];
        for (row, address, kind, count, last) in rows {
            let tag = read_row(row).1.expect(row);
            assert_eq!((tag.address.as_str(), tag.kind), (address, TagType::Kind(kind)), "{row}");
            let found = (tag.elements.len(), tag.elements.last().map(String::as_str));
            assert_eq!(found, (count, Some(last)), "{row}");
        }
    }

    #[test]
    fn what_is_no_tag_of_a_value_is_refused() {
        let rows = [
            ("ALIAS,,Start,\"\",\"\",\"Local:1:I.Data.0\",\"\"", "an alias of `Local:1:I.Data.0`"),
            ("COMMENT,,Status,\"Door\",\"\",\"Status.3\"", "a comment"),
            ("TAG,,Speeds,\"\",\"DINT[1001]\",\"\",\"\"", "1001 elements, more than 1000: list those"),
            ("TAG,Main,Speeds,\"\",\"REAL[40,26]\",\"\",\"\"", "1040 elements, more than 1000"),
            ("TAG,Main,Speeds,\"\",\"REAL[40,26]\",\"\",\"\"", "such as Program:Main.Speeds[0,0], in the"),
            ("TAG,,Speeds,\"\",\"DINT[0]\",\"\",\"\"", "such as DINT[10] or REAL[4,2]"),
            ("TAG,,Flags,\"\",\"BOOL[2,32]\",\"\",\"\"", "an array of BOOL with several dimensions"),
            ("TAG,Main,T,\"\",\"TIMER[4]\",\"\",\"\"", "is an array of structures: list its members"),
            ("TAG,Main,T,\"\",\"TIMER[4]\",\"\",\"\"", "such as Program:Main.T[0].MEMBER"),
            ("TAG,Main,T1,\"\",\"TIMER\",\"\",\"\"", "such as Program:Main.T1.MEMBER"),
            ("TAG,,Hidden,\"\",\"DINT\",\"\",\"(ExternalAccess := None)\"", "nobody access"),
            ("TAG,,Lot,\"\",\"STRING_LOT\",\"\",\"\"", "such as Lot.MEMBER"),
            ("HEADER,,x,,,,", "TYPE `HEADER`"),
        ];
        for (row, part) in rows {
            let message = read_row(row).1.expect_err(row);
            assert!(message.contains(part), "{row}: {message}");
        }
    }
}

//! Tag lists of KEPServerEX: the tags of one device, as "Export CSV" writes them. Pure.

use super::array_type::{array_of, split_length};
use super::format::TagListFormat::Kepserver;
use super::table::TagCells;
use super::tag::{Tag, TagType};
use super::vendor_types;

/// Remark of a tag whose values KEPServerEX cuts at its limits.
const CLAMPED: &str = "values beyond the scaled range are not cut";

/// Returns the name of a row's tag.
pub fn name(cells: &TagCells<'_>) -> String {
    cells.get("tag name").to_owned()
}

/// Reads a row.
///
/// # Errors
/// The type or scaling of the tag is one that streams do not have, or no address names the array.
pub fn read(cells: &TagCells<'_>) -> Result<Tag, String> {
    let (scale, offset) = scaling(cells)?;
    let (address, kind) = place(cells.get("address"), cells.get("data type"))?;
    let is_clamped = ["clamp low", "clamp high"].iter().any(|column| is_set(cells.get(column)));
    Ok(Tag {
        scale,
        offset,
        unit: cells.get("eng units").to_owned(),
        description: cells.get("description").to_owned(),
        remark: is_clamped.then_some(CLAMPED),
        ..Tag::new(address, kind)
    })
}

/// Returns the address and the type of a tag. The type of an array has the number of its elements, which KEPServerEX writes
/// behind the address.
fn place(address: &str, word: &str) -> Result<(String, TagType), String> {
    let lower = word.to_lowercase();
    let Some(element) = lower.strip_suffix("array") else {
        let kind = kind(word)?;
        let length = split_length(address).filter(|_| kind == TagType::OfAddress);
        let text = length.map_or_else(|| address.to_owned(), |(start, count)| format!("{start}[{count}]"));
        return Ok((text, kind));
    };
    let refused = |why: &str| format!("type `{word}`: {why}; give each element a tag of its own");
    let (start, count) = split_length(address).ok_or_else(|| {
        refused("the address does not end with the number of its values, such as 400300 [10]")
    })?;
    if start.ends_with(']') {
        return Err(refused("an array of registers has one dimension"));
    }
    let kind = array_of(kind(element.trim())?, count).ok_or_else(|| refused("texts have no arrays"))?;
    Ok((start.to_owned(), kind))
}

fn kind(word: &str) -> Result<TagType, String> {
    if word.eq_ignore_ascii_case("default") || word.is_empty() {
        return Ok(TagType::OfAddress);
    }
    let words = || format!("type `{word}` is none of {}", vendor_types::words(Kepserver));
    vendor_types::find(Kepserver, word).ok_or_else(words)
}

/// Returns scale and offset: the line through the two ends of a linear scaling, and with "Negate Value" its negative.
fn scaling(cells: &TagCells<'_>) -> Result<(f64, f64), String> {
    let (scale, offset) = match cells.get("scaling").to_lowercase().as_str() {
        "" | "none" => (1.0, 0.0),
        "linear" => linear(cells)?,
        _ => return Err(format!("scaling `{}` is not linear", cells.get("scaling"))),
    };
    Ok(if is_set(cells.get("negate value")) { (-scale, 0.0 - offset) } else { (scale, offset) })
}

fn linear(cells: &TagCells<'_>) -> Result<(f64, f64), String> {
    let end = |column: &str| {
        cells.number(column)?.ok_or_else(|| format!("{column}: a linear scaling needs this number"))
    };
    let (raw_low, raw_high) = (end("raw low")?, end("raw high")?);
    let (low, high) = (end("scaled low")?, end("scaled high")?);
    let width = raw_high - raw_low;
    // One division each: a scale of 1/10 is the number 0.1, not a neighbour of it.
    let (scale, offset) = ((high - low) / width, (low * raw_high - high * raw_low) / width);
    if width == 0.0 || !scale.is_finite() || !offset.is_finite() {
        return Err(format!("raw low {raw_low} and raw high {raw_high} make no scale"));
    }
    Ok((scale, offset))
}

fn is_set(cell: &str) -> bool {
    cell == "1" || cell.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::inventory::tag_list::table::TagTable;
    use crate::domain::stream::StreamKind;

    const HEADER: &str = "Tag Name,Address,Data Type,Scaling,Raw Low,Raw High,Scaled Low,Scaled High,Clamp Low,Clamp High,\
                          Eng Units,Description,Negate Value\n";

    fn read_row(row: &str) -> Result<Tag, String> {
        let text = format!("{HEADER}{row}\n");
        let table = TagTable::find(&text).expect("a list");
        let cells = table.rows(&text).next().expect("a row").expect("cells");
        read(&cells)
    }

    #[test]
    fn a_linear_scaling_becomes_scale_and_offset() {
        let rows = [
            ("a,40001,Word,Linear,0,1000,0,100,0,0,bar,,0", (0.1, 0.0)),
            ("a,40001,Word,Linear,4000,20000,0,100,,,,,", (0.00625, -25.0)),
            ("a,40001,Short,Linear,0,27648,-50,150,,,,,", (200.0 / 27648.0, -50.0)),
            ("a,40001,Word,Linear,0,1000,0,100,,,,,1", (-0.1, 0.0)),
            ("a,40001,Word,None,,,,,,,,,", (1.0, 0.0)),
            ("a,40001,Word,,,,,,,,,,", (1.0, 0.0)),
        ];
        for (row, expected) in rows {
            let tag = read_row(row).expect(row);
            assert_eq!((tag.scale, tag.offset), expected, "{row}");
        }
    }

    #[test]
    fn a_row_that_no_stream_can_be_is_refused_with_its_words() {
        let rows = [
            ("a,40001,Word Array,,,,,,,,,,", "type `Word Array`: the address does not end with the number"),
            ("a,Speeds {10},Long Array,,,,,,,,,,", "the address does not end with the number"),
            ("a,40001 [2][5],Word Array,,,,,,,,,,", "an array of registers has one dimension"),
            ("a,40001 [2],String Array,,,,,,,,,,", "texts have no arrays"),
            ("a,40001 [2],Date Array,,,,,,,,,,", "`date` is none of boolean"),
            ("a,40001,Date,,,,,,,,,,", "none of boolean, char"),
            ("a,40001,Word,Square Root,0,1,0,1,,,,,", "`Square Root` is not linear"),
            ("a,40001,Word,Linear,5,5,0,1,,,,,", "raw low 5 and raw high 5"),
            ("a,40001,Word,Linear,0,,0,1,,,,,", "raw high"),
            ("a,40001,Word,Linear,0,much,0,1,,,,,", "`much` is no number"),
        ];
        for (row, part) in rows {
            let message = read_row(row).expect_err(row);
            assert!(message.contains(part), "{row}: {message}");
        }
    }

    #[test]
    fn an_array_is_its_first_address_and_the_type_of_the_whole() {
        for (row, address, kind) in [
            ("a,400300 [10],Word Array,,,,,,,,,,", "400300", "uint16[10]"),
            ("a,\"DB1,INT0[12]\",Short Array,,,,,,,,,,", "DB1,INT0", "int16[12]"),
            ("a,D100[8],Float Array,None,,,,,,,,,", "D100", "fp32[8]"),
            ("a,400300 [4],LBCD ARRAY,,,,,,,,,,", "400300", "bcd32[4]"),
            ("a,000001[8],Boolean Array,,,,,,,,,,", "000001", "bit[8]"),
        ] {
            let tag = read_row(row).expect(row);
            let TagType::Register(found) = tag.kind else { panic!("{row}: {:?}", tag.kind) };
            assert_eq!((tag.address.as_str(), found.to_string().as_str()), (address, kind), "{row}");
        }
        // Without a type the address says all.
        let tag = read_row("a,400300 [10],Default,,,,,,,,,,").expect("a tag");
        assert_eq!((tag.address.as_str(), tag.kind), ("400300[10]", TagType::OfAddress));
    }

    #[test]
    fn unit_description_and_limits_are_read() {
        let tag = read_row("a, 400101 ,Float,Linear,0,10,0,100,0,1,°C,\"Oven, top\",0").expect("a tag");
        assert_eq!((tag.address.as_str(), tag.unit.as_str()), ("400101", "°C"));
        assert_eq!((tag.description.as_str(), tag.remark), ("Oven, top", Some(CLAMPED)));
        assert_eq!(tag.kind, TagType::Kind(StreamKind::Fp32));
        assert_eq!(read_row("a,40001,Default,,,,,,,,,,").map(|tag| tag.kind), Ok(TagType::OfAddress));
    }
}

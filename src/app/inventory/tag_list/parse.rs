//! Reads a tag list of any format. Pure.

use super::format::{TagListFormat, describe_headers};
use super::table::{TagCells, TagTable};
use super::tag::{Tag, TagRow};
use super::{kepserver, plain, studio5000, tia_portal};
use crate::domain::{Error, Result};

/// Maximum number of rows below the header.
pub const MAX_ROWS: usize = 100_000;
/// Maximum number of elements of all arrays of a list that become a stream each. A short row can have many.
pub const MAX_ELEMENTS: usize = 10_000;

/// Finds the format of a list and reads its rows. An array of a controller becomes a row for each element.
///
/// # Errors
/// `Invalid` for a text that is no tag list, `TooLarge` beyond [`MAX_ROWS`].
pub fn parse(text: &str) -> Result<(TagTable, Vec<TagRow>)> {
    let table = TagTable::find(text).ok_or_else(|| {
        Error::invalid(format!("this is no tag list, whose header is one of: {}", describe_headers()))
    })?;
    if table.format == TagListFormat::Plain
        && let Some(problem) = plain::header_problem(&table.columns)
    {
        return Err(Error::invalid(problem));
    }
    let (mut rows, mut left_elements) = (Vec::new(), MAX_ELEMENTS);
    for (number, cells) in table.rows(text).enumerate() {
        if number == MAX_ROWS {
            return Err(Error::too_large(format!(
                "the tag list has more than {MAX_ROWS} rows: cut it in parts"
            )));
        }
        let cells = cells.map_err(|error| Error::invalid(format!("the tag list cannot be read: {error}")))?;
        rows.extend(read_row(table.format, &cells).divided(&mut left_elements));
    }
    Ok((table, rows))
}

fn read_row(format: TagListFormat, cells: &TagCells<'_>) -> TagRow {
    let (name, tag) = match format {
        TagListFormat::Kepserver => (kepserver::name(cells), kepserver::read(cells)),
        TagListFormat::TiaPortal => (tia_portal::name(cells), tia_portal::read(cells)),
        TagListFormat::Studio5000 => (studio5000::name(cells), studio5000::read(cells)),
        TagListFormat::Plain => (plain::name(cells), plain::read(cells)),
    };
    let tag = cells.problem().map_or(tag, Err).and_then(not_constant);
    TagRow { line: cells.line(), name, tag }
}

/// Refuses a tag whose values would all be one.
fn not_constant(tag: Tag) -> Result<Tag, String> {
    if tag.scale == 0.0 {
        return Err(format!("scale 0 makes every value {}", tag.offset));
    }
    Ok(tag)
}

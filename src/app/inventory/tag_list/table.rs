//! Rows of a tag list: finds its header and its separator, and reads cells by the name of their column. Pure.

use csv::{Reader, ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};

use super::format::TagListFormat;
use crate::app::inventory::quotation::quotation_problem;
use crate::domain::named_enum::named_enum;

/// Maximum number of rows before the header: remarks of Studio 5000, comments of KEPServerEX.
const MAX_REMARKS: usize = 50;
/// Maximum number of columns; no program writes as many.
const MAX_COLUMNS: usize = 200;

named_enum! {
    /// Character between two cells. They are tried in this order.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Separator {
        Comma = "comma",
        Semicolon = "semicolon",
        Tab = "tab",
    }
}

impl Separator {
    /// Name in messages.
    pub fn plural(self) -> &'static str {
        match self {
            Separator::Comma => "commas",
            Separator::Semicolon => "semicolons",
            Separator::Tab => "tabs",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Tab => b'\t',
        }
    }
}

/// Header of a tag list.
#[derive(Debug, Clone, PartialEq)]
pub struct TagTable {
    pub format: TagListFormat,
    pub separator: Separator,
    /// Names of the columns in lower case.
    pub columns: Vec<String>,
    /// Number of rows before the first tag.
    skipped: usize,
}

impl TagTable {
    /// Finds the header of a list; `None` when the text is no tag list. Lines end with `\n`.
    pub fn find(text: &str) -> Option<TagTable> {
        Separator::ALL.into_iter().find_map(|separator| find_separated(text, separator))
    }

    /// Returns the rows below the header, without empty ones.
    pub fn rows<'a>(&'a self, text: &'a str) -> impl Iterator<Item = csv::Result<TagCells<'a>>> {
        let records = reader(text, self.separator).into_records().skip(self.skipped);
        let cells = records.map(move |record| record.map(|record| TagCells { table: self, text, record }));
        cells.filter(|cells| cells.as_ref().map_or(true, |cells| !is_empty(&cells.record)))
    }
}

fn find_separated(text: &str, separator: Separator) -> Option<TagTable> {
    for (before, record) in reader(text, separator).into_records().take(MAX_REMARKS).enumerate() {
        let record = record.ok()?;
        let columns: Vec<String> =
            record.iter().take(MAX_COLUMNS).map(|name| name.trim().to_lowercase()).collect();
        if let Some(format) = TagListFormat::of_header(&columns) {
            return Some(TagTable { format, separator, columns, skipped: before + 1 });
        }
        if !is_remark(&record) {
            return None;
        }
    }
    None
}

fn reader(text: &str, separator: Separator) -> Reader<&[u8]> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(separator.byte()).from_reader(text.as_bytes())
}

/// Whether a row before the header is none of the list: a remark, the version of the format, or Excel's separator.
fn is_remark(record: &StringRecord) -> bool {
    let first = record.get(0).map_or("", str::trim).to_lowercase();
    let is_version = record.len() == 1 && first.parse::<f64>().is_ok();
    let is_comment = ["remark", ";", "sep="].iter().any(|word| first.starts_with(word));
    is_comment || is_version || is_empty(record)
}

fn is_empty(record: &StringRecord) -> bool {
    record.iter().all(|cell| cell.trim().is_empty())
}

/// Cells of a row.
pub struct TagCells<'a> {
    table: &'a TagTable,
    text: &'a str,
    record: StringRecord,
}

impl TagCells<'_> {
    /// Line on which the row begins, counted from 1.
    pub fn line(&self) -> u64 {
        let Some(position) = self.record.position() else { return 0 };
        position.line() + self.rest().bytes().take_while(|byte| *byte == b'\n').count() as u64
    }

    /// Returns why the cells may be others than were meant: a quotation mark is missing, or a separator is within a cell.
    pub fn problem(&self) -> Option<String> {
        let (columns, separator) = (self.table.columns.len(), self.table.separator);
        if let Some(problem) = quotation_problem(self.rest(), separator.byte()) {
            return Some(problem.to_owned());
        }
        let has_more = self.record.iter().skip(columns).any(|cell| !cell.trim().is_empty());
        has_more.then(|| {
            let (cells, separators) = (self.record.len(), separator.plural());
            format!("{cells} cells where the header has {columns}: put a cell with {separators} in quotation marks")
        })
    }

    /// Text from this row on, with the empty lines before it.
    fn rest(&self) -> &str {
        // The position of a record is that of the empty lines before it.
        let begin = self.record.position().and_then(|position| usize::try_from(position.byte()).ok());
        begin.and_then(|begin| self.text.get(begin..)).unwrap_or_default()
    }

    /// Returns a cell without the blanks around it; an empty text where there is none.
    pub fn get(&self, column: &str) -> &str {
        let place = self.table.columns.iter().position(|name| name == column);
        place.and_then(|place| self.record.get(place)).map_or("", str::trim)
    }

    /// Returns the cell of a column that has several names.
    pub fn any(&self, columns: &[&str]) -> &str {
        columns.iter().map(|column| self.get(column)).find(|cell| !cell.is_empty()).unwrap_or_default()
    }

    /// Returns a cell as a number; `None` when it is empty. Where no comma separates cells, it may be a decimal comma.
    ///
    /// # Errors
    /// Names the column and the text.
    pub fn number(&self, column: &str) -> Result<Option<f64>, String> {
        let cell = self.get(column);
        if cell.is_empty() {
            return Ok(None);
        }
        let is_decimal_comma =
            self.table.separator != Separator::Comma && !cell.contains('.') && cell.matches(',').count() == 1;
        let number =
            if is_decimal_comma { cell.replace(',', ".").parse::<f64>() } else { cell.parse::<f64>() };
        let number = number.ok().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| format!("{column}: `{cell}` is no number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_found_behind_remarks_with_any_separator() {
        let rows = [
            ("name,address,type\n", Separator::Comma, 1),
            ("\n\n Name ; Address ; TYPE \n", Separator::Semicolon, 1),
            ("sep=;\nname;address;type\n", Separator::Semicolon, 2),
            ("name\taddress\ttype\n", Separator::Tab, 1),
            (
                "remark,\"CSV-Import-Export\"\n0.3\nTYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER\n",
                Separator::Comma,
                3,
            ),
            ("; a comment\nTag Name,Address,Data Type\n", Separator::Comma, 2),
        ];
        for (text, separator, skipped) in rows {
            let table = TagTable::find(text).expect(text);
            assert_eq!((table.separator, table.skipped), (separator, skipped), "{text}");
        }
        for text in ["", "ts,value\n", "a remark\nname,address,type\n", "name address type\n"] {
            assert_eq!(TagTable::find(text), None, "{text}");
        }
    }

    #[test]
    fn rows_know_their_lines_and_their_cells() {
        let text = "name;address;type;scale\n\n\na;hr:0;\"u\nint16\";0,5\n;;;\n b ;hr:1\n";
        let table = TagTable::find(text).expect("a list");
        let rows: Vec<_> = table.rows(text).map(|row| row.expect("a row")).collect();
        let lines: Vec<_> = rows.iter().map(|row| (row.line(), row.get("name"), row.get("type"))).collect();
        assert_eq!(lines, [(4, "a", "u\nint16"), (7, "b", "")]);
        assert_eq!(rows[0].number("scale"), Ok(Some(0.5)));
        assert_eq!(rows[1].number("scale"), Ok(None));
        assert_eq!(rows[0].number("address"), Err("address: `hr:0` is no number".to_owned()));
    }

    #[test]
    fn a_row_of_more_cells_than_columns_or_with_a_missing_mark_has_a_problem() {
        let text = "name,address,type\na,hr:0,0,1\nb,hr:1,\"0,1\"\nc,hr:2,1,, \nd,hr:3,\"1\ne,hr:4,1\n";
        let table = TagTable::find(text).expect("a list");
        let problems: Vec<_> = table.rows(text).map(|row| row.expect("a row").problem()).collect();
        let more = "4 cells where the header has 3: put a cell with commas in quotation marks";
        assert_eq!(problems[..3], [Some(more.to_owned()), None, None]);
        assert!(
            matches!(&problems[3..], [Some(problem)] if problem.contains("never closed")),
            "{problems:?}"
        );
    }
}

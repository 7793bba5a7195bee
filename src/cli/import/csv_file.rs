//! CSV import: reads a file with a header line row by row, because a file may be larger than memory.

use std::io::Read;

use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};

use super::cell_parser::{self, CellError};
use super::chunk::{ChunkBuilder, ImportChunk, ImportRow, StreamRef, row_error};
use super::columns::{ImportColumns, ImportDestination, StreamColumns};
use crate::domain::reading::Quality;
use crate::domain::{Error, Result};

/// Reader of a CSV file that is being imported.
pub struct CsvFile<R> {
    reader: Reader<R>,
    columns: ImportColumns,
    record: StringRecord,
    /// Number of the next data row, counted from 1.
    next_row: u64,
    size_bytes: u64,
}

impl<R: Read> CsvFile<R> {
    /// Reads the header and skips to a data row.
    pub fn open(input: R, size_bytes: u64, destination: ImportDestination, from_row: u64) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(input);
        let header =
            reader.headers().map_err(|e| Error::invalid(format!("the header line: {}", explain(&e))))?;
        let names: Vec<_> = header.iter().collect();
        let columns = ImportColumns::find(&names, destination)?;
        let mut file = CsvFile { reader, columns, record: StringRecord::new(), next_row: 1, size_bytes };
        while file.next_row < from_row {
            if !file.read_row()? {
                let rows = file.next_row - 1;
                return Err(Error::field("from-row", format!("the file ends after row {rows}")));
            }
        }
        Ok(file)
    }

    /// Reads the next rows. An error names its row; nothing of its chunk may be sent.
    pub fn next_chunk(&mut self) -> Result<Option<ImportChunk>> {
        let mut builder = ChunkBuilder::new(self.next_row, self.columns.stream);
        while !builder.is_full() && self.read_row()? {
            let row =
                parse_row(&self.columns, &self.record).map_err(|why| row_error(self.next_row - 1, &why))?;
            builder.push(row);
        }
        builder.finish()
    }

    /// Returns the positions of the columns of readings in the header line.
    pub fn columns(&self) -> &ImportColumns {
        &self.columns
    }

    /// Returns the length of the file in bytes, as given when it was opened.
    pub fn size(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the number of bytes read, for the display of progress.
    pub fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    fn read_row(&mut self) -> Result<bool> {
        let is_there = self.reader.read_record(&mut self.record);
        let is_there = is_there.map_err(|e| row_error(self.next_row, &explain(&e)))?;
        self.next_row += u64::from(is_there);
        Ok(is_there)
    }
}

fn parse_row<'a>(columns: &ImportColumns, record: &'a StringRecord) -> Result<ImportRow<'a>, CellError> {
    let raw = |column: usize| record.get(column).unwrap_or_default();
    let cell = |column: usize| raw(column).trim();
    let filled = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
    let of = match columns.stream {
        StreamColumns::Fixed(stream) => StreamRef::Id(stream.0),
        StreamColumns::Id { column } => StreamRef::Id(cell_parser::parse_stream_id(cell(column))?),
        StreamColumns::Names { device, stream } => {
            StreamRef::Names { device: cell(device), stream: cell(stream) }
        }
    };
    let ts = cell_parser::parse_csv_time(cell(columns.ts))?;
    let value = filled(columns.value).map(cell_parser::parse_number).transpose()?;
    let quality = filled(columns.quality).map_or(Ok("good"), cell_parser::parse_quality)?;
    // CSV does not tell an empty text from none: a reading that is neither a number nor lost has one.
    let may_be_empty = value.is_none() && quality != Quality::Bad.name();
    // Blanks around a text are part of it.
    let text = columns.text.map(raw).filter(|text| may_be_empty || !text.is_empty());
    Ok(ImportRow { stream: of, ts, value, text, quality })
}

/// Formats an error of the csv crate without its positions, which count otherwise than ours; the line helps an editor.
fn explain(error: &csv::Error) -> String {
    let line =
        |at: &Option<Position>| at.as_ref().map_or_else(String::new, |at| format!(" (line {})", at.line()));
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            format!("{len} columns where the header has {expected_len}{}", line(pos))
        }
        ErrorKind::Utf8 { pos, .. } => format!("this is not UTF-8 text{}", line(pos)),
        ErrorKind::Io(cause) => format!("cannot be read: {cause}"),
        _ => error.to_string(),
    }
}

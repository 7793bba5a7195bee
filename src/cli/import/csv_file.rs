//! A CSV file with a header line, read row by row: a file may be larger than memory.

use std::io::Read;

use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};

use super::chunk::{Builder, Chunk, Of, Row, wrong_row};
use super::columns::{Address, Columns, Destination};
use super::field::{self, Wrong};
use crate::domain::{Error, Result};

pub struct CsvFile<R> {
    reader: Reader<R>,
    columns: Columns,
    record: StringRecord,
    /// The data row to be read next, counted from 1.
    next_row: u64,
    size_bytes: u64,
}

impl<R: Read> CsvFile<R> {
    /// Reads the header and goes to a data row.
    pub fn open(input: R, size_bytes: u64, destination: Destination, from_row: u64) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(input);
        let header =
            reader.headers().map_err(|e| Error::invalid(format!("the header line: {}", explain(&e))))?;
        let names: Vec<_> = header.iter().collect();
        let columns = Columns::find(&names, destination)?;
        let mut file = CsvFile { reader, columns, record: StringRecord::new(), next_row: 1, size_bytes };
        while file.next_row < from_row {
            if !file.read_row()? {
                let rows = file.next_row - 1;
                return Err(Error::field("from-row", format!("the file ends after row {rows}")));
            }
        }
        Ok(file)
    }

    /// The next rows. A wrong row is an error naming it; nothing of its chunk is to be sent.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let mut builder = Builder::new(self.next_row, self.columns.address);
        while !builder.is_full() && self.read_row()? {
            let row = parse(&self.columns, &self.record).map_err(|why| wrong_row(self.next_row - 1, &why))?;
            builder.push(row);
        }
        builder.finish()
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn size(&self) -> u64 {
        self.size_bytes
    }

    pub fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    fn read_row(&mut self) -> Result<bool> {
        let is_there = self.reader.read_record(&mut self.record);
        let is_there = is_there.map_err(|e| wrong_row(self.next_row, &explain(&e)))?;
        self.next_row += u64::from(is_there);
        Ok(is_there)
    }
}

fn parse<'a>(columns: &Columns, record: &'a StringRecord) -> Result<Row<'a>, Wrong> {
    let raw = |column: usize| record.get(column).unwrap_or_default();
    let cell = |column: usize| raw(column).trim();
    let filled = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
    let of = match columns.address {
        Address::Fixed(stream) => Of::Id(stream.0),
        Address::Id { column } => Of::Id(field::id(cell(column))?),
        Address::Names { device, stream } => Of::Names { device: cell(device), stream: cell(stream) },
    };
    Ok(Row {
        of,
        ts: field::time(cell(columns.ts))?,
        value: filled(columns.value).map(field::number).transpose()?,
        // Blanks around a text are part of it.
        text: columns.text.map(raw).filter(|text| !text.is_empty()),
        quality: filled(columns.quality).map_or(Ok("good"), field::quality)?,
    })
}

/// The csv crate's errors without its own positions, which count otherwise than we do; the line helps an editor.
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

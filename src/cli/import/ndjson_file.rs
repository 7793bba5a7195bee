//! NDJSON import: reads one JSON object per line, row by row, because a file may be larger than memory.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::cell_parser::{self, CellError};
use super::chunk::{ChunkBuilder, ImportChunk, ImportRow, StreamRef, row_error};
use super::columns::{ImportColumns, ImportDestination, StreamColumns};
use crate::domain::{Error, Result};

/// Maximum line length in bytes, equal to the limit of a request.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Reader of an NDJSON file that is being imported.
pub struct NdjsonFile<R> {
    lines: LineReader<R>,
    destination: ImportDestination,
    columns: ImportColumns,
    /// All column names of the rows so far.
    names: Vec<String>,
    /// The first row, read to find the columns, until it is consumed.
    first: Option<Map<String, Value>>,
    /// Number of the next data row, counted from 1. Empty lines do not count.
    next_row: u64,
    size_bytes: u64,
}

impl<R: Read> NdjsonFile<R> {
    /// Reads the first row and skips to a data row.
    pub fn open(input: R, size_bytes: u64, destination: ImportDestination, from_row: u64) -> Result<Self> {
        let mut lines = LineReader { input: BufReader::new(input), read_bytes: 0 };
        let first = lines.read_object(1)?.ok_or_else(|| Error::invalid("there is no row in it"))?;
        let names: Vec<String> = first.keys().cloned().collect();
        let columns = ImportColumns::find(&names, destination)?;
        let first = Some(first);
        let mut file = NdjsonFile { lines, destination, columns, names, first, next_row: 1, size_bytes };
        while file.next_row < from_row {
            let rows = file.next_row - 1;
            let ends = || Error::field("from-row", format!("the file ends after row {rows}"));
            file.take_row()?.ok_or_else(ends)?;
        }
        Ok(file)
    }

    /// Reads the next rows. An error names its row; nothing of its chunk may be sent.
    pub fn next_chunk(&mut self) -> Result<Option<ImportChunk>> {
        let mut builder = ChunkBuilder::new(self.next_row, self.columns.stream);
        while !builder.is_full() {
            let Some(row) = self.take_row()? else { break };
            let number = self.next_row - 1;
            let cells = self.cells(row).map_err(|why| row_error(number, &why))?;
            builder.push(parse_row(&self.columns, &cells).map_err(|why| row_error(number, &why))?);
        }
        builder.finish()
    }

    /// Returns the columns found so far; a later row with another name can add one.
    pub fn columns(&self) -> &ImportColumns {
        &self.columns
    }

    /// Returns the length of the file in bytes, as given when it was opened.
    pub fn size(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the number of bytes read, for the display of progress.
    pub fn position(&self) -> u64 {
        self.lines.read_bytes
    }

    fn take_row(&mut self) -> Result<Option<Map<String, Value>>> {
        let row = match self.first.take() {
            Some(first) => Some(first),
            None => self.lines.read_object(self.next_row)?,
        };
        self.next_row += u64::from(row.is_some());
        Ok(row)
    }

    /// Returns the cells of a row in the order of `names`, as the text of a CSV cell; `None` is null or missing.
    fn cells(&mut self, mut row: Map<String, Value>) -> Result<Vec<Option<String>>, CellError> {
        if row.keys().any(|name| !self.names.contains(name)) {
            // A column that earlier rows did not have.
            self.names
                .extend(row.keys().filter(|name| !self.names.contains(name)).cloned().collect::<Vec<_>>());
            let found = ImportColumns::find(&self.names, self.destination).map_err(|e| e.message)?;
            if found.stream != self.columns.stream {
                return Err("the stream is named in another way than in the rows before".to_owned());
            }
            self.columns = found;
        }
        self.names.iter().map(|name| row.remove(name).map_or(Ok(None), |value| text(name, value))).collect()
    }
}

/// Reads the non-empty lines of a file.
struct LineReader<R> {
    input: BufReader<R>,
    read_bytes: u64,
}

impl<R: Read> LineReader<R> {
    /// Reads the next object; `None` at the end. Errors name row `number`.
    fn read_object(&mut self, number: u64) -> Result<Option<Map<String, Value>>> {
        let wrong = |why: String| row_error(number, &why);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = self.input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
            let read = read.map_err(|e| wrong(format!("cannot be read: {e}")))?;
            self.read_bytes += read as u64;
            if read == 0 {
                return Ok(None);
            }
            if !line.trim_ascii().is_empty() {
                let row = serde_json::from_slice(&line);
                return row.map(Some).map_err(|e| wrong(format!("this is no JSON object: {e}")));
            }
        }
    }
}

fn text(name: &str, value: Value) -> Result<Option<String>, CellError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        // 64-bit integers stay exact, decimals round-trip.
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(truth) => Ok(Some(truth.to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{name}: a list or an object is no cell; write it as a string"))
        }
    }
}

fn parse_row<'a>(columns: &ImportColumns, cells: &'a [Option<String>]) -> Result<ImportRow<'a>, CellError> {
    let cell = |column: usize| cells.get(column).and_then(|c| c.as_deref());
    let of = match columns.stream {
        StreamColumns::Fixed(stream) => StreamRef::Id(stream.0),
        StreamColumns::Id { column } => {
            StreamRef::Id(cell_parser::parse_stream_id(cell(column).unwrap_or("null"))?)
        }
        StreamColumns::Names { device, stream } => StreamRef::Names {
            device: cell(device).ok_or("device: there is none")?,
            stream: cell(stream).ok_or("stream: there is none")?,
        },
    };
    Ok(ImportRow {
        stream: of,
        ts: cell_parser::parse_time(cell(columns.ts).ok_or("ts: there is none")?)?,
        value: columns.value.and_then(cell).map(cell_parser::parse_number).transpose()?,
        text: columns.text.and_then(cell),
        quality: columns.quality.and_then(cell).map_or(Ok("good"), cell_parser::parse_quality)?,
    })
}

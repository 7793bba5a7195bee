//! A file of one JSON object a line, read row by row: a file may be larger than memory.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::chunk::{Builder, Chunk, Of, Row, wrong_row};
use super::columns::{Address, Columns, Destination};
use super::field::{self, Wrong};
use crate::domain::{Error, Result};

/// Longest line, bytes: as long as a request may be.
const LINE_BYTES: u64 = 64 << 20;

pub struct NdjsonFile<R> {
    lines: Lines<R>,
    destination: Destination,
    columns: Columns,
    /// Every column a row has had so far.
    names: Vec<String>,
    /// The row the columns were found in, until it is taken.
    first: Option<Map<String, Value>>,
    /// The data row to be read next, counted from 1. Empty lines are none.
    next_row: u64,
    size_bytes: u64,
}

impl<R: Read> NdjsonFile<R> {
    /// Reads the first row and goes to a data row.
    pub fn open(input: R, size_bytes: u64, destination: Destination, from_row: u64) -> Result<Self> {
        let mut lines = Lines { input: BufReader::new(input), read_bytes: 0 };
        let first = lines.read(1)?.ok_or_else(|| Error::invalid("there is no row in it"))?;
        let names: Vec<String> = first.keys().cloned().collect();
        let columns = Columns::find(&names, destination)?;
        let first = Some(first);
        let mut file = NdjsonFile { lines, destination, columns, names, first, next_row: 1, size_bytes };
        while file.next_row < from_row {
            let rows = file.next_row - 1;
            let ends = || Error::field("from-row", format!("the file ends after row {rows}"));
            file.take_row()?.ok_or_else(ends)?;
        }
        Ok(file)
    }

    /// The next rows. A wrong row is an error naming it; nothing of its chunk is to be sent.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let mut builder = Builder::new(self.next_row, self.columns.address);
        while !builder.is_full() {
            let Some(row) = self.take_row()? else { break };
            let number = self.next_row - 1;
            let cells = self.cells(row).map_err(|why| wrong_row(number, &why))?;
            builder.push(parse(&self.columns, &cells).map_err(|why| wrong_row(number, &why))?);
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
        self.lines.read_bytes
    }

    fn take_row(&mut self) -> Result<Option<Map<String, Value>>> {
        let row = match self.first.take() {
            Some(first) => Some(first),
            None => self.lines.read(self.next_row)?,
        };
        self.next_row += u64::from(row.is_some());
        Ok(row)
    }

    /// The cells of a row in the order of `names`, as the text a CSV file would have; `None` is null or missing.
    fn cells(&mut self, mut row: Map<String, Value>) -> Result<Vec<Option<String>>, Wrong> {
        if row.keys().any(|name| !self.names.contains(name)) {
            // A column that the rows before had no need of.
            self.names
                .extend(row.keys().filter(|name| !self.names.contains(name)).cloned().collect::<Vec<_>>());
            let found = Columns::find(&self.names, self.destination).map_err(|e| e.message)?;
            if found.address != self.columns.address {
                return Err("the stream is named in another way than in the rows before".to_owned());
            }
            self.columns = found;
        }
        self.names.iter().map(|name| row.remove(name).map_or(Ok(None), |value| text(name, value))).collect()
    }
}

/// The lines of a file that are not empty.
struct Lines<R> {
    input: BufReader<R>,
    read_bytes: u64,
}

impl<R: Read> Lines<R> {
    /// The next object; `None` at the end. An error is told of row `number`.
    fn read(&mut self, number: u64) -> Result<Option<Map<String, Value>>> {
        let wrong = |why: String| wrong_row(number, &why);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = self.input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
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

fn text(name: &str, value: Value) -> Result<Option<String>, Wrong> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        // Integers of 64 bits are kept exactly, decimals as they read back.
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(truth) => Ok(Some(truth.to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{name}: a list or an object is no cell; write it as a string"))
        }
    }
}

fn parse<'a>(columns: &Columns, cells: &'a [Option<String>]) -> Result<Row<'a>, Wrong> {
    let cell = |column: usize| cells.get(column).and_then(|c| c.as_deref());
    let of = match columns.address {
        Address::Fixed(stream) => Of::Id(stream.0),
        Address::Id { column } => Of::Id(field::id(cell(column).unwrap_or("null"))?),
        Address::Names { device, stream } => Of::Names {
            device: cell(device).ok_or("device: there is none")?,
            stream: cell(stream).ok_or("stream: there is none")?,
        },
    };
    Ok(Row {
        of,
        ts: field::time(cell(columns.ts).ok_or("ts: there is none")?)?,
        value: columns.value.and_then(cell).map(field::number).transpose()?,
        text: columns.text.and_then(cell),
        quality: columns.quality.and_then(cell).map_or(Ok("good"), field::quality)?,
    })
}

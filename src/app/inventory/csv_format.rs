//! CSV format of the inventory: a header line, then a row for each stream or device.
//!
//! A row names its device in `device` and its stream in `stream`; without a stream it is about the device alone.
//! Columns `device.…` are the device's fields and may be filled in any of its rows. An empty cell means that the field
//! is not given.

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim, WriterBuilder};
use serde_json::Value;

use super::ImportProblem;
use super::export_rows::ExportRow;
use super::file_fields::FileColumns;
use super::problem_list::ProblemList;
use super::quotation::quotation_problem;
use super::raw_rows::{ColumnNaming, LocatedValue, RawDevice, RawFieldValue, RawRow};
use crate::domain::{Error, Result};

/// Maximum number of columns; there are fewer names.
const MAX_COLUMNS: usize = 200;

/// The field that a column holds.
#[derive(Debug, Clone, Copy)]
enum Column {
    Device(&'static str),
    Stream(&'static str),
}

/// Reads the rows. Rows with as many cells as the header are returned even when other rows have problems.
pub fn read(text: &str, problems: &mut ProblemList) -> Vec<RawDevice> {
    let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(text.as_bytes());
    let columns = match reader.headers() {
        Ok(header) if header.len() > MAX_COLUMNS => {
            let message = format!("there are {} columns; a file has at most {MAX_COLUMNS}.", header.len());
            problems.push(ImportProblem { line: 1, column: "*".to_owned(), message });
            return Vec::new();
        }
        Ok(header) => columns(header, problems),
        Err(error) => {
            problems.push(broken(&error));
            return Vec::new();
        }
    };
    let mut found = CsvDevices::default();
    for record in reader.records() {
        if problems.is_full() {
            break;
        }
        match record {
            Ok(record) => match misquoted(text, &record) {
                Some(problem) => problems.push(problem),
                None => found.add(&columns, &record, problems),
            },
            Err(error) => problems.push(broken(&error)),
        }
    }
    found.written
}

/// Returns the problem of a row whose cells may hold other rows, for want of a quotation mark.
fn misquoted(text: &str, record: &StringRecord) -> Option<ImportProblem> {
    let position = record.position()?;
    let row = text.get(usize::try_from(position.byte()).ok()?..)?;
    let message = format!("{}.", quotation_problem(row, b',')?);
    Some(ImportProblem { line: position.line(), column: "*".to_owned(), message })
}

fn columns(header: &StringRecord, problems: &mut ProblemList) -> Vec<Option<Column>> {
    let mut wrong = |column: &str, message: String| {
        problems.push(ImportProblem { line: 1, column: column.to_owned(), message });
    };
    let names: Vec<&str> = header.iter().collect();
    let fields = FileColumns::all();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            wrong(name, "there are two columns of this name.".to_owned());
        } else if column(name, &fields).is_none() {
            wrong(name, format!("there is no such column: there are {}.", column_names()));
        }
    }
    if !names.contains(&"device") {
        wrong("device", "there is no such column: it names the device of each row.".to_owned());
    }
    names.into_iter().map(|name| column(name, &fields)).collect()
}

/// Lists the names of all columns, for messages.
pub fn column_names() -> String {
    let fields = FileColumns::all();
    let (stream, device) = (fields.stream.join(", "), fields.device.join(", device."));
    format!("device, stream, {stream}, device.{device}")
}

fn column(name: &str, fields: &FileColumns) -> Option<Column> {
    let known = |of: &[&'static str], name: &str| of.iter().find(|known| **known == name).copied();
    match name {
        "device" => Some(Column::Device("name")),
        "stream" => Some(Column::Stream("name")),
        name => match name.strip_prefix("device.") {
            Some(field) => known(&fields.device, field).map(Column::Device),
            None => known(&fields.stream, name).map(Column::Stream),
        },
    }
}

#[derive(Default)]
struct CsvDevices {
    written: Vec<RawDevice>,
    places: std::collections::HashMap<String, usize>,
}

impl CsvDevices {
    fn add(&mut self, columns: &[Option<Column>], record: &StringRecord, problems: &mut ProblemList) {
        let line = record.position().map_or(0, csv::Position::line);
        let (mut device, mut stream) =
            (RawRow::new(line, ColumnNaming::CsvDevice), RawRow::new(line, ColumnNaming::CsvStream));
        for (column, text) in columns.iter().zip(record).filter(|(_, text)| !text.trim().is_empty()) {
            let (row, field) = match column {
                Some(Column::Device(field)) => (&mut device, *field),
                Some(Column::Stream(field)) => (&mut stream, *field),
                None => continue,
            };
            row.cells
                .insert(field.to_owned(), LocatedValue { value: RawFieldValue::Text(text.to_owned()), line });
        }
        if device.cells.is_empty() && stream.cells.is_empty() {
            return;
        }
        let Some(name) = device.text("name").map(str::to_owned) else {
            return problems.push(device.problem("name", "This field is required."));
        };
        if !stream.cells.is_empty() && stream.text("name").is_none() {
            return problems
                .push(stream.problem("name", "This field is required: the row has a stream's fields."));
        }
        let place = *self.places.entry(name).or_insert_with(|| {
            self.written
                .push(RawDevice { device: RawRow::new(line, ColumnNaming::CsvDevice), streams: Vec::new() });
            self.written.len() - 1
        });
        let written = &mut self.written[place];
        join(&mut written.device, device, problems);
        if !stream.cells.is_empty() {
            written.streams.push(stream);
        }
    }
}

/// A device's fields may be given in several of its rows, but must not conflict.
fn join(device: &mut RawRow, row: RawRow, problems: &mut ProblemList) {
    for (field, cell) in row.cells {
        match device.cells.get(&field) {
            None => drop(device.cells.insert(field, cell)),
            Some(before) if field == "name" || before.value == cell.value => {}
            Some(before) => problems.push(ImportProblem {
                line: cell.line,
                column: row.naming.column(&field),
                message: format!("conflicts with line {}: same device, other value.", before.line),
            }),
        }
    }
}

fn broken(error: &csv::Error) -> ImportProblem {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}.")
        }
        _ => error.to_string(),
    };
    ImportProblem { line, column: "*".to_owned(), message }
}

/// Writes a row for each device, followed by one for each of its streams. Fields at their default are left empty.
pub fn write(devices: &[(ExportRow, Vec<ExportRow>)]) -> Result<String> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let FileColumns { exported_device: of_devices, stream: of_streams, .. } = FileColumns::all();
    let header = ["device".to_owned(), "stream".to_owned()].into_iter();
    let header = header.chain(of_devices.iter().map(|field| ColumnNaming::CsvDevice.column(field)));
    let header: Vec<String> = header.chain(of_streams.iter().map(|field| (*field).to_owned())).collect();
    writer.write_record(&header).map_err(unwritten)?;
    for (device, streams) in devices {
        let cells = [device.name.clone(), String::new()].into_iter();
        let cells = cells.chain(of_devices.iter().map(|field| cell(device.field(field))));
        let cells: Vec<String> = cells.chain(of_streams.iter().map(|_| String::new())).collect();
        writer.write_record(&cells).map_err(unwritten)?;
        for stream in streams {
            let cells = [device.name.clone(), stream.name.clone()].into_iter();
            let cells = cells.chain(of_devices.iter().map(|_| String::new()));
            let cells: Vec<String> =
                cells.chain(of_streams.iter().map(|field| cell(stream.field(field)))).collect();
            writer.write_record(&cells).map_err(unwritten)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| Error::internal("CSV could not be written").with_source(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| Error::internal("CSV could not be written").with_source(e))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn unwritten(error: csv::Error) -> Error {
    Error::internal("CSV could not be written").with_source(error)
}

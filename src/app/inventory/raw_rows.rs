//! Unparsed rows of an inventory file: fields by name, each with its line.

use std::collections::HashMap;

use serde_json::Value;

use super::ImportProblem;

/// A field's value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum RawFieldValue {
    Null,
    Text(String),
    /// A list or a map.
    Json(Value),
}

/// A value and its line.
#[derive(Debug, Clone, PartialEq)]
pub struct LocatedValue {
    pub value: RawFieldValue,
    pub line: u64,
}

/// How fields are named in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnNaming {
    Yaml,
    /// Columns of a device are prefixed with `device.`; its name is in the column `device`.
    CsvDevice,
    /// A stream's name is in the column `stream`.
    CsvStream,
}

impl ColumnNaming {
    /// Returns the name of a field as the file has it, for the problems of a row.
    pub fn column(self, field: &str) -> String {
        match (self, field) {
            (ColumnNaming::CsvDevice, "name") => "device".to_owned(),
            (ColumnNaming::CsvStream, "name") => "stream".to_owned(),
            (ColumnNaming::CsvDevice, field) => format!("device.{field}"),
            (ColumnNaming::Yaml | ColumnNaming::CsvStream, field) => field.to_owned(),
        }
    }
}

/// A device or a stream as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRow {
    /// The line on which the row begins.
    pub line: u64,
    pub naming: ColumnNaming,
    pub cells: HashMap<String, LocatedValue>,
}

impl RawRow {
    /// Creates a row without fields that begins on `line`, counted from 1.
    pub fn new(line: u64, naming: ColumnNaming) -> Self {
        Self { line, naming, cells: HashMap::new() }
    }

    /// Returns the text of a field, trimmed; `None` when it is missing, null, a list or a map.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.cells.get(field).map(|cell| &cell.value) {
            Some(RawFieldValue::Text(text)) => Some(text.trim()),
            Some(RawFieldValue::Null | RawFieldValue::Json(_)) | None => None,
        }
    }

    /// Returns the line of a field, or that of the row if the field is missing.
    pub fn line_of(&self, field: &str) -> u64 {
        self.cells.get(field).map_or(self.line, |cell| cell.line)
    }

    /// Returns a problem of a field, with its line and its name in the file.
    pub fn problem(&self, field: &str, message: impl Into<String>) -> ImportProblem {
        ImportProblem {
            line: self.line_of(field),
            column: self.naming.column(field),
            message: message.into(),
        }
    }
}

/// A device and its streams as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RawDevice {
    pub device: RawRow,
    pub streams: Vec<RawRow>,
}

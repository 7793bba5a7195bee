//! What a file gives, before anything is made of it: fields by name, each with its line.

use std::collections::HashMap;

use serde_json::Value;

use super::Problem;

/// A field's value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Null,
    Text(String),
    /// A list or a map.
    Json(Value),
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub given: Given,
    pub line: u64,
}

/// How the fields of a row are called where they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Yaml,
    /// Columns of a device begin with `device.`; its name is `device`.
    CsvDevice,
    /// A stream's name is in the column `stream`.
    CsvStream,
}

impl Naming {
    pub fn column(self, field: &str) -> String {
        match (self, field) {
            (Naming::CsvDevice, "name") => "device".to_owned(),
            (Naming::CsvStream, "name") => "stream".to_owned(),
            (Naming::CsvDevice, field) => format!("device.{field}"),
            (Naming::Yaml | Naming::CsvStream, field) => field.to_owned(),
        }
    }
}

/// A device or a stream as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it begins.
    pub line: u64,
    pub naming: Naming,
    pub cells: HashMap<String, Cell>,
}

impl Row {
    pub fn new(line: u64, naming: Naming) -> Self {
        Self { line, naming, cells: HashMap::new() }
    }

    pub fn text(&self, field: &str) -> Option<&str> {
        match self.cells.get(field).map(|cell| &cell.given) {
            Some(Given::Text(text)) => Some(text.trim()),
            Some(Given::Null | Given::Json(_)) | None => None,
        }
    }

    /// Where a field stands; where the row begins when it is not there.
    pub fn line_of(&self, field: &str) -> u64 {
        self.cells.get(field).map_or(self.line, |cell| cell.line)
    }

    pub fn problem(&self, field: &str, message: impl Into<String>) -> Problem {
        Problem { line: self.line_of(field), column: self.naming.column(field), message: message.into() }
    }
}

/// A device and its streams as they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub device: Row,
    pub streams: Vec<Row>,
}

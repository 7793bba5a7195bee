//! YAML format of the inventory: a list `devices`, each with its fields and a list `streams`, and a list `documents`.

use std::fmt::Write;

use serde_json::Value;

use super::ImportProblem;
use super::documents::{self, DocumentImport, FileDocument};
use super::export_rows::ExportRow;
use super::problem_list::ProblemList;
use super::raw_rows::{ColumnNaming, LocatedValue, RawDevice, RawFieldValue, RawRow};
use super::yaml_tree::{self, YamlNode, YamlValue};
use crate::domain::{Error, Result};

/// Content of a file.
#[derive(Debug, Default)]
pub struct YamlFile {
    pub devices: Vec<RawDevice>,
    pub documents: Vec<DocumentImport>,
}

/// Reads the devices and documents. Well-formed ones are returned even when others have problems.
pub fn read(text: &str, problems: &mut ProblemList) -> YamlFile {
    let root = match yaml_tree::parse(text) {
        Ok(Some(YamlNode { value: YamlValue::Map(entries), .. })) => entries,
        Ok(root) => {
            let line = root.map_or(1, |root| root.line);
            problems.push(wrong(line, "devices", "the file is a map with a list `devices`."));
            return YamlFile::default();
        }
        Err(problem) => {
            problems.push(problem);
            return YamlFile::default();
        }
    };
    let mut written = YamlFile::default();
    for (line, key, node) in root {
        match (key.as_str(), node.value) {
            ("devices", YamlValue::List(devices)) => {
                written
                    .devices
                    .extend(devices.into_iter().filter_map(|device| read_device(device, problems)));
            }
            ("documents", YamlValue::List(documents)) => {
                let documents =
                    documents.into_iter().filter_map(|document| read_document(document, problems));
                written.documents.extend(documents);
            }
            ("devices" | "documents", YamlValue::Scalar { text, is_plain: true })
                if yaml_tree::is_null(&text) => {}
            ("devices", _) => problems.push(wrong(line, "devices", "this is no list of devices.")),
            ("documents", _) => problems.push(wrong(line, "documents", "this is no list of documents.")),
            (other, _) => {
                let message = "there is no such key: there are `devices` and `documents`.";
                problems.push(wrong(line, other, message));
            }
        }
    }
    written
}

fn read_document(node: YamlNode, problems: &mut ProblemList) -> Option<DocumentImport> {
    let line = node.line;
    match node.into_raw() {
        RawFieldValue::Json(value @ Value::Object(_)) => documents::read(line, value, problems),
        RawFieldValue::Json(_) | RawFieldValue::Text(_) | RawFieldValue::Null => {
            let message = "a document is a map of its fields, `kind` among them.";
            problems.push(wrong(line, "documents", message));
            None
        }
    }
}

fn read_device(node: YamlNode, problems: &mut ProblemList) -> Option<RawDevice> {
    let YamlValue::Map(entries) = node.value else {
        problems.push(wrong(node.line, "devices", "a device is a map of its fields, `name` among them."));
        return None;
    };
    let mut written = RawDevice { device: RawRow::new(node.line, ColumnNaming::Yaml), streams: Vec::new() };
    for (line, key, value) in entries {
        match (key.as_str(), value) {
            ("streams", YamlNode { value: YamlValue::List(streams), .. }) => {
                written.streams =
                    streams.into_iter().filter_map(|stream| read_stream(stream, problems)).collect();
            }
            ("streams", YamlNode { value: YamlValue::Scalar { text, is_plain: true }, .. })
                if yaml_tree::is_null(&text) => {}
            ("streams", _) => problems.push(wrong(line, "streams", "this is no list of streams.")),
            (_, value) => put(&mut written.device, line, key, value),
        }
    }
    Some(written)
}

fn read_stream(node: YamlNode, problems: &mut ProblemList) -> Option<RawRow> {
    let YamlValue::Map(entries) = node.value else {
        problems.push(wrong(node.line, "streams", "a stream is a map of its fields, `name` among them."));
        return None;
    };
    let mut row = RawRow::new(node.line, ColumnNaming::Yaml);
    entries.into_iter().for_each(|(line, key, value)| put(&mut row, line, key, value));
    Some(row)
}

fn put(row: &mut RawRow, line: u64, key: String, value: YamlNode) {
    row.cells.insert(key, LocatedValue { value: value.into_raw(), line });
}

fn wrong(line: u64, column: &str, message: &str) -> ImportProblem {
    ImportProblem { line, column: column.to_owned(), message: message.to_owned() }
}

/// Writes the documents below the devices; nothing without any.
pub fn write_documents(documents: &[FileDocument]) -> Result<String> {
    let mut text = String::from(if documents.is_empty() { "" } else { "documents:\n" });
    for document in documents {
        let fields = serde_json::to_value(document);
        let fields = fields.map_err(|e| Error::internal("a document cannot be written").with_source(e))?;
        let mut fields: Vec<_> = fields.as_object().into_iter().flatten().collect();
        fields.sort_by_key(|(name, _)| *name != "kind");
        let mut indent = "  - ";
        for (field, value) in fields {
            writeln!(text, "{indent}{field}: {}", scalar(value)).expect("a String takes everything");
            indent = "    ";
        }
    }
    Ok(text)
}

/// Writes every device with its streams. Fields at their default are left out.
pub fn write(devices: &[(ExportRow, Vec<ExportRow>)]) -> String {
    let mut text = String::from("devices:");
    if devices.is_empty() {
        text.push_str(" []\n");
        return text;
    }
    text.push('\n');
    for (device, streams) in devices {
        write_noun(&mut text, "  ", device);
        if !streams.is_empty() {
            text.push_str("    streams:\n");
        }
        streams.iter().for_each(|stream| write_noun(&mut text, "      ", stream));
    }
    text
}

fn write_noun(text: &mut String, indent: &str, noun: &ExportRow) {
    let name = Value::from(noun.name.as_str());
    writeln!(text, "{indent}- name: {}", scalar(&name)).expect("a String takes everything");
    for (field, value) in noun.fields() {
        writeln!(text, "{indent}  {field}: {}", scalar(value)).expect("a String takes everything");
    }
}

/// Writes a value on one line.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => flow(other),
    }
}

/// Writes JSON, which is valid YAML flow style.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, value)| format!("{}: {}", quoted(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns whether an unquoted text is read back as the same text, also by other YAML readers.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 8] = ["null", "true", "false", "yes", "no", "on", "off", "y"];
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !text.eq_ignore_ascii_case("n")
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' => out.push(c),
            other => write!(out, "\\U{:08X}", u32::from(other)).expect("a String takes everything"),
        }
    }
    out.push('"');
    out
}

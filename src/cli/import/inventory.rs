//! Import of devices and their streams: tells such files from readings, sends them whole and prints their changes.

use std::fs::{self, File};
use std::path::Path;

use csv::{ReaderBuilder, Trim};
use serde_json::Value;

use super::columns::TIME_COLUMN_NAMES;
use super::{FileFormat, detect_format};
use crate::app::control::{Command, CommandOutcome};
use crate::app::inventory::file_command::FileCommand;
use crate::app::inventory::{
    FieldChange, ImportEntry, ImportKind, ImportReport, InventoryCounts, InventoryFormat, MAX_BYTES,
};
use crate::cli::print;
use crate::cli::target::CommandTarget;
use crate::domain::{Error, Result};

/// Returns the format of an inventory file by its extension or header; `None` for readings and unreadable files.
pub fn detect_inventory_format(path: &Path) -> Option<InventoryFormat> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    if matches!(ending.as_deref(), Some("yaml" | "yml")) {
        return Some(InventoryFormat::Yaml);
    }
    let mut file = File::open(path).ok()?;
    if !matches!(detect_format(&mut file).ok()?, FileFormat::Csv) {
        return None;
    }
    let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(file);
    let header = reader.headers().ok()?;
    let is_of_devices = |name: &str| name == "device" || name.starts_with("device.");
    let is_of_readings =
        |name: &str| TIME_COLUMN_NAMES.contains(&name) || matches!(name, "stream_id" | "value" | "text");
    let mut names = header.iter().map(|name| name.trim_start_matches('\u{feff}'));
    (names.clone().any(is_of_devices) && !names.any(is_of_readings)).then_some(InventoryFormat::Csv)
}

/// Imports the devices of a file, or says what that would change. Changes go to standard output, errors to standard
/// error.
pub async fn import(target: &CommandTarget, path: &Path, form: InventoryFormat, is_dry: bool) -> Result<()> {
    let name = path.display();
    let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
    let text = read(path).map_err(about)?;
    let command = FileCommand::Import { form, text, is_dry };
    let command = Command::File { org: target.org(), command };
    let CommandOutcome::Inventory(review) = target.run(command).await.map_err(about)? else {
        return Err(Error::internal("the server answered another command"));
    };
    for problem in &review.problems {
        eprintln!("{name}: line {}, column `{}`: {}", problem.line, problem.column, problem.message);
    }
    match review.problems.len() {
        0 => print::line(&render_review(&name.to_string(), &review)),
        1 => Err(Error::invalid(format!("{name} has a mistake: nothing was changed"))),
        many => Err(Error::invalid(format!("{name} has {many} mistakes: nothing was changed"))),
    }
}

fn read(path: &Path) -> Result<String> {
    let unreadable = |e: std::io::Error| Error::invalid(format!("cannot be read: {e}"));
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES as u64 {
        return Err(Error::too_large(format!("is longer than {} MiB: cut it in parts", MAX_BYTES >> 20)));
    }
    fs::read_to_string(path).map_err(unreadable)
}

fn render_review(name: &str, review: &ImportReport) -> String {
    let mut lines: Vec<String> = review.entries.iter().map(line).collect();
    lines.extend(review.left_alone.iter().map(|row| format!("= {row}: not in the file, left alone")));
    let count = |is_new| {
        let of = |noun| review.entries.iter().filter(|e| e.noun == noun && e.is_new == is_new).count();
        let groups = of(ImportKind::Group);
        let rest = render_counts(InventoryCounts {
            devices: of(ImportKind::Device),
            streams: of(ImportKind::Stream),
            documents: of(ImportKind::Document),
        });
        if groups == 0 { rest } else { format!("{rest}, {}", number(groups, "group")) }
    };
    let (added, changed, unchanged) = (count(true), count(false), render_counts(review.unchanged));
    lines.push(format!("{name}: added {added}; changed {changed}; unchanged {unchanged}"));
    if !review.is_applied {
        lines.push("dry run: nothing was changed".to_owned());
    }
    lines.join("\n")
}

fn line(entry: &ImportEntry) -> String {
    let noun = match entry.noun {
        ImportKind::Group => "group",
        ImportKind::Device => "device",
        ImportKind::Stream => "stream",
        ImportKind::Document => "document",
    };
    let (sign, field): (_, fn(&FieldChange) -> String) = match entry.is_new {
        true => ("+", |field| format!("{} {}", field.field, field.new)),
        false => ("~", change),
    };
    let fields: Vec<_> = entry.fields.iter().map(field).collect();
    let text = format!("{sign} {noun} {}", entry.name);
    if fields.is_empty() { text } else { format!("{text}: {}", fields.join(", ")) }
}

/// Formats values as JSON. A password's values are absent, so its change shows no values.
fn change(field: &FieldChange) -> String {
    match (&field.old, &field.new) {
        (Value::Null, Value::Null) => format!("{} (not shown)", field.field),
        (old, new) => format!("{} {old} -> {new}", field.field),
    }
}

fn render_counts(counts: InventoryCounts) -> String {
    let rows = format!("{}, {}", number(counts.devices, "device"), number(counts.streams, "stream"));
    if counts.documents == 0 { rows } else { format!("{rows}, {}", number(counts.documents, "document")) }
}

/// Returns a count with its noun.
pub fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

//! Types of the schema for inventory files.

use async_graphql::{Enum, InputObject, SimpleObject};
use serde_json::Value;

use crate::api::graphql::errors::UserError;
use crate::app::inventory::{self, ImportEntry, ImportProblem, ImportReport};

/// Format of an inventory file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "inventory::InventoryFormat", rename_items = "lowercase")]
pub enum InventoryFormat {
    /// A table with a line for each device or stream.
    Csv,
    /// A list of devices with their streams, and a list of documents.
    Yaml,
}

/// A file of devices and streams, and what to do with it.
#[derive(InputObject)]
pub struct ImportInventoryInput {
    /// Format of the file's text.
    pub format: InventoryFormat,
    /// The file as text, as `basalt import` reads it.
    #[graphql(secret)]
    pub text: String,
    /// Whether to report only what would change, or every mistake.
    #[graphql(default)]
    pub dry_run: bool,
}

/// Result of importing a file.
#[derive(SimpleObject)]
pub struct ImportInventoryPayload {
    /// Changes made or previewed; null if nothing could be compared.
    pub report: Option<InventoryReport>,
    /// Errors in the input, each with its field; empty on success.
    pub errors: Vec<UserError>,
}

/// Changes by a file, made or previewed.
#[derive(SimpleObject)]
pub struct InventoryReport {
    /// Whether the changes were made.
    applied: bool,
    /// Every mistake in the file, by line; with any of them nothing is changed.
    problems: Vec<InventoryProblem>,
    /// Created and changed rows: groups, then each device before its streams, then documents.
    changes: Vec<InventoryChange>,
    /// Number of devices that are as in the file already.
    unchanged_devices: i32,
    /// Number of streams that are as in the file already.
    unchanged_streams: i32,
    /// Number of documents that are as in the file already.
    unchanged_documents: i32,
    /// Rows that the file does not name; they stay as they are.
    left_alone: Vec<String>,
}

/// A mistake in a file.
#[derive(SimpleObject)]
pub struct InventoryProblem {
    /// Line of the mistake, counted from 1.
    line: i32,
    /// Column or field of the mistake; `*` for the whole line.
    column: String,
    /// Message for people: what is wrong.
    message: String,
}

/// A row that a file creates or changes.
#[derive(SimpleObject)]
pub struct InventoryChange {
    /// Kind of the row: `group`, `device`, `stream` or `document`.
    noun: &'static str,
    /// Name of the row; a stream's begins with that of its device.
    name: String,
    /// Whether the row is a new one.
    created: bool,
    /// Changed fields, or those of a new row that differ from their default.
    fields: Vec<InventoryFieldChange>,
}

/// A field that a file changes; passwords are never shown.
#[derive(SimpleObject)]
pub struct InventoryFieldChange {
    /// Name of the field in the file.
    field: String,
    /// Value before the change, or the default of a new row.
    old: Value,
    /// Value in the file.
    new: Value,
}

/// Returns a number as an integer of the schema; a larger one becomes the largest.
pub fn small(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

impl From<ImportReport> for InventoryReport {
    fn from(report: ImportReport) -> Self {
        Self {
            applied: report.is_applied,
            problems: report.problems.into_iter().map(InventoryProblem::from).collect(),
            changes: report.entries.into_iter().map(InventoryChange::from).collect(),
            unchanged_devices: small(report.unchanged.devices),
            unchanged_streams: small(report.unchanged.streams),
            unchanged_documents: small(report.unchanged.documents),
            left_alone: report.left_alone,
        }
    }
}

impl From<ImportProblem> for InventoryProblem {
    fn from(problem: ImportProblem) -> Self {
        Self { line: small(problem.line), column: problem.column, message: problem.message }
    }
}

impl From<ImportEntry> for InventoryChange {
    fn from(entry: ImportEntry) -> Self {
        let fields = entry.fields.into_iter();
        let fields = fields.map(|change| InventoryFieldChange {
            field: change.field,
            old: change.old,
            new: change.new,
        });
        Self { noun: entry.noun.name(), name: entry.name, created: entry.is_new, fields: fields.collect() }
    }
}

//! Types of the schema for tag lists of other programs.

use async_graphql::{ID, InputObject, SimpleObject};

use super::inventory::small;
use crate::api::graphql::errors::UserError;
use crate::app::inventory::tag_list::{self, OutcomeDetails, TagLine, TagStream};

/// A tag list, and what to do with it.
#[derive(InputObject)]
pub struct ImportTagListInput {
    /// Id or row number of the device whose tags they are.
    pub device: ID,
    /// The list as text, as `basalt import --device` reads it.
    #[graphql(secret)]
    pub text: String,
    /// Whether to report only what would become of each line.
    #[graphql(default)]
    pub dry_run: bool,
}

/// Result of importing a tag list.
#[derive(SimpleObject)]
pub struct ImportTagListPayload {
    /// Outcome or preview of each line; null if the list could not be read.
    pub report: Option<TagListReport>,
    /// Errors in the input, each with its field; empty on success.
    pub errors: Vec<UserError>,
}

/// Outcome or preview of the import of a tag list.
#[derive(SimpleObject)]
pub struct TagListReport {
    /// Whether the streams were made.
    applied: bool,
    /// Format of the list: `kepserver`, `tia_portal`, `studio5000` or `plain`.
    format: &'static str,
    /// Character between two cells: `comma`, `semicolon` or `tab`.
    separator: &'static str,
    /// Name of the device.
    device: String,
    /// Name of the device's protocol.
    protocol: String,
    /// Number of new streams.
    added: i32,
    /// Number of lines whose stream was there already; it stays as it is.
    unchanged: i32,
    /// Number of streams that others made at the same time and that have the list's settings now.
    replaced: i32,
    /// Number of lines of which no stream is made.
    left_out: i32,
    /// Every line that is not empty, in the order of the list.
    lines: Vec<TagListLine>,
}

/// A line of a tag list, and what became of it.
#[derive(SimpleObject)]
pub struct TagListLine {
    /// Number of the line, counted from 1.
    line: i32,
    /// Name of the tag.
    name: String,
    /// Its outcome: `added`, `unchanged`, `replaced` or `left_out`.
    outcome: &'static str,
    /// Name of the stream; null for a line that is left out.
    stream: Option<String>,
    /// Settings that the stream has from the list.
    settings: Option<TagListSettings>,
    /// Settings in which a stream that stays as it is differs from the list.
    differences: Vec<TagListDifference>,
    /// Reason why the line is left out, or what a new stream does not take from the list.
    remark: Option<String>,
}

/// Settings of a stream that come from a tag list.
#[derive(SimpleObject)]
pub struct TagListSettings {
    /// Address at the device.
    path: String,
    /// Name of the stream's type.
    #[graphql(name = "type")]
    kind: String,
    /// Unit of the values.
    unit: String,
    /// Factor by which a value is multiplied.
    scale: f64,
    /// Number that is added to the scaled value.
    offset: f64,
    /// Description in the stream's metadata.
    description: String,
}

/// A setting in which a stream differs from a tag list.
#[derive(SimpleObject)]
pub struct TagListDifference {
    /// Name of the setting.
    field: String,
    /// Setting of the stream.
    stream: String,
    /// Setting in the list.
    list: String,
}

impl From<tag_list::TagListReport> for TagListReport {
    fn from(report: tag_list::TagListReport) -> Self {
        let counts = report.counts();
        Self {
            applied: report.is_applied,
            format: report.format.name(),
            separator: report.separator.name(),
            device: report.device,
            protocol: report.protocol,
            added: small(counts.added),
            unchanged: small(counts.unchanged),
            replaced: small(counts.replaced),
            left_out: small(counts.left_out),
            lines: report.lines.into_iter().map(TagListLine::from).collect(),
        }
    }
}

impl From<TagLine> for TagListLine {
    fn from(row: TagLine) -> Self {
        let TagLine { line, name, outcome } = row;
        let OutcomeDetails { outcome, stream, settings, differences, remark } = outcome.into_details(&name);
        Self {
            line: small(line),
            name,
            outcome,
            stream,
            settings: settings.map(TagListSettings::from),
            differences: differences.into_iter().map(TagListDifference::from).collect(),
            remark,
        }
    }
}

impl From<TagStream> for TagListSettings {
    fn from(stream: TagStream) -> Self {
        let TagStream { path, kind, unit, scale, offset, description } = stream;
        Self { path, kind, unit, scale, offset, description }
    }
}

impl From<tag_list::TagDifference> for TagListDifference {
    fn from(difference: tag_list::TagDifference) -> Self {
        let tag_list::TagDifference { field, stream, list } = difference;
        Self { field, stream, list }
    }
}

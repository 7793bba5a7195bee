//! Report of an import of a tag list: what became of each row.

use serde::{Deserialize, Serialize};

use super::format::TagListFormat;
use super::table::Separator;
use crate::domain::stream::StreamSpec;

/// Name of the metadata that has the description of a tag.
pub const DESCRIPTION: &str = "description";

/// The streams that an import made of a tag list, or would make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagListReport {
    pub format: TagListFormat,
    pub separator: Separator,
    /// Name of the device.
    pub device: String,
    /// Name of its protocol.
    pub protocol: String,
    /// Every row that is not empty, in the order of the list.
    pub lines: Vec<TagLine>,
    /// Whether the streams were made.
    pub is_applied: bool,
}

impl TagListReport {
    /// Counts the rows by what became of them.
    pub fn counts(&self) -> TagListCounts {
        let mut counts = TagListCounts::default();
        for line in &self.lines {
            match &line.outcome {
                TagOutcome::Added { .. } => counts.added += 1,
                TagOutcome::Exists { .. } => counts.unchanged += 1,
                TagOutcome::Replaced { .. } => counts.replaced += 1,
                TagOutcome::LeftOut { .. } => counts.left_out += 1,
            }
        }
        counts
    }
}

/// Numbers of rows by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TagListCounts {
    pub added: usize,
    pub unchanged: usize,
    pub replaced: usize,
    pub left_out: usize,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagLine {
    /// Counted from 1.
    pub line: u64,
    /// Name of the tag.
    pub name: String,
    pub outcome: TagOutcome,
}

/// Outcome of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagOutcome {
    /// A new stream.
    Added { stream: TagStream, remark: Option<String> },
    /// The device has a stream of this name, or of this address and type. It stays as it is.
    Exists { stream: String, differences: Vec<TagDifference> },
    /// A stream of this name was made by somebody else while the list was imported, and has the list's settings now.
    Replaced { stream: TagStream },
    /// No stream.
    LeftOut { reason: String },
}

impl TagOutcome {
    /// Returns what an API shows of a row with this name.
    pub fn into_details(self, name: &str) -> OutcomeDetails {
        let nothing = OutcomeDetails::default();
        let own_name = Some(name.to_owned());
        match self {
            TagOutcome::Added { stream, remark } => OutcomeDetails {
                outcome: "added",
                stream: own_name,
                settings: Some(stream),
                remark,
                ..nothing
            },
            TagOutcome::Exists { stream, differences } => {
                OutcomeDetails { outcome: "unchanged", stream: Some(stream), differences, ..nothing }
            }
            TagOutcome::Replaced { stream } => {
                OutcomeDetails { outcome: "replaced", stream: own_name, settings: Some(stream), ..nothing }
            }
            TagOutcome::LeftOut { reason } => {
                OutcomeDetails { outcome: "left_out", remark: Some(reason), ..nothing }
            }
        }
    }
}

/// Outcome of a row, in the members that APIs show for every outcome.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OutcomeDetails {
    /// Name of the outcome.
    pub outcome: &'static str,
    /// Name of the stream; `None` for a row that is left out.
    pub stream: Option<String>,
    /// Settings that the stream has from the list.
    pub settings: Option<TagStream>,
    /// Settings in which a stream that stays as it is differs from the list.
    pub differences: Vec<TagDifference>,
    /// Reason why a row is left out, or what a new stream does not take from the list.
    pub remark: Option<String>,
}

impl OutcomeDetails {
    /// Every name of an outcome.
    pub const OUTCOMES: [&'static str; 4] = ["added", "unchanged", "replaced", "left_out"];
}

/// Settings of a stream that come from a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagStream {
    pub path: String,
    /// Name of the type.
    pub kind: String,
    pub unit: String,
    pub scale: f64,
    pub offset: f64,
    pub description: String,
}

impl From<&StreamSpec> for TagStream {
    fn from(spec: &StreamSpec) -> TagStream {
        let description = spec.metadata.get(DESCRIPTION).and_then(serde_json::Value::as_str);
        TagStream {
            path: spec.path.clone(),
            kind: spec.kind.name().to_owned(),
            unit: spec.unit.clone(),
            scale: spec.scale,
            offset: spec.offset,
            description: description.unwrap_or_default().to_owned(),
        }
    }
}

/// A setting in which a stream differs from the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagDifference {
    pub field: String,
    pub stream: String,
    pub list: String,
}

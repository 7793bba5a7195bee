//! Metadata of one Parquet file, known without opening it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::domain::{Error, Micros, Result};

/// The tag of a Delta `add` action that carries `FileStats`.
const TAG: &str = "basalt";

/// A live file of the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeFile {
    /// Relative to the table: `date=YYYY-MM-DD/part-….parquet`.
    pub path: String,
    pub day: Day,
    pub rows: u64,
    pub bytes: u64,
    /// Lowest and highest id in the first column: of streams, or of devices in `messages`.
    pub streams: MinMax<i32>,
    /// Oldest and newest time, microseconds.
    pub ts: MinMax<i64>,
    /// Lowest and highest seq.
    pub seq: MinMax<u64>,
    /// Whether a row in this file can share its key with a row of another file of the day. On-time files never share
    /// keys with each other.
    pub is_late: bool,
    /// Checksum of the whole file; `None` for files of versions that did not record it.
    pub crc32: Option<u32>,
    /// Length of the longest text, bytes; `None` likewise.
    pub longest_text: Option<u32>,
    /// Checksum of the footer; `None` likewise.
    pub footer: Option<FooterChecksum>,
}

/// Length and checksum of footer and page indexes, which are the last bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FooterChecksum {
    pub bytes: u64,
    pub crc32: u32,
}

/// Sorts files of a day into write order, oldest first. A flush that wrote two files wrote the late rows after the
/// others.
pub fn sort_by_write_order(files: &mut [Arc<LakeFile>]) {
    files.sort_by(|a, b| (a.seq.max, a.is_late, &a.path).cmp(&(b.seq.max, b.is_late, &b.path)));
}

/// Exact bounds stored in the Delta log. Delta's own statistics round timestamps to milliseconds.
#[derive(Debug, Serialize, Deserialize)]
struct FileStats {
    rows: u64,
    streams: (i32, i32),
    ts: (i64, i64),
    seq: (u64, u64),
    late: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc32: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<FooterChecksum>,
}

impl LakeFile {
    /// Adds rows to the statistics. They are sorted by id and given by three of their columns.
    pub(super) fn add(&mut self, ids: &[i32], times: &[i64], seqs: &[i64]) {
        self.rows += ids.len() as u64;
        for id in ids.first().into_iter().chain(ids.last()) {
            self.streams.extend(*id);
        }
        for ts in times {
            self.ts.extend(*ts);
        }
        for seq in seqs {
            self.seq.extend(*seq as u64);
        }
    }

    /// Adds the length of the longest text of some rows.
    pub(super) fn add_texts(&mut self, longest: usize) {
        let longest = u32::try_from(longest).unwrap_or(u32::MAX);
        self.longest_text = self.longest_text.max(Some(longest));
    }

    /// Returns statistics for other Delta readers (Delta protocol, per-file statistics).
    pub fn delta_stats(&self, id_column: &str) -> String {
        let bounds = |id: i32, ts: i64| serde_json::json!({id_column: id, "ts": Micros(ts).to_iso()});
        serde_json::json!({
            "numRecords": self.rows,
            "minValues": bounds(self.streams.min, self.ts.min),
            "maxValues": bounds(self.streams.max, self.ts.max),
            "nullCount": {id_column: 0, "ts": 0},
        })
        .to_string()
    }

    /// Returns the tags of the file's `add` action in the Delta log, from which [`LakeFile::from_delta`] restores the metadata.
    pub fn tags(&self) -> HashMap<String, Option<String>> {
        let facts = FileStats {
            rows: self.rows,
            streams: self.streams.into(),
            ts: self.ts.into(),
            seq: self.seq.into(),
            late: self.is_late,
            crc32: self.crc32,
            text: self.longest_text,
            end: self.footer,
        };
        let text = serde_json::to_string(&facts).expect("numbers always serialise");
        HashMap::from([(TAG.to_owned(), Some(text))])
    }

    /// Builds the metadata from an `add` action of the Delta log.
    ///
    /// # Errors
    /// `Unavailable` when the file was not added by Basalt, because another writer changed the table.
    pub fn from_delta(path: &str, bytes: i64, tags: &HashMap<String, Option<String>>) -> Result<LakeFile> {
        let foreign = || Error::unavailable(format!("`{path}` in the lake was not written by basalt"));
        let facts = tags.get(TAG).and_then(Option::as_deref).ok_or_else(foreign)?;
        let facts: FileStats = serde_json::from_str(facts).map_err(|e| foreign().with_source(e))?;
        let date = path.strip_prefix("date=").and_then(|p| p.get(..10)).and_then(Day::parse);
        Ok(LakeFile {
            path: path.to_owned(),
            day: date.ok_or_else(foreign)?,
            rows: facts.rows,
            bytes: bytes.unsigned_abs(),
            streams: facts.streams.into(),
            ts: facts.ts.into(),
            seq: facts.seq.into(),
            is_late: facts.late,
            crc32: facts.crc32,
            longest_text: facts.text,
            footer: facts.end,
        })
    }
}

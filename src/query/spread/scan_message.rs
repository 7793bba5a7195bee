//! A part of a scan as Protocol Buffers, between nodes of one version of the program.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message;

use crate::domain::min_max::MinMax;
use crate::domain::retention::StreamStarts;
use crate::domain::{Error, Result, StreamId};
use crate::query::scan::bounds::Bounds;
use crate::query::scan::divisible_scan::DivisibleScan;
use crate::query::scan::file_scan::{FilePartition, FileShare};
use crate::query::scan::row_security::VisibleStreams;
use crate::query::scan::scan_sources::{MergedDay, ScanSources};
use crate::store::lake::file::LakeFile;
use crate::store::memtable::run::Run;
use crate::store::replica::run_codec;
use crate::store::schema::{self, STREAM_ID};

/// Changes with the format, so that nodes of different versions refuse each other's scans.
const FORMAT: u32 = 1;
/// Most partitions of a scan: a node has a thread for each.
pub(super) const MAX_PARTITIONS: u32 = 4096;

/// A scan; its filter travels beside it as an expression of DataFusion.
#[derive(Clone, PartialEq, Message)]
pub struct ScanMessage {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(uint32, repeated, tag = "2")]
    read: Vec<u32>,
    #[prost(uint32, tag = "3")]
    partitions: u32,
    #[prost(int32, repeated, tag = "4")]
    visible: Vec<i32>,
    #[prost(message, repeated, tag = "5")]
    starts: Vec<StartMessage>,
    #[prost(sint64, tag = "6")]
    ts_min: i64,
    #[prost(sint64, tag = "7")]
    ts_max: i64,
    #[prost(message, optional, tag = "8")]
    streams: Option<IdsMessage>,
    #[prost(message, optional, tag = "9")]
    value: Option<ValuesMessage>,
    #[prost(bytes = "vec", optional, tag = "10")]
    pub filter: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "11")]
    files: Vec<FileMessage>,
    #[prost(message, repeated, tag = "12")]
    runs: Vec<RunsMessage>,
    #[prost(message, repeated, tag = "13")]
    merged: Vec<MergedDayMessage>,
}

/// Start of the retention of a stream, microseconds.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StartMessage {
    #[prost(int32, tag = "1")]
    pub stream: i32,
    #[prost(sint64, tag = "2")]
    pub from: i64,
}

#[derive(Clone, PartialEq, Message)]
struct IdsMessage {
    #[prost(int32, repeated, tag = "1")]
    ids: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct ValuesMessage {
    #[prost(double, tag = "1")]
    min: f64,
    #[prost(double, tag = "2")]
    max: f64,
}

/// A file as the Delta log has it, and which share of it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FileMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    bytes: u64,
    #[prost(map = "string, string", tag = "3")]
    tags: HashMap<String, String>,
    #[prost(uint64, tag = "4")]
    index: u64,
    #[prost(uint64, tag = "5")]
    count: u64,
}

/// Runs of a day, each encoded as `run_codec` does.
#[derive(Clone, PartialEq, Message)]
struct RunsMessage {
    #[prost(bytes = "vec", repeated, tag = "1")]
    runs: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct MergedDayMessage {
    #[prost(message, repeated, tag = "1")]
    files: Vec<FileMessage>,
    #[prost(message, optional, tag = "2")]
    runs: Option<RunsMessage>,
}

/// Content of a message: a scan without its filter and without the snapshot that it reads.
pub struct ScanParts {
    /// Columns that are read, as indices into `schema::readings()`.
    pub read: Vec<usize>,
    pub partitions: usize,
    pub visible: Arc<VisibleStreams>,
    pub bounds: Bounds,
    pub sources: ScanSources,
}

impl From<&DivisibleScan> for ScanParts {
    fn from(divisible: &DivisibleScan) -> Self {
        let DivisibleScan { scan, read, sources, .. } = divisible;
        Self {
            read: read.clone(),
            partitions: scan.partitions,
            visible: scan.visible.clone(),
            bounds: scan.bounds.clone(),
            sources: sources.clone(),
        }
    }
}

impl ScanMessage {
    /// Describes a scan, without its filter. Of the visible streams it has those that the scan can read.
    pub fn of(scan: &ScanParts) -> Self {
        let ScanParts { read, sources, bounds, .. } = scan;
        Self {
            format: FORMAT,
            read: read.iter().map(|column| *column as u32).collect(),
            partitions: scan.partitions as u32,
            visible: scan.visible.ids().iter().copied().filter(|id| bounds.has_stream(*id)).collect(),
            starts: scan
                .visible
                .starts()
                .filter(|(stream, _)| bounds.has_stream(*stream))
                .map(|(stream, from)| StartMessage { stream, from })
                .collect(),
            ts_min: bounds.ts.min,
            ts_max: bounds.ts.max,
            streams: bounds.streams.as_ref().map(|ids| IdsMessage { ids: ids.iter().copied().collect() }),
            value: bounds.value.map(|MinMax { min, max }| ValuesMessage { min, max }),
            filter: None,
            files: sources.files.iter().map(FileMessage::of).collect(),
            runs: sources.runs.iter().map(|runs| RunsMessage::of(runs)).collect(),
            merged: sources.merged.iter().map(MergedDayMessage::of).collect(),
        }
    }

    /// Checks and converts what another node sent. `check` is given the ids of the visible streams before anything is made of
    /// them: the memory of `VisibleStreams` grows with the largest id.
    ///
    /// # Errors
    /// `Invalid` for a scan of another version, and for values that no node sends; the errors of `check`.
    pub fn into_parts(self, check: impl Fn(&[i32]) -> Result<()>) -> Result<ScanParts> {
        if self.format != FORMAT {
            return Err(Error::invalid("the scan is of another version of the program"));
        }
        let columns = schema::readings().fields().len();
        let read: Vec<usize> = self.read.iter().map(|column| *column as usize).collect();
        if read.first() != Some(&STREAM_ID) || read.iter().any(|column| *column >= columns) {
            return Err(Error::invalid("the scan reads columns that do not exist"));
        }
        if !(1..=MAX_PARTITIONS).contains(&self.partitions) {
            return Err(Error::invalid("the scan has a number of partitions that no node has"));
        }
        check(&self.visible)?;
        let mut starts = StreamStarts::default();
        self.starts.iter().for_each(|start| starts.set(start.stream, start.from));
        let visible = self.visible.into_iter().map(StreamId).collect();
        Ok(ScanParts {
            read,
            partitions: self.partitions as usize,
            visible: Arc::new(VisibleStreams::new(visible).with_retention(&starts)),
            bounds: Bounds {
                ts: MinMax::new(self.ts_min, self.ts_max),
                streams: self.streams.map(|streams| BTreeSet::from_iter(streams.ids)),
                value: self.value.map(|ValuesMessage { min, max }| MinMax::new(min, max)),
            },
            sources: ScanSources {
                files: self.files.into_iter().map(FileMessage::into_partition).collect::<Result<_>>()?,
                runs: self.runs.into_iter().map(RunsMessage::into_runs).collect::<Result<_>>()?,
                merged: self.merged.into_iter().map(MergedDayMessage::into_day).collect::<Result<_>>()?,
            },
        })
    }
}

impl FileMessage {
    pub(super) fn of(part: &FilePartition) -> Self {
        let FilePartition { file, share: FileShare { index, count }, .. } = part;
        let tags = file.tags().into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self {
            path: file.path.clone(),
            bytes: file.bytes,
            tags: tags.collect(),
            index: *index as u64,
            count: *count as u64,
        }
    }

    pub(super) fn into_partition(self) -> Result<FilePartition> {
        let Self { path, bytes, tags, index, count } = self;
        if path.split('/').any(|part| part == "..") {
            return Err(Error::invalid("a file of the scan is not in the lake"));
        }
        if index >= count || count > u64::from(u32::MAX) {
            return Err(Error::invalid("a file of the scan is divided into too few parts"));
        }
        let tags = tags.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let bytes = i64::try_from(bytes).map_err(|e| Error::invalid("a file is too large").with_source(e))?;
        let file = Arc::new(LakeFile::from_delta(&path, bytes, &tags)?);
        let too_many = |e| Error::invalid("a file is divided into too many parts").with_source(e);
        let (index, count) = (usize::try_from(index), usize::try_from(count));
        let share = FileShare { index: index.map_err(too_many)?, count: count.map_err(too_many)? };
        Ok(FilePartition { share, ..FilePartition::whole(file) })
    }
}

impl RunsMessage {
    fn of(runs: &[Run]) -> Self {
        let encode = |run: &Run| {
            let mut bytes = Vec::new();
            run_codec::encode_run(run, &mut bytes);
            bytes
        };
        Self { runs: runs.iter().map(encode).collect() }
    }

    fn into_runs(self) -> Result<Vec<Run>> {
        self.runs.iter().map(|bytes| decode_sorted_run(bytes)).collect()
    }
}

/// Merges of runs rely on their order.
fn decode_sorted_run(bytes: &[u8]) -> Result<Run> {
    let run = run_codec::decode_whole_run(bytes)?;
    let is_sorted = (1..run.len()).all(|row| run.key(row - 1) < run.key(row));
    if is_sorted { Ok(run) } else { Err(Error::invalid("a run of the scan is not sorted")) }
}

impl MergedDayMessage {
    fn of(day: &MergedDay) -> Self {
        let files = day.files.iter().map(|file| FileMessage::of(&FilePartition::whole(file.clone())));
        Self { files: files.collect(), runs: Some(RunsMessage::of(&day.runs)) }
    }

    fn into_day(self) -> Result<MergedDay> {
        let files = self.files.into_iter().map(|file| Ok(file.into_partition()?.file));
        Ok(MergedDay {
            files: files.collect::<Result<_>>()?,
            runs: self.runs.map(RunsMessage::into_runs).transpose()?.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
#[path = "scan_message_tests.rs"]
mod tests;

//! A part of a rollup as Protocol Buffers, between nodes of one version of the program.

use std::sync::Arc;

use prost::Message;

use super::scan_message::{FileMessage, MAX_PARTITIONS, ScanMessage, ScanParts, StartMessage};
use crate::domain::time::{END_TIME, MIN_TIME};
use crate::domain::{Error, Micros, Result};
use crate::query::functions::bucket_width::{BucketWidth, CalendarInterval};
use crate::query::functions::buckets::Buckets;
use crate::query::functions::zone::Zone;
use crate::query::rollup::from_readings;
use crate::query::rollup::partial;
use crate::query::rollup::partials_sources::PartialsSources;
use crate::query::rollup::range_split::RangeSplit;
use crate::query::rollup::statistics_part::{LevelSources, StatisticsPart};
use crate::query::scan::file_scan::FilePartition;
use crate::store::statistics::time_ranges::TimeRanges;
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;
use crate::store::wal::columns;
use crate::store::wal::reader::{ByteReader, malformed_record};

/// Changes with the format, so that nodes of different versions refuse each other's rollups.
const FORMAT: u32 = 1;

/// A scan of partials.
#[derive(Clone, PartialEq, Message)]
pub struct RollupMessage {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(uint32, tag = "2")]
    partitions: u32,
    #[prost(uint32, repeated, tag = "3")]
    columns: Vec<u32>,
    #[prost(message, optional, tag = "4")]
    buckets: Option<BucketsMessage>,
    #[prost(message, repeated, tag = "5")]
    splits: Vec<SplitMessage>,
    #[prost(message, repeated, tag = "6")]
    readings: Vec<ScanMessage>,
    #[prost(message, optional, tag = "7")]
    hours: Option<LevelMessage>,
    #[prost(message, optional, tag = "8")]
    windows: Option<LevelMessage>,
    /// Starts of the retention of statistics.
    #[prost(message, repeated, tag = "9")]
    starts: Vec<StartMessage>,
}

/// The width of buckets, microseconds or months, and the name of their timezone.
#[derive(Clone, PartialEq, Message)]
struct BucketsMessage {
    #[prost(sint64, tag = "1")]
    micros: i64,
    #[prost(int32, tag = "2")]
    months: i32,
    #[prost(string, optional, tag = "3")]
    zone: Option<String>,
}

/// A stream with its times. Each of the lists has the start and the end of a range, those of the next and so on, microseconds.
#[derive(Clone, PartialEq, Message)]
struct SplitMessage {
    #[prost(int32, tag = "1")]
    stream: i32,
    #[prost(sint64, repeated, tag = "2")]
    hours: Vec<i64>,
    #[prost(sint64, repeated, tag = "3")]
    computed: Vec<i64>,
    #[prost(sint64, repeated, tag = "4")]
    raw: Vec<i64>,
    #[prost(sint64, tag = "5")]
    visible_from: i64,
}

/// The files of a level of statistics, and its unflushed rows as the log encodes them.
#[derive(Clone, PartialEq, Message)]
struct LevelMessage {
    #[prost(message, repeated, tag = "1")]
    files: Vec<FileMessage>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    unflushed: Vec<Vec<u8>>,
}

/// Content of a message: a scan of partials without the snapshot that it reads.
pub struct RollupParts {
    /// Ordered by stream.
    pub splits: Vec<Arc<RangeSplit>>,
    /// Scans of `from_readings::COLUMNS`.
    pub readings: Vec<ScanParts>,
    pub statistics: StatisticsPart,
    pub buckets: Option<Buckets>,
    /// Indices into `partial::schema()`.
    pub columns: Vec<usize>,
    pub partitions: usize,
}

impl From<&PartialsSources> for RollupParts {
    fn from(sources: &PartialsSources) -> Self {
        let PartialsSources { snapshot, splits, readings, buckets, columns, partitions } = sources;
        Self {
            splits: splits.clone(),
            readings: readings.iter().map(ScanParts::from).collect(),
            statistics: StatisticsPart::of(snapshot, splits),
            buckets: buckets.clone(),
            columns: columns.clone(),
            partitions: *partitions,
        }
    }
}

impl RollupMessage {
    /// Describes a scan of partials.
    pub fn of(parts: &RollupParts) -> Self {
        let RollupParts { splits, readings, statistics, buckets, columns, partitions } = parts;
        let starts =
            statistics.starts.iter().map(|(stream, from)| StartMessage { stream: *stream, from: *from });
        Self {
            format: FORMAT,
            partitions: *partitions as u32,
            columns: columns.iter().map(|column| *column as u32).collect(),
            buckets: buckets.as_ref().map(BucketsMessage::of),
            splits: splits.iter().map(|split| SplitMessage::of(split)).collect(),
            readings: readings.iter().map(ScanMessage::of).collect(),
            hours: Some(LevelMessage::of(&statistics.hours)),
            windows: Some(LevelMessage::of(&statistics.windows)),
            starts: starts.collect(),
        }
    }

    /// Checks and converts what another node sent. `check` is given the ids of all streams, as by `ScanMessage::into_parts`.
    ///
    /// # Errors
    /// `Invalid` for a rollup of another version, and `Invalid` or `Unavailable` for values that no node sends; the errors of
    /// `check`.
    pub fn into_parts(self, check: impl Fn(&[i32]) -> Result<()>) -> Result<RollupParts> {
        if self.format != FORMAT {
            return Err(Error::invalid("the rollup is of another version of the program"));
        }
        if !(1..=MAX_PARTITIONS).contains(&self.partitions) {
            return Err(Error::invalid("the rollup has a number of partitions that no node has"));
        }
        let partitions = self.partitions as usize;
        let columns: Vec<usize> = self.columns.iter().map(|column| *column as usize).collect();
        if columns.iter().any(|column| *column >= partial::schema().fields().len()) {
            return Err(Error::invalid("the rollup has columns that do not exist"));
        }
        let splits: Vec<Arc<RangeSplit>> =
            self.splits.into_iter().map(SplitMessage::into_split).collect::<Result<_>>()?;
        let are_ascending = splits.windows(2).all(|pair| pair[0].stream < pair[1].stream);
        if !are_ascending || splits.first().is_some_and(|split| split.stream < 0) {
            return Err(Error::invalid("the streams of the rollup are not in order"));
        }
        check(&splits.iter().map(|split| split.stream).collect::<Vec<i32>>())?;
        if self.readings.len() > from_readings::MAX_SCANS {
            return Err(Error::invalid("the rollup has more scans of readings than any node makes"));
        }
        let readings = self.readings.into_iter().map(|scan| into_readings(scan, partitions, &check));
        Ok(RollupParts {
            splits,
            readings: readings.collect::<Result<_>>()?,
            statistics: StatisticsPart {
                hours: self.hours.unwrap_or_default().into_sources(Table::HourlyStatistics)?,
                windows: self.windows.unwrap_or_default().into_sources(Table::Statistics)?,
                starts: self.starts.into_iter().map(|start| (start.stream, start.from)).collect(),
            },
            buckets: self.buckets.map(BucketsMessage::into_buckets).transpose()?,
            columns,
            partitions,
        })
    }
}

/// Checks a scan of raw readings. Partials are made of three columns, and of each partition once.
fn into_readings(
    scan: ScanMessage,
    partitions: usize,
    check: impl Fn(&[i32]) -> Result<()>,
) -> Result<ScanParts> {
    if scan.filter.is_some() {
        return Err(Error::invalid("the readings of the rollup are filtered"));
    }
    let parts = scan.into_parts(check)?;
    if parts.read != from_readings::COLUMNS || parts.partitions != partitions {
        return Err(Error::invalid("the readings of the rollup have other columns or partitions than it"));
    }
    Ok(parts)
}

impl BucketsMessage {
    fn of(buckets: &Buckets) -> Self {
        let (micros, months) = match buckets.width() {
            BucketWidth::Micros(micros) => (micros, 0),
            BucketWidth::Months(months) => (0, months),
        };
        Self { micros, months, zone: buckets.zone().map(|zone| zone.to_string()) }
    }

    fn into_buckets(self) -> Result<Buckets> {
        let Self { micros, months, zone } = self;
        let width = CalendarInterval { months, days: 0, nanos: i128::from(micros) * 1000 };
        let width = BucketWidth::new(width)
            .map_err(|problem| Error::invalid(format!("the width of the rollup's buckets {problem}")))?;
        let zone = zone.map(|name| Zone::parse("rollup", &name)).transpose();
        let zone = zone.map_err(|e| Error::invalid("the rollup has an unknown timezone").with_source(e))?;
        Ok(Buckets::new(width, zone))
    }
}

impl SplitMessage {
    fn of(split: &RangeSplit) -> Self {
        let edges = |times: &TimeRanges| times.iter().flat_map(|(from, to)| [from, to]).collect();
        Self {
            stream: split.stream,
            hours: edges(&split.hours),
            computed: edges(&split.computed),
            raw: edges(&split.raw),
            visible_from: split.visible_from,
        }
    }

    fn into_split(self) -> Result<Arc<RangeSplit>> {
        Ok(Arc::new(RangeSplit {
            stream: self.stream,
            hours: into_times(&self.hours)?,
            computed: into_times(&self.computed)?,
            raw: into_times(&self.raw)?,
            visible_from: self.visible_from,
        }))
    }
}

fn into_times(edges: &[i64]) -> Result<TimeRanges> {
    let (ranges, rest) = edges.as_chunks::<2>();
    let are_storable = edges.iter().all(|edge| (MIN_TIME.0..=END_TIME.0).contains(edge));
    if !rest.is_empty() || !are_storable {
        return Err(Error::invalid("the rollup has times that no reading can have"));
    }
    Ok(TimeRanges::new(ranges.iter().map(|[from, to]| (*from, *to)).collect()))
}

impl LevelMessage {
    fn of(sources: &LevelSources) -> Self {
        let LevelSources { files, unflushed } = sources;
        let encode = |rows: &UpsertRows| {
            let mut bytes = Vec::new();
            columns::encode(rows.batch(), &mut bytes);
            bytes
        };
        let files = files.iter().map(|file| FileMessage::of(&FilePartition::whole(file.clone())));
        Self { files: files.collect(), unflushed: unflushed.iter().map(encode).collect() }
    }

    fn into_sources(self, table: Table) -> Result<LevelSources> {
        let Self { files, unflushed } = self;
        let files = files.into_iter().map(|file| Ok(file.into_partition()?.file));
        let unflushed = unflushed.iter().map(|bytes| decode_rows(bytes, table));
        Ok(LevelSources {
            files: files.collect::<Result<_>>()?,
            unflushed: unflushed.collect::<Result<_>>()?,
        })
    }
}

fn decode_rows(bytes: &[u8], table: Table) -> Result<UpsertRows> {
    let mut body = ByteReader(bytes);
    let rows = columns::decode(&mut body, table)?;
    let are_storable = (0..rows.len()).all(|row| Micros(rows.key(row).ts).is_storable());
    if body.0.is_empty() && are_storable { Ok(rows) } else { Err(malformed_record()) }
}

#[cfg(test)]
#[path = "rollup_message_tests.rs"]
mod tests;

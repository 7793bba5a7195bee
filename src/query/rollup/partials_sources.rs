//! Sources of a scan of partials, and its division among several nodes.
//!
//! It is divided by streams: all times of a stream stay together, so that no window and no hour is cut, and the partials of a
//! bucket may come from several nodes, because the aggregates above merge them.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::error::Result;

use super::equal_shares::equal_shares;
use super::from_readings;
use super::level::StatisticsLevel;
use super::range_split::RangeSplit;
use super::statistics_part;
use crate::query::functions::buckets::Buckets;
use crate::query::scan::divisible_scan::DivisibleScan;
use crate::store::snapshot::Snapshot;

/// The sources of a scan of partials, and how it reads them.
pub struct PartialsSources {
    /// Has the computed statistics.
    pub snapshot: Arc<Snapshot>,
    /// Ordered by stream.
    pub splits: Vec<Arc<RangeSplit>>,
    /// Scans that contain every raw reading of the splits, each with the partitions of this scan.
    pub readings: Vec<DivisibleScan>,
    pub buckets: Option<Buckets>,
    /// Indices into `partial::schema`.
    pub columns: Vec<usize>,
    pub partitions: usize,
}

impl PartialsSources {
    /// Returns the number of streams with anything to read; no more nodes can share the work.
    pub fn streams(&self) -> usize {
        let has_times = |split: &&Arc<RangeSplit>| {
            !(split.hours.is_empty() && split.computed.is_empty() && split.raw.is_empty())
        };
        self.splits.iter().filter(has_times).count()
    }

    /// Estimates the rows of statistics and readings that are read.
    pub fn expected_rows(&self) -> u64 {
        let of_level = |level| statistics_part::expected_rows(&self.snapshot, &self.splits, level);
        StatisticsLevel::ALL.into_iter().map(of_level).sum::<u64>() + self.expected_readings()
    }

    fn expected_readings(&self) -> u64 {
        self.readings.iter().map(from_readings::expected_rows).sum()
    }

    /// Divides the streams among `count` nodes, adjacent ones to each: in files the rows of a stream lie beside those of the
    /// next.
    pub fn divide(&self, count: usize) -> Result<Vec<PartialsSources>> {
        let shares = equal_shares(&self.costs(), count).into_iter();
        shares.map(|share| self.of_streams(self.splits[share].to_vec())).collect()
    }

    /// Estimates the rows of each stream. Which stream has how many readings is not known, so each has those of an average time.
    fn costs(&self) -> Vec<u64> {
        let length = |split: &RangeSplit| -> u64 {
            split.raw.iter().map(|(from, to)| to.saturating_sub(from).unsigned_abs()).sum()
        };
        let readings = u128::from(self.expected_readings());
        let all: u128 = self.splits.iter().map(|split| u128::from(length(split))).sum();
        let cost = |split: &Arc<RangeSplit>| {
            let raw = readings * u128::from(length(split)) / all.max(1);
            let levels: u64 = StatisticsLevel::ALL.into_iter().map(|level| level.typical_rows(split)).sum();
            // A stream without rows costs a little too.
            levels.saturating_add(u64::try_from(raw).unwrap_or(u64::MAX)).saturating_add(1)
        };
        self.splits.iter().map(cost).collect()
    }

    /// Returns the sources of some of the streams.
    fn of_streams(&self, splits: Vec<Arc<RangeSplit>>) -> Result<PartialsSources> {
        let ids: BTreeSet<i32> = splits.iter().map(|split| split.stream).collect();
        let readings = self.readings.iter().map(|scan| readings_of(scan, &ids));
        Ok(PartialsSources {
            snapshot: self.snapshot.clone(),
            readings: readings.filter_map(Result::transpose).collect::<Result<_>>()?,
            splits,
            buckets: self.buckets.clone(),
            columns: self.columns.clone(),
            partitions: self.partitions,
        })
    }
}

/// Returns the part of a scan that is of some streams; `None` when it reads none of them.
fn readings_of(readings: &DivisibleScan, streams: &BTreeSet<i32>) -> Result<Option<DivisibleScan>> {
    let DivisibleScan { scan, read, sources, .. } = readings;
    let mut scan = scan.clone();
    scan.bounds.restrict(streams.clone());
    if scan.bounds.is_empty() {
        return Ok(None);
    }
    let sources = sources.within(&scan.bounds);
    DivisibleScan::new(scan, read.clone(), sources).map(Some)
}

#[cfg(test)]
#[path = "partials_sources_tests.rs"]
mod tests;

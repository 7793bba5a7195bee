//! Sources of a scan of readings, and its division among several nodes.

use std::sync::Arc;

use super::bounds::Bounds;
use super::file_scan::FilePartition;
use crate::store::lake::file::LakeFile;
use crate::store::lake::writer_properties::MAX_ROW_GROUP_ROWS;
use crate::store::memtable::run::Run;

/// A node may get this much more than an even part of the rows before files go to another one than their own.
const MAX_OVERLOAD: f64 = 1.1;

/// The files and memtable runs of a scan.
#[derive(Clone, Default)]
pub struct ScanSources {
    /// Files that need no merge, or shares of them.
    pub files: Vec<FilePartition>,
    /// Memtable runs of each day that needs no merge.
    pub runs: Vec<Vec<Run>>,
    /// Days on which a row can replace another.
    pub merged: Vec<MergedDay>,
}

/// The files and memtable runs of a day that must be merged.
#[derive(Clone, Default)]
pub struct MergedDay {
    pub files: Vec<Arc<LakeFile>>,
    pub runs: Vec<Run>,
}

impl MergedDay {
    fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum::<u64>() + rows_in_memory(&self.runs)
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.runs.is_empty()
    }

    /// The name by which a day has a node of its own.
    fn name(&self) -> &str {
        self.files.first().map_or("memory", |file| file.path.split('/').next().unwrap_or_default())
    }
}

fn rows_in_memory(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.len() as u64).sum()
}

/// Cuts runs to the streams from the first to the last of the bounds, without a copy, and returns those with a row at a time
/// of the bounds.
fn runs_within(runs: &[Run], bounds: &Bounds) -> Vec<Run> {
    let ends = bounds.streams.as_ref().and_then(|ids| Some((*ids.first()?, *ids.last()?)));
    let cut = runs.iter().map(|run| match ends {
        Some((first, last)) => run.slice_of_streams(first..=last),
        None => run.clone(),
    });
    cut.filter(|run| run.ts.iter().any(|ts| bounds.ts.contains(*ts))).collect()
}

impl ScanSources {
    /// Returns the rows of all files and runs, as many as the scan reads when nothing in a file is skipped.
    pub fn rows(&self) -> u64 {
        let files: u64 = self.files.iter().map(|part| part.file.rows / part.share.count as u64).sum();
        let runs: u64 = self.runs.iter().map(|runs| rows_in_memory(runs)).sum();
        files + runs + self.merged.iter().map(MergedDay::rows).sum::<u64>()
    }

    /// Returns the sources that can have rows within bounds. Of those in memory they have no streams below or above all of the
    /// bounds, but rows of other times and of streams between; readers filter all sources.
    pub fn within(&self, bounds: &Bounds) -> ScanSources {
        let has_rows =
            |file: &LakeFile| bounds.ts.overlaps(file.ts) && bounds.has_stream_within(file.streams);
        let runs = self.runs.iter().map(|runs| runs_within(runs, bounds));
        let day_within = |day: &MergedDay| MergedDay {
            files: day.files.iter().filter(|file| has_rows(file)).cloned().collect(),
            runs: runs_within(&day.runs, bounds),
        };
        ScanSources {
            files: self.files.iter().filter(|part| has_rows(&part.file)).cloned().collect(),
            runs: runs.filter(|runs| !runs.is_empty()).collect(),
            merged: self.merged.iter().map(day_within).filter(|day| !day.is_empty()).collect(),
        }
    }

    /// Divides the sources among nodes: each row of a source is in exactly one part, and the parts together have all.
    ///
    /// A large file is divided by row groups, since a day may have one file alone. Of the others each has a node of its
    /// own by rendezvous hashing (Thaler and Ravishankar, 1998), whose cache then has it at the next query too, unless that
    /// node would get far more rows than the others.
    pub fn divide(self, nodes: &[String]) -> Vec<ScanSources> {
        let count = nodes.len().max(1);
        let even = self.rows() as f64 / count as f64;
        let mut node_loads = NodeLoads { nodes, limit: even * MAX_OVERLOAD, loads: vec![0; count] };
        let mut divided = vec![ScanSources::default(); count];
        let (large, mut small): (Vec<_>, Vec<_>) =
            self.files.into_iter().partition(|part| part.file.rows > MAX_ROW_GROUP_ROWS as u64);
        for file in large {
            for (index, part) in FilePartition::share_out(file.file, count).enumerate() {
                node_loads.loads[index] += part.file.rows / count as u64;
                divided[index].files.push(part);
            }
        }
        let mut merged = self.merged;
        merged.sort_by_key(|day| std::cmp::Reverse(day.rows()));
        for day in merged {
            let node = node_loads.choose(day.name(), day.rows());
            divided[node].merged.push(day);
        }
        small.sort_by_key(|part| std::cmp::Reverse(part.file.rows));
        for file in small {
            let node = node_loads.choose(&file.file.path, file.file.rows);
            divided[node].files.push(file);
        }
        for runs in self.runs {
            let node = node_loads.least_loaded(rows_in_memory(&runs));
            divided[node].runs.push(runs);
        }
        divided
    }
}

/// The rows that each node has been given so far.
struct NodeLoads<'a> {
    nodes: &'a [String],
    limit: f64,
    loads: Vec<u64>,
}

impl NodeLoads<'_> {
    /// Returns the node of a source: its own, or the one with the fewest rows when its own would get too many.
    fn choose(&mut self, source: &str, rows: u64) -> usize {
        let own = (0..self.nodes.len()).max_by_key(|node| weight(&self.nodes[*node], source)).unwrap_or(0);
        if (self.loads[own] + rows) as f64 > self.limit {
            return self.least_loaded(rows);
        }
        self.loads[own] += rows;
        own
    }

    fn least_loaded(&mut self, rows: u64) -> usize {
        let least = (0..self.loads.len()).min_by_key(|node| self.loads[*node]).unwrap_or(0);
        self.loads[least] += rows;
        least
    }
}

/// The weight of a node for a source, the same on every machine.
fn weight(node: &str, source: &str) -> u64 {
    let seeds =
        u64::from(crc32fast::hash(node.as_bytes())) << 32 | u64::from(crc32fast::hash(source.as_bytes()));
    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): checksums alone are linear.
    let mixed = (seeds ^ seeds >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
#[path = "scan_sources_tests.rs"]
mod tests;

//! Finds expired rows in files of the lake: first by their footers, then by the key columns alone.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::domain::Result;
use crate::domain::retention::Cutoffs;
use crate::store::disk::Disk;
use crate::store::lake::file::LakeFile;
use crate::store::lake::{footers, table_reader};
use crate::store::throttle::CpuThrottle;

/// Expired rows of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExpiredRows {
    pub rows: u64,
    /// Ids of the streams, or devices, with expired rows.
    pub sources: BTreeSet<i32>,
}

/// Scans files one after the other. `place` is a disk and a table's directory on it.
pub fn scan_files(
    place: (&dyn Disk, &Path),
    files: &[Arc<LakeFile>],
    cutoffs: &Cutoffs,
    mut pace: CpuThrottle,
) -> Result<Vec<(Arc<LakeFile>, ExpiredRows)>> {
    let look = |f: &Arc<LakeFile>| {
        pace.sleep_if_due();
        Ok((f.clone(), scan_file(place, f, cutoffs)?))
    };
    files.iter().map(look).collect()
}

/// Counts the expired rows of a file by the keys of those row groups that can hold any.
pub fn scan_file(place: (&dyn Disk, &Path), file: &LakeFile, cutoffs: &Cutoffs) -> Result<ExpiredRows> {
    let unreadable = |e| table_reader::unreadable(&file.path, e);
    let (disk, dir) = place;
    let opened = disk.open(&dir.join(&file.path)).map_err(|e| table_reader::unreadable(&file.path, e))?;
    let footer = footers::load(file, &opened, ArrowReaderOptions::new()).map_err(unreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, footer);
    let nothing = Cutoffs::default();
    let groups = builder.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| {
        let keys = table_reader::row_group_bounds(group);
        cutoffs.may_expire(keys.ids, keys.ts, &nothing)
    });
    let groups: Vec<usize> = groups.map(|(i, _)| i).collect();
    let keys = ProjectionMask::leaves(builder.parquet_schema(), [0, 1]);
    let reader = builder.with_row_groups(groups).with_projection(keys).build().map_err(unreadable)?;
    let mut expired = ExpiredRows::default();
    for batch in reader {
        let batch = batch.map_err(|e| table_reader::unreadable(&file.path, e))?;
        let ids = batch.column(0).as_primitive::<Int32Type>().values();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        expired.add(ids, times, cutoffs);
    }
    Ok(expired)
}

impl ExpiredRows {
    /// Counts rows that are sorted by source.
    fn add(&mut self, ids: &[i32], times: &[i64], cutoffs: &Cutoffs) {
        let mut start = 0;
        while start < ids.len() {
            let id = ids[start];
            let end = start + ids[start..].partition_point(|other| *other == id);
            let from = cutoffs.cutoff_of(id);
            let rows = times[start..end].iter().filter(|ts| **ts < from).count() as u64;
            if rows > 0 {
                self.rows += rows;
                self.sources.insert(id);
            }
            start = end;
        }
    }
}

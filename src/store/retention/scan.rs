//! Finding expired rows in files of the lake: by their footers, then by the key columns alone.

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
use crate::store::lake::{footers, source};
use crate::store::pace::Pace;

/// The expired rows of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub rows: u64,
    /// The streams, or devices, whose rows they are.
    pub sources: BTreeSet<i32>,
}

/// Looks at files of a table's place: a disk, and a folder on it; one after the other.
pub fn files(
    place: (&dyn Disk, &Path),
    files: &[Arc<LakeFile>],
    cutoffs: &Cutoffs,
    mut pace: Pace,
) -> Result<Vec<(Arc<LakeFile>, Expired)>> {
    let look = |f: &Arc<LakeFile>| {
        pace.rest();
        Ok((f.clone(), file(place, f, cutoffs)?))
    };
    files.iter().map(look).collect()
}

/// Reads the keys of those row groups that can hold expired rows.
pub fn file(place: (&dyn Disk, &Path), file: &LakeFile, cutoffs: &Cutoffs) -> Result<Expired> {
    let unreadable = |e| source::unreadable(&file.path, e);
    let (disk, dir) = place;
    let opened = disk.open(&dir.join(&file.path)).map_err(|e| source::unreadable(&file.path, e))?;
    let footer = footers::load(file, &opened, ArrowReaderOptions::new()).map_err(unreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, footer);
    let nothing = Cutoffs::default();
    let groups = builder.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| {
        let (ids, ts) = source::bounds(group);
        cutoffs.may_take(ids, ts, &nothing)
    });
    let groups: Vec<usize> = groups.map(|(i, _)| i).collect();
    let keys = ProjectionMask::leaves(builder.parquet_schema(), [0, 1]);
    let reader = builder.with_row_groups(groups).with_projection(keys).build().map_err(unreadable)?;
    let mut expired = Expired::default();
    for batch in reader {
        let batch = batch.map_err(|e| source::unreadable(&file.path, e))?;
        let ids = batch.column(0).as_primitive::<Int32Type>().values();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        expired.add(ids, times, cutoffs);
    }
    Ok(expired)
}

impl Expired {
    /// Of rows sorted by source.
    fn add(&mut self, ids: &[i32], times: &[i64], cutoffs: &Cutoffs) {
        let mut start = 0;
        while start < ids.len() {
            let id = ids[start];
            let end = start + ids[start..].partition_point(|other| *other == id);
            let from = cutoffs.from(id);
            let rows = times[start..end].iter().filter(|ts| **ts < from).count() as u64;
            if rows > 0 {
                self.rows += rows;
                self.sources.insert(id);
            }
            start = end;
        }
    }
}

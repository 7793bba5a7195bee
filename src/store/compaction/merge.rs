//! Merges sorted files into as few files as their rows need.

use std::path::PathBuf;
use std::sync::Arc;

use super::picker::MAX_FILE_ROWS;
use crate::domain::Result;
use crate::domain::progress::Progress;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::lake::batch_rows::TARGET_BATCH_BYTES;
use crate::store::lake::file::LakeFile;
use crate::store::lake::file_merge::{FileMerge, SortedRows};
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::lake::fsync_batch::UnsyncedFile;
use crate::store::lake::table_reader::{ReadFilter, TableReader};
use crate::store::memtable::run::Run;
use crate::store::table::Table;
use crate::store::throttle::CpuThrottle;
use crate::store::upsert_rows::UpsertRows;

/// A quarter of a merge's memory holds rows that are decoded but not yet merged, and another quarter merged rows. The
/// rest is for pages, which are read and decompressed whole.
const DECODED_MEMORY_DIVISOR: usize = 4;

/// Destination of merged files, and the limits of the merge.
pub struct MergeWriter<'a> {
    pub disk: &'a Arc<dyn Disk>,
    /// The table's directory.
    pub dir: &'a Arc<PathBuf>,
    pub table: Table,
    pub day: Day,
    pub is_late: bool,
    /// Memory for all open files together, bytes.
    pub memory_bytes: usize,
    pub pace: &'a mut CpuThrottle,
    /// Counts rows; cancelling it ends the merge.
    pub progress: &'a Progress,
}

impl MergeWriter<'_> {
    /// Merges files, given in write order. The new files are neither durable on return nor part of the table.
    pub fn files(&mut self, files: &[Arc<LakeFile>]) -> Result<Vec<UnsyncedFile>> {
        // All rows get one seq: the column compresses to almost nothing, and the order among files is unchanged.
        let newest = files.iter().map(|f| f.seq.max).max().unwrap_or(0);
        match self.table {
            Table::Readings => self.write(files, |part, rows: Run| part.write_run(&rows.with_seq(newest))),
            Table::Statistics | Table::Messages | Table::HourlyStatistics => {
                self.write(files, |part, rows: UpsertRows| part.write(rows.with_seq(newest).batch()))
            }
        }
    }

    fn write<R: SortedRows>(
        &mut self,
        files: &[Arc<LakeFile>],
        add: impl Fn(&mut DataFileWriter, R) -> Result<()>,
    ) -> Result<Vec<UnsyncedFile>> {
        let batch_bytes = batch_bytes(self.memory_bytes, files.len());
        let source = TableReader::whole_files(self.disk.clone(), self.dir.clone(), self.table);
        let source = TableReader { batch_bytes, ..source };
        let mut blocks: FileMerge<R> =
            FileMerge::open(&source, files.iter().map(AsRef::as_ref), &ReadFilter::ALL)?;
        let (mut done, mut part) = (Vec::new(), None::<DataFileWriter>);
        let mut left: u64 = files.iter().map(|f| f.rows).sum();
        while let Some(block) = blocks.next_block()? {
            let mut writer = match part.take() {
                Some(writer) => writer,
                None => DataFileWriter::create(self.disk, self.dir, self.table, self.day, self.is_late)?,
            };
            let rows = left.min(block.len() as u64);
            left -= rows;
            self.progress.advance(rows)?;
            add(&mut writer, block)?;
            if writer.rows() >= MAX_FILE_ROWS {
                done.push(writer.close()?);
            } else {
                part = Some(writer);
            }
            self.pace.sleep_if_due();
        }
        if let Some(writer) = part {
            done.push(writer.close()?);
        }
        // Count the overwritten rows too.
        self.progress.advance(left)?;
        Ok(done)
    }
}

/// Bytes to decode of each file at a time.
fn batch_bytes(memory_bytes: usize, files: usize) -> u64 {
    let share = (memory_bytes / DECODED_MEMORY_DIVISOR / files.max(1)) as u64;
    share.min(TARGET_BATCH_BYTES)
}

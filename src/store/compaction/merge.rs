//! Merging sorted files into as few as their rows need.

use std::path::PathBuf;
use std::sync::Arc;

use super::choose::FILE_ROWS;
use crate::domain::Result;
use crate::domain::progress::Progress;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::keyed::KeyedRows;
use crate::store::lake::batch_rows::BATCH_BYTES;
use crate::store::lake::blocks::{Blocks, Sorted};
use crate::store::lake::file::LakeFile;
use crate::store::lake::part::{Part, PartWriter};
use crate::store::lake::source::{Source, Wanted};
use crate::store::memtable::run::Run;
use crate::store::pace::Pace;
use crate::store::table::Table;

/// Of the memory of a merge one in so many bytes holds what is decoded and not yet merged. As much is taken by what is merged
/// of it, the rest by pages, which are read and unpacked whole.
const DECODED: usize = 4;

/// Where merged files go, and how they count there.
pub struct Merge<'a> {
    pub disk: &'a Arc<dyn Disk>,
    /// The table's folder.
    pub dir: &'a Arc<PathBuf>,
    pub table: Table,
    pub day: Day,
    pub is_late: bool,
    /// For all files together, bytes.
    pub memory_bytes: usize,
    pub pace: &'a mut Pace,
    /// Told of rows; ends the merge when cancelled.
    pub progress: &'a Progress,
}

impl Merge<'_> {
    /// Merges files, given in the order of writes. The new ones are neither durable when this returns nor part of the
    /// table.
    pub fn files(&mut self, files: &[Arc<LakeFile>]) -> Result<Vec<Part>> {
        // One seq for all of them: the column packs to nothing, and the order among files stays as it was.
        let newest = files.iter().map(|f| f.seq.1).max().unwrap_or(0);
        match self.table {
            Table::Readings => self.write(files, |part, rows: Run| part.write_run(&rows.with_seq(newest))),
            Table::Statistics | Table::Messages => {
                self.write(files, |part, rows: KeyedRows| part.write(rows.with_seq(newest).batch()))
            }
        }
    }

    fn write<R: Sorted>(
        &mut self,
        files: &[Arc<LakeFile>],
        add: impl Fn(&mut PartWriter, R) -> Result<()>,
    ) -> Result<Vec<Part>> {
        let batch_bytes = batch_bytes(self.memory_bytes, files.len());
        let source = Source::whole(self.disk.clone(), self.dir.clone(), self.table);
        let source = Source { batch_bytes, ..source };
        let mut blocks: Blocks<R> = Blocks::open(&source, files.iter().map(AsRef::as_ref), &Wanted::ALL)?;
        let (mut done, mut part) = (Vec::new(), None::<PartWriter>);
        let mut left: u64 = files.iter().map(|f| f.rows).sum();
        while let Some(block) = blocks.next_block()? {
            let mut writer = match part.take() {
                Some(writer) => writer,
                None => PartWriter::create(self.disk.as_ref(), self.dir, self.table, self.day, self.is_late)?,
            };
            let rows = left.min(block.len() as u64);
            left -= rows;
            self.progress.advance(rows)?;
            add(&mut writer, block)?;
            if writer.rows() >= FILE_ROWS {
                done.push(writer.end()?);
            } else {
                part = Some(writer);
            }
            self.pace.rest();
        }
        if let Some(writer) = part {
            done.push(writer.end()?);
        }
        // Those that were overwritten.
        self.progress.advance(left)?;
        Ok(done)
    }
}

/// What is decoded of each file at a time.
fn batch_bytes(memory_bytes: usize, files: usize) -> u64 {
    let share = (memory_bytes / DECODED / files.max(1)) as u64;
    share.min(BATCH_BYTES)
}

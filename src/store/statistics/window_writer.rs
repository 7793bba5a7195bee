//! Writes the computed rows of one day as files of `statistics`, or of its hours.

use std::path::Path;
use std::sync::Arc;

use super::rows::{self, WindowRow};
use crate::domain::Result;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::lake::fsync_batch::UnsyncedFile;
use crate::store::table::Table;

/// Maximum number of windows buffered before they are written.
const MAX_BUFFERED_WINDOWS: usize = 8192;

/// Destination of the rows.
#[derive(Clone, Copy)]
pub struct WindowTarget<'a> {
    pub disk: &'a Arc<dyn Disk>,
    /// The table's directory.
    pub dir: &'a Path,
    pub table: Table,
    pub day: Day,
    /// The newest row in the day's files of the table. Rows up to it may replace existing ones.
    pub newest_known: Option<i64>,
    /// The seq that the rows take into account.
    pub seq: u64,
}

/// Writes rows to files: those newer than all known ones apart from those that may replace one.
pub struct WindowWriter<'a> {
    target: WindowTarget<'a>,
    fresh: Option<DataFileWriter>,
    late: Option<DataFileWriter>,
    windows: Vec<WindowRow>,
}

impl<'a> WindowWriter<'a> {
    /// Creates a writer without files: each of its two is created for the first row that it gets.
    pub fn new(target: WindowTarget<'a>) -> Self {
        Self { target, fresh: None, late: None, windows: Vec::new() }
    }

    /// Adds a row. Rows must come by stream and time.
    pub fn push(&mut self, window: WindowRow) -> Result<()> {
        self.windows.push(window);
        if self.windows.len() >= MAX_BUFFERED_WINDOWS { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let WindowTarget { disk, dir, table, day, newest_known, seq } = self.target;
        let is_late = |w: &WindowRow| newest_known.is_some_and(|newest| w.start <= newest);
        let (late, fresh): (Vec<WindowRow>, Vec<WindowRow>) = self.windows.drain(..).partition(is_late);
        for (windows, part, is_late) in [(fresh, &mut self.fresh, false), (late, &mut self.late, true)] {
            if windows.is_empty() {
                continue;
            }
            let part = match part {
                Some(part) => part,
                none => none.insert(DataFileWriter::create(disk, dir, table, day, is_late)?),
            };
            part.write(&rows::computed_batch(&windows, seq))?;
        }
        Ok(())
    }

    /// Returns the files, which are neither durable nor part of the table.
    pub fn close(mut self) -> Result<Vec<UnsyncedFile>> {
        self.write()?;
        [self.fresh, self.late].into_iter().flatten().map(DataFileWriter::close).collect()
    }
}

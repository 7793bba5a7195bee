//! Removes files with expired rows, or rewrites them with the remaining rows: of readings, of messages, and of statistics, whose
//! retention is a policy of its own.

use std::path::PathBuf;
use std::sync::Arc;

use super::purge_stats::PurgeStats;
use super::scan::ExpiredRows;
use crate::domain::Result;
use crate::domain::retention::Cutoffs;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::lake::file::LakeFile;
use crate::store::lake::file_merge::{FileMerge, SortedRows};
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::lake::table_reader::{ReadFilter, TableReader};
use crate::store::memtable::run::Run;
use crate::store::table::Table;
use crate::store::throttle::CpuThrottle;
use crate::store::upsert_rows::UpsertRows;

/// The files of one day of a table, and their expired rows.
pub struct FileRewrite {
    pub disk: Arc<dyn Disk>,
    /// The table's directory.
    pub dir: Arc<PathBuf>,
    pub table: Table,
    pub day: Day,
    pub cutoffs: Arc<Cutoffs>,
    pub pace: CpuThrottle,
}

/// Result of a rewrite.
#[derive(Default)]
pub struct RewrittenFiles {
    /// Files with expired rows.
    pub gone: Vec<Arc<LakeFile>>,
    /// Files with the remaining rows of `gone`; fewer, if all rows of a file have expired.
    pub new: Vec<LakeFile>,
    pub reclaimed: PurgeStats,
}

impl FileRewrite {
    /// Rewrites the files. The new ones are durable on return, but not yet part of the table.
    pub fn rewrite(mut self, files: Vec<(Arc<LakeFile>, ExpiredRows)>) -> Result<RewrittenFiles> {
        let mut rewritten = RewrittenFiles::default();
        for (file, ExpiredRows { rows, .. }) in files {
            let mut bytes = file.bytes;
            if rows < file.rows {
                let left = self.without_expired(&file)?;
                bytes = bytes.saturating_sub(left.bytes);
                rewritten.new.push(left);
            }
            rewritten.reclaimed += PurgeStats::of_file(self.table, rows, bytes);
            rewritten.gone.push(file);
        }
        Ok(rewritten)
    }

    fn without_expired(&mut self, file: &LakeFile) -> Result<LakeFile> {
        let cutoffs = self.cutoffs.clone();
        match self.table {
            Table::Readings => {
                let stays = move |rows: &Run, i: usize| rows.ts[i] >= cutoffs.cutoff_of(rows.stream[i]);
                self.write(file, |part, rows: Run| part.write_run(&rows.select(&stays)))
            }
            Table::Statistics | Table::Messages | Table::HourlyStatistics => {
                let stays = move |rows: &UpsertRows, i: usize| {
                    let key = rows.key(i);
                    key.ts >= cutoffs.cutoff_of(key.id)
                };
                self.write(file, |part, rows: UpsertRows| part.write(rows.select(&stays).batch()))
            }
        }
    }

    /// Rewrites one file block by block. Every row keeps its seq and the file its place in write order, because
    /// removing rows breaks no order.
    fn write<R: SortedRows>(
        &mut self,
        file: &LakeFile,
        add: impl Fn(&mut DataFileWriter, R) -> Result<()>,
    ) -> Result<LakeFile> {
        let source = TableReader::whole_files(self.disk.clone(), self.dir.clone(), self.table);
        let mut blocks = FileMerge::open(&source, [file], &ReadFilter::ALL)?;
        let mut writer = DataFileWriter::create(&self.disk, &self.dir, self.table, self.day, file.is_late)?;
        while let Some(block) = blocks.next_block()? {
            add(&mut writer, block)?;
            self.pace.sleep_if_due();
        }
        writer.finish()
    }
}

//! Files that hold expired rows: gone, or written again with those that stay.

use std::path::PathBuf;
use std::sync::Arc;

use super::Amount;
use super::scan::Expired;
use crate::domain::Result;
use crate::domain::retention::Cutoffs;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::keyed::KeyedRows;
use crate::store::lake::blocks::{Blocks, Sorted};
use crate::store::lake::file::LakeFile;
use crate::store::lake::part::PartWriter;
use crate::store::lake::source::{Source, Wanted};
use crate::store::memtable::run::Run;
use crate::store::pace::Pace;
use crate::store::table::Table;

/// Files of one day of a table, and what has expired in them.
pub struct Edge {
    pub disk: Arc<dyn Disk>,
    /// The table's folder.
    pub dir: Arc<PathBuf>,
    pub table: Table,
    pub day: Day,
    pub cutoffs: Arc<Cutoffs>,
    pub pace: Pace,
}

/// Files that go, files that come, and how much less that is.
type Rewritten = (Vec<Arc<LakeFile>>, Vec<LakeFile>, Amount);

impl Edge {
    /// The new files are durable when this returns, and not yet part of the table.
    pub fn rewrite(mut self, files: Vec<(Arc<LakeFile>, Expired)>) -> Result<Rewritten> {
        let (mut gone, mut new, mut total) = (Vec::new(), Vec::new(), Amount::default());
        for (file, Expired { rows, .. }) in files {
            let mut bytes = file.bytes;
            if rows < file.rows {
                let left = self.without_expired(&file)?;
                bytes = bytes.saturating_sub(left.bytes);
                new.push(left);
            }
            total += Amount { rows, bytes, files: 1 };
            gone.push(file);
        }
        Ok((gone, new, total))
    }

    fn without_expired(&mut self, file: &LakeFile) -> Result<LakeFile> {
        let cutoffs = self.cutoffs.clone();
        match self.table {
            Table::Readings => {
                let stays = move |rows: &Run, i: usize| rows.ts[i] >= cutoffs.from(rows.stream[i]);
                self.write(file, |part, rows: Run| part.write_run(&rows.select(&stays)))
            }
            Table::Statistics | Table::Messages => {
                let stays = move |rows: &KeyedRows, i: usize| {
                    let (id, ts, _) = rows.key(i);
                    ts >= cutoffs.from(id)
                };
                self.write(file, |part, rows: KeyedRows| part.write(rows.select(&stays).batch()))
            }
        }
    }

    /// Block by block. Every row keeps its seq, and the file its place: fewer rows break no order.
    fn write<R: Sorted>(
        &mut self,
        file: &LakeFile,
        add: impl Fn(&mut PartWriter, R) -> Result<()>,
    ) -> Result<LakeFile> {
        let source = Source::whole(self.disk.clone(), self.dir.clone(), self.table);
        let mut blocks = Blocks::open(&source, [file], &Wanted::ALL)?;
        let mut writer =
            PartWriter::create(self.disk.as_ref(), &self.dir, self.table, self.day, file.is_late)?;
        while let Some(block) = blocks.next_block()? {
            add(&mut writer, block)?;
            self.pace.rest();
        }
        writer.finish()
    }
}

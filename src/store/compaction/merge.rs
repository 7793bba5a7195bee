//! Merging sorted files into one, a block at a time: memory holds one batch of each input, never a file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::domain::time::Day;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::lake::file::LakeFile;
use crate::store::lake::part::PartWriter;
use crate::store::memtable::run::{self, Run};
use crate::store::schema;

const BATCH_ROWS: usize = 8192;
/// Rows of one file at most.
const FILE_ROWS: u64 = 16 << 20;

/// Merges files of one day, given in the order of writes, into as few new ones as their rows need. They are durable
/// when this returns, and not yet part of the table.
pub fn merge_files(
    disk: &dyn Disk,
    dir: &Path,
    day: Day,
    files: &[Arc<LakeFile>],
    is_late: bool,
) -> Result<Vec<LakeFile>> {
    let newest = files.iter().map(|f| f.seq.1).max().unwrap_or(0);
    let mut inputs = files.iter().map(|f| Input::open(dir, f)).collect::<Result<Vec<_>>>()?;
    let (mut done, mut part) = (Vec::new(), None::<PartWriter>);
    while let Some(block) = next_block(&mut inputs)? {
        // One seq for all of them: the column packs to nothing, and the order among files stays as it was.
        let block = block.with_seq(newest);
        let mut writer = match part.take() {
            Some(writer) => writer,
            None => PartWriter::create(disk, dir, day, is_late)?,
        };
        writer.write(&block)?;
        if writer.rows() >= FILE_ROWS {
            done.push(writer.finish()?);
        } else {
            part = Some(writer);
        }
    }
    if let Some(writer) = part {
        done.push(writer.finish()?);
    }
    Ok(done)
}

/// A file being read from the front.
struct Input {
    reader: ParquetRecordBatchReader,
    /// Rows read and not yet merged.
    rows: Option<Run>,
    path: String,
}

impl Input {
    fn open(dir: &Path, file: &LakeFile) -> Result<Input> {
        let path = file.path.clone();
        let opened = File::open(dir.join(&path)).map_err(|e| unreadable(&path, e))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|e| unreadable(&path, e))?;
        let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(|e| unreadable(&path, e))?;
        Ok(Input { reader, rows: None, path })
    }

    /// Makes `rows` something, unless the file is at its end.
    fn fill(&mut self) -> Result<()> {
        while self.rows.as_ref().is_none_or(Run::is_empty) {
            let Some(batch) = self.reader.next() else {
                self.rows = None;
                return Ok(());
            };
            self.rows = Some(schema::run(&batch.map_err(|e| unreadable(&self.path, e))?)?);
        }
        Ok(())
    }

    /// Takes the rows up to and with `key`.
    fn take_up_to(&mut self, key: (i32, i64)) -> Run {
        let rows = self.rows.take().expect("only filled inputs are taken from");
        let after = (key.0, key.1.saturating_add(1));
        let taken = rows.slice_between((i32::MIN, i64::MIN), after);
        self.rows = Some(rows.slice(taken.len(), rows.len() - taken.len()));
        taken
    }
}

/// The next rows in order, or `None` at the end: everything up to the least of the inputs' last read keys, since no
/// unread row can come before that.
fn next_block(inputs: &mut Vec<Input>) -> Result<Option<Run>> {
    for input in inputs.iter_mut() {
        input.fill()?;
    }
    inputs.retain(|input| input.rows.is_some());
    let last = |input: &Input| input.rows.as_ref().and_then(Run::last_key);
    let Some(bound) = inputs.iter().filter_map(last).min() else { return Ok(None) };
    let parts: Vec<Run> = inputs.iter_mut().map(|input| input.take_up_to(bound)).collect();
    Ok(run::merge(&parts))
}

fn unreadable(path: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("`{path}` of the lake cannot be read: {source}")).because(source)
}

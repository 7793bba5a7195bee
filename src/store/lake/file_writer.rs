//! Writes one data file of a table under a temporary name. `FsyncBatch` makes it durable and gives it its final name.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use uuid::Uuid;

use super::column_input::ColumnInput;
use super::file::{FooterChecksum, LakeFile};
use super::fsync_batch::{FsyncBatch, UncommittedFile, UnsyncedFile, unwritable};
use super::row_group_writer::RowGroupWriter;
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::store::disk::{Disk, DiskFile};
use crate::store::memtable::run::{Run, longest_text};
use crate::store::schema;
use crate::store::table::Table;

/// A data file being written. Rows are added in key order. When dropped before it is closed, the file is removed.
pub struct DataFileWriter {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    name: String,
    table: Table,
    writer: RowGroupWriter<CountingWriter>,
    file: LakeFile,
    unnamed: UncommittedFile,
}

/// Counts and checksums the bytes written to the disk.
struct CountingWriter {
    file: Box<dyn DiskFile>,
    bytes: u64,
    crc32: crc32fast::Hasher,
    /// Length and checksum of what follows the last row group, once that is written.
    end: Option<(u64, crc32fast::Hasher)>,
}

impl Write for CountingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        self.crc32.update(&bytes[..written]);
        if let Some((count, crc32)) = &mut self.end {
            *count += written as u64;
            crc32.update(&bytes[..written]);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DataFileWriter {
    /// Creates a file of a day in a table's existing directory. The folder is the partition: `date=` and the day. The
    /// file name is `part-`, a random UUID and `.parquet`.
    pub fn create(disk: &Arc<dyn Disk>, dir: &Path, table: Table, day: Day, is_late: bool) -> Result<Self> {
        let name = format!("part-{}.parquet", Uuid::new_v4().simple());
        let folder = dir.join(format!("date={day}"));
        let create = || -> io::Result<CountingWriter> {
            match disk.create_dir(&folder) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            let file = disk.create(&disk.temporary(&folder.join(&name)))?;
            Ok(CountingWriter { file, bytes: 0, crc32: crc32fast::Hasher::new(), end: None })
        };
        let counted = create().map_err(|e| unwritable(&folder, e))?;
        let unnamed = UncommittedFile::temporary(disk, &folder.join(&name));
        let writer = RowGroupWriter::new(counted, table).map_err(|e| unwritable(&folder, e))?;
        let file = LakeFile {
            path: format!("date={day}/{name}"),
            day,
            rows: 0,
            bytes: 0,
            streams: MinMax::new(i32::MAX, i32::MIN),
            ts: MinMax::new(i64::MAX, i64::MIN),
            seq: MinMax::new(u64::MAX, 0),
            is_late,
            crc32: None,
            longest_text: Some(0),
            footer: None,
        };
        Ok(Self { disk: disk.clone(), folder, name, table, writer, file, unnamed })
    }

    /// Returns the number of rows written so far.
    pub fn rows(&self) -> u64 {
        self.file.rows
    }

    /// Adds readings.
    pub fn write_run(&mut self, rows: &Run) -> Result<()> {
        let cells = schema::ALL_COLUMNS.map(|column| column_input(rows, column));
        self.writer.write_columns(&cells, rows.len()).map_err(|e| unwritable(&self.folder, e))?;
        self.file.add(&rows.stream, &rows.ts, &rows.seq);
        self.file.add_texts(rows.longest_text());
        Ok(())
    }

    /// Adds rows that have all columns of the table.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for piece in encoder_slices(self.table, batch) {
            self.writer.write(&piece).map_err(|e| unwritable(&self.folder, e))?;
        }
        let ids = batch.column(0).as_primitive::<Int32Type>().values();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        let seqs = batch.column(batch.num_columns() - 1).as_primitive::<Int64Type>().values();
        self.file.add(ids, times, seqs);
        self.file.add_texts(batch.columns().iter().map(|column| longest_text(column)).max().unwrap_or(0));
        Ok(())
    }

    /// Finishes the file.
    pub fn close(self) -> Result<UnsyncedFile> {
        let Self { folder, name, writer, mut file, unnamed, .. } = self;
        let begin_end = |counted: &mut CountingWriter| counted.end = Some((0, crc32fast::Hasher::new()));
        let counted = writer.finish(begin_end).map_err(|e| unwritable(&folder, e))?;
        file.bytes = counted.bytes;
        file.footer = counted.end.map(|(bytes, crc32)| FooterChecksum { bytes, crc32: crc32.finalize() });
        file.crc32 = Some(counted.crc32.finalize());
        Ok(UnsyncedFile { disk_file: counted.file, folder, name, file, unnamed })
    }

    /// Finishes the file; it is durable on return.
    pub fn finish(self) -> Result<LakeFile> {
        let disk = self.disk.clone();
        let mut batch = FsyncBatch::new(&disk);
        batch.add(self.close()?)?;
        Ok(batch.finish()?.pop().expect("one file was added"))
    }
}

/// Returns a column of a run. Most runs have a single quality and no text, and merged runs a single seq.
fn column_input(run: &Run, column: usize) -> ColumnInput {
    let is_same = match column {
        schema::TEXT => run.text.is_none(),
        schema::QUALITY => is_one(&run.quality),
        schema::SEQ => is_one(&run.seq),
        _ => false,
    };
    match is_same {
        true => ColumnInput::Constant(schema::column(&run.slice(0, run.len().min(1)), column)),
        false => ColumnInput::Values(schema::column(run, column)),
    }
}

fn is_one<T: PartialEq>(values: &[T]) -> bool {
    values.iter().all(|value| *value == values[0])
}

/// Splits a batch for the encoder. Statistics of windows are split by stream, so that pages begin where streams do.
fn encoder_slices(table: Table, batch: &RecordBatch) -> Vec<RecordBatch> {
    if table != Table::Statistics {
        return vec![batch.clone()];
    }
    let ids = batch.column(0).as_primitive::<Int32Type>().values();
    let (mut pieces, mut start) = (Vec::new(), 0);
    while let Some(id) = ids.get(start) {
        let rows = ids[start..].partition_point(|other| other == id);
        pieces.push(batch.slice(start, rows));
        start += rows;
    }
    pieces
}

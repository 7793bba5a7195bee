//! Verifies one Parquet file: decodes it completely and compares it with its Delta log entry.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::ChunkReader as _;

use super::corrupt_page::{self, Corruption};
use super::report::Findings;
use crate::domain::Micros;
use crate::domain::min_max::MinMax;
use crate::store::disk::Disk;
use crate::store::lake::batch_rows::{TARGET_BATCH_BYTES, batch_rows};
use crate::store::lake::file::LakeFile;
use crate::store::lake::page_pruning::RowGroupSelection;
use crate::store::schema;
use crate::store::table::Table;
use crate::store::wal::Record;

/// Ids of streams and devices found in log and lake, each with one file that contains it.
#[derive(Debug, Default)]
pub(super) struct ReferencedIds {
    pub(super) streams: BTreeMap<i32, String>,
    pub(super) devices: BTreeMap<i32, String>,
}

impl ReferencedIds {
    /// Returns the ids of the kind to which a table's rows refer.
    fn of(&mut self, table: Table) -> &mut BTreeMap<i32, String> {
        match table {
            Table::Readings | Table::Statistics | Table::HourlyStatistics => &mut self.streams,
            Table::Messages => &mut self.devices,
        }
    }

    /// Adds the ids of a log record; `file` names the file it is in.
    pub(super) fn add_record(&mut self, record: &Record, file: impl Fn() -> String) {
        for id in &record.readings.stream {
            self.streams.entry(*id).or_insert_with(&file);
        }
        for rows in &record.upserts {
            for row in 0..rows.len() {
                self.of(rows.table()).entry(rows.key(row).id).or_insert_with(&file);
            }
        }
    }
}

/// A file and its expected content.
pub(super) struct DataFile<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) path: &'a Path,
    pub(super) table: Table,
    pub(super) bytes: u64,
    pub(super) facts: Option<&'a LakeFile>,
}

/// Totals of the decoded data.
#[derive(Debug, Default)]
pub(super) struct DecodeStats {
    pub(super) rows: u64,
    pub(super) row_groups: u64,
    pub(super) pages: u64,
}

/// Whether a file has a name in Basalt's format.
pub(super) fn is_named_as_ours(file: &Path) -> bool {
    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    name.starts_with("part-") && (name.ends_with(".parquet") || name.ends_with(".parquet.tmp"))
}

/// Decodes every row group of a Parquet file, whatever its columns.
pub(super) fn decode_all(disk: &dyn Disk, path: &Path) -> Result<DecodeStats, Corruption> {
    let opened = OpenDataFile::new(disk, path)?;
    let mut read = DecodeStats::default();
    for group in 0..opened.metadata.metadata().num_row_groups() {
        opened.row_group(group, |batch| {
            read.rows += batch.num_rows() as u64;
            Ok(())
        })?;
        read.row_groups += 1;
    }
    read.pages = opened.pages();
    Ok(read)
}

struct OpenDataFile<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
    metadata: ArrowReaderMetadata,
}

impl<'a> OpenDataFile<'a> {
    fn new(disk: &'a dyn Disk, path: &'a Path) -> Result<OpenDataFile<'a>, Corruption> {
        let file = disk.open(path).map_err(|e| Corruption::of_file(format!("cannot be read: {e}")))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options)
            .map_err(|e| Corruption { at: "footer".to_owned(), what: format!("cannot be read: {e}") })?;
        Ok(OpenDataFile { disk, path, metadata })
    }

    /// Passes on the batches of one row group. An error names the page that cannot be decoded.
    fn row_group(
        &self,
        group: usize,
        mut each: impl FnMut(&RecordBatch) -> Result<(), Corruption>,
    ) -> Result<(), Corruption> {
        let failed = |e: &dyn std::fmt::Display| {
            corrupt_page::locate(|| self.disk.open(self.path), &self.metadata, group, e)
        };
        let file = self.disk.open(self.path).map_err(|e| failed(&e))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let reader = builder.with_row_groups(vec![group]).with_batch_size(self.batch_rows(group)).build();
        for batch in reader.map_err(|e| failed(&e))? {
            each(&batch.map_err(|e| failed(&e))?)?;
        }
        Ok(())
    }

    /// Returns the number of rows of a group to decode at a time.
    fn batch_rows(&self, group: usize) -> usize {
        let file = self.metadata.metadata();
        let of = file.row_group(group);
        let rows = usize::try_from(of.num_rows()).unwrap_or(0);
        let whole = RowGroupSelection { index: group, rows, ranges: vec![] };
        let columns: Vec<usize> = (0..of.num_columns()).collect();
        batch_rows(file, &[whole], &columns, TARGET_BATCH_BYTES)
    }

    /// Returns the number of data pages in the page index.
    fn pages(&self) -> u64 {
        let index = self.metadata.metadata().offset_index().into_iter().flatten().flatten();
        index.map(|column| column.page_locations().len() as u64).sum()
    }
}

impl DataFile<'_> {
    /// Compares the size that was found with the recorded one. Returns whether there is a file that can be read.
    pub(super) fn check_size(&self, size: io::Result<u64>, findings: &mut Findings) -> bool {
        match size {
            Ok(size) if size == self.bytes => return true,
            Ok(size) => {
                findings.broken(
                    self.path,
                    "",
                    format!("has {size} bytes; the Delta log says {}", self.bytes),
                );
                return true;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                findings.broken(self.path, "", "is missing: the Delta log names it");
            }
            Err(e) => findings.broken(self.path, "", format!("cannot be read: {e}")),
        }
        false
    }

    /// Decodes the file, reports what is wrong, and collects the ids of its rows.
    pub(super) fn check(&self, ids: &mut ReferencedIds, findings: &mut Findings) -> DecodeStats {
        if !self.check_size(self.disk.len(self.path), findings) {
            return DecodeStats::default();
        }
        let opened = match OpenDataFile::new(self.disk, self.path) {
            Ok(opened) => opened,
            Err(wrong) => {
                findings.broken(self.path, wrong.at, wrong.what);
                return DecodeStats::default();
            }
        };
        let mut rows = RowValidator::new(self.table);
        let (mut read, mut is_whole) = (DecodeStats::default(), true);
        for group in 0..opened.metadata.metadata().num_row_groups() {
            match opened.row_group(group, |batch| rows.add(batch)) {
                Ok(()) => read.row_groups += 1,
                Err(wrong) => {
                    findings.broken(self.path, wrong.at, wrong.what);
                    is_whole = false;
                }
            }
        }
        read.rows = rows.count;
        read.pages = opened.pages();
        self.check_crc32(is_whole, findings);
        if let Some(facts) = self.facts.filter(|_| is_whole) {
            for what in rows.differences(facts) {
                findings.broken(self.path, "", what);
            }
        }
        let known = ids.of(self.table);
        for id in rows.ids {
            known.entry(id).or_insert_with(|| findings.relative(self.path));
        }
        read
    }

    /// Checks the checksum of the whole file. Page checksums do not cover the bytes around pages, and files of earlier
    /// versions have none, so a flipped bit can decode to another value.
    fn check_crc32(&self, is_whole: bool, findings: &mut Findings) {
        let Some(expected) = self.facts.and_then(|facts| facts.crc32).filter(|_| is_whole) else { return };
        match checksum(self.disk, self.path) {
            Ok(found) if found == expected => {}
            Ok(_) => findings.broken(
                self.path,
                "",
                "fails its checksum: all of it decodes, but something in it is not what was written",
            ),
            Err(e) => findings.broken(self.path, "", format!("cannot be read: {e}")),
        }
    }
}

fn checksum(disk: &dyn Disk, path: &Path) -> io::Result<u32> {
    let mut file = disk.open(path)?.get_read(0).map_err(io::Error::other)?;
    let (mut block, mut crc32) = (vec![0; 1 << 20], crc32fast::Hasher::new());
    loop {
        match file.read(&mut block)? {
            0 => return Ok(crc32.finalize()),
            read => crc32.update(&block[..read]),
        }
    }
}

/// Accumulated properties of the rows decoded so far.
struct RowValidator {
    table: Table,
    count: u64,
    last: Option<(i32, i64, String)>,
    ids: Vec<i32>,
    bounds: Option<RowBounds>,
}

#[derive(Clone, Copy)]
struct RowBounds {
    id: MinMax<i32>,
    ts: MinMax<i64>,
    seq: MinMax<u64>,
}

impl RowValidator {
    fn new(table: Table) -> RowValidator {
        RowValidator { table, count: 0, last: None, ids: Vec::new(), bounds: None }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Corruption> {
        if self.table == Table::Readings {
            schema::run_from_batch(batch).map_err(|e| Corruption::of_file(e.message))?;
        }
        let columns = KeyColumns::of(batch).ok_or_else(|| {
            let names: Vec<_> = batch.schema_ref().fields().iter().map(|f| f.name().clone()).collect();
            Corruption::of_file(format!("has the columns {}: no table of Basalt has these", names.join(", ")))
        })?;
        for row in 0..batch.num_rows() {
            self.row(&columns, row)?;
            self.count += 1;
        }
        Ok(())
    }

    fn row(&mut self, columns: &KeyColumns<'_>, row: usize) -> Result<(), Corruption> {
        let (id, ts, seq) = (columns.id[row], columns.ts[row], columns.seq[row].unsigned_abs());
        let third = columns.third.map_or("", |third| third.value(row));
        let is_after = self.last.as_ref().is_none_or(|(i, t, o)| (*i, *t, o.as_str()) < (id, ts, third));
        if !is_after {
            let what = format!("is out of key order: id {id} at {}", Micros(ts));
            return Err(Corruption { at: format!("row {}", self.count + 1), what });
        }
        if self.last.as_ref().is_none_or(|(last, ..)| *last != id) {
            self.ids.push(id);
        }
        match &mut self.last {
            Some((i, t, o)) => {
                (*i, *t) = (id, ts);
                if o != third {
                    third.clone_into(o);
                }
            }
            None => self.last = Some((id, ts, third.to_owned())),
        }
        let row = RowBounds { id: MinMax::of(id), ts: MinMax::of(ts), seq: MinMax::of(seq) };
        let bounds = self.bounds.get_or_insert(row);
        bounds.id.extend(id);
        bounds.ts.extend(ts);
        bounds.seq.extend(seq);
        Ok(())
    }

    /// Returns the differences from the Delta log entry.
    fn differences(&self, facts: &LakeFile) -> Vec<String> {
        let mut found = Vec::new();
        if self.count != facts.rows {
            found.push(format!("has {} rows; the Delta log says {}", self.count, facts.rows));
        }
        let Some(bounds) = self.bounds else { return found };
        let mut compare = |what: &str, is: String, expected: String| {
            if is != expected {
                found.push(format!("has {what} {is}; the Delta log says {expected}"));
            }
        };
        let ids = |ids: MinMax<i32>| format!("{} to {}", ids.min, ids.max);
        let times = |ts: MinMax<i64>| format!("{} to {}", Micros(ts.min).to_iso(), Micros(ts.max).to_iso());
        let seqs = |seqs: MinMax<u64>| format!("{} to {}", seqs.min, seqs.max);
        compare("ids", ids(bounds.id), ids(facts.streams));
        compare("times", times(bounds.ts), times(facts.ts));
        compare("numbers (seq)", seqs(bounds.seq), seqs(facts.seq));
        for ts in [bounds.ts.min, bounds.ts.max] {
            if Micros(ts).day() != facts.day {
                found.push(format!("has a row of {} among those of {}", Micros(ts), facts.day));
                break;
            }
        }
        found
    }
}

/// The columns common to all tables: first the id of a row's stream or device, then its time, any third part of the
/// key, and last the number of the request that wrote the row.
struct KeyColumns<'a> {
    id: &'a [i32],
    ts: &'a [i64],
    third: Option<&'a arrow::array::StringArray>,
    seq: &'a [i64],
}

impl<'a> KeyColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<KeyColumns<'a>> {
        let schema = batch.schema_ref();
        let kind = |column: usize| schema.fields().get(column).map(|f| f.data_type());
        let seq = batch.num_columns().checked_sub(1)?;
        let is_ours = kind(0) == Some(&DataType::Int32)
            && kind(1) == Some(&schema::timestamp())
            && kind(seq) == Some(&DataType::Int64)
            && schema.field(seq).name() == "seq"
            && [0, 1, seq].iter().all(|column| batch.column(*column).null_count() == 0);
        if !is_ours {
            return None;
        }
        Some(KeyColumns {
            id: batch.column(0).as_primitive::<Int32Type>().values(),
            ts: batch.column(1).as_primitive::<TimestampMicrosecondType>().values(),
            third: (kind(2) == Some(&DataType::Utf8)).then(|| batch.column(2).as_string::<i32>()),
            seq: batch.column(seq).as_primitive::<Int64Type>().values(),
        })
    }
}

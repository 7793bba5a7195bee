//! One Parquet file, decoded completely and compared with what the Delta log says of it.

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

use super::pages;
use super::report::Findings;
use crate::domain::Micros;
use crate::store::disk::Disk;
use crate::store::lake::batch_rows::{BATCH_BYTES, batch_rows};
use crate::store::lake::file::LakeFile;
use crate::store::lake::pages::Group;
use crate::store::schema;
use crate::store::table::Table;
use crate::store::wal::Record;

/// The ids found in log and lake, each with a file it was found in: of streams and of devices.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) streams: BTreeMap<i32, String>,
    pub(super) devices: BTreeMap<i32, String>,
}

impl Ids {
    /// Whose rows a table has.
    fn of(&mut self, table: Table) -> &mut BTreeMap<i32, String> {
        match table {
            Table::Readings | Table::Statistics => &mut self.streams,
            Table::Messages => &mut self.devices,
        }
    }

    /// The ids of a record of the log, in the file of that name.
    pub(super) fn add_record(&mut self, record: &Record, file: impl Fn() -> String) {
        for id in &record.readings.stream {
            self.streams.entry(*id).or_insert_with(&file);
        }
        for rows in &record.keyed {
            for row in 0..rows.len() {
                self.of(rows.table()).entry(rows.key(row).0).or_insert_with(&file);
            }
        }
    }
}

/// A file and what it should be.
pub(super) struct DataFile<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) path: &'a Path,
    pub(super) table: Table,
    pub(super) bytes: u64,
    pub(super) facts: Option<&'a LakeFile>,
}

/// What was decoded.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) rows: u64,
    pub(super) row_groups: u64,
    pub(super) pages: u64,
}

/// Something wrong at a place of a file.
pub(super) struct Wrong {
    pub(super) at: String,
    pub(super) what: String,
}

impl Wrong {
    fn of_file(what: impl Into<String>) -> Wrong {
        Wrong { at: String::new(), what: what.into() }
    }
}

/// Whether a file has the name that Basalt gives to one.
pub(super) fn is_named_as_ours(file: &Path) -> bool {
    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    name.starts_with("part-") && (name.ends_with(".parquet") || name.ends_with(".parquet.tmp"))
}

/// Decodes every row group of a Parquet file, whatever is in it.
pub(super) fn decode_all(disk: &dyn Disk, path: &Path) -> Result<Read, Wrong> {
    let opened = Opened::new(disk, path)?;
    let mut read = Read::default();
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

struct Opened<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
    metadata: ArrowReaderMetadata,
}

impl<'a> Opened<'a> {
    fn new(disk: &'a dyn Disk, path: &'a Path) -> Result<Opened<'a>, Wrong> {
        let file = disk.open(path).map_err(|e| Wrong::of_file(format!("cannot be read: {e}")))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options)
            .map_err(|e| Wrong { at: "footer".to_owned(), what: format!("cannot be read: {e}") })?;
        Ok(Opened { disk, path, metadata })
    }

    /// Hands over the batches of one row group. An error names the page that cannot be decoded.
    fn row_group(
        &self,
        group: usize,
        mut each: impl FnMut(&RecordBatch) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let failed =
            |e: &dyn std::fmt::Display| pages::locate(|| self.disk.open(self.path), &self.metadata, group, e);
        let file = self.disk.open(self.path).map_err(|e| failed(&e))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let reader = builder.with_row_groups(vec![group]).with_batch_size(self.batch_rows(group)).build();
        for batch in reader.map_err(|e| failed(&e))? {
            each(&batch.map_err(|e| failed(&e))?)?;
        }
        Ok(())
    }

    /// Rows of a group that are decoded at a time.
    fn batch_rows(&self, group: usize) -> usize {
        let file = self.metadata.metadata();
        let of = file.row_group(group);
        let rows = usize::try_from(of.num_rows()).unwrap_or(0);
        let whole = Group { index: group, rows, ranges: vec![] };
        let columns: Vec<usize> = (0..of.num_columns()).collect();
        batch_rows(file, &[whole], &columns, BATCH_BYTES)
    }

    /// Data pages, as the page index counts them.
    fn pages(&self) -> u64 {
        let index = self.metadata.metadata().offset_index().into_iter().flatten().flatten();
        index.map(|column| column.page_locations().len() as u64).sum()
    }
}

impl DataFile<'_> {
    /// Decodes it, tells what is wrong, and adds the ids of its rows.
    pub(super) fn check(&self, ids: &mut Ids, findings: &mut Findings) -> Read {
        let size = match self.disk.len(self.path) {
            Ok(size) => size,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                findings.broken(self.path, "", "is missing: the Delta log names it");
                return Read::default();
            }
            Err(e) => {
                findings.broken(self.path, "", format!("cannot be read: {e}"));
                return Read::default();
            }
        };
        if size != self.bytes {
            findings.broken(self.path, "", format!("has {size} bytes; the Delta log says {}", self.bytes));
        }
        let opened = match Opened::new(self.disk, self.path) {
            Ok(opened) => opened,
            Err(wrong) => {
                findings.broken(self.path, wrong.at, wrong.what);
                return Read::default();
            }
        };
        let mut rows = Rows::new(self.table);
        let (mut read, mut is_whole) = (Read::default(), true);
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
        self.check_sum(is_whole, findings);
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

    /// The checksums of pages leave out what is around these, and files of earlier versions have none: a changed bit can
    /// decode to another value.
    fn check_sum(&self, is_whole: bool, findings: &mut Findings) {
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

/// What the rows of a file are, as far as they have been decoded.
struct Rows {
    table: Table,
    count: u64,
    last: Option<(i32, i64, String)>,
    ids: Vec<i32>,
    bounds: Option<Bounds>,
}

#[derive(Clone, Copy)]
struct Bounds {
    id: (i32, i32),
    ts: (i64, i64),
    seq: (u64, u64),
}

impl Rows {
    fn new(table: Table) -> Rows {
        Rows { table, count: 0, last: None, ids: Vec::new(), bounds: None }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Wrong> {
        if self.table == Table::Readings {
            schema::run(batch).map_err(|e| Wrong::of_file(e.message))?;
        }
        let columns = Columns::of(batch).ok_or_else(|| {
            let names: Vec<_> = batch.schema_ref().fields().iter().map(|f| f.name().clone()).collect();
            Wrong::of_file(format!("has the columns {}: no table of Basalt has these", names.join(", ")))
        })?;
        for row in 0..batch.num_rows() {
            self.row(&columns, row)?;
            self.count += 1;
        }
        Ok(())
    }

    fn row(&mut self, columns: &Columns<'_>, row: usize) -> Result<(), Wrong> {
        let (id, ts, seq) = (columns.id[row], columns.ts[row], columns.seq[row].unsigned_abs());
        let third = columns.third.map_or("", |third| third.value(row));
        let is_after = self.last.as_ref().is_none_or(|(i, t, o)| (*i, *t, o.as_str()) < (id, ts, third));
        if !is_after {
            let what = format!("is not after the row before it: id {id} at {}", Micros(ts));
            return Err(Wrong { at: format!("row {}", self.count + 1), what });
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
        let bounds = self.bounds.get_or_insert(Bounds { id: (id, id), ts: (ts, ts), seq: (seq, seq) });
        bounds.id = (bounds.id.0.min(id), bounds.id.1.max(id));
        bounds.ts = (bounds.ts.0.min(ts), bounds.ts.1.max(ts));
        bounds.seq = (bounds.seq.0.min(seq), bounds.seq.1.max(seq));
        Ok(())
    }

    /// What is not as the log says.
    fn differences(&self, facts: &LakeFile) -> Vec<String> {
        let mut found = Vec::new();
        if self.count != facts.rows {
            found.push(format!("has {} rows; the Delta log says {}", self.count, facts.rows));
        }
        let Some(bounds) = self.bounds else { return found };
        let mut compare = |what: &str, is: String, said: String| {
            if is != said {
                found.push(format!("has {what} {is}; the Delta log says {said}"));
            }
        };
        let range = |(low, high): (String, String)| format!("{low} to {high}");
        let ids = |(low, high): (i32, i32)| range((low.to_string(), high.to_string()));
        let times = |(low, high): (i64, i64)| range((Micros(low).to_iso(), Micros(high).to_iso()));
        let seqs = |(low, high): (u64, u64)| range((low.to_string(), high.to_string()));
        compare("ids", ids(bounds.id), ids(facts.streams));
        compare("times", times(bounds.ts), times(facts.ts));
        compare("numbers (seq)", seqs(bounds.seq), seqs(facts.seq));
        for ts in [bounds.ts.0, bounds.ts.1] {
            if Micros(ts).day() != facts.day {
                found.push(format!("has a row of {} among those of {}", Micros(ts), facts.day));
                break;
            }
        }
        found
    }
}

/// The columns every table has: whose row it is first, then its time, the rest of its key if that is more, and last
/// the number of the request that wrote it.
struct Columns<'a> {
    id: &'a [i32],
    ts: &'a [i64],
    third: Option<&'a arrow::array::StringArray>,
    seq: &'a [i64],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Columns<'a>> {
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
        Some(Columns {
            id: batch.column(0).as_primitive::<Int32Type>().values(),
            ts: batch.column(1).as_primitive::<TimestampMicrosecondType>().values(),
            third: (kind(2) == Some(&DataType::Utf8)).then(|| batch.column(2).as_string::<i32>()),
            seq: batch.column(seq).as_primitive::<Int64Type>().values(),
        })
    }
}

//! Tests that batches of files with texts are limited by their decoded size.

use std::sync::Arc;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::domain::reading::{Quality, Reading};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};
use crate::store::disk::{Disk, LocalDisk};
use crate::store::lake::cache::LakeCache;
use crate::store::lake::file::LakeFile;
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::lake::table_reader::{ReadFilter, TableReader};
use crate::store::memtable::run::{Run, longest_text};
use crate::store::table::Table;

const DAY: Day = Day(20_000);

fn written(rows: i64, text: impl Fn(i64) -> String) -> (TempDir, LakeFile) {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    let mut part = DataFileWriter::create(&disk, dir.path(), Table::Readings, DAY, false).unwrap();
    let reading = |i: i64| Reading {
        stream: StreamId(1),
        ts: Micros(DAY.start().0 + i),
        value: None,
        text: Some(text(i).into()),
        quality: Quality::Good,
    };
    part.write_run(&Run::new((0..rows).map(reading).collect(), 1)).unwrap();
    let file = part.finish().unwrap();
    (dir, file)
}

#[test]
fn a_batch_has_as_many_texts_as_make_a_few_megabytes() {
    type Text = fn(i64) -> String;
    let equal: Text = |_| "x".repeat(20_000);
    let different: Text = |i| format!("{i:>20000}");
    let few_long: Text = |i| "x".repeat(if i % 100 == 0 { 500_000 } else { 10 });
    for (name, rows, text, longest) in [
        ("equal", 2000, equal, 20_000),
        ("different", 2000, different, 20_000),
        ("a few long ones", 3000, few_long, 500_000),
    ] {
        let (dir, file) = written(rows, text);
        assert_eq!(file.longest_text, Some(longest), "{name}");
        let whole =
            TableReader::whole_files(Arc::new(LocalDisk), Arc::new(dir.path().to_owned()), Table::Readings);
        let kept =
            TableReader { cache: Some(Arc::new(LakeCache::default())), keeps_pages: true, ..whole.clone() };
        for (how, source) in [("whole", whole), ("from pages", kept)] {
            let (mut found, mut most) = (0, 0);
            for batch in source.open(&file, &ReadFilter::ALL).unwrap().unwrap() {
                let batch = batch.unwrap();
                let texts = batch.column_by_name("text").unwrap();
                assert!(longest_text(texts.as_ref()) <= longest as usize, "{name}, {how}");
                found += batch.num_rows();
                most = most.max(texts.get_array_memory_size());
            }
            assert_eq!(found as i64, rows, "{name}, {how}");
            // Buffers grow by doubling.
            assert!(most < 20 << 20, "{name}, {how}: {most}");
        }
    }
}

#[test]
fn a_step_of_rows_without_texts_is_one_batch() {
    const STEP: usize = 32 * 1024;
    let (dir, file) = written(20_000, |i| i.to_string());
    let bytes = std::fs::File::open(dir.path().join(&file.path)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let metadata = builder.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let column = |name: &str| schema.columns().iter().position(|column| column.name() == name).unwrap();
    let groups = [RowGroupSelection { index: 0, rows: 20_000, ranges: vec![0..10_000, 10_000..20_000] }];
    let numbers = [column("ts"), column("value")];
    let texts = [column("ts"), column("text")];
    for (columns, bytes, expected) in [
        (numbers, TARGET_BATCH_BYTES, STEP),
        (numbers, 16_000, 1000),
        (texts, TARGET_BATCH_BYTES, MAX_BATCH_ROWS),
    ] {
        assert_eq!(step_rows(STEP, metadata, &groups, &columns, bytes), expected, "{columns:?}, {bytes}");
    }
}

#[test]
fn a_batch_of_short_rows_is_whole() {
    let (dir, file) = written(20_000, |i| i.to_string());
    let source =
        TableReader::whole_files(Arc::new(LocalDisk), Arc::new(dir.path().to_owned()), Table::Readings);
    let first = source.open(&file, &ReadFilter::ALL).unwrap().unwrap().next().unwrap().unwrap();
    assert_eq!(first.num_rows(), MAX_BATCH_ROWS);
    let small = TableReader { batch_bytes: 100, ..source };
    let first = small.open(&file, &ReadFilter::ALL).unwrap().unwrap().next().unwrap().unwrap();
    assert!(first.num_rows() < 5, "{}", first.num_rows());
}

//! Tests that wanted rows are always among those read, with few others.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::domain::time::Day;
use crate::store::disk::LocalDisk;
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::statistics::rows::{self, WindowRow};

const DAY: Day = Day(20_000);
const MINUTE: i64 = 60_000_000;

/// Writes a file of statistics: so many minutes of each of the streams 1, 3, 5, and so on.
fn written(minutes: &[i64]) -> (TempDir, LakeFile) {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    let mut part = DataFileWriter::create(&disk, dir.path(), Table::Statistics, DAY, false).unwrap();
    for (n, minutes) in minutes.iter().enumerate() {
        let window = |minute: i64| WindowRow {
            stream: 2 * n as i32 + 1,
            start: DAY.start().0 + minute * MINUTE,
            length: MINUTE,
            rows: 1,
            summary: None,
        };
        part.write(&rows::computed_batch(&(0..*minutes).map(window).collect::<Vec<_>>(), 1)).unwrap();
    }
    let file = part.finish().unwrap();
    (dir, file)
}

/// Returns streams and minutes of the rows read.
fn read(source: &TableReader, file: &LakeFile, wanted: &ReadFilter) -> Vec<(i32, i64)> {
    let Some(reader) = source.open(file, wanted).unwrap() else { return Vec::new() };
    let rows = |batch: RecordBatch| {
        let ids = batch.column(0).as_primitive::<Int32Type>().values().to_vec();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values().to_vec();
        ids.into_iter().zip(times.into_iter().map(|ts| (ts - DAY.start().0) / MINUTE)).collect::<Vec<_>>()
    };
    reader.flat_map(|batch| rows(batch.unwrap())).collect()
}

fn source(dir: &TempDir, cache: Option<Arc<LakeCache>>) -> TableReader {
    let dir = Arc::new(dir.path().to_owned());
    TableReader {
        disk: Arc::new(LocalDisk),
        dir,
        table: Table::Statistics,
        columns: Some(vec![0, 1, 2]),
        keeps_pages: cache.is_some(),
        batch_bytes: TARGET_BATCH_BYTES,
        cache,
    }
}

fn minutes(from: i64, to: i64) -> MinMax<i64> {
    MinMax::new(DAY.start().0 + from * MINUTE, DAY.start().0 + to * MINUTE)
}

#[test]
fn the_minutes_of_a_day_of_one_stream_are_read_without_those_of_others() {
    let (dir, file) = written(&[1440; 120]);
    let source = source(&dir, Some(Arc::default()));
    for (name, ids, ts, rows) in [
        ("one_stream", vec![3], ReadFilter::ALL.ts, 1440),
        ("two_apart", vec![5, 99], ReadFilter::ALL.ts, 2880),
        ("none_between", vec![4], ReadFilter::ALL.ts, 0),
        ("another_day", vec![3], MinMax::new(0, DAY.start().0 - 1), 0),
        ("past_the_last", vec![1000], ReadFilter::ALL.ts, 0),
    ] {
        let wanted = ReadFilter { ids: Some(ids.into()), ts, label: None };
        assert_eq!(read(&source, &file, &wanted).len(), rows, "{name}");
    }
    let posted = ReadFilter { label: Some("posted"), ..ReadFilter::ALL };
    assert_eq!(read(&source, &file, &posted), [], "the origin of all rows is another");
    assert_eq!(read(&source, &file, &ReadFilter::ALL).len(), 1440 * 120);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_wanted_row_is_left_out(
        counts in prop::collection::vec(1i64..3000, 1..12),
        ids in prop::collection::btree_set(0i32..26, 0..5),
        from in 0i64..3000,
        length in 0i64..3000,
        keeps in any::<bool>(),
    ) {
        let (dir, file) = written(&counts);
        let source = source(&dir, keeps.then(Arc::default));
        let ts = minutes(from, from + length);
        let wanted = ReadFilter { ids: Some(ids.iter().copied().collect()), ts, label: None };
        for _ in 0..2 {
            let is_wanted =
                |row: &(i32, i64)| ids.contains(&row.0) && (from..=from + length).contains(&row.1);
            let found: Vec<_> = read(&source, &file, &wanted).into_iter().filter(is_wanted).collect();
            let of = |n: usize| (0..counts[n]).map(move |minute| (2 * n as i32 + 1, minute));
            prop_assert_eq!(found, (0..counts.len()).flat_map(of).filter(is_wanted).collect::<Vec<_>>());
        }
    }
}

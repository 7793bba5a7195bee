//! Damage that is not an unfinished tail refuses the start, and says where it is.

use std::fs;
use std::path::{Path, PathBuf};

use basalt::domain::reading::Reading;
use basalt::domain::{Kind, Micros, StreamId};
use basalt::query::readings_list::ValuesQuery;
use basalt::store::schema;
use basalt::store::wal::frame::{SEGMENT_HEADER, SegmentHeader, parse_record};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::in_process::{DAY, MINUTE, NOW, TestEnv};

/// Thirty records and more, one of them long, over several segments of the log, of which the last has some too; nothing
/// flushed. Returns the segments and the number of records.
async fn written(env: &TestEnv, dir: &Path) -> (Vec<PathBuf>, usize) {
    let db = env.open_local(dir).await;
    let segments = || {
        let entries = fs::read_dir(dir.join("wal")).unwrap();
        let mut segments: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        segments
    };
    let mut n: i64 = 0;
    while n < 30 || record_starts(segments().last().unwrap()).len() < 4 {
        let rows = (0..if n == 3 { 300 } else { 8 }).map(|i| {
            Reading::good(StreamId(1), Micros(NOW - 1000 * MINUTE + (n * 300 + i) * 1_000_000), 1.0)
        });
        db.store.write(&env.owner, rows.collect()).await.unwrap();
        n += 1;
    }
    assert!(segments().len() > 3, "{:?}", segments());
    (segments(), n as usize)
}

fn record_starts(segment: &Path) -> Vec<usize> {
    let bytes = fs::read(segment).unwrap();
    let mut starts = vec![SEGMENT_HEADER];
    let salt = SegmentHeader::parse(&bytes).unwrap().salt;
    while let Some(found) = parse_record(&bytes, *starts.last().unwrap(), salt) {
        starts.push(found.end);
    }
    starts
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x40;
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_the_log_refuses_the_start_and_names_segment_and_offset() {
    let env = TestEnv::new(2).await;
    let last = usize::MAX;
    // Which segment, which record of it, which byte of the record (from its start).
    for (name, segment, record, byte) in [
        ("first_record_of_the_log", 0, 0, 25),
        ("header_of_a_record", 1, 1, 2),
        ("payload_in_a_middle_segment", 1, 1, 30),
        ("last_record_of_a_middle_segment", 1, last, 30),
        ("record_of_the_last_segment_with_valid_ones_after_it", last, 0, 30),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (segments, _) = written(&env, dir.path()).await;
        let segment = &segments[segment.min(segments.len() - 1)];
        let starts = record_starts(segment);
        assert!(starts.len() > 2, "{name}: the segment has records");
        let start = starts[record.min(starts.len() - 2)];
        flip(segment, start + byte);
        let refused = env.open(dir.path(), std::sync::Arc::new(basalt::store::disk::LocalDisk)).await;
        let error = refused.err().unwrap_or_else(|| panic!("{name}: it starts"));
        assert_eq!(error.kind, Kind::Unavailable, "{name}: {error}");
        let segment = segment.file_name().unwrap().to_string_lossy().into_owned();
        let place = format!("{segment}` at offset {start}:");
        assert!(error.message.contains(&place), "{name}: {error}, expected {place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_checkpoint_refuses_the_start_and_is_named() {
    let env = TestEnv::new(2).await;
    let dir = tempfile::tempdir().unwrap();
    written(&env, dir.path()).await;
    let db = env.open_local(dir.path()).await;
    db.store.flush().await.unwrap();
    drop(db);
    flip(&dir.path().join("checkpoint.bin"), 30);
    let refused = env.open(dir.path(), std::sync::Arc::new(basalt::store::disk::LocalDisk)).await;
    let error = refused.err().expect("it is refused");
    assert!(error.message.contains("checkpoint.bin` is damaged at offset 0"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_tail_is_cut_and_the_rest_is_there() {
    let env = TestEnv::new(2).await;
    for cut in [1, 19, 20, 100] {
        let dir = tempfile::tempdir().unwrap();
        let (segments, records) = written(&env, dir.path()).await;
        let last = segments.last().unwrap();
        let bytes = fs::read(last).unwrap();
        fs::write(last, &bytes[..bytes.len() - cut]).unwrap();
        let db = env.open_local(dir.path()).await;
        let found = db.values(&env.owner, ValuesQuery::default()).await.len();
        assert_eq!(found, (records - 2) * 8 + 300, "the last record, cut by {cut}, is gone and no other");
    }
}

/// The bytes of the first data page of `value` in the only file of a day's readings become others.
fn spoil_values(dir: &Path, day: &str) -> String {
    let folder = dir.join("lake/readings").join(format!("date={day}"));
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let reader = SerializedFileReader::new(fs::File::open(&file).unwrap()).unwrap();
    let column = reader.metadata().row_group(0).column(schema::VALUE);
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset()) as usize;
    let end = start + column.compressed_size() as usize;
    let mut bytes = fs::read(&file).unwrap();
    bytes[start..end].iter_mut().for_each(|byte| *byte ^= 0xff);
    fs::write(&file, bytes).unwrap();
    file.file_name().unwrap().to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupted_page_is_an_error_that_names_its_file_and_spoils_no_other_day() {
    let (env, dir, db) = TestEnv::open_new(2).await;
    let rows = (0..500).map(|n| Reading::good(StreamId(1), Micros(NOW - 2 * DAY + n * 6 * MINUTE), n as f64));
    db.store.write(&env.owner, rows.collect()).await.unwrap();
    db.compact().await.unwrap();
    let file = spoil_values(dir.path(), "2026-04-27");

    let sum = |from: &str, to: &str| {
        format!("SELECT sum(value + 0) AS sum FROM readings WHERE ts >= '{from}' AND ts < '{to}'")
    };
    for round in ["running", "restarted"] {
        let db = if round == "running" { db.clone() } else { env.open_local(dir.path()).await };
        let broken = db.try_sql(&env.owner, &sum("2026-04-27", "2026-04-28"), &serde_json::Value::Null).await;
        let error = broken.expect_err("half of it cannot be read");
        assert_eq!(error.kind, Kind::Unavailable, "{round}: {error}");
        assert!(error.message.contains(&file), "{round}: {error}, expected {file}");
        let whole = db.sql(&env.owner, &sum("2026-04-26", "2026-04-27")).await;
        assert_eq!(whole, [serde_json::json!({"sum": 119.0 * 120.0 / 2.0})], "{round}");
        db.store
            .write(&env.owner, [Reading::good(StreamId(1), Micros(NOW), 1.0)].into_iter().collect())
            .await
            .unwrap();
        db.store.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_entry_of_the_lakes_log_refuses_the_start_and_is_named() {
    let env = TestEnv::new(2).await;
    for (name, kept) in [("empty", 0.0), ("half", 0.5), ("all_but_the_end", 0.98)] {
        let dir = tempfile::tempdir().unwrap();
        let db = env.open_local(dir.path()).await;
        for n in 0..4 {
            let row = Reading::good(StreamId(1), Micros(NOW - n * MINUTE), 1.0);
            db.store.write(&env.owner, [row].into_iter().collect()).await.unwrap();
            db.store.flush().await.unwrap();
        }
        drop(db);
        // Not the newest, which could be torn by a crash.
        let entry = dir.path().join("lake/readings/_delta_log").join(format!("{:020}.json", 2));
        let text = fs::read(&entry).unwrap();
        fs::write(&entry, &text[..(text.len() as f64 * kept) as usize]).unwrap();
        let refused = env.open(dir.path(), std::sync::Arc::new(basalt::store::disk::LocalDisk)).await;
        let error = refused.err().unwrap_or_else(|| panic!("{name}: it starts"));
        assert_eq!(error.kind, Kind::Unavailable, "{name}: {error}");
        assert!(error.message.contains("00002.json"), "{name}: {error}");
    }
}

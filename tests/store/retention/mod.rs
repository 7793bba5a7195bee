//! Expired rows are shown to nobody, leave the disk within a cycle, and take nothing else with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use basalt::domain::policy::{PolicyChange, PolicyTable};
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Clock, Kind, Micros, Principal, StreamId};
use basalt::store::table::Table;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::in_process::{MINUTE, NOW, TestDb, TestEnv};
use crate::support::eventually;

mod deleted;
mod expiry;
mod faults;
mod model;
mod statistics;
mod wrong_clock;

const HOUR: i64 = 60 * MINUTE;

/// One value a minute of a stream, from so many minutes before `NOW` on.
pub fn minutes(stream: i32, before: i64, count: i64) -> Readings {
    let at = |m| {
        Reading::good(
            StreamId(stream),
            Micros(NOW - (before - m) * MINUTE),
            (stream as i64 * 1000 + m) as f64,
        )
    };
    (0..count).map(at).collect()
}

/// The Parquet files of a table on disk, live or not.
pub fn files(dir: &Path, table: &str) -> Vec<PathBuf> {
    let Ok(days) = std::fs::read_dir(dir.join("lake").join(table)) else { return Vec::new() };
    let days = days
        .map(|e| e.unwrap().path())
        .filter(|d| d.file_name().unwrap().to_str().unwrap().starts_with("date="));
    days.flat_map(|day| std::fs::read_dir(day).unwrap().map(|e| e.unwrap().path())).collect()
}

/// Id, time, third column and the mean (or value) of every row in every file of a table on disk.
pub type FileRows = BTreeMap<(i32, i64, String), (i64, Option<u64>)>;

/// Rows in the files of a table; of equal keys the highest seq.
pub fn read_file_rows(dir: &Path, table: &str) -> FileRows {
    let mut rows = FileRows::new();
    for path in files(dir, table) {
        let file = std::fs::File::open(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        for batch in reader.map(Result::unwrap) {
            let ids = batch.column(0).as_primitive::<Int32Type>();
            let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
            let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>();
            let label = batch.column_by_name("origin").map(|c| c.as_string::<i32>().clone());
            let number = batch.column_by_name("mean").or(batch.column_by_name("value")).cloned();
            for i in 0..batch.num_rows() {
                let label = label.as_ref().map(|l| l.value(i).to_owned()).unwrap_or_default();
                let number = number.as_ref().map(|n| n.as_primitive::<Float64Type>().value(i).to_bits());
                let row = rows.entry((ids.value(i), times.value(i), label)).or_insert((i64::MIN, None));
                if seqs.value(i) >= row.0 {
                    *row = (seqs.value(i), number);
                }
            }
        }
    }
    rows
}

/// Waits for files that count no more to leave the disk: a query's pin goes with its task, a moment after its last row.
pub async fn wait_for_cleanup(db: &TestDb) {
    eventually("files that count no more have left the disk", Duration::from_secs(60), || async {
        db.store.run_retention().await.unwrap();
        let snapshot = db.store.snapshot();
        let live = |table: Table| match table {
            Table::Readings => snapshot.lake.files().count(),
            _ => snapshot.upsert_tables[table].lake.files().count(),
        };
        Table::ALL.iter().all(|table| files(&db.dir, table.name()).len() == live(*table)).then_some(())
    })
    .await;
}

/// How many rows of a stream, and the time of the oldest in minutes before `NOW`.
fn stream_extent(rows: &FileRows, stream: i32) -> (usize, Option<i64>) {
    let own = rows.range((stream, i64::MIN, String::new())..(stream + 1, i64::MIN, String::new()));
    let times: Vec<i64> = own.map(|((_, ts, _), _)| *ts).collect();
    (times.len(), times.first().map(|ts| (NOW - ts) / MINUTE))
}

fn policy_change(stream: Option<i32>, table: PolicyTable, keep_us: i64) -> PolicyChange {
    let drop_after_s = Some(keep_us / 1_000_000);
    PolicyChange { stream: stream.map(StreamId), tables: vec![table], drop_after_s }
}

async fn set_retention(env: &TestEnv, stream: Option<i32>, table: PolicyTable, keep_us: i64) {
    let stream = stream.map(StreamId);
    env.catalog.retention.set_policy(&env.owner, table, stream, keep_us / 1_000_000).await.unwrap();
}

/// Sets the clock to so many microseconds past `NOW`, or a moment later.
fn set_clock(env: &TestEnv, past: i64) {
    env.clock.advance(NOW + past - env.clock.now().0);
}

/// Every window that ended by `NOW` is over for good.
fn seal_windows(env: &TestEnv) {
    env.clock.advance(10_000_000);
}

async fn count(db: &TestDb, who: &Principal, stream: i32) -> i64 {
    let query = format!("SELECT count(*) AS n FROM readings WHERE stream_id = {stream}");
    db.sql(who, &query).await[0]["n"].as_i64().unwrap()
}

async fn expect_refusal(db: &TestDb, who: &Principal, rows: Readings) -> String {
    let error = db.store.write(who, rows).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    error.message
}

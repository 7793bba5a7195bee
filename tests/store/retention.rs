//! What has expired is shown to nobody, leaves the disk within a cycle, and takes nothing else with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use basalt::domain::policy::{PolicyChange, PolicyTable};
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::statistic::Statistic;
use basalt::domain::stream::StreamSpec;
use basalt::domain::window::Windows;
use basalt::domain::{Clock, Kind, Micros, Principal, StreamId};
use basalt::query::list::List;
use basalt::query::values::ValuesQuery;
use basalt::store::catalog::Catalog;
use basalt::store::keyed::KeyedRows;
use basalt::store::retention::Amount;
use basalt::store::statistics::rows::posted;
use basalt::store::table::Table;
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use crate::inside::{DAY, Ground, Inside, MINUTE, NOW};

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
pub type OnDisk = BTreeMap<(i32, i64, String), (i64, Option<u64>)>;

/// What the bytes hold; of equal keys the highest seq.
pub fn on_disk(dir: &Path, table: &str) -> OnDisk {
    let mut rows = OnDisk::new();
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
pub async fn swept(inside: &Inside) {
    for _ in 0..500 {
        inside.store.retain().await.unwrap();
        let snapshot = inside.store.snapshot();
        let live = |table: Table| match table {
            Table::Readings => snapshot.lake.files().count(),
            Table::Statistics | Table::Messages => snapshot.keyed[table].lake.files().count(),
        };
        if Table::ALL.iter().all(|table| files(&inside.dir, table.name()).len() == live(*table)) {
            return;
        }
        drop(snapshot);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("files that count no more stay on disk");
}

/// How many rows of a stream, and the time of the oldest in minutes before `NOW`.
fn of(rows: &OnDisk, stream: i32) -> (usize, Option<i64>) {
    let own = rows.range((stream, i64::MIN, String::new())..(stream + 1, i64::MIN, String::new()));
    let times: Vec<i64> = own.map(|((_, ts, _), _)| *ts).collect();
    (times.len(), times.first().map(|ts| (NOW - ts) / MINUTE))
}

fn change(stream: Option<i32>, table: PolicyTable, keep_us: i64) -> PolicyChange {
    let drop_after_s = Some(keep_us / 1_000_000);
    PolicyChange { stream: stream.map(StreamId), tables: vec![table], drop_after_s }
}

async fn keep(ground: &Ground, stream: Option<i32>, table: PolicyTable, keep_us: i64) {
    let stream = stream.map(StreamId);
    ground.catalog.set_policy(&ground.owner, table, stream, keep_us / 1_000_000).await.unwrap();
}

/// Sets the clock to so many microseconds past `NOW`, or a moment later.
fn set_clock(ground: &Ground, past: i64) {
    ground.clock.advance(NOW + past - ground.clock.now().0);
}

/// Every window that ended by `NOW` is over for good.
fn sealed(ground: &Ground) {
    ground.clock.advance(10_000_000);
}

async fn count(inside: &Inside, who: &Principal, stream: i32) -> i64 {
    let query = format!("SELECT count(*) AS n FROM readings WHERE stream_id = {stream}");
    inside.sql(who, &query).await[0]["n"].as_i64().unwrap()
}

async fn refused(inside: &Inside, who: &Principal, rows: Readings) -> String {
    let error = inside.store.write(who, rows).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    error.message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expires_is_shown_to_nobody_from_that_second_on() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    inside.store.write(&ground.owner, minutes(1, 120, 61)).await.unwrap();
    inside.store.write(&ground.owner, minutes(2, 120, 61)).await.unwrap();
    keep(&ground, Some(1), PolicyTable::Readings, HOUR).await;
    let oldest = Micros(NOW - HOUR);
    let at = |ts| inside.engine.value(&ground.owner, StreamId(1), ts);
    for place in ["in memory", "in the lake"] {
        // One row of the stream is left, and with the next minute none.
        set_clock(&ground, 0);
        assert_eq!(count(&inside, &ground.owner, 1).await, 1, "{place}");
        let listed = inside.values(
            &ground.owner,
            ValuesQuery { list: List { streams: Some(vec![StreamId(1)]), ..List::default() }, bad: false },
        );
        assert_eq!(listed.await.iter().map(|r| r.ts).collect::<Vec<_>>(), [oldest], "{place}");
        assert!(
            at(oldest).await.unwrap().is_some() && at(Micros(oldest.0 - MINUTE)).await.unwrap().is_none()
        );
        assert_eq!(inside.store.last(&ground.owner, StreamId(1)).unwrap().newest.ts, oldest);
        set_clock(&ground, MINUTE - 1000);
        assert_eq!(count(&inside, &ground.owner, 1).await, 1, "{place}: within its minute");
        set_clock(&ground, MINUTE);
        assert_eq!(count(&inside, &ground.owner, 1).await, 0, "{place}");
        assert!(at(oldest).await.unwrap().is_none(), "{place}");
        assert!(
            inside.values(&ground.owner, ValuesQuery::default()).await.iter().all(|r| r.stream.0 == 2),
            "{place}"
        );
        assert_eq!(inside.store.last(&ground.owner, StreamId(1)), None, "{place}");
        assert_eq!(count(&inside, &ground.owner, 2).await, 61, "{place}: the neighbour");
        inside.store.flush().await.unwrap();
    }
    // Nothing was removed yet: a longer policy shows it again.
    keep(&ground, Some(1), PolicyTable::Readings, DAY).await;
    assert_eq!(count(&inside, &ground.owner, 1).await, 61);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_of_a_stream_goes_before_that_of_its_organization() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let other = ground.catalog.create_org(&ground.owner, "other", "Other").await.unwrap();
    let theirs = Principal::system(other.id);
    let device = ground.catalog.create_device(
        &theirs,
        basalt::domain::device::DeviceSpec::new("d", basalt::domain::device::Protocol::Virtual),
    );
    let device = device.await.unwrap().id;
    let foreign = ground.catalog.create_stream(&theirs, StreamSpec::new("s", device)).await.unwrap().id;
    for stream in [1, 2] {
        inside.store.write(&ground.owner, minutes(stream, 300, 300)).await.unwrap();
    }
    inside.store.write(&theirs, minutes(foreign.0, 300, 300)).await.unwrap();
    // Hours kept by the organization and by stream 1; hours then shown of stream 1, of stream 2, of the other's.
    for (name, org, own, expected) in [
        ("no_policy", None, None, [5, 5, 5]),
        ("of_the_organization", Some(2), None, [2, 2, 5]),
        ("a_shorter_one", Some(2), Some(1), [1, 2, 5]),
        ("a_longer_one", Some(2), Some(4), [4, 2, 5]),
        ("only_its_own", None, Some(3), [3, 5, 5]),
    ] {
        for (stream, hours) in [(None, org), (Some(1), own)] {
            match hours {
                Some(hours) => keep(&ground, stream, PolicyTable::Readings, hours * HOUR).await,
                None => drop(
                    ground
                        .catalog
                        .remove_policy(&ground.owner, PolicyTable::Readings, stream.map(StreamId))
                        .await
                        .unwrap(),
                ),
            }
        }
        set_clock(&ground, 0);
        let shown = [
            count(&inside, &ground.owner, 1).await,
            count(&inside, &ground.owner, 2).await,
            count(&inside, &theirs, foreign.0).await,
        ];
        assert_eq!(shown, expected.map(|hours| hours * 60), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_a_cycle_then_removes_and_neighbours_stay() {
    let ground = Ground::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    // Two whole days before the edge in files of stream 1 alone; at the edge, and in older files, others as well.
    for (stream, before, rows) in [(1, 5 * 1440, 100), (1, 4 * 1440, 100), (1, 200, 200), (3, 3 * 1440, 50)] {
        inside.store.write(&ground.owner, minutes(stream, before, rows)).await.unwrap();
        inside.store.flush().await.unwrap();
    }
    let both: Readings = minutes(1, 3 * 1440, 50).iter().chain(minutes(2, 3 * 1440, 50).iter()).collect();
    inside.store.write(&ground.owner, both).await.unwrap();
    inside.store.flush().await.unwrap();
    let wanted = change(Some(1), PolicyTable::Readings, 2 * HOUR);
    let before = on_disk(dir.path(), "readings");
    let forecast = inside.store.forecast(&ground.owner, &wanted).await.unwrap();
    assert_eq!(forecast.before, Some(Micros(NOW - 2 * HOUR)));
    assert_eq!((forecast.amount.rows, forecast.amount.files), (100 + 100 + 80 + 50, 4));
    assert_eq!(on_disk(dir.path(), "readings"), before, "nothing was changed");
    assert!(ground.catalog.policies(&ground.owner, Some(StreamId(1))).unwrap().is_empty());
    assert_eq!(count(&inside, &ground.owner, 1).await, 450);

    keep(&ground, Some(1), PolicyTable::Readings, 2 * HOUR).await;
    let removed = inside.store.retain().await.unwrap();
    assert_eq!((removed.rows, removed.files), (forecast.amount.rows, forecast.amount.files));
    assert!(removed.bytes > 0 && forecast.amount.bytes > 0);
    swept(&inside).await;
    let after = on_disk(dir.path(), "readings");
    assert_eq!(of(&after, 1), (120, Some(120)), "the edge");
    assert_eq!((of(&after, 2), of(&after, 3)), (of(&before, 2), of(&before, 3)), "neighbours");
    assert!(after.iter().all(|(key, row)| before[key] == *row), "rows keep values and seq");
    assert_eq!(inside.store.retain().await.unwrap(), Amount::default(), "there is nothing left to do");
    let again = inside.store.forecast(&ground.owner, &wanted).await.unwrap();
    assert_eq!(again.amount, Amount::default());
    assert_eq!([count(&inside, &ground.owner, 1).await, count(&inside, &ground.owner, 2).await], [120, 50]);
    // An overwritten row does not come back from what was written again, nor is a late one lost.
    let late = minutes(2, 3 * 1440, 1).iter().map(|r| Reading { value: Some(-1.0), ..r }).collect();
    inside.store.write(&ground.owner, late).await.unwrap();
    inside.store.compact().await.unwrap();
    drop(inside);
    let inside = ground.open_local(dir.path()).await;
    let query = "SELECT min(value) AS least, count(*) AS n FROM readings WHERE stream_id = 2";
    assert_eq!(inside.sql(&ground.owner, query).await, [json!({"least": -1.0, "n": 50})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_in_memory_count_in_a_dry_run_and_go_with_the_cycle() {
    let ground = Ground::new(2).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    inside.store.write(&ground.owner, minutes(1, 180, 180)).await.unwrap();
    let wanted = change(None, PolicyTable::Readings, HOUR);
    let forecast = inside.store.forecast(&ground.owner, &wanted).await.unwrap();
    assert_eq!(forecast.amount, Amount { rows: 120, bytes: 0, files: 0 });
    keep(&ground, None, PolicyTable::Readings, HOUR).await;
    assert_eq!(inside.store.retain().await.unwrap().rows, 120);
    assert_eq!(of(&on_disk(dir.path(), "readings"), 1), (60, Some(60)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_floor_nothing_is_written_whatever_becomes_of_the_policy() {
    let mut ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let mut inside = ground.open_local(dir.path()).await;
    let owner = ground.owner.clone();
    inside.store.write(&owner, minutes(1, 180, 180)).await.unwrap();
    keep(&ground, None, PolicyTable::Readings, HOUR).await;
    // By the policy alone.
    let message = refused(&inside, &owner, minutes(1, 61, 2)).await;
    assert_eq!(
        message,
        "row 1: ts: `2026-04-28T10:59:00Z` lies before 2026-04-28T11:00:00Z: nothing older is kept"
    );
    inside.store.retain().await.unwrap();
    assert!(ground.catalog.remove_policy(&owner, PolicyTable::Readings, None).await.unwrap());
    for place in ["at once", "after a restart"] {
        let message = refused(&inside, &owner, minutes(1, 61, 1)).await;
        assert!(message.ends_with("nothing older is kept"), "{place}: {message}");
        inside.store.write(&owner, minutes(1, 60, 1)).await.unwrap();
        // Nothing of the other stream was removed.
        inside.store.write(&owner, minutes(2, 61, 1)).await.unwrap();
        assert_eq!((count(&inside, &owner, 1).await, count(&inside, &owner, 2).await), (60, 1), "{place}");
        let known = ground.catalog.raw_from([StreamId(1), StreamId(2)]);
        assert_eq!(known, [(1, Micros(NOW - HOUR))].into(), "{place}");
        drop(inside);
        ground.reload().await;
        inside = ground.open_local(dir.path()).await;
    }
}

/// The computed rows of a stream on disk.
fn computed(dir: &Path, stream: i32) -> OnDisk {
    let rows = on_disk(dir, "statistics").into_iter();
    rows.filter(|((id, _, origin), _)| *id == stream && origin == "computed").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_outlive_the_raw_rows_they_were_computed_from() {
    let ground = Ground::new(3).await;
    sealed(&ground);
    let dir = tempfile::tempdir().unwrap();
    let mut inside = ground.open_local(dir.path()).await;
    inside.store.write(&ground.owner, minutes(1, 300, 300)).await.unwrap();
    keep(&ground, None, PolicyTable::Readings, HOUR).await;
    // Neither flushed nor computed before the cycle.
    assert_eq!(inside.store.retain().await.unwrap().rows, 240);
    assert_eq!(of(&on_disk(dir.path(), "readings"), 1), (60, Some(60)));
    let rows = computed(dir.path(), 1);
    assert_eq!(of(&rows, 1), (300, Some(300)));
    assert!(rows.iter().all(|((_, ts, _), (_, mean))| {
        *mean == Some((1000.0 + ((ts - NOW) / MINUTE + 300) as f64).to_bits())
    }));
    // Late rows of others make every window of the day suspect after a restart; what has no raw rows stays as it is.
    inside.store.write(&ground.owner, minutes(2, 300, 300)).await.unwrap_err();
    keep(&ground, Some(2), PolicyTable::Readings, DAY).await;
    inside.store.write(&ground.owner, minutes(2, 300, 300)).await.unwrap();
    inside.store.write(&ground.owner, minutes(1, 30, 1)).await.unwrap();
    inside.store.flush().await.unwrap();
    drop(inside);
    inside = ground.open_local(dir.path()).await;
    inside.store.compact().await.unwrap();
    let means =
        |rows: &OnDisk| rows.iter().map(|(key, row)| (key.clone(), row.1)).collect::<BTreeMap<_, _>>();
    let mut expected = means(&rows);
    expected.insert((1, NOW - 30 * MINUTE, "computed".to_owned()), Some(1000_f64.to_bits()));
    assert_eq!(means(&computed(dir.path(), 1)), expected);
    // Readers take the windows without raw rows from statistics, and no others that changed.
    let snapshot = inside.store.snapshot();
    let raw =
        |from, to| snapshot.raw_windows(1, &Windows::default(), (NOW - from * MINUTE, NOW - to * MINUTE));
    assert!(raw(300, 60).is_empty(), "{:?}", raw(300, 60));
    assert_eq!(ground.catalog.raw_from([StreamId(1)])[&1], Micros(NOW - HOUR));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_statistics_are_gone_readers_take_raw_rows() {
    let mut ground = Ground::new(3).await;
    sealed(&ground);
    let dir = tempfile::tempdir().unwrap();
    let mut inside = ground.open_local(dir.path()).await;
    inside.store.write(&ground.owner, minutes(1, 300, 300)).await.unwrap();
    let by_hand = |before: i64| {
        let row = Statistic {
            stream: StreamId(1),
            ts: Micros(NOW - before * MINUTE),
            window_s: 60,
            count: 1,
            mean: Some(5.0),
            rms: None,
            median: None,
            min: None,
            max: None,
            q1: None,
            q3: None,
        };
        posted(&[row])
    };
    for before in [200, 121, 120, 10] {
        inside.store.write_keyed(&ground.owner, by_hand(before)).await.unwrap();
    }
    inside.store.compact().await.unwrap();
    keep(&ground, None, PolicyTable::Statistics, 2 * HOUR).await;
    keep(&ground, None, PolicyTable::Readings, 4 * HOUR).await;
    let forecast =
        inside.store.forecast(&ground.owner, &change(None, PolicyTable::Statistics, 2 * HOUR)).await.unwrap();
    assert_eq!(forecast.amount.rows, 180 + 2);
    assert_eq!(inside.store.retain().await.unwrap().rows, 60 + 180 + 2);
    let rows = on_disk(dir.path(), "statistics");
    assert_eq!(rows.keys().filter(|(_, _, origin)| origin == "posted").count(), 2);
    assert_eq!(of(&computed(dir.path(), 1), 1), (120, Some(120)));
    ground.catalog.remove_policy(&ground.owner, PolicyTable::Statistics, None).await.unwrap();
    for place in ["at once", "after a restart"] {
        let snapshot = inside.store.snapshot();
        let raw = snapshot.raw_windows(1, &Windows::default(), (NOW - 5 * HOUR, NOW - 30 * MINUTE));
        let expected = [(NOW - 4 * HOUR, NOW - 2 * HOUR)];
        assert_eq!(raw.iter().collect::<Vec<_>>(), expected, "{place}");
        let error = inside.store.write_keyed(&ground.owner, by_hand(121)).await.unwrap_err();
        assert!(error.message.ends_with("nothing older is kept"), "{place}: {error}");
        inside.store.write_keyed(&ground.owner, by_hand(120)).await.unwrap();
        drop(inside);
        ground.reload().await;
        inside = ground.open_local(dir.path()).await;
        inside.store.compact().await.unwrap();
    }
    // A late row where statistics are gone counts, as raw.
    inside.store.write(&ground.owner, minutes(1, 200, 1)).await.unwrap();
    inside.store.compact().await.unwrap();
    assert_eq!(count(&inside, &ground.owner, 1).await, 240);
    let snapshot = inside.store.snapshot();
    let raw = snapshot.raw_windows(1, &Windows::default(), (NOW - 5 * HOUR, NOW - 30 * MINUTE));
    assert!(raw.contains(NOW - 200 * MINUTE) && !raw.contains(NOW - 100 * MINUTE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_longer_than_a_minute_is_removed_whole_and_shown_to_the_minute() {
    let ground = Ground::new(2).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let hourly = |spec: &mut StreamSpec| spec.statistics_interval_s = Some(3600);
    ground.catalog.update_stream(&ground.owner, StreamId(1), hourly).await.unwrap();
    // The interval holds from the next hour on.
    set_clock(&ground, 3 * HOUR + 30 * MINUTE);
    inside.store.write(&ground.owner, minutes(1, -60, 120)).await.unwrap();
    keep(&ground, None, PolicyTable::Readings, 2 * HOUR).await;
    // Two hours back it was half past: the minutes before are not shown, and stay as long as their window does.
    assert_eq!(count(&inside, &ground.owner, 1).await, 90);
    inside.store.retain().await.unwrap();
    assert_eq!(of(&on_disk(dir.path(), "readings"), 1), (120, Some(-60)));
    // Nor does the computed row of the whole window count in an aggregate of readings.
    let query =
        "SELECT count(*) AS n, min(value) AS least, max(value) AS most FROM readings WHERE stream_id = 1";
    let shown = json!({"n": 90, "least": 1030.0, "most": 1119.0});
    assert_eq!(inside.sql(&ground.owner, query).await, [shown], "a part of a window is read from raw rows");
    // Half an hour later it is over.
    ground.clock.advance(30 * MINUTE);
    inside.store.retain().await.unwrap();
    swept(&inside).await;
    assert_eq!(of(&on_disk(dir.path(), "readings"), 1), (60, Some(-120)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_keeps_its_files_until_it_ends() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    inside.store.write(&ground.owner, minutes(1, 2000, 2000)).await.unwrap();
    inside.store.flush().await.unwrap();
    let pinned = inside.store.snapshot();
    let old: Vec<PathBuf> = pinned.lake.files().map(|f| pinned.lake_dir.join(&f.path)).collect();
    let query = ValuesQuery { list: List { from: Some(Micros(0)), ..List::default() }, bad: false };
    let listed = inside.engine.values(&ground.owner, query).await.unwrap();
    keep(&ground, None, PolicyTable::Readings, HOUR).await;
    assert_eq!(inside.store.retain().await.unwrap().rows, 1940);
    assert_eq!(count(&inside, &ground.owner, 1).await, 60);
    assert!(old.iter().all(|path| path.exists()), "a pinned file is gone");
    let listed: Vec<Readings> = listed.try_collect().await.unwrap();
    assert_eq!(listed.iter().map(Readings::len).sum::<usize>(), 2000, "it began before the policy");
    drop(pinned);
    // The query's own pin goes with its task, a moment after its last row.
    for _ in 0..200 {
        inside.store.retain().await.unwrap();
        if old.iter().all(|path| !path.exists()) {
            assert_eq!(of(&on_disk(dir.path(), "readings"), 1), (60, Some(60)));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("expired rows stay although nothing pins their files");
}

/// A message of a device.
fn message(device: i32, before: i64) -> KeyedRows {
    let time = || Arc::new(TimestampMicrosecondArray::from(vec![NOW - before * MINUTE]).with_timezone("UTC"));
    let text = |text: &str| Arc::new(StringArray::from(vec![text]));
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![device])),
        time(),
        text("u"),
        time(),
        text("OK"),
        text("{}"),
        Arc::new(Int64Array::from(vec![0])),
    ];
    let batch = RecordBatch::try_new(Table::Messages.schema(), columns).unwrap();
    KeyedRows::new(Table::Messages, batch).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_what_was_deleted_leave_the_disk() {
    let mut ground = Ground::new(3).await;
    sealed(&ground);
    let dir = tempfile::tempdir().unwrap();
    let options = basalt::store::StoreOptions {
        compaction: basalt::store::compaction::CompactionOptions {
            keep_removed: std::time::Duration::from_secs(3600),
            ..crate::inside::store_options(dir.path()).compaction
        },
        ..crate::inside::store_options(dir.path())
    };
    let open = |ground: &Ground| {
        let disk = Arc::new(basalt::store::disk::LocalDisk);
        Inside::open(options.clone(), ground.catalog.clone(), disk, ground.clock.clone())
    };
    let inside = open(&ground).await.unwrap();
    let spec = basalt::domain::device::DeviceSpec::new("gone", basalt::domain::device::Protocol::Virtual);
    let device = ground.catalog.create_device(&ground.owner, spec).await.unwrap().id;
    let own = ground.catalog.create_stream(&ground.owner, StreamSpec::new("s", device)).await.unwrap().id;
    for stream in [1, 2, own.0] {
        inside.store.write(&ground.owner, minutes(stream, 3000, 50)).await.unwrap();
        inside.store.flush().await.unwrap();
        inside.store.write(&ground.owner, minutes(stream, 50, 50)).await.unwrap();
    }
    for id in [1, device.0] {
        inside.store.write_keyed(&ground.owner, message(id, 5)).await.unwrap();
    }
    // Merged files stay for readers outside; what was deleted does not.
    inside.store.compact().await.unwrap();
    let before = on_disk(dir.path(), "readings");
    ground.catalog.delete_stream(&ground.owner, StreamId(1)).await.unwrap();
    ground.catalog.delete_device(&ground.owner, device).await.unwrap();
    drop(inside);
    ground.reload().await;
    let inside = open(&ground).await.unwrap();
    inside.store.write(&ground.owner, minutes(2, 2, 1)).await.unwrap();
    let removed = inside.store.retain().await.unwrap();
    // Values, their statistics, and a message.
    assert_eq!(removed.rows, 2 * 100 + 2 * 100 + 1);
    let after = on_disk(dir.path(), "readings");
    assert_eq!((of(&after, 1), of(&after, own.0), of(&after, 2)), ((0, None), (0, None), of(&before, 2)));
    assert_eq!(
        of(&on_disk(dir.path(), "statistics"), 1).0 + of(&on_disk(dir.path(), "statistics"), own.0).0,
        0
    );
    assert_eq!(on_disk(dir.path(), "messages").len(), 1);
    assert_eq!(inside.store.last(&ground.owner, StreamId(2)).unwrap().newest.ts, Micros(NOW - MINUTE));
    // The checkpoint forgets them too; also what is deleted when nothing is written any more.
    let checkpointed = || {
        let (last, keys) = (basalt::store::last::LastValues::default(), Arc::default());
        basalt::store::checkpoint::load(&basalt::store::disk::LocalDisk, dir.path(), &last, &keys).unwrap();
        last.export().stream
    };
    assert_eq!(checkpointed(), [2, 2]);
    ground.catalog.delete_stream(&ground.owner, StreamId(2)).await.unwrap();
    inside.store.forget(&[StreamId(2)]);
    inside.store.retain().await.unwrap();
    assert_eq!(checkpointed(), [0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_this_catalog_has_never_heard_of_keep_their_rows() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    inside.store.write(&ground.owner, minutes(1, 300, 300)).await.unwrap();
    inside.store.close().await.unwrap();
    drop(inside);
    // Someone starts it with another catalog, whose ids begin later.
    let other = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", other.path().join("catalog.sqlite").display());
    let catalog = Arc::new(Catalog::open(&url, ground.clock.clone()).await.unwrap());
    let owner = Principal::system(catalog.default_org());
    catalog.set_policy(&owner, PolicyTable::Readings, None, 60).await.unwrap();
    let disk = Arc::new(basalt::store::disk::LocalDisk);
    let inside = Inside::open(crate::inside::store_options(dir.path()), catalog, disk, ground.clock.clone())
        .await
        .unwrap();
    assert_eq!(inside.store.retain().await.unwrap(), Amount::default());
    assert_eq!(of(&on_disk(dir.path(), "readings"), 1).0, 300);
}

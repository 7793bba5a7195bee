//! Hours as a second level of statistics: when they are read, when not, and how a data directory gains them.

use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::Reading;
use basalt::domain::statistic::BucketFields;
use basalt::domain::stream::StreamSpec;
use basalt::domain::{Micros, StreamId};
use basalt::query::step::Step;
use basalt::query::step_query::StepQuery;
use basalt::store::statistics::rows;
use basalt::store::statistics::window_summary::WindowSummary;
use basalt::store::table::Table;
use basalt::store::upsert_rows::UpsertRows;
use futures::TryStreamExt;
use serde_json::json;

use super::model::HOUR;
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::store::reopen;
use crate::store::retention::{read_file_rows, wait_for_cleanup};

/// The first of the rows: three hours that are over.
const START: i64 = NOW - 3 * HOUR;

/// Readings of 1.0 each ten seconds, flushed, with their statistics.
async fn fill(env: &TestEnv, db: &TestDb) {
    env.clock.advance(MINUTE);
    let times = (START..NOW).step_by(10_000_000);
    let rows = times.map(|ts| Reading::good(StreamId(1), Micros(ts), 1.0));
    db.store.write(&env.owner, rows.collect()).await.unwrap();
    db.store.flush().await.unwrap();
    db.store.compute_statistics().await.unwrap();
}

/// Stores a computed row that says something else than its readings, ten minutes after the start: where it shows, windows
/// were read and not hours.
async fn forge_window(env: &TestEnv, db: &TestDb) {
    let summary = WindowSummary::of(&mut [1000.0; 6]);
    let start = START + 10 * MINUTE;
    let forged =
        rows::computed_batch(&[rows::WindowRow { stream: 1, start, length: MINUTE, rows: 6, summary }], 0);
    let forged = UpsertRows::new(Table::Statistics, forged).unwrap();
    db.store.upsert(&env.owner, forged).await.unwrap();
}

fn stored_hours(db: &TestDb) -> u64 {
    db.store.snapshot().upsert_tables[Table::HourlyStatistics].lake.files().map(|f| f.rows).sum()
}

/// The largest value that aggregates by a bucket find between minutes after the start.
async fn largest(env: &TestEnv, db: &TestDb, bucket: &str, (from, to): (i64, i64)) -> f64 {
    let at = |minute: i64| Micros(START + minute * MINUTE);
    let query = format!(
        "SELECT max(high) AS high FROM (SELECT {bucket} AS b, max(value) AS high FROM readings \
         WHERE stream_id = 1 AND ts >= '{}' AND ts < '{}' GROUP BY b)",
        at(from),
        at(to)
    );
    db.sql(&env.owner, &query).await[0]["high"].as_f64().unwrap()
}

const BY_HOUR: &str = "time_bucket('1 hour', ts)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_hours_are_read_from_hours_and_edges_from_windows() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    fill(&env, &db).await;
    assert_eq!(stored_hours(&db), 3);
    forge_window(&env, &db).await;
    for stage in ["in memory", "in the lake", "compacted"] {
        for (bucket, range, expected) in [
            (BY_HOUR, (0, 180), 1.0),
            (BY_HOUR, (0, 61), 1.0),
            (BY_HOUR, (-600, 600), 1.0),
            ("time_bucket('3 hours', ts)", (0, 180), 1.0),
            ("date_trunc('day', ts)", (0, 180), 1.0),
            ("time_bucket('1 month', ts)", (0, 180), 1.0),
            ("stream_id", (0, 180), 1.0),
            (BY_HOUR, (1, 180), 1000.0),
            (BY_HOUR, (0, 59), 1000.0),
            ("time_bucket('30 minutes', ts)", (0, 180), 1000.0),
            ("time_bucket('90 minutes', ts)", (0, 180), 1000.0),
            // Its edges are half past.
            ("time_bucket('1 hour', ts, 'Asia/Kolkata')", (0, 180), 1000.0),
        ] {
            let found = largest(&env, &db, bucket, range).await;
            assert_eq!(found, expected, "{stage}: {bucket} {range:?}");
        }
        match stage {
            "in memory" => db.store.flush().await.unwrap(),
            _ => drop(db.compact().await.unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_written_into_an_hour_make_it_windows_until_it_is_computed_again() {
    let (env, _dir, mut db) = TestEnv::open_new(2).await;
    fill(&env, &db).await;
    let late = |minute: i64, value| Reading::good(StreamId(1), Micros(START + minute * MINUTE + 1), value);
    for (n, (minute, value)) in [(20, 2.0), (80, 3.0), (20, 4.0)].into_iter().enumerate() {
        db.store.write(&env.owner, [late(minute, value)].into_iter().collect()).await.unwrap();
        for stage in ["in memory", "in the lake", "after a crash", "computed", "compacted"] {
            let found = largest(&env, &db, BY_HOUR, (0, 180)).await;
            assert_eq!(found, value, "row {n}, {stage}");
            match stage {
                "in memory" => db.store.flush().await.unwrap(),
                "in the lake" => db = reopen(&env, db).await,
                "after a crash" => drop(db.store.compute_statistics().await.unwrap()),
                _ => drop(db.compact().await.unwrap()),
            }
        }
        assert_eq!(stored_hours(&db), 3, "row {n}: merged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_without_hours_gains_them_in_the_background() {
    let (env, dir, db) = TestEnv::open_new(2).await;
    fill(&env, &db).await;
    db.store.close().await.unwrap();
    drop(db);
    // As an earlier version leaves it.
    std::fs::remove_dir_all(dir.path().join("lake").join(Table::HourlyStatistics.name())).unwrap();
    let db = env.open_local(dir.path()).await;
    forge_window(&env, &db).await;
    assert_eq!(stored_hours(&db), 0);
    assert_eq!(largest(&env, &db, BY_HOUR, (0, 180)).await, 1000.0, "windows are read");
    db.store.flush().await.unwrap();
    db.store.compute_statistics().await.unwrap();
    assert_eq!(stored_hours(&db), 3);
    assert_eq!(largest(&env, &db, BY_HOUR, (0, 180)).await, 1000.0, "combined from windows");
    assert_eq!(largest(&env, &db, BY_HOUR, (60, 180)).await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_whose_windows_do_not_divide_an_hour_have_no_hours() {
    let (env, dir, db) = TestEnv::open_new(5).await;
    let intervals = [(1, Some(1)), (2, Some(3600)), (3, Some(2400)), (4, Some(1800))];
    for (stream, interval) in intervals {
        let change = |spec: &mut StreamSpec| spec.statistics_interval_s = interval;
        env.catalog.streams.update_stream(&env.owner, StreamId(stream), change).await.unwrap();
    }
    // The intervals hold from their next common edge on.
    env.clock.advance(DAY);
    let times = (NOW + 12 * HOUR..NOW + 20 * HOUR).step_by(60_000_000);
    let rows = times.flat_map(|ts| intervals.map(|(id, _)| Reading::good(StreamId(id), Micros(ts), 1.0)));
    db.store.write(&env.owner, rows.collect()).await.unwrap();
    db.compact().await.unwrap();
    let hours = read_file_rows(dir.path(), Table::HourlyStatistics.name());
    let count = |id: i32| hours.keys().filter(|(stream, ..)| *stream == id).count();
    assert_eq!([1, 2, 3, 4].map(count), [8, 0, 0, 8]);
    let query = "SELECT stream_id, count(*) AS n FROM readings GROUP BY stream_id ORDER BY 1";
    let expected: Vec<_> = [1, 2, 3, 4].iter().map(|id| json!({"stream_id": id, "n": 480})).collect();
    assert_eq!(db.sql(&env.owner, query).await, expected);
}

/// Statistics expire by the minute: of an hour that has expired in part, the rest is read by windows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_has_expired_in_part_is_read_by_windows_and_leaves_the_disk_whole() {
    let (env, dir, db) = TestEnv::open_new(2).await;
    fill(&env, &db).await;
    // A minute past the end of the rows: 89 minutes of them are kept.
    for table in [PolicyTable::Readings, PolicyTable::Statistics] {
        env.catalog.retention.set_policy(&env.owner, table, None, 90 * 60).await.unwrap();
    }
    for stage in ["by policy", "after a cycle", "without the policy"] {
        assert_eq!(count_by_step(&env, &db).await, 89 * 6, "{stage}");
        match stage {
            "by policy" => drop(db.store.run_retention().await.unwrap()),
            _ => {
                let remove = env.catalog.retention.remove_policy(&env.owner, PolicyTable::Statistics, None);
                remove.await.ok();
            }
        }
    }
    wait_for_cleanup(&db).await;
    let hours = read_file_rows(dir.path(), Table::HourlyStatistics.name());
    let starts: Vec<i64> = hours.keys().map(|(_, ts, _)| (ts - START) / HOUR).collect();
    assert_eq!(starts, [1, 2], "the hour that is kept in part stays");
}

/// How many values a step query finds, by hour.
async fn count_by_step(env: &TestEnv, db: &TestDb) -> u64 {
    let query = StepQuery {
        streams: vec![StreamId(1)],
        from: Micros(START),
        to: Micros(NOW),
        step: Step::parse("PT1H").unwrap(),
        timezone: None,
        fields: BucketFields { mean: true, ..BucketFields::default() },
        overlay_posted: false,
        max_buckets: 1000,
    };
    let series = db.engine.query_steps(&env.owner, query).await.unwrap();
    let series: Vec<_> = series.try_collect().await.unwrap();
    series.iter().flatten().flat_map(|series| &series.buckets).map(|bucket| bucket.count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_shows_the_levels_that_its_buckets_allow() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let (with, without) = ("Rollup: levels=[hours, windows, readings]", "Rollup: levels=[windows, readings]");
    // The same before there are rows and after.
    for stage in ["empty", "with rows"] {
        for (bucket, expected) in [
            (BY_HOUR, with),
            ("time_bucket('1 day', ts, 'Asia/Kolkata')", with),
            ("date_trunc('month', ts)", with),
            ("stream_id", with),
            ("time_bucket('1 minute', ts)", without),
            ("time_bucket('90 minutes', ts)", without),
        ] {
            let query = format!("EXPLAIN SELECT {bucket} AS b, avg(value) FROM readings GROUP BY b");
            let plan = json!(db.sql(&env.owner, &query).await).to_string();
            assert!(plan.contains(expected), "{stage}: {bucket}\n{plan}");
        }
        if stage == "empty" {
            fill(&env, &db).await;
        }
    }
}

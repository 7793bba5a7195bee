//! Order of rows in a plan: those of one stream lie by time and are not sorted for it.

use basalt::domain::reading::Reading;
use basalt::domain::{Micros, StreamId};
use basalt::query::list_query::ListQuery;
use basalt::query::readings_list::ValuesQuery;
use serde_json::json;

use super::open;
use crate::in_process::{DAY, NOW, TestEnv};
use crate::support::sized;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_one_stream_are_sorted_only_for_another_order() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    // A day in files with late rows, one in two files without, and a day in memory.
    let start = NOW - 3 * DAY;
    let in_memory = 2 * DAY;
    let row = |stream, at: i64| Reading::good(StreamId(stream), Micros(start + at), at as f64);
    for (from, count) in [(0, 20), (-5, 3), (DAY, 20), (DAY + 50, 20), (in_memory, 20)] {
        let rows = (from..from + count).flat_map(|at| [row(1, at), row(2, at)]);
        db.store.write(&env.owner, rows.collect()).await.unwrap();
        if from != in_memory {
            db.store.flush().await.unwrap();
        }
    }
    for (sql, is_sorted) in [
        ("SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts", false),
        (
            "SELECT value FROM readings WHERE stream_id = 1 AND ts > '2020-01-01' ORDER BY stream_id, ts",
            false,
        ),
        ("SELECT * FROM readings r WHERE r.stream_id = 1 ORDER BY r.ts, r.value LIMIT 7", false),
        ("SELECT ts FROM readings WHERE stream_id IN (1) ORDER BY ts", false),
        ("SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts DESC", false),
        ("SELECT value FROM readings WHERE stream_id = 1 ORDER BY stream_id, ts DESC, value LIMIT 3", false),
        ("SELECT ts, lag(value) OVER (ORDER BY ts DESC) FROM readings WHERE stream_id = 1", false),
        ("SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY value", true),
        ("SELECT ts, value FROM readings WHERE stream_id IN (1, 2) ORDER BY ts", true),
        ("SELECT ts, value FROM readings ORDER BY stream_id, ts", true),
    ] {
        let plan = json!(db.sql(&env.owner, &format!("EXPLAIN {sql}")).await).to_string();
        assert_eq!(plan.contains("SortExec"), is_sorted, "{sql}: {plan}");
    }
    let times = [(-5, 3), (0, 20), (DAY, 20), (DAY + 50, 20), (in_memory, 20)];
    let times = times.into_iter().flat_map(|(from, count)| from..from + count);
    let by_time: Vec<_> = times.map(|at| json!({"value": at as f64})).collect();
    let newest_first: Vec<_> = by_time.iter().rev().cloned().collect();
    for (order, expected) in [
        ("ts", &by_time),
        ("ts, value DESC", &by_time),
        ("ts DESC", &newest_first),
        ("ts DESC, value", &newest_first),
    ] {
        let query = format!("SELECT value FROM readings WHERE stream_id = 2 ORDER BY {order}");
        assert_eq!(&db.sql(&env.owner, &query).await, expected, "{order}");
    }
}

/// A constant of the rows is none of the totals: a group that is taken for sorted by it would be emitted before its end, which few rows
/// do not show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_of_many_rows_are_whole() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    let times = sized(20_000, 100_000);
    let row = |stream, at: i64| Reading::good(StreamId(stream), Micros(NOW - DAY + at * 1000), at as f64);
    for stream in [1, 2] {
        db.store.write(&env.owner, (0..times).map(|at| row(stream, at)).collect()).await.unwrap();
    }
    db.store.flush().await.unwrap();
    let totals =
        "SELECT quality, ts, count(*) AS n FROM readings WHERE stream_id IN (1, 2) AND quality = 'good'";
    for (sets, found, whole) in [
        ("GROUPING SETS ((quality), (ts), ())", times + 2, 2),
        ("CUBE (quality, ts)", 2 * times + 2, 2),
        ("ROLLUP (quality, ts)", times + 2, 2),
    ] {
        let query = format!(
            "SELECT count(*) AS found, count(*) FILTER (WHERE n = {}) AS whole FROM ({totals} GROUP BY {sets}) AS q",
            2 * times
        );
        assert_eq!(db.sql(&env.owner, &query).await, [json!({"found": found, "whole": whole})], "{sets}");
    }
}

/// Sorts with a limit keep the first rows or groups only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_rows_and_groups_are_kept_while_rows_come() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    for (query, limit) in [
        ("SELECT ts FROM readings ORDER BY value LIMIT 3", "TopK(fetch=3)"),
        (
            "SELECT r.ts FROM readings r JOIN streams s ON s.id = r.stream_id ORDER BY r.ts LIMIT 3",
            "TopK(fetch=3)",
        ),
        ("SELECT value, count(*) AS n FROM readings GROUP BY value ORDER BY n DESC LIMIT 3", "TopK(fetch=3)"),
    ] {
        let plan = json!(db.sql(&env.owner, &format!("EXPLAIN {query}")).await).to_string();
        assert!(plan.contains(limit), "{query}: {plan}");
    }
}

/// Values computed of an hour are computed where the hour is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_long_ranges_are_handed_out_to_threads() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let computed =
        "EXPLAIN SELECT value * 2 AS twice FROM readings WHERE stream_id = 1 AND ts >= '2026-04-01'";
    for (range, is_handed_out) in [
        ("AND ts < '2026-04-01T01:00:00Z' ORDER BY ts", false),
        ("AND ts < '2026-05-01' ORDER BY ts", true),
        ("ORDER BY ts", true),
    ] {
        let plan = json!(db.sql(&env.owner, &format!("{computed} {range}")).await).to_string();
        assert_eq!(plan.contains("RepartitionExec"), is_handed_out, "{range}: {plan}");
    }
}

/// More rows than are turned around at once, and more than the memory of the query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_read_from_its_newest_row_back() {
    const ROWS: i64 = 400_000;
    const SHARE: usize = 2 << 20;
    let (env, db, _dir) = open(3, |o| o.share_bytes = SHARE).await;
    let write = async |stream: i32, times: Vec<i64>| {
        let row = |at: i64| Reading::good(StreamId(stream), Micros(NOW + at * 1000), at as f64);
        db.store.write(&env.owner, times.into_iter().map(row).collect()).await.unwrap();
    };
    // Days before with a row each in a file each, then a row a millisecond: flushed, late over two rows, in memory.
    let day = DAY / 1000;
    for days in 1..5 {
        write(1, vec![-days * day]).await;
        db.store.flush().await.unwrap();
    }
    // About ten minutes before the newest, where the second slice begins; the first begins amid the rows.
    let minutes_before = ROWS - 1 - 600_000;
    let around = [minutes_before - 1, minutes_before, minutes_before + 1];
    write(1, around.to_vec()).await;
    write(1, (0..ROWS / 2).collect()).await;
    write(2, vec![ROWS * 2]).await;
    db.store.flush().await.unwrap();
    write(1, vec![7, 9]).await;
    write(1, (ROWS / 2..ROWS).collect()).await;
    let before_today = (1..5).map(|days| -days * day);
    let all = (0..ROWS).rev().chain(around.into_iter().rev()).chain(before_today);
    let all: Vec<f64> = all.map(|at| at as f64).collect();
    let values = async |query: &str| -> Vec<f64> {
        let rows = db.sql(&env.owner, query).await;
        rows.iter().map(|row| row["value"].as_f64().unwrap()).collect()
    };
    let sql = "SELECT value FROM readings WHERE stream_id = 1 ORDER BY ts DESC";
    let found = values(sql).await;
    assert_eq!(found.len(), all.len());
    assert_eq!(found.iter().zip(&all).position(|(found, expected)| found != expected), None);
    assert_eq!(values(&format!("{sql} LIMIT 3 OFFSET 2")).await, all[2..5]);
    assert_eq!(values(&format!("{sql} OFFSET {}", ROWS - 1)).await, all[ROWS as usize - 1..]);
    let before = sql.replace("ORDER", &format!("AND ts < '{}' ORDER", Micros(NOW + 5000)));
    assert_eq!(values(&format!("{before} LIMIT 10")).await, all[ROWS as usize - 5..][..10]);
    let log =
        db.sql(&env.owner, "SELECT peak_memory, files_scanned FROM query_log ORDER BY started_at").await;
    let read: Vec<u64> = log.iter().map(|row| row["files_scanned"].as_u64().unwrap()).collect();
    assert!(log[0]["peak_memory"].as_u64().unwrap() as usize <= SHARE, "{log:?}");
    // Two slices of the newest day and two days before.
    assert!(read[0] > read[1] && read[3] == 4, "no day is read that has nothing of the answer: {log:?}");
}

/// A list of the REST surfaces goes the same way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_the_newest_ends_where_it_has_enough() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    for days in (0..5).rev() {
        let row = |at: i64| Reading::good(StreamId(1), Micros(NOW - days * DAY + at), at as f64);
        db.store.write(&env.owner, (0..20).map(row).collect()).await.unwrap();
        db.store.flush().await.unwrap();
    }
    for (bad, offset, files) in [(true, 0, 1), (false, 0, 1), (false, 30, 2), (true, 99, 5)] {
        let list = ListQuery {
            streams: Some(vec![StreamId(1)]),
            newest_first: true,
            offset,
            limit: Some(10),
            ..ListQuery::default()
        };
        let found = db.values(&env.owner, ValuesQuery { list, include_bad: bad }).await;
        let expected =
            (offset..100).take(10).map(|nth| (NOW - (nth / 20) as i64 * DAY) + 19 - (nth % 20) as i64);
        let found: Vec<i64> = found.iter().map(|row| row.ts.0).collect();
        assert_eq!(found, expected.collect::<Vec<_>>(), "{bad} {offset}");
        let log =
            "SELECT files_scanned FROM query_log WHERE surface = 'values' ORDER BY started_at DESC LIMIT 1";
        let log = db.sql(&env.owner, log).await;
        assert_eq!(log[0]["files_scanned"], files, "{bad} {offset}");
    }
}

//! Histories, and what is written after them.

use std::path::Path;

use basalt::store::flush::FlushOptions;

use super::*;

/// A store that keeps all of its log.
async fn keeping_all(env: &TestEnv, dir: &Path) -> TestDb {
    let usual = store_options(dir);
    let flush = FlushOptions { wal_keep_bytes: 1 << 30, ..usual.flush.clone() };
    let options = StoreOptions { flush, ..usual };
    let opened = TestDb::open(options, env.catalog.clone(), Arc::new(LocalDisk), env.clock.clone());
    opened.await.unwrap()
}

/// History out of one snapshot, then everything later, whatever is written, flushed and merged meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_and_what_follows_have_each_row_once() {
    let env = TestEnv::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let db = keeping_all(&env, dir.path()).await;
    let app = db.app();
    let mut writer = LiveWriter::new(11);
    for _ in 0..20 {
        writer.write(&db, &env.owner, 400).await;
    }
    db.compact().await.unwrap();
    let since = NOW - 2 * DAY;
    for round in 0..6 {
        writer.write(&db, &env.owner, 200).await;
        let query = LiveQuery { start: LiveStart::Since(Micros(since)), ..LiveQuery::default() };
        let mut feed = follow(&app, &env.owner, query).await.unwrap();
        // The snapshot is taken: what is written from here on is none of the history's.
        let begun = writer.last();
        for _ in 0..5 {
            writer.write(&db, &env.owner, 200).await;
        }
        if round % 2 == 0 {
            db.store.flush().await.unwrap();
        }
        let messages = until(&mut feed, writer.last()).await;
        let end = messages.iter().position(|m| m.readings.is_empty()).unwrap();
        assert_eq!(seq_of(&messages[end]), begun + 1);
        let history = rows(&messages[..end]);
        let expected = writer.winners(begun, since);
        let by_day: Vec<_> = history.iter().map(|r| (r.ts.day(), r.stream, r.ts)).collect();
        assert!(by_day.is_sorted(), "by day, stream and time");
        let history: BTreeMap<_, _> = history.into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
        assert!(history == expected, "round {round}: {} rows, not {}", history.len(), expected.len());
        assert_eq!(by_day.len(), history.len(), "each once");
        assert_eq!(rows(&messages[end..]), writer.between(begun + 1, writer.last()));
    }
}

/// Left within the history, again and again, and taken up by the cursor of the last message that came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_is_taken_up_where_it_was_left() {
    let env = TestEnv::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let db = keeping_all(&env, dir.path()).await;
    let app = db.app();
    let mut writer = LiveWriter::new(13);
    for _ in 0..30 {
        writer.write(&db, &env.owner, 500).await;
    }
    let since = NOW - 3 * DAY;
    let query = LiveQuery { start: LiveStart::Since(Micros(since)), ..LiveQuery::default() };
    let mut feed = follow(&app, &env.owner, query).await.unwrap();
    let mut messages = Vec::new();
    for round in 0..4 {
        let message = feed.next().await.unwrap().unwrap();
        assert!(!message.readings.is_empty(), "round {round}: the history is longer");
        let cursor = message.cursor.clone();
        messages.push(message);
        for _ in 0..4 {
            writer.write(&db, &env.owner, 300).await;
        }
        if round == 1 {
            db.store.flush().await.unwrap();
        }
        feed = follow(&app, &env.owner, after(&cursor)).await.unwrap();
    }
    messages.extend(until(&mut feed, writer.last()).await);
    let received = rows(&messages);
    let mut values: Vec<f64> = received.iter().filter_map(|row| row.value).collect();
    let count = values.len();
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert_eq!(values.len(), count, "no row comes twice");
    let last: BTreeMap<_, _> = received.into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
    assert!(last == writer.winners(writer.last(), since), "the last that is told of each row is what it is");
    // A cursor of the live part that still knows of the history.
    let cursor = &messages[messages.len() - 1].cursor;
    let mut again = follow(&app, &env.owner, after(cursor)).await.unwrap();
    writer.write(&db, &env.owner, 10).await;
    let more = until(&mut again, writer.last()).await;
    assert_eq!(rows(&more), writer.between(writer.last(), writer.last()));
}

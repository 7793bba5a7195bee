//! A clock that is wrong for a while removes nothing and silences no stream (engine F2).

use basalt::app::server_clock::ServerClockWatch;
use basalt::domain::event::EventFilter;
use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Clock, Micros, StreamId};
use basalt::store::retention::purge_stats::PurgeStats;

use super::{HOUR, count, minutes, set_retention};
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};

async fn write(env: &TestEnv, db: &TestDb, ts: i64) -> Result<(), String> {
    let row: Readings = [Reading::good(StreamId(1), Micros(ts), 1.0)].into_iter().collect();
    db.store.write(&env.owner, row).await.map(drop).map_err(|e| e.message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_ahead_by_400_days_for_some_cycles_deletes_nothing_and_readings_are_taken_afterwards() {
    let (mut env, dir, mut db) = TestEnv::open_new(2).await;
    db.store.write(&env.owner, minutes(1, 300, 300)).await.unwrap();
    db.store.flush().await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, 30 * DAY).await;
    assert_eq!(db.store.run_retention().await.unwrap(), PurgeStats::default(), "the clock is right");
    for place in ["running", "restarted"] {
        env.clock.jump(400 * DAY);
        if place == "restarted" {
            // As a machine that starts with a wrong year.
            drop(db);
            env.reopen_catalog().await;
            db = env.open_local(dir.path()).await;
        }
        for _ in 0..3 {
            assert_eq!(db.store.run_retention().await.unwrap(), PurgeStats::default(), "{place}");
            env.clock.advance(HOUR);
        }
        assert!(db.store.status().clock_ahead_s > 399.0 * 86_400.0, "{place}: a metric shows it");
        assert_eq!(count(&db, &env.owner, 1).await, 300, "{place}: nothing is hidden");
        write(&env, &db, NOW - 300 * MINUTE).await.unwrap();
        env.clock.jump(-400 * DAY);
        let again = db.store.run_retention().await.unwrap();
        assert_eq!(again, PurgeStats::default(), "{place}, right again");
        assert!(db.store.status().clock_ahead_s == 0.0, "{place}, right again");
        write(&env, &db, NOW - 300 * MINUTE).await.unwrap();
        write(&env, &db, NOW - 299 * MINUTE).await.unwrap();
        assert_eq!(count(&db, &env.owner, 1).await, 300, "{place}, right again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_rows_a_wrong_clock_removed_takes_readings_once_the_clock_is_right() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    db.store.write(&env.owner, minutes(1, 300, 300)).await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, 30 * DAY).await;
    env.clock.jump(400 * DAY);
    assert_eq!(db.store.run_retention().await.unwrap().rows, 0);
    env.clock.advance(25 * HOUR);
    let removed = db.store.run_retention().await.unwrap().rows;
    assert_eq!(removed, 300, "a clock that has stayed so for a day is believed");
    env.clock.jump(-400 * DAY);
    // The policy is gone by then; the floor is not.
    env.catalog.retention.remove_policy(&env.owner, PolicyTable::Readings, None).await.unwrap();
    db.store.run_retention().await.unwrap();
    env.clock.advance(25 * HOUR);
    let now = env.clock.now().0;
    let refused = write(&env, &db, now + 2 * MINUTE).await.unwrap_err();
    assert!(refused.contains("nothing older is kept"), "{refused}");
    db.store.run_retention().await.unwrap();
    write(&env, &db, now + 2 * MINUTE).await.unwrap();
    assert_eq!(count(&db, &env.owner, 1).await, 1);
    let refused = write(&env, &db, NOW - 10 * MINUTE).await.unwrap_err();
    assert!(refused.contains("nothing older is kept"), "what was removed stays below the floor: {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_confirms_a_clock_by_the_file_of_its_time() {
    let (env, dir, db) = TestEnv::open_new(2).await;
    db.store.write(&env.owner, minutes(1, 300, 300)).await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, 30 * DAY).await;
    env.clock.jump(400 * DAY);
    assert_eq!(db.store.run_retention().await.unwrap().rows, 0);
    std::fs::write(dir.path().join("retention-clock"), env.clock.now().to_string()).unwrap();
    assert_eq!(db.store.run_retention().await.unwrap().rows, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_clock_is_told_in_events() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let (app, mut watch) = (db.app(), ServerClockWatch::default());
    let mut event_counts = Vec::new();
    for (jump, passed) in [(0, 0), (0, HOUR), (400 * DAY, 0), (0, HOUR), (-400 * DAY, 0), (5 * MINUTE, 0)] {
        env.clock.jump(jump);
        env.clock.advance(passed);
        app.node.server_clock.look_at_server_clock(&mut watch).await;
        let about_clocks = EventFilter { kinds: Some(vec!["clock".to_owned()]), ..EventFilter::default() };
        let shown = app.events.count_events(&env.owner, &about_clocks).await.unwrap();
        event_counts.push((shown, db.store.status().clock_ahead_s > 0.0));
    }
    // Nothing; nothing; set and not believed; nothing new; set back and believed again; set by minutes.
    assert_eq!(event_counts, [(0, false), (0, false), (2, true), (2, true), (4, false), (5, false)]);
}

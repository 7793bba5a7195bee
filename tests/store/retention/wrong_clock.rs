//! A clock that is wrong for a while removes nothing and silences no stream (engine F2).

use basalt::app::server_clock::ServerClockWatch;
use basalt::domain::event::EventFilter;
use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Clock, Micros, StreamId};
use basalt::store::retention::purge_stats::PurgeStats;

use super::{HOUR, count, minutes, set_retention};
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};

async fn write(ground: &TestEnv, inside: &TestDb, ts: i64) -> Result<(), String> {
    let row: Readings = [Reading::good(StreamId(1), Micros(ts), 1.0)].into_iter().collect();
    inside.store.write(&ground.owner, row).await.map(drop).map_err(|e| e.message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_ahead_by_400_days_for_some_cycles_deletes_nothing_and_readings_are_taken_afterwards() {
    let (mut ground, dir, mut inside) = TestEnv::open_new(2).await;
    inside.store.write(&ground.owner, minutes(1, 300, 300)).await.unwrap();
    inside.store.flush().await.unwrap();
    set_retention(&ground, None, PolicyTable::Readings, 30 * DAY).await;
    assert_eq!(inside.store.run_retention().await.unwrap(), PurgeStats::default(), "the clock is right");
    for place in ["running", "restarted"] {
        ground.clock.jump(400 * DAY);
        if place == "restarted" {
            // As a machine that starts with a wrong year.
            drop(inside);
            ground.reopen_catalog().await;
            inside = ground.open_local(dir.path()).await;
        }
        for _ in 0..3 {
            assert_eq!(inside.store.run_retention().await.unwrap(), PurgeStats::default(), "{place}");
            ground.clock.advance(HOUR);
        }
        assert!(inside.store.status().clock_ahead_s > 399.0 * 86_400.0, "{place}: a metric shows it");
        assert_eq!(count(&inside, &ground.owner, 1).await, 300, "{place}: nothing is hidden");
        write(&ground, &inside, NOW - 300 * MINUTE).await.unwrap();
        ground.clock.jump(-400 * DAY);
        let again = inside.store.run_retention().await.unwrap();
        assert_eq!(again, PurgeStats::default(), "{place}, right again");
        assert!(inside.store.status().clock_ahead_s == 0.0, "{place}, right again");
        write(&ground, &inside, NOW - 300 * MINUTE).await.unwrap();
        write(&ground, &inside, NOW - 299 * MINUTE).await.unwrap();
        assert_eq!(count(&inside, &ground.owner, 1).await, 300, "{place}, right again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_rows_a_wrong_clock_removed_takes_readings_once_the_clock_is_right() {
    let (ground, _dir, inside) = TestEnv::open_new(2).await;
    inside.store.write(&ground.owner, minutes(1, 300, 300)).await.unwrap();
    set_retention(&ground, None, PolicyTable::Readings, 30 * DAY).await;
    ground.clock.jump(400 * DAY);
    assert_eq!(inside.store.run_retention().await.unwrap().rows, 0);
    ground.clock.advance(25 * HOUR);
    let removed = inside.store.run_retention().await.unwrap().rows;
    assert_eq!(removed, 300, "a clock that has stayed so for a day is believed");
    ground.clock.jump(-400 * DAY);
    // The policy is gone by then; the floor is not.
    ground.catalog.remove_policy(&ground.owner, PolicyTable::Readings, None).await.unwrap();
    inside.store.run_retention().await.unwrap();
    ground.clock.advance(25 * HOUR);
    let now = ground.clock.now().0;
    let refused = write(&ground, &inside, now + 2 * MINUTE).await.unwrap_err();
    assert!(refused.contains("nothing older is kept"), "{refused}");
    inside.store.run_retention().await.unwrap();
    write(&ground, &inside, now + 2 * MINUTE).await.unwrap();
    assert_eq!(count(&inside, &ground.owner, 1).await, 1);
    let refused = write(&ground, &inside, NOW - 10 * MINUTE).await.unwrap_err();
    assert!(refused.contains("nothing older is kept"), "what was removed stays below the floor: {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_confirms_a_clock_by_the_file_of_its_time() {
    let (ground, dir, inside) = TestEnv::open_new(2).await;
    inside.store.write(&ground.owner, minutes(1, 300, 300)).await.unwrap();
    set_retention(&ground, None, PolicyTable::Readings, 30 * DAY).await;
    ground.clock.jump(400 * DAY);
    assert_eq!(inside.store.run_retention().await.unwrap().rows, 0);
    std::fs::write(dir.path().join("retention-clock"), ground.clock.now().to_string()).unwrap();
    assert_eq!(inside.store.run_retention().await.unwrap().rows, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_clock_is_told_in_events() {
    let (ground, _dir, inside) = TestEnv::open_new(2).await;
    let (app, mut watch) = (inside.app(), ServerClockWatch::default());
    let mut event_counts = Vec::new();
    for (jump, passed) in [(0, 0), (0, HOUR), (400 * DAY, 0), (0, HOUR), (-400 * DAY, 0), (5 * MINUTE, 0)] {
        ground.clock.jump(jump);
        ground.clock.advance(passed);
        app.node.server_clock.look_at_server_clock(&mut watch).await;
        let about_clocks = EventFilter { kinds: Some(vec!["clock".to_owned()]), ..EventFilter::default() };
        let shown = app.events.count_events(&ground.owner, &about_clocks).await.unwrap();
        event_counts.push((shown, inside.store.status().clock_ahead_s > 0.0));
    }
    // Nothing; nothing; set and not believed; nothing new; set back and believed again; set by minutes.
    assert_eq!(event_counts, [(0, false), (0, false), (2, true), (2, true), (4, false), (5, false)]);
}

//! Following what is written, in process: readers of every speed, histories, restarts, and whatever the catalog does meanwhile.

mod histories;
mod readers;

use std::collections::BTreeMap;
use std::sync::Arc;

use basalt::app::App;
use basalt::app::live::cursor;
use basalt::app::live::values::{LiveFeed, LiveMessage, LiveQuery, LiveStart};
use basalt::domain::key::{KeySecret, KeySpec};
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::subscription::SubscriptionFilter;
use basalt::domain::{Kind, Micros, Principal, Result, Scopes, StreamId};
use basalt::query::readings_list::ValuesQuery;
use basalt::store::StoreOptions;
use basalt::store::disk::LocalDisk;
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::lossy::{DiskOp, LossyDisk};
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv, store_options};
use crate::support::rows;

/// A request that was acknowledged: its number and its rows, by stream and time.
#[derive(Clone)]
struct AckedRequest {
    seq: u64,
    rows: Vec<Reading>,
}

/// Writes rows, of which each has a value of its own.
struct LiveWriter {
    rng: StdRng,
    value: f64,
    written: Vec<AckedRequest>,
}

impl LiveWriter {
    fn new(seed: u64) -> LiveWriter {
        LiveWriter { rng: StdRng::seed_from_u64(seed), value: 0.0, written: Vec::new() }
    }

    /// Mostly new rows, also late ones and such that replace others, over some days.
    fn rows(&mut self, most: usize) -> Vec<Reading> {
        let count = self.rng.random_range(1..=most);
        let mut rows = BTreeMap::new();
        for _ in 0..count {
            let stream = self.rng.random_range(1..=3);
            let ts = NOW - 3 * DAY + self.rng.random_range(0..4000) * MINUTE;
            self.value += 1.0;
            rows.insert((stream, ts), Reading::good(StreamId(stream), Micros(ts), self.value));
        }
        rows.into_values().collect()
    }

    async fn write(&mut self, db: &TestDb, who: &Principal, most: usize) {
        let rows = self.rows(most);
        let ack = db.store.write(who, rows.iter().cloned().collect()).await.unwrap();
        self.written.push(AckedRequest { seq: ack.seq, rows });
    }

    /// The rows of requests in a range, in the order of writing.
    fn between(&self, from: u64, to: u64) -> Vec<Reading> {
        let within = self.written.iter().filter(|w| (from..=to).contains(&w.seq));
        within.flat_map(|w| w.rows.clone()).collect()
    }

    fn last(&self) -> u64 {
        self.written.last().map_or(0, |w| w.seq)
    }

    /// Returns what a query answers of the requests up to `seq`.
    fn winners(&self, seq: u64, since: i64) -> BTreeMap<(i32, i64), Reading> {
        let rows = self.between(0, seq).into_iter().filter(|row| row.ts.0 >= since);
        rows.map(|row| ((row.stream.0, row.ts.0), row)).collect()
    }
}

async fn follow(app: &App, who: &Principal, query: LiveQuery) -> Result<LiveFeed> {
    app.feeds.live(&app.feeds.live_credential(Arc::new(who.clone()), None), query).await
}

fn after(cursor: &str) -> LiveQuery {
    LiveQuery { start: LiveStart::After(cursor.to_owned()), ..LiveQuery::default() }
}

fn seq_of(message: &LiveMessage) -> u64 {
    cursor::parse(&message.cursor).unwrap().seq
}

/// Messages until everything up to `last` is told.
async fn until(feed: &mut LiveFeed, last: u64) -> Vec<LiveMessage> {
    let mut messages = Vec::new();
    loop {
        let message = feed.next().await.unwrap().unwrap();
        let is_open = cursor::parse(&message.cursor).unwrap().covered.is_open();
        let is_last = seq_of(&message) > last && !is_open;
        messages.push(message);
        if is_last {
            return messages;
        }
    }
}

fn rows(messages: &[LiveMessage]) -> Vec<Reading> {
    messages.iter().flat_map(|m| m.readings.iter().collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_follows_the_catalog() {
    use basalt::domain::device::{DeviceSpec, Protocol};
    use basalt::domain::group::GroupSpec;
    use basalt::domain::stream::StreamSpec;

    let (env, _dir, db) = TestEnv::open_new(4).await;
    let (app, catalog, owner) = (db.app(), &env.catalog, &env.owner);
    let spec = GroupSpec { name: "line".into(), description: String::new() };
    let group = catalog.groups.create_group(owner, spec, vec![StreamId(1)]).await.unwrap().id;
    let query = LiveQuery {
        // The text tells that everything before it was looked at.
        wanted: SubscriptionFilter {
            groups: Some(vec![group]),
            streams: Some(vec![StreamId(4)]),
            ..SubscriptionFilter::default()
        },
        ..LiveQuery::default()
    };
    let mut feed = follow(&app, owner, query).await.unwrap();
    let mut ts = NOW;
    let mut streams_told = async |db: &TestDb, streams: &[i32]| {
        ts += 1;
        let text =
            Reading { text: Some("end".into()), value: None, ..Reading::good(StreamId(4), Micros(ts), 0.0) };
        let numbers = streams.iter().map(|s| Reading::good(StreamId(*s), Micros(ts), f64::from(*s)));
        let rows: Readings = numbers.chain([text]).collect();
        let ack = db.store.write(owner, rows).await.unwrap();
        let message = rows_of(&until(&mut feed, ack.seq).await);
        message.into_iter().filter(|stream| *stream != 4).collect::<Vec<i32>>()
    };
    assert_eq!(streams_told(&db, &[1, 2, 3]).await, [1]);
    catalog.groups.update_group(owner, group, |_| {}, Some(vec![StreamId(2), StreamId(3)])).await.unwrap();
    assert_eq!(streams_told(&db, &[1, 2, 3]).await, [2, 3]);
    catalog.streams.delete_stream(owner, StreamId(3)).await.unwrap();
    assert_eq!(streams_told(&db, &[1, 2]).await, [2]);
    let device =
        catalog.devices.create_device(owner, DeviceSpec::new("other", Protocol::Virtual)).await.unwrap().id;
    let spec = StreamSpec { group: Some(group), ..StreamSpec::new("new", device) };
    let new = catalog.streams.create_stream(owner, spec).await.unwrap().id;
    assert_eq!(streams_told(&db, &[1, 2, new.0]).await, [2, new.0]);
    catalog.groups.delete_group(owner, group).await.unwrap();
    assert_eq!(streams_told(&db, &[1, 2, new.0]).await, [0; 0]);
}

fn rows_of(messages: &[LiveMessage]) -> Vec<i32> {
    rows(messages).iter().map(|row| row.stream.0).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_followed_is_named() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    let app = db.app();
    let future = cursor::to_text(&basalt::store::live::position::FeedPosition::from_seq(9));
    let rows = rows![
        "a_stream_that_is_not_there", wanting(|w| w.streams = Some(vec![StreamId(1), StreamId(99)])), "streams", "stream 99";
        "a_device", wanting(|w| w.devices = Some(vec![basalt::domain::DeviceId(7)])), "devices", "device 7";
        "a_group", wanting(|w| w.groups = Some(vec![basalt::domain::GroupId(7)])), "groups", "group 7";
        "no_cursor", after("garbage"), "after", "not a cursor";
        "a_cursor_of_the_future", after(&future), "after", "ahead of everything";
        "a_rate_of_nothing", LiveQuery { max_rate: Some(0.0), ..LiveQuery::default() }, "maxRate", "0";
    ];
    for (name, query, field, part) in rows {
        let error = follow(&app, &env.owner, query).await.err().expect(name);
        assert_eq!((error.kind, &*error.fields[0].field), (Kind::Invalid, field), "{name}");
        assert!(error.message.contains(part), "{name}: {error}");
    }
}

fn wanting(want: impl FnOnce(&mut SubscriptionFilter)) -> LiveQuery {
    let mut query = LiveQuery::default();
    want(&mut query.wanted);
    query
}

/// Issue 46, 1: a reading ahead of the clock is told in its place, once, and silences nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_rate_what_arrived_last_of_each_stream_is_told() {
    let (env, _dir, db) = TestEnv::open_new(4).await;
    let app = db.app();
    // An interval so long that everything below is written in it.
    let query = LiveQuery { max_rate: Some(0.2), ..LiveQuery::default() };
    let mut feed = follow(&app, &env.owner, query).await.unwrap();
    let first = feed.next().await.unwrap().unwrap();
    assert!(first.readings.is_empty());
    let mut whole = follow(&app, &env.owner, LiveQuery::default()).await.unwrap();
    let row = |r: &Reading| (r.stream.0, r.ts.0 - NOW, r.value);
    let write = async |rows: &[(i32, i64, f64)]| {
        let rows = rows.iter().map(|(s, ts, v)| Reading::good(StreamId(*s), Micros(NOW + ts), *v)).collect();
        db.store.write(&env.owner, rows).await.unwrap().seq
    };
    let first = write(&[(1, 0, 0.5)]).await;
    let first_rows = rows(&until(&mut feed, first).await);
    assert_eq!(first_rows.len(), 1, "the first goes at once");
    write(&[(1, 10, 1.0), (2, 10, 2.0)]).await;
    write(&[(1, 20, 3.0)]).await;
    write(&[(1, 5, 4.0)]).await;
    write(&[(3, DAY, 6.0)]).await;
    write(&[(3, 30, 7.0)]).await;
    let last = write(&[(2, 10, 5.0)]).await;
    let last_rows: Vec<_> = rows(&until(&mut feed, last).await).iter().map(row).collect();
    assert_eq!(last_rows, [(1, 5, Some(4.0)), (2, 10, Some(5.0)), (3, 30, Some(7.0))]);

    let all_rows: Vec<_> = rows(&until(&mut whole, last).await).iter().map(row).collect();
    let written = rows![
        (1, 0, Some(0.5)); (1, 10, Some(1.0)); (2, 10, Some(2.0)); (1, 20, Some(3.0)); (1, 5, Some(4.0));
        (3, DAY, Some(6.0)); (3, 30, Some(7.0)); (2, 10, Some(5.0));
    ];
    assert_eq!(all_rows, written);
    env.clock.advance(DAY + MINUTE);
    let next = write(&[(3, 40, 8.0)]).await;
    let next_rows: Vec<_> = rows(&until(&mut whole, next).await).iter().map(row).collect();
    assert_eq!(next_rows, [(3, 40, Some(8.0))], "what was ahead is not told again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_ends_when_its_key_has_expired() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    let app = db.app();
    let spec = KeySpec {
        name: "short".into(),
        scopes: Scopes::all(),
        devices: None,
        streams: None,
        dashboards: None,
        expires_at: Some(Micros(NOW + 60 * MINUTE)),
    };
    let secret = KeySecret { prefix: "short".into(), hash: [7; 32] };
    let key = env.catalog.keys.create_key(&env.owner, spec, secret).await.unwrap();
    let standing = app.feeds.live_credential(Arc::new(key.principal()), None);
    let mut feed = app.feeds.live(&standing, LiveQuery::default()).await.unwrap();
    assert!(feed.next().await.unwrap().unwrap().readings.is_empty());
    env.clock.advance(120 * MINUTE);
    // The clock is looked at once a minute, and whenever the catalog changes.
    env.catalog.streams.delete_stream(&env.owner, StreamId(1)).await.unwrap();
    assert_eq!(feed.next().await.unwrap().unwrap_err().kind, Kind::Unauthenticated);
    assert!(feed.next().await.is_none(), "nothing comes after the end");
    assert_eq!(standing.check().unwrap_err().kind, Kind::Unauthenticated);
}

/// After a failed sync nobody knows whether the rows are on the disk: they are told when a start has found them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_made_durable_is_told_to_nobody_before_it_is() {
    let env = TestEnv::new(4).await;
    let disk = LossyDisk::new();
    let db = env.open(disk.path(), Arc::new(disk.clone())).await.unwrap();
    let app = db.app();
    let mut writer = LiveWriter::new(17);
    let mut feed = follow(&app, &env.owner, LiveQuery::default()).await.unwrap();
    writer.write(&db, &env.owner, 10).await;
    let message = until(&mut feed, writer.last()).await;
    assert_eq!(rows(&message), writer.between(1, 1));
    let cursor = message[message.len() - 1].cursor.clone();
    disk.fail_on(DiskOp::Sync, "wal");
    for _ in 0..3 {
        let rows: Readings = writer.rows(10).into_iter().collect();
        assert_eq!(db.store.write(&env.owner, rows).await.unwrap_err().kind, Kind::Unavailable);
    }
    assert_eq!(db.store.current_position().seq, 2);
    drop((feed, app, db));
    let disk = disk.process_end();
    let db = env.open(disk.path(), Arc::new(disk.clone())).await.unwrap();
    let app = db.app();
    writer.write(&db, &env.owner, 10).await;
    let mut feed = follow(&app, &env.owner, after(&cursor)).await.unwrap();
    let message = rows(&until(&mut feed, writer.last()).await);
    let mut stored: BTreeMap<_, _> =
        writer.between(1, 1).into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
    stored.extend(message.into_iter().map(|r| ((r.stream.0, r.ts.0), r)));
    let query = ValuesQuery { include_bad: true, ..ValuesQuery::default() };
    let found = db.values(&env.owner, query).await;
    let found: BTreeMap<_, _> = found.into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
    assert!(stored == found, "told {} rows, stored {}", stored.len(), found.len());
}

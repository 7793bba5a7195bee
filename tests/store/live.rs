//! Following what is written, in process: readers of every speed, histories, restarts, and whatever the catalog does meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use basalt::app::App;
use basalt::app::live::cursor;
use basalt::app::live::values::{LiveFeed, LiveMessage, LiveQuery, Start};
use basalt::domain::key::{KeySecret, KeySpec};
use basalt::domain::live::Wanted;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Kind, Micros, Principal, Result, Scopes, StreamId};
use basalt::query::values::ValuesQuery;
use basalt::store::StoreOptions;
use basalt::store::disk::LocalDisk;
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::lossy::{LossyDisk, Op};
use crate::inside::{DAY, Ground, Inside, MINUTE, NOW, store_options};

/// A request that was acknowledged: its number and its rows, by stream and time.
#[derive(Clone)]
struct Written {
    seq: u64,
    rows: Vec<Reading>,
}

/// Writes rows, of which each has a value of its own.
struct Writer {
    chance: StdRng,
    value: f64,
    written: Vec<Written>,
}

impl Writer {
    fn new(seed: u64) -> Writer {
        Writer { chance: StdRng::seed_from_u64(seed), value: 0.0, written: Vec::new() }
    }

    /// Mostly new rows, also late ones and such that replace others, over some days.
    fn rows(&mut self, most: usize) -> Vec<Reading> {
        let count = self.chance.random_range(1..=most);
        let mut rows = BTreeMap::new();
        for _ in 0..count {
            let stream = self.chance.random_range(1..=3);
            let ts = NOW - 3 * DAY + self.chance.random_range(0..4000) * MINUTE;
            self.value += 1.0;
            rows.insert((stream, ts), Reading::good(StreamId(stream), Micros(ts), self.value));
        }
        rows.into_values().collect()
    }

    async fn write(&mut self, inside: &Inside, who: &Principal, most: usize) {
        let rows = self.rows(most);
        let ack = inside.store.write(who, rows.iter().cloned().collect()).await.unwrap();
        self.written.push(Written { seq: ack.seq, rows });
    }

    /// The rows of requests in a range, in the order of writing.
    fn between(&self, from: u64, to: u64) -> Vec<Reading> {
        let within = self.written.iter().filter(|w| (from..=to).contains(&w.seq));
        within.flat_map(|w| w.rows.clone()).collect()
    }

    fn last(&self) -> u64 {
        self.written.last().map_or(0, |w| w.seq)
    }

    /// What a query answers of the requests up to `seq`.
    fn winners(&self, seq: u64, since: i64) -> BTreeMap<(i32, i64), Reading> {
        let rows = self.between(0, seq).into_iter().filter(|row| row.ts.0 >= since);
        rows.map(|row| ((row.stream.0, row.ts.0), row)).collect()
    }
}

async fn follow(app: &App, who: &Principal, query: LiveQuery) -> Result<LiveFeed> {
    app.live(&app.standing(Arc::new(who.clone()), None), query).await
}

fn after(cursor: &str) -> LiveQuery {
    LiveQuery { start: Start::After(cursor.to_owned()), ..LiveQuery::default() }
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

/// A reader that comes and goes.
struct Reader {
    feed: Option<LiveFeed>,
    cursor: String,
    /// The request it comes to next.
    next: u64,
}

impl Reader {
    async fn read(&mut self, app: &App, who: &Principal, writer: &Writer) {
        if self.next > writer.last() {
            return;
        }
        let mut feed = match self.feed.take() {
            Some(feed) => feed,
            None => follow(app, who, after(&self.cursor)).await.unwrap(),
        };
        for message in until(&mut feed, writer.last()).await {
            let next = seq_of(&message);
            if let Some(gap) = &message.gap {
                assert!(message.readings.is_empty());
                let ends = [&gap.from, &gap.to].map(|text| cursor::parse(text).unwrap().seq);
                assert_eq!(
                    ends,
                    [self.next, next],
                    "a gap begins where the reader was and ends where it goes on"
                );
                assert_eq!(gap.to, message.cursor);
            } else {
                let told: Vec<Reading> = message.readings.iter().collect();
                assert_eq!(told, writer.between(self.next, next - 1), "requests {}..{next}", self.next);
            }
            (self.next, self.cursor) = (next, message.cursor);
        }
        self.feed = Some(feed);
    }
}

/// Requests are small enough that no message ends within one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_every_speed_get_every_row_in_order_or_are_told_what_is_missing() {
    let mut gaps = 0;
    for seed in 0..4 {
        let ground = Ground::new(4).await;
        let dir = tempfile::tempdir().unwrap();
        let options = |dir: &std::path::Path| {
            let usual = store_options(dir);
            let flush = basalt::store::flush::FlushOptions { wal_keep_bytes: 3000, ..usual.flush.clone() };
            StoreOptions { wal_segment_bytes: 700, live_ring_bytes: 8000, flush, ..usual }
        };
        let open = || {
            let (disk, clock) = (Arc::new(LocalDisk), ground.clock.clone());
            Inside::open(options(dir.path()), ground.catalog.clone(), disk, clock)
        };
        let mut inside = open().await.unwrap();
        let mut app = inside.app();
        let mut writer = Writer::new(seed);
        let mut chance = StdRng::seed_from_u64(seed + 100);
        let mut readers: Vec<Reader> = Vec::new();
        for _ in 0..60 {
            match chance.random_range(0..12) {
                0..5 => {
                    for _ in 0..chance.random_range(1..6) {
                        writer.write(&inside, &ground.owner, 12).await;
                    }
                }
                5..9 if !readers.is_empty() => {
                    let n = chance.random_range(0..readers.len());
                    readers[n].read(&app, &ground.owner, &writer).await;
                }
                5..9 => {
                    let position = inside.store.present();
                    let (next, cursor) = (position.seq, cursor::to_text(&position));
                    readers.extend((0..5).map(|_| Reader { feed: None, cursor: cursor.clone(), next }));
                }
                9 => inside.store.flush().await.unwrap(),
                10 => {
                    let n = chance.random_range(0..=readers.len());
                    readers.iter_mut().skip(n).for_each(|reader| reader.feed = None);
                }
                _ => {
                    readers.iter_mut().for_each(|reader| reader.feed = None);
                    drop(app);
                    if chance.random_bool(0.5) {
                        inside.store.close().await.unwrap();
                    }
                    drop(inside);
                    inside = open().await.unwrap();
                    app = inside.app();
                }
            }
        }
        for reader in &mut readers {
            let before = reader.next;
            reader.read(&app, &ground.owner, &writer).await;
            assert_eq!(reader.next, writer.last() + 1);
            gaps += usize::from(before < reader.next);
        }
    }
    assert!(gaps > 0, "no reader was ever behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_kept_is_told_as_a_gap() {
    let ground = Ground::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let app = inside.app();
    let mut writer = Writer::new(7);
    let begin = cursor::to_text(&inside.store.present());
    for _ in 0..40 {
        writer.write(&inside, &ground.owner, 12).await;
    }
    inside.store.flush().await.unwrap();
    writer.write(&inside, &ground.owner, 12).await;
    let mut feed = follow(&app, &ground.owner, after(&begin)).await.unwrap();
    let messages = until(&mut feed, writer.last()).await;
    let gaps: Vec<_> = messages.iter().filter_map(|m| m.gap.as_ref()).collect();
    let [gap] = gaps[..] else { panic!("one gap, not {}", gaps.len()) };
    assert_eq!(gap.from, begin);
    let kept = cursor::parse(&gap.to).unwrap().seq;
    assert!(kept > 1 && kept <= writer.last());
    assert_eq!(rows(&messages), writer.between(kept, writer.last()));
}

/// History out of one snapshot, then everything later, whatever is written, flushed and merged meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_and_what_follows_have_each_row_once() {
    let ground = Ground::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        flush: basalt::store::flush::FlushOptions {
            wal_keep_bytes: 1 << 30,
            ..store_options(dir.path()).flush
        },
        ..store_options(dir.path())
    };
    let inside = Inside::open(options, ground.catalog.clone(), Arc::new(LocalDisk), ground.clock.clone())
        .await
        .unwrap();
    let app = inside.app();
    let mut writer = Writer::new(11);
    for _ in 0..20 {
        writer.write(&inside, &ground.owner, 400).await;
    }
    inside.compact().await.unwrap();
    let since = NOW - 2 * DAY;
    for round in 0..6 {
        writer.write(&inside, &ground.owner, 200).await;
        let query = LiveQuery { start: Start::Since(Micros(since)), ..LiveQuery::default() };
        let mut feed = follow(&app, &ground.owner, query).await.unwrap();
        // The snapshot is taken: what is written from here on is none of the history's.
        let begun = writer.last();
        for _ in 0..5 {
            writer.write(&inside, &ground.owner, 200).await;
        }
        if round % 2 == 0 {
            inside.store.flush().await.unwrap();
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
    let ground = Ground::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        flush: basalt::store::flush::FlushOptions {
            wal_keep_bytes: 1 << 30,
            ..store_options(dir.path()).flush
        },
        ..store_options(dir.path())
    };
    let inside = Inside::open(options, ground.catalog.clone(), Arc::new(LocalDisk), ground.clock.clone())
        .await
        .unwrap();
    let app = inside.app();
    let mut writer = Writer::new(13);
    for _ in 0..30 {
        writer.write(&inside, &ground.owner, 500).await;
    }
    let since = NOW - 3 * DAY;
    let query = LiveQuery { start: Start::Since(Micros(since)), ..LiveQuery::default() };
    let mut feed = follow(&app, &ground.owner, query).await.unwrap();
    let mut messages = Vec::new();
    for round in 0..4 {
        let message = feed.next().await.unwrap().unwrap();
        assert!(!message.readings.is_empty(), "round {round}: the history is longer");
        let cursor = message.cursor.clone();
        messages.push(message);
        for _ in 0..4 {
            writer.write(&inside, &ground.owner, 300).await;
        }
        if round == 1 {
            inside.store.flush().await.unwrap();
        }
        feed = follow(&app, &ground.owner, after(&cursor)).await.unwrap();
    }
    messages.extend(until(&mut feed, writer.last()).await);
    let told = rows(&messages);
    let mut values: Vec<f64> = told.iter().filter_map(|row| row.value).collect();
    let count = values.len();
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert_eq!(values.len(), count, "no row comes twice");
    let last: BTreeMap<_, _> = told.into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
    assert!(last == writer.winners(writer.last(), since), "the last that is told of each row is what it is");
    // A cursor of the live part that still knows of the history.
    let cursor = &messages[messages.len() - 1].cursor;
    let mut again = follow(&app, &ground.owner, after(cursor)).await.unwrap();
    writer.write(&inside, &ground.owner, 10).await;
    let more = until(&mut again, writer.last()).await;
    assert_eq!(rows(&more), writer.between(writer.last(), writer.last()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_follows_the_catalog() {
    use basalt::domain::device::{DeviceSpec, Protocol};
    use basalt::domain::group::GroupSpec;
    use basalt::domain::stream::StreamSpec;

    let ground = Ground::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let (app, catalog, owner) = (inside.app(), &ground.catalog, &ground.owner);
    let spec = GroupSpec { name: "line".into(), description: String::new() };
    let group = catalog.create_group(owner, spec, vec![StreamId(1)]).await.unwrap().id;
    let query = LiveQuery {
        // The text tells that everything before it was looked at.
        wanted: Wanted { groups: Some(vec![group]), streams: Some(vec![StreamId(4)]), ..Wanted::default() },
        ..LiveQuery::default()
    };
    let mut feed = follow(&app, owner, query).await.unwrap();
    let mut ts = NOW;
    let mut streams_told = async |inside: &Inside, streams: &[i32]| {
        ts += 1;
        let text =
            Reading { text: Some("end".into()), value: None, ..Reading::good(StreamId(4), Micros(ts), 0.0) };
        let numbers = streams.iter().map(|s| Reading::good(StreamId(*s), Micros(ts), f64::from(*s)));
        let rows: Readings = numbers.chain([text]).collect();
        let ack = inside.store.write(owner, rows).await.unwrap();
        let told = rows_of(&until(&mut feed, ack.seq).await);
        told.into_iter().filter(|stream| *stream != 4).collect::<Vec<i32>>()
    };
    assert_eq!(streams_told(&inside, &[1, 2, 3]).await, [1]);
    catalog.update_group(owner, group, |_| {}, Some(vec![StreamId(2), StreamId(3)])).await.unwrap();
    assert_eq!(streams_told(&inside, &[1, 2, 3]).await, [2, 3]);
    catalog.delete_stream(owner, StreamId(3)).await.unwrap();
    assert_eq!(streams_told(&inside, &[1, 2]).await, [2]);
    let device = catalog.create_device(owner, DeviceSpec::new("other", Protocol::Virtual)).await.unwrap().id;
    let spec = StreamSpec { group: Some(group), ..StreamSpec::new("new", device) };
    let new = catalog.create_stream(owner, spec).await.unwrap().id;
    assert_eq!(streams_told(&inside, &[1, 2, new.0]).await, [2, new.0]);
    catalog.delete_group(owner, group).await.unwrap();
    assert_eq!(streams_told(&inside, &[1, 2, new.0]).await, [0; 0]);
}

fn rows_of(messages: &[LiveMessage]) -> Vec<i32> {
    rows(messages).iter().map(|row| row.stream.0).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_followed_is_named() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let app = inside.app();
    let future = cursor::to_text(&basalt::store::live::position::Position::at(9));
    let rows = [
        (
            "a_stream_that_is_not_there",
            wanting(|w| w.streams = Some(vec![StreamId(1), StreamId(99)])),
            "streams",
            "stream 99",
        ),
        ("a_device", wanting(|w| w.devices = Some(vec![basalt::domain::DeviceId(7)])), "devices", "device 7"),
        ("a_group", wanting(|w| w.groups = Some(vec![basalt::domain::GroupId(7)])), "groups", "group 7"),
        ("no_cursor", after("garbage"), "after", "not a cursor"),
        ("a_cursor_of_the_future", after(&future), "after", "later time"),
        ("a_rate_of_nothing", LiveQuery { max_rate: Some(0.0), ..LiveQuery::default() }, "maxRate", "0"),
    ];
    for (name, query, field, part) in rows {
        let error = follow(&app, &ground.owner, query).await.err().expect(name);
        assert_eq!((error.kind, &*error.fields[0].field), (Kind::Invalid, field), "{name}");
        assert!(error.message.contains(part), "{name}: {error}");
    }
}

fn wanting(want: impl FnOnce(&mut Wanted)) -> LiveQuery {
    let mut query = LiveQuery::default();
    want(&mut query.wanted);
    query
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_rate_the_newest_of_each_stream_is_told() {
    let ground = Ground::new(4).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let app = inside.app();
    // An interval so long that everything below is written in it.
    let query = LiveQuery { max_rate: Some(0.2), ..LiveQuery::default() };
    let mut feed = follow(&app, &ground.owner, query).await.unwrap();
    let first = feed.next().await.unwrap().unwrap();
    assert!(first.readings.is_empty());
    let write = async |rows: &[(i32, i64, f64)]| {
        let rows = rows.iter().map(|(s, ts, v)| Reading::good(StreamId(*s), Micros(NOW + ts), *v)).collect();
        inside.store.write(&ground.owner, rows).await.unwrap().seq
    };
    let first = write(&[(1, 0, 0.5)]).await;
    let told = rows(&until(&mut feed, first).await);
    assert_eq!(told.len(), 1, "the first goes at once");
    write(&[(1, 10, 1.0), (2, 10, 2.0)]).await;
    write(&[(1, 20, 3.0)]).await;
    write(&[(1, 5, 4.0)]).await;
    let last = write(&[(2, 10, 5.0)]).await;
    let told: Vec<_> =
        rows(&until(&mut feed, last).await).iter().map(|r| (r.stream.0, r.ts.0 - NOW, r.value)).collect();
    assert_eq!(told, [(1, 20, Some(3.0)), (2, 10, Some(5.0))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_ends_when_its_key_has_expired() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let app = inside.app();
    let spec = KeySpec {
        name: "short".into(),
        scopes: Scopes::all(),
        devices: None,
        streams: None,
        expires_at: Some(Micros(NOW + 60 * MINUTE)),
    };
    let secret = KeySecret { prefix: "short".into(), hash: [7; 32] };
    let key = ground.catalog.create_key(&ground.owner, spec, secret).await.unwrap();
    let standing = app.standing(Arc::new(key.principal()), None);
    let mut feed = app.live(&standing, LiveQuery::default()).await.unwrap();
    assert!(feed.next().await.unwrap().unwrap().readings.is_empty());
    ground.clock.advance(120 * MINUTE);
    // The clock is looked at once a minute, and whenever the catalog changes.
    ground.catalog.delete_stream(&ground.owner, StreamId(1)).await.unwrap();
    assert_eq!(feed.next().await.unwrap().unwrap_err().kind, Kind::Unauthenticated);
    assert!(feed.next().await.is_none(), "nothing comes after the end");
    assert_eq!(standing.check().unwrap_err().kind, Kind::Unauthenticated);
}

/// After a failed sync nobody knows whether the rows are on the disk: they are told when a start has found them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_made_durable_is_told_to_nobody_before_it_is() {
    let ground = Ground::new(4).await;
    let disk = LossyDisk::new();
    let inside = ground.open(disk.path(), Arc::new(disk.clone())).await.unwrap();
    let app = inside.app();
    let mut writer = Writer::new(17);
    let mut feed = follow(&app, &ground.owner, LiveQuery::default()).await.unwrap();
    writer.write(&inside, &ground.owner, 10).await;
    let told = until(&mut feed, writer.last()).await;
    assert_eq!(rows(&told), writer.between(1, 1));
    let cursor = told[told.len() - 1].cursor.clone();
    disk.fail_on(Op::Sync, "wal");
    for _ in 0..3 {
        let rows: Readings = writer.rows(10).into_iter().collect();
        assert_eq!(inside.store.write(&ground.owner, rows).await.unwrap_err().kind, Kind::Unavailable);
    }
    assert_eq!(inside.store.present().seq, 2);
    drop((feed, app, inside));
    let disk = disk.process_end();
    let inside = ground.open(disk.path(), Arc::new(disk.clone())).await.unwrap();
    let app = inside.app();
    writer.write(&inside, &ground.owner, 10).await;
    let mut feed = follow(&app, &ground.owner, after(&cursor)).await.unwrap();
    let told = rows(&until(&mut feed, writer.last()).await);
    let mut stored: BTreeMap<_, _> =
        writer.between(1, 1).into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
    stored.extend(told.into_iter().map(|r| ((r.stream.0, r.ts.0), r)));
    let query = ValuesQuery { bad: true, ..ValuesQuery::default() };
    let found = inside.values(&ground.owner, query).await;
    let found: BTreeMap<_, _> = found.into_iter().map(|r| ((r.stream.0, r.ts.0), r)).collect();
    assert!(stored == found, "told {} rows, stored {}", stored.len(), found.len());
}

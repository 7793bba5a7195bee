//! Readers of every speed, and what they are told when the log is not kept.

use basalt::store::flush::FlushOptions;

use super::*;

/// A reader that comes and goes.
struct FeedReader {
    feed: Option<LiveFeed>,
    cursor: String,
    /// The request it comes to next.
    next: u64,
}

impl FeedReader {
    async fn read(&mut self, app: &App, who: &Principal, writer: &LiveWriter) {
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
                let expected = [self.next, next];
                assert_eq!(ends, expected, "a gap begins where the reader was and ends where it goes on");
                assert_eq!(gap.to, message.cursor);
            } else {
                let received: Vec<Reading> = message.readings.iter().collect();
                assert_eq!(received, writer.between(self.next, next - 1), "requests {}..{next}", self.next);
            }
            (self.next, self.cursor) = (next, message.cursor);
        }
        self.feed = Some(feed);
    }
}

/// Requests are small enough that no message ends within one.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_every_speed_get_every_row_in_order_or_are_told_what_is_missing() {
    let mut behind = 0;
    for seed in 0..4 {
        let env = TestEnv::new(4).await;
        let dir = tempfile::tempdir().unwrap();
        let options = |dir: &std::path::Path| {
            let usual = store_options(dir);
            let flush = FlushOptions { wal_keep_bytes: 3000, ..usual.flush.clone() };
            StoreOptions { wal_segment_bytes: 700, live_ring_bytes: 8000, flush, ..usual }
        };
        let open = || {
            let (disk, clock) = (Arc::new(LocalDisk), env.clock.clone());
            TestDb::open(options(dir.path()), env.catalog.clone(), disk, clock)
        };
        let mut db = open().await.unwrap();
        let mut app = db.app();
        let mut writer = LiveWriter::new(seed);
        let mut rng = StdRng::seed_from_u64(seed + 100);
        let mut readers: Vec<FeedReader> = Vec::new();
        for _ in 0..60 {
            match rng.random_range(0..12) {
                0..5 => {
                    for _ in 0..rng.random_range(1..6) {
                        writer.write(&db, &env.owner, 12).await;
                    }
                }
                5..9 if !readers.is_empty() => {
                    let n = rng.random_range(0..readers.len());
                    readers[n].read(&app, &env.owner, &writer).await;
                }
                5..9 => {
                    let position = db.store.current_position();
                    let (next, cursor) = (position.seq, cursor::to_text(&position));
                    readers.extend((0..5).map(|_| FeedReader { feed: None, cursor: cursor.clone(), next }));
                }
                9 => db.store.flush().await.unwrap(),
                10 => {
                    let n = rng.random_range(0..=readers.len());
                    readers.iter_mut().skip(n).for_each(|reader| reader.feed = None);
                }
                _ => {
                    readers.iter_mut().for_each(|reader| reader.feed = None);
                    drop(app);
                    if rng.random_bool(0.5) {
                        db.store.close().await.unwrap();
                    }
                    drop(db);
                    db = open().await.unwrap();
                    app = db.app();
                }
            }
        }
        for reader in &mut readers {
            let before = reader.next;
            reader.read(&app, &env.owner, &writer).await;
            assert_eq!(reader.next, writer.last() + 1);
            behind += usize::from(before < reader.next);
        }
    }
    assert!(behind > 0, "no reader was ever behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_kept_is_told_as_a_gap() {
    let (env, _dir, db) = TestEnv::open_new(4).await;
    let app = db.app();
    let mut writer = LiveWriter::new(7);
    let begin = cursor::to_text(&db.store.current_position());
    for _ in 0..40 {
        writer.write(&db, &env.owner, 12).await;
    }
    db.store.flush().await.unwrap();
    writer.write(&db, &env.owner, 12).await;
    let mut feed = follow(&app, &env.owner, after(&begin)).await.unwrap();
    let messages = until(&mut feed, writer.last()).await;
    let gaps: Vec<_> = messages.iter().filter_map(|m| m.gap.as_ref()).collect();
    let [gap] = gaps[..] else { panic!("one gap, not {}", gaps.len()) };
    assert_eq!(gap.from, begin);
    let kept = cursor::parse(&gap.to).unwrap().seq;
    assert!(kept > 1 && kept <= writer.last());
    assert_eq!(rows(&messages), writer.between(kept, writer.last()));
}

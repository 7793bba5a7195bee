//! Tests that readers get each record once and in order, or a gap that names exactly the missing ones, whatever is
//! written, cut and restarted, and however fast they read.

use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;
use tempfile::TempDir;

use super::tail::{Tail, TailItem};
use super::*;
use crate::domain::reading::{Reading, Readings};
use crate::domain::{Micros, StreamId};
use crate::store::disk::LocalDisk;
use crate::store::wal::log::{Log, Payload};
use crate::store::wal::{Record, frame, recovery};

/// A ring that holds few groups, so that readers fall behind.
const RING: usize = 6_000;
const SEGMENT: u64 = 512;

/// The rows of a record, by stream and time.
type Rows = Vec<(i32, i64)>;

struct LogFixture {
    dir: TempDir,
    log: Log,
    live: Arc<CommitFeed>,
    /// Rows of each record, beginning with record 1.
    written: Vec<Rows>,
}

impl LogFixture {
    fn new() -> LogFixture {
        let dir = tempfile::tempdir().unwrap();
        let (log, live) = open(&dir, 0);
        LogFixture { dir, log, live, written: Vec::new() }
    }

    fn write(&mut self, sizes: &[u8]) {
        let mut runs = Vec::new();
        let mut payloads = Vec::new();
        for size in sizes {
            let seq = self.written.len() as u64 + 1;
            let rows: Readings = (0..i32::from(*size))
                .map(|n| Reading::good(StreamId(n), Micros(seq as i64), f64::from(n)))
                .collect();
            self.written.push(rows.stream.iter().copied().zip(rows.ts.iter().copied()).collect());
            let record = Record { readings: rows, arrived_at: arrived_at(seq), ..Record::default() };
            payloads.push(Payload::new(record.encode()));
            runs.push((Run::new(record.readings, seq).arrived(record.arrived_at), seq));
        }
        let first = self.log.append(&payloads).unwrap();
        let shared = self.live.share(&runs);
        self.live.publish(first, runs.len(), shared);
    }

    fn restart(&mut self) {
        (self.log, self.live) = open(&self.dir, self.oldest() - 1);
    }

    /// Returns the oldest retained record, or the next one when there is none.
    fn oldest(&self) -> u64 {
        let segments = recovery::segment_files(&LocalDisk, &self.dir.path().join("wal")).unwrap();
        segments.first().map_or(self.next(), |(_, first)| *first)
    }

    fn next(&self) -> u64 {
        self.written.len() as u64 + 1
    }

    fn rows(&self, seq: u64) -> &Rows {
        &self.written[seq as usize - 1]
    }
}

/// When a record arrived.
fn arrived_at(seq: u64) -> Option<Micros> {
    Some(Micros(seq as i64 * 7))
}

fn open(dir: &TempDir, flushed: u64) -> (Log, Arc<CommitFeed>) {
    let wal = dir.path().join("wal");
    let log = Log::open(Arc::new(LocalDisk), &wal, SEGMENT, flushed, |_, _| Ok(())).unwrap();
    let live = CommitFeed::new(Arc::new(LocalDisk), wal, log.next_seq(), RING);
    (log, live)
}

struct CheckedReader {
    tail: Tail,
    next: u64,
}

impl CheckedReader {
    fn new(world: &LogFixture, next: u64) -> CheckedReader {
        CheckedReader { tail: Tail::new(&world.live, next), next }
    }

    /// Reads up to `pieces` chunks, and compares each with what was written.
    async fn read(&mut self, world: &LogFixture, pieces: usize) {
        for _ in 0..pieces {
            if self.next >= world.next() {
                assert!(self.tail.try_next().is_none());
                return;
            }
            match self.tail.next().await.unwrap() {
                TailItem::Records(records) => {
                    assert_eq!(records.first(), self.next);
                    for run in records.runs() {
                        let rows: Rows = (0..run.len()).map(|i| run.key(i)).collect();
                        assert_eq!(rows, *world.rows(self.next), "record {}", self.next);
                        assert!(run.seq.iter().all(|seq| *seq == self.next as i64));
                        assert_eq!(run.arrived_at, arrived_at(self.next), "record {}", self.next);
                        self.next += 1;
                    }
                }
                TailItem::Gap(gap) => {
                    assert_eq!(gap, Gap { from: self.next, to: world.oldest() - 1 });
                    self.next = gap.to + 1;
                }
            }
        }
    }
}

#[derive(Debug, Clone)]
enum ReaderStep {
    Write(Vec<u8>),
    /// Everything so far is flushed, and so many bytes are kept.
    Cut(u64),
    Restart,
    /// A reader reads so many chunks.
    Read(usize, usize),
    /// A reader starts after a share of the records written, in tenths.
    Begin(u64),
    /// A reader disconnects and returns at its position.
    Reconnect(usize),
}

fn steps() -> impl Strategy<Value = Vec<ReaderStep>> {
    let step = prop_oneof![
        6 => prop::collection::vec(0_u8..12, 1..5).prop_map(ReaderStep::Write),
        2 => (0_u64..3000).prop_map(ReaderStep::Cut),
        1 => Just(ReaderStep::Restart),
        6 => (0_usize..6, 1_usize..5).prop_map(|(reader, pieces)| ReaderStep::Read(reader, pieces)),
        2 => (0_u64..=10).prop_map(ReaderStep::Begin),
        1 => (0_usize..6).prop_map(ReaderStep::Reconnect),
    ];
    prop::collection::vec(step, 1..60)
}

async fn play(steps: Vec<ReaderStep>) {
    let mut world = LogFixture::new();
    let mut readers: Vec<CheckedReader> = Vec::new();
    for step in steps {
        match step {
            ReaderStep::Write(sizes) => world.write(&sizes),
            ReaderStep::Cut(keep) => world.log.remove_flushed(world.next() - 1, keep).unwrap(),
            ReaderStep::Restart => {
                let places: Vec<u64> = readers.drain(..).map(|reader| reader.next).collect();
                world.restart();
                readers = places.into_iter().map(|next| CheckedReader::new(&world, next)).collect();
            }
            ReaderStep::Read(reader, pieces) => {
                if let Some(reader) = readers.get_mut(reader) {
                    reader.read(&world, pieces).await;
                }
            }
            ReaderStep::Begin(tenths) => {
                let next = 1 + (world.next() - 1) * tenths / 10;
                readers.push(CheckedReader::new(&world, next));
            }
            ReaderStep::Reconnect(reader) => {
                if let Some(reader) = readers.get_mut(reader) {
                    *reader = CheckedReader::new(&world, reader.next);
                }
            }
        }
    }
    for reader in &mut readers {
        reader.read(&world, usize::MAX).await;
        assert_eq!(reader.next, world.next());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_reader_gets_every_record_in_order_or_a_gap_that_says_what_is_missing(steps in steps()) {
        runtime().block_on(play(steps));
    }
}

#[test]
fn who_waits_is_told_of_the_next_group() {
    runtime().block_on(async {
        let mut world = LogFixture::new();
        let mut reader = CheckedReader::new(&world, 1);
        let waiting = tokio::spawn(async move {
            let piece = reader.tail.next().await;
            assert!(matches!(piece, Ok(TailItem::Records(records)) if records.first() == 1));
        });
        tokio::task::yield_now().await;
        world.write(&[3]);
        waiting.await.unwrap();
    });
}

#[test]
fn giving_up_waiting_loses_nothing() {
    runtime().block_on(async {
        let mut world = LogFixture::new();
        world.write(&[1, 2]);
        let mut reader = CheckedReader::new(&world, 1);
        // The log is read on another thread, so the item cannot be there at once.
        assert!(futures::FutureExt::now_or_never(reader.tail.next()).is_none());
        assert!(reader.tail.try_next().is_none());
        reader.read(&world, 1).await;
        assert_eq!(reader.next, 3);
    });
}

#[test]
fn a_group_larger_than_the_ring_is_read_from_the_log() {
    runtime().block_on(async {
        let mut world = LogFixture::new();
        let mut reader = CheckedReader::new(&world, 1);
        world.write(&[1]);
        world.write(&[200; 4]);
        world.write(&[1]);
        reader.read(&world, usize::MAX).await;
        assert_eq!(reader.next, 7);
    });
}

#[test]
fn what_is_not_committed_is_seen_by_nobody() {
    runtime().block_on(async {
        let mut world = LogFixture::new();
        world.write(&[2, 2]);
        let (path, _) =
            recovery::segment_files(&LocalDisk, &world.dir.path().join("wal")).unwrap().pop().unwrap();
        let payload = Payload::new(Record::default().encode());
        let salt = frame::SegmentHeader::parse(&std::fs::read(&path).unwrap()).unwrap().salt;
        let (len, payload_crc) = (payload.bytes.len(), payload.crc);
        let header = frame::RecordHeader { seq: 3, group_index: 0, len, payload_crc }.encode(salt);
        OpenOptions::new().append(true).open(path).unwrap().write_all(&header).unwrap();
        let mut tail = Tail::new(&world.live, 1);
        let Ok(TailItem::Records(records)) = tail.next().await else { panic!("there are two records") };
        assert_eq!((records.first(), records.runs().len()), (1, 2));
        assert!(futures::FutureExt::now_or_never(tail.next()).is_none());
    });
}

#[test]
fn nothing_is_held_for_nobody() {
    let mut world = LogFixture::new();
    world.write(&[4]);
    assert!(world.live.share(&[]).is_none());
    let reader = CheckedReader::new(&world, 2);
    assert!(world.live.share(&[]).is_some());
    world.write(&[4]);
    assert!(matches!(world.live.ring.lock().find(2), record_ring::RingLookup::Group(_)));
    drop(reader);
    assert!(matches!(world.live.ring.lock().find(2), record_ring::RingLookup::Behind { end: 3 }));
}

#[test]
fn a_closed_log_is_read_to_its_end() {
    runtime().block_on(async {
        let mut world = LogFixture::new();
        world.write(&[1]);
        let mut reader = CheckedReader::new(&world, 1);
        world.live.close();
        reader.read(&world, 1).await;
        assert_eq!(reader.next, 2);
        assert!(reader.tail.next().await.is_err());
    });
}

#[test]
fn damage_in_the_kept_log_is_named() {
    runtime().block_on(async {
        let mut world = LogFixture::new();
        world.write(&[5]);
        let (path, _) =
            recovery::segment_files(&LocalDisk, &world.dir.path().join("wal")).unwrap().pop().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = Tail::new(&world.live, 1).next().await.unwrap_err();
        assert!(error.message.contains("record 1 is not at offset 28"), "{error}");
    });
}

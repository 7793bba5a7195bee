//! Tests that the log replays a prefix of what was appended, or refuses to open, whatever happens to its bytes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::store::disk::LocalDisk;
use crate::store::upsert_rows::UpsertKey;
use crate::store::wal::frame::{OLD_MAGIC, RECORD_HEADER};

type ReplayedRecords = Vec<(u64, Vec<u8>)>;

fn open(dir: &Path, flushed: u64) -> Result<(Log, ReplayedRecords)> {
    let mut seen = Vec::new();
    let log = Log::open(Arc::new(LocalDisk), dir, 256, flushed, |seq, payload| {
        seen.push((seq, payload.to_vec()));
        Ok(())
    })?;
    Ok((log, seen))
}

fn write(dir: &Path, records: &[Vec<u8>]) {
    let (mut log, _) = open(dir, 0).unwrap();
    for record in records {
        log.append(&[Payload::new(record.clone())]).unwrap();
    }
}

fn sample() -> Vec<Vec<u8>> {
    (0..20u8).map(|n| vec![n; usize::from(n) * 3]).collect()
}

fn last_segment(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.pop().unwrap()
}

#[test]
fn records_come_back_in_order_over_segments() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    assert!(fs::read_dir(dir.path()).unwrap().count() > 2);
    let (log, seen) = open(dir.path(), 0).unwrap();
    assert_eq!(log.next_seq(), 21);
    assert_eq!(seen, (1..).zip(sample()).collect::<Vec<_>>());
}

#[test]
fn records_already_flushed_are_not_replayed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    let (log, seen) = open(dir.path(), 15).unwrap();
    assert_eq!((log.next_seq(), seen.first().unwrap().0, seen.len()), (21, 16, 5));
}

#[test]
fn an_ended_segment_is_not_read_once_it_is_flushed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    let before = last_segment(dir.path());
    let (mut log, _) = open(dir.path(), 0).unwrap();
    for _ in 0..2 {
        log.end_segment().unwrap();
    }
    drop(log);
    let (_, seen) = open(dir.path(), 0).unwrap();
    assert_eq!(seen.len(), 20, "what is not flushed is");
    // Reading this segment would be refused.
    let end = fs::metadata(&before).unwrap().len() as usize;
    fs::write(&before, vec![7; end]).unwrap();
    assert!(open(dir.path(), 19).is_err());
    let (mut log, seen) = open(dir.path(), 20).unwrap();
    assert_eq!((log.next_seq(), seen.len()), (21, 0));
    assert_eq!(log.append(&[Payload::new(vec![1])]).unwrap(), 21);
    assert_eq!(open(dir.path(), 20).unwrap().1, [(21, vec![1])]);
}

#[test]
fn cutting_keeps_what_is_not_flushed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    let (mut log, _) = open(dir.path(), 0).unwrap();
    log.remove_flushed(15, 0).unwrap();
    drop(log);
    let (_, seen) = open(dir.path(), 15).unwrap();
    assert_eq!(seen.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [16, 17, 18, 19, 20]);
    let error = open(dir.path(), 0).err().unwrap();
    assert!(error.message.contains("misses record 1"), "{error}");
}

#[test]
fn a_missing_segment_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    fs::remove_file(&files[1]).unwrap();
    let error = open(dir.path(), 0).err().unwrap();
    assert!(error.message.contains("misses record"), "{error}");
}

#[test]
fn damage_in_the_middle_names_segment_and_offset() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[vec![1; 10], vec![2; 10], vec![3; 10]]);
    let path = last_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[SEGMENT_HEADER + RECORD_HEADER + 2] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = open(dir.path(), 0).err().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(error.message.contains(name) && error.message.contains("offset 28"), "{error}");
}

/// Records of ten writers in one group that was not synced when the power went: the file system has kept a later page of
/// it and not an earlier one (engine F4).
#[test]
fn a_torn_group_whose_later_pages_are_there_costs_only_what_was_not_acknowledged() {
    let group: Vec<Payload> = (0..10u8).map(|n| Payload::new(vec![n; 20])).collect();
    for (torn, kept) in [(0, 0), (3, 3), (9, 9)] {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = open(dir.path(), 0).unwrap();
        log.append(&[Payload::new(vec![7; 20])]).unwrap();
        log.append(&group).unwrap();
        drop(log);
        let path = last_segment(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        let at = SEGMENT_HEADER + (1 + torn) * (RECORD_HEADER + 20);
        bytes[at..at + 30].fill(0);
        fs::write(&path, bytes).unwrap();
        let (mut log, seen) =
            open(dir.path(), 0).unwrap_or_else(|e| panic!("record {torn} of the group: {e}"));
        assert_eq!(seen.len(), 1 + kept, "record {torn} of the group");
        log.append(&[Payload::new(vec![8; 20])]).unwrap();
        drop(log);
        assert_eq!(open(dir.path(), 0).unwrap().1.len(), 2 + kept, "record {torn} of the group");
    }
}

/// A client sends what looks like a record, in the record that the loss of power tears (engine F4).
#[test]
fn a_forged_record_in_a_torn_one_does_not_refuse_the_start() {
    let forged = RecordHeader { seq: 1000, group_index: 0, len: 0, payload_crc: 0 }.encode(Salt(0));
    // As the format without a salt had it.
    let mut old = vec![0; 8];
    old.extend(1000u64.to_le_bytes());
    let crc = crc32fast::hash(&old);
    old.extend(crc.to_le_bytes());
    let payload = [vec![b'a'; 40], forged.to_vec(), old, vec![b'z'; 40]].concat();
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[vec![1; 10], payload]);
    let path = last_segment(dir.path());
    let len = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len - 10).unwrap();
    let (_, seen) = open(dir.path(), 0).unwrap();
    assert_eq!(seen, [(1, vec![1; 10])]);
}

#[test]
fn a_log_of_the_older_format_is_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(segment_name(1)), [OLD_MAGIC.as_slice(), &[0; 40]].concat()).unwrap();
    let error = open(dir.path(), 0).err().unwrap();
    assert!(error.message.contains("older format of the log"), "{error}");
}

/// As a file system without a free byte, on which no file can be created or grow.
#[test]
fn a_start_writes_only_what_may_not_be_durable_and_in_place() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    let path = last_segment(dir.path());
    let inode = || fs::metadata(&path).unwrap().ino();
    let before = (fs::read(&path).unwrap(), inode());
    open(dir.path(), 0).unwrap();
    assert!((fs::read(&path).unwrap(), inode()) == before, "it is the same file with the same bytes");
}

#[test]
fn a_log_older_than_the_lake_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &sample());
    let error = open(dir.path(), 30).err().unwrap();
    assert!(error.message.contains("do not belong together"), "{error}");
}

#[test]
fn a_log_that_is_gone_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let error = open(dir.path(), 20).err().unwrap();
    assert!(error.message.contains("record 20") && error.message.contains("is gone"), "{error}");
    assert_eq!(open(dir.path(), 0).unwrap().0.next_seq(), 1, "nothing is flushed: it is new");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cut_at_any_length_replays_a_prefix_and_goes_on(cut in 0usize..400) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &sample());
        let path = last_segment(dir.path());
        let len = fs::metadata(&path).unwrap().len() as usize;
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(cut.min(len) as u64).unwrap();
        let (mut log, seen) = open(dir.path(), 0).unwrap();
        let expected: Vec<_> = (1..).zip(sample()).take(seen.len()).collect();
        prop_assert_eq!(&seen, &expected);
        let seq = log.append(&[Payload::new(vec![9; 9])]).unwrap();
        prop_assert_eq!(seq, seen.len() as u64 + 1);
        drop(log);
        prop_assert_eq!(open(dir.path(), 0).unwrap().1.len(), seen.len() + 1);
    }

    #[test]
    fn any_flipped_byte_is_refused_or_costs_only_the_last_record(at in 0usize..400, flip in 1u8..) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &sample());
        let path = last_segment(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        if let Ok((_, seen)) = open(dir.path(), 0) {
            prop_assert!(seen.len() >= 19, "only {} of 20 records", seen.len());
            prop_assert_eq!(&seen, &(1..).zip(sample()).take(seen.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn any_bytes_as_a_record_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = crate::store::wal::Record::decode(&bytes);
    }
}

#[test]
fn a_record_is_decoded_as_it_was_encoded() {
    use crate::domain::reading::{Quality, Reading};
    use crate::domain::statistic::{Origin, Statistic};
    use crate::domain::{Micros, StreamId};
    use crate::store::statistics::rows;
    use crate::store::wal::{IdempotencyRecord, Record};
    let text = Reading {
        stream: StreamId(2),
        ts: Micros(5),
        value: None,
        text: Some("naïve".into()),
        quality: Quality::Uncertain,
    };
    let posted = |stream, rms| Statistic {
        origin: Origin::Posted,
        stream: StreamId(stream),
        ts: Micros(60_000_000),
        window_s: 60,
        count: 3,
        mean: Some(1.5),
        rms,
        median: None,
        min: Some(f64::MIN),
        max: Some(f64::MAX),
        q1: None,
        q3: None,
    };
    let record = Record {
        readings: [Reading::good(StreamId(1), Micros(4), -0.5), text].into_iter().collect(),
        upserts: vec![rows::posted_rows(&[posted(9, Some(-0.0)), posted(7, None)])],
        idempotent: Some(IdempotencyRecord {
            scope: "key:1 POST /ingest".into(),
            key: "k".into(),
            body_hash: [7; 32],
            answer: b"{}".to_vec(),
            expires_at: 99,
        }),
        is_import: true,
        arrived_at: Some(Micros(5)),
    };
    let back = Record::decode(&record.encode()).unwrap();
    assert!(back.is_import && !Record::decode(&Record::default().encode()).unwrap().is_import);
    assert_eq!(back.idempotent, record.idempotent);
    assert_eq!(back.upserts, record.upserts);
    assert_eq!(back.upserts[0].key(0), UpsertKey { id: 7, ts: 60_000_000, label: "posted" });
    assert_eq!(back.readings.iter().collect::<Vec<_>>(), record.readings.iter().collect::<Vec<_>>());
}

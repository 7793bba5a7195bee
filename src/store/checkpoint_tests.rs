//! Tests that a checkpoint restores its content, and that damage anywhere in it is reported, never read.

use super::*;
use crate::domain::StreamId;
use crate::domain::arrival::AheadBound;
use crate::domain::reading::Reading;
use crate::store::current_reading::Arrival;
use crate::store::disk::LocalDisk;
use crate::store::memtable::run::Run;
use crate::store::wal::IdempotencyRecord;

const NOW: Micros = Micros(1_000_000);

/// An unsaved checkpoint of `dir` with last values and keys.
fn sample(dir: &Path) -> Checkpoint {
    let sample = read(dir).unwrap();
    let text = Reading { text: Some("on".into()), value: None, ..Reading::good(StreamId(2), NOW, 0.0) };
    let rows = [Reading::good(StreamId(1), NOW, 1.5), text, Reading::lost(StreamId(3), NOW)];
    let arrival = Arrival { seq: 1, at: NOW, bound: AheadBound::default() };
    sample.latest_values.update(&Run::new(rows.into_iter().collect(), 1), arrival);
    for (key, expires_at) in [("gone", NOW.0), ("live", NOW.0 + 1)] {
        let (scope, key) = ("key:1".to_owned(), key.to_owned());
        sample.idempotency.restore(IdempotencyRecord {
            scope,
            key,
            body_hash: [7; 32],
            answer: b"{}".to_vec(),
            expires_at,
        });
    }
    sample
}

fn read(dir: &Path) -> Result<Checkpoint> {
    Checkpoint::load(Arc::new(LocalDisk), dir)
}

#[test]
fn last_values_and_live_keys_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let saved = sample(dir.path());
    saved.save(NOW).unwrap();
    // A second checkpoint replaces the first, even when an unfinished one is left over.
    std::fs::write(dir.path().join("checkpoint.tmp"), b"half").unwrap();
    saved.save(NOW).unwrap();
    let again = read(dir.path()).unwrap();
    for stream in (1..=4).map(StreamId) {
        let [found, expected] =
            [&again, &saved].map(|checkpoint| checkpoint.latest_values.get(stream, NOW, Micros(0)));
        assert_eq!(found, expected, "stream {stream}");
        assert_eq!(found.is_some(), stream.0 < 4, "stream {stream}");
    }
    let found: Vec<String> = again.idempotency.live_entries(NOW).iter().map(|e| e.key.clone()).collect();
    assert_eq!(found, ["live"]);
}

#[test]
fn without_a_checkpoint_there_is_nothing_to_know() {
    let dir = tempfile::tempdir().unwrap();
    let found = read(dir.path()).unwrap();
    assert!(found.latest_values.streams().is_empty() && found.idempotency.live_entries(NOW).is_empty());
}

#[test]
fn every_damaged_byte_and_every_cut_within_a_record_is_told() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path()).save(NOW).unwrap();
    let file = dir.path().join(FILE_NAME);
    let whole = std::fs::read(&file).unwrap();
    let second = checkpoint_frame::parse(&whole, 0).unwrap().end;
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        let error = read(dir.path()).err().unwrap_or_else(|| panic!("byte {at} was damaged"));
        let place = format!("at offset {}", if at < second { 0 } else { second });
        assert!(error.message.contains(&place), "byte {at}: {error}");
    }
    for len in (1..whole.len()).filter(|len| *len != second) {
        std::fs::write(&file, &whole[..len]).unwrap();
        assert!(read(dir.path()).is_err(), "cut to {len} bytes");
    }
}

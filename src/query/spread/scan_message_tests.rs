//! Tests that a scan arrives as it was sent, and that other bytes are refused.

use proptest::prelude::*;

use super::*;
use crate::domain::Micros;
use crate::domain::reading::{Reading, Readings};

fn file(path: &str, rows: u64) -> Arc<LakeFile> {
    Arc::new(LakeFile {
        path: path.to_owned(),
        day: crate::domain::time::Day::parse(&path[5..15]).unwrap(),
        rows,
        bytes: 2 * rows,
        streams: MinMax::new(1, 9),
        ts: MinMax::new(-5, 1_777_377_600_000_000),
        seq: MinMax::new(3, u64::from(u32::MAX) + 7),
        is_late: rows % 2 == 1,
        crc32: Some(7),
        longest_text: None,
        footer: None,
    })
}

fn run() -> Run {
    let rows =
        [Reading::good(StreamId(1), Micros(5), f64::NEG_INFINITY), Reading::lost(StreamId(2), Micros(-6))];
    Run::new(rows.into_iter().collect::<Readings>(), 4)
}

fn allow(_: &[i32]) -> Result<()> {
    Ok(())
}

/// Runs of which the second row has the same key as the first, or a lower one.
fn unsorted(second: (i32, i64)) -> RunsMessage {
    let rows = [(2, 5), second].map(|(stream, ts)| Reading::good(StreamId(stream), Micros(ts), 1.0));
    RunsMessage::of(&[run(), Run::new(rows.into_iter().collect::<Readings>(), 4)])
}

fn scan() -> ScanParts {
    let mut starts = StreamStarts::default();
    starts.set(3, 17);
    let days = ["date=2026-04-28/part-1.parquet", "date=2026-04-29/part-2.parquet"];
    let mut shares = FilePartition::share_out(file(days[0], 1000), 8);
    ScanParts {
        read: vec![STREAM_ID, 1, 2],
        partitions: 2,
        visible: Arc::new(
            VisibleStreams::new([1, 2, 3, 70_000].map(StreamId).into()).with_retention(&starts),
        ),
        bounds: Bounds {
            ts: MinMax::new(i64::MIN, 99),
            streams: Some(BTreeSet::from([2, 3, 5])),
            value: Some(MinMax::new(f64::NEG_INFINITY, 1.5)),
        },
        sources: ScanSources {
            files: vec![shares.find(|part| part.share.index == 3).unwrap()],
            runs: vec![vec![run()], vec![run(), run()]],
            merged: vec![MergedDay { files: vec![file(days[1], 11), file(days[1], 12)], runs: vec![run()] }],
        },
    }
}

#[test]
fn a_scan_arrives_as_it_was_sent() {
    let sent = ScanMessage::of(&scan());
    let received = ScanMessage::decode(sent.encode_to_vec().as_slice()).unwrap();
    let scan = received.into_parts(allow).unwrap();
    assert_eq!(scan.visible.ids(), [2, 3], "streams that the scan does not ask for need not travel");
    assert_eq!(scan.visible.starts().collect::<Vec<_>>(), [(3, 17)]);
    assert_eq!(scan.sources.files[0].file, file("date=2026-04-28/part-1.parquet", 1000));
    assert_eq!(scan.sources.files[0].share, FileShare { index: 3, count: 8 });
    assert_eq!(scan.sources.runs[1][1].seq.as_ref(), [4, 4]);
    assert_eq!(ScanMessage::of(&scan), sent);
}

#[test]
fn what_no_node_sends_is_refused() {
    type Change = fn(&mut ScanMessage);
    let changes: [(&str, Change); 13] = [
        ("another format", |scan| scan.format += 1),
        ("no column", |scan| scan.read.clear()),
        ("stream_id is not the first column", |scan| scan.read.swap(0, 1)),
        ("a column that does not exist", |scan| scan.read.push(6)),
        ("no partition", |scan| scan.partitions = 0),
        ("too many partitions", |scan| scan.partitions = MAX_PARTITIONS + 1),
        ("a file outside the lake", |scan| scan.files[0].path = "date=2026-04-28/../../x".to_owned()),
        ("a part beyond the last", |scan| scan.files[0].index = 8),
        ("too many parts", |scan| scan.files[0].count = u64::MAX),
        ("half a run", |scan| scan.runs[0].runs[0].truncate(9)),
        ("streams out of order", |scan| scan.runs[0] = unsorted((1, 6))),
        ("times out of order", |scan| scan.merged[0].runs = Some(unsorted((2, 4)))),
        ("a key twice", |scan| scan.merged[0].runs = Some(unsorted((2, 5)))),
    ];
    for (name, change) in changes {
        let mut message = ScanMessage::of(&scan());
        change(&mut message);
        assert!(message.into_parts(allow).is_err(), "{name}");
    }
}

#[test]
fn visible_streams_are_checked() {
    let mut message = ScanMessage::of(&scan());
    message.visible = vec![2, i32::MAX];
    let check = |ids: &[i32]| match ids {
        [2, i32::MAX] => Err(Error::forbidden("not yours")),
        _ => Ok(()),
    };
    assert_eq!(message.into_parts(check).map(|_| ()).unwrap_err().full_message(), "not yours");
}

proptest! {
    /// Changed bytes give a scan or an error, never a panic.
    #[test]
    fn changed_bytes_do_no_harm(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = ScanMessage::of(&scan()).encode_to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(message) = ScanMessage::decode(bytes.as_slice()) {
            drop(message.into_parts(allow));
        }
    }
}

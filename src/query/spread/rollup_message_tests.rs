//! Tests that a rollup arrives as it was sent, and that other bytes are refused.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::StreamId;
use crate::domain::min_max::MinMax;
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::{Day, MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::query::scan::bounds::Bounds;
use crate::query::scan::row_security::VisibleStreams;
use crate::query::scan::scan_sources::ScanSources;
use crate::store::lake::file::LakeFile;
use crate::store::memtable::run::Run;
use crate::store::statistics::rows::{WindowRow, computed_batch};

const MIDNIGHT: i64 = 20_000 * MICROS_PER_DAY;

fn file(path: &str) -> Arc<LakeFile> {
    Arc::new(LakeFile {
        path: path.to_owned(),
        day: Day::parse("2026-04-28").unwrap(),
        rows: 1440,
        bytes: 7000,
        streams: MinMax::new(1, 9),
        ts: MinMax::new(MIDNIGHT, MIDNIGHT + MICROS_PER_DAY),
        seq: MinMax::new(3, u64::from(u32::MAX) + 7),
        is_late: true,
        crc32: Some(7),
        longest_text: None,
        footer: None,
    })
}

fn level(table: Table) -> LevelSources {
    let row = |start| WindowRow { stream: 1, start, length: 60_000_000, rows: 3, summary: None };
    let rows = computed_batch(&[row(MIDNIGHT), row(MIDNIGHT + 60_000_000)], 7);
    LevelSources {
        files: vec![file("date=2026-04-28/part-1.parquet"), file("date=2026-04-28/part-2.parquet")],
        unflushed: vec![UpsertRows::new(table, rows).unwrap()],
    }
}

fn readings(read: &[usize]) -> ScanParts {
    readings_of(read, [1, 4])
}

fn readings_of(read: &[usize], streams: [i32; 2]) -> ScanParts {
    let rows = [Reading::good(StreamId(1), Micros(MIDNIGHT), 1.5)];
    let runs = vec![vec![Run::new(rows.into_iter().collect::<Readings>(), 4)]];
    ScanParts {
        read: read.to_vec(),
        partitions: 2,
        visible: Arc::new(VisibleStreams::new(streams.map(StreamId).into())),
        bounds: Bounds {
            ts: MinMax::new(MIDNIGHT, MIDNIGHT + MICROS_PER_DAY),
            streams: Some(BTreeSet::from(streams)),
            value: None,
        },
        sources: ScanSources { runs, ..ScanSources::default() },
    }
}

fn parts(buckets: Option<Buckets>) -> RollupParts {
    let hours = |hours: &[(i64, i64)]| {
        let time = |hour: i64| MIDNIGHT + hour * MICROS_PER_HOUR;
        TimeRanges::new(hours.iter().map(|(from, to)| (time(*from), time(*to))).collect())
    };
    let split = |stream| {
        Arc::new(RangeSplit {
            stream,
            hours: hours(&[(1, 2), (4, 9)]),
            computed: hours(&[(0, 1), (3, 4)]),
            raw: hours(&[(2, 3)]),
            visible_from: i64::MIN,
        })
    };
    RollupParts {
        splits: vec![split(1), split(4)],
        readings: vec![readings(&from_readings::COLUMNS), readings(&from_readings::COLUMNS)],
        statistics: StatisticsPart {
            hours: level(Table::HourlyStatistics),
            windows: level(Table::Statistics),
            starts: vec![(4, MIDNIGHT)],
        },
        buckets,
        columns: vec![partial::STREAM_ID, partial::TS, partial::MEAN],
        partitions: 2,
    }
}

fn allow(_: &[i32]) -> Result<()> {
    Ok(())
}

#[test]
fn a_rollup_arrives_as_it_was_sent() {
    let zone = |name| Some(Zone::parse("test", name).unwrap());
    for buckets in [
        None,
        Some(Buckets::new(BucketWidth::Micros(1), None)),
        Some(Buckets::new(BucketWidth::Micros(MICROS_PER_DAY), zone("+02:00"))),
        Some(Buckets::new(BucketWidth::Months(3), zone("Europe/Berlin"))),
    ] {
        let expected = parts(buckets);
        let sent = RollupMessage::of(&expected);
        let bytes = sent.encode_to_vec();
        let read = RollupMessage::decode(bytes.as_slice()).unwrap().into_parts(allow).unwrap();
        assert_eq!(read.splits, expected.splits);
        assert_eq!(read.statistics, expected.statistics);
        assert_eq!(read.columns, expected.columns);
        let around = |parts: &RollupParts| parts.buckets.as_ref().map(|b| b.around(MIDNIGHT + 7).unwrap());
        assert_eq!(around(&read), around(&expected));
        assert_eq!(RollupMessage::of(&read), sent);
    }
}

#[test]
fn what_no_node_sends_is_refused() {
    type Change = fn(&mut RollupMessage);
    fn buckets(rollup: &mut RollupMessage) -> &mut BucketsMessage {
        rollup.buckets.as_mut().unwrap()
    }
    fn windows(rollup: &mut RollupMessage) -> &mut LevelMessage {
        rollup.windows.as_mut().unwrap()
    }
    let changes: [(&str, Change); 20] = [
        ("another format", |rollup| rollup.format += 1),
        ("no partition", |rollup| rollup.partitions = 0),
        ("too many partitions", |rollup| rollup.partitions = MAX_PARTITIONS + 1),
        ("partitions that its readings do not have", |rollup| rollup.partitions = 3),
        ("a column that does not exist", |rollup| rollup.columns.push(8)),
        ("streams out of order", |rollup| rollup.splits.swap(0, 1)),
        ("a stream twice", |rollup| rollup.splits[1].stream = 1),
        ("a stream that cannot be", |rollup| rollup.splits[0].stream = -1),
        ("half a range", |rollup| rollup.splits[0].raw.truncate(1)),
        ("a time before all readings", |rollup| rollup.splits[0].hours[0] = -1),
        ("a time after all readings", |rollup| rollup.splits[0].computed[1] = i64::MAX),
        ("readings that are filtered", |rollup| rollup.readings[0].filter = Some(Vec::new())),
        ("readings of other columns", |rollup| rollup.readings[0] = ScanMessage::of(&readings(&[0, 1]))),
        ("more scans than there are time ranges", |rollup| {
            rollup.readings = vec![rollup.readings[0].clone(); from_readings::MAX_SCANS + 1];
        }),
        ("buckets without a width", |rollup| buckets(rollup).micros = 0),
        ("buckets of two widths", |rollup| buckets(rollup).months = 1),
        ("a timezone that does not exist", |rollup| buckets(rollup).zone = Some("Mars/Base".to_owned())),
        ("a file outside the lake", |rollup| {
            let outside = FilePartition::whole(file("date=2026-04-28/../../x"));
            windows(rollup).files.push(FileMessage::of(&outside));
        }),
        ("half a row", |rollup| windows(rollup).unflushed[0].truncate(30)),
        ("more than rows", |rollup| windows(rollup).unflushed[0].push(0)),
    ];
    let hourly = || Some(Buckets::new(BucketWidth::Micros(MICROS_PER_HOUR), None));
    for (name, change) in changes {
        let mut message = RollupMessage::of(&parts(hourly()));
        change(&mut message);
        assert!(message.into_parts(allow).is_err(), "{name}");
    }
    assert!(RollupMessage::of(&parts(hourly())).into_parts(allow).is_ok(), "without a change");
}

#[test]
fn streams_of_ranges_and_of_scans_are_checked() {
    type Change = fn(&mut RollupMessage);
    let changes: [Change; 2] = [
        |rollup| rollup.splits[1].stream = i32::MAX,
        |rollup| rollup.readings[1] = ScanMessage::of(&readings_of(&from_readings::COLUMNS, [1, 5])),
    ];
    let check = |ids: &[i32]| match ids {
        [1, 4] => Ok(()),
        _ => Err(Error::forbidden("not yours")),
    };
    assert!(RollupMessage::of(&parts(None)).into_parts(check).is_ok());
    for change in changes {
        let mut message = RollupMessage::of(&parts(None));
        change(&mut message);
        assert_eq!(message.into_parts(check).map(|_| ()).unwrap_err().full_message(), "not yours");
    }
}

proptest! {
    /// Changed and cut bytes give a rollup or an error, never a panic.
    #[test]
    fn changed_bytes_do_no_harm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        end in any::<prop::sample::Index>(),
    ) {
        let berlin = Some(Zone::parse("test", "Europe/Berlin").unwrap());
        let mut bytes = RollupMessage::of(&parts(Some(Buckets::new(BucketWidth::Months(1), berlin)))).encode_to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        for bytes in [bytes.as_slice(), &bytes[..end.index(bytes.len())]] {
            if let Ok(message) = RollupMessage::decode(bytes) {
                drop(message.into_parts(allow));
            }
        }
    }
}

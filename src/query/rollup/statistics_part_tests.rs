//! Tests that a part of the statistics has what its streams read, and is read as the whole is.

use super::*;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::fuzz_store::FuzzStore;
use crate::store::statistics::rows::{WindowRow, computed_batch};
use crate::store::statistics::time_ranges::TimeRanges;
use crate::store::table::Table;

const DAY: Day = Day(20_000);
const MINUTE: i64 = 60_000_000;

fn file(path: &str, day: Day, streams: (i32, i32), rows: u64) -> LakeFile {
    let start = day.start().0;
    LakeFile {
        path: path.to_owned(),
        day,
        rows,
        bytes: rows,
        streams: streams.into(),
        ts: MinMax::new(start, start + MICROS_PER_DAY - MINUTE),
        seq: MinMax::new(1, 2),
        is_late: false,
        crc32: None,
        longest_text: None,
        footer: None,
    }
}

fn windows(starts: &[(i32, i64)]) -> UpsertRows {
    let row = |(stream, start): &(i32, i64)| WindowRow {
        stream: *stream,
        start: *start,
        length: MINUTE,
        rows: 3,
        summary: None,
    };
    let rows: Vec<WindowRow> = starts.iter().map(row).collect();
    UpsertRows::new(Table::Statistics, computed_batch(&rows, 7)).unwrap()
}

/// A stream that reads the windows of an hour.
fn split(stream: i32) -> Arc<RangeSplit> {
    let start = DAY.start().0;
    Arc::new(RangeSplit {
        stream,
        hours: TimeRanges::default(),
        computed: TimeRanges::new(vec![(start, start + MICROS_PER_HOUR)]),
        raw: TimeRanges::default(),
        visible_from: i64::MIN,
    })
}

/// Files and rows in memory of several streams and days.
fn snapshot(env: &FuzzStore) -> Snapshot {
    let mut snapshot = env.store.snapshot();
    let start = DAY.start().0;
    let files = [
        file("own", DAY, (1, 3), 1000),
        file("of_other_streams", DAY, (7, 9), 1000),
        file("of_another_day", Day(DAY.0 + 1), (1, 3), 1000),
    ];
    let rows =
        windows(&[(1, start), (2, start), (2, start + MINUTE), (2, start + MICROS_PER_HOUR), (3, start)]);
    let upserts = &mut snapshot.upsert_tables[Table::Statistics];
    upserts.lake = Arc::new(LakeVersion::new(3, files));
    upserts.memory = BTreeMap::from([(DAY, vec![rows])]);
    let mut since = StreamStarts::default();
    since.set(2, 17);
    since.set(3, 18);
    snapshot.retention_bounds =
        Arc::new(RetentionBounds { statistics_from: Arc::new(since), ..RetentionBounds::default() });
    snapshot
}

#[test]
fn a_part_has_what_its_streams_read() {
    let env = FuzzStore::open();
    let (whole, start) = (snapshot(&env), DAY.start().0);
    let part = StatisticsPart::of(&whole, &[split(2)]);
    let paths: Vec<&str> = part.windows.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["own"]);
    assert_eq!(part.windows.unflushed, [windows(&[(2, start), (2, start + MINUTE)])]);
    assert_eq!(part.hours, LevelSources::default());
    assert_eq!(part.starts, [(2, 17)]);
    assert_eq!(StatisticsPart::of(&whole, &[]), StatisticsPart::default());
}

#[test]
fn a_part_is_read_as_the_whole_is() {
    let env = FuzzStore::open();
    let whole = snapshot(&env);
    let part = StatisticsPart::of(&whole, &[split(2)]);
    let read = part.clone().into_snapshot(&env.store.snapshot());
    assert_eq!(StatisticsPart::of(&read, &[split(2)]), part);
    let replaced = StatisticsPart::of(&read, &[split(8)]).into_snapshot(&whole);
    assert!(replaced.upsert_tables[Table::Statistics].memory.is_empty());
    assert_eq!(replaced.upsert_tables[Table::Statistics].lake.files().count(), 0);
    assert!(replaced.retention_bounds.statistics_from.is_empty());
}

#[test]
fn no_more_rows_are_expected_than_streams_have_or_files() {
    let env = FuzzStore::open();
    let mut whole = snapshot(&env);
    let expected = |whole: &Snapshot| expected_rows(whole, &[split(2)], StatisticsLevel::Windows);
    assert_eq!(expected(&whole), 60, "an hour of one stream");
    whole.upsert_tables[Table::Statistics].lake =
        Arc::new(LakeVersion::new(4, [file("own", DAY, (1, 3), 10)]));
    assert_eq!(expected(&whole), 15, "ten rows in a file and five in memory");
    assert_eq!(expected_rows(&whole, &[split(2)], StatisticsLevel::Hours), 0);
}

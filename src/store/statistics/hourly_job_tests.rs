//! Tests which days a part of the job computes.

use super::*;
use crate::domain::min_max::MinMax;
use crate::domain::time::MICROS_PER_HOUR;
use crate::store::statistics::invalidations::Invalidations;

const FIRST: i32 = 20_000;

/// Days with so many rows each, from `FIRST` on.
fn lake(rows: &[u64]) -> LakeVersion {
    let file = |(at, rows): (usize, &u64)| {
        let day = Day(FIRST + at as i32);
        LakeFile { rows: *rows, ..file(day, (0, 24)) }
    };
    LakeVersion::new(1, rows.iter().enumerate().map(file))
}

/// A file of stream 1 between hours of a day.
fn file(day: Day, (from, to): (i64, i64)) -> LakeFile {
    let start = day.start().0;
    LakeFile {
        path: day.to_string(),
        day,
        rows: 1,
        bytes: 1,
        streams: MinMax { min: 1, max: 1 },
        ts: MinMax { min: start + from * MICROS_PER_HOUR, max: start + to * MICROS_PER_HOUR - 1 },
        seq: MinMax { min: 1, max: 1 },
        is_late: false,
        crc32: None,
        longest_text: None,
        footer: None,
    }
}

/// The time so many hours after the first day began; `None` for the beginning of time.
fn hour(after: Option<i64>) -> i64 {
    after.map_or(i64::MIN, |hours| Day(FIRST).start().0 + hours * MICROS_PER_HOUR)
}

#[test]
fn days_that_ended_since_or_were_touched_are_computed() {
    let all = lake(&[1; 5]);
    for (name, computed, sealed, touched, expected) in [
        ("nothing_yet", None, 60, vec![], vec![0, 1, 2]),
        ("the_same_hour", Some(60), 60, vec![], vec![]),
        ("the_next_hour", Some(60), 61, vec![], vec![2]),
        ("the_last_hour_of_a_day", Some(47), 48, vec![], vec![1]),
        ("over_midnight", Some(47), 49, vec![], vec![1, 2]),
        ("late_rows", Some(60), 60, vec![(0, (3, 4))], vec![0]),
        ("late_rows_of_two_days", Some(60), 61, vec![(0, (3, 4)), (1, (0, 1))], vec![0, 1, 2]),
        ("rows_of_the_current_hour", Some(60), 60, vec![(2, (12, 13))], vec![]),
        ("rows_from_the_last_hour_on", Some(60), 60, vec![(2, (11, 13))], vec![2]),
    ] {
        let mut rows = Invalidations::default();
        let files = touched.into_iter().map(|(day, hours): (i32, _)| file(Day(FIRST + day), hours));
        files.for_each(|file| rows.add_file(&file));
        let computed = Materialization::default().advanced(1, hour(computed)).with_invalidations(2, rows);
        let found = stale_days(&all, &computed, hour(Some(sealed)));
        let found: Vec<i32> = found.into_iter().map(|day| day.0 - FIRST).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_backfill_is_made_in_parts_and_later_work_at_once() {
    const MOST: u64 = MAX_PART_ROWS;
    // Rows of the days, the hour up to which hours are computed, and the expected days and hour.
    for (name, rows, computed, days, until) in [
        ("few_rows", [1; 4], None, 4, 96),
        ("each_day_a_part", [MOST; 4], None, 1, 24),
        ("two_days_a_part", [MOST / 2; 4], Some(0), 2, 48),
        ("the_last_day_ends_now", [1, 1, 1, MOST], None, 4, 96),
        ("days_that_were_computed_are_not_cut_off", [MOST; 4], Some(50), 3, 72),
        ("all_days_were_computed", [MOST; 4], Some(96), 4, 96),
    ] {
        let all = lake(&rows);
        let each: Vec<Day> = all.days().keys().copied().collect();
        let found = first_part(&all, each.clone(), (hour(computed), hour(Some(96))));
        assert_eq!(found, (each[..days].to_vec(), hour(Some(until))), "{name}");
    }
}

//! Counts against plain models: windows, codec, and what a reader sees.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::codec::{self, HEADER_BYTES, Header};
use super::counter::{count_windows, first_times};
use super::day_counts::{
    DayCounts, DayTotals, DeviceDay, KeyCounts, MessageCount, NO_TIME, Visibility, visibility,
};
use super::index::DayEntry;
use super::keys::{DeviceTimes, StoredKey, StreamDevices, each_stream_of_run};
use super::window_set::{WINDOW_US, WINDOWS_PER_DAY, WindowSet, bounds_of, day_bounds, window_of};
use crate::domain::min_max::MinMax;
use crate::domain::reading::Reading;
use crate::domain::retention::{RetentionBounds, StreamStarts};
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::domain::{Micros, OrgId, StreamId};
use crate::store::memtable::run::{Run, normalize};

const DAY: Day = Day(20_000);

#[test]
fn windows_divide_a_day() {
    let start = DAY.start().0;
    for (ts, expected) in [
        (start, 0),
        (start + WINDOW_US - 1, 0),
        (start + WINDOW_US, 1),
        (start + MICROS_PER_DAY - 1, WINDOWS_PER_DAY as u8 - 1),
    ] {
        assert_eq!(window_of(ts), expected, "{ts}");
        assert!(bounds_of(DAY, expected).contains(ts), "{ts}");
    }
    let span = |from: i64, to: i64| MinMax::new(start + from * WINDOW_US, start + to * WINDOW_US);
    for (ts, expected) in [
        (span(1, 1), vec![(1, 1)]),
        (span(1, 3), vec![(1, 3)]),
        (span(-9, 0), vec![(0, 0)]),
        (span(-9, -1), vec![]),
        (span(143, 999), vec![(143, 143)]),
    ] {
        assert_eq!(WindowSet::overlapping(DAY, ts).runs(WINDOWS_PER_DAY), expected, "{ts:?}");
    }
    assert_eq!(WindowSet::overlapping(DAY, day_bounds(DAY)), WindowSet::all());
    let mut some = WindowSet::all();
    some.remove(70);
    assert_eq!(some.runs(60), [(0, 59), (60, 69), (71, 130), (131, 143)]);
    assert_eq!(some.iter().count(), WINDOWS_PER_DAY - 1);
    assert_eq!(WindowSet::all().without(some).runs(60), [(70, 70)]);
    assert!(some.without(WindowSet::all()).is_empty());
}

#[test]
fn the_earliest_key_of_a_window_is_a_reading_or_a_message() {
    let at = |window: i64, ts: i64| DAY.start().0 + window * WINDOW_US + ts;
    let times = vec![(at(0, 5), 1), (at(0, 9), 1), (at(2, 7), 1), (at(2, 7), 4)];
    let of_device = DeviceTimes { times, streams: vec![1, 4] };
    let times = HashMap::from([(1, of_device)]);
    let stored = [(1, at(2, 3)), (1, at(3, 0)), (2, at(0, 1))].map(|(device, ts)| StoredKey {
        device,
        ts,
        received_at: 0,
        uuid: Uuid::nil(),
        sensors: 1,
    });
    let expected = [((1, 0), at(0, 5)), ((1, 2), at(2, 3)), ((1, 3), at(3, 0)), ((2, 0), at(0, 1))];
    assert_eq!(first_times(&times, &stored), HashMap::from(expected));
}

#[test]
fn sums_are_kept_for_few_organizations_and_for_their_bounds_alone() {
    let entry = DayEntry::new(DayTotals::default());
    let (bounds, equal): (Arc<RetentionBounds>, Arc<RetentionBounds>) = Default::default();
    let sum = |derived| MessageCount { derived, ..MessageCount::default() };
    for org in 1..=4 {
        entry.keep_org_sum(OrgId(org), &bounds, sum(org.unsigned_abs().into()));
    }
    entry.keep_org_sum(OrgId(1), &bounds, sum(9));
    assert_eq!(entry.org_sum(OrgId(1), &bounds), Some(sum(9)));
    assert_eq!(entry.org_sum(OrgId(1), &equal), None);
    entry.keep_org_sum(OrgId(5), &bounds, sum(5));
    let known = (1..=5).filter(|org| entry.org_sum(OrgId(*org), &bounds).is_some());
    assert_eq!(known.collect::<Vec<_>>(), [1, 3, 4, 5]);
}

#[test]
fn streams_of_a_run_are_found_in_short_and_in_long_ones() {
    let run = |rows_each: i64| {
        let rows = (1..=3).flat_map(|stream| (0..rows_each).map(move |ts| (stream, ts)));
        let rows = rows.map(|(stream, ts)| Reading::good(StreamId(stream), Micros(ts), 0.0));
        Run::new(normalize(rows.collect()), 1)
    };
    for rows_each in [1, 100] {
        let mut found = BTreeMap::new();
        each_stream_of_run(&run(rows_each), &[2, 3, 9], &mut |stream, times: &[i64]| {
            found.insert(stream, times.to_vec());
        });
        let all: Vec<i64> = (0..rows_each).collect();
        found.retain(|stream, _| *stream > 1);
        assert_eq!(found, BTreeMap::from([(2, all.clone()), (3, all)]), "{rows_each}");
    }
}

#[test]
fn a_reader_sees_all_or_nothing_or_has_to_count() {
    let span = MinMax::new(100, 199);
    let see = |readings, stored| Some(Visibility { readings, stored });
    for (streams, messages_from, expected) in [
        (None, 0, see(false, true)),
        (Some((0, 100)), 100, see(true, true)),
        (Some((0, 101)), 0, None),
        (Some((200, i64::MAX)), 200, see(false, false)),
        (Some((0, i64::MAX)), 0, None),
        (Some((0, 0)), 150, None),
        (Some((0, 0)), 200, see(true, false)),
    ] {
        let found = visibility(streams.map(MinMax::from), messages_from, span);
        assert_eq!(found, expected, "{streams:?} {messages_from}");
    }
    let counts = KeyCounts::from_numbers([5, 3, 2, 50, 30, 20], 7, 9);
    for (readings, stored, expected) in [
        (true, true, ((3, 3), (30, 30), 9)),
        (true, false, ((5, 0), (50, 0), 7)),
        (false, true, ((0, 3), (0, 30), 9)),
        (false, false, ((0, 0), (0, 0), NO_TIME)),
    ] {
        let found = counts.visible(Visibility { readings, stored });
        let messages = (found.derived, found.stored);
        let sensors = (found.derived_sensors, found.stored_sensors);
        assert_eq!((messages, sensors, found.newest), expected, "{readings} {stored}");
    }
}

#[test]
fn streams_begin_where_their_retention_says() {
    let mut from = StreamStarts::default();
    from.set(2, 50);
    let devices = StreamDevices::new([(1, 7), (2, 7), (3, 8)], &from);
    assert_eq!(devices.starts(&[]), None);
    assert_eq!(devices.starts(&[1, 2]), Some(MinMax::new(i64::MIN, 50)));
    assert_eq!(devices.starts(&[2, 9]), Some(MinMax::new(50, i64::MAX)));
    assert_eq!(devices.of_devices(|device| device == 7).as_ref(), [1, 2]);
}

#[test]
fn a_damaged_file_is_none() {
    let counts = KeyCounts { times: 300, newest_reading: DAY.start().0 + 5, ..KeyCounts::default() };
    let device = DeviceDay { device: 3, streams: Arc::from([1, 2]), windows: vec![(0, counts)] };
    let file = codec::encode(DAY, &DayCounts { covered: 9, devices: vec![device] });
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        let read = Header::parse(&damaged).and_then(|header| {
            let windows = HEADER_BYTES + header.totals_bytes();
            let totals = header.decode_totals(damaged.get(HEADER_BYTES..windows)?)?;
            Some((
                totals,
                header.decode_windows(DAY, damaged.get(windows..windows + header.windows_bytes())?)?,
            ))
        });
        // The seq alone has no checksum: what it says is compared with the one expected.
        assert!(read.is_none() || (4..12).contains(&at), "byte {at}");
    }
}

/// Times are (device, time, stream), stored messages (device, time, id).
fn naive(
    times: &BTreeSet<(i32, i64, i32)>,
    stored: &BTreeSet<(i32, i64, u128)>,
) -> BTreeMap<(i32, u8), KeyCounts> {
    let mut counts: BTreeMap<(i32, u8), KeyCounts> = BTreeMap::new();
    let is_stored = |device, ts| stored.iter().any(|(of, at, _)| (*of, *at) == (device, ts));
    for (device, ts, stream) in times {
        let window = counts.entry((*device, window_of(*ts))).or_default();
        let is_first = times.range((*device, *ts, 0)..).next() == Some(&(*device, *ts, *stream));
        let hidden = u64::from(is_stored(*device, *ts));
        window.times += u64::from(is_first);
        window.hidden += u64::from(is_first) * hidden;
        window.sensors += 1;
        window.hidden_sensors += hidden;
        window.newest_reading = window.newest_reading.max(*ts);
    }
    for (device, ts, id) in stored {
        let window = counts.entry((*device, window_of(*ts))).or_default();
        window.stored += 1;
        window.stored_sensors += *id as u64;
        window.newest_stored = window.newest_stored.max(*ts);
    }
    counts
}

proptest! {
    #[test]
    fn counts_equal_a_plain_model_and_read_as_written(
        times in prop::collection::btree_set((1..5_i32, 0..MICROS_PER_DAY / 50_000_000, 1..3_i32), 0..60),
        stored in prop::collection::btree_set((1..5_i32, 0..MICROS_PER_DAY / 50_000_000, 0..2_u128), 0..30),
    ) {
        let at = |step: i64| DAY.start().0 + step * 50_000_000;
        let times: BTreeSet<(i32, i64, i32)> =
            times.into_iter().map(|(device, step, stream)| (device, at(step), stream)).collect();
        let stored: BTreeSet<(i32, i64, u128)> =
            stored.into_iter().map(|(device, step, id)| (device, at(step), id)).collect();
        let mut by_device: HashMap<i32, DeviceTimes> = HashMap::new();
        for (device, ts, stream) in &times {
            by_device.entry(*device).or_default().times.push((*ts, *stream));
        }
        let key = |(device, ts, id): &(i32, i64, u128)| {
            let uuid = Uuid::from_u128(*id);
            StoredKey { device: *device, ts: *ts, received_at: *ts, uuid, sensors: *id as u32 }
        };
        let keys: Vec<StoredKey> = stored.iter().map(key).collect();
        let counts = count_windows(&by_device, &keys);
        prop_assert_eq!(&counts, &naive(&times, &stored));

        let mut devices: BTreeMap<i32, Vec<(u8, KeyCounts)>> = BTreeMap::new();
        for ((device, window), counts) in counts {
            devices.entry(device).or_default().push((window, counts));
        }
        let device = |(device, windows): (i32, Vec<(u8, KeyCounts)>)| {
            DeviceDay { device, streams: (0..device).collect(), windows }
        };
        let day = DayCounts { covered: 12, devices: devices.into_iter().map(device).collect() };
        let file = codec::encode(DAY, &day);
        let header = Header::parse(&file).unwrap();
        let windows = HEADER_BYTES + header.totals_bytes();
        prop_assert_eq!(header.decode_totals(&file[HEADER_BYTES..windows]).unwrap(), day.totals());
        prop_assert_eq!(header.decode_windows(DAY, &file[windows..]).unwrap(), day);
    }
}

//! The file of one day: a header, the totals, and the windows, so that a start reads only the totals.
//!
//! `BMC1 | covered u64 | totals length u32, crc32 u32 | windows length u32, crc32 u32 | totals | windows`. Numbers
//! within are variable-length, seven bits a byte. A file that does not read is taken for none.

use std::sync::Arc;

use super::day_counts::{DayCounts, DayTotals, DeviceDay, DeviceTotal, KeyCounts, NO_TIME};
use super::window_set::{WINDOWS_PER_DAY, bounds_of};
use crate::domain::time::Day;

const MAGIC: [u8; 4] = *b"BMC1";
/// Bytes before the totals.
pub const HEADER_BYTES: usize = 4 + 8 + 4 * 4;

/// The sections of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub covered: u64,
    totals: Section,
    windows: Section,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Section {
    bytes: u32,
    crc32: u32,
}

impl Section {
    fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u32, crc32: crc32fast::hash(bytes) }
    }

    fn matches(self, bytes: &[u8]) -> bool {
        self == Section::of(bytes)
    }
}

impl Header {
    /// Reads the header of a file; `None` for other bytes.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let rest = bytes.get(..HEADER_BYTES)?.strip_prefix(&MAGIC)?;
        let (covered, rest) = rest.split_first_chunk::<8>()?;
        let (words, _) = rest.as_chunks::<4>();
        let word = |at: usize| words.get(at).map(|word| u32::from_le_bytes(*word));
        let section = |at: usize| Some(Section { bytes: word(at)?, crc32: word(at + 1)? });
        Some(Header { covered: u64::from_le_bytes(*covered), totals: section(0)?, windows: section(2)? })
    }

    /// Returns the length of the totals, which follow the header, in bytes.
    pub fn totals_bytes(&self) -> usize {
        self.totals.bytes as usize
    }

    /// Returns the length of the windows, which follow the totals, in bytes.
    pub fn windows_bytes(&self) -> usize {
        self.windows.bytes as usize
    }

    /// Decodes the totals; `None` when they are damaged.
    pub fn decode_totals(&self, bytes: &[u8]) -> Option<DayTotals> {
        let mut input = self.totals.matches(bytes).then_some(Input(bytes))?;
        let lists = input.lists()?;
        let count = input.number()?;
        let mut devices = Vec::new();
        for _ in 0..count {
            let (device, streams) = input.device(&lists)?;
            let counts = input.counts(0)?;
            devices.push(DeviceTotal { device, streams, counts });
        }
        input.0.is_empty().then_some(DayTotals { covered: self.covered, devices })
    }

    /// Decodes the windows of `day`; `None` when they are damaged.
    pub fn decode_windows(&self, day: Day, bytes: &[u8]) -> Option<DayCounts> {
        let mut input = self.windows.matches(bytes).then_some(Input(bytes))?;
        let lists = input.lists()?;
        let count = input.number()?;
        let mut devices = Vec::new();
        for _ in 0..count {
            let (device, streams) = input.device(&lists)?;
            let mut windows = Vec::new();
            for _ in 0..input.number()? {
                let window =
                    u8::try_from(input.number()?).ok().filter(|at| usize::from(*at) < WINDOWS_PER_DAY)?;
                let start = bounds_of(day, window).min;
                windows.push((window, input.counts(start)?));
            }
            devices.push(DeviceDay { device, streams, windows });
        }
        input.0.is_empty().then_some(DayCounts { covered: self.covered, devices })
    }
}

/// Encodes the counts of a day as a file.
pub fn encode(day: Day, counts: &DayCounts) -> Vec<u8> {
    let lists = distinct_lists(counts);
    let of = |streams: &Arc<[i32]>| lists.binary_search(&streams).unwrap_or_default() as u64;
    let (mut totals, mut windows) = (Vec::new(), Vec::new());
    for out in [&mut totals, &mut windows] {
        put_lists(out, &lists);
        put(out, counts.devices.len() as u64);
    }
    for device in &counts.devices {
        for out in [&mut totals, &mut windows] {
            put(out, u64::from(device.device.unsigned_abs()));
            put(out, of(&device.streams));
        }
        put_counts(&mut totals, &device.total(), 0);
        put(&mut windows, device.windows.len() as u64);
        for (window, counts) in &device.windows {
            put(&mut windows, u64::from(*window));
            put_counts(&mut windows, counts, bounds_of(day, *window).min);
        }
    }
    let mut file = MAGIC.to_vec();
    file.extend(counts.covered.to_le_bytes());
    for section in [Section::of(&totals), Section::of(&windows)] {
        file.extend(section.bytes.to_le_bytes());
        file.extend(section.crc32.to_le_bytes());
    }
    file.extend(totals);
    file.extend(windows);
    file
}

fn distinct_lists(counts: &DayCounts) -> Vec<&Arc<[i32]>> {
    let mut lists: Vec<&Arc<[i32]>> = counts.devices.iter().map(|device| &device.streams).collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

/// Ids are ascending, so their differences are small.
fn put_lists(out: &mut Vec<u8>, lists: &[&Arc<[i32]>]) {
    put(out, lists.len() as u64);
    for list in lists {
        put(out, list.len() as u64);
        let mut last = 0;
        for id in list.iter().map(|id| u64::from(id.unsigned_abs())) {
            put(out, id - last);
            last = id;
        }
    }
}

fn put_counts(out: &mut Vec<u8>, counts: &KeyCounts, start: i64) {
    counts.numbers().into_iter().for_each(|number| put(out, number));
    for time in [counts.newest_reading, counts.newest_stored] {
        put(out, if time == NO_TIME { 0 } else { (time - start).unsigned_abs() + 1 });
    }
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn time(&mut self, start: i64) -> Option<i64> {
        match self.number()? {
            0 => Some(NO_TIME),
            offset => start.checked_add(i64::try_from(offset - 1).ok()?),
        }
    }

    fn counts(&mut self, start: i64) -> Option<KeyCounts> {
        let mut numbers = [0; 6];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Some(KeyCounts::from_numbers(numbers, self.time(start)?, self.time(start)?))
    }

    fn lists(&mut self) -> Option<Vec<Arc<[i32]>>> {
        let mut lists = Vec::new();
        for _ in 0..self.number()? {
            let (count, mut last, mut list) = (self.number()?, 0_i32, Vec::new());
            for _ in 0..count {
                last = last.checked_add(i32::try_from(self.number()?).ok()?)?;
                list.push(last);
            }
            lists.push(list.into());
        }
        Some(lists)
    }

    fn device(&mut self, lists: &[Arc<[i32]>]) -> Option<(i32, Arc<[i32]>)> {
        let device = i32::try_from(self.number()?).ok()?;
        let list = lists.get(usize::try_from(self.number()?).ok()?)?;
        Some((device, list.clone()))
    }
}

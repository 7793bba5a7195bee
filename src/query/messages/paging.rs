//! Finds the keys of a page: skips days and windows by their counts, then reads the keys of few windows.

use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use super::counting::MessageCounter;
use super::keys::{self, KeyRequest, MessageKey};
use super::scope::MessageScope;
use super::sensor_group::{self, NeededMessages};
use super::stored_filter::MatchingMessages;
use crate::domain::Result;
use crate::domain::message::query::MessageOrder;
use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, MICROS_PER_SECOND};
use crate::query::error::from_datafusion;
use crate::store::message_counts::day_counts::MessageCount;
use crate::store::message_counts::window_set::{WINDOWS_PER_DAY, bounds_of};

/// Unit of offset, limit and total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageUnit {
    Messages,
    /// In a list of sensors, those of one second are ordered by their index first.
    Sensors,
    /// Some of the sensors of each message, so that their indices are not known before they are read.
    SelectedSensors,
}

/// The page that is asked for.
pub struct PageRequest<'a> {
    pub order: MessageOrder,
    pub unit: PageUnit,
    /// The stored messages that pass the filter; `None` means all.
    pub matching: Option<&'a MatchingMessages>,
    /// Whether derived messages pass the filter.
    pub derives: bool,
    pub offset: u64,
    pub limit: u64,
}

/// The keys of a page in order.
#[derive(Debug, Default)]
pub struct PageKeys {
    pub keys: Vec<MessageKey>,
    /// Units of the first messages that come before the page; 0 unless the unit is a sensor.
    pub skip: u64,
    /// Units of all messages.
    pub total: u64,
}

/// A device's messages in a window.
type DeviceCount = (i32, MessageCount);

impl PageRequest<'_> {
    /// Finds the keys; blocks.
    ///
    /// # Errors
    /// `Unavailable` when a file cannot be read; `TooLarge` or `Busy` when the keys take too much memory; `Timeout`.
    pub fn find(&self, scope: &MessageScope) -> Result<PageKeys> {
        let mut counter = MessageCounter::new(scope);
        let mut days = Vec::new();
        for day in counter.days() {
            let counted = self.counted_units(&counter.total(day)?);
            days.push((day, self.matching_units(day, None) + counted));
        }
        let total = days.iter().map(|(_, units)| units).sum();
        let mut page = PageKeys { total, ..PageKeys::default() };
        if self.limit == 0 || self.offset >= total {
            return Ok(page);
        }
        if self.order == MessageOrder::NewestFirst {
            days.reverse();
        }
        let pool: Arc<dyn MemoryPool> = scope.query_context.tracker.memory_pool.clone();
        let memory = MemoryConsumer::new("Messages").register(&pool);
        let mut reading = PageReader { request: self, scope, skip: self.offset, need: self.limit, memory };
        for (day, units) in days {
            if reading.skip >= units {
                reading.skip -= units;
                continue;
            }
            reading.read_day(&mut counter, day, &mut page)?;
            if reading.need == 0 {
                break;
            }
        }
        Ok(page)
    }

    /// Units of messages by their counts, without stored ones when these are listed.
    fn counted_units(&self, count: &MessageCount) -> u64 {
        let (derived, stored) = match self.unit {
            PageUnit::Messages => (count.derived, count.stored),
            PageUnit::Sensors | PageUnit::SelectedSensors => (count.derived_sensors, count.stored_sensors),
        };
        let derived = if self.derives { derived } else { 0 };
        derived + if self.matching.is_none() { stored } else { 0 }
    }

    /// Units of the listed stored messages of a day, or of one of its windows.
    fn matching_units(&self, day: Day, window: Option<u8>) -> u64 {
        let count = self.matching.map(|matching| matching.of(day, window)).unwrap_or_default();
        match self.unit {
            PageUnit::Messages => count.messages,
            PageUnit::Sensors | PageUnit::SelectedSensors => count.sensors,
        }
    }

    /// Returns the first keys of a window if the counts tell them: when at least as many devices as there are messages
    /// wanted have their newest message at one and the same time, and none has a later one. Devices that are polled or
    /// post together are like that, and their pages are read most often.
    fn newest_of_devices(&self, counts: &[DeviceCount], wanted: u64) -> Option<Vec<MessageKey>> {
        let is_derived_list = self.unit == PageUnit::Messages && self.matching.is_none() && self.derives;
        let has_stored = || counts.iter().any(|(_, count)| count.stored > 0);
        if !is_derived_list || self.order != MessageOrder::NewestFirst || has_stored() {
            return None;
        }
        let with_any = || counts.iter().filter(|(_, count)| count.derived > 0);
        let ts = with_any().map(|(_, count)| count.newest).max()?;
        let at_end = with_any().filter(|(_, count)| count.newest == ts);
        let mut devices: Vec<i32> = at_end.map(|(device, _)| *device).collect();
        let wanted = usize::try_from(wanted).ok().filter(|wanted| *wanted <= devices.len())?;
        devices.sort_unstable();
        devices.truncate(wanted);
        let key = |device| MessageKey { device, ts, sensors: 0, stored: None };
        Some(devices.into_iter().map(key).collect())
    }

    fn units(&self, sensors: u32) -> u64 {
        match self.unit {
            PageUnit::Messages => 1,
            PageUnit::Sensors | PageUnit::SelectedSensors => u64::from(sensors),
        }
    }
}

/// A page while its keys are read.
struct PageReader<'a> {
    request: &'a PageRequest<'a>,
    scope: &'a MessageScope,
    /// Units still to skip.
    skip: u64,
    /// Units still to return.
    need: u64,
    memory: MemoryReservation,
}

impl PageReader<'_> {
    fn read_day(&mut self, counter: &mut MessageCounter<'_>, day: Day, page: &mut PageKeys) -> Result<()> {
        let mut windows: Vec<Vec<DeviceCount>> = vec![Vec::new(); WINDOWS_PER_DAY];
        counter.count(day, true, &mut |device, window, count| {
            if let Some(of_window) = windows.get_mut(usize::from(window)) {
                of_window.push((device, *count));
            }
        })?;
        let mut order: Vec<u8> = (0..WINDOWS_PER_DAY as u8).collect();
        if self.request.order == MessageOrder::NewestFirst {
            order.reverse();
        }
        for window in order {
            let counts = std::mem::take(&mut windows[usize::from(window)]);
            let counted: u64 = counts.iter().map(|(_, count)| self.request.counted_units(count)).sum();
            let units = counted + self.request.matching_units(day, Some(window));
            if self.skip >= units {
                self.skip -= units;
                continue;
            }
            let keys = self.read_window(day, window, units, counts)?;
            self.take(keys, page);
            if self.need == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Reads enough keys of a window, in order: all up to the last one that is needed, and perhaps more.
    fn read_window(
        &mut self,
        day: Day,
        window: u8,
        units: u64,
        counts: Vec<DeviceCount>,
    ) -> Result<Vec<MessageKey>> {
        let wanted = self.skip.saturating_add(self.need);
        if let Some(keys) = self.request.newest_of_devices(&counts, wanted) {
            return Ok(keys);
        }
        let (devices, ts) = self.narrow(bounds_of(day, window).intersection(self.scope.ts), counts, wanted);
        // Keys at the wanted end are enough, if the messages are spread about evenly.
        let mut share = 1.5 * wanted as f64 / units as f64 + 0.001;
        loop {
            let part = self.part(ts, share);
            let rows = self.scope.keys().estimate_rows(day, part) as usize;
            self.memory.try_resize(rows * size_of::<(i64, i32)>()).map_err(from_datafusion)?;
            let (matching, derives) = (self.request.matching, self.request.derives);
            let request = KeyRequest { day, ts: part, devices: devices.clone(), matching, derives };
            let mut keys = keys::read(self.scope, &request)?;
            let bytes = keys.len() * size_of::<MessageKey>();
            self.memory.try_resize(bytes).map_err(from_datafusion)?;
            let found: u64 = keys.iter().map(|key| self.request.units(key.sensors)).sum();
            if found >= wanted || part == ts {
                if self.request.unit == PageUnit::Messages {
                    self.cut(&mut keys);
                }
                keys.sort_unstable_by(|a, b| a.compare(b, self.request.order));
                return Ok(keys);
            }
            share *= 4.0;
        }
    }

    /// Leaves out the keys before and after the page without sorting them: a window can have many.
    fn cut(&mut self, keys: &mut Vec<MessageKey>) {
        let order = self.request.order;
        let by_order = |a: &MessageKey, b: &MessageKey| a.compare(b, order);
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let wanted = skip.saturating_add(usize::try_from(self.need).unwrap_or(usize::MAX));
        if keys.len() > wanted {
            keys.select_nth_unstable_by(wanted, by_order);
            keys.truncate(wanted);
        }
        if skip > 0 && skip < keys.len() {
            keys.select_nth_unstable_by(skip, by_order);
            keys.drain(..skip);
            self.skip = 0;
        }
    }

    /// Leaves out devices and times that cannot be on the page. Each device's newest message is known: when as many
    /// devices as there are messages wanted have one, older messages than the oldest of these come later.
    fn narrow(
        &self,
        ts: MinMax<i64>,
        mut counts: Vec<DeviceCount>,
        wanted: u64,
    ) -> (Arc<[i32]>, MinMax<i64>) {
        counts.retain(|(_, count)| count.messages() > 0);
        let has_stored = counts.iter().any(|(_, count)| count.stored > 0);
        let is_by_newest = self.request.order == MessageOrder::NewestFirst && !has_stored;
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        if self.request.matching.is_some() {
            // Messages that are listed may be of devices without any counted here.
            return (self.scope.devices.clone(), ts);
        }
        if !is_by_newest || counts.len() <= wanted {
            let mut devices: Vec<i32> = counts.iter().map(|(device, _)| *device).collect();
            devices.sort_unstable();
            devices.dedup();
            return (devices.into(), ts);
        }
        counts.sort_unstable_by_key(|(device, count)| (std::cmp::Reverse(count.newest), *device));
        counts.truncate(wanted);
        let oldest = counts.last().map_or(ts.min, |(_, count)| count.newest);
        let mut devices: Vec<i32> = counts.into_iter().map(|(device, _)| device).collect();
        devices.sort_unstable();
        (devices.into(), MinMax::new(oldest.max(ts.min), ts.max))
    }

    /// Returns the part of a span at the end where the list begins; for sensors, with whole seconds.
    fn part(&self, ts: MinMax<i64>, share: f64) -> MinMax<i64> {
        if share >= 0.5 {
            return ts;
        }
        let length = ((ts.max - ts.min) as f64 * share) as i64;
        match (self.request.order, self.request.unit) {
            (MessageOrder::NewestFirst, PageUnit::Messages) => MinMax::new(ts.max - length, ts.max),
            (MessageOrder::OldestFirst, PageUnit::Messages) => MinMax::new(ts.min, ts.min + length),
            (MessageOrder::NewestFirst, _) => {
                MinMax::new(ts.min.max(second_of(ts.max - length) * MICROS_PER_SECOND), ts.max)
            }
            (MessageOrder::OldestFirst, _) => {
                let next = second_of(ts.min + length) + 1;
                MinMax::new(ts.min, ts.max.min(next * MICROS_PER_SECOND - 1))
            }
        }
    }

    /// Takes keys into the page. For sensors, all messages of one second are taken together, because their sensors are
    /// ordered among each other.
    fn take(&mut self, keys: Vec<MessageKey>, page: &mut PageKeys) {
        let is_one_group = |a: &MessageKey, b: &MessageKey| {
            self.request.unit != PageUnit::Messages && second_of(a.ts) == second_of(b.ts)
        };
        for group in keys.chunk_by(is_one_group) {
            let units: u64 = group.iter().map(|key| self.request.units(key.sensors)).sum();
            if self.need == 0 {
                return;
            }
            if self.skip >= units {
                self.skip -= units;
                continue;
            }
            let is_first = page.keys.is_empty();
            let taken = match self.request.unit {
                PageUnit::Sensors => sensor_group::needed(group, self.skip, self.need),
                PageUnit::Messages | PageUnit::SelectedSensors => {
                    NeededMessages { keys: group.to_vec(), skip: self.skip }
                }
            };
            if is_first {
                page.skip = taken.skip;
            }
            self.need = self.need.saturating_sub(units - std::mem::take(&mut self.skip));
            page.keys.extend(taken.keys);
        }
    }
}

/// Returns the second of a time, since 1970.
pub fn second_of(ts: i64) -> i64 {
    ts.div_euclid(MICROS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of devices, each with so many derived and stored messages, the newest at a time.
    fn counts(devices: &[(i32, u64, u64, i64)]) -> Vec<DeviceCount> {
        let count = |(device, derived, stored, newest): &(i32, u64, u64, i64)| {
            let (derived, stored, newest) = (*derived, *stored, *newest);
            (*device, MessageCount { derived, stored, newest, ..MessageCount::default() })
        };
        devices.iter().map(count).collect()
    }

    #[test]
    fn counts_tell_the_first_keys_where_devices_end_together() {
        let together = [(4, 3, 0, 90), (2, 1, 0, 90), (9, 2, 0, 80), (3, 5, 0, 90), (5, 0, 0, i64::MIN)];
        let one_is_later = [(4, 3, 0, 90), (2, 1, 0, 90), (9, 2, 0, 91)];
        let one_is_stored = [(4, 3, 0, 90), (2, 1, 1, 90)];
        let newest =
            |unit, order, derives| PageRequest { order, unit, matching: None, derives, offset: 0, limit: 9 };
        use MessageOrder::{NewestFirst, OldestFirst};
        use PageUnit::{Messages, Sensors};
        let rows = [
            ("all", newest(Messages, NewestFirst, true), &together[..], 3, Some(vec![2, 3, 4])),
            ("some", newest(Messages, NewestFirst, true), &together[..], 1, Some(vec![2])),
            ("more_than_end_together", newest(Messages, NewestFirst, true), &together[..], 4, None),
            ("one_is_later", newest(Messages, NewestFirst, true), &one_is_later[..], 2, None),
            ("the_later_one", newest(Messages, NewestFirst, true), &one_is_later[..], 1, Some(vec![9])),
            ("one_is_stored", newest(Messages, NewestFirst, true), &one_is_stored[..], 1, None),
            ("oldest_first", newest(Messages, OldestFirst, true), &together[..], 1, None),
            ("sensors", newest(Sensors, NewestFirst, true), &together[..], 1, None),
            ("none_derived", newest(Messages, NewestFirst, false), &together[..], 1, None),
            ("none", newest(Messages, NewestFirst, true), &[][..], 1, None),
        ];
        for (name, request, devices, wanted, expected) in rows {
            let counts = counts(devices);
            let keys = request.newest_of_devices(&counts, wanted);
            let newest = counts.iter().map(|(_, count)| count.newest).max().unwrap_or_default();
            assert!(keys.iter().flatten().all(|key| key.ts == newest && key.stored.is_none()), "{name}");
            let devices = keys.map(|keys| keys.iter().map(|key| key.device).collect::<Vec<_>>());
            assert_eq!(devices, expected, "{name}");
        }
    }
}

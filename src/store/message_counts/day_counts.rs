//! The counts of one day: totals of each device, and the same by window.

use std::sync::Arc;

use crate::domain::min_max::MinMax;

/// No time: the newest of nothing.
pub const NO_TIME: i64 = i64::MIN;

/// Counts of one device over some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCounts {
    /// Distinct times of its readings.
    pub times: u64,
    /// Stored messages.
    pub stored: u64,
    /// Distinct times of its readings for which a message is stored.
    pub hidden: u64,
    /// Readings.
    pub sensors: u64,
    /// Sensors of stored messages.
    pub stored_sensors: u64,
    /// Readings at times for which a message is stored.
    pub hidden_sensors: u64,
    /// Time of the newest reading in microseconds; `NO_TIME` for none.
    pub newest_reading: i64,
    /// Time of the newest stored message in microseconds; `NO_TIME` for none.
    pub newest_stored: i64,
}

impl Default for KeyCounts {
    fn default() -> Self {
        let [times, stored, hidden, sensors, stored_sensors, hidden_sensors] = [0; 6];
        let (newest_reading, newest_stored) = (NO_TIME, NO_TIME);
        Self { times, stored, hidden, sensors, stored_sensors, hidden_sensors, newest_reading, newest_stored }
    }
}

impl KeyCounts {
    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.times == 0 && self.stored == 0
    }

    /// Adds the counts of another time.
    pub fn add(&mut self, other: &KeyCounts) {
        self.times += other.times;
        self.stored += other.stored;
        self.hidden += other.hidden;
        self.sensors += other.sensors;
        self.stored_sensors += other.stored_sensors;
        self.hidden_sensors += other.hidden_sensors;
        self.newest_reading = self.newest_reading.max(other.newest_reading);
        self.newest_stored = self.newest_stored.max(other.newest_stored);
    }

    /// Returns what a reader sees of the counts.
    pub fn visible(&self, sees: Visibility) -> MessageCount {
        let Visibility { readings, stored } = sees;
        let mut seen = MessageCount::default();
        if readings {
            seen.derived = self.times;
            seen.derived_sensors = self.sensors;
            seen.newest = self.newest_reading;
        }
        if stored {
            seen.stored = self.stored;
            seen.stored_sensors = self.stored_sensors;
            seen.newest = seen.newest.max(self.newest_stored);
        }
        if readings && stored {
            seen.derived -= self.hidden;
            seen.derived_sensors -= self.hidden_sensors;
        }
        seen
    }

    /// Returns the six numbers in the order in which files hold them.
    pub fn numbers(&self) -> [u64; 6] {
        let Self { times, stored, hidden, sensors, stored_sensors, hidden_sensors, .. } = *self;
        [times, stored, hidden, sensors, stored_sensors, hidden_sensors]
    }

    /// The inverse of [`KeyCounts::numbers`].
    pub fn from_numbers(numbers: [u64; 6], newest_reading: i64, newest_stored: i64) -> Self {
        let [times, stored, hidden, sensors, stored_sensors, hidden_sensors] = numbers;
        Self { times, stored, hidden, sensors, stored_sensors, hidden_sensors, newest_reading, newest_stored }
    }
}

/// Which of the two kinds of rows a reader sees of a device and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visibility {
    pub readings: bool,
    pub stored: bool,
}

/// Messages that a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCount {
    pub derived: u64,
    pub stored: u64,
    /// Sensors of derived messages.
    pub derived_sensors: u64,
    /// Sensors of stored messages.
    pub stored_sensors: u64,
    /// Time of the newest message in microseconds; `NO_TIME` for none.
    pub newest: i64,
}

impl Default for MessageCount {
    fn default() -> Self {
        Self { derived: 0, stored: 0, derived_sensors: 0, stored_sensors: 0, newest: NO_TIME }
    }
}

impl MessageCount {
    /// Adds the messages of another device or span, which must not be counted here already.
    pub fn add(&mut self, other: &MessageCount) {
        self.derived += other.derived;
        self.stored += other.stored;
        self.derived_sensors += other.derived_sensors;
        self.stored_sensors += other.stored_sensors;
        self.newest = self.newest.max(other.newest);
    }

    /// Returns the number of messages.
    pub fn messages(&self) -> u64 {
        self.derived + self.stored
    }

    /// Returns the number of sensors.
    pub fn sensors(&self) -> u64 {
        self.derived_sensors + self.stored_sensors
    }
}

/// The counts of a device on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceDay {
    pub device: i32,
    /// Streams whose readings are counted, ascending.
    pub streams: Arc<[i32]>,
    /// Windows with any message, ascending.
    pub windows: Vec<(u8, KeyCounts)>,
}

impl DeviceDay {
    /// Returns the counts of the whole day.
    pub fn total(&self) -> KeyCounts {
        let mut total = KeyCounts::default();
        self.windows.iter().for_each(|(_, counts)| total.add(counts));
        total
    }

    /// Returns the counts of a window; nothing for one without messages.
    pub fn window(&self, window: u8) -> KeyCounts {
        let at = self.windows.binary_search_by_key(&window, |(known, _)| *known);
        at.map_or_else(|_| KeyCounts::default(), |at| self.windows[at].1)
    }
}

/// The counts of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Every row of the lake up to this seq is counted.
    pub covered: u64,
    /// By device, ascending; devices without messages are left out.
    pub devices: Vec<DeviceDay>,
}

impl DayCounts {
    /// Returns the counts of a device by its id; `None` when it has no messages on this day.
    pub fn device(&self, device: i32) -> Option<&DeviceDay> {
        let at = self.devices.binary_search_by_key(&device, |known| known.device);
        at.ok().map(|at| &self.devices[at])
    }

    /// Returns the totals of the devices.
    pub fn totals(&self) -> DayTotals {
        let total = |day: &DeviceDay| DeviceTotal {
            device: day.device,
            streams: day.streams.clone(),
            counts: day.total(),
        };
        DayTotals { covered: self.covered, devices: self.devices.iter().map(total).collect() }
    }
}

/// The total of a device on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceTotal {
    pub device: i32,
    pub streams: Arc<[i32]>,
    pub counts: KeyCounts,
}

/// The totals of one day, which stay in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayTotals {
    pub covered: u64,
    /// By device, ascending.
    pub devices: Vec<DeviceTotal>,
}

/// Decides which of a device's rows within `span` a reader sees, from the times at which its streams and its messages
/// begin. `None` when only a part is seen: the rows must be counted then.
pub fn visibility(streams: Option<MinMax<i64>>, messages_from: i64, span: MinMax<i64>) -> Option<Visibility> {
    let readings = match streams {
        // Without a stream that counts there is no reading.
        None => false,
        Some(from) if from.max <= span.min => true,
        Some(from) if from.min > span.max => false,
        Some(_) => return None,
    };
    let stored = if messages_from <= span.min {
        true
    } else if messages_from > span.max {
        false
    } else {
        return None;
    };
    Some(Visibility { readings, stored })
}

//! Recording of the demo's past: the readings that collectors would have stored of it.

use super::catalog;
use crate::app::App;
use crate::domain::device::Protocol;
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::StreamFilter;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::sim::past::PastMoment;
use crate::sim::readout::{Readout, TagReader};
use crate::sim::{DemoTag, demo_tags};

/// As collectors that poll do, a value that does not move is stored this often.
const LONGEST_SILENCE_US: i64 = 600 * MICROS_PER_SECOND;

/// A device with the tags that have a history.
pub(super) struct RecordedDevice {
    protocol: Protocol,
    tags: Vec<RecordedTag>,
}

impl RecordedDevice {
    /// Adds the readings that the device's collector would have stored at a moment, which is after those before.
    pub(super) fn record(&mut self, moment: &PastMoment, readout: &Readout<'_>, rows: &mut Readings) {
        let is_away = moment.plant.is_away(self.protocol);
        for tag in &mut self.tags {
            let value = if is_away { None } else { tag.reader.read(readout) };
            if let Some(reading) = tag.next(moment.ts, value) {
                rows.push(reading);
            }
        }
    }
}

/// Returns the demo's devices before their first reading.
pub(super) fn find_devices(app: &App, owner: &Principal) -> Result<Vec<RecordedDevice>> {
    let mut found = Vec::new();
    for device in catalog::devices(app, owner)? {
        let protocol = device.spec.protocol;
        let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
        let streams = app.streams.streams(owner, &filter)?;
        let recorded = |tag: DemoTag| {
            let stream = streams.iter().find(|stream| stream.spec.path == tag.path)?;
            RecordedTag::new(protocol, &tag, stream.id)
        };
        let tags = demo_tags(protocol).into_iter().filter_map(recorded).collect();
        found.push(RecordedDevice { protocol, tags });
    }
    Ok(found)
}

/// A tag, and the last reading that was stored of it.
struct RecordedTag {
    stream: StreamId,
    reader: TagReader,
    values: StoredValues,
    /// Longest time without a reading; `None` where an unchanged value is never stored again.
    longest_us: Option<i64>,
    last: LastStored,
}

/// The values of a tag that are stored.
#[derive(Debug, Clone, Copy)]
enum StoredValues {
    Every,
    Changes,
    /// Values that differ by this much at least.
    Deadband(f64),
}

/// The last reading that was stored of a tag.
#[derive(Debug, Clone, Copy)]
enum LastStored {
    Nothing,
    Lost,
    Value(Micros, f64),
}

impl RecordedTag {
    /// Returns the tag before its first reading; `None` for one that the devices of the demo do not have.
    fn new(protocol: Protocol, tag: &DemoTag, stream: StreamId) -> Option<RecordedTag> {
        let reader = TagReader::new(protocol, tag)?;
        // An OPC UA server reports every change, and nothing else.
        let (values, longest_us) = match (protocol, tag.deadband) {
            (Protocol::Opcua, _) => (StoredValues::Changes, None),
            (_, Some(deadband)) => (StoredValues::Deadband(deadband), Some(LONGEST_SILENCE_US)),
            (_, None) => (StoredValues::Every, Some(LONGEST_SILENCE_US)),
        };
        Some(RecordedTag { stream, reader, values, longest_us, last: LastStored::Nothing })
    }

    /// Returns the reading to store of what was read; `None` when it is not stored. A lost source leaves one bad reading.
    fn next(&mut self, ts: Micros, value: Option<f64>) -> Option<Reading> {
        let Some(value) = value else {
            let is_known = matches!(self.last, LastStored::Lost);
            self.last = LastStored::Lost;
            return (!is_known).then(|| Reading::lost(self.stream, ts));
        };
        if let LastStored::Value(at, stored) = self.last
            && !self.values.include(value, stored)
            && self.longest_us.is_none_or(|longest| ts.0 - at.0 < longest)
        {
            return None;
        }
        self.last = LastStored::Value(ts, value);
        Some(Reading::good(self.stream, ts, value))
    }
}

impl StoredValues {
    /// Whether a value is stored after another.
    fn include(self, value: f64, stored: f64) -> bool {
        match self {
            StoredValues::Every => true,
            StoredValues::Changes => value != stored,
            StoredValues::Deadband(least) => (value - stored).abs() >= least,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case, second, value that was read, and value that is stored; a stored reading without a value is bad.
    type Row = (&'static str, i64, Option<f64>, Option<Option<f64>>);

    fn check(protocol: Protocol, name: &str, rows: &[Row]) {
        let tag = demo_tags(protocol).into_iter().find(|tag| tag.name == name).expect(name);
        let mut tag = RecordedTag::new(protocol, &tag, StreamId(1)).expect("the device has it");
        for (case, second, value, expected) in rows {
            let stored = tag.next(Micros(second * MICROS_PER_SECOND), *value);
            assert_eq!(stored.map(|reading| reading.value), *expected, "{protocol:?} {name} {case}");
        }
    }

    #[test]
    fn it_is_stored_as_collectors_store() {
        let on_and_off = [
            ("first", 0, Some(1.0), Some(Some(1.0))),
            ("unchanged", 50, Some(1.0), None),
            ("changed", 100, Some(0.0), Some(Some(0.0))),
            ("lost", 150, None, Some(None)),
            ("still_lost", 200, None, None),
            ("back", 250, Some(0.0), Some(Some(0.0))),
            ("unchanged_for_long", 849, Some(0.0), None),
        ];
        check(Protocol::Modbus, "motor.running", &on_and_off);
        check(Protocol::Opcua, "motor.running", &on_and_off);
        let silent = [("first", 0, Some(0.0), Some(Some(0.0))), ("silent", 600, Some(0.0), Some(Some(0.0)))];
        check(Protocol::Modbus, "motor.running", &silent);
        let silent = [("first", 0, Some(0.0), Some(Some(0.0))), ("silent", 86_400, Some(0.0), None)];
        check(Protocol::Opcua, "motor.running", &silent);
    }

    #[test]
    fn small_changes_are_stored_where_there_is_no_deadband() {
        let stored = [
            ("first", 0, Some(60.0), Some(Some(60.0))),
            ("small", 50, Some(60.01), Some(Some(60.01))),
            ("none", 100, Some(60.01), None),
        ];
        check(Protocol::Opcua, "motor.temperature", &stored);
        let banded = [
            ("first", 0, Some(60.0), Some(Some(60.0))),
            ("small", 50, Some(60.05), None),
            ("with_the_one_before", 100, Some(60.15), Some(Some(60.15))),
        ];
        check(Protocol::Modbus, "motor.temperature", &banded);
        let every = [("first", 0, Some(9.0), Some(Some(9.0))), ("same", 50, Some(9.0), Some(Some(9.0)))];
        check(Protocol::Modbus, "motor.current", &every);
    }
}

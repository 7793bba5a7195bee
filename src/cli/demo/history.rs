//! History of a new demo: its past is calculated by the simulators' plant, and marked as such.

use serde_json::json;

use super::catalog;
use super::past_events;
use crate::app::App;
use crate::cli::instance::Instance;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::StreamFilter;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{DeviceId, Error, Micros, Principal, Result, StreamId};
use crate::sim::past::{PastMoment, past_until};
use crate::sim::readout::{Readout, TagReader};
use crate::sim::{DemoTag, Plant, demo_tags};

/// Metadata of a device that says until when its readings were calculated.
const MARK: &str = "simulated_history_until";
/// As collectors do, a value that does not move is stored this often.
const LONGEST_SILENCE_US: i64 = 600 * MICROS_PER_SECOND;

/// Writes the history that ends now, unless there are readings. Returns the plant as it goes on.
///
/// # Errors
/// As [`crate::app::ingest::Ingest::write_history`].
pub(super) async fn write(opened: &Instance, owner: &Principal) -> Result<Plant> {
    let app = &opened.app;
    let devices = find_devices(app, owner)?;
    let has_readings = |tag: &RecordedTag| app.streams.latest_valued_reading(owner, tag.stream).is_some();
    if devices.iter().flat_map(|device| &device.tags).any(has_readings) {
        // A first start that was interrupted wrote it.
        return Ok(Plant::default());
    }
    let now = opened.clock.now();
    let end = Micros(now.0 - now.0.rem_euclid(MICROS_PER_SECOND));
    let past = past_until(end);
    app.ingest.write_history(owner, record(&devices, &past.moments)?).await?;
    for event in past_events::all(app, owner, &past.moments, end)? {
        app.events.create_event(owner, event).await?;
    }
    for device in devices {
        let mark = move |spec: &mut DeviceSpec| {
            spec.metadata.insert(MARK.to_owned(), json!(end.to_iso()));
        };
        app.devices.update_device(owner, device.id, mark).await?;
    }
    Ok(past.present)
}

/// A device with the tags that have a history.
struct RecordedDevice {
    id: DeviceId,
    protocol: Protocol,
    tags: Vec<RecordedTag>,
}

struct RecordedTag {
    stream: StreamId,
    reader: TagReader,
    /// Smaller changes are not stored; `None` stores every value.
    deadband: Option<f64>,
}

fn find_devices(app: &App, owner: &Principal) -> Result<Vec<RecordedDevice>> {
    let mut found = Vec::new();
    for (name, protocol, _) in catalog::DEVICES {
        let known = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        let Some(device) = app.devices.devices(owner, &known)?.first().cloned() else { continue };
        let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
        let streams = app.streams.streams(owner, &filter)?;
        let recorded = |tag: DemoTag| {
            let stream = streams.iter().find(|stream| stream.spec.path == tag.path)?;
            let reader = TagReader::new(protocol, &tag)?;
            // An OPC UA server reports every change, and nothing else.
            let deadband = if protocol == Protocol::Opcua { Some(f64::MIN_POSITIVE) } else { tag.deadband };
            Some(RecordedTag { stream: stream.id, reader, deadband })
        };
        let tags = demo_tags(protocol).into_iter().filter_map(recorded).collect();
        found.push(RecordedDevice { id: device.id, protocol, tags });
    }
    Ok(found)
}

/// Returns the readings of all devices, as their collectors would have stored them.
fn record(devices: &[RecordedDevice], moments: &[PastMoment]) -> Result<Readings> {
    let readouts: Result<Vec<_>, _> = moments.iter().map(|moment| Readout::of(&moment.plant)).collect();
    let readouts = readouts.map_err(|e| Error::internal(format!("the plant cannot be read: {e:?}")))?;
    let mut rows = Readings::default();
    for device in devices {
        let is_away = |moment: &PastMoment| moment.plant.is_away(device.protocol);
        let away: Vec<bool> = moments.iter().map(is_away).collect();
        for tag in &device.tags {
            let mut last = LastStored::Nothing;
            for ((moment, readout), is_away) in moments.iter().zip(&readouts).zip(&away) {
                let value = if *is_away { None } else { tag.reader.read(readout) };
                if let Some(reading) = last.next(tag, moment.ts, value) {
                    rows.push(reading);
                }
            }
        }
    }
    Ok(rows)
}

/// What was stored last of a stream.
enum LastStored {
    Nothing,
    Lost,
    Value(Micros, f64),
}

impl LastStored {
    /// Returns the reading to store of what was read; `None` when it is not stored. A lost source leaves one bad reading.
    fn next(&mut self, tag: &RecordedTag, ts: Micros, value: Option<f64>) -> Option<Reading> {
        let Some(value) = value else {
            let is_known = matches!(self, LastStored::Lost);
            *self = LastStored::Lost;
            return (!is_known).then(|| Reading::lost(tag.stream, ts));
        };
        if let (LastStored::Value(at, stored), Some(deadband)) = (&*self, tag.deadband)
            && (value - stored).abs() < deadband
            && ts.0 - at.0 < LONGEST_SILENCE_US
        {
            return None;
        }
        *self = LastStored::Value(ts, value);
        Some(Reading::good(tag.stream, ts, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_collectors_store() {
        let tag = demo_tags(Protocol::Modbus).into_iter().find(|tag| tag.name == "motor.running");
        let tag = tag.expect("a tag with a deadband");
        let reader = TagReader::new(Protocol::Modbus, &tag).expect("it is in the register map");
        let tag = RecordedTag { stream: StreamId(1), reader, deadband: tag.deadband };
        let mut last = LastStored::Nothing;
        let rows = [
            ("first", 0, Some(1.0), Some(Some(1.0))),
            ("unchanged", 50, Some(1.0), None),
            ("changed", 100, Some(0.0), Some(Some(0.0))),
            ("lost", 150, None, Some(None)),
            ("still_lost", 200, None, None),
            ("back", 250, Some(0.0), Some(Some(0.0))),
            ("silent_for_long", 850, Some(0.0), Some(Some(0.0))),
        ];
        for (case, second, value, expected) in rows {
            let stored = last.next(&tag, Micros(second * MICROS_PER_SECOND), value);
            assert_eq!(stored.map(|reading| reading.value), expected, "{case}");
        }
    }
}

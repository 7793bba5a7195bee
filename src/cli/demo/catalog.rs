//! Devices and streams of the demo, found by the names that it gives them.

use std::sync::Arc;

use crate::app::App;
use crate::domain::device::{Device, DeviceFilter, Protocol};
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{Principal, Result, StreamId};

/// Device with all quantities of the plant.
const PLANT: &str = "Plant";
pub(super) const TANK: &str = "Tank PLC";
pub(super) const FURNACE: &str = "Furnace PLC";
pub(super) const MOTOR: &str = "Motor server";

/// Devices, their protocols, and the part of the plant that each one's streams measure.
pub(super) const DEVICES: [(&str, Protocol, &str); 4] = [
    (PLANT, Protocol::Modbus, ""),
    (TANK, Protocol::Fenet, "tank."),
    (FURNACE, Protocol::Melsec, "furnace."),
    (MOTOR, Protocol::Opcua, "motor."),
];

/// Stream used in the REST example; it is stored at every poll.
const EXAMPLE_STREAM: &str = "motor.speed";

/// Returns the devices of the demo; the owner may have renamed or deleted some.
pub(super) fn devices(app: &App, owner: &Principal) -> Result<Vec<Arc<Device>>> {
    let mut found = Vec::new();
    for (name, _, _) in DEVICES {
        let known = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        found.extend(app.devices.devices(owner, &known)?.first().cloned());
    }
    Ok(found)
}

/// Returns the example stream, or the first stream if the owner renamed it.
pub(super) fn find_example_stream(app: &App, owner: &Principal) -> Result<StreamId> {
    let all = app.streams.streams(owner, &StreamFilter::default())?;
    let shown = all.iter().find(|stream| stream.spec.name == EXAMPLE_STREAM).or(all.first());
    Ok(shown.map_or(StreamId(1), |stream| stream.id))
}

/// Streams of the machines' devices.
pub(super) struct DemoStreams(Vec<(&'static str, Arc<Stream>)>);

impl DemoStreams {
    /// Reads them from the catalog; the owner may have renamed or deleted some.
    pub(super) fn load(app: &App, owner: &Principal) -> Result<DemoStreams> {
        let mut found = Vec::new();
        for name in [TANK, FURNACE, MOTOR] {
            let known = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
            let Some(device) = app.devices.devices(owner, &known)?.first().cloned() else { continue };
            let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
            found.extend(app.streams.streams(owner, &filter)?.into_iter().map(|stream| (name, stream)));
        }
        Ok(DemoStreams(found))
    }

    /// Returns the stream with this name of a device.
    pub(super) fn find(&self, device: &str, name: &str) -> Option<&Stream> {
        let is_wanted = |(of, stream): &&(&str, Arc<Stream>)| *of == device && stream.spec.name == name;
        self.0.iter().find(is_wanted).map(|(_, stream)| &**stream)
    }
}

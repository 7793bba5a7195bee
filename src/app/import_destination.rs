//! Destination of imported readings: a stream that is given by names.

use super::access::require_system;
use super::control::OwnerCommands;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::stream::{StreamFilter, StreamKind, StreamSpec};
use crate::domain::{Error, Principal, Result, StreamId};

impl OwnerCommands {
    /// Finds a stream by the names of its device and itself. `create` is the type with which a missing stream is created; a
    /// missing device is created too.
    ///
    /// # Errors
    /// `Invalid` that names what is missing.
    pub(super) async fn find_stream(
        &self,
        principal: &Principal,
        device: &str,
        stream: &str,
        create: Option<StreamKind>,
    ) -> Result<StreamId> {
        require_system(principal)?;
        let catalog = self.store.catalog();
        let by_name = DeviceFilter { name: Some(device.to_owned()), ..DeviceFilter::default() };
        let owner = match (catalog.devices.devices(principal, &by_name).first(), create) {
            (Some(known), _) => known.id,
            (None, Some(_)) => {
                // It is not polled: its values come from the file.
                let mut spec = DeviceSpec::new(device, Protocol::Virtual);
                spec.poll_interval_s = None;
                catalog.devices.create_device(principal, spec).await?.id
            }
            (None, None) => return Err(no_device(device)),
        };
        let by_name =
            StreamFilter { device: Some(owner), name: Some(stream.to_owned()), ..StreamFilter::default() };
        match (catalog.streams.streams(principal, &by_name).first(), create) {
            (Some(known), _) => Ok(known.id),
            (None, Some(kind)) => {
                let spec = StreamSpec { kind, ..StreamSpec::new(stream, owner) };
                Ok(catalog.streams.create_stream(principal, spec).await?.id)
            }
            (None, None) => Err(no_stream(device, stream)),
        }
    }
}

/// The error for a missing target device of an import.
pub fn no_device(name: &str) -> Error {
    Error::field("device", format!("there is no device `{name}`; --create makes it"))
}

/// The error for a missing target stream of an import.
pub fn no_stream(device: &str, name: &str) -> Error {
    Error::field("name", format!("device `{device}` has no stream `{name}`; --create makes it"))
}

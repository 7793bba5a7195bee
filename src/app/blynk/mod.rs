//! Blynk's organization API: current values and history of datastreams, updates, imports and widget properties.
//!
//! A datastream is a stream, known in its device by its channel. Every call takes the access of a token, checks the
//! permissions of its client first, and then acts as its principal, which sees the devices of the organization or those
//! of its user. Messages are those of the vendor: its clients show them.

pub mod batch_update;
pub mod history;
pub mod import;
pub mod read;
pub mod update;
pub mod value;
pub mod widget;
mod writes;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::AppSettings;
use super::core_parts::CoreParts;
use super::device::Devices;
use super::gateway::hub::GatewayHub;
use super::stream::Streams;
use super::token::ClientAccess;
use super::value::Values;
use crate::auth::rate_limiter::RateLimiter;
use crate::domain::client::Permission;
use crate::domain::device::Device;
use crate::domain::stream::Stream;
use crate::domain::{Clock, DeviceId, Error, Kind, Result};
use crate::query::Engine;
use crate::store::Store;

/// Services that Blynk's API calls.
pub(super) struct BlynkCalls {
    pub devices: Arc<Devices>,
    pub streams: Arc<Streams>,
    pub values: Arc<Values>,
}

/// The calls of Blynk's API.
pub struct Blynk {
    store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    devices: Arc<Devices>,
    streams: Arc<Streams>,
    values: Arc<Values>,
    /// Says which devices are connected.
    hub: Arc<GatewayHub>,
    /// How long a command waits for its answer.
    command_ttl: Duration,
    /// Imports left to each device.
    imports: Mutex<RateLimiter<DeviceId>>,
}

impl Blynk {
    pub(super) fn new(
        parts: &CoreParts,
        calls: BlynkCalls,
        hub: Arc<GatewayHub>,
        settings: &AppSettings,
    ) -> Self {
        let BlynkCalls { devices, streams, values } = calls;
        let imports = Mutex::new(RateLimiter::new(settings.compat.blynk_imports));
        let command_ttl = settings.commands.ttl;
        let (store, engine, clock) = (parts.store.clone(), parts.engine.clone(), parts.clock.clone());
        Self { store, engine, clock, devices, streams, values, hub, command_ttl, imports }
    }

    /// Returns a device that the token sees.
    fn visible_device(&self, access: &ClientAccess, id: DeviceId) -> Result<Arc<Device>> {
        let found = self.devices.device(&access.principal, id);
        found.map_err(|error| {
            let message =
                format!("Device with identifier {id} is not found or belong to another organization.");
            not_found_as(error, message)
        })
    }

    /// Returns the datastream of a visible device with this id.
    fn visible_datastream(
        &self,
        access: &ClientAccess,
        device: &Device,
        channel: i32,
    ) -> Result<Arc<Stream>> {
        let found = self.streams.stream_by_channel(&access.principal, device.id, channel);
        found.map_err(|error| no_datastream(error, channel))
    }
}

/// Requires a permission to see devices: all of them, or those of the user.
fn require_view(access: &ClientAccess) -> Result<()> {
    let granted = access.client.permissions();
    let (own, all) = (Permission::OwnDevicesView, Permission::OrgDevicesView);
    match granted.contains(own) || granted.contains(all) {
        true => Ok(()),
        false => Err(missing_permission(format_args!("{} or {}", own.name(), all.name()))),
    }
}

/// Requires a permission besides that to see devices.
fn require_with_view(access: &ClientAccess, permission: Permission) -> Result<()> {
    require_view(access)?;
    match access.client.permissions().contains(permission) {
        true => Ok(()),
        false => Err(missing_permission(permission.name())),
    }
}

fn missing_permission(name: impl Display) -> Error {
    Error::forbidden(format!("You don't have the required permission: {name}."))
}

/// Replaces the message of a `NotFound`; what it says for the audit log stays.
fn not_found_as(error: Error, message: String) -> Error {
    match error.kind {
        Kind::NotFound => Error { message, ..error },
        _ => error,
    }
}

fn no_datastream(error: Error, id: impl Display) -> Error {
    not_found_as(error, format!("Data stream with identifier {id} is not found!"))
}

/// The error for a value that a datastream does not take.
fn value_mismatch() -> Error {
    Error::invalid("Value doesn't match the Datastream data type")
}

#[cfg(test)]
#[path = "blynk_tests.rs"]
mod tests;

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

use parking_lot::Mutex;

use super::App;
use super::token::ClientAccess;
use crate::auth::rate_limiter::{AttemptBudget, RateLimiter};
use crate::domain::client::Permission;
use crate::domain::device::Device;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, Kind, Result};

/// State of the API.
pub struct BlynkState {
    /// Imports left to each device.
    imports: Mutex<RateLimiter<DeviceId>>,
}

impl BlynkState {
    pub fn new(imports: AttemptBudget) -> Self {
        Self { imports: Mutex::new(RateLimiter::new(imports)) }
    }
}

impl App {
    /// Returns a device that the token sees.
    fn blynk_device(&self, access: &ClientAccess, id: DeviceId) -> Result<Arc<Device>> {
        let found = self.devices.device(&access.principal, id);
        found.map_err(|error| {
            let message =
                format!("Device with identifier {id} is not found or belong to another organization.");
            not_found_as(error, message)
        })
    }

    /// Returns the datastream of a visible device with this id.
    fn blynk_datastream(&self, access: &ClientAccess, device: &Device, channel: i32) -> Result<Arc<Stream>> {
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

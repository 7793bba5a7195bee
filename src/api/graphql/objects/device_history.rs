//! Types of the schema for the states that a device had.

use async_graphql::Object;

use crate::api::graphql::enums::DeviceState;
use crate::api::graphql::scalars::DateTime;
use crate::domain::device_history;

/// States that a device had in a range.
pub struct DeviceHistory(pub device_history::DeviceHistory);

/// A time in which a device had one state.
pub struct DeviceStateInterval(device_history::StateInterval);

/// States that a device had in a range.
#[Object]
impl DeviceHistory {
    /// Start of the range, inclusive.
    async fn from(&self) -> DateTime {
        DateTime(self.0.from)
    }

    /// End of the range, exclusive.
    async fn to(&self) -> DateTime {
        DateTime(self.0.to)
    }

    /// Share of the time in which the device responded, 0 to 1, of that in which it should have. Times when it was disabled,
    /// was connected to for the first time, or is unknown do not count; null if none is left.
    async fn availability(&self) -> Option<f64> {
        self.0.availability()
    }

    /// The states in the order of their times, without gaps.
    async fn states(&self) -> Vec<DeviceStateInterval> {
        self.0.states.iter().cloned().map(DeviceStateInterval).collect()
    }
}

/// A time in which a device had one state.
#[Object]
impl DeviceStateInterval {
    /// When the state began.
    async fn from(&self) -> DateTime {
        DateTime(self.0.from)
    }

    /// When the state ended.
    async fn to(&self) -> DateTime {
        DateTime(self.0.to)
    }

    /// State of the device; null when no server was there to look.
    async fn state(&self) -> Option<DeviceState> {
        self.0.state.map(DeviceState::from)
    }

    /// What was wrong when the state began; null if nothing was.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}

//! Types of the schema for the states that a device had.

use async_graphql::Object;

use crate::api::graphql::enums::DeviceState;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::device_history;

/// States that a device had in a range.
pub struct DeviceHistory(pub device_history::DeviceHistory);

/// A time in which a device had one state.
pub struct DeviceStateInterval(device_history::StateInterval);

object! {
    #[Object]
    /// States that a device had in a range.
    impl DeviceHistory(self) {
        /// Start of the range, inclusive.
        from: DateTime = DateTime(self.0.from);
        /// End of the range, exclusive.
        to: DateTime = DateTime(self.0.to);
        /// Share of the time in which the device responded, 0 to 1, of that in which it should have. Times when it was disabled,
        /// was connected to for the first time, or is unknown do not count; null if none is left.
        availability: Option<f64> = self.0.availability();
        /// The states in the order of their times, without gaps.
        states: Vec<DeviceStateInterval> = self.0.states.iter().cloned().map(DeviceStateInterval).collect();
    }
}

object! {
    #[Object]
    /// A time in which a device had one state.
    impl DeviceStateInterval(self) {
        /// When the state began.
        from: DateTime = DateTime(self.0.from);
        /// When the state ended.
        to: DateTime = DateTime(self.0.to);
        /// State of the device; null when no server was there to look.
        state: Option<DeviceState> = self.0.state.map(DeviceState::from);
        /// Fault that was there when the state began; null if nothing was.
        error: Option<&str> = self.0.error.as_deref();
    }
}

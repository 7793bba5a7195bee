//! Sensors: the values of a message.

use serde_json::{Number, Value};

/// Status of a sensor with a value.
pub const SENSOR_OK: &str = "OK";
/// Status of a sensor whose reading has bad quality.
pub const SENSOR_BAD: &str = "BAD";

/// One value of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageSensor {
    /// Place in the message, from 1.
    pub index: u32,
    /// Name of the sensor; the name of the stream unless it is empty.
    pub id: String,
    /// Status that the device gave the sensor.
    pub status: String,
    /// `None` when there is no number.
    pub value: Option<Number>,
    /// The value as JSON of whatever kind; null when there is none.
    pub json: Value,
    /// Unit; `None` when there is none.
    pub unit: Option<String>,
}

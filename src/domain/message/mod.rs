//! Messages: packets and documents of devices, stored as they came or derived from readings.

mod content;
pub mod fact;
pub mod leaves;
pub mod message_id;
pub mod query;
mod sensor;
mod stored;

pub use self::content::{Message, MessageContent};
pub use self::fact::STATUS_ONLINE;
pub use self::sensor::{MessageSensor, SENSOR_BAD, SENSOR_OK};
pub use self::stored::{MessageFormat, StoredMessage};

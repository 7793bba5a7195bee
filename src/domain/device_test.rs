//! Result of trying the settings of a device that is not saved.

use super::stream::StreamKind;

/// Maximum registers of one test.
pub const MAX_REGISTERS: usize = 32;
/// Time limit of a test, seconds: connecting, reading and disconnecting together.
pub const TIME_LIMIT_S: u64 = 10;

/// Answer of a device. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceTest {
    /// Why the device was not reached; `None` if it was.
    pub error: Option<String>,
    /// Time until the connection was open, with what the protocol asks before the first read; `None` if it was not opened.
    pub connect_ms: Option<f64>,
    /// Time from the first read that was answered, or refused, to its answer; `None` if none was.
    pub round_trip_ms: Option<f64>,
    /// The registers in the order of the request.
    pub registers: Vec<RegisterTest>,
}

impl DeviceTest {
    /// Whether the device was connected to.
    pub fn is_reached(&self) -> bool {
        self.connect_ms.is_some()
    }
}

/// Answer of a register or node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RegisterTest {
    /// As it was asked for.
    pub register: String,
    /// Why it was not read; `None` if it was.
    pub error: Option<String>,
    /// Words, bytes or bits as received, in hexadecimal, in the order of their addresses; empty for a node.
    pub raw: Vec<String>,
    /// Data type of a node, as its server says.
    pub data_type: Option<String>,
    /// The value in every type and word order that make sense.
    pub values: Vec<TestValue>,
}

/// The received bytes, read as one type in one word order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestValue {
    /// Data type; `None` for a node, whose server decides.
    pub kind: Option<StreamKind>,
    /// Name of the word order; `None` where there is only one.
    pub wordorder: Option<&'static str>,
    /// The value as text: 64-bit integers are exact, and NaN is shown.
    pub value: String,
}

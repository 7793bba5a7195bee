//! Types of the schema for tests of devices that are not saved.

use async_graphql::SimpleObject;

use crate::api::graphql::enums::{RegisterOrder, StreamType};
use crate::domain::device_test;

/// Test result of a device that is not saved yet.
#[derive(SimpleObject)]
pub struct DeviceTest {
    /// Whether the device was connected to.
    reached: bool,
    /// Why the device was not reached; null if it was.
    error: Option<String>,
    /// Time until the connection was open, in milliseconds; null if it was not opened.
    connect_ms: Option<f64>,
    /// Time from the first read that was answered to its answer, in milliseconds; null if none was.
    round_trip_ms: Option<f64>,
    /// The registers in the order of the request.
    registers: Vec<DeviceTestRegister>,
}

/// Result of a register or node in a test of a device.
#[derive(SimpleObject)]
pub struct DeviceTestRegister {
    /// Register or node, as it was asked for.
    register: String,
    /// Why the register was not read; null if it was.
    error: Option<String>,
    /// Words as received, in hexadecimal; bytes or bits for registers of such. Empty for nodes.
    raw: Vec<String>,
    /// Data type of an OPC UA node as its server says; null for registers.
    data_type: Option<String>,
    /// The value in every type and word order that make sense.
    values: Vec<DeviceTestValue>,
}

/// The words of a register, read as one type in one word order.
#[derive(SimpleObject)]
pub struct DeviceTestValue {
    /// Data type of the value; null for OPC UA nodes, whose server decides.
    #[graphql(name = "type")]
    kind: Option<StreamType>,
    /// Order of the words and their bytes; null where there is only one.
    wordorder: Option<RegisterOrder>,
    /// Value as text, so that 64-bit integers stay exact and NaN is shown.
    value: String,
}

impl From<device_test::DeviceTest> for DeviceTest {
    fn from(test: device_test::DeviceTest) -> Self {
        Self {
            reached: test.is_reached(),
            error: test.error,
            connect_ms: test.connect_ms,
            round_trip_ms: test.round_trip_ms,
            registers: test.registers.into_iter().map(DeviceTestRegister::from).collect(),
        }
    }
}

impl From<device_test::RegisterTest> for DeviceTestRegister {
    fn from(test: device_test::RegisterTest) -> Self {
        let device_test::RegisterTest { register, error, raw, data_type, values } = test;
        Self {
            register,
            error,
            raw,
            data_type,
            values: values.into_iter().map(DeviceTestValue::from).collect(),
        }
    }
}

impl From<device_test::TestValue> for DeviceTestValue {
    fn from(value: device_test::TestValue) -> Self {
        let wordorder = value.wordorder.and_then(|name| match name {
            "abcd" => Some(RegisterOrder::Abcd),
            "cdab" => Some(RegisterOrder::Cdab),
            "badc" => Some(RegisterOrder::Badc),
            "dcba" => Some(RegisterOrder::Dcba),
            _ => None,
        });
        Self { kind: value.kind.map(StreamType::from), wordorder, value: value.value }
    }
}

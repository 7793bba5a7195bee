//! Mutation that tries the settings of a device before it is saved.

use async_graphql::{Context, Object, Result, SimpleObject};
use serde::Serialize;

use super::device::ROW_ID_FIELDS;
use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::objects::device::{self, CreateDeviceInput};
use crate::api::graphql::objects::device_test::DeviceTest;
use crate::app::fields::reader::ReadMode;
use crate::domain::device_test::MAX_REGISTERS;

/// Complexity of a test, in field values: it may read every register.
const TEST_COST: usize = MAX_REGISTERS * device::REGISTER_COST;

/// The mutation that tests a device.
#[derive(Default)]
pub struct DeviceTestMutations;

/// The fields of a device, and what to read.
#[derive(Serialize)]
struct DeviceTestFields {
    #[serde(flatten)]
    device: CreateDeviceInput,
    registers: Vec<String>,
}

/// Result of testing a device that is not saved.
#[derive(SimpleObject)]
pub struct TestDevicePayload {
    /// Result of the test; null if the input is wrong.
    test: Option<DeviceTest>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "DeviceTestMutations")]
impl DeviceTestMutations {
    /// Connects to a device that is not saved, and reads up to 32 of its registers or nodes within 10 seconds. Nothing is
    /// stored. For modbus, melsec, fenet, s7, eip and opcua; requires the right to create devices.
    #[graphql(complexity = "TEST_COST + child_complexity")]
    async fn test_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Settings of the device.")] input: CreateDeviceInput,
        #[graphql(
            default,
            desc = "Registers of Modbus, MELSEC and FEnet, tags of EtherNet/IP, or node ids of OPC UA."
        )]
        registers: Vec<String>,
    ) -> Result<TestDevicePayload> {
        app(ctx).devices.check_may_create_device(caller(ctx))?;
        let given = DeviceTestFields { device: input, registers };
        let fields = input::to_fields(&given, ReadMode::Whole, &ROW_ID_FIELDS);
        let (test, errors) =
            into_payload(app(ctx).direct_access.test_device_from_fields(caller(ctx), fields).await)?;
        Ok(TestDevicePayload { test: test.map(DeviceTest::from), errors })
    }
}

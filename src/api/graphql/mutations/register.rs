//! Mutation that writes one register of a device directly.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{RegisterOrder, StreamType};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::device;
use crate::app::fields::reader::ReadMode;
use crate::domain::DeviceId;

/// The mutation that writes a register of a device.
#[derive(Default)]
pub struct RegisterMutations;

/// A value to write to one register of a device.
#[derive(InputObject, Serialize)]
pub struct WriteRegisterInput {
    /// Id or row number of the device.
    #[serde(skip)]
    device: ID,
    /// Register address in the notation of the device's protocol, such as `hr:0`, `40001` or `%MW0`.
    #[serde(skip)]
    register: String,
    /// Data type of the register, a number or a bit. Default `bit` for a bit; on FEnet the type of the address's size
    /// letter; else `uint16`.
    #[graphql(name = "type")]
    #[serde(skip)]
    kind: Option<StreamType>,
    /// Word order of a number; default `little`, on S7 `big`.
    #[serde(skip)]
    byteorder: Option<RegisterOrder>,
    /// Value to write: a number in the range of the type, or true or false for a bit.
    value: Value,
}

/// Result of writing a register.
#[derive(SimpleObject)]
pub struct WriteRegisterPayload {
    /// The written value; null if nothing was written.
    value: Option<Value>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "RegisterMutations")]
impl RegisterMutations {
    /// Writes a register of a device; the write is never repeated. An enabled stream of this register stores its value
    /// after the write as a reading.
    #[graphql(complexity = "device::REGISTER_COST")]
    async fn write_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The register and its new value.")] input: WriteRegisterInput,
    ) -> Result<WriteRegisterPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let WriteRegisterInput { device, register, kind, byteorder, .. } = input;
        let written = match ids::parse_row_id(NodeType::Device, &device, "device") {
            Ok(row) => {
                let params = device::register_params(register, kind, byteorder);
                app(ctx)
                    .direct_access
                    .write_register_from_fields(caller(ctx), DeviceId(row), params, fields)
                    .await
            }
            Err(error) => Err(error),
        };
        let (value, errors) = into_payload(written)?;
        Ok(WriteRegisterPayload { value, errors })
    }
}

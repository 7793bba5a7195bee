//! Writing one register of a device, directly.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{RegisterOrder, StreamType};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::device;
use crate::api::rest::fields::Mode;
use crate::api::rest::io::{self, At};
use crate::domain::DeviceId;

#[derive(Default)]
pub struct Mutations;

/// A value for one register of a device.
#[derive(InputObject, Serialize)]
pub struct WriteRegisterInput {
    /// Id or row number of the device.
    #[serde(skip)]
    device: ID,
    /// As the device's protocol names it, such as `hr:0`, `40001` or `%MW0`.
    #[serde(skip)]
    register: String,
    /// What the register holds: a number or a bit; default `bit` for what is one, on FEnet what its size letter says, else `uint16`.
    #[graphql(name = "type")]
    #[serde(skip)]
    kind: Option<StreamType>,
    /// Of the words of a number; default `little`.
    #[serde(skip)]
    byteorder: Option<RegisterOrder>,
    /// A number within the type, or true or false for a bit.
    value: Value,
}

/// What came of writing a register.
#[derive(SimpleObject)]
pub struct WriteRegisterPayload {
    /// What was written; null when nothing was.
    value: Option<Value>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "RegisterMutations")]
impl Mutations {
    /// Writes a register of a device, at most once. An enabled stream of the same register gets as a reading what the
    /// register holds then.
    #[graphql(complexity = "device::REGISTER_COST")]
    async fn write_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The register and its new value.")] input: WriteRegisterInput,
    ) -> Result<WriteRegisterPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let WriteRegisterInput { device, register, kind, byteorder, .. } = input;
        let written = match ids::row(Noun::Device, &device, "device") {
            Ok(row) => {
                let at = At { device: DeviceId(row), register };
                io::put(app(ctx), caller(ctx), at, device::how(kind, byteorder), fields).await
            }
            Err(error) => Err(error),
        };
        let (value, errors) = settle(written)?;
        Ok(WriteRegisterPayload { value, errors })
    }
}

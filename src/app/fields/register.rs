//! The parameters and fields of direct requests to a register.

use std::sync::Arc;

use serde_json::Value;

use super::drf_scalar;
use super::reader::FieldReader;
use crate::app::App;
use crate::app::register_io::{RegisterSpec, RegisterWordOrder};
use crate::domain::device::Device;
use crate::domain::principal::Access;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Error, FieldError, Principal, Result};

/// A register as a request names it.
#[derive(Debug, Clone, Default)]
pub struct RegisterParams {
    /// Address in the notation of the protocol.
    pub register: String,
    /// Name of the kind of the value, the parameter `type`.
    pub kind: Option<String>,
    /// Name of the word order, the parameter `byteorder`.
    pub byteorder: Option<String>,
}

impl RegisterParams {
    /// Parses the parameters, and collects everything wrong with the register on this device.
    fn parse(self, device: &Device, access: Access) -> (RegisterSpec, Vec<FieldError>) {
        let mut wrong = Vec::new();
        let kind = self.kind.as_deref().and_then(|name| {
            let kind = name.parse().ok().filter(|kind: &StreamKind| kind.is_numeric());
            reported("type", kind.ok_or_else(|| drf_scalar::not_a_choice(name)), &mut wrong)
        });
        let order = self.byteorder.as_deref().and_then(|name| {
            let order = name.parse::<RegisterWordOrder>().map_err(|_| drf_scalar::not_a_choice(name));
            reported("byteorder", order, &mut wrong)
        });
        let register = RegisterSpec { name: self.register, kind, order: order.unwrap_or_default() };
        let mut problems = register.problems(device, access);
        problems.extend(wrong);
        (register, problems)
    }
}

fn reported<T>(name: &'static str, result: Result<T, String>, wrong: &mut Vec<FieldError>) -> Option<T> {
    result.map_err(|message| wrong.push(FieldError::new(name, message))).ok()
}

impl App {
    /// Reads the register that the parameters name.
    ///
    /// # Errors
    /// `Invalid` naming every wrong parameter; otherwise as [`App::read_register`].
    pub async fn read_register_from_params(
        &self,
        principal: &Principal,
        device: DeviceId,
        params: RegisterParams,
    ) -> Result<Value> {
        let device = self.device_for_io(principal, device, Access::Read)?;
        let (register, problems) = params.parse(&device, Access::Read);
        Error::check(problems)?;
        self.read_register(principal, device.id, &register).await
    }

    /// Writes the field `value` to the register that the parameters name, and returns the written value.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field and parameter; otherwise as [`App::write_register`].
    pub async fn write_register_from_fields(
        self: &Arc<Self>,
        principal: &Principal,
        device: DeviceId,
        params: RegisterParams,
        mut fields: FieldReader,
    ) -> Result<Value> {
        let device = self.device_for_io(principal, device, Access::Write)?;
        let (register, problems) = params.parse(&device, Access::Write);
        let given = fields.any("value");
        if let Some(problem) = given.as_ref().and_then(|given| register.value_problem(&device, given)) {
            fields.add_error("value", problem);
        }
        fields.finish(problems)?;
        self.write_register(principal, device.id, &register, &given.unwrap_or_default()).await
    }
}

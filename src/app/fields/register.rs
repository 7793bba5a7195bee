//! The parameters and fields of direct requests to a register.

use serde_json::Value;

use super::drf_scalar;
use super::reader::FieldReader;
use crate::app::direct_access::DirectAccess;
use crate::app::direct_access::registers::RegisterSpec;
use crate::collect::registers::value_type::RegisterType;
use crate::domain::device::{Device, Protocol};
use crate::domain::principal::Access;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Error, FieldError, Principal, Result};

/// A register as a request names it.
#[derive(Debug, Clone)]
pub struct RegisterParams {
    /// The register. Where its kind or its order is wrong, it has the default.
    pub register: RegisterSpec,
    /// Problems of the parameters `type` and `byteorder`.
    pub problems: Vec<FieldError>,
}

impl RegisterParams {
    /// Returns the register, and everything that is wrong with it on this device and with its parameters.
    fn check(self, device: &Device, access: Access) -> (RegisterSpec, Vec<FieldError>) {
        let mut problems = self.register.problems(device, access);
        problems.extend(self.problems.into_iter().map(with_kinds));
        (self.register, problems)
    }
}

/// Returns the kind of a register's value, or the message for the parameter `type` if registers hold no such values.
pub fn register_kind(kind: StreamKind) -> Result<StreamKind, String> {
    if kind.is_register_kind() { Ok(kind) } else { Err(drf_scalar::not_a_choice(kind.name())) }
}

/// Parses the kind of a register's value. The message for a type that only an address names lists the kinds.
pub fn parse_register_kind(word: &str) -> Result<StreamKind, String> {
    if let Ok(kind) = word.parse::<StreamKind>() {
        return register_kind(kind);
    }
    let refused = drf_scalar::not_a_choice(word);
    // Registers of S7 have all types that there are.
    if RegisterType::parse(Protocol::S7, word).is_none() {
        return Err(refused);
    }
    let names = register_kind_names();
    Err(format!("{refused} Use one of {names}, or name {word} in the register: hr:100:{word}."))
}

fn register_kind_names() -> String {
    let kinds = StreamKind::ALL.into_iter().filter(|kind| kind.is_register_kind()).map(StreamKind::name);
    kinds.collect::<Vec<_>>().join(", ")
}

/// Adds the kinds to the problem of a kind whose message does not list them.
fn with_kinds(problem: FieldError) -> FieldError {
    if problem.field == "type" && drf_scalar::is_not_a_choice(&problem.message) {
        problem.with_advice(format!("Use one of {}.", register_kind_names()))
    } else {
        problem
    }
}

impl DirectAccess {
    /// Reads the register that the parameters name.
    ///
    /// # Errors
    /// `Invalid` naming every wrong parameter; otherwise the errors of [`DirectAccess::read_register`].
    pub async fn read_register_from_params(
        &self,
        principal: &Principal,
        device: DeviceId,
        params: RegisterParams,
    ) -> Result<Value> {
        let device = self.device_for_io(principal, device, Access::Read)?;
        let (register, problems) = params.check(&device, Access::Read);
        Error::check(problems)?;
        self.read_register(principal, device.id, &register).await
    }

    /// Writes the field `value` to the register that the parameters name, and returns the written value.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field and parameter; otherwise the errors of [`DirectAccess::write_register`].
    pub async fn write_register_from_fields(
        &self,
        principal: &Principal,
        device: DeviceId,
        params: RegisterParams,
        mut fields: FieldReader,
    ) -> Result<Value> {
        let device = self.device_for_io(principal, device, Access::Write)?;
        let (register, problems) = params.check(&device, Access::Write);
        let input = fields.any("value");
        if let Some(problem) = input.as_ref().and_then(|input| register.value_problem(&device, input)) {
            fields.add_error("value", problem);
        }
        fields.finish(problems)?;
        self.write_register(principal, device.id, &register, &input.unwrap_or_default()).await
    }
}

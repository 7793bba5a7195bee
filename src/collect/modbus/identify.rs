//! The request of discovery: one holding register of unit 1. Every answer, a refusal too, shows that Modbus is spoken.

use super::client::{ModbusClient, ModbusEndpoint};
use super::space::ModbusSpace;
use crate::collect::client::{ConnectContext, DeviceClient};
use crate::collect::fault::DeviceFault;
use crate::collect::registers::RegisterRange;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::domain::device::DeviceSpec;

/// Asks the device with these settings; its answer in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let endpoint = ModbusEndpoint::from_spec(device).map_err(DeviceFault::from_settings)?;
    let mut client = ModbusClient::connect(&endpoint, context).await?;
    let register = RegisterRange { space: ModbusSpace::Holding.into(), start: 0, len: 1 };
    match client.read_registers(register).await {
        Ok(_) => Ok(format!("unit {} has hr:0", endpoint.unit)),
        Err(fault @ DeviceFault::Refused { .. }) => Ok(format!("unit {}: {fault}", endpoint.unit)),
        Err(fault) => Err(fault),
    }
}

//! The request of discovery: one word of the marker area, which every CPU has. A refusal shows that FEnet is spoken, too.

use super::client::{FenetClient, FenetEndpoint};
use super::space::{Area, FenetSpace};
use crate::collect::client::{ConnectContext, DeviceClient, foreign_address};
use crate::collect::fault::DeviceFault;
use crate::collect::registers::RegisterRange;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::domain::device::DeviceSpec;

/// Asks the CPU with these settings; its answer in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let spec = DeviceSpec { unit: 0, ..device.clone() };
    let endpoint = FenetEndpoint::from_spec(&spec).map_err(DeviceFault::from_settings)?;
    let mut client = FenetClient::connect(&endpoint, context).await?;
    let markers = Area::from_letters("M").ok_or_else(foreign_address)?;
    let word = RegisterRange { space: FenetSpace::Bytes(markers).into(), start: 0, len: 2 };
    match client.read_registers(word).await {
        Ok(_) => Ok("%MW0 is there".to_owned()),
        Err(fault @ DeviceFault::Refused { .. }) => Ok(fault.to_string()),
        Err(fault) => Err(fault),
    }
}

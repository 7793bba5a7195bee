//! The request of discovery: the name of the CPU's model. A refusal shows that the protocol is spoken, too.

use super::client::{MelsecClient, MelsecEndpoint};
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::domain::device::DeviceSpec;

/// Asks the CPU with these settings; its answer in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let endpoint = MelsecEndpoint::from_spec(device).map_err(DeviceFault::from_settings)?;
    let mut client = MelsecClient::connect(&endpoint, context).await?;
    match client.model().await {
        Ok(model) => Ok(model),
        Err(fault @ DeviceFault::Refused { .. }) => Ok(fault.to_string()),
        Err(fault) => Err(fault),
    }
}

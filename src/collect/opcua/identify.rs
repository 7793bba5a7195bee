//! The request of discovery: the endpoints of a server, which every client may ask for without a session.

use super::endpoint::OpcuaEndpoint;
use super::endpoint_selection::describe_endpoints;
use super::session::offered_endpoints;
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::domain::device::DeviceSpec;

/// Asks the server with these settings; its name and its security in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let endpoint = OpcuaEndpoint::from_spec(device).map_err(DeviceFault::from_settings)?;
    let offered = offered_endpoints(&endpoint, context).await?;
    let name = offered.first().map(|offer| offer.server.application_name.text.to_string());
    Ok(format!("{}: {}", name.unwrap_or_default(), describe_endpoints(&offered)))
}

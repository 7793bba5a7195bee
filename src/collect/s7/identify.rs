//! The request of discovery: a connection of ISO on TCP, which is granted or refused. No request of S7 follows.

use super::client::PacketFraming;
use super::endpoint::S7Endpoint;
use super::transport::{self, ConnectResponse, PACKET_HEADER_LEN};
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::request_socket::RequestSocket;
use crate::domain::device::DeviceSpec;

/// Asks the CPU with these settings for a connection; its answer in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let endpoint = S7Endpoint::from_spec(device).map_err(DeviceFault::from_settings)?;
    let mut socket = RequestSocket::connect(&endpoint.peer, &context.networks).await?;
    let answer = socket.request(&transport::connect_request(endpoint.tsaps), &PacketFraming).await?;
    let contents = answer.get(PACKET_HEADER_LEN..).unwrap_or_default();
    match transport::parse_connect_response(contents) {
        Ok(ConnectResponse::Confirmed) => Ok("ISO on TCP: grants connections to rack 0, slot 1".to_owned()),
        Ok(ConnectResponse::Refused) => Ok("ISO on TCP: refuses connections to rack 0, slot 1".to_owned()),
        Err(broken) => Err(socket.malformed(broken.to_string())),
    }
}

//! One open connection to one device, independent of the protocol.
//!
//! A client becomes unusable after anything that leaves a doubt which request the next bytes answer, and whenever a
//! request is abandoned half way: every later request fails, and its owner must connect anew.

use std::sync::Arc;
use std::time::Duration;

use super::addressable_protocol::AddressableProtocol;
use super::fault::DeviceFault;
use super::networks::AllowedNetworks;
use super::opcua;
use super::opcua::pki::Pki;
use super::point::{DevicePoint, PointData, PointWrite};
use super::registers::{self, RegisterData, RegisterRange};
use super::{fenet, melsec, modbus};
use crate::domain::device::DeviceSpec;
use crate::domain::{Clock, Error, Result};

/// Address and protocol settings of a device. Equal endpoints can share a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceEndpoint {
    Modbus(modbus::client::ModbusEndpoint),
    Melsec(melsec::client::MelsecEndpoint),
    Fenet(fenet::client::FenetEndpoint),
    Opcua(opcua::endpoint::OpcuaEndpoint),
}

/// What connecting needs besides the endpoint.
#[derive(Clone)]
pub struct ConnectContext {
    pub pki: Pki,
    pub clock: Arc<dyn Clock>,
    /// Networks in which devices may be.
    pub networks: AllowedNetworks,
}

impl DeviceEndpoint {
    /// Builds the endpoint from a device's settings; the error names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<DeviceEndpoint> {
        match AddressableProtocol::from_protocol(spec.protocol) {
            Some(AddressableProtocol::Modbus) => {
                modbus::client::ModbusEndpoint::from_spec(spec).map(DeviceEndpoint::Modbus)
            }
            Some(AddressableProtocol::Melsec) => {
                melsec::client::MelsecEndpoint::from_spec(spec).map(DeviceEndpoint::Melsec)
            }
            Some(AddressableProtocol::Fenet) => {
                fenet::client::FenetEndpoint::from_spec(spec).map(DeviceEndpoint::Fenet)
            }
            Some(AddressableProtocol::Opcua) => {
                opcua::endpoint::OpcuaEndpoint::from_spec(spec).map(DeviceEndpoint::Opcua)
            }
            None => {
                let message = format!("Devices of protocol \"{}\" cannot be connected to.", spec.protocol);
                Err(Error::field("protocol", message))
            }
        }
    }

    /// Time limit for connecting and for each request.
    pub fn timeout(&self) -> Duration {
        match self {
            DeviceEndpoint::Modbus(endpoint) => endpoint.timeout,
            DeviceEndpoint::Melsec(endpoint) => endpoint.peer.timeout,
            DeviceEndpoint::Fenet(endpoint) => endpoint.peer.timeout,
            DeviceEndpoint::Opcua(endpoint) => endpoint.timeout,
        }
    }
}

/// A session with one device, which carries one request at a time.
pub enum DeviceClient {
    Modbus(modbus::client::ModbusClient),
    Melsec(melsec::client::MelsecClient),
    Fenet(fenet::client::FenetClient),
    Opcua(Box<opcua::client::OpcuaClient>),
}

impl DeviceClient {
    pub async fn connect(
        endpoint: &DeviceEndpoint,
        means: &ConnectContext,
    ) -> Result<DeviceClient, DeviceFault> {
        let networks = &means.networks;
        match endpoint {
            DeviceEndpoint::Modbus(endpoint) => {
                modbus::client::ModbusClient::connect(endpoint, networks).await.map(DeviceClient::Modbus)
            }
            DeviceEndpoint::Melsec(endpoint) => {
                melsec::client::MelsecClient::connect(endpoint, networks).await.map(DeviceClient::Melsec)
            }
            DeviceEndpoint::Fenet(endpoint) => {
                fenet::client::FenetClient::connect(endpoint, networks).await.map(DeviceClient::Fenet)
            }
            DeviceEndpoint::Opcua(endpoint) => {
                let client = opcua::client::OpcuaClient::connect(endpoint, means).await?;
                Ok(DeviceClient::Opcua(Box::new(client)))
            }
        }
    }

    /// Ends the connection. A device that keeps a session is notified first, if it reacts within seconds.
    pub async fn close(self) {
        match self {
            DeviceClient::Modbus(_) | DeviceClient::Melsec(_) | DeviceClient::Fenet(_) => {}
            DeviceClient::Opcua(client) => client.close().await,
        }
    }

    /// Whether this connection is open to `endpoint` and can carry another request.
    pub fn is_usable(&self, endpoint: &DeviceEndpoint) -> bool {
        match (self, endpoint) {
            (DeviceClient::Modbus(client), DeviceEndpoint::Modbus(endpoint)) => client.is_usable(endpoint),
            (DeviceClient::Melsec(client), DeviceEndpoint::Melsec(endpoint)) => client.is_usable(endpoint),
            (DeviceClient::Fenet(client), DeviceEndpoint::Fenet(endpoint)) => client.is_usable(endpoint),
            (DeviceClient::Opcua(client), DeviceEndpoint::Opcua(endpoint)) => client.is_usable(endpoint),
            (
                DeviceClient::Modbus(_)
                | DeviceClient::Melsec(_)
                | DeviceClient::Fenet(_)
                | DeviceClient::Opcua(_),
                _,
            ) => false,
        }
    }

    /// Whether any byte of the latest request may have left: if not, the device cannot have acted on it.
    pub fn has_sent(&self) -> bool {
        match self {
            DeviceClient::Modbus(client) => client.has_sent(),
            DeviceClient::Melsec(client) => client.has_sent(),
            DeviceClient::Fenet(client) => client.has_sent(),
            DeviceClient::Opcua(client) => client.has_sent(),
        }
    }

    /// Whether the device ever answered on this connection.
    pub fn has_answered(&self) -> bool {
        match self {
            DeviceClient::Modbus(client) => client.has_answered(),
            DeviceClient::Melsec(client) => client.has_answered(),
            DeviceClient::Fenet(client) => client.has_answered(),
            DeviceClient::Opcua(client) => client.has_answered(),
        }
    }

    /// Reads one point.
    pub async fn read(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        match (self, point) {
            (DeviceClient::Opcua(client), DevicePoint::Node(node, _)) => {
                let value = client.read_value(node).await?;
                Ok(PointData::Node(node.clone(), Box::new(value)))
            }
            (client, DevicePoint::Register(point)) => {
                let data = client.read_registers(point.span).await?;
                Ok(PointData::Registers(point.span, data))
            }
            (
                DeviceClient::Modbus(_) | DeviceClient::Melsec(_) | DeviceClient::Fenet(_),
                DevicePoint::Node(..),
            ) => Err(foreign_address()),
        }
    }

    /// Writes a value; `Ok` means that the device has confirmed it. After an error other than `Refused` it is unknown
    /// whether the device acted, unless nothing was sent. Nothing is sent a second time.
    pub async fn write(&mut self, change: &PointWrite) -> Result<(), DeviceFault> {
        match (self, change) {
            (DeviceClient::Opcua(client), PointWrite::Node(node, content)) => {
                client.write(node, content).await
            }
            (client, PointWrite::Registers(change)) => client.write_registers(change).await,
            (
                DeviceClient::Modbus(_) | DeviceClient::Melsec(_) | DeviceClient::Fenet(_),
                PointWrite::Node(..),
            ) => Err(foreign_address()),
        }
    }

    /// Reads exactly the cells of `span`, which must be within its space's limits.
    pub async fn read_registers(&mut self, span: RegisterRange) -> Result<RegisterData, DeviceFault> {
        match self {
            DeviceClient::Modbus(client) => client.read(span).await,
            DeviceClient::Melsec(client) => client.read(span).await,
            DeviceClient::Fenet(client) => client.read(span).await,
            DeviceClient::Opcua(_) => Err(foreign_address()),
        }
    }

    /// Reads several short spans, in one request where the protocol supports it. The space of each span limits how
    /// many cells all spans may have together (`RegisterSpace::max_scattered`).
    pub async fn read_scattered(
        &mut self,
        spans: &[RegisterRange],
    ) -> Result<Vec<RegisterData>, DeviceFault> {
        match self {
            DeviceClient::Modbus(client) => {
                let mut all = Vec::new();
                for span in spans {
                    all.push(client.read(*span).await?);
                }
                Ok(all)
            }
            DeviceClient::Melsec(client) => client.read_scattered(spans).await,
            DeviceClient::Fenet(client) => client.read_scattered(spans).await,
            DeviceClient::Opcua(_) => Err(foreign_address()),
        }
    }

    async fn write_registers(&mut self, change: &registers::RegisterWrite) -> Result<(), DeviceFault> {
        match self {
            DeviceClient::Modbus(client) => client.write(change).await,
            DeviceClient::Melsec(client) => client.write(change).await,
            DeviceClient::Fenet(client) => client.write(change).await,
            DeviceClient::Opcua(_) => Err(foreign_address()),
        }
    }
}

/// Fault for an address of another protocol, which the device may have had before.
fn foreign_address() -> DeviceFault {
    DeviceFault::Unsupported { field: "register", words: "The device has no such place.".to_owned() }
}

//! One open connection to one device, whatever its protocol: read, write, and nothing after the first doubt.
//!
//! A client is spent after anything that leaves a doubt which request the next bytes answer, and whenever a request
//! is abandoned half way: every later request fails, and its owner connects anew.

use std::sync::Arc;
use std::time::Duration;

use super::fault::Fault;
use super::networks::Networks;
use super::opcua;
use super::opcua::pki::Pki;
use super::point::{Answered, Change, Point};
use super::registers::{self, Data, Span};
use super::spoken::Spoken;
use super::{fenet, melsec, modbus};
use crate::domain::device::DeviceSpec;
use crate::domain::{Clock, Error, Result};

/// Where a device is and how it is spoken to. Equal ones can share a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    Modbus(modbus::client::Endpoint),
    Melsec(melsec::client::Endpoint),
    Fenet(fenet::client::Endpoint),
    Opcua(opcua::endpoint::Endpoint),
}

/// What connecting takes besides the endpoint.
#[derive(Clone)]
pub struct Means {
    pub pki: Pki,
    pub clock: Arc<dyn Clock>,
    /// Where devices may be.
    pub networks: Networks,
}

impl Endpoint {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec) -> Result<Endpoint> {
        match Spoken::of(spec.protocol) {
            Some(Spoken::Modbus) => modbus::client::Endpoint::of(spec).map(Endpoint::Modbus),
            Some(Spoken::Melsec) => melsec::client::Endpoint::of(spec).map(Endpoint::Melsec),
            Some(Spoken::Fenet) => fenet::client::Endpoint::of(spec).map(Endpoint::Fenet),
            Some(Spoken::Opcua) => opcua::endpoint::Endpoint::of(spec).map(Endpoint::Opcua),
            None => {
                let message = format!("A device of protocol \"{}\" is not connected to.", spec.protocol);
                Err(Error::field("protocol", message))
            }
        }
    }

    /// For connecting and for each request.
    pub fn timeout(&self) -> Duration {
        match self {
            Endpoint::Modbus(endpoint) => endpoint.timeout,
            Endpoint::Melsec(endpoint) => endpoint.peer.timeout,
            Endpoint::Fenet(endpoint) => endpoint.peer.timeout,
            Endpoint::Opcua(endpoint) => endpoint.timeout,
        }
    }
}

/// A session with one device; one request at a time.
pub enum Client {
    Modbus(modbus::client::Client),
    Melsec(melsec::client::Client),
    Fenet(fenet::client::Client),
    Opcua(Box<opcua::client::Client>),
}

impl Client {
    pub async fn connect(endpoint: &Endpoint, means: &Means) -> Result<Client, Fault> {
        let networks = &means.networks;
        match endpoint {
            Endpoint::Modbus(endpoint) => {
                modbus::client::Client::connect(endpoint, networks).await.map(Client::Modbus)
            }
            Endpoint::Melsec(endpoint) => {
                melsec::client::Client::connect(endpoint, networks).await.map(Client::Melsec)
            }
            Endpoint::Fenet(endpoint) => {
                fenet::client::Client::connect(endpoint, networks).await.map(Client::Fenet)
            }
            Endpoint::Opcua(endpoint) => {
                let client = opcua::client::Client::connect(endpoint, means).await?;
                Ok(Client::Opcua(Box::new(client)))
            }
        }
    }

    /// Ends the connection; a device that keeps a session of ours is told first, if it listens within seconds.
    pub async fn close(self) {
        match self {
            Client::Modbus(_) | Client::Melsec(_) | Client::Fenet(_) => {}
            Client::Opcua(client) => client.close().await,
        }
    }

    /// Whether this connection leads there and is not spent.
    pub fn is_usable(&self, endpoint: &Endpoint) -> bool {
        match (self, endpoint) {
            (Client::Modbus(client), Endpoint::Modbus(endpoint)) => client.is_usable(endpoint),
            (Client::Melsec(client), Endpoint::Melsec(endpoint)) => client.is_usable(endpoint),
            (Client::Fenet(client), Endpoint::Fenet(endpoint)) => client.is_usable(endpoint),
            (Client::Opcua(client), Endpoint::Opcua(endpoint)) => client.is_usable(endpoint),
            (Client::Modbus(_) | Client::Melsec(_) | Client::Fenet(_) | Client::Opcua(_), _) => false,
        }
    }

    /// Whether any byte of the latest request may have left: if not, the device cannot have acted on it.
    pub fn has_sent(&self) -> bool {
        match self {
            Client::Modbus(client) => client.has_sent(),
            Client::Melsec(client) => client.has_sent(),
            Client::Fenet(client) => client.has_sent(),
            Client::Opcua(client) => client.has_sent(),
        }
    }

    /// Whether the device ever answered on this connection.
    pub fn has_answered(&self) -> bool {
        match self {
            Client::Modbus(client) => client.has_answered(),
            Client::Melsec(client) => client.has_answered(),
            Client::Fenet(client) => client.has_answered(),
            Client::Opcua(client) => client.has_answered(),
        }
    }

    /// Reads one point.
    pub async fn read(&mut self, point: &Point) -> Result<Answered, Fault> {
        match (self, point) {
            (Client::Opcua(client), Point::Node(node, _)) => {
                let value = client.value(node).await?;
                Ok(Answered::Node(node.clone(), Box::new(value)))
            }
            (client, Point::Register(point)) => {
                let data = client.read_registers(point.span).await?;
                Ok(Answered::Registers(point.span, data))
            }
            (Client::Modbus(_) | Client::Melsec(_) | Client::Fenet(_), Point::Node(..)) => Err(no_place()),
        }
    }

    /// Writes; when this returns `Ok` the device has confirmed it. After an error that is not `Refused` nobody knows
    /// whether it acted, unless nothing was sent. Nothing is sent a second time.
    pub async fn write(&mut self, change: &Change) -> Result<(), Fault> {
        match (self, change) {
            (Client::Opcua(client), Change::Node(node, content)) => client.write(node, content).await,
            (client, Change::Registers(change)) => client.write_registers(change).await,
            (Client::Modbus(_) | Client::Melsec(_) | Client::Fenet(_), Change::Node(..)) => Err(no_place()),
        }
    }

    /// Reads exactly the cells of `span`, which must be within its space's limits.
    pub async fn read_registers(&mut self, span: Span) -> Result<Data, Fault> {
        match self {
            Client::Modbus(client) => client.read(span).await,
            Client::Melsec(client) => client.read(span).await,
            Client::Fenet(client) => client.read(span).await,
            Client::Opcua(_) => Err(no_place()),
        }
    }

    /// Reads several short spans, in one request where the protocol has such requests; each of their spaces says how
    /// many cells all may have together (`Space::max_scattered`).
    pub async fn read_together(&mut self, spans: &[Span]) -> Result<Vec<Data>, Fault> {
        match self {
            Client::Modbus(client) => {
                let mut all = Vec::new();
                for span in spans {
                    all.push(client.read(*span).await?);
                }
                Ok(all)
            }
            Client::Melsec(client) => client.read_together(spans).await,
            Client::Fenet(client) => client.read_together(spans).await,
            Client::Opcua(_) => Err(no_place()),
        }
    }

    async fn write_registers(&mut self, change: &registers::Change) -> Result<(), Fault> {
        match self {
            Client::Modbus(client) => client.write(change).await,
            Client::Melsec(client) => client.write(change).await,
            Client::Fenet(client) => client.write(change).await,
            Client::Opcua(_) => Err(no_place()),
        }
    }
}

/// For a place of another protocol, which a device may have had before.
fn no_place() -> Fault {
    Fault::Unfit { field: "register", words: "The device has no such place.".to_owned() }
}

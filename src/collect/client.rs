//! One open connection to one device, whatever its protocol: read, write, and nothing after the first doubt.
//!
//! A client is spent after anything that leaves a doubt which request the next bytes answer, and whenever a request
//! is abandoned half way: every later request fails, and its owner connects anew.

use std::time::Duration;

use super::fault::Fault;
use super::point::{Answered, Change, Point};
use super::registers::{self, Data, Span};
use super::{fenet, melsec, modbus};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::{Error, Result};

/// Where a device is and how it is spoken to. Equal ones can share a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    Modbus(modbus::client::Endpoint),
    Melsec(melsec::client::Endpoint),
    Fenet(fenet::client::Endpoint),
}

impl Endpoint {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec) -> Result<Endpoint> {
        match spec.protocol {
            Protocol::Modbus => modbus::client::Endpoint::of(spec).map(Endpoint::Modbus),
            Protocol::Melsec => melsec::client::Endpoint::of(spec).map(Endpoint::Melsec),
            Protocol::Fenet => fenet::client::Endpoint::of(spec).map(Endpoint::Fenet),
            protocol @ (Protocol::Opcua
            | Protocol::Http
            | Protocol::Ai
            | Protocol::Virtual
            | Protocol::File
            | Protocol::Mqtt
            | Protocol::Vnc
            | Protocol::V4l2) => {
                let message = format!("A device of protocol \"{protocol}\" is not connected to.");
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
        }
    }
}

/// A session with one device; one request at a time.
pub enum Client {
    Modbus(modbus::client::Client),
    Melsec(melsec::client::Client),
    Fenet(fenet::client::Client),
}

impl Client {
    pub async fn connect(endpoint: &Endpoint) -> Result<Client, Fault> {
        match endpoint {
            Endpoint::Modbus(endpoint) => modbus::client::Client::connect(endpoint).await.map(Client::Modbus),
            Endpoint::Melsec(endpoint) => melsec::client::Client::connect(endpoint).await.map(Client::Melsec),
            Endpoint::Fenet(endpoint) => fenet::client::Client::connect(endpoint).await.map(Client::Fenet),
        }
    }

    /// Whether this connection leads there and is not spent.
    pub fn is_usable(&self, endpoint: &Endpoint) -> bool {
        match (self, endpoint) {
            (Client::Modbus(client), Endpoint::Modbus(endpoint)) => client.is_usable(endpoint),
            (Client::Melsec(client), Endpoint::Melsec(endpoint)) => client.is_usable(endpoint),
            (Client::Fenet(client), Endpoint::Fenet(endpoint)) => client.is_usable(endpoint),
            (Client::Modbus(_) | Client::Melsec(_) | Client::Fenet(_), _) => false,
        }
    }

    /// Whether any byte of the latest request may have left: if not, the device cannot have acted on it.
    pub fn has_sent(&self) -> bool {
        match self {
            Client::Modbus(client) => client.has_sent(),
            Client::Melsec(client) => client.has_sent(),
            Client::Fenet(client) => client.has_sent(),
        }
    }

    /// Whether the device ever answered on this connection.
    pub fn has_answered(&self) -> bool {
        match self {
            Client::Modbus(client) => client.has_answered(),
            Client::Melsec(client) => client.has_answered(),
            Client::Fenet(client) => client.has_answered(),
        }
    }

    /// Reads one point.
    pub async fn read(&mut self, point: &Point) -> Result<Answered, Fault> {
        match point {
            Point::Register(point) => {
                let data = self.read_registers(point.span).await?;
                Ok(Answered::Registers(point.span, data))
            }
        }
    }

    /// Writes; when this returns `Ok` the device has confirmed it. After an error that is not `Refused` nobody knows
    /// whether it acted, unless nothing was sent. Nothing is sent a second time.
    pub async fn write(&mut self, change: &Change) -> Result<(), Fault> {
        match change {
            Change::Registers(change) => self.write_registers(change).await,
        }
    }

    /// Reads exactly the cells of `span`, which must be within its space's limits.
    pub async fn read_registers(&mut self, span: Span) -> Result<Data, Fault> {
        match self {
            Client::Modbus(client) => client.read(span).await,
            Client::Melsec(client) => client.read(span).await,
            Client::Fenet(client) => client.read(span).await,
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
        }
    }

    async fn write_registers(&mut self, change: &registers::Change) -> Result<(), Fault> {
        match self {
            Client::Modbus(client) => client.write(change).await,
            Client::Melsec(client) => client.write(change).await,
            Client::Fenet(client) => client.write(change).await,
        }
    }
}

//! One open connection to one device, whatever its protocol: read, write, and nothing after the first doubt.
//!
//! A client is spent after anything that leaves a doubt which request the next bytes answer, and whenever a request
//! is abandoned half way: every later request fails, and its owner connects anew.

use std::time::Duration;

use super::fault::Fault;
use super::modbus;
use super::point::{Answered, Change, Point};
use super::registers::{self, Data, Span};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::{Error, Result};

/// Where a device is and how it is spoken to. Equal ones can share a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    Modbus(modbus::client::Endpoint),
}

impl Endpoint {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec) -> Result<Endpoint> {
        match spec.protocol {
            Protocol::Modbus => modbus::client::Endpoint::of(spec).map(Endpoint::Modbus),
            protocol @ (Protocol::Opcua
            | Protocol::Melsec
            | Protocol::Fenet
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
        let Endpoint::Modbus(endpoint) = self;
        endpoint.timeout
    }
}

/// A session with one device; one request at a time.
pub enum Client {
    Modbus(modbus::client::Client),
}

impl Client {
    pub async fn connect(endpoint: &Endpoint) -> Result<Client, Fault> {
        match endpoint {
            Endpoint::Modbus(endpoint) => modbus::client::Client::connect(endpoint).await.map(Client::Modbus),
        }
    }

    /// Whether this connection leads there and is not spent.
    pub fn is_usable(&self, endpoint: &Endpoint) -> bool {
        let (Client::Modbus(client), Endpoint::Modbus(endpoint)) = (self, endpoint);
        client.is_usable(endpoint)
    }

    /// Whether any byte of the latest request may have left: if not, the device cannot have acted on it.
    pub fn has_sent(&self) -> bool {
        let Client::Modbus(client) = self;
        client.has_sent()
    }

    /// Whether the device ever answered on this connection.
    pub fn has_answered(&self) -> bool {
        let Client::Modbus(client) = self;
        client.has_answered()
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
        }
    }

    async fn write_registers(&mut self, change: &registers::Change) -> Result<(), Fault> {
        match self {
            Client::Modbus(client) => client.write(change).await,
        }
    }
}

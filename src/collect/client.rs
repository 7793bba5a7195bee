//! Connections, as a protocol implements them: endpoint and client.
//!
//! A client becomes unusable after anything that leaves a doubt which request the next bytes answer, and whenever a
//! request is abandoned half way: every later request fails, and its owner must connect anew.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::connection_usage::ConnectionUsage;
use super::fault::DeviceFault;
use super::line_silence::LineSilence;
use super::networks::AllowedNetworks;
use super::opcua::pki::Pki;
use super::point::{DevicePoint, PointData, PointWrite};
use super::registers::{RegisterData, RegisterRange, RegisterWrite};
use super::serial::AllowedSerialPorts;
use crate::domain::address_space::BrowseTree;
use crate::domain::{Clock, OrgId};

/// Everything that connecting needs besides the endpoint.
#[derive(Clone)]
pub struct ConnectContext {
    pub pki: Pki,
    pub clock: Arc<dyn Clock>,
    /// Networks in which devices may be.
    pub networks: AllowedNetworks,
    /// Serial ports that devices may use.
    pub serial_ports: AllowedSerialPorts,
    /// Organization of the device, which shares connections with its own devices alone; `None` for a command.
    pub org: Option<OrgId>,
    /// Experience with the device's line. Each device has its own.
    pub silence: Arc<LineSilence>,
}

/// Data of each of several ranges that were read together, or why the device refused it.
pub type RangeOutcomes = Vec<Result<RegisterData, DeviceFault>>;

/// Address and protocol settings of a device, checked. A protocol with numbered registers implements
/// `registers::protocol::RegisterEndpoint` instead.
#[async_trait]
pub trait DeviceEndpoint: Any + Send + Sync {
    /// Time limit for connecting and for each request.
    fn timeout(&self) -> Duration;

    /// Pauses and use of the connection.
    fn usage(&self) -> ConnectionUsage {
        ConnectionUsage::default()
    }

    /// Whether both are the same, so that they can share a connection. Implement it by [`is_equal`].
    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool;

    /// Opens a connection within the timeout.
    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault>;
}

/// Whether `other` is of the same type as `this` and equal to it.
pub fn is_equal<E: PartialEq + 'static>(this: &E, other: &dyn DeviceEndpoint) -> bool {
    (other as &dyn Any).downcast_ref::<E>() == Some(this)
}

/// A session with one device, which carries one request at a time.
///
/// A protocol with numbered registers implements `read_registers`, `write_registers` and, where it has such a request,
/// `read_scattered`. Another one implements `read` and `write`.
#[async_trait]
pub trait DeviceClient: Any + Send {
    /// Whether the connection is open and can carry another request.
    fn is_open(&self) -> bool;

    /// Whether any byte of the latest request may have left: if not, the device cannot have acted on it.
    fn has_sent(&self) -> bool;

    /// Whether the device ever answered on this connection.
    fn has_answered(&self) -> bool;

    /// Reads one point.
    async fn read(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        let DevicePoint::Register(point) = point else { return Err(foreign_address()) };
        let data = self.read_registers(point.span).await?;
        Ok(PointData::Registers(point.span, data))
    }

    /// Writes a value; `Ok` means that the device has confirmed it. After an error other than `Refused` it is unknown
    /// whether the device acted, unless nothing was sent. Nothing is sent a second time.
    async fn write(&mut self, change: &PointWrite) -> Result<(), DeviceFault> {
        let PointWrite::Registers(change) = change else { return Err(foreign_address()) };
        self.write_registers(change).await
    }

    /// Reads exactly the cells of `range`, which must be within its space's limits.
    async fn read_registers(&mut self, _range: RegisterRange) -> Result<RegisterData, DeviceFault> {
        Err(foreign_address())
    }

    /// Reads several short ranges, in one request where the protocol supports it, and returns the outcome of each. The
    /// spaces of the ranges limit how many there may be (`RegisterSpace::scattered`).
    ///
    /// # Errors
    /// The device refused the request as a whole, or is out of reach. A range that is refused by itself is its own error.
    async fn read_scattered(&mut self, ranges: &[RegisterRange]) -> Result<RangeOutcomes, DeviceFault> {
        let mut all = Vec::with_capacity(ranges.len());
        for range in ranges {
            match self.read_registers(*range).await {
                Err(fault) if fault.is_connection_loss() => return Err(fault),
                outcome => all.push(outcome),
            }
        }
        Ok(all)
    }

    /// Writes registers; promises what `write` promises.
    async fn write_registers(&mut self, _change: &RegisterWrite) -> Result<(), DeviceFault> {
        Err(foreign_address())
    }

    /// Lists `depth` levels below a node, where the protocol has such lists (`DeviceProtocol::browse_root`).
    async fn browse(&mut self, _node: &str, _depth: usize) -> Result<BrowseTree, DeviceFault> {
        Err(DeviceFault::Unsupported { field: "protocol", words: "The device is not browsed.".to_owned() })
    }

    /// Ends the connection. A protocol whose devices keep a session tells the device first, if it reacts within
    /// seconds.
    async fn close(self: Box<Self>) {}
}

/// Fault for an address of another protocol, which the device may have had before.
pub fn foreign_address() -> DeviceFault {
    DeviceFault::Unsupported { field: "register", words: "The device has no such place.".to_owned() }
}

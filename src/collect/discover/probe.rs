//! The requests by protocol, and the ports that they go to.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;

use super::{eip, s7};
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::request_socket::{Peer, Transport};
use crate::collect::{fenet, melsec, modbus, mqtt, opcua};
use crate::domain::device::{DeviceSpec, Protocol};

/// Asks the service that a device's settings name; returns its answer in words.
type Request = for<'a> fn(&'a DeviceSpec, &'a ConnectContext) -> BoxFuture<'a, Result<String, DeviceFault>>;

/// One protocol's request.
pub struct Probe {
    /// Name of the protocol in the catalog.
    pub protocol: &'static str,
    /// Where its devices listen unless they are set otherwise.
    pub default_port: u16,
    request: Request,
}

/// Every protocol that can be discovered.
pub static PROBES: [Probe; 7] = [
    Probe {
        protocol: "modbus",
        default_port: 502,
        request: |device, context| Box::pin(modbus::identify(device, context)),
    },
    Probe {
        protocol: "melsec",
        default_port: 5007,
        request: |device, context| Box::pin(melsec::identify(device, context)),
    },
    Probe {
        protocol: "fenet",
        default_port: 2004,
        request: |device, context| Box::pin(fenet::identify(device, context)),
    },
    Probe {
        protocol: "opcua",
        default_port: 4840,
        request: |device, context| Box::pin(opcua::identify(device, context)),
    },
    Probe {
        protocol: "mqtt",
        default_port: 1883,
        request: |device, context| Box::pin(mqtt::identify(device, context)),
    },
    Probe {
        protocol: "s7",
        default_port: 102,
        request: |device, context| Box::pin(s7::identify(peer(device), context)),
    },
    Probe {
        protocol: "eip",
        default_port: 44_818,
        request: |device, context| Box::pin(eip::identify(peer(device), context)),
    },
];

impl Probe {
    /// Asks one address; what it answered in words.
    ///
    /// # Errors
    /// When nothing there speaks the protocol.
    pub async fn ask(
        &self,
        address: IpAddr,
        port: u16,
        timeout: Duration,
        context: &ConnectContext,
    ) -> Result<String, DeviceFault> {
        // The settings are those of a device of any protocol; each request reads its own.
        let protocol = self.protocol.parse().unwrap_or(Protocol::Modbus);
        let mut device = DeviceSpec::new("discovery", protocol);
        device.host = address.to_string();
        (device.port, device.timeout_s) = (Some(port), timeout.as_secs_f64());
        // Connecting and asking have one timeout each; the rest is for a device that answers slowly byte by byte.
        let limit = timeout.saturating_mul(3);
        let answer = tokio::time::timeout(limit, (self.request)(&device, context)).await;
        answer.unwrap_or_else(|_| Err(DeviceFault::Timeout { address: device.host.clone(), after: limit }))
    }
}

/// Host and port of a device whose protocol has no folder here.
fn peer(device: &DeviceSpec) -> Peer {
    Peer {
        host: device.host.clone(),
        port: device.port.unwrap_or_default(),
        transport: Transport::Tcp,
        timeout: Duration::from_secs_f64(device.timeout_s),
    }
}

//! The requests by protocol, and the ports that they go to.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::{eip, fenet, melsec, modbus, mqtt, opcua, s7};
use crate::domain::device::{DeviceSpec, Protocol};

/// Asks the service that a device's settings name; returns its answer in words.
type Request = for<'a> fn(&'a DeviceSpec, &'a ConnectContext) -> BoxFuture<'a, Result<String, DeviceFault>>;

/// One protocol's request.
pub struct Probe {
    pub protocol: Protocol,
    /// Port on which its devices listen unless they are set otherwise.
    pub default_port: u16,
    request: Request,
}

/// Every protocol that can be discovered.
pub static PROBES: [Probe; 7] = [
    Probe {
        protocol: Protocol::Modbus,
        default_port: 502,
        request: |device, context| Box::pin(modbus::identify(device, context)),
    },
    Probe {
        protocol: Protocol::Melsec,
        default_port: 5007,
        request: |device, context| Box::pin(melsec::identify(device, context)),
    },
    Probe {
        protocol: Protocol::Fenet,
        default_port: 2004,
        request: |device, context| Box::pin(fenet::identify(device, context)),
    },
    Probe {
        protocol: Protocol::S7,
        default_port: 102,
        request: |device, context| Box::pin(s7::identify(device, context)),
    },
    Probe {
        protocol: Protocol::Eip,
        default_port: 44_818,
        request: |device, context| Box::pin(eip::identify(device, context)),
    },
    Probe {
        protocol: Protocol::Opcua,
        default_port: 4840,
        request: |device, context| Box::pin(opcua::identify(device, context)),
    },
    Probe {
        protocol: Protocol::Mqtt,
        default_port: 1883,
        request: |device, context| Box::pin(mqtt::identify(device, context)),
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
        let mut device = DeviceSpec::new("discovery", self.protocol);
        device.host = address.to_string();
        (device.port, device.timeout_s) = (Some(port), timeout.as_secs_f64());
        // Connecting and asking have one timeout each; the rest is for a device that answers slowly byte by byte.
        let limit = timeout.saturating_mul(3);
        let answer = tokio::time::timeout(limit, (self.request)(&device, context)).await;
        answer.unwrap_or_else(|_| Err(DeviceFault::Timeout { address: device.host.clone(), after: limit }))
    }
}

//! Address of a device on the network with its time limit, and the faults of connections to it.

use std::io;
use std::net::Ipv6Addr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Host;

use super::connection_usage::ConnectionUsage;
use super::fault::{DeviceFault, describe_io_error};
use super::line_silence::LineSilence;
use super::networks::AllowedNetworks;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

const HOST_FORM: &str =
    "Write a host name or an IP address, such as 192.168.0.10, alone: the port has a field of its own.";

/// Whether a text is what the system's resolver takes: a host name, an IPv4 address, or an IPv6 address without brackets,
/// which may name its interface.
fn is_host(text: &str) -> bool {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    let is_plain = |host: Host| match host {
        Host::Domain(_) | Host::Ipv4(_) => host.to_string().eq_ignore_ascii_case(text),
        Host::Ipv6(_) => false,
    };
    address.parse::<Ipv6Addr>().is_ok() || Host::parse(text).is_ok_and(is_plain)
}

/// Transport protocol of a device's requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    #[default]
    Tcp,
    /// A datagram is a whole frame.
    Udp,
}

/// Host, port and transport of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    pub host: String,
    pub port: u16,
    pub transport: Transport,
    /// For connecting and for each request.
    pub timeout: Duration,
    pub usage: ConnectionUsage,
}

impl Peer {
    /// Builds the peer from a device's settings; the error names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec, transport: Transport) -> Result<Peer> {
        let port = spec.effective_port().ok_or_else(|| Error::field("port", "This field is required."))?;
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        // One that is missing is told where all protocols are checked.
        if !spec.host.is_empty() && !is_host(&spec.host) {
            return Err(Error::field("host", HOST_FORM));
        }
        Ok(Peer {
            host: spec.host.clone(),
            port,
            transport,
            timeout,
            usage: ConnectionUsage::from_spec(spec)?,
        })
    }

    /// Returns host and port, as in fault messages.
    pub fn address(&self) -> String {
        let Peer { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Awaits the opening of a connection within the timeout.
    ///
    /// # Errors
    /// `Unreachable` with the reason, or `Timeout`.
    pub async fn within_timeout<T>(
        &self,
        opening: impl Future<Output = io::Result<T>>,
    ) -> Result<T, DeviceFault> {
        match timeout(self.timeout, opening).await {
            Ok(opened) => opened.map_err(|error| DeviceFault::Unreachable {
                address: self.address(),
                reason: describe_io_error(&error),
            }),
            Err(_) => Err(self.no_answer()),
        }
    }

    /// Opens a TCP connection whose small frames are sent at once. Has no time limit of its own.
    pub async fn connect_tcp(&self, networks: &AllowedNetworks) -> io::Result<TcpStream> {
        let stream = networks.connect(&self.host, self.port).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Fault for a device that did not answer within the timeout.
    pub fn no_answer(&self) -> DeviceFault {
        DeviceFault::Timeout { address: self.address(), after: self.timeout }
    }

    /// Fault for a connection that is found closed.
    pub fn closed(&self, reason: String) -> DeviceFault {
        DeviceFault::Closed { address: self.address(), reason }
    }

    /// Fault for an answer that made no sense.
    pub fn malformed(&self, reason: String) -> DeviceFault {
        DeviceFault::Malformed { address: self.address(), reason }
    }

    /// Fault for bytes that answer no request. From now on more silence must follow each answer; where none is long enough,
    /// `alternative` says what else would help.
    pub fn unsolicited(&self, silence: &LineSilence, alternative: &str) -> DeviceFault {
        let silence_s = silence.extend(self.timeout).as_secs_f64();
        let address = self.address();
        tracing::warn!(
            address,
            silence_s,
            "bytes arrived that answer no request: silence must follow each answer"
        );
        if silence.is_resting() {
            return self.never_silent(alternative);
        }
        DeviceFault::Unsolicited { address, reason: "bytes arrived that answer no request".to_owned() }
    }

    /// Fault for a device whose answers come again after the longest silence.
    pub fn never_silent(&self, alternative: &str) -> DeviceFault {
        let limit = self.timeout.as_secs_f64();
        let reason = format!(
            "answers come again after more than {limit} s, so that none can be told from another's: {alternative}"
        );
        DeviceFault::Unsolicited { address: self.address(), reason }
    }
}

//! Ports of every collector: the devices, a sink for readings, the clock, and the operator's options.

use std::sync::Arc;
use std::time::Duration;

use super::networks::AllowedNetworks;
use super::opcua::pki::Pki;
use super::serial::AllowedSerialPorts;
use crate::domain::Clock;
use crate::domain::arrival::AheadBound;
use crate::domain::http_request::{HttpError, HttpRequest, HttpResponse};
use crate::domain::ports::{BoxFuture, DeviceRegistry, HttpClient, SampleSink};

/// Operator's options for all collectors.
#[derive(Clone)]
pub struct CollectOptions {
    /// A stream with a deadband stores one row at least this often, so that an unchanged stream differs from a dead
    /// one.
    pub deadband_max_interval: Duration,
    /// How far ahead of its receipt a source's time may be.
    pub ahead_bound: AheadBound,
    /// Certificates of this server and of OPC UA servers.
    pub pki: Pki,
    /// Fetches the URLs of HTTP devices; the default reaches none.
    pub web: Arc<dyn HttpClient>,
    /// Networks in which devices may be.
    pub networks: AllowedNetworks,
    /// Serial ports that devices may use.
    pub serial_ports: AllowedSerialPorts,
}

/// An HTTP client that reaches no URL.
#[derive(Debug)]
struct NoWeb;

impl HttpClient for NoWeb {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(std::future::ready(Err(HttpError::NotAllowed)))
    }
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            deadband_max_interval: Duration::from_secs(600),
            ahead_bound: AheadBound::default(),
            pki: Pki::disabled(),
            web: Arc::new(NoWeb),
            networks: AllowedNetworks::default(),
            serial_ports: AllowedSerialPorts::default(),
        }
    }
}

/// Ports and settings that every collector needs.
pub struct CollectorPorts {
    pub plant: Arc<dyn DeviceRegistry>,
    pub sink: Arc<dyn SampleSink>,
    pub clock: Arc<dyn Clock>,
    pub options: CollectOptions,
}

//! Discovery: which protocols answer at addresses that the owner of a network names.
//!
//! Each address gets one request of each protocol, which changes nothing on a device. Nothing is discovered by itself:
//! `basalt discover` is the only caller. The request of a protocol is in its folder (`identify.rs`).

mod probe;
mod targets;

use std::net::IpAddr;
use std::time::Duration;

use futures::StreamExt;

use super::client::ConnectContext;
use crate::domain::device::Protocol;
pub use probe::{PROBES, Probe};
pub use targets::{MAX_ADDRESSES, Targets};

/// Characters of a device's own text that are shown.
const MAX_ANSWER_CHARS: usize = 120;

/// A protocol that answered at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredService {
    pub address: IpAddr,
    pub port: u16,
    pub protocol: Protocol,
    /// Its answer, in one line without control characters.
    pub answer: String,
}

/// Requests to send, and how fast.
pub struct DiscoverOptions {
    /// Each protocol with the port to ask it at.
    pub probes: Vec<(&'static Probe, u16)>,
    /// For connecting, and for the answer.
    pub timeout: Duration,
    /// Requests under way at the same time.
    pub concurrency: usize,
}

/// Asks every address; the services found, sorted by address and port. What does not answer in its protocol is left out.
pub async fn discover(
    targets: &Targets,
    options: &DiscoverOptions,
    context: &ConnectContext,
) -> Vec<DiscoveredService> {
    // One protocol after the other, so that no address gets all requests at once.
    let requests = options.probes.iter().flat_map(|probe| targets.addresses().map(move |at| (probe, at)));
    let answers = futures::stream::iter(requests).map(|((probe, port), address)| async move {
        let answer = probe.ask(address, *port, options.timeout, context).await.ok()?;
        Some(DiscoveredService { address, port: *port, protocol: probe.protocol, answer: one_line(&answer) })
    });
    let found = answers.buffer_unordered(options.concurrency.max(1));
    let mut found: Vec<_> = found.filter_map(std::future::ready).collect().await;
    found.sort_by_key(|service| (service.address, service.port, service.protocol));
    found
}

/// A device's text for a terminal and a file: control characters are spaces, and it has an end.
fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(MAX_ANSWER_CHARS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;

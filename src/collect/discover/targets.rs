//! Addresses to ask: one host, or a network of at most 1024 addresses.

use std::net::IpAddr;

use ipnet::IpNet;
use tokio::net::lookup_host;

use crate::domain::{Error, Result};

/// Most addresses of a network: those of a /22 of IPv4.
pub const MAX_ADDRESSES: usize = 1024;
/// Bits of an address that may vary in a network of `MAX_ADDRESSES`.
const MAX_HOST_BITS: u8 = 10;

/// The addresses, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(Vec<IpAddr>);

impl Targets {
    /// Parses an address, a network such as `10.0.4.0/24`, or the name of a host, of which the first address is asked.
    ///
    /// # Errors
    /// `Invalid` for anything else, a network that is too large, or a name without an address.
    pub async fn parse(text: &str) -> Result<Targets> {
        if let Ok(address) = text.parse() {
            return Ok(Targets(vec![address]));
        }
        if text.contains('/') {
            return of_network(text);
        }
        let found = lookup_host((text, 0)).await.ok().and_then(|mut addresses| addresses.next());
        let unknown = || {
            Error::invalid(format!(
                "`{text}` is no known host: name a host, an address, or a network such as 10.0.4.0/24"
            ))
        };
        Ok(Targets(vec![found.ok_or_else(unknown)?.ip()]))
    }

    /// Iterates over the addresses in ascending order; an IPv4 network's own and its broadcast address are left out.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.iter().copied()
    }

    /// Number of addresses.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn of_network(text: &str) -> Result<Targets> {
    let network: IpNet = text
        .parse()
        .map_err(|_| Error::invalid(format!("`{text}` is no network: write one such as 10.0.4.0/24")))?;
    if network.max_prefix_len() - network.prefix_len() > MAX_HOST_BITS {
        return Err(Error::invalid(format!(
            "`{text}` has more than {MAX_ADDRESSES} addresses: name a /22 or smaller"
        )));
    }
    Ok(Targets(network.hosts().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_target_is_a_host_or_a_small_network() {
        for (text, count, first) in [
            ("10.0.4.7", 1, "10.0.4.7"),
            ("::1", 1, "::1"),
            ("10.0.4.0/30", 2, "10.0.4.1"),
            ("10.0.4.9/24", 254, "10.0.4.1"),
            ("10.0.4.0/22", 1022, "10.0.4.1"),
            ("10.0.4.7/32", 1, "10.0.4.7"),
            ("fd00::/120", 256, "fd00::"),
        ] {
            let targets = Targets::parse(text).await.unwrap();
            assert_eq!((targets.count(), targets.0[0].to_string()), (count, first.to_owned()), "{text}");
        }
        for (text, words) in [
            ("10.0.0.0/21", "more than 1024 addresses"),
            ("0.0.0.0/0", "more than 1024 addresses"),
            ("::/0", "more than 1024 addresses"),
            ("fd00::/117", "more than 1024 addresses"),
            ("10.0.0.0/33", "no network"),
            ("no such host", "no known host"),
        ] {
            let error = Targets::parse(text).await.unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}

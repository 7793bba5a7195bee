//! Allowed networks of devices. Whoever may configure devices chooses host and port, and learns whether something
//! listens there; an operator who does not want the whole internal network to be probed this way lists the plant's
//! networks.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use tokio::net::{TcpStream, lookup_host};

/// Every network, or only the listed ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(Option<Vec<IpNet>>);

impl AllowedNetworks {
    /// Whether devices may be at this address; an IPv4-mapped IPv6 address may be in a network of either kind.
    pub fn allows(&self, ip: IpAddr) -> bool {
        // An IPv4-mapped IPv6 address reaches the IPv4 address.
        let plain = ip.to_canonical();
        let networks = self.0.as_ref();
        networks.is_none_or(|networks| networks.iter().any(|net| net.contains(&ip) || net.contains(&plain)))
    }

    /// Resolves a host to its allowed addresses; connecting to these, and not to the name, uses what was checked.
    ///
    /// # Errors
    /// When the host has no address, or none that is allowed.
    pub async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        let is_known = !found.is_empty();
        let allowed: Vec<SocketAddr> =
            found.into_iter().filter(|address| self.allows(address.ip())).collect();
        match (allowed.is_empty(), is_known) {
            (false, _) => Ok(allowed),
            (true, false) => Err(io::ErrorKind::AddrNotAvailable.into()),
            (true, true) => {
                let words = "it is in no network that devices may be in (collect.networks)";
                Err(io::Error::new(io::ErrorKind::PermissionDenied, words))
            }
        }
    }

    /// Opens a connection to one of the allowed addresses.
    ///
    /// # Errors
    /// The errors of `resolve`, and the last address's error when none accepts.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect(&self.resolve(host, port).await?[..]).await
    }
}

/// Parses `any`, or a list of networks and addresses separated by commas.
impl FromStr for AllowedNetworks {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.trim() == "any" {
            return Ok(AllowedNetworks(None));
        }
        let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let networks: Option<Vec<IpNet>> = text.split(',').map(|net| network(net.trim())).collect();
        networks.map(|networks| AllowedNetworks(Some(networks))).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_everywhere_or_in_the_networks_named() {
        for (text, inside, outside) in [
            ("any", vec!["10.0.0.1", "127.0.0.1", "::1", "8.8.8.8"], vec![]),
            ("10.0.0.0/8", vec!["10.255.0.1", "::ffff:10.0.0.1"], vec!["11.0.0.1", "127.0.0.1", "::1"]),
            (
                "10.0.0.0/8, fd00::/8,192.168.1.7",
                vec!["192.168.1.7", "fd00::5"],
                vec!["192.168.1.8", "fe80::1"],
            ),
        ] {
            let networks: AllowedNetworks = text.parse().unwrap();
            let allows = |ip: &&str| networks.allows(ip.parse().unwrap());
            assert!(inside.iter().all(allows) && !outside.iter().any(allows), "{text}");
        }
        for text in ["", "everywhere", "10.0.0.0/33", "10.0.0.0/8,", "plc.example"] {
            assert!(text.parse::<AllowedNetworks>().is_err(), "{text}");
        }
        assert_eq!("any".parse(), Ok(AllowedNetworks::default()));
    }

    #[tokio::test]
    async fn what_leads_elsewhere_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let elsewhere: AllowedNetworks = "10.0.0.0/8".parse().unwrap();
        for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
            let error = elsewhere.connect(host, port).await.unwrap_err();
            assert!(error.to_string().contains("collect.networks"), "{host}: {error}");
        }
        let here: AllowedNetworks = "127.0.0.0/8".parse().unwrap();
        assert!(here.connect("localhost", port).await.is_ok(), "of two addresses the one that is allowed");
    }
}

//! Where devices may be. Whoever may set devices up chooses host and port, and is told whether somebody listens there: an
//! operator who does not want that for the whole inner network names the networks of the plant.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use tokio::net::{TcpStream, lookup_host};

/// Everywhere, or these networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Option<Vec<IpNet>>);

impl Networks {
    pub fn allows(&self, ip: IpAddr) -> bool {
        // IPv4 in the clothes of IPv6 reaches what it names.
        let plain = ip.to_canonical();
        let networks = self.0.as_ref();
        networks.is_none_or(|networks| networks.iter().any(|net| net.contains(&ip) || net.contains(&plain)))
    }

    /// The addresses that a host has and that are allowed: what is connected to is what was looked at.
    ///
    /// # Errors
    /// When it has none, or none that is allowed.
    pub async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
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

    /// Opens a connection to one of them.
    ///
    /// # Errors
    /// As `addresses`, and the last one's when none takes it.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect(&self.addresses(host, port).await?[..]).await
    }
}

/// `any`, or networks and addresses with commas between them.
impl FromStr for Networks {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.trim() == "any" {
            return Ok(Networks(None));
        }
        let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let networks: Option<Vec<IpNet>> = text.split(',').map(|net| network(net.trim())).collect();
        networks.map(|networks| Networks(Some(networks))).ok_or(())
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
            let networks: Networks = text.parse().unwrap();
            let allows = |ip: &&str| networks.allows(ip.parse().unwrap());
            assert!(inside.iter().all(allows) && !outside.iter().any(allows), "{text}");
        }
        for text in ["", "everywhere", "10.0.0.0/33", "10.0.0.0/8,", "plc.example"] {
            assert!(text.parse::<Networks>().is_err(), "{text}");
        }
        assert_eq!("any".parse(), Ok(Networks::default()));
    }

    #[tokio::test]
    async fn what_leads_elsewhere_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let elsewhere: Networks = "10.0.0.0/8".parse().unwrap();
        for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
            let error = elsewhere.connect(host, port).await.unwrap_err();
            assert!(error.to_string().contains("collect.networks"), "{host}: {error}");
        }
        let here: Networks = "127.0.0.0/8".parse().unwrap();
        assert!(here.connect("localhost", port).await.is_ok(), "of two addresses the one that is allowed");
    }
}

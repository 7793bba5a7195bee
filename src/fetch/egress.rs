//! Egress policy: decides which addresses a URL of a caller, such as a webhook's, may reach. Private addresses (the
//! internal network) are blocked against SSRF; public ones, and networks that configuration opens, are allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// IPv4 networks that are not public: this host and network, private, carrier-grade NAT, loopback, link-local,
/// protocol assignments, documentation, 6to4 relays, benchmarking, multicast, and reserved.
const NON_PUBLIC_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Only global unicast IPv6 is public, except what leads elsewhere: Teredo and other protocol assignments,
/// documentation, 6to4.
const GLOBAL_UNICAST_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NON_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Addresses that may be reached besides public ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    everything: bool,
    networks: Vec<IpNet>,
}

impl EgressPolicy {
    /// Whether `ip` may be connected to.
    pub fn allows(&self, ip: IpAddr) -> bool {
        // An IPv4-mapped IPv6 address reaches the IPv4 address, so a network that contains either allows it.
        let plain = ip.to_canonical();
        let is_opened = self.networks.iter().any(|net| net.contains(&ip) || net.contains(&plain));
        self.everything || is_opened || is_public(ip)
    }
}

/// Parses `false` for public addresses only, `true` for every address, or a comma-separated list of networks.
impl FromStr for EgressPolicy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim() {
            "false" => Ok(EgressPolicy::default()),
            "true" => Ok(EgressPolicy { everything: true, networks: Vec::new() }),
            list => {
                let networks = list.split(',').map(|net| network(net.trim()));
                Ok(EgressPolicy { everything: false, networks: networks.collect::<Option<_>>().ok_or(())? })
            }
        }
    }
}

/// Parses a network or a single address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !NON_PUBLIC_V4.iter().any(|(net, bits)| is_in_v4(ip, *net, *bits)),
        IpAddr::V6(ip) => {
            let (net, bits) = GLOBAL_UNICAST_V6;
            is_in_v6(ip, net, bits) && !NON_PUBLIC_V6.iter().any(|(net, bits)| is_in_v6(ip, *net, *bits))
        }
    }
}

fn is_in_v4(ip: Ipv4Addr, net: Ipv4Addr, bits: u8) -> bool {
    (ip.to_bits() ^ net.to_bits()).leading_zeros() >= u32::from(bits)
}

fn is_in_v6(ip: Ipv6Addr, net: Ipv6Addr, bits: u8) -> bool {
    (ip.to_bits() ^ net.to_bits()).leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 198.17.255.255 \
                        198.20.0.0 223.255.255.255 2606:4700::1111 2a00::1 2003::1";
    const CLOSED: &str = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 \
                          169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 \
                          198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 \
                          255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:1.1.1.1 \
                          64:ff9b::7f00:1 64:ff9b::101:101 64:ff9b:1::a00:1 100::1 2001::1 2001:db8::1 2002:7f00:1::1 \
                          3fff::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 4000::1";

    #[test]
    fn only_the_internet_is_open() {
        for (list, expected) in [(OPEN, true), (CLOSED, false)] {
            for ip in list.split_whitespace() {
                assert_eq!(EgressPolicy::default().allows(ip.parse().unwrap()), expected, "{ip}");
            }
        }
    }

    #[test]
    fn configuration_opens_everything_or_networks() {
        let rows = [
            ("true", "127.0.0.1", true),
            ("true", "::ffff:127.0.0.1", true),
            ("false", "127.0.0.1", false),
            ("127.0.0.0/8", "127.0.0.1", true),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("127.0.0.0/8", "10.0.0.1", false),
            ("10.1.0.0/16, fd00::/8", "10.1.2.3", true),
            ("10.1.0.0/16, fd00::/8", "10.2.2.3", false),
            ("10.1.0.0/16, fd00::/8", "fd12::1", true),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.8", false),
            ("192.168.1.7", "8.8.8.8", true),
        ];
        for (text, ip, expected) in rows {
            let reach: EgressPolicy = text.parse().unwrap();
            assert_eq!(reach.allows(ip.parse().unwrap()), expected, "{text}: {ip}");
        }
        for wrong in ["", "yes", "10.0.0.0/33", "10.0.0.0/8,", "localhost", "10.0.0"] {
            assert!(wrong.parse::<EgressPolicy>().is_err(), "{wrong}");
        }
    }
}

//! Which addresses may be connected to on somebody's behalf: those of the internet, and what configuration opens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// Networks of IPv4 that are not the internet: this host and its network, private ones, shared by carriers, loopback,
/// link-local, for protocols, documentation, relays and benchmarks, multicast, and what is reserved.
const CLOSED_V4: [(Ipv4Addr, u8); 15] = [
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

/// Of IPv6 only global unicast is the internet, and of that not what leads elsewhere: Teredo and other protocols,
/// documentation, 6to4.
const OPEN_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const CLOSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// What may be reached besides the internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    everything: bool,
    networks: Vec<IpNet>,
}

impl Reach {
    pub fn allows(&self, ip: IpAddr) -> bool {
        // IPv4 in the clothes of IPv6 reaches what it names, so a network opens it too.
        let plain = ip.to_canonical();
        let is_opened = self.networks.iter().any(|net| net.contains(&ip) || net.contains(&plain));
        self.everything || is_opened || is_internet(ip)
    }
}

/// `false` for the internet alone, `true` for everything, or networks with commas between them.
impl FromStr for Reach {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim() {
            "false" => Ok(Reach::default()),
            "true" => Ok(Reach { everything: true, networks: Vec::new() }),
            list => {
                let networks = list.split(',').map(|net| network(net.trim()));
                Ok(Reach { everything: false, networks: networks.collect::<Option<_>>().ok_or(())? })
            }
        }
    }
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn is_internet(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !CLOSED_V4.iter().any(|(net, bits)| is_in_v4(ip, *net, *bits)),
        IpAddr::V6(ip) => {
            let (net, bits) = OPEN_V6;
            is_in_v6(ip, net, bits) && !CLOSED_V6.iter().any(|(net, bits)| is_in_v6(ip, *net, *bits))
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
                assert_eq!(Reach::default().allows(ip.parse().unwrap()), expected, "{ip}");
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
            let reach: Reach = text.parse().unwrap();
            assert_eq!(reach.allows(ip.parse().unwrap()), expected, "{text}: {ip}");
        }
        for wrong in ["", "yes", "10.0.0.0/33", "10.0.0.0/8,", "localhost", "10.0.0"] {
            assert!(wrong.parse::<Reach>().is_err(), "{wrong}");
        }
    }
}

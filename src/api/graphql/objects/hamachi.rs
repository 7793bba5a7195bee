//! The Hamachi client of this machine in the graph.

use async_graphql::{Enum, SimpleObject};

use crate::domain::hamachi::{self, Network, Peer};

/// The Hamachi client of this machine. What it does not tell is null.
#[derive(SimpleObject)]
pub struct HamachiStatus {
    version: Option<String>,
    pid: Option<u32>,
    /// As the client words it, such as `logged in`.
    status: Option<String>,
    client_id: Option<String>,
    /// IPv4.
    address: Option<String>,
    ipv6: Option<String>,
    nickname: Option<String>,
    lmi_account: Option<String>,
}

impl From<hamachi::Status> for HamachiStatus {
    fn from(status: hamachi::Status) -> Self {
        Self {
            version: status.version,
            pid: status.pid,
            status: status.status,
            client_id: status.client_id,
            address: status.address.map(|ip| ip.to_string()),
            ipv6: status.ipv6.map(|ip| ip.to_string()),
            nickname: status.nickname,
            lmi_account: status.lmi_account,
        }
    }
}

/// A network this machine is a member of.
#[derive(SimpleObject)]
pub struct HamachiNetwork {
    /// Its id, or its name when it is not managed.
    network_id: String,
    name: String,
    /// Whether this machine is online in it.
    online: bool,
    /// Members and most members, as `2/5`.
    capacity: Option<String>,
    owner: Option<String>,
    subscription: Option<String>,
    /// Of a gateway network.
    subnet: Option<String>,
    peers: Vec<HamachiPeer>,
}

impl From<Network> for HamachiNetwork {
    fn from(network: Network) -> Self {
        Self {
            network_id: network.id,
            name: network.name,
            online: network.is_online,
            capacity: network.capacity,
            owner: network.owner,
            subscription: network.subscription,
            subnet: network.subnet,
            peers: network.peers.into_iter().map(HamachiPeer::from).collect(),
        }
    }
}

/// How a member of a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "hamachi::PeerState", rename_items = "lowercase")]
pub enum HamachiPeerStatus {
    Online,
    Offline,
    Unreachable,
    Error,
    /// It waits to be let in.
    Pending,
}

/// Another member of a network.
#[derive(SimpleObject)]
pub struct HamachiPeer {
    client_id: String,
    nickname: Option<String>,
    /// IPv4; its alias where it has one.
    address: Option<String>,
    ipv6: Option<String>,
    status: HamachiPeerStatus,
    /// `direct`, `relay` or `server`.
    via: Option<&'static str>,
}

impl From<Peer> for HamachiPeer {
    fn from(peer: Peer) -> Self {
        Self {
            client_id: peer.client_id,
            nickname: peer.nickname,
            address: peer.address.map(|ip| ip.to_string()),
            ipv6: peer.ipv6.map(|ip| ip.to_string()),
            status: peer.state.into(),
            via: peer.via,
        }
    }
}

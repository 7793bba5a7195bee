//! The Hamachi client of this machine in the graph.

use async_graphql::{Enum, SimpleObject};

use crate::domain::hamachi::{self, Network, Peer};

/// The Hamachi client of this machine. What it does not tell is null.
#[derive(SimpleObject)]
pub struct HamachiStatus {
    /// Version of the client program.
    version: Option<String>,
    /// Process number of the client on this machine.
    pid: Option<u32>,
    /// As the client words it, such as `logged in`.
    status: Option<String>,
    /// The client's own id in the networks, as `123-456-789`.
    client_id: Option<String>,
    /// IPv4 address of this machine in the networks.
    address: Option<String>,
    /// IPv6 address of this machine in the networks.
    ipv6: Option<String>,
    /// The name under which other members see this machine.
    nickname: Option<String>,
    /// The LogMeIn account that the client is attached to.
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
    /// The name its owner gave it.
    name: String,
    /// Whether this machine is online in it.
    online: bool,
    /// Members and most members, as `2/5`.
    capacity: Option<String>,
    /// Who owns it: a client's id and name, or this computer.
    owner: Option<String>,
    /// The plan the network is on, as the client words it.
    subscription: Option<String>,
    /// Address range of a gateway network; null for networks of another type.
    subnet: Option<String>,
    /// The other members, as this machine sees them.
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
    /// It is connected to the network.
    Online,
    /// It is not connected to the network.
    Offline,
    /// It is connected, but no tunnel to it can be made.
    Unreachable,
    /// The client reports an error with it.
    Error,
    /// It waits to be let in.
    Pending,
}

/// A member of a network other than this machine.
#[derive(SimpleObject)]
pub struct HamachiPeer {
    /// Its id in the networks, as `123-456-789`.
    client_id: String,
    /// The name it gave itself.
    nickname: Option<String>,
    /// IPv4; its alias where it has one.
    address: Option<String>,
    /// Its IPv6 address in the network.
    ipv6: Option<String>,
    /// Whether it can be reached.
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

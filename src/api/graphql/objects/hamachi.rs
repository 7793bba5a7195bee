//! Types of the schema for the Hamachi client of this machine.

use async_graphql::{Enum, SimpleObject};

use crate::domain::hamachi::{self, VpnNetwork, VpnPeer};

/// State of the Hamachi client of this machine. Values that the client does not report are null.
#[derive(SimpleObject)]
pub struct HamachiStatus {
    /// Version of the client program.
    version: Option<String>,
    /// Process id of the client on this machine.
    pid: Option<u32>,
    /// Status text of the client, such as `logged in`.
    status: Option<String>,
    /// Client id of this machine in the networks, such as `123-456-789`.
    client_id: Option<String>,
    /// IPv4 address of this machine in the networks.
    address: Option<String>,
    /// IPv6 address of this machine in the networks.
    ipv6: Option<String>,
    /// Name of this machine shown to other members.
    nickname: Option<String>,
    /// LogMeIn account that the client is attached to.
    lmi_account: Option<String>,
}

impl From<hamachi::VpnStatus> for HamachiStatus {
    fn from(status: hamachi::VpnStatus) -> Self {
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

/// A Hamachi network that this machine is a member of.
#[derive(SimpleObject)]
pub struct HamachiNetwork {
    /// Id of the network, or its name if the network is not managed.
    network_id: String,
    /// Name given by the network's owner.
    name: String,
    /// Whether this machine is online in it.
    online: bool,
    /// Number of members and maximum number of members, such as `2/5`.
    capacity: Option<String>,
    /// Owner of the network: a client's id and name, or this computer.
    owner: Option<String>,
    /// Subscription plan of the network, as reported by the client.
    subscription: Option<String>,
    /// Address range of a gateway network; null for other network types.
    subnet: Option<String>,
    /// Other members of the network, as seen from this machine.
    peers: Vec<HamachiPeer>,
}

impl From<VpnNetwork> for HamachiNetwork {
    fn from(network: VpnNetwork) -> Self {
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

/// Connection status of a network member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "hamachi::PeerState", rename_items = "lowercase")]
pub enum HamachiPeerStatus {
    /// The member is connected to the network.
    Online,
    /// The member is not connected to the network.
    Offline,
    /// The member is connected, but no tunnel to it can be established.
    Unreachable,
    /// The client reports an error for the member.
    Error,
    /// The member is waiting for approval to join.
    Pending,
}

/// A network member other than this machine.
#[derive(SimpleObject)]
pub struct HamachiPeer {
    /// Client id of the member, such as `123-456-789`.
    client_id: String,
    /// Name chosen by the member.
    nickname: Option<String>,
    /// IPv4 address, or the alias address if the member has one.
    address: Option<String>,
    /// IPv6 address of the member in the network.
    ipv6: Option<String>,
    /// Connection status of the member.
    status: HamachiPeerStatus,
    /// Connection path to the member: `direct`, `relay` or `server`.
    via: Option<&'static str>,
}

impl From<VpnPeer> for HamachiPeer {
    fn from(peer: VpnPeer) -> Self {
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

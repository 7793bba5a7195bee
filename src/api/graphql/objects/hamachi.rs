//! Types of the schema for the Hamachi client of this machine.

use async_graphql::{Enum, Object};

use crate::api::graphql::object::object;
use crate::domain::hamachi::{self, VpnNetwork, VpnPeer};

/// State of the Hamachi client of this machine. Values that the client does not report are null.
pub struct HamachiStatus(pub hamachi::VpnStatus);

object! {
    #[Object]
    /// State of the Hamachi client of this machine. Values that the client does not report are null.
    impl HamachiStatus(self) {
        /// Version of the client program.
        version: Option<&str> = self.0.version.as_deref();
        /// Process id of the client on this machine.
        pid: Option<u32> = self.0.pid;
        /// Status text of the client, such as `logged in`.
        status: Option<&str> = self.0.status.as_deref();
        /// Client id of this machine in the networks, such as `123-456-789`.
        client_id: Option<&str> = self.0.client_id.as_deref();
        /// IPv4 address of this machine in the networks.
        address: Option<String> = self.0.address.map(|ip| ip.to_string());
        /// IPv6 address of this machine in the networks.
        ipv6: Option<String> = self.0.ipv6.map(|ip| ip.to_string());
        /// Name of this machine shown to other members.
        nickname: Option<&str> = self.0.nickname.as_deref();
        /// LogMeIn account that the client is attached to.
        lmi_account: Option<&str> = self.0.lmi_account.as_deref();
    }
}

/// A Hamachi network that this machine is a member of.
pub struct HamachiNetwork(pub VpnNetwork);

object! {
    #[Object]
    /// A Hamachi network that this machine is a member of.
    impl HamachiNetwork(self) {
        /// Id of the network, or its name if the network is not managed.
        network_id: &str = &self.0.id;
        /// Name given by the network's owner.
        name: &str = &self.0.name;
        /// Whether this machine is online in it.
        online: bool = self.0.is_online;
        /// Number of members and maximum number of members, such as `2/5`.
        capacity: Option<&str> = self.0.capacity.as_deref();
        /// Owner of the network: a client's id and name, or this computer.
        owner: Option<&str> = self.0.owner.as_deref();
        /// Subscription plan of the network, as reported by the client.
        subscription: Option<&str> = self.0.subscription.as_deref();
        /// Address range of a gateway network; null for other network types.
        subnet: Option<&str> = self.0.subnet.as_deref();
        /// Other members of the network, as seen from this machine.
        peers: Vec<HamachiPeer> = self.0.peers.iter().cloned().map(HamachiPeer).collect();
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
pub struct HamachiPeer(pub VpnPeer);

object! {
    #[Object]
    /// A network member other than this machine.
    impl HamachiPeer(self) {
        /// Client id of the member, such as `123-456-789`.
        client_id: &str = &self.0.client_id;
        /// Name chosen by the member.
        nickname: Option<&str> = self.0.nickname.as_deref();
        /// IPv4 address, or the alias address if the member has one.
        address: Option<String> = self.0.address.map(|ip| ip.to_string());
        /// IPv6 address of the member in the network.
        ipv6: Option<String> = self.0.ipv6.map(|ip| ip.to_string());
        /// Connection status of the member.
        status: HamachiPeerStatus = self.0.state.into();
        /// Connection path to the member: `direct`, `relay` or `server`.
        via: Option<&'static str> = self.0.via;
    }
}

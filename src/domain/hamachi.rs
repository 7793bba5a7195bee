//! Status of the local Hamachi VPN client, its networks and their peers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::named_enum::named_enum;

/// Status of the client. Fields that it does not report are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VpnStatus {
    /// Version as the client names it, such as `hamachi-lnx-2.1.0.203`.
    pub version: Option<String>,
    /// Process id of the client on this machine.
    pub pid: Option<u32>,
    /// The client's own wording: `offline`, `logging in`, `logged in`.
    pub status: Option<String>,
    /// Id of this machine, such as `123-456-789`.
    pub client_id: Option<String>,
    /// IPv4 address of this machine in its networks.
    pub address: Option<Ipv4Addr>,
    /// IPv6 address of this machine in its networks.
    pub ipv6: Option<Ipv6Addr>,
    /// Name by which other members see this machine.
    pub nickname: Option<String>,
    /// LogMeIn account that the client is attached to; may end in `(pending)`.
    pub lmi_account: Option<String>,
}

impl VpnStatus {
    /// Whether the client is logged in.
    pub fn is_logged_in(&self) -> bool {
        self.status.as_deref() == Some("logged in")
    }
}

/// A network this machine is a member of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnNetwork {
    /// The network id, or the name for an unmanaged network.
    pub id: String,
    /// Name chosen by the owner.
    pub name: String,
    /// Whether this machine is online in it.
    pub is_online: bool,
    /// Members and maximum, such as `2/5`.
    pub capacity: Option<String>,
    /// Owner in the client's wording, such as `onian (221-094-578)` or `This computer`.
    pub owner: Option<String>,
    /// Subscription type in the client's wording, such as `Free`.
    pub subscription: Option<String>,
    /// Set for gateway networks.
    pub subnet: Option<String>,
    /// Other members, in the client's order.
    pub peers: Vec<VpnPeer>,
}

/// Another member of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnPeer {
    /// Id of the member, such as `123-456-789`.
    pub client_id: String,
    /// Name chosen by the member.
    pub nickname: Option<String>,
    /// The alias where the peer has one, because only that one works then.
    pub address: Option<Ipv4Addr>,
    /// IPv6 address of the member.
    pub ipv6: Option<Ipv6Addr>,
    /// Connection state as this machine sees it.
    pub state: PeerState,
    /// `direct`, `relay` or `server`.
    pub via: Option<&'static str>,
}

named_enum! {
    /// Connection state of a peer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PeerState {
        /// Connected to the network.
        Online = "online",
        /// Not connected to the network.
        Offline = "offline",
        /// Connected, but no tunnel to it can be made.
        Unreachable = "unreachable",
        /// The client reports an error for it.
        Error = "error",
        /// Waiting for approval by the network's owner.
        Pending = "pending",
    }
}

/// Result of joining a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinOutcome {
    /// The machine is a member from now on.
    New,
    /// The machine was a member already.
    Already,
    /// The network's owner has to approve.
    Pending,
}

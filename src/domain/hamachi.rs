//! Status of the local Hamachi VPN client, its networks and their peers.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Status of the client. Fields that it does not report are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VpnStatus {
    pub version: Option<String>,
    pub pid: Option<u32>,
    /// The client's own wording: `offline`, `logging in`, `logged in`.
    pub status: Option<String>,
    pub client_id: Option<String>,
    pub address: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub nickname: Option<String>,
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
    pub name: String,
    /// Whether this machine is online in it.
    pub is_online: bool,
    /// Members and maximum, such as `2/5`.
    pub capacity: Option<String>,
    pub owner: Option<String>,
    pub subscription: Option<String>,
    /// Set for gateway networks.
    pub subnet: Option<String>,
    pub peers: Vec<VpnPeer>,
}

/// Another member of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnPeer {
    pub client_id: String,
    pub nickname: Option<String>,
    /// The alias where the peer has one, because only that one works then.
    pub address: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub state: PeerState,
    /// `direct`, `relay` or `server`.
    pub via: Option<&'static str>,
}

/// Connection state of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    Online,
    Offline,
    Unreachable,
    Error,
    /// Waiting for approval by the network's owner.
    Pending,
}

impl PeerState {
    /// Every state.
    pub const ALL: [PeerState; 5] =
        [PeerState::Online, PeerState::Offline, PeerState::Unreachable, PeerState::Error, PeerState::Pending];

    /// Name used in APIs.
    pub fn name(self) -> &'static str {
        match self {
            PeerState::Online => "online",
            PeerState::Offline => "offline",
            PeerState::Unreachable => "unreachable",
            PeerState::Error => "error",
            PeerState::Pending => "pending",
        }
    }
}

/// Result of joining a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    New,
    /// The machine was a member already.
    Already,
    /// The network's owner has to approve.
    Pending,
}

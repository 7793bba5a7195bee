//! What the Hamachi client of this machine says of itself, its networks and their peers.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The client itself. Whatever it does not tell is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    pub version: Option<String>,
    pub pid: Option<u32>,
    /// As the client words it: `offline`, `logging in`, `logged in`.
    pub status: Option<String>,
    pub client_id: Option<String>,
    pub address: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub nickname: Option<String>,
    pub lmi_account: Option<String>,
}

impl Status {
    pub fn is_logged_in(&self) -> bool {
        self.status.as_deref() == Some("logged in")
    }
}

/// A network this machine is a member of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its id, or its name when it is not managed.
    pub id: String,
    pub name: String,
    /// Whether this machine is online in it.
    pub is_online: bool,
    /// Members and most members, as `2/5`.
    pub capacity: Option<String>,
    pub owner: Option<String>,
    pub subscription: Option<String>,
    /// Of a gateway network.
    pub subnet: Option<String>,
    pub peers: Vec<Peer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub client_id: String,
    pub nickname: Option<String>,
    /// Its alias where it has one: only that one works then.
    pub address: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub state: PeerState,
    /// `direct`, `relay` or `server`.
    pub via: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    Online,
    Offline,
    Unreachable,
    Error,
    /// It waits to be let in.
    Pending,
}

impl PeerState {
    pub const ALL: [PeerState; 5] =
        [PeerState::Online, PeerState::Offline, PeerState::Unreachable, PeerState::Error, PeerState::Pending];

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

/// What came of joining a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    New,
    /// It was a member before.
    Already,
    /// The network's owner has to let it in.
    Pending,
}

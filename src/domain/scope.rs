//! Scopes: the permissions of keys, clients and users.

use std::fmt;
use std::str::FromStr;

use super::named_enum::named_enum;
use super::{Error, Result};

named_enum! {
    /// Resources that scopes apply to, under DataStone's names.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Resource {
        /// Devices, their status and their registers.
        Device = "device",
        /// Streams, under DataStone's name.
        Data = "data",
        /// Groups of streams.
        Group = "group",
        /// Readings, except those of one stream in REST, which need `Data`.
        Value = "value",
        /// Statistics, except those of one stream in REST, which need `Data`.
        Statistic = "statistic",
        /// Events.
        EventLog = "event-log",
        /// Models, retention, jobs, the audit and query logs, metrics, the license and Hamachi.
        System = "system",
        /// Terminal grants.
        WebrtcTerminal = "webrtc-terminal",
    }
}

/// Kind of access that a scope grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reading rows.
    Read,
    /// Creating, changing and deleting; it includes `Read`.
    Write,
}

/// One permission, written `<resource>:read|write`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Resource that may be accessed.
    pub resource: Resource,
    /// How it may be accessed.
    pub access: Access,
}

impl Scope {
    /// The read scope of a resource.
    pub const fn read(resource: Resource) -> Self {
        Self { resource, access: Access::Read }
    }

    /// The write scope of a resource.
    pub const fn write(resource: Resource) -> Self {
        Self { resource, access: Access::Write }
    }

    /// Every scope there is, by resource. Terminal grants are issued and redeemed, never read.
    pub fn all() -> impl Iterator<Item = Scope> {
        let scopes = Resource::ALL.into_iter().flat_map(|r| [Scope::read(r), Scope::write(r)]);
        scopes.filter(|scope| *scope != Scope::read(Resource::WebrtcTerminal))
    }

    fn bit(self) -> u32 {
        1 << (self.resource as u32 * 2 + self.access as u32)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        write!(f, "{}:{access}", self.resource.name())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Scope::all().find(|scope| scope.to_string() == text).ok_or_else(|| {
            let scopes: Vec<_> = Scope::all().map(|scope| scope.to_string()).collect();
            Error::field("scope", format!("`{text}` is not a scope: use one of {}", scopes.join(", ")))
        })
    }
}

/// A set of scopes. A write scope satisfies the read scope of the same resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u32);

impl Scopes {
    /// The empty set.
    pub const NONE: Scopes = Scopes(0);

    /// Every scope of every resource.
    pub fn all() -> Self {
        Scope::all().collect()
    }

    /// Whether the set grants `scope`, directly or through the write scope of its resource.
    pub fn allows(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0 || self.0 & Scope::write(scope.resource).bit() != 0
    }

    /// The scopes as granted (a write does not list its implied read).
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::all().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().fold(0, |bits, s| bits | s.bit()))
    }
}

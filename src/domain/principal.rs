//! Principals: the caller and its permissions. Every access to `store/`, `query/` and the catalog takes a
//! `Principal`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::audit::RequestOrigin;
use super::caller::Caller;
use super::org::User;
use super::{DeviceId, Error, OrgId, Result, StreamId};

/// Resources that scopes apply to, under DataStone's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Devices, their status and their registers.
    Device,
    /// Streams, under DataStone's name.
    Data,
    /// Groups of streams.
    Group,
    /// Readings, except those of one stream in REST, which need `Data`.
    Value,
    /// Statistics, except those of one stream in REST, which need `Data`.
    Statistic,
    /// Events.
    EventLog,
    /// Models, retention, jobs, the audit and query logs, metrics, the license and Hamachi.
    System,
    /// Terminal grants.
    WebrtcTerminal,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Resource; 8] = [
        Resource::Device,
        Resource::Data,
        Resource::Group,
        Resource::Value,
        Resource::Statistic,
        Resource::EventLog,
        Resource::System,
        Resource::WebrtcTerminal,
    ];

    /// Name used in scopes.
    pub fn name(self) -> &'static str {
        match self {
            Resource::Device => "device",
            Resource::Data => "data",
            Resource::Group => "group",
            Resource::Value => "value",
            Resource::Statistic => "statistic",
            Resource::EventLog => "event-log",
            Resource::System => "system",
            Resource::WebrtcTerminal => "webrtc-terminal",
        }
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
    /// What may be accessed.
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
        let all = Resource::ALL.into_iter().flat_map(|r| [Scope::read(r), Scope::write(r)]);
        all.into_iter().find(|s| s.to_string() == text).ok_or_else(|| {
            let names: Vec<_> = Resource::ALL.iter().map(|r| r.name()).collect();
            Error::field(
                "scope",
                format!(
                    "`{text}` is not a scope: use <resource>:read or <resource>:write with one of {}",
                    names.join(", ")
                ),
            )
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
        Resource::ALL.into_iter().flat_map(|r| [Scope::read(r), Scope::write(r)]).collect()
    }

    /// Whether the set grants `scope`, directly or through the write scope of its resource.
    pub fn allows(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0 || self.0 & Scope::write(scope.resource).bit() != 0
    }

    /// The scopes as granted (a write does not list its implied read).
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Resource::ALL
            .into_iter()
            .flat_map(|r| [Scope::read(r), Scope::write(r)])
            .filter(move |s| self.0 & s.bit() != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().fold(0, |bits, s| bits | s.bit()))
    }
}

/// An authenticated caller: organization, identity, scopes, and the optional lists that narrow what it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The only organization whose rows the caller may see.
    pub org: OrgId,
    /// Who the caller is.
    pub caller: Caller,
    /// What the caller may do.
    pub scopes: Scopes,
    /// Allowed devices. When `devices` or `streams` is set, a stream is visible if `streams` contains it or `devices`
    /// contains its device.
    pub devices: Option<BTreeSet<DeviceId>>,
    /// Allowed streams, besides those of the allowed devices.
    pub streams: Option<BTreeSet<StreamId>>,
    /// Origin of the request; `None` for the server's own work.
    pub origin: Option<Arc<RequestOrigin>>,
}

impl Principal {
    /// Unrestricted access to one organization, for the server itself and for commands run by the data directory's
    /// owner.
    pub fn system(org: OrgId) -> Self {
        Self::unrestricted(org, Caller::System)
    }

    /// Unrestricted access to the user's organization.
    pub fn user(user: &User) -> Self {
        Self::unrestricted(user.org, Caller::User(user.id))
    }

    fn unrestricted(org: OrgId, caller: Caller) -> Self {
        Self { org, caller, scopes: Scopes::all(), devices: None, streams: None, origin: None }
    }

    /// Attaches the origin of the request, and records this caller in it.
    pub fn with_origin(self, origin: &Arc<RequestOrigin>) -> Self {
        origin.identify(self.org, self.caller);
        Self { origin: Some(origin.clone()), ..self }
    }

    /// Whether lists narrow what the principal sees.
    pub fn is_restricted(&self) -> bool {
        self.devices.is_some() || self.streams.is_some()
    }

    /// Checks that the principal holds a scope.
    ///
    /// # Errors
    /// `Forbidden`, naming the scope.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.allows(scope) {
            return Ok(());
        }
        Err(Error::forbidden(format!("this needs the scope {scope}")))
    }

    /// Whether a stream of `device` belongs to this principal's organization and passes its lists.
    pub fn sees_stream(&self, org: OrgId, device: DeviceId, stream: StreamId) -> bool {
        org == self.org
            && (!self.is_restricted()
                || self.streams.as_ref().is_some_and(|s| s.contains(&stream))
                || self.devices.as_ref().is_some_and(|d| d.contains(&device)))
    }

    /// Whether this principal may change a device: it is listed, or no list is set.
    pub fn owns_device(&self, org: OrgId, device: DeviceId) -> bool {
        org == self.org
            && (!self.is_restricted() || self.devices.as_ref().is_some_and(|d| d.contains(&device)))
    }
}

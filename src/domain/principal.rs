//! Who asks, and what they may touch. Every access to store/, query/ and the catalog takes a `Principal`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::audit::Origin;
use super::org::User;
use super::{DeviceId, Error, KeyId, OrgId, Result, StreamId, UserId};

/// The resources scopes speak about, with DataStone's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Device,
    Data,
    Group,
    Value,
    Statistic,
    EventLog,
    System,
    WebrtcTerminal,
}

impl Resource {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    Read,
    Write,
}

/// One permission, written `<resource>:read|write`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    pub resource: Resource,
    pub access: Access,
}

impl Scope {
    pub const fn read(resource: Resource) -> Self {
        Self { resource, access: Access::Read }
    }

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
    pub const NONE: Scopes = Scopes(0);

    pub fn all() -> Self {
        Resource::ALL.into_iter().flat_map(|r| [Scope::read(r), Scope::write(r)]).collect()
    }

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

/// What kind of caller a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An API key.
    Key(KeyId),
    /// A logged-in person.
    User(UserId),
    /// A collector writing what its device said.
    Device(DeviceId),
    /// The server itself, or a command run by whoever owns the data directory.
    System,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Key(id) => write!(f, "key:{id}"),
            Caller::User(id) => write!(f, "user:{id}"),
            Caller::Device(id) => write!(f, "device:{id}"),
            Caller::System => f.write_str("system"),
        }
    }
}

/// Who asks: organization, kind, scopes, and the optional lists that narrow what is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub org: OrgId,
    pub caller: Caller,
    pub scopes: Scopes,
    /// When either list is set, a stream is visible if `streams` holds it or `devices` holds its device.
    pub devices: Option<BTreeSet<DeviceId>>,
    pub streams: Option<BTreeSet<StreamId>>,
    /// Where the request came from; none when it is the server's own.
    pub origin: Option<Arc<Origin>>,
}

impl Principal {
    /// Everything of one organization: the server itself and commands of the data directory's owner.
    pub fn system(org: OrgId) -> Self {
        Self::whole(org, Caller::System)
    }

    /// A logged-in person: everything of their organization.
    pub fn user(user: &User) -> Self {
        Self::whole(user.org, Caller::User(user.id))
    }

    fn whole(org: OrgId, caller: Caller) -> Self {
        Self { org, caller, scopes: Scopes::all(), devices: None, streams: None, origin: None }
    }

    /// The same, asking from somewhere.
    pub fn asking_from(self, origin: &Arc<Origin>) -> Self {
        origin.identify(self.org, self.caller);
        Self { origin: Some(origin.clone()), ..self }
    }

    pub fn is_restricted(&self) -> bool {
        self.devices.is_some() || self.streams.is_some()
    }

    /// Fails with `Forbidden`, naming the scope, unless this principal holds it.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.allows(scope) {
            return Ok(());
        }
        Err(Error::forbidden(format!("this needs the scope {scope}")))
    }

    /// Whether a stream of `device` in this principal's organization passes the allowed lists.
    pub fn sees_stream(&self, org: OrgId, device: DeviceId, stream: StreamId) -> bool {
        org == self.org
            && (!self.is_restricted()
                || self.streams.as_ref().is_some_and(|s| s.contains(&stream))
                || self.devices.as_ref().is_some_and(|d| d.contains(&device)))
    }

    /// Whether a device may be changed by this principal: listed, or no list set at all.
    pub fn owns_device(&self, org: OrgId, device: DeviceId) -> bool {
        org == self.org
            && (!self.is_restricted() || self.devices.as_ref().is_some_and(|d| d.contains(&device)))
    }
}

//! Principals: the caller and its permissions. Every access to `store/`, `query/` and the catalog takes a
//! `Principal`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::audit::RequestOrigin;
use super::caller::Caller;
use super::org::User;
pub use super::scope::{Access, Resource, Scope, Scopes};
use super::{DeviceId, DocumentId, Error, OrgId, Result, StreamId};

/// An authenticated caller: organization, identity, scopes, and the optional lists that narrow what it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The only organization whose rows the caller may see.
    pub org: OrgId,
    /// Identity of the caller.
    pub caller: Caller,
    /// Scopes of the caller.
    pub scopes: Scopes,
    /// Allowed devices. When `devices` or `streams` is set, a stream is visible if `streams` contains it or `devices`
    /// contains its device.
    pub devices: Option<BTreeSet<DeviceId>>,
    /// Allowed streams, besides those of the allowed devices.
    pub streams: Option<BTreeSet<StreamId>>,
    /// The only documents that the principal sees, all of them dashboards; `None` is no limit.
    pub dashboards: Option<BTreeSet<DocumentId>>,
    /// Origin of the request; `None` for the server's own work.
    pub origin: Option<Arc<RequestOrigin>>,
}

impl Principal {
    /// Unrestricted access to one organization, for the server itself and for commands run by the data directory's
    /// owner.
    pub fn system(org: OrgId) -> Self {
        Self::unrestricted(org, Caller::System)
    }

    /// Access to every row of the user's organization, with the scopes of its role.
    pub fn user(user: &User) -> Self {
        Self { scopes: user.role().scopes(), ..Self::unrestricted(user.org, Caller::User(user.id)) }
    }

    /// A device itself: it sees its own rows alone.
    pub fn device(org: OrgId, id: DeviceId, scopes: Scopes) -> Self {
        Self { scopes, devices: Some(BTreeSet::from([id])), ..Self::unrestricted(org, Caller::Device(id)) }
    }

    fn unrestricted(org: OrgId, caller: Caller) -> Self {
        Self {
            org,
            caller,
            scopes: Scopes::all(),
            devices: None,
            streams: None,
            dashboards: None,
            origin: None,
        }
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

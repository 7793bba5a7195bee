//! Access of MQTT clients (the ACL): who connects, and which devices and topics are theirs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::MqttAccess;
use super::topics::{CONTROL_TREE, DISCOVER_TREE, OWN_TREE, PLATFORM_TREE, Route};
use crate::app::live::credential::LiveCredential;
use crate::auth::certificate;
use crate::collect::mqtt::sparkplug::topic::{Direction, NAMESPACE};
use crate::domain::caller::Caller;
use crate::domain::device::Device;
use crate::domain::mqtt::{Qos, SessionOwner, topic};
use crate::domain::{DeviceId, Error, Kind, Principal, Resource, Result, Scope};

/// Answer to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// With at most this quality of service.
    Granted(Qos),
    /// The filter names what the principal may not see.
    NotAuthorized,
    /// The filter is malformed.
    Malformed,
    /// Shared subscriptions do not exist here.
    Shared,
    /// The principal has too many subscriptions.
    TooMany,
    /// The subscription cannot be stored or served now.
    Unavailable,
}

/// Scopes of a device that has authenticated with its certificate: its own rows, nothing else.
fn device_scopes() -> impl Iterator<Item = Scope> {
    [Resource::Device, Resource::Data, Resource::Value].into_iter().map(Scope::write)
}

impl MqttAccess {
    /// Returns the principal of a device by the certificate it has shown, in DER: the device and those below it.
    ///
    /// # Errors
    /// `Unauthenticated` for a certificate that is not the current one of a device, or has expired.
    pub fn authenticate_certificate(&self, der: &[u8]) -> Result<LiveCredential> {
        let refused = || Error::new(Kind::Unauthenticated, "the certificate is not accepted");
        let fingerprint = certificate::fingerprint(der);
        let known =
            self.store.catalog().provisioning.certificate_by_fingerprint(&fingerprint).ok_or_else(refused)?;
        if known.expires_at <= self.clock.now() {
            return Err(refused());
        }
        let principal = self.device_principal(known.device).ok_or_else(refused)?;
        Ok(self.feeds.live_certificate_credential(Arc::new(principal), fingerprint))
    }

    /// The rights of a device with a certificate; `None` when there is no such device.
    pub(super) fn device_principal(&self, id: DeviceId) -> Option<Principal> {
        let (device, _) = self.store.catalog().devices.device_with_streams(id)?;
        let system = Principal::system(device.org);
        let below = self.store.catalog().devices.sub_devices(&system, id);
        let devices: BTreeSet<DeviceId> = below.iter().map(|device| device.id).chain([id]).collect();
        let alone = Principal::device(device.org, id, device_scopes().collect());
        Some(Principal { devices: Some(devices), ..alone })
    }

    /// Returns the UUID and the key of the device that a principal is; `None` for the holder of a key.
    pub fn device_names(&self, who: &Principal) -> Option<[String; 2]> {
        let Caller::Device(id) = who.caller else { return None };
        let device = self.store.catalog().devices.device(who, id).ok()?;
        Some([device.aliases.uuid.to_string(), device.aliases.key.clone()])
    }

    /// Finds a device of the principal's organization by external id, UUID or key, also one that it may not see.
    pub(super) fn named_device(&self, who: &Principal, name: &str) -> Option<Arc<Device>> {
        let (catalog, system) = (self.store.catalog(), Principal::system(who.org));
        let by_uuid = || catalog.devices.device_by_uuid(&system, Uuid::try_parse(name).ok()?).ok();
        let found = catalog.devices.device_by_external_id(&system, name).ok().or_else(by_uuid);
        found
            .or_else(|| catalog.devices.device_by_key(&system, name).ok())
            .filter(|device| device.org == who.org)
    }

    /// Returns the rights with which a principal writes to a device: its own, or those of a gateway for a device that was
    /// put below it since it connected.
    ///
    /// # Errors
    /// `Forbidden` when the device is not among those of the principal.
    pub(super) fn rights_on<'a>(&self, who: &'a Principal, device: &Device) -> Result<Cow<'a, Principal>> {
        if who.owns_device(device.org, device.id) {
            return Ok(Cow::Borrowed(who));
        }
        let is_gateway = matches!(who.caller, Caller::Device(id) if device.spec.parent_device == Some(id));
        if !is_gateway || device.org != who.org {
            return Err(topic_forbidden_error());
        }
        let devices = who.devices.iter().flatten().copied().chain([device.id]).collect();
        Ok(Cow::Owned(Principal { devices: Some(devices), ..who.clone() }))
    }

    /// Checks that a principal may publish to a topic. A device that does not exist yet is a matter of the message.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn may_publish(&self, who: &Principal, topic: &str) -> Result<()> {
        let scope = |resource| who.require(Scope::write(resource));
        match Route::parse(topic).ok_or_else(topic_forbidden_error)? {
            Route::Facts => scope(Resource::Value),
            Route::Values { device, .. } => {
                scope(Resource::Value)?;
                match self.named_device(who, device) {
                    Some(device) => self.rights_on(who, &device).map(drop),
                    None if who.is_restricted() => Err(topic_forbidden_error()),
                    None => Ok(()),
                }
            }
            Route::Gateway(named) => {
                let is_ours = self.is_project(who, named.project);
                let gateway = self.named_device(who, named.gateway).filter(|_| is_ours);
                let gateway = gateway.ok_or_else(topic_forbidden_error)?;
                let device = self.named_device(who, named.device).ok_or_else(topic_forbidden_error)?;
                let is_below = device.id == gateway.id || device.spec.parent_device == Some(gateway.id);
                if !is_below {
                    return Err(topic_forbidden_error());
                }
                self.rights_on(who, &device).map(drop)
            }
            Route::Platform(named) => {
                let device = self.platform_publisher(who, named)?;
                self.rights_on(who, &device).map(drop)
            }
            Route::Sparkplug(direction) => require_sparkplug_publisher(who, direction),
            Route::BridgeState => Ok(()),
        }
    }

    /// Whether a project of Instathings is the principal's organization, by its slug or name.
    pub(super) fn is_project(&self, who: &Principal, project: &str) -> bool {
        let org = self.store.catalog().orgs.org_of(who);
        org.is_some_and(|org| org.slug == project || org.name == project)
    }

    /// Decides about a subscription. A filter with wildcards is granted and shows what the principal may see; one that
    /// names a device or an organization is refused unless it is the principal's.
    pub fn grant(&self, who: &Principal, filter: &str, qos: Qos) -> Grant {
        if filter.starts_with(topic::SHARED) {
            return Grant::Shared;
        }
        if topic::filter_problem(filter).is_some() || topic::has_too_many_levels(filter) {
            return Grant::Malformed;
        }
        let may_read = |resource| who.require(Scope::read(resource)).is_ok();
        let mut levels = filter.split('/');
        let is_granted = match levels.next() {
            Some(OWN_TREE) => may_read(Resource::Value) && self.may_see(who, levels.next()),
            Some(CONTROL_TREE | DISCOVER_TREE) => {
                let project = levels.next().unwrap_or_default();
                who.require(Scope::write(Resource::Device)).is_ok()
                    && (topic::has_wildcards(project) || self.is_project(who, project))
                    && levels.take(2).all(|device| device == "device" || self.may_see(who, Some(device)))
            }
            Some(PLATFORM_TREE) => self.may_see_platform(who, levels),
            Some(NAMESPACE) => may_follow_sparkplug(who),
            // Each message is judged by itself; without either right there is none.
            Some("+" | "#") => may_read(Resource::Value) || may_read(Resource::Device),
            _ => false,
        };
        if is_granted { Grant::Granted(qos) } else { Grant::NotAuthorized }
    }

    /// Whether a level of a filter is a wildcard or a device of the principal. Of its own organization it may also name
    /// one that does not exist yet.
    pub(super) fn may_see(&self, who: &Principal, device: Option<&str>) -> bool {
        let name = device.unwrap_or_default();
        if topic::has_wildcards(name) {
            return true;
        }
        match self.named_device(who, name) {
            Some(device) => {
                self.rights_on(who, &device).is_ok()
                    || self.store.catalog().devices.device(who, device.id).is_ok()
            }
            None => !who.is_restricted(),
        }
    }
}

/// Owner of the session of a principal.
///
/// # Errors
/// `Forbidden` for callers that MQTT does not know: users and clients of vendors' APIs.
pub fn session_owner(who: &Principal) -> Result<SessionOwner> {
    match who.caller {
        Caller::Key(id) => Ok(SessionOwner::Key(id)),
        Caller::Device(id) => Ok(SessionOwner::Device(id)),
        Caller::User(_) | Caller::Client { .. } | Caller::Subject(_) | Caller::System => {
            Err(Error::forbidden("MQTT takes API keys and certificates of devices"))
        }
    }
}

/// Checks that a client may publish messages of Sparkplug in this direction. What an edge node publishes belongs to no
/// device until a host collects it, so the rights are those of the whole organization.
///
/// # Errors
/// `Forbidden` without the scope, and for clients that are restricted to some devices or streams.
pub(super) fn require_sparkplug_publisher(who: &Principal, direction: Direction) -> Result<()> {
    if who.is_restricted() {
        return Err(topic_forbidden_error());
    }
    who.require(Scope::write(match direction {
        Direction::FromEdge => Resource::Value,
        Direction::ToEdge | Direction::HostState => Resource::Device,
    }))
}

/// Whether a client may subscribe to messages of Sparkplug. Who may write values, as an edge node does, may read them.
pub(super) fn may_follow_sparkplug(who: &Principal) -> bool {
    !who.is_restricted() && who.require(Scope::read(Resource::Value)).is_ok()
}

pub(super) fn topic_forbidden_error() -> Error {
    Error::forbidden("the topic is not among those of this client")
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;

//! Provisioning of devices: a registration token for a name, and a certificate for the token.
//!
//! Whoever holds a token is the device: no other credential is asked for. A device renews its certificate with a new
//! token too, which is issued once the certificate is about to expire, or is not valid any more.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::app::access::AccessControl;
use crate::app::certificate::Certificates;
use crate::app::collector_ports::CollectorStates;
use crate::app::core_parts::CoreParts;
use crate::app::device::Devices;
use crate::auth::certificate::request::CertifiableKey;
use crate::auth::certificate::{CertificateSubject, SignedCertificate};
use crate::auth::registration::{self, PresentedToken};
use crate::domain::audit::RequestOrigin;
use crate::domain::certificate::NewCertificate;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::document::DocumentKind;
use crate::domain::registration::{NewRegistration, Registration, RegistrationPlace};
use crate::domain::topology::Topology;
use crate::domain::{Clock, Error, FieldError, Kind, Principal, Resource, Result, Scope, Scopes};
use crate::store::Store;

/// Settings of provisioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningSettings {
    /// Lifetime of a device's certificate, whole seconds.
    pub certificate_ttl: Duration,
    /// A device whose certificate is valid for at most so long gets a new registration token, whole seconds.
    pub renew_before: Duration,
    /// Host of the MQTT broker as devices reach it; `None` is that of `mk.public_url` or of each request.
    pub mqtt_host: Option<String>,
    /// TLS port of the MQTT broker as devices reach it.
    pub mqtt_port: u16,
}

impl Default for ProvisioningSettings {
    fn default() -> Self {
        Self {
            certificate_ttl: Duration::from_secs(365 * 86_400),
            renew_before: Duration::from_secs(30 * 86_400),
            mqtt_host: None,
            mqtt_port: 8883,
        }
    }
}

/// A token that was just issued. No `Debug`: the text exists only here.
pub struct IssuedRegistration {
    /// The text, which is shown this once.
    pub token: String,
    pub registration: Arc<Registration>,
    pub device: Arc<Device>,
}

/// Credentials that a device gets for its token.
#[derive(Debug, Clone)]
pub struct ProvisionedDevice {
    pub device: Arc<Device>,
    /// UUID of the organization.
    pub organization: Uuid,
    pub certificate: SignedCertificate,
    /// Certificates of the authorities that the device trusts, as PEM, the issuer's first.
    pub authorities_pem: String,
}

/// Registration tokens, and the certificates that devices get for them.
pub struct Provisioning {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    states: CollectorStates,
    access: Arc<AccessControl>,
    devices: Arc<Devices>,
    certificates: Arc<Certificates>,
    /// Lifetime of a device's certificate.
    certificate_ttl: Duration,
    /// A device whose certificate is valid for at most so long gets a new registration token.
    renew_before: Duration,
}

/// Services that provisioning calls.
pub(super) struct ProvisioningCalls {
    pub access: Arc<AccessControl>,
    pub devices: Arc<Devices>,
    pub certificates: Arc<Certificates>,
}

impl Provisioning {
    pub(super) fn new(parts: &CoreParts, calls: ProvisioningCalls, settings: &ProvisioningSettings) -> Self {
        let ProvisioningCalls { access, devices, certificates } = calls;
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            access,
            devices,
            certificates,
            certificate_ttl: settings.certificate_ttl,
            renew_before: settings.renew_before,
        }
    }

    /// Returns what is wrong with the place of a device that is to be registered.
    pub fn registration_place_problems(
        &self,
        principal: &Principal,
        place: &RegistrationPlace,
    ) -> Vec<FieldError> {
        let mut found = place.applied_to(&Topology::default()).problems();
        let catalog = self.store.catalog();
        for (field, kind, uuid) in [
            ("site", DocumentKind::Site, place.site),
            ("device_profile", DocumentKind::DeviceProfile, place.device_profile),
        ] {
            if uuid.is_some_and(|uuid| catalog.documents.document(principal, kind, uuid).is_err()) {
                found.push(FieldError::new(field, "does not exist"));
            }
        }
        found
    }

    /// Issues a registration token that is valid for `ttl`. The device of the specification is created, unless it was
    /// registered before and has no valid certificate, or one that expires soon.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write` or for a restricted principal; `Conflict` when the name is in use;
    /// `Invalid` naming the rule; `LimitReached` beyond the limits of devices or of unused tokens.
    pub async fn register_device(
        &self,
        principal: &Principal,
        spec: DeviceSpec,
        place: RegistrationPlace,
        ttl: Duration,
    ) -> Result<IssuedRegistration> {
        self.devices.check_may_create_device(principal)?;
        let (secret, hash) = registration::generate();
        let new = NewRegistration {
            uuid: Uuid::new_v4(),
            hash,
            ttl_us: micros(ttl),
            renewal_window_us: micros(self.renew_before),
        };
        let (device, registration) =
            self.store.catalog().provisioning.register_device(principal, spec, place, new).await?;
        self.states.tell_collectors(device.id);
        let token = secret.text(registration.uuid, device.aliases.uuid);
        Ok(IssuedRegistration { token, registration, device })
    }

    /// Returns the tokens that can be used, with their devices, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn pending_registrations(
        &self,
        principal: &Principal,
    ) -> Result<Vec<(Arc<Registration>, Arc<Device>)>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().provisioning.pending_registrations(principal))
    }

    /// Withdraws a token. The device stays.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write` or for a restricted principal; `NotFound` for a token that is
    /// unknown, of another organization, or cannot be used any more.
    pub async fn revoke_registration(&self, principal: &Principal, id: Uuid) -> Result<()> {
        principal.require(Scope::write(Resource::Device))?;
        self.store.catalog().provisioning.revoke_registration(principal, id).await.map(drop)
    }

    /// Exchanges a token and a certificate signing request in PEM for a certificate. The token is used up only when it
    /// succeeds; of concurrent uses one does.
    ///
    /// # Errors
    /// `Unauthenticated` for a text that is no token of ours; `Conflict` for a token that was used or revoked; `Gone`
    /// for an expired one; `Invalid` for the field `csr`; `Unavailable` when the authority's files cannot be used.
    pub async fn provision_device(
        &self,
        token: &str,
        csr: &str,
        origin: Option<&Arc<RequestOrigin>>,
    ) -> Result<ProvisionedDevice> {
        let presented = registration::parse(token).ok_or_else(unknown_token)?;
        let (registration, device) = self.registration_of_token(&presented)?;
        registration.check_usable(self.clock.now())?;
        let key = CertifiableKey::from_request(csr)?;
        let principal = device_principal(&device, origin);
        let organization = self.access.org_uuid(&principal)?;
        let authorities = self.certificates.authorities().await?;
        let issuer = authorities.issuer()?;
        let subject = CertificateSubject {
            device: &device.aliases.uuid.to_string(),
            organization: &organization.to_string(),
        };
        let certificate = issuer.sign(&key, subject, self.certificate_ttl, self.clock.now())?;
        let new = NewCertificate {
            fingerprint: certificate.fingerprint.clone(),
            serial: certificate.serial.clone(),
            authority: issuer.description().fingerprint.clone(),
            expires_at: certificate.expires_at,
        };
        let used = self.store.catalog().provisioning.use_registration(&principal, registration.id, new).await;
        used.map_err(|error| match error.kind {
            // It was deleted meanwhile.
            Kind::NotFound => unknown_token(),
            _ => error,
        })?;
        Ok(ProvisionedDevice {
            device,
            organization,
            certificate,
            authorities_pem: authorities.certificates_pem(),
        })
    }

    fn registration_of_token(&self, presented: &PresentedToken) -> Result<(Arc<Registration>, Arc<Device>)> {
        let found = self.store.catalog().provisioning.registration_by_uuid(presented.uuid);
        let found = found.filter(|(stored, device)| {
            device.aliases.uuid == presented.device && registration::matches(stored, presented)
        });
        found.ok_or_else(unknown_token)
    }
}

/// The specification of a device that is registered under this name: it sends its values over MQTT.
pub fn registered_device(name: &str) -> DeviceSpec {
    DeviceSpec { poll_interval_s: None, ..DeviceSpec::new(name, Protocol::Mqtt) }
}

/// The device, as the author of the changes that its token causes.
fn device_principal(device: &Device, origin: Option<&Arc<RequestOrigin>>) -> Principal {
    let principal = Principal::device(device.org, device.id, Scopes::default());
    match origin {
        Some(origin) => principal.with_origin(origin),
        None => principal,
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// One refusal for unknown and foreign tokens, so that a guess learns nothing.
fn unknown_token() -> Error {
    Error::new(Kind::Unauthenticated, "Invalid registration token")
}

#[cfg(test)]
#[path = "provisioning_tests.rs"]
mod tests;

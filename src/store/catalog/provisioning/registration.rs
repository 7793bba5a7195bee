//! Registration tokens in the catalog: each is used once, by one device. A change of a token and of the certificate
//! that is issued for it are one transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, EntityTrait, Set};
use uuid::Uuid;

use super::ProvisioningCatalog;
use super::certificate;
use super::registration_state::{revoked, store_states, with_state};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::certificate::{DeviceCertificate, NewCertificate};
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::registration::{
    MAX_OPEN_PER_ORG, MAX_REMEMBERED_PER_DEVICE, NewRegistration, Registration, RegistrationPlace,
    RegistrationState,
};
use crate::domain::topology::{ProvisioningPhase, Topology};
use crate::domain::{DeviceId, Error, Kind, Micros, Principal, RegistrationId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::device::index::AliasGenerator;
use crate::store::catalog::device::topology::topology_problems;
use crate::store::catalog::device::{self, check_device_limit, into_device};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::org::quota::QuotaDelta;
use crate::store::catalog::transaction::{CatalogTransaction, DbTransaction};
use crate::store::catalog::visibility::{VisibleCatalog, require_unrestricted};
use crate::store::catalog::{entity, trim};

/// Changes of a new token besides adding its row.
struct TokenIssue {
    /// The device that the token is for; `None` while it has to be created.
    device: Option<Arc<Device>>,
    /// Unused tokens of the device, revoked.
    revoked: Vec<Arc<Registration>>,
    /// The oldest tokens of the device, which are not remembered any more.
    forgotten: Vec<RegistrationId>,
    /// Whether a certificate that is not valid any more goes.
    ends_certificate: bool,
    /// Whether the device has a valid certificate that it renews: it does not become pending again.
    is_renewal: bool,
}

impl TokenIssue {
    /// The topology of the device after its registration.
    fn topology(&self, place: &RegistrationPlace) -> Topology {
        let stored = self.device.as_ref().map(|device| device.topology.clone()).unwrap_or_default();
        let topology = place.applied_to(&stored);
        if self.is_renewal { topology } else { Topology { phase: ProvisioningPhase::Pending, ..topology } }
    }
}

impl ProvisioningCatalog {
    /// Creates a device that gets its certificate by the token, and the token. A device of this name that was
    /// registered before, and has no valid certificate or one that expires within the renewal window, gets a new token
    /// instead; unused ones of it are revoked.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal; `Conflict` when another device has the name; `Invalid` naming the rule;
    /// `LimitReached` beyond the limits of devices or of unused tokens.
    pub async fn register_device(
        &self,
        who: &Principal,
        mut spec: DeviceSpec,
        place: RegistrationPlace,
        token: NewRegistration,
    ) -> Result<(Arc<Device>, Arc<Registration>)> {
        require_unrestricted(who)?;
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let issue = token_issue(&transaction.visible_to(who), &spec, &token, now)?;
        let topology = issue.topology(&place);
        let row = match &issue.device {
            None => Some(self.new_device_row(&transaction, who, spec, &topology)?),
            Some(device) => self.changed_device_row(&transaction, who, device, &topology)?,
        };
        let is_new = issue.device.is_none();
        let (org, known) = (who.org, issue.device.clone());
        let (revoked, forgotten, ends_certificate) =
            (issue.revoked.clone(), issue.forgotten.clone(), issue.ends_certificate);
        let work = async move |db: DbTransaction| {
            let device = match (known, row) {
                (None, Some(row)) => into_device(row.insert(&*db).await)?,
                (Some(_), Some(row)) => into_device(row.update(&*db).await)?,
                (Some(device), None) => device,
                (None, None) => return Err(Error::internal("a device without a row")),
            };
            store_states(&db, &revoked).await?;
            for id in &forgotten {
                let old = entity::registration::Entity::delete_by_id(id.0);
                old.exec(&*db).await.map_err(unavailable)?;
            }
            if ends_certificate {
                certificate::delete(&db, device.id).await?;
            }
            let row = entity::registration::new(org, device.id, &token, now).insert(&*db).await;
            let token = Registration::try_from(row.map_err(unavailable)?)?;
            Ok((device, Arc::new(token)))
        };
        let audit = move |(device, token): &(Arc<Device>, Arc<Registration>)| {
            let created = is_new.then(|| AuditChange::new(Action::Create, "device", device.id.0));
            created
                .into_iter()
                .chain([AuditChange::new(Action::Create, "registration", token.id.0)])
                .collect()
        };
        let apply = move |mirror: &mut Mirror, (device, token): &(Arc<Device>, Arc<Registration>)| {
            mirror.devices.put(Arc::clone(device));
            issue.revoked.into_iter().for_each(|old| mirror.registrations.put(old));
            issue.forgotten.into_iter().for_each(|old| mirror.registrations.remove(old));
            if ends_certificate {
                mirror.certificates.remove(device.id);
            }
            mirror.registrations.put(Arc::clone(token));
        };
        transaction.commit_changes(who, work, audit, apply).await
    }

    fn new_device_row(
        &self,
        transaction: &CatalogTransaction,
        who: &Principal,
        spec: DeviceSpec,
        topology: &Topology,
    ) -> Result<entity::device::ActiveModel> {
        let blank = Topology::default();
        let mut found = device::problems(&transaction.visible_to(who), &spec, None);
        found.extend(topology_problems(&transaction.visible_to(who), topology, &blank));
        Error::check(found)?;
        let mirror = transaction.mirror();
        check_device_limit(mirror.devices.len(), self.core.max_devices.load(Ordering::Relaxed))?;
        let mut growth = QuotaDelta::of_device(&spec, None);
        growth += QuotaDelta::of_topology(topology, &blank);
        self.core.check_quota(&mirror, who.org, growth)?;
        let aliases = AliasGenerator::default().next(&mirror.devices, who.org, &spec.name);
        let mut row = entity::device::new(who.org, aliases, spec, self.core.clock.now());
        row.topology = Set(entity::to_json(topology));
        Ok(row)
    }

    /// The change of a device that is registered again; `None` when nothing changes.
    fn changed_device_row(
        &self,
        transaction: &CatalogTransaction,
        who: &Principal,
        device: &Device,
        topology: &Topology,
    ) -> Result<Option<entity::device::ActiveModel>> {
        if *topology == device.topology {
            return Ok(None);
        }
        Error::check(topology_problems(&transaction.visible_to(who), topology, &device.topology))?;
        let growth = QuotaDelta::of_topology(topology, &device.topology);
        self.core.check_quota(&transaction.mirror(), who.org, growth)?;
        let mut row = entity::device::for_update(device.id, device.spec.clone(), self.core.clock.now());
        row.topology = Set(entity::to_json(topology));
        Ok(Some(row))
    }

    /// Returns the tokens that can be used now, with their devices, the oldest first; none to a restricted principal.
    pub fn pending_registrations(&self, who: &Principal) -> Vec<(Arc<Registration>, Arc<Device>)> {
        if require_unrestricted(who).is_err() {
            return Vec::new();
        }
        let now = self.core.clock.now();
        let visible = self.core.visible_to(who);
        let unused = visible.mirror.registrations.unused_of(who.org);
        let pending = unused.filter(|token| token.state_at(now) == RegistrationState::Pending);
        pending
            .filter_map(|token| {
                let device = visible.device(token.device).ok()?;
                Some((Arc::clone(token), visible.redact_device(device)))
            })
            .collect()
    }

    /// Withdraws a token. The device stays.
    ///
    /// # Errors
    /// `NotFound` for a token that is unknown, of another organization, or cannot be used any more; `Forbidden` for a
    /// restricted principal.
    pub async fn revoke_registration(&self, who: &Principal, uuid: Uuid) -> Result<Arc<Registration>> {
        require_unrestricted(who)?;
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let token = {
            let mirror = transaction.mirror();
            let token = mirror.registrations.by_uuid(uuid).ok_or_else(Error::not_found)?;
            if token.org != who.org {
                return Err(Error::hidden());
            }
            if token.state_at(now) != RegistrationState::Pending {
                return Err(Error::not_found());
            }
            with_state(token, RegistrationState::Revoked)
        };
        let work = async move |db: DbTransaction| {
            store_states(&db, std::slice::from_ref(&token)).await?;
            Ok(token)
        };
        let audit = |token: &Arc<Registration>| AuditChange::new(Action::Revoke, "registration", token.id.0);
        let apply =
            |mirror: &mut Mirror, token: &Arc<Registration>| mirror.registrations.put(Arc::clone(token));
        transaction.commit_change(who, work, audit, apply).await
    }

    /// For the broker: the devices of every organization that have got a certificate for a token.
    pub fn provisioned_devices(&self) -> Vec<DeviceId> {
        let mirror = self.core.mirror.read();
        let used = mirror.registrations.all().filter(|token| token.state == RegistrationState::Used);
        used.map(|token| token.device).collect()
    }

    /// For authentication: the token with this UUID and its device, whatever its state.
    pub fn registration_by_uuid(&self, uuid: Uuid) -> Option<(Arc<Registration>, Arc<Device>)> {
        let mirror = self.core.mirror.read();
        let token = mirror.registrations.by_uuid(uuid)?;
        Some((Arc::clone(token), Arc::clone(mirror.devices.get(token.device)?)))
    }

    /// Uses up a token and stores the certificate that was issued for it, both or neither. Of several concurrent uses
    /// one succeeds.
    ///
    /// # Errors
    /// `Conflict` for a token that was used or revoked; `Gone` for an expired one; `NotFound` when it or its device is
    /// not there any more; `Forbidden` when the principal may not change the device.
    pub async fn use_registration(
        &self,
        who: &Principal,
        id: RegistrationId,
        new: NewCertificate,
    ) -> Result<Arc<DeviceCertificate>> {
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let (token, new, is_first) = {
            let visible = transaction.visible_to(who);
            let token = visible.mirror.registrations.get(id).ok_or_else(Error::not_found)?;
            let device = visible.writable_device(token.device)?;
            token.check_usable(now)?;
            let is_first = visible.mirror.certificates.of_device(device.id).is_none();
            let new = certificate::issued(device.org, device.id, new, now);
            (with_state(token, RegistrationState::Used), Arc::new(new), is_first)
        };
        let used = Arc::clone(&token);
        let work = async move |db: DbTransaction| {
            certificate::replace(&db, &new).await?;
            store_states(&db, &[used]).await?;
            Ok(new)
        };
        let action = if is_first { Action::Create } else { Action::Update };
        let audit = move |new: &Arc<DeviceCertificate>| {
            vec![
                AuditChange::new(Action::Update, "registration", id.0).with(vec!["status"]),
                AuditChange::new(action, "certificate", new.device.0),
            ]
        };
        let apply = move |mirror: &mut Mirror, new: &Arc<DeviceCertificate>| {
            mirror.registrations.put(token);
            mirror.certificates.put(Arc::clone(new));
        };
        transaction.commit_changes(who, work, audit, apply).await
    }

    /// Stores that a device has checked in after its provisioning. Repeating it costs nothing; a device that is not
    /// there any more is none.
    pub async fn complete_provisioning(&self, id: DeviceId) -> Result<()> {
        let pending = |mirror: &Mirror| {
            let device = mirror.devices.get(id).cloned();
            device.filter(|device| device.topology.phase == ProvisioningPhase::Pending)
        };
        if pending(&self.core.mirror.read()).is_none() {
            return Ok(());
        }
        let transaction = self.core.begin_transaction().await?;
        let Some(device) = pending(&transaction.mirror()) else { return Ok(()) };
        let topology = Topology { phase: ProvisioningPhase::Complete, ..device.topology.clone() };
        let mut row = entity::device::for_update(id, device.spec.clone(), self.core.clock.now());
        row.topology = Set(entity::to_json(&topology));
        let work = async move |db: DbTransaction| into_device(row.update(&*db).await);
        let apply = |mirror: &mut Mirror, device: &Arc<Device>| {
            mirror.devices.put(Arc::clone(device));
        };
        transaction.commit_unaudited(work, apply).await.map(drop)
    }
}

/// Checks that a token may be issued, and returns what it changes.
fn token_issue(
    visible: &VisibleCatalog,
    spec: &DeviceSpec,
    token: &NewRegistration,
    now: Micros,
) -> Result<TokenIssue> {
    let mirror = &visible.mirror;
    let pending = mirror.registrations.unused_of(visible.who.org);
    let open = pending.filter(|token| token.state_at(now) == RegistrationState::Pending).count();
    if open >= MAX_OPEN_PER_ORG {
        let message = format!("the organization has {MAX_OPEN_PER_ORG} unused registration tokens already");
        return Err(Error::new(Kind::LimitReached, message));
    }
    let Some(device) = mirror.devices.get_by_name(visible.who.org, &spec.name) else {
        return Ok(TokenIssue {
            device: None,
            revoked: Vec::new(),
            forgotten: Vec::new(),
            ends_certificate: false,
            is_renewal: false,
        });
    };
    let in_use = || Error::conflict(format!("A device with the name '{}' exists", spec.name));
    let mut tokens = mirror.registrations.of_device(device.id).peekable();
    if tokens.peek().is_none() {
        return Err(in_use());
    }
    let certificate = mirror.certificates.of_device(device.id);
    let is_valid = certificate.is_some_and(|one| one.is_valid_at(now));
    let renewable_until = now.0.saturating_add(token.renewal_window_us);
    if is_valid && certificate.is_some_and(|one| one.expires_at.0 > renewable_until) {
        return Err(in_use());
    }
    let tokens: Vec<RegistrationId> = tokens.map(|token| token.id).collect();
    let too_many = (tokens.len() + 1).saturating_sub(MAX_REMEMBERED_PER_DEVICE);
    let forgotten: Vec<RegistrationId> = tokens.into_iter().take(too_many).collect();
    let mut revoked = revoked(mirror, device.id);
    revoked.retain(|token| !forgotten.contains(&token.id));
    Ok(TokenIssue {
        device: Some(Arc::clone(device)),
        revoked,
        forgotten,
        ends_certificate: certificate.is_some() && !is_valid,
        is_renewal: is_valid,
    })
}

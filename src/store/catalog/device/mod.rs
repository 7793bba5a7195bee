//! Devices in the catalog. Path syntax and connection tests are not checked here, but in collect/ and app/.

pub(super) mod deletion;
pub(super) mod index;
pub(super) mod state;
pub(super) mod topology;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, DbErr};
use uuid::Uuid;

use self::index::AliasGenerator;
use super::catalog_core::CatalogCore;
use super::database::write_error;
use super::org::quota::QuotaDelta;
use super::transaction::CatalogTransaction;
use super::visibility::VisibleCatalog;
use super::{entity, no_such_row, not_unique, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::{Device, DeviceFilter, DeviceSpec};
use crate::domain::shared_name::TakenName;
use crate::domain::stream::Stream;
use crate::domain::validation::check_object;
use crate::domain::{DeviceId, Error, FieldError, Kind, OrgId, Principal, Result};

/// Access of a principal to a device, for interfaces that answer restricted and absent apart.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceAccess {
    /// The principal sees it.
    Visible(Arc<Device>),
    /// It belongs to the principal's organization, but not to the devices that the principal sees.
    Restricted,
    /// There is none in the principal's organization.
    Absent,
}

/// Devices, their topology and their states.
pub struct DeviceCatalog {
    core: Arc<CatalogCore>,
}

impl DeviceCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Returns what a device is to a principal. Of other organizations nothing is told.
    pub fn device_access(&self, who: &Principal, id: DeviceId) -> DeviceAccess {
        let visible = self.core.visible_to(who);
        match visible.device(id) {
            Ok(device) => DeviceAccess::Visible(visible.redact_device(device)),
            Err(_) if visible.mirror.devices.get(id).is_some_and(|device| device.org == who.org) => {
                DeviceAccess::Restricted
            }
            Err(_) => DeviceAccess::Absent,
        }
    }

    /// Visible devices by id ascending.
    pub fn devices(&self, who: &Principal, filter: &DeviceFilter) -> Vec<Arc<Device>> {
        let visible = self.core.visible_to(who);
        let wanted = |device: &&Arc<Device>| {
            filter.name.as_ref().is_none_or(|name| *name == device.spec.name)
                && filter.protocol.is_none_or(|protocol| protocol == device.spec.protocol)
        };
        let seen = visible.device_ids().into_iter().filter_map(|id| visible.mirror.devices.get(id));
        let page = seen.filter(wanted).skip(filter.page.offset).take(filter.page.limit);
        page.map(|device| visible.redact_device(device)).collect()
    }

    /// Whether each of some devices is of an organization, as `are_streams_of`.
    pub fn are_devices_of(&self, org: OrgId, devices: &[i32]) -> Vec<bool> {
        let mirror = self.core.mirror.read();
        let is_of_org = |id: &i32| mirror.devices.get(DeviceId(*id)).is_some_and(|device| device.org == org);
        devices.iter().map(is_of_org).collect()
    }

    /// Returns a device; `NotFound` when it is absent or not visible.
    pub fn device(&self, who: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        let visible = self.core.visible_to(who);
        visible.device(id).map(|device| visible.redact_device(device))
    }

    /// Returns a device by its name; `NotFound` when it is absent or not visible.
    pub fn device_by_name(&self, who: &Principal, name: &str) -> Result<Arc<Device>> {
        let visible = self.core.visible_to(who);
        visible.named_device(visible.mirror.devices.get_by_name(who.org, name))
    }

    /// Returns a device by its UUID; `NotFound` when it is absent or not visible.
    pub fn device_by_uuid(&self, who: &Principal, uuid: Uuid) -> Result<Arc<Device>> {
        let visible = self.core.visible_to(who);
        visible.named_device(visible.mirror.devices.get_by_uuid(uuid))
    }

    /// Returns a device by its key; `NotFound` when it is absent or not visible.
    pub fn device_by_key(&self, who: &Principal, key: &str) -> Result<Arc<Device>> {
        let visible = self.core.visible_to(who);
        visible.named_device(visible.mirror.devices.get_by_key(key))
    }

    /// Returns a device by its external id; `NotFound` when it is absent or not visible.
    pub fn device_by_external_id(&self, who: &Principal, external_id: &str) -> Result<Arc<Device>> {
        let visible = self.core.visible_to(who);
        visible.named_device(visible.mirror.devices.get_by_external_id(who.org, external_id))
    }

    /// Visible devices below a gateway, by id ascending; none below a device that is not visible.
    pub fn sub_devices(&self, who: &Principal, parent: DeviceId) -> Vec<Arc<Device>> {
        let visible = self.core.visible_to(who);
        if visible.device(parent).is_err() {
            return Vec::new();
        }
        let children = visible.mirror.devices.children_of(parent).filter_map(|id| visible.device(id).ok());
        children.map(|device| visible.redact_device(device)).collect()
    }

    /// Sets the maximum number of devices over all organizations; `None` is unlimited. Existing devices stay.
    pub fn set_max_devices(&self, most: Option<usize>) {
        self.core.max_devices.store(most.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// Number of devices over all organizations.
    pub fn count_devices(&self) -> usize {
        self.core.mirror.read().devices.len()
    }

    /// Creates a device whose name no other may have.
    ///
    /// # Errors
    /// The errors of [`DeviceCatalog::create_named_device`].
    pub async fn create_device(&self, who: &Principal, spec: DeviceSpec) -> Result<Arc<Device>> {
        self.create_named_device(who, spec, TakenName::Refused).await
    }

    /// Creates a device.
    ///
    /// # Errors
    /// `Forbidden` for a restricted key, which could not see the new device; `LimitReached` beyond `set_max_devices` or
    /// the organization's quota; `Invalid` naming every wrong field.
    pub async fn create_named_device(
        &self,
        who: &Principal,
        mut spec: DeviceSpec,
        taken: TakenName,
    ) -> Result<Arc<Device>> {
        if who.is_restricted() {
            return Err(Error::forbidden("a key restricted to some devices or data may not create devices"));
        }
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        resolve_name(&transaction.visible_to(who), &mut spec, None, taken);
        check(&transaction.visible_to(who), &spec, None)?;
        check_device_limit(
            transaction.mirror().devices.len(),
            self.core.max_devices.load(Ordering::Relaxed),
        )?;
        self.core.check_quota(&transaction.mirror(), who.org, QuotaDelta::of_device(&spec, None))?;
        let aliases = AliasGenerator::default().next(&transaction.mirror().devices, who.org, &spec.name);
        let row = entity::device::new(who.org, aliases, spec, self.core.clock.now());
        insert(transaction, who, row).await
    }

    /// Changes a device, whose name no other may have.
    ///
    /// # Errors
    /// The errors of [`DeviceCatalog::update_named_device`].
    pub async fn update_device(
        &self,
        who: &Principal,
        id: DeviceId,
        change: impl FnOnce(&mut DeviceSpec) + Send,
    ) -> Result<Arc<Device>> {
        self.update_named_device(who, id, change, TakenName::Refused).await
    }

    /// Changes a device atomically.
    ///
    /// # Errors
    /// `Forbidden` for a device that is visible but not writable; `Invalid` naming every wrong field.
    pub async fn update_named_device(
        &self,
        who: &Principal,
        id: DeviceId,
        change: impl FnOnce(&mut DeviceSpec) + Send,
        taken: TakenName,
    ) -> Result<Arc<Device>> {
        let transaction = self.core.begin_transaction().await?;
        let (spec, fields, growth) = changed(&transaction.visible_to(who), id, change, taken)?;
        self.core.check_quota(&transaction.mirror(), who.org, growth)?;
        let row = entity::device::for_update(id, spec, self.core.clock.now());
        let device = update(transaction, who, (id, row), fields).await?;
        Ok(self.core.visible_to(who).redact_device(&device))
    }

    /// A device of any organization, for the server itself.
    pub fn any_device(&self, id: DeviceId) -> Option<Arc<Device>> {
        self.core.mirror.read().devices.get(id).cloned()
    }

    /// For the collectors: every device of every organization, by id ascending.
    pub fn all_devices(&self) -> Vec<Arc<Device>> {
        let mut devices: Vec<_> = self.core.mirror.read().devices.all().cloned().collect();
        devices.sort_by_key(|device| device.id);
        devices
    }

    /// For the collectors: a device and its streams by id ascending, as of one moment; `None` once it is deleted.
    pub fn device_with_streams(&self, id: DeviceId) -> Option<(Arc<Device>, Vec<Arc<Stream>>)> {
        let mirror = self.core.mirror.read();
        let device = mirror.devices.get(id)?;
        Some((Arc::clone(device), mirror.streams().rows_of(id).cloned().collect()))
    }
}

/// Commits a new device.
pub(super) async fn insert(
    transaction: CatalogTransaction,
    who: &Principal,
    row: entity::device::ActiveModel,
) -> Result<Arc<Device>> {
    transaction
        .commit_change(
            who,
            async move |db| into_device(row.insert(&*db).await),
            |device| AuditChange::new(Action::Create, "device", device.id.0),
            |mirror, device| {
                mirror.devices.put(Arc::clone(device));
            },
        )
        .await
}

/// Commits the change of a device; `fields` are those that change.
pub(super) async fn update(
    transaction: CatalogTransaction,
    who: &Principal,
    (id, row): (DeviceId, entity::device::ActiveModel),
    fields: Vec<&'static str>,
) -> Result<Arc<Device>> {
    transaction
        .commit_change(
            who,
            async move |db| into_device(row.update(&*db).await),
            move |_| AuditChange::new(Action::Update, "device", id.0).with(fields),
            |mirror, device| {
                mirror.devices.put(Arc::clone(device));
            },
        )
        .await
}

/// Fails with `LimitReached` when there may not be one more than `devices`.
pub(super) fn check_device_limit(devices: usize, most: usize) -> Result<()> {
    if devices >= most {
        return Err(Error::new(Kind::LimitReached, "License limit reached."));
    }
    Ok(())
}

/// The changed device, the names of the changed fields, and the quota it adds.
fn changed(
    visible: &VisibleCatalog,
    id: DeviceId,
    change: impl FnOnce(&mut DeviceSpec),
    taken: TakenName,
) -> Result<(DeviceSpec, Vec<&'static str>, QuotaDelta)> {
    let stored = &visible.writable_device(id)?.spec;
    let mut spec = stored.clone();
    change(&mut spec);
    trim(&mut spec.name);
    if taken == TakenName::Refused && spec.name != stored.name {
        spec.forget_shared_name();
    }
    resolve_name(visible, &mut spec, Some(id), taken);
    check(visible, &spec, Some(id))?;
    let (fields, growth) = (stored.differences(&spec), QuotaDelta::of_device(&spec, Some(stored)));
    Ok((spec, fields, growth))
}

/// Numbers a name that another device has, where that is no mistake. `id` is set when the device exists already.
fn resolve_name(visible: &VisibleCatalog, spec: &mut DeviceSpec, id: Option<DeviceId>, taken: TakenName) {
    let namesake = |name: &str| visible.mirror.devices.get_by_name(visible.who.org, name);
    if taken == TakenName::Numbered {
        spec.number_name(|name| namesake(name).is_none_or(|other| Some(other.id) == id));
    }
}

/// Checks a device's own rules and those that depend on other rows. `id` is set when the device exists already.
fn check(visible: &VisibleCatalog, spec: &DeviceSpec, id: Option<DeviceId>) -> Result<()> {
    Error::check(problems(visible, spec, id))
}

/// Returns what breaks a device's own rules and those that depend on other rows; `id` as for `check`.
pub(super) fn problems(visible: &VisibleCatalog, spec: &DeviceSpec, id: Option<DeviceId>) -> Vec<FieldError> {
    let mut problems = spec.problems();
    let stored = id.and_then(|id| visible.mirror.devices.get(id));
    check_object(&mut problems, "metadata", &spec.metadata, stored.map(|device| &device.spec.metadata));
    let namesake = visible.mirror.devices.get_by_name(visible.who.org, &spec.name);
    if namesake.is_some_and(|other| Some(other.id) != id) {
        problems.push(FieldError::new("name", "This field must be unique."));
    }
    problems.extend(reference_problems(visible, spec, stored));
    let has_streams = id.is_some_and(|id| visible.mirror.streams().ids_of(id).next().is_some());
    if has_streams && !spec.protocol.has_streams() {
        problems.push(FieldError::new("protocol", "Device protocol has no data streams."));
    }
    problems
}

/// Problems of the rows that a device newly refers to. A row that is not visible does not exist; what is stored already
/// may stay, although the caller does not see it.
pub(super) fn reference_problems(
    visible: &VisibleCatalog,
    spec: &DeviceSpec,
    stored: Option<&Arc<Device>>,
) -> Vec<FieldError> {
    let mut problems = Vec::new();
    let before = stored.map(|device| &device.spec);
    let is_new =
        |has_same: fn(&DeviceSpec, &DeviceSpec) -> bool| before.is_none_or(|old| !has_same(old, spec));
    if let Some(product) = spec.product.filter(|_| is_new(|a, b| a.product == b.product))
        && visible.product(product).is_err()
    {
        problems.push(no_such_row("product", product));
    }
    if let Some(parent) = spec.parent_device.filter(|_| is_new(|a, b| a.parent_device == b.parent_device)) {
        if visible.device(parent).is_err() {
            problems.push(no_such_row("parent_device", parent));
        } else if stored.is_some_and(|device| visible.mirror.devices.is_below(parent, device.id)) {
            problems.push(FieldError::new("parent_device", "A device may not be below itself."));
        }
    }
    if let Some(owner) = spec.owner.as_deref().filter(|_| is_new(|a, b| a.owner == b.owner)) {
        problems.extend(visible.owner_problem(owner));
    }
    problems
}

pub(super) fn into_device(row: std::result::Result<entity::device::Model, DbErr>) -> Result<Arc<Device>> {
    Ok(Arc::new(row.map_err(|e| write_error(e, || not_unique("name")))?.try_into()?))
}

//! Bulk upsert of devices and streams by name: planned against the current catalog, then written in one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, DbErr};

use super::database::write_error;
use super::device::check_device_limit;
use super::mirror::Mirror;
use super::quota::QuotaDelta;
use super::transaction::DbTransaction;
use super::visibility::{VisibleCatalog, require_unrestricted};
use super::{Catalog, entity, stream};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::group::{Group, GroupSpec};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::validation::check_object;
use crate::domain::{DeviceId, Error, FieldError, GroupId, Micros, OrgId, Principal, Result};

/// Plan of an inventory upsert: every device and stream with its state before and after.
#[derive(Debug, Default)]
pub struct InventoryPlan {
    /// Names of groups to create.
    pub groups: Vec<String>,
    pub devices: Vec<DevicePlan>,
}

/// Plan for one device of the inventory.
#[derive(Debug)]
pub struct DevicePlan {
    pub before: Option<Arc<Device>>,
    pub after: DeviceSpec,
    pub streams: Vec<StreamPlan>,
}

/// Plan for one stream of the inventory. `after` does not refer to a device or group that is yet to be created.
#[derive(Debug)]
pub struct StreamPlan {
    pub before: Option<Arc<Stream>>,
    pub after: StreamSpec,
    /// Name of its group.
    pub group: Option<String>,
    /// Index of its group among the groups to create.
    new_group_index: Option<usize>,
}

impl DevicePlan {
    /// Whether the device or one of its streams is created or changed.
    pub fn is_changed(&self) -> bool {
        self.before.is_none()
            || !self.differences().is_empty()
            || self.streams.iter().any(|stream| stream.before.is_none() || !stream.differences().is_empty())
    }

    /// Names of the changed fields; empty for a new device.
    pub fn differences(&self) -> Vec<&'static str> {
        self.before.as_ref().map_or_else(Vec::new, |before| before.spec.differences(&self.after))
    }
}

impl StreamPlan {
    /// Names of the changed fields; empty for a new stream.
    pub fn differences(&self) -> Vec<&'static str> {
        let Some(before) = &self.before else { return Vec::new() };
        let mut fields = before.spec.differences(&self.after);
        if self.new_group_index.is_some() && !fields.contains(&"group") {
            fields.push("group");
        }
        fields
    }
}

impl InventoryPlan {
    fn quota_delta(&self) -> QuotaDelta {
        let mut growth = QuotaDelta::default();
        self.groups.iter().for_each(|name| growth += QuotaDelta::of_group(&new_group(name), None));
        for device in &self.devices {
            growth += QuotaDelta::of_device(&device.after, device.before.as_ref().map(|before| &before.spec));
            for stream in &device.streams {
                growth +=
                    QuotaDelta::of_stream(&stream.after, stream.before.as_ref().map(|before| &before.spec));
            }
        }
        growth
    }

    /// Whether the catalog already matches.
    fn changes_nothing(&self) -> bool {
        self.groups.is_empty() && !self.devices.iter().any(DevicePlan::is_changed)
    }
}

impl Catalog {
    /// Dry run of `put_inventory`: returns its plan or its error, and changes nothing.
    pub fn plan_inventory(&self, who: &Principal, inventory: &Inventory) -> Result<InventoryPlan> {
        let sight = self.visible_to(who);
        let plan = plan(&sight, inventory)?;
        self.check_inventory(&plan, &sight.mirror, who.org)?;
        Ok(plan)
    }

    /// Creates or changes every listed device, stream and group in one transaction; other rows stay unchanged. The
    /// first row that breaks a rule fails the whole call: `Invalid`, naming the row.
    pub async fn put_inventory(&self, who: &Principal, inventory: &Inventory) -> Result<InventoryPlan> {
        let turn = self.begin_transaction().await?;
        let plan = plan(&turn.visible_to(who), inventory)?;
        self.check_inventory(&plan, &turn.mirror(), who.org)?;
        if plan.changes_nothing() {
            return Ok(plan);
        }
        let (org, now) = (who.org, self.clock.now());
        let work = async move |db: DbTransaction| {
            let mut written = WrittenRows::default();
            written.write(&db, &plan, org, now).await?;
            Ok((plan, written))
        };
        let told = |(_, written): &(InventoryPlan, WrittenRows)| written.audit_changes.clone();
        let (plan, _) =
            turn.commit_changes(who, work, told, |mirror, (_, written)| written.put(mirror)).await?;
        Ok(plan)
    }

    /// Checks the plan against the license and the organization's quota.
    fn check_inventory(&self, plan: &InventoryPlan, mirror: &Mirror, org: OrgId) -> Result<()> {
        let new = plan.devices.iter().filter(|device| device.before.is_none()).count();
        if new > 0 {
            check_device_limit(mirror.devices.len() + new - 1, self.max_devices.load(Ordering::Relaxed))?;
        }
        self.check_quota(mirror, org, plan.quota_delta())
    }
}

fn plan(sight: &VisibleCatalog, inventory: &Inventory) -> Result<InventoryPlan> {
    require_unrestricted(sight.who)?;
    let mut plan = InventoryPlan::default();
    let mut new_groups = HashMap::new();
    for entry in &inventory.devices {
        let device = plan_device(sight, entry)?;
        plan.devices.push(device);
        for stream in &entry.streams {
            let device = plan.devices.last().expect("it was pushed just now");
            let stream = plan_stream(sight, device, stream, &mut new_groups, &mut plan.groups)?;
            plan.devices.last_mut().expect("it was pushed just now").streams.push(stream);
        }
    }
    Ok(plan)
}

fn plan_device(sight: &VisibleCatalog, entry: &DeviceEntry) -> Result<DevicePlan> {
    let before = sight.mirror.devices.get_by_name(sight.who.org, &entry.name).cloned();
    let after = match (&entry.spec, &before) {
        (Some(spec), _) => {
            let kept = before.as_ref().map(|before| before.spec.password.clone());
            let password = entry.password.clone().or(kept).unwrap_or_default();
            DeviceSpec { password, name: entry.name.clone(), ..spec.clone() }
        }
        (None, Some(before)) => before.spec.clone(),
        (None, None) => return Err(device_error(&entry.name, "there is no such device")),
    };
    // An unchanged device is not validated again.
    let mut problems = if entry.spec.is_some() { after.problems() } else { Vec::new() };
    let stored = before.as_ref().map(|device| &device.spec.metadata);
    check_object(&mut problems, "metadata", &after.metadata, stored);
    Error::check(problems).map_err(|error| device_error(&entry.name, &error.message))?;
    let has_streams =
        before.as_ref().is_some_and(|device| sight.mirror.streams().ids_of(device.id).next().is_some());
    if has_streams && !after.protocol.has_streams() {
        return Err(device_error(&entry.name, "protocol: Device protocol has no data streams."));
    }
    Ok(DevicePlan { before, after, streams: Vec::new() })
}

fn plan_stream(
    sight: &VisibleCatalog,
    device: &DevicePlan,
    entry: &StreamEntry,
    new_groups: &mut HashMap<String, usize>,
    made: &mut Vec<String>,
) -> Result<StreamPlan> {
    let owner = device.before.as_ref().map(|device| device.id);
    let before = owner.and_then(|id| sight.mirror.streams().get_by_name(id, &entry.spec.name)).cloned();
    let (group, joins) = match &entry.group {
        None => (None, None),
        Some(name) => match sight.mirror.groups.get_by_name(sight.who.org, name) {
            Some(group) => (Some(group.id), None),
            None => {
                let place = *new_groups.entry(name.clone()).or_insert_with(|| {
                    made.push(name.clone());
                    made.len() - 1
                });
                (None, Some(place))
            }
        },
    };
    let mut after = entry.spec.clone();
    (after.device, after.group) = (owner.unwrap_or(DeviceId(0)), group);
    let mut problems = after.problems();
    let stored = before.as_ref().map(|stream| &stream.spec.metadata);
    check_object(&mut problems, "metadata", &after.metadata, stored);
    stream::check_protocol(device.after.protocol, &after, &mut problems);
    if let (Some(name), Some(_)) = (&entry.group, joins) {
        problems.extend(new_group(name).problems().into_iter().map(|p| FieldError::new("group", p.message)));
    }
    let told = |error: Error| stream_error(&device.after.name, &after.name, &error.message);
    Error::check(problems).map_err(told)?;
    Ok(StreamPlan { before, after, group: entry.group.clone(), new_group_index: joins })
}

fn new_group(name: &str) -> GroupSpec {
    GroupSpec { name: name.to_owned(), description: String::new() }
}

fn device_error(name: &str, problem: &str) -> Error {
    Error::invalid(format!("device `{name}`: {problem}"))
}

fn stream_error(device: &str, name: &str, problem: &str) -> Error {
    Error::invalid(format!("stream `{name}` of device `{device}`: {problem}"))
}

/// Written rows, for the mirror and the audit log.
#[derive(Default)]
struct WrittenRows {
    groups: Vec<Arc<Group>>,
    devices: Vec<Arc<Device>>,
    streams: Vec<Arc<Stream>>,
    audit_changes: Vec<AuditChange>,
}

impl WrittenRows {
    async fn write(
        &mut self,
        db: &DbTransaction,
        plan: &InventoryPlan,
        org: OrgId,
        now: Micros,
    ) -> Result<()> {
        for name in &plan.groups {
            let row = entity::group::new(org, new_group(name), now).insert(&**db).await;
            let group = Arc::new(Group::from(row.map_err(name_conflict)?));
            self.audit_changes.push(AuditChange::new(Action::Create, "group", group.id.0));
            self.groups.push(group);
        }
        for device in &plan.devices {
            let id = self.write_device(db, device, org, now).await?;
            for stream in &device.streams {
                self.write_stream(db, stream, id, (org, now)).await?;
            }
        }
        Ok(())
    }

    async fn write_device(
        &mut self,
        db: &DbTransaction,
        plan: &DevicePlan,
        org: OrgId,
        now: Micros,
    ) -> Result<DeviceId> {
        let fields = plan.differences();
        let (row, is_new) = match &plan.before {
            None => (entity::device::new(org, plan.after.clone(), now).insert(&**db).await, true),
            Some(before) if fields.is_empty() => return Ok(before.id),
            Some(before) => {
                (entity::device::for_update(before.id, plan.after.clone(), now).update(&**db).await, false)
            }
        };
        let device = Arc::new(Device::try_from(row.map_err(name_conflict)?)?);
        self.audit_changes.push(change("device", device.id.0, is_new, fields));
        let id = device.id;
        self.devices.push(device);
        Ok(id)
    }

    async fn write_stream(
        &mut self,
        db: &DbTransaction,
        plan: &StreamPlan,
        device: DeviceId,
        (org, now): (OrgId, Micros),
    ) -> Result<()> {
        let fields = plan.differences();
        let group = plan.new_group_index.and_then(|place| self.groups.get(place)).map(|group| group.id);
        let group: Option<GroupId> = group.or(plan.after.group);
        let spec = StreamSpec { device, group, ..plan.after.clone() };
        let (row, is_new) = match &plan.before {
            None => (entity::stream::new(org, spec, now).insert(&**db).await, true),
            Some(_) if fields.is_empty() => return Ok(()),
            Some(before) => (entity::stream::for_update(before, spec, now).update(&**db).await, false),
        };
        let stream = Arc::new(Stream::try_from(row.map_err(name_conflict)?)?);
        self.audit_changes.push(change("data", stream.id.0, is_new, fields));
        self.streams.push(stream);
        Ok(())
    }

    fn put(&self, mirror: &mut Mirror) {
        self.groups.iter().for_each(|group| mirror.groups.put(Arc::clone(group)));
        self.devices.iter().for_each(|device| {
            mirror.devices.put(Arc::clone(device));
        });
        self.streams.iter().for_each(|stream| mirror.put_stream(Arc::clone(stream)));
    }
}

fn change(kind: &'static str, id: i32, is_new: bool, fields: Vec<&'static str>) -> AuditChange {
    let action = if is_new { Action::Create } else { Action::Update };
    AuditChange::new(action, kind, id).with(fields)
}

fn name_conflict(error: DbErr) -> Error {
    write_error(error, || Error::conflict("another row took one of these names meanwhile"))
}

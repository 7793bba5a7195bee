//! Many devices and streams put at once, by their names: worked out against what there is, written whole or not at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, DbErr};

use super::database::refused;
use super::device::has_room;
use super::mirror::Mirror;
use super::room::Growth;
use super::sight::{Sight, whole_org};
use super::turn::Work;
use super::{Catalog, entity, stream};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_object;
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::group::{Group, GroupSpec};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::{DeviceId, Error, FieldError, GroupId, Micros, OrgId, Principal, Result};

/// What putting an inventory changes, and what of it is there already.
#[derive(Debug, Default)]
pub struct Plan {
    /// Names of groups that are made.
    pub groups: Vec<String>,
    pub devices: Vec<DevicePlan>,
}

/// One device of the inventory.
#[derive(Debug)]
pub struct DevicePlan {
    pub before: Option<Arc<Device>>,
    pub after: DeviceSpec,
    pub streams: Vec<StreamPlan>,
}

/// One stream of the inventory. Where `after` names a row that is only being made, it names none.
#[derive(Debug)]
pub struct StreamPlan {
    pub before: Option<Arc<Stream>>,
    pub after: StreamSpec,
    /// The name of its group.
    pub group: Option<String>,
    /// The place of its group among those that are made.
    joins: Option<usize>,
}

impl DevicePlan {
    /// Whether it or one of its streams is made or changed.
    pub fn is_changed(&self) -> bool {
        self.before.is_none()
            || !self.differences().is_empty()
            || self.streams.iter().any(|stream| stream.before.is_none() || !stream.differences().is_empty())
    }

    /// Names of the fields that change; of a new device none.
    pub fn differences(&self) -> Vec<&'static str> {
        self.before.as_ref().map_or_else(Vec::new, |before| before.spec.differences(&self.after))
    }
}

impl StreamPlan {
    /// Names of the fields that change; of a new stream none.
    pub fn differences(&self) -> Vec<&'static str> {
        let Some(before) = &self.before else { return Vec::new() };
        let mut fields = before.spec.differences(&self.after);
        if self.joins.is_some() && !fields.contains(&"group") {
            fields.push("group");
        }
        fields
    }
}

impl Plan {
    fn growth(&self) -> Growth {
        let mut growth = Growth::default();
        self.groups.iter().for_each(|name| growth += Growth::of_group(&new_group(name), None));
        for device in &self.devices {
            growth += Growth::of_device(&device.after, device.before.as_ref().map(|before| &before.spec));
            for stream in &device.streams {
                growth += Growth::of_stream(&stream.after, stream.before.as_ref().map(|before| &before.spec));
            }
        }
        growth
    }

    /// Whether everything is there already.
    fn changes_nothing(&self) -> bool {
        self.groups.is_empty() && !self.devices.iter().any(DevicePlan::is_changed)
    }
}

impl Catalog {
    /// What `put_inventory` would change now. The same errors, and nothing is changed.
    pub fn plan_inventory(&self, who: &Principal, inventory: &Inventory) -> Result<Plan> {
        let sight = self.sight(who);
        let plan = plan(&sight, inventory)?;
        self.check_inventory(&plan, &sight.mirror, who.org)?;
        Ok(plan)
    }

    /// Makes or changes every device, stream and group of it in one transaction; rows that it does not name stay as they
    /// are. The first row that breaks a rule fails all of it: `Invalid` with the row's names.
    pub async fn put_inventory(&self, who: &Principal, inventory: &Inventory) -> Result<Plan> {
        let turn = self.turn().await?;
        let plan = plan(&turn.sight(who), inventory)?;
        self.check_inventory(&plan, &turn.mirror(), who.org)?;
        if plan.changes_nothing() {
            return Ok(plan);
        }
        let (org, now) = (who.org, self.clock.now());
        let work = async move |db: Work| {
            let mut written = Written::default();
            written.write(&db, &plan, org, now).await?;
            Ok((plan, written))
        };
        let told = |(_, written): &(Plan, Written)| written.told.clone();
        let (plan, _) = turn.change_many(who, work, told, |mirror, (_, written)| written.put(mirror)).await?;
        Ok(plan)
    }

    /// Whether the license and the organization have room for all of it.
    fn check_inventory(&self, plan: &Plan, mirror: &Mirror, org: OrgId) -> Result<()> {
        let new = plan.devices.iter().filter(|device| device.before.is_none()).count();
        if new > 0 {
            has_room(mirror.devices.len() + new - 1, self.most_devices.load(Ordering::Relaxed))?;
        }
        self.check_room(mirror, org, plan.growth())
    }
}

fn plan(sight: &Sight, inventory: &Inventory) -> Result<Plan> {
    whole_org(sight.who)?;
    let mut plan = Plan::default();
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

fn plan_device(sight: &Sight, entry: &DeviceEntry) -> Result<DevicePlan> {
    let before = sight.mirror.devices.named(sight.who.org, &entry.name).cloned();
    let after = match (&entry.spec, &before) {
        (Some(spec), _) => {
            let kept = before.as_ref().map(|before| before.spec.password.clone());
            let password = entry.password.clone().or(kept).unwrap_or_default();
            DeviceSpec { password, name: entry.name.clone(), ..spec.clone() }
        }
        (None, Some(before)) => before.spec.clone(),
        (None, None) => return Err(of_device(&entry.name, "there is no such device")),
    };
    // One that stays as it is is not judged anew.
    let mut problems = if entry.spec.is_some() { after.problems() } else { Vec::new() };
    let stored = before.as_ref().map(|device| &device.spec.metadata);
    check_object(&mut problems, "metadata", &after.metadata, stored);
    Error::check(problems).map_err(|error| of_device(&entry.name, &error.message))?;
    let has_streams =
        before.as_ref().is_some_and(|device| sight.mirror.streams().ids_of(device.id).next().is_some());
    if has_streams && !after.protocol.has_streams() {
        return Err(of_device(&entry.name, "protocol: Device protocol has no data streams."));
    }
    Ok(DevicePlan { before, after, streams: Vec::new() })
}

fn plan_stream(
    sight: &Sight,
    device: &DevicePlan,
    entry: &StreamEntry,
    new_groups: &mut HashMap<String, usize>,
    made: &mut Vec<String>,
) -> Result<StreamPlan> {
    let owner = device.before.as_ref().map(|device| device.id);
    let before = owner.and_then(|id| sight.mirror.streams().named(id, &entry.spec.name)).cloned();
    let (group, joins) = match &entry.group {
        None => (None, None),
        Some(name) => match sight.mirror.groups.named(sight.who.org, name) {
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
    let told = |error: Error| of_stream(&device.after.name, &after.name, &error.message);
    Error::check(problems).map_err(told)?;
    Ok(StreamPlan { before, after, group: entry.group.clone(), joins })
}

fn new_group(name: &str) -> GroupSpec {
    GroupSpec { name: name.to_owned(), description: String::new() }
}

fn of_device(name: &str, problem: &str) -> Error {
    Error::invalid(format!("device `{name}`: {problem}"))
}

fn of_stream(device: &str, name: &str, problem: &str) -> Error {
    Error::invalid(format!("stream `{name}` of device `{device}`: {problem}"))
}

/// What was written, for the mirror and the audit log.
#[derive(Default)]
struct Written {
    groups: Vec<Arc<Group>>,
    devices: Vec<Arc<Device>>,
    streams: Vec<Arc<Stream>>,
    told: Vec<Change>,
}

impl Written {
    async fn write(&mut self, db: &Work, plan: &Plan, org: OrgId, now: Micros) -> Result<()> {
        for name in &plan.groups {
            let row = entity::group::new(org, new_group(name), now).insert(&**db).await;
            let group = Arc::new(Group::from(row.map_err(taken)?));
            self.told.push(Change::new(Action::Create, "group", group.id.0));
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
        db: &Work,
        plan: &DevicePlan,
        org: OrgId,
        now: Micros,
    ) -> Result<DeviceId> {
        let fields = plan.differences();
        let (row, is_new) = match &plan.before {
            None => (entity::device::new(org, plan.after.clone(), now).insert(&**db).await, true),
            Some(before) if fields.is_empty() => return Ok(before.id),
            Some(before) => {
                (entity::device::changed(before.id, plan.after.clone(), now).update(&**db).await, false)
            }
        };
        let device = Arc::new(Device::try_from(row.map_err(taken)?)?);
        self.told.push(change("device", device.id.0, is_new, fields));
        let id = device.id;
        self.devices.push(device);
        Ok(id)
    }

    async fn write_stream(
        &mut self,
        db: &Work,
        plan: &StreamPlan,
        device: DeviceId,
        (org, now): (OrgId, Micros),
    ) -> Result<()> {
        let fields = plan.differences();
        let group = plan.joins.and_then(|place| self.groups.get(place)).map(|group| group.id);
        let group: Option<GroupId> = group.or(plan.after.group);
        let spec = StreamSpec { device, group, ..plan.after.clone() };
        let (row, is_new) = match &plan.before {
            None => (entity::stream::new(org, spec, now).insert(&**db).await, true),
            Some(_) if fields.is_empty() => return Ok(()),
            Some(before) => (entity::stream::changed(before, spec, now).update(&**db).await, false),
        };
        let stream = Arc::new(Stream::try_from(row.map_err(taken)?)?);
        self.told.push(change("data", stream.id.0, is_new, fields));
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

fn change(kind: &'static str, id: i32, is_new: bool, fields: Vec<&'static str>) -> Change {
    let action = if is_new { Action::Create } else { Action::Update };
    Change::new(action, kind, id).with(fields)
}

fn taken(error: DbErr) -> Error {
    refused(error, || Error::conflict("another row took one of these names meanwhile"))
}

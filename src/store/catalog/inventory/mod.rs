//! Bulk upsert of devices and streams by name: planned against the current catalog, then written in one transaction.

mod write;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use self::write::WrittenRows;
use super::catalog_core::CatalogCore;
use super::device::{check_device_limit, reference_problems};
use super::mirror::Mirror;
use super::org::quota::QuotaDelta;
use super::stream;
use super::transaction::DbTransaction;
use super::visibility::{VisibleCatalog, require_unrestricted};
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::group::GroupSpec;
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::validation::check_object;
use crate::domain::{DeviceId, Error, FieldError, OrgId, Principal, ProductId, Result};

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
    /// Name of its product; `None` is the default product.
    pub product: Option<String>,
    /// Name of its gateway.
    pub parent_device: Option<String>,
    /// Whether its gateway is yet to be created. Then `after` does not refer to it.
    has_new_parent: bool,
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
    channel: i32,
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
        let Some(before) = &self.before else { return Vec::new() };
        let mut fields = before.spec.differences(&self.after);
        if self.has_new_parent && !fields.contains(&"parent_device") {
            fields.push("parent_device");
        }
        fields
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

/// Inventory files: many devices and streams at once.
pub struct InventoryCatalog {
    core: Arc<CatalogCore>,
}

impl InventoryCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Dry run of `put_inventory`: returns its plan or its error, and changes nothing.
    pub fn plan_inventory(&self, who: &Principal, inventory: &Inventory) -> Result<InventoryPlan> {
        let visible = self.core.visible_to(who);
        let plan = plan(&visible, inventory)?;
        self.check_inventory(&plan, &visible.mirror, who.org)?;
        Ok(plan)
    }

    /// Creates or changes every listed device, stream and group in one transaction; other rows stay unchanged. The
    /// first row that breaks a rule fails the whole call: `Invalid`, naming the row.
    pub async fn put_inventory(&self, who: &Principal, inventory: &Inventory) -> Result<InventoryPlan> {
        let transaction = self.core.begin_transaction().await?;
        let plan = plan(&transaction.visible_to(who), inventory)?;
        self.check_inventory(&plan, &transaction.mirror(), who.org)?;
        if plan.changes_nothing() {
            return Ok(plan);
        }
        let (mut written, now) =
            (WrittenRows::new(who.org, &transaction.mirror(), &plan), self.core.clock.now());
        let work = async move |db: DbTransaction| {
            written.write(&db, &plan, now).await?;
            Ok((plan, written))
        };
        let audit = |(_, written): &(InventoryPlan, WrittenRows)| written.audit_changes.clone();
        let (plan, _) =
            transaction.commit_changes(who, work, audit, |mirror, (_, written)| written.put(mirror)).await?;
        Ok(plan)
    }

    /// Checks the plan against the license and the organization's quota.
    fn check_inventory(&self, plan: &InventoryPlan, mirror: &Mirror, org: OrgId) -> Result<()> {
        let new = plan.devices.iter().filter(|device| device.before.is_none()).count();
        if new > 0 {
            check_device_limit(
                mirror.devices.len() + new - 1,
                self.core.max_devices.load(Ordering::Relaxed),
            )?;
        }
        self.core.check_quota(mirror, org, plan.quota_delta())
    }
}

fn plan(visible: &VisibleCatalog, inventory: &Inventory) -> Result<InventoryPlan> {
    require_unrestricted(visible.who)?;
    let mut plan = InventoryPlan::default();
    let mut new_groups = HashMap::new();
    let names = inventory.devices.iter().map(|entry| entry.name.as_str()).collect();
    for entry in &inventory.devices {
        let device = plan_device(visible, entry, &names)?;
        let mut pins = PinPlan::new(&device, entry);
        plan.devices.push(device);
        for stream in &entry.streams {
            let device = plan.devices.last().expect("it was pushed just now");
            let mut stream = plan_stream(visible, device, stream, &mut new_groups, &mut plan.groups)?;
            pins.assign(&visible.mirror, device, &mut stream)?;
            plan.devices.last_mut().expect("it was pushed just now").streams.push(stream);
        }
    }
    check_parents(visible, &plan)?;
    Ok(plan)
}

fn plan_device(visible: &VisibleCatalog, entry: &DeviceEntry, names: &BTreeSet<&str>) -> Result<DevicePlan> {
    let before = visible.mirror.devices.get_by_name(visible.who.org, &entry.name).cloned();
    let mut references = DeviceReferences::of(entry);
    let mut has_new_parent = false;
    let after = match (&entry.spec, &before) {
        (Some(spec), _) => {
            let kept = before.as_ref().map(|before| before.spec.password.clone());
            let password = entry.password.clone().or(kept).unwrap_or_default();
            let product =
                entry.product.as_deref().map(|name| product_named(visible, entry, name)).transpose()?;
            let parent_device = entry.parent_device.as_deref().and_then(|name| existing_id(visible, name));
            has_new_parent = entry.parent_device.is_some() && parent_device.is_none();
            let name = entry.name.clone();
            DeviceSpec { password, name, product, parent_device, ..spec.clone() }
        }
        (None, Some(before)) => {
            references = DeviceReferences::stored(visible, before);
            before.spec.clone()
        }
        (None, None) => return Err(device_error(&entry.name, "there is no such device")),
    };
    // An unchanged device is not validated again.
    let mut problems = if entry.spec.is_some() { after.problems() } else { Vec::new() };
    let stored = before.as_ref().map(|device| &device.spec.metadata);
    check_object(&mut problems, "metadata", &after.metadata, stored);
    problems.extend(reference_problems(visible, &after, before.as_ref()).into_iter().filter(|problem| {
        // Gateways may change in the same inventory: all of them are checked together.
        problem.field != "parent_device"
    }));
    if has_new_parent && references.parent_device.as_deref().is_none_or(|name| !names.contains(name)) {
        problems.push(FieldError::new("parent_device", "there is no such device"));
    }
    Error::check(problems).map_err(|error| device_error(&entry.name, &error.message))?;
    let has_streams =
        before.as_ref().is_some_and(|device| visible.mirror.streams().ids_of(device.id).next().is_some());
    if has_streams && !after.protocol.has_streams() {
        return Err(device_error(&entry.name, "protocol: Device protocol has no data streams."));
    }
    let DeviceReferences { product, parent_device } = references;
    Ok(DevicePlan { before, after, streams: Vec::new(), product, parent_device, has_new_parent })
}

/// Names of the rows that a device refers to.
struct DeviceReferences {
    product: Option<String>,
    parent_device: Option<String>,
}

impl DeviceReferences {
    fn of(entry: &DeviceEntry) -> Self {
        Self { product: entry.product.clone(), parent_device: entry.parent_device.clone() }
    }

    fn stored(visible: &VisibleCatalog, device: &Device) -> Self {
        let product = device.spec.product.and_then(|id| visible.mirror.products.get(id));
        let parent = device.spec.parent_device.and_then(|id| visible.mirror.devices.get(id));
        Self {
            product: product.map(|product| product.spec.name.clone()),
            parent_device: parent.map(|parent| parent.spec.name.clone()),
        }
    }
}

fn existing_id(visible: &VisibleCatalog, device: &str) -> Option<DeviceId> {
    visible.mirror.devices.get_by_name(visible.who.org, device).map(|device| device.id)
}

fn product_named(visible: &VisibleCatalog, entry: &DeviceEntry, name: &str) -> Result<ProductId> {
    let product = visible.mirror.products.get_by_name(visible.who.org, name);
    let product = product.ok_or_else(|| device_error(&entry.name, "product: there is no such product"));
    Ok(product?.id)
}

/// Checks that no device is below itself once the whole inventory is stored.
fn check_parents(visible: &VisibleCatalog, plan: &InventoryPlan) -> Result<()> {
    let planned: HashMap<&str, Option<&str>> =
        plan.devices.iter().map(|d| (d.after.name.as_str(), d.parent_device.as_deref())).collect();
    let mut sound = BTreeSet::new();
    for device in &plan.devices {
        let (mut path, mut next) = (BTreeSet::new(), Some(device.after.name.as_str()));
        while let Some(name) = next.filter(|name| !sound.contains(name)) {
            if !path.insert(name) {
                let problem = "parent_device: A device may not be below itself.";
                return Err(device_error(&device.after.name, problem));
            }
            next = planned.get(name).copied().unwrap_or_else(|| stored_parent(visible, name));
        }
        sound.append(&mut path);
    }
    Ok(())
}

/// Name of the gateway of a stored device.
fn stored_parent<'a>(visible: &'a VisibleCatalog<'_>, device: &str) -> Option<&'a str> {
    let device = visible.mirror.devices.get_by_name(visible.who.org, device)?;
    let parent = visible.mirror.devices.get(device.spec.parent_device?)?;
    Some(parent.spec.name.as_str())
}

/// Pins of a device's streams while an inventory is planned.
struct PinPlan {
    /// Pins that the inventory gives.
    given: BTreeSet<i32>,
    /// Pins given or assigned to a stream so far.
    assigned: BTreeSet<i32>,
    /// Channel of the newest stream.
    last_channel: i32,
}

impl PinPlan {
    fn new(device: &DevicePlan, entry: &DeviceEntry) -> Self {
        let last_channel = device.before.as_ref().map_or(0, |device| device.last_channel);
        let pins = entry.streams.iter().filter_map(|stream| stream.spec.pin).collect();
        Self { given: pins, assigned: BTreeSet::new(), last_channel }
    }

    /// Gives the stream its channel, and a pin where its channel cannot be one.
    fn assign(&mut self, mirror: &Mirror, device: &DevicePlan, stream: &mut StreamPlan) -> Result<()> {
        if stream.before.is_none() {
            self.last_channel += 1;
        }
        let own = stream.before.as_ref().map(|before| before.id);
        stream.channel = stream.before.as_ref().map_or(self.last_channel, |before| before.channel);
        let owner = device.before.as_ref().map(|device| device.id);
        let is_stored = |pin: i32| {
            let other = owner.and_then(|owner| mirror.stream_by_pin(owner, pin));
            other.is_some_and(|other| Some(other.id) != own)
        };
        if let Some(pin) = stream.after.pin {
            if is_stored(pin) || !self.assigned.insert(pin) {
                let problem = "pin: This field must be unique.";
                return Err(stream_error(&device.after.name, &stream.after.name, problem));
            }
            return Ok(());
        }
        let is_free =
            |pin: &i32| !is_stored(*pin) && !self.given.contains(pin) && !self.assigned.contains(pin);
        let kept = stream.before.as_ref().map(|before| before.pin()).filter(is_free);
        let pin = std::iter::once(stream.channel).chain(kept).chain(stream.channel..i32::MAX).find(is_free);
        stream.after.pin = pin.filter(|pin| *pin != stream.channel);
        self.assigned.extend(pin);
        Ok(())
    }
}

fn plan_stream(
    visible: &VisibleCatalog,
    device: &DevicePlan,
    entry: &StreamEntry,
    new_groups: &mut HashMap<String, usize>,
    made: &mut Vec<String>,
) -> Result<StreamPlan> {
    let owner = device.before.as_ref().map(|device| device.id);
    let before = owner.and_then(|id| visible.mirror.streams().get_by_name(id, &entry.spec.name)).cloned();
    let (group, joins) = match &entry.group {
        None => (None, None),
        Some(name) => match visible.mirror.groups.get_by_name(visible.who.org, name) {
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
    if let Some(stored) = &before {
        problems.extend(stream::type_problem(&visible.mirror, stored, after.kind));
    }
    if let (Some(name), Some(_)) = (&entry.group, joins) {
        problems.extend(new_group(name).problems().into_iter().map(|p| FieldError::new("group", p.message)));
    }
    let in_stream = |error: Error| stream_error(&device.after.name, &after.name, &error.message);
    Error::check(problems).map_err(in_stream)?;
    Ok(StreamPlan { before, after, group: entry.group.clone(), new_group_index: joins, channel: 0 })
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

//! Writes a planned inventory in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::{DevicePlan, InventoryPlan, StreamPlan, new_group};
use crate::domain::alias::DeviceAliases;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::{DeviceId, Error, GroupId, Micros, OrgId, Result};
use crate::store::catalog::database::{unavailable, write_error};
use crate::store::catalog::device::index::AliasGenerator;
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::stream::write_last_channel;
use crate::store::catalog::transaction::DbTransaction;

/// Written rows, for the mirror and the audit log.
pub(super) struct WrittenRows {
    org: OrgId,
    /// Of the new devices, in the order of the plan.
    aliases: std::vec::IntoIter<DeviceAliases>,
    groups: Vec<Arc<Group>>,
    devices: Vec<Arc<Device>>,
    streams: Vec<Arc<Stream>>,
    /// Devices with new streams, and the channel of the newest.
    last_channels: Vec<(DeviceId, i32)>,
    pub(super) audit_changes: Vec<AuditChange>,
}

impl WrittenRows {
    /// Chooses the aliases of the new devices.
    pub(super) fn new(org: OrgId, mirror: &Mirror, plan: &InventoryPlan) -> Self {
        let mut generator = AliasGenerator::default();
        let new = plan.devices.iter().filter(|device| device.before.is_none());
        let aliases: Vec<_> =
            new.map(|device| generator.next(&mirror.devices, org, &device.after.name)).collect();
        Self {
            org,
            aliases: aliases.into_iter(),
            groups: Vec::new(),
            devices: Vec::new(),
            streams: Vec::new(),
            last_channels: Vec::new(),
            audit_changes: Vec::new(),
        }
    }

    pub(super) async fn write(
        &mut self,
        db: &DbTransaction,
        plan: &InventoryPlan,
        now: Micros,
    ) -> Result<()> {
        for name in &plan.groups {
            let row = entity::group::new(self.org, new_group(name), now).insert(&**db).await;
            let group = Arc::new(Group::from(row.map_err(name_conflict)?));
            self.audit_changes.push(AuditChange::new(Action::Create, "group", group.id.0));
            self.groups.push(group);
        }
        let mut ids = Vec::with_capacity(plan.devices.len());
        for device in &plan.devices {
            let id = self.write_device(db, device, now).await?;
            for stream in &device.streams {
                self.write_stream(db, stream, id, now).await?;
            }
            self.write_channels(db, device, id).await?;
            ids.push(id);
        }
        self.write_new_parents(db, plan, &ids).await
    }

    async fn write_device(&mut self, db: &DbTransaction, plan: &DevicePlan, now: Micros) -> Result<DeviceId> {
        let fields = plan.differences();
        let (row, is_new) = match &plan.before {
            None => {
                let aliases = self.aliases.next().expect("each new device was given aliases");
                (entity::device::new(self.org, aliases, plan.after.clone(), now).insert(&**db).await, true)
            }
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
        now: Micros,
    ) -> Result<()> {
        let fields = plan.differences();
        let group = plan.new_group_index.and_then(|place| self.groups.get(place)).map(|group| group.id);
        let group: Option<GroupId> = group.or(plan.after.group);
        let spec = StreamSpec { device, group, ..plan.after.clone() };
        let (row, is_new) = match &plan.before {
            None => (entity::stream::new(self.org, plan.channel, spec, now).insert(&**db).await, true),
            Some(_) if fields.is_empty() => return Ok(()),
            Some(before) => (entity::stream::for_update(before, spec, now).update(&**db).await, false),
        };
        let stream = Arc::new(Stream::try_from(row.map_err(name_conflict)?)?);
        self.audit_changes.push(change("data", stream.id.0, is_new, fields));
        self.streams.push(stream);
        Ok(())
    }

    /// Stores the channel of a device's newest stream.
    async fn write_channels(&mut self, db: &DbTransaction, plan: &DevicePlan, id: DeviceId) -> Result<()> {
        let new = plan.streams.iter().filter(|stream| stream.before.is_none());
        let Some(channel) = new.map(|stream| stream.channel).max() else { return Ok(()) };
        write_last_channel(&**db, id, channel).await?;
        self.last_channels.push((id, channel));
        Ok(())
    }

    /// Stores the gateways that the inventory has created, now that they have ids.
    async fn write_new_parents(
        &mut self,
        db: &DbTransaction,
        plan: &InventoryPlan,
        ids: &[DeviceId],
    ) -> Result<()> {
        use entity::device::{Column, Entity};
        let names = plan.devices.iter().map(|device| device.after.name.as_str());
        let id_of: HashMap<&str, DeviceId> = names.zip(ids.iter().copied()).collect();
        let mut parents = HashMap::new();
        for (device, id) in plan.devices.iter().zip(ids).filter(|(device, _)| device.has_new_parent) {
            let parent = device.parent_device.as_deref().and_then(|name| id_of.get(name).copied());
            let parent = parent.ok_or_else(|| Error::internal("a planned gateway was not written"))?;
            let update = Entity::update_many().col_expr(Column::ParentId, Expr::value(parent.0));
            update.filter(Column::Id.eq(id.0)).exec(&**db).await.map_err(unavailable)?;
            parents.insert(*id, parent);
        }
        for device in &mut self.devices {
            if let Some(parent) = parents.get(&device.id) {
                Arc::make_mut(device).spec.parent_device = Some(*parent);
            }
        }
        Ok(())
    }

    pub(super) fn put(&self, mirror: &mut Mirror) {
        self.groups.iter().for_each(|group| mirror.groups.put(Arc::clone(group)));
        self.devices.iter().for_each(|device| {
            mirror.devices.put(Arc::clone(device));
        });
        self.last_channels.iter().for_each(|(id, channel)| mirror.devices.set_last_channel(*id, *channel));
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

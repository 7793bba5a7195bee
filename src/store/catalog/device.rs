//! Devices. Path syntax and connection tests are not the catalog's: collect/ and app/ do those.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, DbErr, EntityTrait};

use super::database::{refused, unavailable};
use super::room::Growth;
use super::sight::Sight;
use super::turn::Work;
use super::{Catalog, entity, not_unique, retention, trim};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_object;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec};
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, FieldError, Kind, Principal, Result, StreamId};

impl Catalog {
    /// The devices seen, by id ascending.
    pub fn devices(&self, who: &Principal, filter: &DeviceFilter) -> Vec<Arc<Device>> {
        let sight = self.sight(who);
        let wanted = |device: &&Arc<Device>| {
            filter.name.as_ref().is_none_or(|name| *name == device.spec.name)
                && filter.protocol.is_none_or(|protocol| protocol == device.spec.protocol)
        };
        let seen = sight.device_ids().into_iter().filter_map(|id| sight.mirror.devices.get(id));
        let page = seen.filter(wanted).skip(filter.page.offset).take(filter.page.limit);
        page.map(|device| sight.redacted_device(device)).collect()
    }

    /// `NotFound` when the device is absent or not seen.
    pub fn device(&self, who: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        let sight = self.sight(who);
        sight.device(id).map(|device| sight.redacted_device(device))
    }

    /// From now on no device is made where this many exist, whatever organizations they are of; `None` is no limit.
    pub fn limit_devices(&self, most: Option<usize>) {
        self.most_devices.store(most.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// How many devices all organizations have together.
    pub fn count_devices(&self) -> usize {
        self.mirror.read().devices.len()
    }

    /// A key with a device list makes none: it could not see what it made. `LimitReached` past `limit_devices` and
    /// past what the organization may have.
    pub async fn create_device(&self, who: &Principal, mut spec: DeviceSpec) -> Result<Arc<Device>> {
        if who.is_restricted() {
            return Err(Error::forbidden("a key restricted to some devices or data may not create devices"));
        }
        trim(&mut spec.name);
        let turn = self.turn().await?;
        check(&turn.sight(who), &spec, None)?;
        has_room(turn.mirror().devices.len(), self.most_devices.load(Ordering::Relaxed))?;
        self.check_room(&turn.mirror(), who.org, Growth::of_device(&spec, None))?;
        let row = entity::device::new(who.org, spec, self.clock.now());
        turn.change(
            who,
            async move |db| write(row.insert(&*db).await),
            |device| Change::new(Action::Create, "device", device.id.0),
            |mirror, device| {
                mirror.devices.put(Arc::clone(device));
            },
        )
        .await
    }

    /// Reads, changes and writes as one step. `Forbidden` for a device that is seen but not owned.
    pub async fn update_device(
        &self,
        who: &Principal,
        id: DeviceId,
        change: impl FnOnce(&mut DeviceSpec) + Send,
    ) -> Result<Arc<Device>> {
        let turn = self.turn().await?;
        let (spec, fields, growth) = changed(&turn.sight(who), id, change)?;
        self.check_room(&turn.mirror(), who.org, growth)?;
        let row = entity::device::changed(id, spec, self.clock.now());
        let done = turn.change(
            who,
            async move |db| write(row.update(&*db).await),
            move |_| Change::new(Action::Update, "device", id.0).with(fields),
            |mirror, device| {
                mirror.devices.put(Arc::clone(device));
            },
        );
        done.await.map(|device| self.sight(who).redacted_device(&device))
    }

    /// Deletes a device with its streams and their policies; says which streams went, ascending. Their rows leave
    /// the disk in the next cycle of retention; events stay, of no device.
    pub async fn delete_device(&self, who: &Principal, id: DeviceId) -> Result<Vec<StreamId>> {
        let turn = self.turn().await?;
        let streams: Vec<StreamId> = {
            let sight = turn.sight(who);
            sight.own_device(id)?;
            sight.mirror.streams().ids_of(id).collect()
        };
        let delete = async move |db: Work| {
            retention::bury(&*db, &streams, Some(id)).await?;
            entity::device::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(streams)
        };
        let told = move |_: &Vec<StreamId>| Change::new(Action::Delete, "device", id.0);
        turn.change(who, delete, told, move |mirror, _| {
            mirror.remove_device(id);
        })
        .await
    }

    /// For the collectors: every device of every organization, by id ascending.
    pub fn all_devices(&self) -> Vec<Arc<Device>> {
        let mut devices: Vec<_> = self.mirror.read().devices.all().cloned().collect();
        devices.sort_by_key(|device| device.id);
        devices
    }

    /// For the collectors: a device and its streams by id ascending, as of one moment; `None` once it is deleted.
    pub fn device_with_streams(&self, id: DeviceId) -> Option<(Arc<Device>, Vec<Arc<Stream>>)> {
        let mirror = self.mirror.read();
        let device = mirror.devices.get(id)?;
        Some((Arc::clone(device), mirror.streams().of(id).cloned().collect()))
    }
}

/// Whether there may be one more than `devices`.
pub(super) fn has_room(devices: usize, most: usize) -> Result<()> {
    if devices >= most {
        return Err(Error::new(Kind::LimitReached, "License limit reached."));
    }
    Ok(())
}

/// The device as it will be, the names of the fields that change, and what it adds.
fn changed(
    sight: &Sight,
    id: DeviceId,
    change: impl FnOnce(&mut DeviceSpec),
) -> Result<(DeviceSpec, Vec<&'static str>, Growth)> {
    let stored = &sight.own_device(id)?.spec;
    let mut spec = stored.clone();
    change(&mut spec);
    trim(&mut spec.name);
    check(sight, &spec, Some(id))?;
    let (fields, growth) = (stored.differences(&spec), Growth::of_device(&spec, Some(stored)));
    Ok((spec, fields, growth))
}

/// Every rule of a device: its own, and those that other rows decide. `id` is its own when it exists already.
fn check(sight: &Sight, spec: &DeviceSpec, id: Option<DeviceId>) -> Result<()> {
    Error::check(problems(sight, spec, id))
}

/// The same, as a list.
pub(super) fn problems(sight: &Sight, spec: &DeviceSpec, id: Option<DeviceId>) -> Vec<FieldError> {
    let mut problems = spec.problems();
    let stored = id.and_then(|id| sight.mirror.devices.get(id));
    check_object(&mut problems, "metadata", &spec.metadata, stored.map(|device| &device.spec.metadata));
    let namesake = sight.mirror.devices.named(sight.who.org, &spec.name);
    if namesake.is_some_and(|other| Some(other.id) != id) {
        problems.push(FieldError::new("name", "This field must be unique."));
    }
    let has_streams = id.is_some_and(|id| sight.mirror.streams().ids_of(id).next().is_some());
    if has_streams && !spec.protocol.has_streams() {
        problems.push(FieldError::new("protocol", "Device protocol has no data streams."));
    }
    problems
}

pub(super) fn write(row: std::result::Result<entity::device::Model, DbErr>) -> Result<Arc<Device>> {
    Ok(Arc::new(row.map_err(|e| refused(e, || not_unique("name")))?.try_into()?))
}

//! Streams. Who sees a stream may change it; making one takes the device. Values live elsewhere in store/.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, DbErr, EntityTrait};

use super::database::{refused, unavailable};
use super::room::Growth;
use super::sight::Sight;
use super::turn::Work;
use super::{Catalog, entity, no_such_row, retention, trim};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_object;
use crate::domain::device::{Device, Protocol};
use crate::domain::stream::{Stream, StreamFilter, StreamKind, StreamSpec};
use crate::domain::window::Windows;
use crate::domain::{DeviceId, Error, FieldError, OrgId, Principal, Result, StreamId};

/// What a write of values must know of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamEntry {
    pub org: OrgId,
    pub device: DeviceId,
    pub kind: StreamKind,
}

impl Catalog {
    /// The streams seen, by id ascending.
    pub fn streams(&self, who: &Principal, filter: &StreamFilter) -> Vec<Arc<Stream>> {
        let sight = self.sight(who);
        let candidates = match (filter.device, filter.group) {
            (Some(device), _) => sight.mirror.streams().ids_of(device).collect(),
            (None, Some(group)) => sight.members(group).collect(),
            (None, None) => sight.stream_ids(),
        };
        let wanted = |stream: &&Arc<Stream>| {
            filter.group.is_none_or(|group| stream.spec.group == Some(group))
                && filter.name.as_ref().is_none_or(|name| *name == stream.spec.name)
        };
        let seen = candidates.into_iter().filter_map(|id| sight.stream(id).ok());
        seen.filter(wanted).skip(filter.page.offset).take(filter.page.limit).cloned().collect()
    }

    /// `NotFound` when the stream is absent or not seen.
    pub fn stream(&self, who: &Principal, id: StreamId) -> Result<Arc<Stream>> {
        self.sight(who).stream(id).cloned()
    }

    /// By the names of its device and its own.
    pub fn stream_by_name(&self, who: &Principal, device: &str, stream: &str) -> Result<Arc<Stream>> {
        let sight = self.sight(who);
        let device = sight.mirror.devices.named(who.org, device).ok_or_else(Error::not_found)?;
        let stream = sight.mirror.streams().named(device.id, stream).ok_or_else(Error::not_found)?;
        sight.stream(stream.id).cloned()
    }

    /// `LimitReached` past what the organization may have.
    pub async fn create_stream(&self, who: &Principal, mut spec: StreamSpec) -> Result<Arc<Stream>> {
        trim(&mut spec.name);
        let turn = self.turn().await?;
        check_new(&turn.sight(who), &spec)?;
        self.check_room(&turn.mirror(), who.org, Growth::of_stream(&spec, None))?;
        let row = entity::stream::new(who.org, spec, self.clock.now());
        turn.change(
            who,
            async move |db| write(row.insert(&*db).await),
            |stream| Change::new(Action::Create, "data", stream.id.0),
            |mirror, stream| {
                mirror.put_stream(Arc::clone(stream));
            },
        )
        .await
    }

    /// Reads, changes and writes as one step. The device cannot be changed.
    pub async fn update_stream(
        &self,
        who: &Principal,
        id: StreamId,
        change: impl FnOnce(&mut StreamSpec) + Send,
    ) -> Result<Arc<Stream>> {
        let turn = self.turn().await?;
        let (stream, spec) = changed(&turn.sight(who), id, change)?;
        self.check_room(&turn.mirror(), who.org, Growth::of_stream(&spec, Some(&stream.spec)))?;
        let fields = stream.spec.differences(&spec);
        let row = entity::stream::changed(&stream, spec, self.clock.now());
        turn.change(
            who,
            async move |db| write(row.update(&*db).await),
            move |_| Change::new(Action::Update, "data", id.0).with(fields),
            |mirror, stream| {
                mirror.put_stream(Arc::clone(stream));
            },
        )
        .await
    }

    /// Deletes a stream with its policies; its rows leave the disk in the next cycle of retention. Events stay, of no
    /// stream.
    pub async fn delete_stream(&self, who: &Principal, id: StreamId) -> Result<()> {
        let turn = self.turn().await?;
        turn.sight(who).stream(id)?;
        let delete = async move |db: Work| {
            retention::bury(&*db, &[id], None).await?;
            entity::stream::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let told = move |(): &()| Change::new(Action::Delete, "data", id.0);
        turn.change(who, delete, told, move |mirror, ()| mirror.remove_stream(id)).await
    }

    /// The write path's check. It needs no principal, for it tells nothing that the caller does not compare.
    pub fn stream_entry(&self, id: StreamId) -> Option<StreamEntry> {
        let mirror = self.mirror.read();
        let stream = mirror.streams().get(id)?;
        Some(StreamEntry { org: stream.org, device: stream.spec.device, kind: stream.spec.kind })
    }

    /// How the statistics of streams are cut in time; streams that do not exist are left out. It needs no principal,
    /// for it tells nothing of their owners.
    pub fn windows(&self, streams: impl IntoIterator<Item = StreamId>) -> HashMap<i32, Windows> {
        let mirror = self.mirror.read();
        let known = streams.into_iter().filter_map(|id| mirror.streams().get(id));
        known.map(|stream| (stream.id.0, stream.windows.clone())).collect()
    }

    /// As `windows`, of every stream there is.
    pub fn all_windows(&self) -> HashMap<i32, Windows> {
        self.mirror.read().streams().all().map(|s| (s.id.0, s.windows.clone())).collect()
    }

    /// Ids of the streams seen, ascending: what a query may show.
    pub fn visible_streams(&self, who: &Principal) -> Vec<StreamId> {
        self.sight(who).stream_ids()
    }
}

fn check_new(sight: &Sight, spec: &StreamSpec) -> Result<()> {
    let mut problems = spec.problems();
    check_object(&mut problems, "metadata", &spec.metadata, None);
    let device = sight.named_device("device", spec.device, &mut problems);
    if let Some(device) = device {
        check_on(device, spec, &mut problems);
    }
    check_group(sight, spec, &mut problems);
    Error::check(problems)?;
    // Who may only read the device would not see the new stream.
    sight.own_device(spec.device)?;
    check_unique(sight, spec, None)
}

fn changed(
    sight: &Sight,
    id: StreamId,
    change: impl FnOnce(&mut StreamSpec),
) -> Result<(Arc<Stream>, StreamSpec)> {
    let stream = sight.stream(id)?;
    let mut spec = stream.spec.clone();
    change(&mut spec);
    trim(&mut spec.name);
    let mut problems = spec.problems();
    check_object(&mut problems, "metadata", &spec.metadata, Some(&stream.spec.metadata));
    if spec.device != stream.spec.device {
        problems.push(FieldError::new("device", "This field may not be changed."));
    } else if let Some(device) = sight.mirror.devices.get(spec.device) {
        check_on(device, &spec, &mut problems);
    }
    check_group(sight, &spec, &mut problems);
    Error::check(problems)?;
    check_unique(sight, &spec, Some(id))?;
    Ok((Arc::clone(stream), spec))
}

fn check_on(device: &Device, spec: &StreamSpec, problems: &mut Vec<FieldError>) {
    check_protocol(device.spec.protocol, spec, problems);
}

/// The rules that the device's protocol decides.
pub(super) fn check_protocol(protocol: Protocol, spec: &StreamSpec, problems: &mut Vec<FieldError>) {
    if !protocol.has_streams() {
        problems.push(FieldError::new("device", "Device protocol has no data streams."));
    } else if protocol.needs_path() && spec.path.trim().is_empty() {
        problems.push(FieldError::new("path", "This field is required."));
    }
}

fn check_group(sight: &Sight, spec: &StreamSpec, problems: &mut Vec<FieldError>) {
    if let Some(group) = spec.group.filter(|group| sight.group(*group).is_err()) {
        problems.push(no_such_row("group", group));
    }
}

/// Asked last, as DRF does: names are compared only between rows that are right in themselves.
fn check_unique(sight: &Sight, spec: &StreamSpec, id: Option<StreamId>) -> Result<()> {
    match sight.mirror.streams().named(spec.device, &spec.name) {
        Some(other) if Some(other.id) != id => Err(name_taken()),
        _ => Ok(()),
    }
}

fn name_taken() -> Error {
    Error::field("non_field_errors", "The fields device, name must make a unique set.")
}

pub(super) fn write(row: std::result::Result<entity::stream::Model, DbErr>) -> Result<Arc<Stream>> {
    Ok(Arc::new(row.map_err(|e| refused(e, name_taken))?.try_into()?))
}

//! Streams in the catalog. Whoever sees a stream may change it; creating one requires write access to its device.
//! Values are stored elsewhere in store/.

pub(super) mod batch_lookup;
pub(super) mod subscription_filter;

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::alert::rule;
use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::mirror::Mirror;
use super::org::quota::QuotaDelta;
use super::retention;
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use super::{entity, no_such_row, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::companion::{Companion, MARK};
use crate::domain::device::{Device, Protocol};
use crate::domain::stream::{Stream, StreamFilter, StreamKind, StreamSpec};
use crate::domain::validation::check_object;
use crate::domain::window::Windows;
use crate::domain::{DeviceId, Error, FieldError, OrgId, Principal, Result, StreamId};

/// Stream attributes needed to write values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamWriteInfo {
    pub org: OrgId,
    pub device: DeviceId,
    pub kind: StreamKind,
    /// Whether the server keeps it beside the device's own streams.
    pub is_companion: bool,
}

/// Streams, and which of them a subscription receives.
pub struct StreamCatalog {
    core: Arc<CatalogCore>,
}

impl StreamCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Visible streams by id ascending.
    pub fn streams(&self, who: &Principal, filter: &StreamFilter) -> Vec<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let candidates = match (filter.device, filter.group) {
            (Some(device), _) => visible.mirror.streams().ids_of(device).collect(),
            (None, Some(group)) => visible.members(group).collect(),
            (None, None) => visible.stream_ids(),
        };
        let wanted = |stream: &&Arc<Stream>| {
            filter.group.is_none_or(|group| stream.spec.group == Some(group))
                && filter.name.as_ref().is_none_or(|name| *name == stream.spec.name)
        };
        let seen = candidates.into_iter().filter_map(|id| visible.stream(id).ok());
        seen.filter(wanted).skip(filter.page.offset).take(filter.page.limit).cloned().collect()
    }

    /// Returns a stream; `NotFound` when it is absent or not visible.
    pub fn stream(&self, who: &Principal, id: StreamId) -> Result<Arc<Stream>> {
        self.core.visible_to(who).stream(id).cloned()
    }

    /// Returns a stream by the names of its device and its own.
    pub fn stream_by_name(&self, who: &Principal, device: &str, stream: &str) -> Result<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let device = visible.mirror.devices.get_by_name(who.org, device).ok_or_else(Error::not_found)?;
        let stream = visible.mirror.streams().get_by_name(device.id, stream).ok_or_else(Error::not_found)?;
        visible.stream(stream.id).cloned()
    }

    /// Returns a stream of a device by its name; `NotFound` when it is absent or not visible.
    pub fn stream_of_device(&self, who: &Principal, device: DeviceId, name: &str) -> Result<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let stream = visible.mirror.streams().get_by_name(device, name).ok_or_else(Error::not_found)?;
        visible.stream(stream.id).cloned()
    }

    /// Creates a stream. `LimitReached` beyond the organization's quota.
    pub async fn create_stream(&self, who: &Principal, mut spec: StreamSpec) -> Result<Arc<Stream>> {
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        let channel = check_new(&transaction.visible_to(who), &spec)?.last_channel + 1;
        self.core.check_quota(&transaction.mirror(), who.org, QuotaDelta::of_stream(&spec, None))?;
        spec.pin = spec.pin.or_else(|| default_pin(&transaction.mirror(), spec.device, channel, None));
        let device = spec.device;
        let row = entity::stream::new(who.org, channel, spec, self.core.clock.now());
        let insert = async move |db: DbTransaction| {
            write_last_channel(&*db, device, channel).await?;
            into_stream(row.insert(&*db).await)
        };
        let audit = |stream: &Arc<Stream>| AuditChange::new(Action::Create, "data", stream.id.0);
        let apply = move |mirror: &mut Mirror, stream: &Arc<Stream>| {
            mirror.devices.set_last_channel(device, channel);
            mirror.put_stream(Arc::clone(stream));
        };
        transaction.commit_change(who, insert, audit, apply).await
    }

    /// Changes a stream atomically. The device cannot be changed.
    pub async fn update_stream(
        &self,
        who: &Principal,
        id: StreamId,
        change: impl FnOnce(&mut StreamSpec) + Send,
    ) -> Result<Arc<Stream>> {
        let transaction = self.core.begin_transaction().await?;
        let (stream, spec) = changed(&transaction.visible_to(who), id, change)?;
        self.core.check_quota(
            &transaction.mirror(),
            who.org,
            QuotaDelta::of_stream(&spec, Some(&stream.spec)),
        )?;
        let fields = stream.spec.differences(&spec);
        let row = entity::stream::for_update(&stream, spec, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_stream(row.update(&*db).await),
                move |_| AuditChange::new(Action::Update, "data", id.0).with(fields),
                |mirror, stream| {
                    mirror.put_stream(Arc::clone(stream));
                },
            )
            .await
    }

    /// Deletes a stream with its policies; its rows leave the disk in the next retention cycle. Events stay, without
    /// their stream.
    pub async fn delete_stream(&self, who: &Principal, id: StreamId) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        transaction.visible_to(who).stream(id)?;
        let delete = async move |db: DbTransaction| {
            retention::mark_deleted(&*db, &[id], None).await?;
            entity::stream::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "data", id.0);
        transaction.commit_change(who, delete, audit, move |mirror, ()| mirror.remove_stream(id)).await
    }

    /// The stream of a device with this channel; `NotFound` when it is absent or not visible.
    pub fn stream_by_channel(&self, who: &Principal, device: DeviceId, channel: i32) -> Result<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let stream = visible.mirror.stream_by_channel(device, channel).ok_or_else(Error::not_found)?;
        visible.stream(stream.id).cloned()
    }

    /// The stream with this UUID; `NotFound` when it is absent or not visible.
    pub fn stream_by_uuid(&self, who: &Principal, uuid: Uuid) -> Result<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let stream = visible.mirror.stream_by_uuid(uuid).ok_or_else(Error::not_found)?;
        visible.stream(stream.id).cloned()
    }

    /// The stream of a device with this pin; `NotFound` when it is absent or not visible.
    pub fn stream_by_pin(&self, who: &Principal, device: DeviceId, pin: i32) -> Result<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let stream = visible.mirror.stream_by_pin(device, pin).ok_or_else(Error::not_found)?;
        visible.stream(stream.id).cloned()
    }

    /// Look-up of the write path. Takes no principal: the caller compares the organization itself.
    pub fn stream_write_info(&self, id: StreamId) -> Option<StreamWriteInfo> {
        let mirror = self.core.mirror.read();
        let stream = mirror.streams().get(id)?;
        Some(StreamWriteInfo {
            org: stream.org,
            device: stream.spec.device,
            kind: stream.spec.kind,
            is_companion: stream.spec.name.starts_with(MARK) && Companion::of(&stream.spec).is_some(),
        })
    }

    /// Statistics windows of streams; streams that do not exist are left out. Takes no principal, because it does not
    /// reveal their owners.
    pub fn windows(&self, streams: impl IntoIterator<Item = StreamId>) -> HashMap<i32, Windows> {
        let mirror = self.core.mirror.read();
        let known = streams.into_iter().filter_map(|id| mirror.streams().get(id));
        known.map(|stream| (stream.id.0, stream.windows.clone())).collect()
    }

    /// Statistics windows of every stream.
    pub fn all_windows(&self) -> HashMap<i32, Windows> {
        self.core.mirror.read().streams().all().map(|s| (s.id.0, s.windows.clone())).collect()
    }

    /// The device of every stream.
    pub fn device_of_streams(&self) -> Vec<(i32, i32)> {
        self.core.mirror.read().streams().all().map(|s| (s.id.0, s.spec.device.0)).collect()
    }

    /// Whether each of some streams is of an organization, in the order of their ids; one that does not exist is of none. Takes
    /// no principal: it is for what the server does with rows itself.
    pub fn are_streams_of(&self, org: OrgId, streams: &[i32]) -> Vec<bool> {
        let mirror = self.core.mirror.read();
        let is_of_org =
            |id: &i32| mirror.streams().get(StreamId(*id)).is_some_and(|stream| stream.org == org);
        streams.iter().map(is_of_org).collect()
    }

    /// Ids of the visible streams, ascending: the ones that a query may show.
    pub fn visible_streams(&self, who: &Principal) -> Vec<StreamId> {
        self.core.visible_to(who).stream_ids()
    }
}

/// Checks a new stream; returns its device.
fn check_new(visible: &VisibleCatalog, spec: &StreamSpec) -> Result<Arc<Device>> {
    let mut problems = spec.problems();
    check_object(&mut problems, "metadata", &spec.metadata, None);
    let device = visible.referenced_device("device", spec.device, &mut problems);
    if let Some(device) = device {
        check_on(device, spec, &mut problems);
    }
    check_group(visible, spec, &mut problems);
    problems.extend(pin_problem(&visible.mirror, spec.device, spec.pin, None));
    Error::check(problems)?;
    // A principal with read-only access to the device would not see the new stream.
    let device = Arc::clone(visible.writable_device(spec.device)?);
    check_unique(visible, spec, None)?;
    Ok(device)
}

fn changed(
    visible: &VisibleCatalog,
    id: StreamId,
    change: impl FnOnce(&mut StreamSpec),
) -> Result<(Arc<Stream>, StreamSpec)> {
    let stream = visible.stream(id)?;
    let mut spec = stream.spec.clone();
    change(&mut spec);
    trim(&mut spec.name);
    let mut problems = spec.problems();
    check_object(&mut problems, "metadata", &spec.metadata, Some(&stream.spec.metadata));
    if spec.device != stream.spec.device {
        problems.push(FieldError::new("device", "This field may not be changed."));
    } else if let Some(device) = visible.mirror.devices.get(spec.device) {
        check_on(device, &spec, &mut problems);
    }
    check_group(visible, &spec, &mut problems);
    problems.extend(type_problem(&visible.mirror, stream, spec.kind));
    let device = stream.spec.device;
    spec.pin = spec.pin.or_else(|| default_pin(&visible.mirror, device, stream.channel, Some(&**stream)));
    problems.extend(pin_problem(&visible.mirror, device, spec.pin, Some(id)));
    Error::check(problems)?;
    check_unique(visible, &spec, Some(id))?;
    Ok((Arc::clone(stream), spec))
}

fn check_on(device: &Device, spec: &StreamSpec, problems: &mut Vec<FieldError>) {
    check_protocol(device.spec.protocol, spec, problems);
}

/// Checks the rules that depend on the device's protocol.
pub(super) fn check_protocol(protocol: Protocol, spec: &StreamSpec, problems: &mut Vec<FieldError>) {
    if !protocol.has_streams() {
        problems.push(FieldError::new("device", "Device protocol has no data streams."));
    } else if protocol.needs_path() && spec.path.trim().is_empty() {
        problems.push(FieldError::new("path", "This field is required."));
    }
}

/// The problem of another type of a stream, of whose values a rule or a model makes nothing: it would watch no more, and say
/// nothing.
pub(super) fn type_problem(mirror: &Mirror, stream: &Stream, kind: StreamKind) -> Option<FieldError> {
    let mut models = mirror.models();
    let has_model =
        models.any(|model| model.stream == stream.id || model.version.settings.sources.contains(&stream.id));
    if has_model && stream.spec.kind.is_numeric() && !kind.is_numeric() {
        let message = format!("A model reads or writes numbers here; {kind} holds none.");
        return Some(FieldError::new("type", message));
    }
    rule::type_problem(mirror, stream, kind)
}

fn check_group(visible: &VisibleCatalog, spec: &StreamSpec, problems: &mut Vec<FieldError>) {
    if let Some(group) = spec.group.filter(|group| visible.group(*group).is_err()) {
        problems.push(no_such_row("group", group));
    }
}

/// The problem of a pin that another stream of the device has.
pub(super) fn pin_problem(
    mirror: &Mirror,
    device: DeviceId,
    pin: Option<i32>,
    own: Option<StreamId>,
) -> Option<FieldError> {
    let other = mirror.stream_by_pin(device, pin?)?;
    (Some(other.id) != own).then(|| FieldError::new("pin", "This field must be unique."))
}

/// The pin of a stream that is given none: `None`, which is its channel, or where another stream has that pin, the
/// stored one or else the next free one. `stored` is the stream unless it is new.
pub(super) fn default_pin(
    mirror: &Mirror,
    device: DeviceId,
    channel: i32,
    stored: Option<&Stream>,
) -> Option<i32> {
    let own = stored.map(|stream| stream.id);
    let is_free = |pin: &i32| mirror.stream_by_pin(device, *pin).is_none_or(|other| Some(other.id) == own);
    if is_free(&channel) {
        return None;
    }
    stored.and_then(|stream| stream.spec.pin).or_else(|| (channel..i32::MAX).find(is_free))
}

/// Stores the highest channel that a stream of the device has had.
pub(super) async fn write_last_channel(
    db: &impl ConnectionTrait,
    device: DeviceId,
    channel: i32,
) -> Result<()> {
    use entity::device::{Column, Entity};
    let update = Entity::update_many().col_expr(Column::LastChannel, Expr::value(channel));
    update.filter(Column::Id.eq(device.0)).exec(db).await.map_err(unavailable)?;
    Ok(())
}

/// Checked last, as in DRF: names are compared only between rows that are otherwise valid.
fn check_unique(visible: &VisibleCatalog, spec: &StreamSpec, id: Option<StreamId>) -> Result<()> {
    match visible.mirror.streams().get_by_name(spec.device, &spec.name) {
        Some(other) if Some(other.id) != id => Err(name_taken()),
        _ => Ok(()),
    }
}

fn name_taken() -> Error {
    Error::field("non_field_errors", "The fields device, name must make a unique set.")
}

pub(super) fn into_stream(row: std::result::Result<entity::stream::Model, DbErr>) -> Result<Arc<Stream>> {
    Ok(Arc::new(row.map_err(|e| write_error(e, name_taken))?.try_into()?))
}

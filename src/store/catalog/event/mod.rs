//! The event log. It is read from the database: it grows without bound, so it is not mirrored in memory.

pub(super) mod acknowledgement;
pub(super) mod delivery;
pub(super) mod query;

use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use self::query::select;
use super::alert::lifecycle::note_closed;
use super::alert::lifecycle::{ClosedAlerts, read_by_uuid};
use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::mirror::Mirror;
use super::notifier::EventNotification;
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use super::{entity, no_such_row};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::event::{Event, EventFilter, EventSource, EventSpec};
use crate::domain::pagination::Pagination;
use crate::domain::subscription::EventAttributes;
use crate::domain::validation::check_object;
use crate::domain::{Error, EventId, FieldError, Principal, Result};
use tokio::sync::broadcast;

/// Maximum JSON size of the payloads read at once, unless a single one is longer: content fetched from an event's URL
/// can have megabytes. Parsed JSON takes up to sixteen times its text.
const MAX_PAGE_BYTES: i64 = 1 << 20;

/// Events and their deliveries.
pub struct EventCatalog {
    core: Arc<CatalogCore>,
    /// Rules whose open alert was closed by a change of its event.
    closed_alerts: ClosedAlerts,
}

impl EventCatalog {
    pub(super) fn new(core: Arc<CatalogCore>, closed_alerts: ClosedAlerts) -> Self {
        Self { core, closed_alerts }
    }

    /// Returns the first visible events that pass the filter, in its time order, ties by id ascending: as many as the
    /// page asks for, or fewer where their payloads are long. More may follow a non-empty result; none follow an
    /// empty one.
    pub async fn events(&self, who: &Principal, filter: &EventFilter) -> Result<Vec<Event>> {
        let Some(seen) = self.visible_events(who, filter) else { return Ok(Vec::new()) };
        let wanted = select(filter).filter(seen);
        let lengths = wanted.clone().select_only().expr_as(payload_bytes(), "bytes").into_tuple::<i64>();
        let lengths = lengths.all(&self.core.db).await.map_err(unavailable)?;
        if lengths.is_empty() {
            return Ok(Vec::new());
        }
        let rows = wanted.limit(count_within_page(&lengths)).all(&self.core.db).await.map_err(unavailable)?;
        let visible = self.core.visible_to(who);
        rows.into_iter().map(|row| Ok(visible.redact_event(row.try_into()?))).collect()
    }

    /// The visibility condition; `None` when nothing that passes the filter is visible.
    fn visible_events(&self, who: &Principal, filter: &EventFilter) -> Option<Condition> {
        let visible = self.core.visible_to(who);
        // Listing the events of a device or stream would reveal that they belong to it.
        let hides_device = filter.device.is_some_and(|device| visible.device(device).is_err());
        let hides_stream = filter.stream.is_some_and(|stream| visible.stream(stream).is_err());
        (!hides_device && !hides_stream).then(|| visible.events_condition())
    }

    /// Number of visible events that pass the filter, regardless of paging.
    pub async fn count_events(&self, who: &Principal, filter: &EventFilter) -> Result<u64> {
        let Some(seen) = self.visible_events(who, filter) else { return Ok(0) };
        let all = EventFilter { after: None, page: Pagination::ALL, ..filter.clone() };
        select(&all).filter(seen).count(&self.core.db).await.map_err(unavailable)
    }

    /// Returns an event; `NotFound` when it is absent or not visible.
    pub async fn event(&self, who: &Principal, id: EventId) -> Result<Event> {
        self.visible_event(who, read(&self.core.db, id).await?)
    }

    /// Returns an event by its UUID; `NotFound` when it is absent or not visible.
    pub async fn event_by_uuid(&self, who: &Principal, uuid: Uuid) -> Result<Event> {
        self.visible_event(who, read_by_uuid(&self.core.db, uuid).await?)
    }

    /// Returns what the principal sees of an event; `NotFound` when that is nothing.
    fn visible_event(&self, who: &Principal, event: Event) -> Result<Event> {
        let visible = self.core.visible_to(who);
        if !visible.sees_event(&event) {
            return Err(Error::hidden());
        }
        Ok(visible.redact_event(event))
    }

    /// Receives every future change of an event of the principal's organization; a subscriber that lags too far is
    /// told how many were lost.
    pub fn subscribe_event_changes(&self, who: &Principal) -> broadcast::Receiver<EventNotification> {
        self.core.notifier.subscribe_events(who.org)
    }

    /// Whether the changed event is visible to the principal.
    pub fn sees_event_notification(&self, who: &Principal, change: &EventNotification) -> bool {
        change.is_seen(&self.core.visible_to(who))
    }

    /// Creates an event that a person or program tells. `Forbidden` if its creator would not see it.
    pub async fn create_event(&self, who: &Principal, spec: EventSpec) -> Result<Event> {
        self.create_event_of(who, EventSource::User, spec).await
    }

    /// Creates an event of any source. `Forbidden` if its creator would not see it.
    pub async fn create_event_of(
        &self,
        who: &Principal,
        source: EventSource,
        spec: EventSpec,
    ) -> Result<Event> {
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let (id, uuid) = (EventId(0), Uuid::nil());
        let (org, acknowledged_at, acknowledged_by) = (who.org, None, None);
        let (alert, created_at) = (None, now);
        let mut event =
            Event { id, uuid, org, source, alert, spec, acknowledged_at, acknowledged_by, created_at };
        check(&transaction.visible_to(who), &event, None, PayloadSource::Owner)?;
        event.record_acknowledgement(false, &self.core.caller_name(who), now)?;
        let row = entity::event::new(who.org, source, event.spec.clone(), now);
        let row = entity::event::with_acknowledgement(row, &event);
        let audit = |event: &Event| AuditChange::new(Action::Create, "event-log", event.id.0);
        let apply = self.notify_after_commit(Action::Create, None);
        transaction.commit_change(who, async move |db| into_event(row.insert(&*db).await), audit, apply).await
    }

    /// Changes an event atomically.
    pub async fn update_event(
        &self,
        who: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
    ) -> Result<Event> {
        self.put_event(who, id, change, PayloadSource::Owner).await
    }

    /// Adds content that the server fetched to the payload of an event: its size is bounded separately.
    pub async fn add_fetched_to_event(
        &self,
        who: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
    ) -> Result<Event> {
        self.put_event(who, id, change, PayloadSource::Fetched).await
    }

    async fn put_event(
        &self,
        who: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
        payload: PayloadSource,
    ) -> Result<Event> {
        let transaction = self.core.begin_transaction().await?;
        let stored = read(&transaction.db, id).await?;
        let (before, was_acknowledged) = (EventAttributes::from(&stored.spec), stored.spec.acknowledged);
        let (mut event, fields) = changed(&transaction.visible_to(who), stored, change, payload)?;
        event.record_acknowledgement(was_acknowledged, &self.core.caller_name(who), self.core.clock.now())?;
        let row = entity::event::for_update(id, event.spec.clone());
        let row = entity::event::with_acknowledgement(row, &event);
        let audit = move |_: &Event| AuditChange::new(Action::Update, "event-log", id.0).with(fields);
        let apply = self.notify_after_commit(Action::Update, Some(before));
        let event = transaction
            .commit_change(who, async move |db| into_event(row.update(&*db).await), audit, apply)
            .await?;
        Ok(self.core.visible_to(who).redact_event(event))
    }

    /// Deletes an event; `NotFound` when it is absent or not visible.
    pub async fn delete_event(&self, who: &Principal, id: EventId) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let event = read(&transaction.db, id).await?;
        if !transaction.visible_to(who).sees_event(&event) {
            return Err(Error::hidden());
        }
        let delete = async move |db: DbTransaction| {
            entity::event::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "event-log", id.0);
        let (changes, closed) = (Arc::clone(&self.core.notifier), Arc::clone(&self.closed_alerts));
        let apply = move |_: &mut Mirror, (): &()| {
            note_closed(&closed, &event);
            changes.notify_event(Action::Delete, &event, None);
        };
        transaction.commit_change(who, delete, audit, apply).await
    }

    /// Notifies subscribers of the event once the change is committed.
    fn notify_after_commit(
        &self,
        action: Action,
        before: Option<EventAttributes>,
    ) -> impl FnOnce(&mut Mirror, &Event) + Send + use<> {
        let changes = Arc::clone(&self.core.notifier);
        move |_, event| changes.notify_event(action, event, before)
    }
}

/// Payload size in bytes, computed the same way by both databases.
fn payload_bytes() -> Expr {
    Expr::cust("CAST(octet_length(payload) AS BIGINT)")
}

/// How many of the first payloads are read at once; at least one.
fn count_within_page(lengths: &[i64]) -> u64 {
    let mut bytes = 0_i64;
    let fit = lengths.iter().take_while(|length| {
        bytes = bytes.saturating_add(**length);
        bytes <= MAX_PAGE_BYTES
    });
    fit.count().max(1) as u64
}

async fn read(db: &impl ConnectionTrait, id: EventId) -> Result<Event> {
    let row = entity::event::Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    row.ok_or_else(Error::not_found)?.try_into()
}

/// Origin of a changed event's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PayloadSource {
    /// Set by the event's owner.
    Owner,
    /// Contains what the server fetched from the event's URL.
    Fetched,
}

/// The changed event, and the names of the changed fields.
fn changed(
    visible: &VisibleCatalog,
    stored: Event,
    change: impl FnOnce(&mut EventSpec),
    payload: PayloadSource,
) -> Result<(Event, Vec<&'static str>)> {
    if !visible.sees_event(&stored) {
        return Err(Error::hidden());
    }
    let mut event = stored.clone();
    change(&mut event.spec);
    check(visible, &event, Some(&stored), payload)?;
    let fields = stored.spec.differences(&event.spec);
    Ok((event, fields))
}

/// Checks every rule of an event. References that it had before are not checked again: the caller may not see those
/// rows.
fn check(
    visible: &VisibleCatalog,
    event: &Event,
    stored: Option<&Event>,
    payload: PayloadSource,
) -> Result<()> {
    let spec = &event.spec;
    let mut problems: Vec<FieldError> = spec.problems();
    if payload == PayloadSource::Owner {
        let stored = stored.map(|stored| &stored.spec.payload);
        check_object(&mut problems, "payload", &spec.payload, stored);
    }
    let former = stored.map(|stored| (stored.spec.device, stored.spec.stream)).unwrap_or_default();
    if let Some(device) = spec.device.filter(|d| Some(*d) != former.0 && visible.device(*d).is_err()) {
        problems.push(no_such_row("device", device));
    }
    if let Some(stream) = spec.stream.filter(|s| Some(*s) != former.1 && visible.stream(*s).is_err()) {
        problems.push(no_such_row("data", stream));
    }
    Error::check(problems)?;
    if !visible.sees_event(event) {
        return Err(Error::forbidden("this key may only write events of its own devices or data"));
    }
    Ok(())
}

fn into_event(row: std::result::Result<entity::event::Model, DbErr>) -> Result<Event> {
    let no_name = || Error::conflict("the event exists already");
    row.map_err(|e| write_error(e, no_name))?.try_into()
}

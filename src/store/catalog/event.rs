//! The event log: read from the database, because it grows without bound and the mirror must not.

use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::database::{refused, unavailable};
use super::mirror::Mirror;
use super::sight::Sight;
use super::turn::Work;
use super::{Catalog, entity, no_such_row};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_object;
use crate::domain::event::{Event, EventFilter, EventSpec};
use crate::domain::live::EventMarks;
use crate::domain::page::Page;
use crate::domain::{Error, EventId, FieldError, Principal, Result};

/// Payloads read together, bytes of JSON, unless one alone is longer: what was found at an event's URL has megabytes.
/// What JSON says takes up to sixteen times its text.
const MAX_PAGE_BYTES: i64 = 1 << 20;

impl Catalog {
    /// The first of the events seen that pass the filter, by time as it says, ties by id ascending: as many as the page asks
    /// for, or fewer where their payloads are long. There may be more behind the last one; behind nothing there is none.
    pub async fn events(&self, who: &Principal, filter: &EventFilter) -> Result<Vec<Event>> {
        let Some(seen) = self.events_seen(who, filter) else { return Ok(Vec::new()) };
        let wanted = select(filter).filter(seen);
        let lengths = wanted.clone().select_only().expr_as(payload_bytes(), "bytes").into_tuple::<i64>();
        let lengths = lengths.all(&self.db).await.map_err(unavailable)?;
        if lengths.is_empty() {
            return Ok(Vec::new());
        }
        let rows = wanted.limit(fitting(&lengths)).all(&self.db).await.map_err(unavailable)?;
        let sight = self.sight(who);
        rows.into_iter().map(|row| Ok(sight.redacted(row.try_into()?))).collect()
    }

    /// The condition of being seen; none when nothing that passes the filter is.
    fn events_seen(&self, who: &Principal, filter: &EventFilter) -> Option<Condition> {
        let sight = self.sight(who);
        // To be told of events of a device or a stream is to be told that they are its.
        let hides_device = filter.device.is_some_and(|device| sight.device(device).is_err());
        let hides_stream = filter.stream.is_some_and(|stream| sight.stream(stream).is_err());
        (!hides_device && !hides_stream).then(|| sight.events_seen())
    }

    /// How many events seen pass the filter, whatever page it names.
    pub async fn count_events(&self, who: &Principal, filter: &EventFilter) -> Result<u64> {
        let Some(seen) = self.events_seen(who, filter) else { return Ok(0) };
        let all = EventFilter { after: None, page: Page::ALL, ..filter.clone() };
        select(&all).filter(seen).count(&self.db).await.map_err(unavailable)
    }

    /// `NotFound` when the event is absent or not seen.
    pub async fn event(&self, who: &Principal, id: EventId) -> Result<Event> {
        let event = read(&self.db, id).await?;
        let sight = self.sight(who);
        if !sight.sees_event(&event) {
            return Err(Error::hidden());
        }
        Ok(sight.redacted(event))
    }

    /// `Forbidden` for an event that its maker would not see.
    pub async fn create_event(&self, who: &Principal, spec: EventSpec) -> Result<Event> {
        let turn = self.turn().await?;
        let now = self.clock.now();
        let event = Event { id: EventId(0), org: who.org, spec, created_at: now };
        check(&turn.sight(who), &event, None, Payload::Given)?;
        let row = entity::event::new(who.org, event.spec, now);
        let told = |event: &Event| Change::new(Action::Create, "event-log", event.id.0);
        let apply = self.telling(Action::Create, None);
        turn.change(who, async move |db| write(row.insert(&*db).await), told, apply).await
    }

    /// Reads, changes and writes as one step.
    pub async fn update_event(
        &self,
        who: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
    ) -> Result<Event> {
        self.put_event(who, id, change, Payload::Given).await
    }

    /// The same for what the server found itself and puts into the payload: that has a bound of its own.
    pub async fn keep_in_event(
        &self,
        who: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
    ) -> Result<Event> {
        self.put_event(who, id, change, Payload::Found).await
    }

    async fn put_event(
        &self,
        who: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
        payload: Payload,
    ) -> Result<Event> {
        let turn = self.turn().await?;
        let stored = read(&turn.db, id).await?;
        let before = EventMarks::from(&stored.spec);
        let (event, fields) = changed(&turn.sight(who), stored, change, payload)?;
        let row = entity::event::changed(id, event.spec);
        let told = move |_: &Event| Change::new(Action::Update, "event-log", id.0).with(fields);
        let apply = self.telling(Action::Update, Some(before));
        let event = turn.change(who, async move |db| write(row.update(&*db).await), told, apply).await?;
        Ok(self.sight(who).redacted(event))
    }

    pub async fn delete_event(&self, who: &Principal, id: EventId) -> Result<()> {
        let turn = self.turn().await?;
        let event = read(&turn.db, id).await?;
        if !turn.sight(who).sees_event(&event) {
            return Err(Error::hidden());
        }
        let delete = async move |db: Work| {
            entity::event::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let told = move |(): &()| Change::new(Action::Delete, "event-log", id.0);
        let changes = Arc::clone(&self.changes);
        let apply = move |_: &mut Mirror, (): &()| changes.tell_event(Action::Delete, &event, None);
        turn.change(who, delete, told, apply).await
    }

    /// Tells followers of the event, once the change is made.
    fn telling(
        &self,
        action: Action,
        before: Option<EventMarks>,
    ) -> impl FnOnce(&mut Mirror, &Event) + Send + use<> {
        let changes = Arc::clone(&self.changes);
        move |_, event| changes.tell_event(action, event, before)
    }
}

/// As both databases count them.
fn payload_bytes() -> Expr {
    Expr::cust("CAST(octet_length(payload) AS BIGINT)")
}

/// How many of the first payloads are read together; at least one.
fn fitting(lengths: &[i64]) -> u64 {
    let mut bytes = 0_i64;
    let fit = lengths.iter().take_while(|length| {
        bytes = bytes.saturating_add(**length);
        bytes <= MAX_PAGE_BYTES
    });
    fit.count().max(1) as u64
}

fn select(filter: &EventFilter) -> sea_orm::Select<entity::event::Entity> {
    use entity::event::Column;
    let mut events = entity::event::Entity::find();
    if let Some(device) = filter.device {
        events = events.filter(Column::DeviceId.eq(device.0));
    }
    if let Some(stream) = filter.stream {
        events = events.filter(Column::StreamId.eq(stream.0));
    }
    if let Some(level) = filter.level {
        events = events.filter(Column::Level.eq(level.name()));
    }
    if let Some(kinds) = &filter.kinds {
        // PostgreSQL refuses text with a null character, which no stored kind has.
        let kinds = kinds.iter().filter(|kind| !kind.contains('\0'));
        events = events.filter(Column::Kind.is_in(kinds.map(String::as_str)));
    }
    if let Some(from) = filter.from {
        events = events.filter(Column::Ts.gte(from.0));
    }
    if let Some(to) = filter.to {
        events = events.filter(Column::Ts.lte(to.0));
    }
    if let Some((ts, id)) = filter.after {
        let same = Condition::all().add(Column::Ts.eq(ts.0)).add(Column::Id.gt(id.0));
        let past = if filter.newest_first { Column::Ts.lt(ts.0) } else { Column::Ts.gt(ts.0) };
        events = events.filter(Condition::any().add(past).add(same));
    }
    let order = if filter.newest_first { Order::Desc } else { Order::Asc };
    let sql_int = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).min(i64::MAX as u64);
    events
        .order_by(Column::Ts, order)
        .order_by_asc(Column::Id)
        .offset(sql_int(filter.page.offset))
        .limit(sql_int(filter.page.limit))
}

async fn read(db: &impl ConnectionTrait, id: EventId) -> Result<Event> {
    let row = entity::event::Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    row.ok_or_else(Error::not_found)?.try_into()
}

/// Whose the payload of a changed event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// Its owner's.
    Given,
    /// What the server found at the event's URL is among it.
    Found,
}

/// The event as it will be, and the names of the fields that change.
fn changed(
    sight: &Sight,
    stored: Event,
    change: impl FnOnce(&mut EventSpec),
    payload: Payload,
) -> Result<(Event, Vec<&'static str>)> {
    if !sight.sees_event(&stored) {
        return Err(Error::hidden());
    }
    let mut event = stored.clone();
    change(&mut event.spec);
    check(sight, &event, Some(&stored), payload)?;
    let fields = stored.spec.differences(&event.spec);
    Ok((event, fields))
}

/// Every rule of an event. Rows that it named before are not asked for again: the caller may not see them.
fn check(sight: &Sight, event: &Event, stored: Option<&Event>, payload: Payload) -> Result<()> {
    let spec = &event.spec;
    let mut problems: Vec<FieldError> = spec.problems();
    if payload == Payload::Given {
        let stored = stored.map(|stored| &stored.spec.payload);
        check_object(&mut problems, "payload", &spec.payload, stored);
    }
    let former = stored.map(|stored| (stored.spec.device, stored.spec.stream)).unwrap_or_default();
    if let Some(device) = spec.device.filter(|d| Some(*d) != former.0 && sight.device(*d).is_err()) {
        problems.push(no_such_row("device", device));
    }
    if let Some(stream) = spec.stream.filter(|s| Some(*s) != former.1 && sight.stream(*s).is_err()) {
        problems.push(no_such_row("data", stream));
    }
    Error::check(problems)?;
    if !sight.sees_event(event) {
        return Err(Error::forbidden("this key may only write events of its own devices or data"));
    }
    Ok(())
}

fn write(row: std::result::Result<entity::event::Model, DbErr>) -> Result<Event> {
    let no_name = || Error::conflict("the event exists already");
    row.map_err(|e| refused(e, no_name))?.try_into()
}

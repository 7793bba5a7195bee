//! Acknowledging many events at once. Their payloads, which can be long, are not read.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Iterable, QueryFilter, QuerySelect};

use super::EventCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::event::Event;
use crate::domain::subscription::EventAttributes;
use crate::domain::{Error, EventId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::event::{Column, Entity, Model, for_acknowledgement};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::no_such_row;
use crate::store::catalog::transaction::DbTransaction;

impl EventCatalog {
    /// Acknowledges events in the name of the principal, all or none, with a note if one is given. Returns those that
    /// were not acknowledged before, by id; all others stay as they are.
    ///
    /// # Errors
    /// `Invalid` naming each event that is absent or not visible, in the field `ids`.
    pub async fn acknowledge_events(
        &self,
        who: &Principal,
        ids: &[EventId],
        note: Option<String>,
    ) -> Result<Vec<EventId>> {
        let transaction = self.core.begin_transaction().await?;
        let mut events = read_without_payload(&transaction.db, ids).await?;
        {
            let visible = transaction.visible_to(who);
            events.retain(|event| visible.sees_event(event));
        }
        let is_missing = |id: &&EventId| events.iter().all(|event| event.id != **id);
        Error::check(ids.iter().filter(is_missing).map(|id| no_such_row("ids", id)).collect())?;
        events.retain(|event| !event.spec.acknowledged);
        let fields: Vec<&'static str> =
            ["acknowledged"].into_iter().chain(note.is_some().then_some("note")).collect();
        let (name, now) = (self.core.caller_name(who), self.core.clock.now());
        for event in &mut events {
            event.spec.acknowledged = true;
            if note.is_some() {
                event.spec.note.clone_from(&note);
            }
            event.record_acknowledgement(false, &name, now)?;
        }
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let work = async move |db: DbTransaction| {
            for event in &events {
                let row = Entity::update_many().set(for_acknowledgement(event));
                row.filter(Column::Id.eq(event.id.0)).exec(&*db).await.map_err(unavailable)?;
            }
            Ok(events)
        };
        let audit = move |events: &Vec<Event>| {
            let change = |event: &Event| AuditChange::new(Action::Update, "event-log", event.id.0);
            events.iter().map(|event| change(event).with(fields.clone())).collect()
        };
        let changes = self.core.notifier.clone();
        let apply = move |_: &mut Mirror, events: &Vec<Event>| {
            for event in events {
                // What events are subscribed by does not change here.
                changes.notify_event(Action::Update, event, Some(EventAttributes::from(&event.spec)));
            }
        };
        let events = transaction.commit_changes(who, work, audit, apply).await?;
        Ok(events.iter().map(|event| event.id).collect())
    }
}

/// Returns the events that exist, by id, with empty payloads.
async fn read_without_payload(db: &impl ConnectionTrait, ids: &[EventId]) -> Result<Vec<Event>> {
    let columns = Column::iter().filter(|column| !matches!(column, Column::Payload));
    let wanted = Entity::find().select_only().columns(columns).expr_as(Expr::val("{}"), "payload");
    let wanted = wanted.filter(Column::Id.is_in(ids.iter().map(|id| id.0)));
    let rows = sea_orm::QueryOrder::order_by_asc(wanted, Column::Id).into_model::<Model>().all(db).await;
    rows.map_err(unavailable)?.into_iter().map(Event::try_from).collect()
}

//! Alerts as people see and change them. They are events, and are seen as these are.

use std::sync::Arc;

use parking_lot::Mutex;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::AlertCatalog;
use super::notification::insert_resolutions;
use crate::domain::alert::{AlertActor, AlertStep};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::event::Event;
use crate::domain::subscription::EventAttributes;
use crate::domain::{AlertRuleId, Error, OrgId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

/// Rules of which an alert was changed or deleted, and whose evaluation has not looked at that yet.
pub(in crate::store::catalog) type ClosedAlerts = Arc<Mutex<Vec<(OrgId, AlertRuleId)>>>;

impl AlertCatalog {
    /// Takes a step with an alert, atomically. One that was taken already changes nothing.
    ///
    /// # Errors
    /// `NotFound`, also for an event that is no alert; `Conflict` when the alert is resolved and is to be acknowledged.
    pub async fn step_alert(
        &self,
        who: &Principal,
        uuid: Uuid,
        step: AlertStep,
        actor: AlertActor,
    ) -> Result<Event> {
        let transaction = self.core.begin_transaction().await?;
        let mut event = read_by_uuid(&transaction.db, uuid).await?;
        if !transaction.visible_to(who).sees_event(&event) {
            return Err(Error::hidden());
        }
        let before = EventAttributes::from(&event.spec);
        let Some(alert) = event.alert.as_mut() else { return Err(Error::not_found()) };
        let next = alert.lifecycle.after(step, &actor)?;
        if next == alert.lifecycle {
            return Ok(self.core.visible_to(who).redact_event(event));
        }
        alert.lifecycle = next;
        let alert = alert.clone();
        event.follow_alert();
        let row = entity::event::for_update(event.id, event.spec.clone());
        let row = entity::event::with_lifecycle(row, &alert);
        let (id, now) = (event.id, self.core.clock.now());
        let work = async move |db: DbTransaction| {
            row.update(&*db).await.map_err(unavailable)?;
            if step == AlertStep::Resolve {
                insert_resolutions(&*db, &event, now).await?;
            }
            Ok(event)
        };
        let audit = move |_: &Event| AuditChange::new(Action::Update, "event-log", id.0).with(vec!["status"]);
        let (changes, closed) = (Arc::clone(&self.core.notifier), Arc::clone(&self.closed_alerts));
        let apply = move |_: &mut Mirror, event: &Event| {
            note_closed(&closed, event);
            changes.notify_event(Action::Update, event, Some(before));
        };
        let event = transaction.commit_change(who, work, audit, apply).await?;
        Ok(self.core.visible_to(who).redact_event(event))
    }
}

/// Tells the evaluation of rules that the alert of an event may not be open any more: it was resolved or deleted.
pub(in crate::store::catalog) fn note_closed(closed: &ClosedAlerts, event: &Event) {
    if let Some(rule) = event.alert.as_ref().and_then(|alert| alert.rule) {
        closed.lock().push((event.org, rule));
    }
}

pub(in crate::store::catalog) async fn read_by_uuid(db: &impl ConnectionTrait, uuid: Uuid) -> Result<Event> {
    let found = entity::event::Entity::find().filter(entity::event::Column::Uuid.eq(uuid));
    let row = found.one(db).await.map_err(unavailable)?;
    row.ok_or_else(Error::not_found)?.try_into()
}

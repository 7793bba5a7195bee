//! Alerts: listed, acknowledged and resolved.

use uuid::Uuid;

use crate::app::alert::AlertService;
use crate::domain::alert::{Alert, AlertActor, AlertDetails, AlertStep, Severity};
use crate::domain::document::rules::{MAX_TEXT, check_optional};
use crate::domain::event::{Event, EventFilter};
use crate::domain::{Error, EventId, FieldError, Principal, Resource, Result, Scope};
use crate::store::catalog::Catalog;

/// Alerts and the number of all that pass the filter.
pub type AlertPage = (Vec<Alert>, usize);

impl AlertService {
    /// Returns a page of the alerts that the principal sees.
    pub async fn alerts(&self, principal: &Principal, filter: EventFilter) -> Result<AlertPage> {
        let filter = EventFilter { is_alert: true, ..filter };
        let (events, total) = self.events.event_page(principal, filter).await?;
        let alerts = events.into_iter().map(|event| shown_alert(self.store.catalog(), principal, event));
        Ok((alerts.collect::<Result<_>>()?, total))
    }

    /// Returns an alert; `NotFound` also for an event that is none.
    pub async fn alert(&self, principal: &Principal, uuid: Uuid) -> Result<Alert> {
        principal.require(Scope::read(Resource::EventLog))?;
        let event = self.store.catalog().events.event_by_uuid(principal, uuid).await?;
        shown_alert(self.store.catalog(), principal, event)
    }

    /// Returns the alert for a principal that may change it.
    pub async fn alert_to_change(&self, principal: &Principal, uuid: Uuid) -> Result<Alert> {
        principal.require(Scope::write(Resource::EventLog))?;
        self.alert(principal, uuid).await
    }

    /// Returns the problems of a note that goes with a step.
    pub fn alert_note_problems(&self, note: Option<&str>) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_optional(&mut found, "note", note.unwrap_or_default(), MAX_TEXT);
        found
    }

    /// Acknowledges or resolves an alert in the name of `actor`. A repeat changes nothing.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a note that is too long; `Conflict` when a resolved alert is to be acknowledged.
    pub async fn step_alert(
        &self,
        principal: &Principal,
        uuid: Uuid,
        step: AlertStep,
        (actor, note): (String, Option<String>),
    ) -> Result<Alert> {
        principal.require(Scope::write(Resource::EventLog))?;
        Error::check(self.alert_note_problems(note.as_deref()))?;
        let actor = AlertActor { name: actor, at: self.clock.now(), note };
        let event = self.store.catalog().alerts.step_alert(principal, uuid, step, actor).await?;
        shown_alert(self.store.catalog(), principal, event)
    }
}

impl AlertService {
    /// Resolves the alert of an event in the name of the principal. A repeat changes nothing.
    ///
    /// # Errors
    /// `NotFound`, also for an event that is no alert; `Invalid` for a note that is too long.
    pub async fn resolve_alert_of_event(
        &self,
        principal: &Principal,
        id: EventId,
        note: Option<String>,
    ) -> Result<Event> {
        let event = self.events.event_to_change(principal, id).await?;
        let actor = self.store.catalog().users.caller_name(principal);
        self.step_alert(principal, event.uuid, AlertStep::Resolve, (actor, note)).await?;
        self.events.event(principal, id).await
    }
}

/// The alert of an event, with the ids that it is shown with; `NotFound` for an event that is none.
pub(in crate::app) fn shown_alert(catalog: &Catalog, principal: &Principal, event: Event) -> Result<Alert> {
    let AlertDetails { rule, rule_name, value, lifecycle } = event.alert.ok_or_else(Error::not_found)?;
    let rule = rule.and_then(|id| catalog.alerts.alert_rule_by_id(principal, id).ok());
    let sensor = event.spec.stream.and_then(|id| catalog.streams.stream(principal, id).ok());
    let device = event.spec.device.and_then(|id| catalog.devices.device(principal, id).ok());
    Ok(Alert {
        id: event.uuid,
        event: event.id,
        org: event.org,
        rule: rule.map(|rule| rule.uuid),
        rule_name,
        sensor: sensor.map(|stream| stream.uuid),
        device: device.map(|device| device.aliases.uuid),
        severity: Severity::from(event.spec.level),
        message: event.spec.message,
        value,
        triggered_at: event.spec.ts,
        lifecycle,
        created_at: event.created_at,
    })
}

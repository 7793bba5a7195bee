//! The fields of an event, and of the request that processes it.

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence::{Optional, Required};
use crate::app::event::Events;
use crate::app::event::{ProcessOutcome, ProcessRequest, acknowledgement_problems};
use crate::domain::event::{Event, EventSpec};
use crate::domain::{DeviceId, EventId, Principal, Result, StreamId};

/// Reads every field of an event.
fn read_event(fields: &mut FieldReader, spec: &mut EventSpec) {
    // All fields by name: one that is missing here does not compile.
    let EventSpec { device, stream, kind, level, ts, message, url, payload, acknowledged, note } = spec;
    fields.row_or_null("device", DeviceId, device);
    fields.row_or_null("data", StreamId, stream);
    fields.read("kind", Required, ANY_LENGTH, kind);
    fields.read("level", Optional, (), level);
    if let Some(input) = fields.timestamp("timestamp") {
        *ts = input;
    }
    fields.read("message", Optional, ANY_LENGTH, message);
    fields.read("url", Optional, ANY_LENGTH, url);
    fields.read("payload", Optional, (), payload);
    fields.read("acknowledged", Optional, (), acknowledged);
    fields.text_or_null("note", note);
}

impl Events {
    /// Creates an event; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn create_event_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Event> {
        let mut spec = self.blank_event();
        read_event(&mut fields, &mut spec);
        fields.finish(self.event_problems(principal, &spec))?;
        self.create_event(principal, spec).await
    }

    /// Changes the given fields of an event. A whole row replaces it: absent fields get their defaults, but the
    /// acknowledgement and the note stay unless given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Events::update_event`].
    pub async fn update_event_from_fields(
        &self,
        principal: &Principal,
        id: EventId,
        given: FieldReader,
    ) -> Result<Event> {
        let current = self.event_to_change(principal, id).await?;
        let mut fields = given.clone();
        let mut changed = if given.is_whole() { self.blank_event() } else { current.spec };
        read_event(&mut fields, &mut changed);
        fields.finish(self.event_problems(principal, &changed))?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        let change = move |stored: &mut EventSpec| {
            read_event(&mut given.clone(), stored);
            if given.is_whole() {
                let (acknowledged, note) = (stored.acknowledged, stored.note.take());
                *stored = EventSpec { acknowledged, note, ..changed };
            }
        };
        self.update_event(principal, id, change).await
    }

    /// Acknowledges the events of `ids`, with `note` if it is given. Returns those that were not acknowledged before.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Events::acknowledge_events`].
    pub async fn acknowledge_events_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Vec<EventId>> {
        let ids = fields.rows("ids", EventId);
        if ids.is_none() && fields.is_sound("ids") {
            fields.add_error("ids", "This field is required.");
        }
        let (mut ids, mut note) = (ids.unwrap_or_default(), None);
        fields.text_or_null("note", &mut note);
        ids.sort_unstable();
        ids.dedup();
        fields.finish(acknowledgement_problems(&ids, note.as_deref()))?;
        self.acknowledge_events(principal, &ids, note).await
    }

    /// Fetches the URL of an event and extracts what the fields select.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Events::process_event`].
    pub async fn process_event_from_fields(
        &self,
        principal: &Principal,
        id: EventId,
        mut fields: FieldReader,
    ) -> Result<(Event, ProcessOutcome)> {
        let event = self.event_to_change(principal, id).await?;
        let mut request = ProcessRequest::default();
        fields.text_or_null("selector", &mut request.selector);
        fields.text_or_null("attr", &mut request.attr);
        fields.finish(self.process_problems(&event, &request))?;
        self.process_event(principal, id, request).await
    }
}

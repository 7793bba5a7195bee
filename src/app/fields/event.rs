//! The fields of an event, and of the request that processes it.

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence::{Optional, Required};
use crate::app::App;
use crate::app::event::{ProcessOutcome, ProcessRequest};
use crate::domain::event::{Event, EventSpec};
use crate::domain::{DeviceId, EventId, Principal, Result, StreamId};

/// Reads every field of an event except the acknowledgement, which only GraphQL has.
fn read_event(fields: &mut FieldReader, spec: &mut EventSpec) {
    // All fields by name: one that is missing here does not compile.
    let EventSpec { device, stream, kind, level, ts, message, url, payload, acknowledged: _ } = spec;
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
}

impl App {
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

    /// Replaces an event; absent fields get their defaults. The acknowledgement stays.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise as [`App::update_event`].
    pub async fn replace_event_from_fields(
        &self,
        principal: &Principal,
        id: EventId,
        mut fields: FieldReader,
    ) -> Result<Event> {
        let mut spec = self.blank_event();
        read_event(&mut fields, &mut spec);
        fields.finish(self.event_problems(principal, &spec))?;
        let put = |stored: &mut EventSpec| {
            let acknowledged = stored.acknowledged;
            *stored = EventSpec { acknowledged, ..spec };
        };
        self.update_event(principal, id, put).await
    }

    /// Changes the given fields of an event, and its acknowledgement if given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn update_event_from_fields(
        &self,
        principal: &Principal,
        id: EventId,
        patch: FieldReader,
        acknowledged: Option<bool>,
    ) -> Result<Event> {
        let current = self.event_to_change(principal, id).await?;
        let (mut fields, mut changed) = (patch.clone(), current.spec);
        read_event(&mut fields, &mut changed);
        fields.finish(self.event_problems(principal, &changed))?;
        // Merged again onto the row stored by then: concurrent updates of different fields must both last.
        let merge = move |stored: &mut EventSpec| {
            read_event(&mut patch.clone(), stored);
            stored.acknowledged = acknowledged.unwrap_or(stored.acknowledged);
        };
        self.update_event(principal, id, merge).await
    }

    /// Fetches the URL of an event and extracts what the fields select.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise as [`App::process_event`].
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

//! Events as the MK platform shows them: by UUID, with their source and the lifecycle of alerts.

use uuid::Uuid;

use crate::app::event::Events;
use crate::domain::document::rules::{MAX_NAME, check_required};
use crate::domain::event::{Event, EventFilter, EventSource, EventSpec};
use crate::domain::pagination::Pagination;
use crate::domain::validation::{MAX_OBJECT_BYTES, json_bytes};
use crate::domain::{FieldError, Principal, Resource, Result, Scope};

/// An event with the ids that it is shown with.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownEvent {
    pub event: Event,
    /// UUID of the device.
    pub device: Option<Uuid>,
    /// UUID of the stream.
    pub sensor: Option<Uuid>,
}

/// Returns the problems of an event that is to be created, with the platform's names of its fields.
pub fn new_event_problems(spec: &EventSpec) -> Vec<FieldError> {
    let mut found = Vec::new();
    if spec.kind.trim().is_empty() {
        found.push(FieldError::new("type", "must not be blank"));
    } else if !is_event_type(&spec.kind) {
        found.push(FieldError::new("type", "must match ^[A-Za-z0-9_-]{1,32}$"));
    }
    check_required(&mut found, "title", &spec.message, MAX_NAME);
    let bytes = json_bytes(&spec.payload);
    if bytes > MAX_OBJECT_BYTES {
        let message = format!("must have at most {MAX_OBJECT_BYTES} bytes of JSON (it has {bytes})");
        found.push(FieldError::new("payload", message));
    }
    found
}

fn is_event_type(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    text.len() <= 32 && text.bytes().all(is_plain)
}

impl Events {
    /// Returns a whole page of the events that the principal sees, and the number of all that pass the filter.
    pub async fn event_page(
        &self,
        principal: &Principal,
        filter: EventFilter,
    ) -> Result<(Vec<Event>, usize)> {
        principal.require(Scope::read(Resource::EventLog))?;
        let catalog = self.store.catalog();
        let total = catalog.events.count_events(principal, &filter).await?;
        let Pagination { offset, limit } = filter.page;
        let mut found = Vec::new();
        while found.len() < limit {
            // Fewer events than asked for come where their payloads are long.
            let page = Pagination { offset: offset.saturating_add(found.len()), limit: limit - found.len() };
            let more = catalog.events.events(principal, &EventFilter { page, ..filter.clone() }).await?;
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
        Ok((found, usize::try_from(total).unwrap_or(usize::MAX)))
    }

    /// Returns a page of events as the platform shows them.
    pub async fn shown_events(
        &self,
        principal: &Principal,
        filter: EventFilter,
    ) -> Result<(Vec<ShownEvent>, usize)> {
        let (events, total) = self.event_page(principal, filter).await?;
        Ok((events.into_iter().map(|event| self.shown_event_of(principal, event)).collect(), total))
    }

    /// Returns an event by its UUID.
    pub async fn shown_event(&self, principal: &Principal, uuid: Uuid) -> Result<ShownEvent> {
        principal.require(Scope::read(Resource::EventLog))?;
        let event = self.store.catalog().events.event_by_uuid(principal, uuid).await?;
        Ok(self.shown_event_of(principal, event))
    }

    /// Requires a principal that may create events.
    pub fn check_may_create_events(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::EventLog))
    }

    /// Creates an event that a person or a device tells.
    pub async fn create_shown_event(
        &self,
        principal: &Principal,
        source: EventSource,
        spec: EventSpec,
    ) -> Result<ShownEvent> {
        self.check_may_create_events(principal)?;
        let event = self.store.catalog().events.create_event_of(principal, source, spec).await?;
        Ok(self.shown_event_of(principal, event))
    }

    fn shown_event_of(&self, principal: &Principal, event: Event) -> ShownEvent {
        let catalog = self.store.catalog();
        let device = event.spec.device.and_then(|id| catalog.devices.device(principal, id).ok());
        let sensor = event.spec.stream.and_then(|id| catalog.streams.stream(principal, id).ok());
        let device = device.map(|device| device.aliases.uuid);
        ShownEvent { device, sensor: sensor.map(|stream| stream.uuid), event }
    }
}

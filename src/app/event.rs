//! Event log: reading and changing events, and fetching the URL of an event.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::{Map, Value, json};

use super::core_parts::CoreParts;
use super::stream::no_such_row;
use crate::domain::event::{Event, EventFilter, EventSpec, Level, MAX_ACKNOWLEDGED, check_note};
use crate::domain::pagination::Pagination;
use crate::domain::{Clock, Error, EventId, FieldError, Principal, Resource, Result, Scope};
use crate::fetch::FetchOutput;
use crate::fetch::Fetcher;
use crate::fetch::css_select::ElementQuery;
use crate::store::Store;

/// Events per catalog read; fewer where they are large.
const PAGE: usize = 128;

/// Payload key under which an event keeps the result of the last fetch.
const PROCESSED: &str = "processed";

/// Part to extract of an event's URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessRequest {
    /// CSS selector; without one, the whole text is returned.
    pub selector: Option<String>,
    /// With a selector: the attribute to return of each match; without one, its text.
    pub attr: Option<String>,
}

impl ProcessRequest {
    fn wanted(&self) -> Option<ElementQuery> {
        Some(ElementQuery { selector: self.selector.clone()?, attr: self.attr.clone() })
    }
}

/// The result of fetching an event's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessOutcome {
    pub url: String,
    pub request: ProcessRequest,
    pub found: FetchOutput,
}

impl ProcessOutcome {
    /// Returns the result as the event stores it.
    pub fn to_map(&self, id: EventId) -> Map<String, Value> {
        let fields = [
            ("id", json!(id.0)),
            ("url", json!(self.url)),
            ("status", json!(self.found.status)),
            ("content_type", json!(self.found.content_type)),
            ("selector", json!(self.request.selector)),
            ("attr", json!(self.request.attr)),
            ("results", json!(self.found.results)),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}

/// Events in order, in batches; an error ends the stream.
pub type EventBatchStream = BoxStream<'static, Result<Vec<Event>>>;

/// The event log.
pub struct Events {
    pub(super) store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// Fetches the URLs of events.
    fetcher: Arc<Fetcher>,
}

impl Events {
    pub(super) fn new(parts: &CoreParts, fetcher: Arc<Fetcher>) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), fetcher }
    }

    /// Returns the events that the principal sees and that pass the filter.
    pub fn events(&self, principal: &Principal, filter: EventFilter) -> Result<EventBatchStream> {
        principal.require(Scope::read(Resource::EventLog))?;
        let (store, principal) = (self.store.clone(), principal.clone());
        let left = filter.page.limit;
        let page = Pagination { offset: filter.page.offset, limit: left.min(PAGE) };
        let first = EventFilter { page, ..filter };
        let pages = stream::try_unfold(Some((first, left)), move |state| {
            let (store, principal) = (store.clone(), principal.clone());
            async move {
                let Some((filter, left)) = state else { return Ok(None) };
                let found = store.catalog().events.events(&principal, &filter).await?;
                let next = next_page(filter, &found, left);
                Ok(Some((found, next)))
            }
        });
        Ok(pages.boxed())
    }

    /// Returns how many events the principal sees that pass the filter, ignoring its page.
    pub async fn count_events(&self, principal: &Principal, filter: &EventFilter) -> Result<u64> {
        principal.require(Scope::read(Resource::EventLog))?;
        self.store.catalog().events.count_events(principal, filter).await
    }

    /// Returns an event; `NotFound` when it is absent or not visible.
    pub async fn event(&self, principal: &Principal, id: EventId) -> Result<Event> {
        principal.require(Scope::read(Resource::EventLog))?;
        self.store.catalog().events.event(principal, id).await
    }

    /// Returns the event for a principal that may change it.
    pub async fn event_to_change(&self, principal: &Principal, id: EventId) -> Result<Event> {
        principal.require(Scope::write(Resource::EventLog))?;
        self.store.catalog().events.event(principal, id).await
    }

    /// Returns an event of now with every field at its default and an empty kind.
    pub fn blank_event(&self) -> EventSpec {
        EventSpec {
            device: None,
            stream: None,
            kind: String::new(),
            level: Level::default(),
            ts: self.clock.now(),
            message: String::new(),
            url: String::new(),
            payload: Map::new(),
            acknowledged: false,
            note: None,
        }
    }

    /// Returns every problem of an event as it would be stored.
    pub fn event_problems(&self, principal: &Principal, spec: &EventSpec) -> Vec<FieldError> {
        let catalog = self.store.catalog();
        let mut found = spec.problems();
        let device = spec.device.filter(|id| catalog.devices.device(principal, *id).is_err());
        found.extend(device.map(|id| no_such_row("device", id)));
        let stream = spec.stream.filter(|id| catalog.streams.stream(principal, *id).is_err());
        found.extend(stream.map(|id| no_such_row("data", id)));
        found
    }

    /// Creates an event; `Forbidden` for one that the principal would not see.
    pub async fn create_event(&self, principal: &Principal, spec: EventSpec) -> Result<Event> {
        principal.require(Scope::write(Resource::EventLog))?;
        self.store.catalog().events.create_event(principal, spec).await
    }

    /// Changes an event as it is stored at that moment.
    pub async fn update_event(
        &self,
        principal: &Principal,
        id: EventId,
        change: impl FnOnce(&mut EventSpec) + Send,
    ) -> Result<Event> {
        principal.require(Scope::write(Resource::EventLog))?;
        self.store.catalog().events.update_event(principal, id, change).await
    }

    /// Acknowledges at most [`MAX_ACKNOWLEDGED`] events, all or none, with a note if one is given. Returns those that were
    /// not acknowledged before; all others stay as they are.
    ///
    /// # Errors
    /// `Invalid` for none or too many events, for one that is not visible, and for a note that is too long.
    pub async fn acknowledge_events(
        &self,
        principal: &Principal,
        ids: &[EventId],
        note: Option<String>,
    ) -> Result<Vec<EventId>> {
        principal.require(Scope::write(Resource::EventLog))?;
        Error::check(acknowledgement_problems(ids, note.as_deref()))?;
        self.store.catalog().events.acknowledge_events(principal, ids, note).await
    }

    /// Deletes an event of the log for good; `NotFound` when it is absent or not visible.
    pub async fn delete_event(&self, principal: &Principal, id: EventId) -> Result<()> {
        principal.require(Scope::write(Resource::EventLog))?;
        self.store.catalog().events.delete_event(principal, id).await
    }

    /// Returns the problems that make processing an event impossible before anything is fetched.
    pub fn process_problems(&self, event: &Event, request: &ProcessRequest) -> Vec<FieldError> {
        let no_url = || FieldError::new("url", "This event log has no URL.");
        let mut found: Vec<FieldError> = event.spec.url.is_empty().then(no_url).into_iter().collect();
        found.extend(request.wanted().iter().flat_map(ElementQuery::problems));
        found
    }

    /// Fetches an event's URL, extracts what was requested, and stores it in the event's payload. Returns the event as
    /// stored, and the result.
    ///
    /// # Errors
    /// The errors of `fetch::Fetcher::fetch`; nothing is stored then.
    pub async fn process_event(
        &self,
        principal: &Principal,
        id: EventId,
        request: ProcessRequest,
    ) -> Result<(Event, ProcessOutcome)> {
        let event = self.event_to_change(principal, id).await?;
        Error::check(self.process_problems(&event, &request))?;
        let url = event.spec.url;
        let found = self.fetcher.fetch(&url, request.wanted()).await?;
        let processed = ProcessOutcome { url, request, found };
        let kept = Value::Object(processed.to_map(id));
        let keep = |spec: &mut EventSpec| drop(spec.payload.insert(PROCESSED.to_owned(), kept));
        Ok((self.store.catalog().events.add_fetched_to_event(principal, id, keep).await?, processed))
    }
}

/// Returns the problems of a request to acknowledge events, except those of single events.
pub fn acknowledgement_problems(ids: &[EventId], note: Option<&str>) -> Vec<FieldError> {
    let mut found = Vec::new();
    if ids.is_empty() {
        found.push(FieldError::new("ids", "This list may not be empty."));
    } else if ids.len() > MAX_ACKNOWLEDGED {
        let message = format!("Ensure this field has no more than {MAX_ACKNOWLEDGED} elements.");
        found.push(FieldError::new("ids", message));
    }
    check_note(&mut found, note);
    found
}

/// Returns the filter of the next page and how many rows are still wanted; `None` after the last page.
fn next_page(filter: EventFilter, found: &[Event], left: usize) -> Option<(EventFilter, usize)> {
    let last = found.last()?;
    let left = left.saturating_sub(found.len());
    let page = Pagination { offset: 0, limit: left.min(PAGE) };
    let next = EventFilter { after: Some((last.spec.ts, last.id)), page, ..filter };
    (left > 0).then_some((next, left))
}

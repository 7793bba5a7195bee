//! Mutations of events.

use async_graphql::{Context, ID, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Level;
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::event::Event;
use crate::api::graphql::scalars::DateTime;
use crate::app::event as found;
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, EventId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 2] = [("device", NodeType::Device), ("data", NodeType::Stream)];

/// Mutations that create, change, delete and process events.
#[derive(Default)]
pub struct EventMutations;

input_objects! {
    /// Event settings besides the kind. Omitted fields keep their value on update and get their default on creation.
    pub struct EventSettings {
        /// Id or row number of the device of the event; null for none.
        device: MaybeUndefined<ID>,
        /// Id or row number of the stream of the event; null for none.
        data: MaybeUndefined<ID>,
        /// Severity of the event; default `info`.
        level: MaybeUndefined<Level>,
        /// Time of the event; default now.
        timestamp: MaybeUndefined<DateTime>,
        /// Description of the event, at most 4,000 characters.
        message: MaybeUndefined<String>,
        /// URL with more information, http or https, at most 2,000 characters.
        url: MaybeUndefined<String>,
        /// Additional data as a JSON object; default `{}`.
        payload: MaybeUndefined<Value>,
    }

    /// Input for a new event. Omitted fields get their defaults.
    pub struct CreateEventInput {
        /// Kind of event: 1 to 32 letters, digits, underscores or hyphens, such as `alarm`.
        kind: String,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: EventSettings,
    }

    /// Changes to an event. Omitted fields stay unchanged.
    pub struct UpdateEventInput {
        /// Kind of event: 1 to 32 letters, digits, underscores or hyphens, such as `alarm`.
        kind: MaybeUndefined<String>,
        /// Whether the event has been acknowledged.
        acknowledged: Option<bool>,
        /// Text about the event, at most 4,000 characters; null removes it.
        note: MaybeUndefined<String>,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: EventSettings,
    }

    /// Text to extract from the document at an event's URL.
    pub struct ProcessEventInput {
        /// CSS selector of the elements to extract; null extracts the whole text.
        selector: MaybeUndefined<String>,
        /// Attribute to extract from each element; null extracts its text.
        attr: MaybeUndefined<String>,
    }
}

/// Data extracted from the document at an event's URL.
#[derive(SimpleObject)]
#[graphql(name = "Processed")]
pub struct ProcessResult {
    /// URL of the document after redirects.
    url: String,
    /// HTTP status of the response, such as 200.
    status: u16,
    /// Media type of the response; empty if the response gave none.
    content_type: String,
    /// CSS selector that was used; null for the whole text.
    selector: Option<String>,
    /// Attribute that was extracted from each element; null for its text.
    attr: Option<String>,
    /// Extracted texts in document order.
    results: Vec<String>,
}

impl From<found::ProcessOutcome> for ProcessResult {
    fn from(of: found::ProcessOutcome) -> Self {
        Self {
            url: of.url,
            status: of.found.status,
            content_type: of.found.content_type,
            selector: of.request.selector,
            attr: of.request.attr,
            results: of.found.results,
        }
    }
}

/// Result of processing an event.
#[derive(SimpleObject)]
pub struct ProcessEventPayload {
    /// The event with the extracted data in its payload; null if nothing was fetched.
    event: Option<Event>,
    /// The extracted data; null if nothing was fetched.
    processed: Option<ProcessResult>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// The arguments of `acknowledgeEvents`, as fields.
#[derive(Serialize)]
struct Acknowledgement {
    ids: Vec<ID>,
    note: Option<String>,
}

/// Result of acknowledging events.
#[derive(SimpleObject)]
pub struct AcknowledgeEventsPayload {
    /// Row numbers of the events that are acknowledged now and were not before; null if nothing was changed.
    row_ids: Option<Vec<i32>>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

payload! {
    /// Result of creating or updating an event.
    pub struct EventPayload {
        /// The event as stored after the change; null if nothing was changed.
        event: Event(domain::event::Event),
    }
}

object! {
    #[Object(name = "EventMutations")]
    impl EventMutations(self) {}
    rows(
        ctx,
        row: Event,
        "Global id of the event, or its row number as text; give this or `rowId`.",
        "Row number of the event, as REST and SQL show it; give this or `id`.",
    ) {
        /// Updates the given fields.
        update_event(
            #[graphql(desc = "Fields of the event to change.")] input: UpdateEventInput,
        ): EventPayload = {
            let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
            let made = match row {
                Ok(row) => app(ctx).events.update_event_from_fields(caller(ctx), EventId(row), fields).await,
                Err(error) => Err(error),
            };
            EventPayload::from_result(made)
        };
        /// Resolves the alert of an event that a rule raised; the rule may raise another one then. A repeat changes nothing.
        /// `updateEvent` acknowledges an alert.
        resolve_alert(
            #[graphql(desc = "Text for the alert, at most 4,000 characters; without one it keeps what it has.")]
            note: Option<String>,
        ): EventPayload = {
            let made = match row {
                Ok(row) => app(ctx).alerts.resolve_alert_of_event(caller(ctx), EventId(row), note).await,
                Err(error) => Err(error),
            };
            EventPayload::from_result(made)
        };
        /// Fetches the event's URL and extracts data from the document. The result is also stored in the event as
        /// `payload.processed`.
        process_event(
            #[graphql(desc = "Part to extract; default: the whole text of the page.")]
            input: Option<ProcessEventInput>,
        ): ProcessEventPayload = {
            let fields = input::to_fields(&input, ReadMode::Whole, &[]);
            let made = match row {
                Ok(row) => app(ctx).events.process_event_from_fields(caller(ctx), EventId(row), fields).await,
                Err(error) => Err(error),
            };
            let (made, errors) = into_payload(made)?;
            let (event, processed) = made.map(|(event, found)| (Event(event), found.into())).unzip();
            Ok(ProcessEventPayload { event, processed, errors })
        };
        /// Deletes an event from the event log.
        delete_event(): DeletePayload = {
            let row = row?;
            DeletePayload::from_result(row, app(ctx).events.delete_event(caller(ctx), EventId(row)).await)
        };
    }
    resolvers {
        /// Adds an event to the event log.
        async fn create_event(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Contents of the new event.")] input: CreateEventInput,
        ) -> Result<EventPayload> {
            let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
            EventPayload::from_result(app(ctx).events.create_event_from_fields(caller(ctx), fields).await)
        }

        /// Acknowledges up to 1,000 events, all or none. Those that are acknowledged already stay as they are.
        async fn acknowledge_events(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Global ids of the events, or their row numbers as text.")] ids: Vec<ID>,
            #[graphql(desc = "Text for every event that is acknowledged now, at most 4,000 characters.")]
            note: Option<String>,
        ) -> Result<AcknowledgeEventsPayload> {
            let input = Acknowledgement { ids, note };
            let fields = input::to_fields(&input, ReadMode::Whole, &[("ids", NodeType::Event)]);
            let (rows, errors) =
                into_payload(app(ctx).events.acknowledge_events_from_fields(caller(ctx), fields).await)?;
            let row_ids = rows.map(|rows| rows.into_iter().map(|id| id.0).collect());
            Ok(AcknowledgeEventsPayload { row_ids, errors })
        }
    }
}

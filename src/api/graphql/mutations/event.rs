//! Changes of events.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Level;
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::event::Event;
use crate::api::graphql::scalars::DateTime;
use crate::api::rest::event;
use crate::api::rest::fields::Mode;
use crate::app::event as found;
use crate::domain::{self, EventId};

/// Fields that name rows.
const ROWS: [(&str, Noun); 2] = [("device", Noun::Device), ("data", Noun::Stream)];

#[derive(Default)]
pub struct Mutations;

/// What an event may be given beside its kind. Fields left out keep their value, or get their default.
#[derive(InputObject, Serialize)]
pub struct EventSettings {
    /// The device it happened at; null is none.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    device: MaybeUndefined<ID>,
    /// The stream it is about; null is none.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    data: MaybeUndefined<ID>,
    /// How much it matters; default `info`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    level: MaybeUndefined<Level>,
    /// When it happened; default now.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    timestamp: MaybeUndefined<DateTime>,
    /// At most 4,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    message: MaybeUndefined<String>,
    /// Of http or https, at most 2,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    url: MaybeUndefined<String>,
    /// Whatever belongs to it, as a JSON object; default `{}`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    payload: MaybeUndefined<Value>,
}

/// An event to be written. Fields left out get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateEventInput {
    /// 1 to 32 letters, digits, underscores or hyphens, such as `alarm`.
    kind: String,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: EventSettings,
}

/// What is to change of an event. Fields left out stay as they are.
#[derive(InputObject, Serialize)]
pub struct UpdateEventInput {
    /// 1 to 32 letters, digits, underscores or hyphens, such as `alarm`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    kind: MaybeUndefined<String>,
    /// Whether somebody has taken note of it.
    #[serde(skip)]
    acknowledged: Option<bool>,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: EventSettings,
}

/// What to look for at an event's URL.
#[derive(InputObject, Serialize)]
pub struct ProcessEventInput {
    /// A CSS selector; null is the whole text.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    selector: MaybeUndefined<String>,
    /// The attribute wanted of each element; null is its text.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    attr: MaybeUndefined<String>,
}

/// What was found at an event's URL.
#[derive(SimpleObject)]
pub struct Processed {
    /// The URL that answered, after redirects.
    url: String,
    /// The HTTP status of the answer, such as 200.
    status: u16,
    /// The media type; empty when none was told.
    content_type: String,
    /// The CSS selector that was looked for; null is the whole text.
    selector: Option<String>,
    /// The attribute that was taken of each element; null is its text.
    attr: Option<String>,
    /// What was found, in the order of the document.
    results: Vec<String>,
}

impl From<found::Processed> for Processed {
    fn from(of: found::Processed) -> Self {
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

/// What became of processing an event.
#[derive(SimpleObject)]
pub struct ProcessEventPayload {
    /// The event with what was found in its payload; null when nothing was fetched.
    event: Option<Event>,
    /// What was found; null when nothing was fetched.
    processed: Option<Processed>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

/// What came of writing or changing an event.
#[derive(SimpleObject)]
pub struct EventPayload {
    /// The event as it is stored now; null when nothing was changed.
    event: Option<Event>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

impl EventPayload {
    fn of(result: domain::Result<domain::event::Event>) -> Result<Self> {
        let (event, errors) = settle(result)?;
        Ok(Self { event: event.map(Event), errors })
    }
}

#[Object(name = "EventMutations")]
impl Mutations {
    /// Writes an event to the event log.
    async fn create_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the event is to be.")] input: CreateEventInput,
    ) -> Result<EventPayload> {
        let fields = input::fields(&input, Mode::Whole, &ROWS);
        EventPayload::of(event::make(app(ctx), caller(ctx), fields).await)
    }

    /// Changes the fields that are given.
    async fn update_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the event, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the event, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What is to change of the event.")] input: UpdateEventInput,
    ) -> Result<EventPayload> {
        let fields = input::fields(&input, Mode::Partial, &ROWS);
        let made = match ids::either(Noun::Event, id.as_ref(), row_id) {
            Ok(row) => event::change(app(ctx), caller(ctx), EventId(row), fields, input.acknowledged).await,
            Err(error) => Err(error),
        };
        EventPayload::of(made)
    }

    /// Fetches the event's URL and finds what is wanted in it. The answer is also kept in the event, as
    /// `payload.processed`.
    async fn process_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the event, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the event, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What to look for; unless said the whole text of the page.")] input: Option<
            ProcessEventInput,
        >,
    ) -> Result<ProcessEventPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let made = match ids::either(Noun::Event, id.as_ref(), row_id) {
            Ok(row) => event::look(app(ctx), caller(ctx), EventId(row), fields).await,
            Err(error) => Err(error),
        };
        let (made, errors) = settle(made)?;
        let (event, processed) = made.map(|(event, found)| (Event(event), found.into())).unzip();
        Ok(ProcessEventPayload { event, processed, errors })
    }

    /// Removes an event from the event log.
    async fn delete_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the event, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the event, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Deleted> {
        let row = ids::either(Noun::Event, id.as_ref(), row_id)?;
        Ok(Deleted::of(row, settle(app(ctx).delete_event(caller(ctx), EventId(row)).await)?))
    }
}
